//! The texts of a clip's variants: those of the whole clip, and those of the span that a variant shows.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::brief::{ClipBrief, DESCRIPTION_CHARS, KEYPHRASES, TITLE_CHARS, Title};
use super::sentences::{heard_in, said_in};
use crate::kernels::text::{
    Facts, Line, Script, SentencePart, TextInput, TextOrigin, TitleStyle, hashtags_and_match,
    keyphrases, said, trim_to,
};
use crate::model::platform::TextLimits;
use crate::model::{AudienceProfile, Keyphrase};

/// Hashtags of a variant at the most.
const HASHTAGS: usize = 8;
/// What is said of texts that a model wrote for more than is shown.
const OF_THE_CLIP: &str = "the texts were written for the whole clip, of which this shows a part";

/// The texts of a span of a source.
#[derive(Debug)]
pub(super) struct Texts {
    pub(super) keyphrases: Vec<Keyphrase>,
    pub(super) titles: Vec<Title>,
    pub(super) hook: Option<String>,
    pub(super) descriptions: Vec<String>,
    pub(super) origin: String,
}

/// What texts are made from, beside what is said.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextFacts<'a> {
    pub(super) language: Option<&'a str>,
    pub(super) topic: Option<&'a str>,
    pub(super) size: (i64, i64),
}

impl Texts {
    /// Those of what `parts` say in whole sentences from `start` to `end`.
    pub(super) fn of<'s>(
        facts: TextFacts<'_>,
        parts: &'s [SentencePart],
        (start, end): (f64, f64),
    ) -> Self {
        let said_parts = said_in(parts, (start, end));
        let line = |part: &&'s SentencePart| Line {
            text: part.text.as_str(),
            start: part.start,
            end: part.end,
        };
        let lines: Vec<Line<'s>> = said_parts.iter().map(line).collect();
        let mut found = keyphrases(&said(&lines), facts.language, KEYPHRASES);
        if found.is_empty() {
            found = keyphrases(facts.topic.unwrap_or(""), facts.language, KEYPHRASES);
        }
        let script = Script::of(&TextInput {
            lines: &lines,
            keyphrases: &found,
            language: facts.language,
            topic: facts.topic,
            facts: Facts { duration: end - start, size: Some(facts.size) },
            ..TextInput::default()
        });
        let limits =
            |chars| TextLimits { title_chars: TITLE_CHARS, description_chars: chars, hashtags: 0 };
        let made = script.describe(&limits(DESCRIPTION_CHARS[0]), TitleStyle::Statement);
        let styles = script.styles(TITLE_CHARS);
        let mut titles: Vec<Title> = vec![];
        for style in styles {
            let text = script.title(style, TITLE_CHARS);
            // Two forms of the same words are one title.
            let is_new = |text: &String| titles.iter().all(|title| title.text != *text);
            if let Some(text) = text.filter(is_new) {
                titles.push(Title { style: style.as_str().to_owned(), text });
            }
        }
        if titles.is_empty() {
            let text = trim_to(&made.title, TITLE_CHARS);
            titles.push(Title { style: TitleStyle::Statement.as_str().to_owned(), text });
        }
        let short = script.describe(&limits(DESCRIPTION_CHARS[1]), TitleStyle::Statement);
        Self {
            titles,
            hook: made.hook_text,
            descriptions: vec![made.description, short.description],
            origin: made.origin.as_str().to_owned(),
            keyphrases: found,
        }
    }
}

/// The texts of a variant.
#[derive(Debug, Clone)]
pub(super) struct VariantTexts {
    titles: Vec<Title>,
    descriptions: Vec<String>,
    tags: Vec<String>,
    pub(super) hook: Option<String>,
    pub(super) transcript: Option<String>,
    pub(super) origin: String,
    pub(super) note: Option<String>,
}

impl VariantTexts {
    /// The form of the title that comes nearest to `wanted` of the clip's.
    pub(super) fn title(&self, wanted: &Title, most: usize) -> Title {
        let same = self.titles.iter().find(|title| title.style == wanted.style);
        let Some(title) = same.or_else(|| self.titles.first()) else { return wanted.clone() };
        match most >= TITLE_CHARS {
            true => title.clone(),
            false => Title { style: title.style.clone(), text: trim_to(&title.text, most) },
        }
    }

    pub(super) fn description(&self, most: usize) -> String {
        let ready = DESCRIPTION_CHARS.iter().zip(&self.descriptions);
        match ready.into_iter().find(|(chars, _)| **chars <= most) {
            Some((_, text)) => text.clone(),
            None => trim_to(self.descriptions.last().map_or("", String::as_str), most),
        }
    }

    pub(super) fn hashtags(&self, most: usize) -> Vec<String> {
        self.tags.iter().take(most).cloned().collect()
    }
}

/// The texts of a clip and of its variants for an audience.
pub(super) struct TextsFor<'a> {
    brief: &'a ClipBrief,
    interests: &'a [String],
    /// Those of the whole clip.
    whole: VariantTexts,
    /// Those of the spans that were asked for, by the bits of start and end: variants mostly share them.
    spans: RefCell<HashMap<[u64; 2], Rc<VariantTexts>>>,
    /// Share of the audience's interests that the clip is about; NaN for an audience without any.
    pub(super) interest_match: f64,
}

impl<'a> TextsFor<'a> {
    pub(super) fn new(brief: &'a ClipBrief, audience: &'a AudienceProfile) -> Self {
        let interests = audience.interests.as_slice();
        let language = brief.language.as_deref();
        let (made, interest_match) =
            hashtags_and_match(&brief.keyphrases, interests, language, HASHTAGS);
        let tags = if brief.hashtags.is_empty() { made } else { brief.hashtags.clone() };
        let whole = VariantTexts {
            titles: brief.titles.clone(),
            descriptions: brief.descriptions.clone(),
            tags,
            hook: brief.hook_text.clone(),
            transcript: None,
            origin: brief.text_origin.clone(),
            note: brief.text_note.clone(),
        };
        let interest_match = interest_match.unwrap_or(f64::NAN);
        Self { brief, interests, whole, spans: RefCell::default(), interest_match }
    }

    /// Number of the clip's titles.
    pub(super) fn titles(&self) -> usize {
        self.brief.titles.len()
    }

    /// Form of the clip's title `i`.
    pub(super) fn style(&self, i: usize) -> &str {
        &self.brief.titles[i].style
    }

    /// The texts of what is said from `start` to `end`.
    pub(super) fn of_span(&self, (start, end): (f64, f64)) -> Rc<VariantTexts> {
        let key = [start, end].map(f64::to_bits);
        if let Some(known) = self.spans.borrow().get(&key) {
            return Rc::clone(known);
        }
        let made = Rc::new(self.made((start, end)));
        self.spans.borrow_mut().insert(key, Rc::clone(&made));
        made
    }

    fn made(&self, span: (f64, f64)) -> VariantTexts {
        let brief = self.brief;
        let transcript = transcript(&heard_in(&brief.said, span));
        let whole = VariantTexts { transcript, ..self.whole.clone() };
        if said_in(&brief.said, span) == said_in(&brief.said, (brief.start, brief.end)) {
            return whole;
        }
        let (language, topic) = (brief.language.as_deref(), brief.topic.as_deref());
        let facts = TextFacts { language, topic, size: (brief.width, brief.height) };
        let own = Texts::of(facts, &brief.said, span);
        if whole.origin == TextOrigin::Model.as_str() {
            let note = whole.note.or_else(|| Some(OF_THE_CLIP.to_owned()));
            return VariantTexts { hook: own.hook, note, ..whole };
        }
        let (tags, _) = hashtags_and_match(&own.keyphrases, self.interests, language, HASHTAGS);
        VariantTexts {
            titles: own.titles,
            descriptions: own.descriptions,
            tags,
            hook: own.hook,
            origin: own.origin,
            ..whole
        }
    }
}

/// What is said, as one text; `None` if nothing is.
fn transcript(parts: &[&SentencePart]) -> Option<String> {
    let lines: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
    (!lines.is_empty()).then(|| crate::kernels::text::joined(&lines))
}
