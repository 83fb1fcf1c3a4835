//! Parses and checks the answer of a language model.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use url::Url;

use crate::error::{Error, ErrorCode, Result};
use crate::kernels::text::{ClipText, TextOrigin, graphemes, hashtag};
use crate::model::platform::TextLimits;
use crate::net::answer;

#[derive(Deserialize)]
struct Completion {
    choices: Vec<CompletionChoice>,
}

#[derive(Deserialize)]
struct CompletionChoice {
    message: CompletionMessage,
}

#[derive(Deserialize)]
struct CompletionMessage {
    content: Option<String>,
}

#[derive(Deserialize)]
struct AnsweredTexts {
    title: String,
    #[serde(default)]
    hook: Option<String>,
    description: String,
    #[serde(default)]
    hashtags: Vec<String>,
}

/// The error for the status of an answer.
pub(super) fn refusal(status: StatusCode, headers: &HeaderMap, url: &Url) -> Option<Error> {
    let refusal = answer::refusal(status, headers, url)?;
    let sentence = format!("the text model refused: {}", refusal.message());
    let error = Error::new(refusal.code(), sentence);
    Some(match refusal.retry_after() {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    })
}

/// The texts in an answer, if they meet the request; the keywords of the clip stay.
pub(super) fn read(bytes: &[u8], limits: &TextLimits, built_in: &ClipText) -> Result<ClipText> {
    let completion: Completion =
        serde_json::from_slice(bytes).map_err(|_| unusable("is not a chat completion"))?;
    let first = completion.choices.into_iter().next();
    let content = first.and_then(|c| c.message.content).ok_or_else(|| unusable("is empty"))?;
    let texts: AnsweredTexts = serde_json::from_str(unfenced(&content))
        .map_err(|_| unusable("is not the requested JSON object"))?;
    let title = plain("title", &texts.title, limits.title_chars)?;
    if title.is_empty() {
        return Err(unusable("has no title"));
    }
    let hook = plain("hook", texts.hook.as_deref().unwrap_or_default(), limits.title_chars)?;
    Ok(ClipText {
        title,
        // A clip without captions has no hook.
        hook_text: match &built_in.hook_text {
            Some(own) if hook.is_empty() => Some(own.clone()),
            Some(_) => Some(hook),
            None => None,
        },
        description: plain("description", &texts.description, limits.description_chars)?,
        hashtags: tags(&texts.hashtags, limits.hashtags)?,
        keywords: built_in.keywords.clone(),
        origin: TextOrigin::Model,
    })
}

/// Removes the code fence that many models put around JSON.
fn unfenced(content: &str) -> &str {
    let content = content.trim();
    let inner = content.strip_prefix("```json").or_else(|| content.strip_prefix("```"));
    inner.and_then(|c| c.strip_suffix("```")).unwrap_or(content).trim()
}

/// Checks that a text is plain and short enough.
fn plain(what: &str, text: &str, most: usize) -> Result<String> {
    let text = text.trim();
    if graphemes(text) > most {
        return Err(unusable(&format!("has a {what} of more than {most} characters")));
    }
    let lower = text.to_lowercase();
    let is_markup = |c: char| {
        c.is_control() || matches!(c, '<' | '>' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    if text.contains(is_markup) || lower.contains("://") || lower.contains("www.") {
        return Err(unusable(&format!("has a {what} with markup, links or line breaks")));
    }
    Ok(text.to_owned())
}

fn tags(given: &[String], most: usize) -> Result<Vec<String>> {
    let mut tags: Vec<String> = vec![];
    for text in given {
        let text = text.trim().trim_start_matches(['#', '＃']);
        let whole = !text.contains(char::is_whitespace);
        let tag = hashtag(text).filter(|tag| whole && tag.strip_prefix('#') == Some(text));
        let tag = tag.ok_or_else(|| unusable("has an invalid hashtag"))?;
        if !tags.iter().any(|t| t.to_lowercase() == tag.to_lowercase()) {
            tags.push(tag);
        }
    }
    tags.truncate(most);
    Ok(tags)
}

/// The error of an unusable answer; a retry would get the same.
pub(super) fn unusable(why: &str) -> Error {
    let sentence = format!(
        "the answer of the text model {why}; check that it is a chat model that can write JSON"
    );
    Error::new(ErrorCode::SourceUnsupported, sentence).lasting()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const LIMITS: TextLimits = TextLimits { title_chars: 12, description_chars: 30, hashtags: 2 };

    fn built_in() -> ClipText {
        crate::kernels::text::TextModelRequest {
            lines: vec![("Solar panels pay off.".into(), 0.0, 2.0)],
            ..Default::default()
        }
        .built_in()
    }

    fn of(content: &str) -> Result<ClipText> {
        let body = json!({ "choices": [{ "message": { "content": content } }] });
        read(body.to_string().as_bytes(), &LIMITS, &built_in())
    }

    fn texts(change: &str, value: Value) -> Result<ClipText> {
        let mut texts = json!({ "title": "Sun", "hook": "Look", "description": "Panels", "hashtags": ["#Sun", "sun", "PV", "more"] });
        texts[change] = value;
        of(&texts.to_string())
    }

    #[test]
    fn texts_as_asked_for_are_taken() {
        let text = texts("hook", json!(null)).unwrap();
        assert_eq!((text.title.as_str(), text.origin), ("Sun", TextOrigin::Model));
        assert_eq!(text.hashtags, ["#Sun", "#PV"]);
        assert_eq!(text.hook_text.as_deref(), Some("Solar panels pay off."));
        assert_eq!(text.keywords, built_in().keywords);
        let fenced = of("```json\n{\"title\":\"Sun\",\"description\":\"\"}\n```").unwrap();
        assert!(fenced.hashtags.is_empty());
    }

    #[test]
    fn whatever_else_is_not() {
        for (part, value) in [
            ("title", json!("longer than twelve")),
            ("title", json!("")),
            ("title", json!("two\nlines")),
            ("title", json!("<b>Sun</b>")),
            ("title", json!(["Sun"])),
            ("hook", json!("longer than twelve")),
            ("hook", json!("\u{202E}nuS")),
            ("description", json!("https://a.example")),
            ("description", json!("see WWW.example")),
            ("description", json!("x".repeat(31))),
            ("hashtags", json!(["two words"])),
            ("hashtags", json!(["#a#b"])),
            ("hashtags", json!(["12"])),
        ] {
            let error = texts(part, value.clone()).unwrap_err();
            assert_eq!(error.code(), ErrorCode::SourceUnsupported, "{part} {value}");
            assert!(!crate::resilience::may_change(&error), "{part} {value}");
        }
        assert!(of("Here is your JSON").is_err());
        assert!(read(b"{\"choices\":[]}", &LIMITS, &built_in()).is_err());
        assert!(read(b"\xff", &LIMITS, &built_in()).is_err());
    }

    proptest! {
        #[test]
        fn limits_hold_whatever_comes(title in any::<String>(), tags in proptest::collection::vec("#?\\PC{0,9}", 0..4)) {
            let content = json!({ "title": title, "description": title, "hashtags": tags });
            if let Ok(text) = of(&content.to_string()) {
                prop_assert!(graphemes(&text.title) <= LIMITS.title_chars);
                prop_assert!(graphemes(&text.description) <= LIMITS.description_chars);
                prop_assert!(text.hashtags.len() <= LIMITS.hashtags);
                prop_assert!(!text.title.contains(char::is_control));
            }
        }
    }
}
