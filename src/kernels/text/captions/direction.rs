//! The base direction of a caption: that of its cue, not that of the first letter of each line.

/// Languages that are written from right to left (ISO 639-3).
const RIGHT_TO_LEFT: [&str; 17] = [
    "ara", "arz", "ary", "apc", "arb", "heb", "fas", "pes", "prs", "urd", "yid", "pus", "snd",
    "uig", "ckb", "div", "syr",
];
const LEFT_MARK: char = '\u{200E}';
const RIGHT_MARK: char = '\u{200F}';

/// In which direction a text runs where its characters do not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in super::super) enum Direction {
    #[default]
    LeftToRight,
    RightToLeft,
}

impl Direction {
    /// That of a cue: from right to left where its language is written so and it has letters that are, else that
    /// of most of its words.
    pub(in super::super) fn of(text: &str, language: Option<&str>) -> Self {
        let mut words = [0, 0];
        for word in text.split_whitespace() {
            if let Some(direction) = word.chars().find_map(strong) {
                words[usize::from(direction == Self::RightToLeft)] += 1;
            }
        }
        let [left, right] = words;
        let is_usual = language.is_some_and(|l| RIGHT_TO_LEFT.contains(&l));
        if right > 0 && (is_usual || right >= left) { Self::RightToLeft } else { Self::LeftToRight }
    }

    /// The invisible character before a line that would run in the other direction without it: players and libass
    /// take the direction of a line from its first letter.
    pub(in super::super) fn mark(self, line: &str) -> Option<char> {
        // Without letters it runs from left to right.
        let own = line.chars().find_map(strong).unwrap_or_default();
        (own != self).then_some(match self {
            Self::LeftToRight => LEFT_MARK,
            Self::RightToLeft => RIGHT_MARK,
        })
    }
}

/// The direction of a letter; `None` for digits, marks and spaces, which have none of their own.
fn strong(c: char) -> Option<Direction> {
    match c {
        '\u{590}'..='\u{8FF}'
        | '\u{FB1D}'..='\u{FDFF}'
        | '\u{FE70}'..='\u{FEFC}'
        | '\u{10800}'..='\u{10FFF}'
        | '\u{1E800}'..='\u{1EFFF}' => c.is_alphabetic().then_some(Direction::RightToLeft),
        _ => c.is_alphabetic().then_some(Direction::LeftToRight),
    }
}

/// `text` with a [mark](Direction::mark) before each line that needs one.
pub(in super::super) fn marked(text: &str, direction: Direction) -> String {
    let line = |line: &str| match direction.mark(line) {
        Some(mark) => format!("{mark}{line}"),
        None => line.to_owned(),
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}
