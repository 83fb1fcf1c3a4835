//! Days as platforms write them.

use super::iso;

/// Which number comes first where a day is written with slashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    MonthFirst,
    DayFirst,
}

/// The first letters of the months, in the languages of exports.
const MONTHS: [&[&str]; 12] = [
    &["jan", "gen", "ene", "oca", "sty", "янв"],
    &["feb", "fév", "fev", "şub", "lut", "фев"],
    &["mar", "mär", "mrt", "maa", "мар"],
    &["apr", "avr", "abr", "nis", "kwi", "апр"],
    &["may", "mai", "mag", "mei", "maj", "май", "мая"],
    &["jun", "juin", "giu", "haz", "cze", "июн"],
    &["jul", "juil", "lug", "tem", "lip", "июл"],
    &["aug", "aoû", "aou", "ago", "ağu", "sie", "авг"],
    &["sep", "set", "eyl", "wrz", "сен"],
    &["oct", "okt", "ott", "out", "eki", "paź", "окт"],
    &["nov", "kas", "lis", "ноя"],
    &["dec", "dez", "dic", "déc", "ara", "gru", "дек"],
];

/// The month that a word names.
fn month(word: &str) -> Option<usize> {
    let word = word.to_lowercase();
    MONTHS.iter().position(|names| names.iter().any(|name| word.starts_with(name))).map(|n| n + 1)
}

/// The order of a column's days: a number above 12 is no month. `None` if they contradict each other.
pub(super) fn order<'a>(texts: impl Iterator<Item = &'a str>) -> Option<Order> {
    let (mut first, mut second) = (false, false);
    for (a, b, _) in texts.filter_map(slashes) {
        first |= a > 12;
        second |= b > 12;
    }
    match (first, second) {
        (true, true) => None,
        (true, false) => Some(Order::DayFirst),
        // As Meta writes them.
        _ => Some(Order::MonthFirst),
    }
}

/// The first day that would be another one with the other order, if no day tells the order.
pub(super) fn guessed<'a>(texts: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut first = None;
    for text in texts {
        if let Some((a, b, _)) = slashes(text) {
            if a > 12 || b > 12 {
                return None;
            }
            first = first.or(Some(text).filter(|_| a != b));
        }
    }
    first
}

/// Days since 1970 of `2026-05-01` (a time may follow), `20260501`, `05/01/2026`, `01.05.2026`, `May 1, 2026`,
/// `1 May 2026` or the like in the languages of exports.
pub(super) fn parse(text: &str, order: Order) -> Option<i32> {
    let text = text.trim();
    let is_digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if text.len() == 8 && is_digits(text) {
        return iso(&format!("{}-{}-{}", text.get(..4)?, text.get(4..6)?, text.get(6..)?));
    }
    if let Some((a, b, year)) = slashes(text) {
        let (month, day) = if order == Order::DayFirst { (b, a) } else { (a, b) };
        return iso(&format!("{year:04}-{month:02}-{day:02}"));
    }
    let (head, behind) = text.split_once(['T', ' ']).unwrap_or((text, ""));
    if head.len() == 10 && head.as_bytes().get(4) == Some(&b'-') {
        return iso(head).filter(|_| is_time(behind));
    }
    if let Some(day) = east_asian(text) {
        return iso(&day);
    }
    if let Some((day, month, year)) = dots(text) {
        return iso(&format!("{year:04}-{month:02}-{day:02}"));
    }
    let words: Vec<&str> = text
        .split([' ', ','])
        .map(|word| word.trim_end_matches('.'))
        .filter(|word| !word.is_empty() && !["de", "del", "г"].contains(word))
        .collect();
    let [a, b, year, behind @ ..] = words.as_slice() else { return None };
    if !is_time(&behind.concat()) {
        return None;
    }
    let (name, day) = if is_digits(a) { (b, a) } else { (a, b) };
    let month = month(name)?;
    let (day, year): (u32, u32) = (day.parse().ok()?, year.parse().ok()?);
    iso(&format!("{year:04}-{month:02}-{day:02}"))
}

/// `5.5.2026` and `05.05.2026`: the day is first where dots are.
fn dots(text: &str) -> Option<(u32, u32, u32)> {
    let (head, behind) = text.split_once([' ', ',']).unwrap_or((text, ""));
    let mut parts = head.split('.').map(|p| p.parse::<u32>().ok());
    let (day, month, year) = (parts.next()??, parts.next()??, parts.next()??);
    (year >= 1000 && parts.next().is_none() && is_time(behind)).then_some((day, month, year))
}

/// `2026年5月4日` and `2026년 5월 4일`.
fn east_asian(text: &str) -> Option<String> {
    let (year, rest) = text.split_once(['年', '년'])?;
    let (month, rest) = rest.split_once(['月', '월'])?;
    let (day, _) = rest.split_once(['日', '일'])?;
    let number = |text: &str| text.trim().parse::<u32>().ok();
    Some(format!("{:04}-{:02}-{:02}", number(year)?, number(month)?, number(day)?))
}

/// The three numbers of a day with slashes, the year last.
fn slashes(text: &str) -> Option<(u32, u32, u32)> {
    let (head, behind) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let mut parts = head.split('/').map(|p| p.parse::<u32>().ok());
    let (a, b, year) = (parts.next()??, parts.next()??, parts.next()??);
    (year >= 1000 && parts.next().is_none() && is_time(behind)).then_some((a, b, year))
}

/// Whether what stands behind a day is a time: a further day would make it a span.
fn is_time(behind: &str) -> bool {
    behind.trim().is_empty() || behind.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_day_in_many_ways() {
        let day = iso("2026-05-04");
        assert!(day.is_some());
        for text in [
            "2026-05-04",
            "2026-05-04T10:00:00Z",
            "2026-05-04 10:00",
            "20260504",
            "05/04/2026",
            "5/4/2026 10:00",
            "May 4, 2026",
            "4 May 2026",
            "MAY 04 2026",
            "4. Mai 2026",
            "4 de mayo de 2026",
            "4 mai 2026",
            "4 мая 2026 г.",
            "04.05.2026",
            "4.5.2026 10:00",
            "2026年5月4日",
            "2026년 5월 4일",
        ] {
            assert_eq!(parse(text, Order::MonthFirst), day, "{text}");
        }
        assert_eq!(parse("04/05/2026", Order::DayFirst), day);
        for text in [
            "2026-05-01 - 2026-05-28",
            "05/01/2026 to 05/28/2026",
            "May 1, 2026 – May 28, 2026",
            "",
            "Lifetime",
            "2026-13-01",
            "31/31/2026",
            "May 2026",
            "2026-02-30",
        ] {
            assert_eq!(parse(text, Order::MonthFirst), None, "{text}");
        }
    }

    #[test]
    fn a_number_above_12_tells_the_order() {
        assert_eq!(order(["01/02/2026", "13/02/2026"].into_iter()), Some(Order::DayFirst));
        assert_eq!(order(["01/02/2026", "02/13/2026"].into_iter()), Some(Order::MonthFirst));
        assert_eq!(order(["13/02/2026", "02/13/2026"].into_iter()), None);
        assert_eq!(guessed(["01/01/2026", "01/02/2026"].into_iter()), Some("01/02/2026"));
        assert_eq!(guessed(["01/02/2026", "13/02/2026"].into_iter()), None);
    }
}
