//! Titles in several forms, made from the clip's own words.

use super::lexicon::Lexicon;
use super::script::{LEAST_WORDS, Script};
use super::trim::{graphemes, trim_to};

/// The form of a title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TitleStyle {
    /// The most representative sentence.
    Statement,
    /// A question from the clip.
    Question,
    /// Keyphrases, without a sentence.
    Keyword,
    /// A sentence from the clip, in quotation marks.
    Quote,
}

impl TitleStyle {
    /// All forms.
    pub const ALL: [Self; 4] = [Self::Statement, Self::Question, Self::Keyword, Self::Quote];

    /// The spelling in `title_style`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Statement => "statement",
            Self::Question => "question",
            Self::Keyword => "keyword",
            Self::Quote => "quote",
        }
    }
}

/// Separator between the keyphrases of a title.
const BETWEEN: &str = " · ";
/// Largest number of keyphrases in a title.
const KEYPHRASES: usize = 3;
/// The title in the form `style`; `None` if the clip has no words for it.
pub(super) fn title(script: &Script<'_>, style: TitleStyle, most: usize) -> Option<String> {
    let title = match style {
        TitleStyle::Statement => plain(best(script, most, |i| !is_question(script, i))?.1, most),
        TitleStyle::Question => plain(best(script, most, |i| is_question(script, i))?.1, most),
        TitleStyle::Keyword => keywords(script, most)?,
        TitleStyle::Quote => {
            let stated = best(script, most, |i| !is_question(script, i)).map(|(i, _)| i);
            let other = |i| !is_question(script, i) && Some(i) != stated;
            quoted(best(script, most, other)?.1, most, &script.lexicon)?
        }
    };
    (!title.is_empty()).then_some(title)
}

fn is_question(script: &Script<'_>, sentence: usize) -> bool {
    let end = script.sentences[sentence].text.trim_end_matches(['"', '”', '»', '」', ')', ' ']);
    end.ends_with(['?', '？', '؟', '⁇', '‽', '\u{37E}'])
}

/// The most representative sentence among those `wanted`, the first of equals.
fn best<'s>(
    script: &'s Script<'_>,
    most: usize,
    wanted: impl Fn(usize) -> bool,
) -> Option<(usize, &'s str)> {
    let mut best: Option<(usize, f64)> = None;
    for (i, sentence) in script.sentences.iter().enumerate().filter(|(i, _)| wanted(*i)) {
        let fits = if sentence.length <= most { 1.0 } else { 0.6 };
        let says = if sentence.words >= LEAST_WORDS { 1.0 } else { 0.3 };
        let score = (0.1 + sentence.weight) * fits * says;
        if best.is_none_or(|(_, s)| score > s) {
            best = Some((i, score));
        }
    }
    best.map(|(i, _)| (i, script.sentences[i].text.as_str()))
}

/// A sentence as a title: without its full stop, starting with a capital.
fn plain(sentence: &str, most: usize) -> String {
    capitalised(&trim_to(unstopped(sentence), most))
}

fn unstopped(sentence: &str) -> &str {
    match sentence.strip_suffix(['.', '。', ',']) {
        Some(rest) if !rest.ends_with('.') => rest,
        _ => sentence,
    }
}

fn quoted(sentence: &str, most: usize, lexicon: &Lexicon) -> Option<String> {
    let (open, close) = lexicon.quotes();
    let room = most.checked_sub(graphemes(open) + graphemes(close)).filter(|room| *room > 1)?;
    let inner = sentence.trim_matches(['"', '“', '”', '„', '«', '»', '「', '」', ' ']);
    let quote = format!("{open}{}{close}", plain(inner, room));
    // Marks may join across the quotation marks, and capitals may be longer than lower case letters.
    (graphemes(&quote) <= most).then_some(quote)
}

fn keywords(script: &Script<'_>, most: usize) -> Option<String> {
    let mut title = String::new();
    for phrase in script.keyphrases.iter().take(KEYPHRASES) {
        let text = match script.lexicon.capitalises_titles() {
            true => phrase.text.split(' ').map(capitalised).collect::<Vec<_>>().join(" "),
            false => capitalised(&phrase.text),
        };
        if title.is_empty() {
            title = trim_to(&text, most);
        } else {
            let longer = format!("{title}{BETWEEN}{text}");
            if graphemes(&longer) <= most {
                title = longer;
            }
        }
    }
    (!title.is_empty()).then_some(title)
}

/// `text` with a capital first letter, if the capital is one character.
///
/// Words with an inner capital such as `iPhone` stay as they are.
fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return String::new() };
    let mut upper = first.to_uppercase();
    // A capital within the word fixes its spelling.
    let is_own = text.split(' ').next().is_some_and(|w| w.chars().skip(1).any(char::is_uppercase));
    match (upper.next(), upper.next()) {
        (Some(one), None) if !is_own => format!("{one}{}", chars.as_str()),
        _ => text.to_owned(),
    }
}
