//! The metrics by plain loops: slow, and meant to be read.

use std::collections::{BTreeMap, BTreeSet};

use clipflow::model::event::EventKind;
use serde_json::Value;

use super::tables::{Row, Table};

/// What is asked of a table.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    pub by: &'static [&'static str],
    pub lag_hours: f64,
    pub as_of: &'static str,
}

/// A metric's name and what it is made of: the numerator (or the parts of it, of which one is enough), and
/// the denominator.
const RATIOS: [(&str, &[&str], &str); 12] = [
    ("engagement_rate", &["likes", "comments", "shares", "saves"], "views"),
    ("engagement_rate_by_reach", &["likes", "comments", "shares", "saves"], "audience_reach"),
    ("engagement_rate_by_impressions", &["likes", "comments", "shares", "saves"], "impressions"),
    ("engagement_rate_by_followers", &["likes", "comments", "shares", "saves"], "followers"),
    ("click_rate", &["clicks"], "impressions"),
    ("share_rate", &["shares"], "views"),
    ("frequency", &["impressions"], "audience_reach"),
    ("hook_rate", &["views_3s"], "impressions"),
    ("hook_rate_2s", &["views_2s"], "impressions"),
    ("hold_rate", &["holds"], "views_3s"),
    ("average_watch_ratio", &["watch_seconds"], "playable_seconds"),
    ("velocity", &["views"], "hours"),
];

/// Every metric and count that is asked for.
pub fn asked() -> Vec<String> {
    let ratios = RATIOS.iter().map(|r| r.0);
    let others = [
        "completion_rate",
        "viral_coefficient",
        "social_lift",
        "mean_hook_rate",
        "mean_engagement_rate",
    ];
    let counts = EventKind::ALL.iter().map(|k| k.figure());
    let all = ratios.chain(others).chain(counts).chain(["audience_reach", "new_viewers"]);
    all.map(str::to_owned).collect()
}

const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;

/// Seconds since 1970 of a time of the tables.
fn seconds(text: &str) -> f64 {
    let day: f64 = match text.get(8..10).and_then(|d| d.parse::<f64>().ok()) {
        _ if text.starts_with("2099") => return 4.0e9,
        // 2026-05-01 is day 20,574.
        Some(day) if text.contains('-') => 20_573.0 + day,
        _ => 20_573.0 + text[6..8].parse::<f64>().unwrap(),
    };
    let part =
        |from: usize| text.get(from..from + 2).and_then(|p| p.parse::<f64>().ok()).unwrap_or(0.0);
    let ahead = if text.ends_with("+02:00") { 2.0 } else { 0.0 };
    let second = if text.len() > 16 { part(17) } else { 0.0 };
    let time = if text.contains('T') { part(11) * HOUR + part(14) * 60.0 + second } else { 0.0 };
    day * DAY + time - ahead * HOUR
}

fn day_name(day: f64) -> String {
    if day > 40_000.0 { "2099-01-01".to_owned() } else { format!("2026-05-{:02}", day - 20_573.0) }
}

/// A row whose parts are known together: a variant's events of one group, or a day of daily aggregates.
struct Unit {
    variant: Option<String>,
    group: Vec<Option<String>>,
    /// The day, where days are told apart.
    day: Option<f64>,
    platform: Option<String>,
    figures: BTreeMap<&'static str, f64>,
}

fn text(row: &Row, name: &str) -> Option<String> {
    row.get(name)?.text()
}

/// When a row is of: seconds since 1970, for days of their end.
fn when(table: &Table, row: &Row) -> Option<f64> {
    match table.is_raw {
        true => Some(seconds(&text(row, "ts")?)),
        false => Some((seconds(&text(row, "day")?) / DAY).floor() * DAY + DAY),
    }
}

fn day_of(table: &Table, row: &Row) -> Option<f64> {
    let time = text(row, if table.is_raw { "ts" } else { "day" })?;
    Some((seconds(&time) / DAY).floor())
}

fn group(table: &Table, row: &Row, by: &[&str]) -> Vec<Option<String>> {
    let value = |name: &&str| match *name {
        "day" => day_of(table, row).map(day_name),
        name => text(row, name),
    };
    by.iter().map(value).collect()
}

/// A length: more than 0 seconds.
fn length(row: &Row) -> Option<f64> {
    row.get("duration")?.number().filter(|length| *length > 0.0)
}

/// The length of a variant's raw events, which is the same in all that have one.
fn length_of(table: &Table, variant: &Option<String>) -> Option<f64> {
    variant.as_ref()?;
    let rows = table.rows.iter().filter(|row| text(row, "variant_id") == *variant);
    let lengths: Vec<f64> = rows.filter_map(length).collect();
    lengths.first().copied().filter(|first| lengths.iter().all(|length| length == first))
}

/// An answer's rows: values by name.
pub fn answer(table: &Table, question: &Question) -> Vec<BTreeMap<String, Value>> {
    let cut = seconds(question.as_of) - question.lag_hours * HOUR;
    let counts: Vec<&Row> =
        table.rows.iter().filter(|row| when(table, row).is_some_and(|t| t <= cut)).collect();
    let mut units = match table.is_raw {
        true => raw_units(table, &counts, question.by),
        false => counts.iter().map(|row| day_unit(table, row, question.by)).collect(),
    };
    add_hours(table, &counts, &mut units, question, cut);
    let mut groups: BTreeMap<Vec<Option<String>>, Vec<&Unit>> = BTreeMap::new();
    if question.by.is_empty() {
        groups.insert(vec![], vec![]);
    }
    for unit in &units {
        groups.entry(unit.group.clone()).or_default().push(unit);
    }
    let answer = |(key, units): (&Vec<Option<String>>, &Vec<&Unit>)| {
        let mut row = of_group(table, &counts, question, key, units);
        for (name, value) in question.by.iter().zip(key) {
            row.insert((*name).to_owned(), value.clone().map_or(Value::Null, Value::from));
        }
        row
    };
    groups.iter().map(answer).collect()
}

/// Variant, and values of the columns to group by.
type CellKey = (Option<String>, Vec<Option<String>>);

fn raw_units(table: &Table, rows: &[&Row], by: &[&str]) -> Vec<Unit> {
    let kind_of = |row: &Row| text(row, "event").unwrap_or_default();
    // Tracked is what occurs anywhere, in rows that do not count too.
    let tracked: BTreeSet<String> = table.rows.iter().map(kind_of).collect();
    let mut cells: BTreeMap<_, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        cells.entry((text(row, "variant_id"), group(table, row, by))).or_default().push(row);
    }
    let unit = |((variant, group), rows): (CellKey, Vec<&Row>)| {
        let mut figures = BTreeMap::new();
        let of = |kind: &str| rows.iter().filter(|row| kind_of(row) == kind).collect::<Vec<_>>();
        let viewers = |kind: &str| -> BTreeSet<String> {
            of(kind).iter().filter_map(|row| text(row, "viewer_id")).collect()
        };
        for kind in EventKind::ALL {
            if tracked.contains(kind.as_str()) {
                let events = of(kind.as_str());
                let value = match kind {
                    EventKind::WatchSeconds => {
                        events.iter().filter_map(|row| row.get("value")?.number()).sum()
                    }
                    _ => events.len() as f64,
                };
                figures.insert(kind.figure(), value);
            }
        }
        let known: BTreeSet<String> =
            rows.iter().filter_map(|row| text(row, "viewer_id")).collect();
        if !known.is_empty() {
            figures.insert("audience_reach", known.len() as f64);
            if tracked.contains("referral_view") {
                figures.insert("new_viewers", viewers("referral_view").len() as f64);
            }
        }
        let anonymous = |kind: &str| {
            of(kind).iter().filter(|row| text(row, "viewer_id").is_none()).count() as f64
        };
        let (began, ended) = (viewers("view"), viewers("view_100"));
        if tracked.contains("view") {
            figures.insert("starts", began.len() as f64 + anonymous("view"));
        }
        if tracked.contains("view_100") {
            let both =
                if tracked.contains("view") { began.intersection(&ended).count() } else { 0 };
            figures.insert("completions", both as f64 + anonymous("view_100"));
        }
        let day = rows.first().and_then(|row| day_of(table, row)).filter(|_| by.contains(&"day"));
        let length = length_of(table, &variant);
        finish(Unit { variant, group, day, platform: None, figures }, length)
    };
    cells.into_iter().map(unit).collect()
}

fn day_unit(table: &Table, row: &Row, by: &[&str]) -> Unit {
    let mut figures = BTreeMap::new();
    let names = EventKind::ALL.iter().map(|k| k.figure());
    for name in names.chain(["audience_reach", "new_viewers", "followers"]) {
        if let Some(value) = row.get(name).and_then(super::tables::Cell::number) {
            figures.insert(name, value);
        }
    }
    for (from, to) in [("views", "starts"), ("views_100", "completions")] {
        if let Some(value) = figures.get(from).copied() {
            figures.insert(to, value);
        }
    }
    let unit = Unit {
        variant: text(row, "variant_id"),
        group: group(table, row, by),
        day: day_of(table, row).filter(|_| by.contains(&"day")),
        platform: text(row, "platform"),
        figures,
    };
    finish(unit, length(row))
}

fn finish(mut unit: Unit, length: Option<f64>) -> Unit {
    let holds = unit.figures.get("views_15s").or_else(|| unit.figures.get("views_100")).copied();
    unit.figures.extend(holds.map(|holds| ("holds", holds)));
    let playable = unit.figures.get("views").zip(length).map(|(views, length)| views * length);
    unit.figures.extend(playable.map(|seconds| ("playable_seconds", seconds)));
    unit
}

/// Hours from the variant's first event to the end of what counts; of its day where days are told apart.
fn add_hours(table: &Table, rows: &[&Row], units: &mut [Unit], question: &Question, cut: f64) {
    let as_of = seconds(question.as_of);
    let is_cut = question.lag_hours > 0.0
        && table.rows.iter().filter_map(|row| when(table, row)).any(|t| t > cut && t <= as_of);
    let whole = |t: f64| if table.is_raw { t } else { (t / DAY).floor() * DAY };
    let newest = rows.iter().filter_map(|row| when(table, row)).fold(f64::MIN, f64::max);
    let until = if is_cut { whole(cut) } else { newest };
    let back = if table.is_raw { 0.0 } else { DAY };
    for unit in units {
        let of_variant = rows.iter().filter(|row| text(row, "variant_id") == unit.variant);
        let first = of_variant.filter_map(|row| when(table, row)).fold(f64::MAX, f64::min) - back;
        let seconds = match unit.day {
            None => until - first,
            Some(day) => (until.min((day + 1.0) * DAY) - first.max(day * DAY)).max(0.0),
        };
        if unit.variant.is_some() {
            unit.figures.insert("hours", seconds / HOUR);
        }
    }
}

fn ratio(numerator: f64, denominator: f64) -> Option<f64> {
    Some(numerator / denominator).filter(|value| denominator > 0.0 && value.is_finite())
}

/// Sums of a group's units by variant: what is the same in all rows of one is taken once.
fn sum(units: &[&Unit], name: &str) -> f64 {
    if name != "hours" {
        return units.iter().map(|unit| unit.figures[name]).sum();
    }
    let mut hours: BTreeMap<(&Option<String>, Option<u64>), f64> = BTreeMap::new();
    for unit in units {
        hours.insert((&unit.variant, unit.day.map(|d| d as u64)), unit.figures[name]);
    }
    hours.values().sum()
}

fn of_group(
    table: &Table,
    rows: &[&Row],
    question: &Question,
    key: &[Option<String>],
    units: &[&Unit],
) -> BTreeMap<String, Value> {
    let mut answer: BTreeMap<String, Option<f64>> = BTreeMap::new();
    let mut left_out = vec![false; units.len()];
    let has = |unit: &Unit, name: &&str| unit.figures.contains_key(name);
    let mut complete = |any: &[&'static str], all: &[&'static str]| -> Vec<&Unit> {
        let mut complete = vec![];
        for (unit, out) in units.iter().zip(&mut left_out) {
            let is = (any.is_empty() || any.iter().any(|n| has(unit, n)))
                && all.iter().all(|n| has(unit, n));
            if is {
                complete.push(*unit);
            } else if any.iter().chain(all).any(|n| has(unit, n)) {
                *out = true;
            }
        }
        complete
    };
    // Distinct viewers of the group; of daily aggregates they are known where it is one row.
    let in_group: Vec<&&Row> =
        rows.iter().filter(|row| group(table, row, question.by) == key).collect();
    let reach = |name: &str, complete: &[&Unit]| -> Option<f64> {
        if !table.is_raw {
            let one = if units.len() == 1 { complete.first() } else { None };
            return one.and_then(|unit| unit.figures.get(name).copied());
        }
        if question.by.contains(&"variant_id") {
            let one = if units.len() == 1 { complete.first() } else { None };
            return one.and_then(|unit| unit.figures.get(name).copied());
        }
        let kind = |row: &&&&Row| {
            name == "audience_reach" || text(row, "event").as_deref() == Some("referral_view")
        };
        let any = in_group.iter().any(|row| text(row, "viewer_id").is_some());
        let tracked = name == "audience_reach"
            || table.rows.iter().any(|row| text(row, "event").as_deref() == Some("referral_view"));
        let viewers: BTreeSet<String> =
            in_group.iter().filter(kind).filter_map(|row| text(row, "viewer_id")).collect();
        (any && tracked).then_some(viewers.len() as f64)
    };
    for (metric, parts, denominator) in RATIOS {
        let (any, all) = match parts {
            [only] => (vec![], vec![*only, denominator]),
            several => (several.to_vec(), vec![denominator]),
        };
        let complete = complete(&any, &all);
        let of = |unit: &&Unit| parts.iter().filter_map(|p| unit.figures.get(p)).sum::<f64>();
        let numerator: f64 = complete.iter().map(of).sum();
        let below = match denominator {
            "audience_reach" => reach(denominator, &complete),
            "followers" => {
                let mut accounts: BTreeMap<&Option<String>, f64> = BTreeMap::new();
                for unit in &complete {
                    let most = accounts.entry(&unit.platform).or_default();
                    *most = most.max(unit.figures["followers"]);
                }
                Some(accounts.values().sum())
            }
            name => Some(sum(&complete, name)),
        };
        let value =
            below.filter(|_| !complete.is_empty()).and_then(|below| ratio(numerator, below));
        answer.insert(metric.to_owned(), value);
    }
    let viral = complete(&[], &["shares", "audience_reach", "new_viewers"]);
    let (shares, viewers, new) =
        (sum(&viral, "shares"), reach("audience_reach", &viral), reach("new_viewers", &viral));
    let k = viewers
        .zip(new)
        .filter(|_| !viral.is_empty())
        .and_then(|(viewers, new)| Some(ratio(shares, viewers)? * ratio(new, shares)?));
    answer.insert("viral_coefficient".to_owned(), k);
    let lift = complete(&[], &["views", "referral_views"]);
    let (views, referred) = (sum(&lift, "views"), sum(&lift, "referral_views"));
    answer.insert(
        "social_lift".to_owned(),
        ratio(views, views - referred).filter(|_| !lift.is_empty()),
    );
    // Completions and views of a variant, where they can be.
    let ends = complete(&[], &["completions", "starts"]);
    let by_variant = |units: &[&'_ Unit]| -> Vec<Vec<usize>> {
        let mut variants: BTreeMap<&Option<String>, Vec<usize>> = BTreeMap::new();
        for (i, unit) in units.iter().enumerate() {
            variants.entry(&unit.variant).or_default().push(i);
        }
        variants.into_values().collect()
    };
    let (mut ended, mut began, mut unsound, mut any) = (0.0, 0.0, 0, false);
    for variant in by_variant(&ends) {
        let of = |name: &str| variant.iter().map(|i| ends[*i].figures[name]).sum::<f64>();
        if of("completions") > of("starts") {
            unsound += 1;
        } else {
            (ended, began, any) = (ended + of("completions"), began + of("starts"), true);
        }
    }
    answer.insert("completion_rate".to_owned(), ratio(ended, began).filter(|r| any && *r <= 1.0));
    let engagements = &["likes", "comments", "shares", "saves"][..];
    for (name, parts, below) in [
        ("mean_hook_rate", &["views_3s"][..], "impressions"),
        ("mean_engagement_rate", engagements, "views"),
    ] {
        let known = |unit: &&&Unit| parts.iter().any(|p| has(unit, p)) && has(unit, &below);
        let complete: Vec<&Unit> = units.iter().filter(known).copied().collect();
        let rates: Vec<f64> = by_variant(&complete)
            .into_iter()
            .filter_map(|variant| {
                let of = |name: &str| -> f64 {
                    variant.iter().filter_map(|i| complete[*i].figures.get(name)).sum()
                };
                ratio(parts.iter().map(|p| of(p)).sum(), of(below))
            })
            .collect();
        let mean = rates.iter().sum::<f64>() / rates.len() as f64;
        answer.insert(name.to_owned(), Some(mean).filter(|_| !rates.is_empty()));
    }
    for figure in EventKind::ALL.iter().map(|k| k.figure()) {
        let known: Vec<f64> = units.iter().filter_map(|u| u.figures.get(figure).copied()).collect();
        answer.insert(figure.to_owned(), Some(known.iter().sum()).filter(|_| !known.is_empty()));
    }
    for name in ["audience_reach", "new_viewers"] {
        let all: Vec<&Unit> = units.to_vec();
        answer.insert(name.to_owned(), reach(name, &all));
    }
    let variants: BTreeSet<&String> = units.iter().filter_map(|u| u.variant.as_ref()).collect();
    answer.insert("variants".to_owned(), Some(variants.len() as f64));
    let rows = left_out.iter().filter(|out| **out).count() + unsound;
    answer.insert("left_out".to_owned(), Some(rows as f64));
    answer.into_iter().map(|(name, value)| (name, value.map_or(Value::Null, Value::from))).collect()
}
