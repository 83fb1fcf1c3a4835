//! Whom clips are for: `audience_profile` of a request, read.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::platform::Platforms;
use crate::error::{Error, ErrorCode, Result};

/// The parts of a profile, and the other names that they are read by.
const PARTS: [&str; 6] = ["age", "age_range", "interests", "language", "platforms", "platform"];

/// Whom clips are for. Every part may be left out; unknown parts are carried along unread.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AudienceProfile {
    /// Age range, as `"18-35"` or `"45+"`.
    #[serde(default, alias = "age_range")]
    pub age: Option<String>,
    /// What they like, in the words of the request.
    #[serde(default, deserialize_with = "one_or_many")]
    pub interests: Vec<String>,
    /// BCP 47 or ISO 639 tag of the language they read: that of captions and texts where the request has
    /// none of its own.
    #[serde(default)]
    pub language: Option<String>,
    /// Where they are: names of platforms.
    #[serde(default, alias = "platform", deserialize_with = "one_or_many")]
    pub platforms: Vec<String>,
}

impl AudienceProfile {
    /// Reads a profile from JSON; blank text is an empty profile.
    ///
    /// # Errors
    /// `invalid_request.bad_value` if it is no JSON object of such parts.
    pub fn parse(json: &str) -> Result<Self> {
        if json.trim().is_empty() {
            return Ok(Self::default());
        }
        let profile: Self = serde_json::from_str(json).map_err(|e| bad(json, &reason(&e)))?;
        profile.ages()?;
        let known = Platforms::built_in()?;
        match profile.platforms.iter().find(|name| known.find(name).is_none()) {
            None => Ok(profile),
            Some(name) => Err(Error::new(
                ErrorCode::InvalidRequestBadValue,
                format!(
                    "audience_profile names the platform {name}, which clipflow does not know; there are {}",
                    known.names()
                ),
            )),
        }
    }

    /// The parts of a profile in JSON that are not used, such as a misspelt one; none of what cannot
    /// be read at all.
    pub fn unread(json: &str) -> Vec<String> {
        let Ok(Value::Object(parts)) = serde_json::from_str(json) else { return vec![] };
        parts.into_iter().map(|(name, _)| name).filter(|n| !PARTS.contains(&n.as_str())).collect()
    }

    /// As [`AudienceProfile::parse`], of a profile in which every part is to be read.
    ///
    /// # Errors
    /// `invalid_request.bad_value`, also for a part that is not used.
    pub fn parse_strictly(json: &str) -> Result<Self> {
        let profile = Self::parse(json)?;
        match Self::unread(json).first() {
            None => Ok(profile),
            Some(name) => Err(Error::new(
                ErrorCode::InvalidRequestBadValue,
                format!("audience_profile has no part {name}; its parts are {}", known_parts()),
            )),
        }
    }

    /// Youngest and oldest, in years.
    ///
    /// # Errors
    /// `invalid_request.bad_value` if `age` is no range.
    pub fn ages(&self) -> Result<Option<(u8, u8)>> {
        let Some(age) = self.age.as_deref().map(str::trim).filter(|age| !age.is_empty()) else {
            return Ok(None);
        };
        let wrong = || bad(age, "an age is given as 18-35, 45+ or 30");
        let number = |text: &str| text.trim().parse::<u8>().map_err(|_| wrong());
        let (low, high) = match age.split_once(['-', '–']) {
            Some((low, high)) => (number(low)?, number(high)?),
            None => match age.strip_suffix('+') {
                Some(low) => (number(low)?, u8::MAX),
                None => (number(age)?, number(age)?),
            },
        };
        if low > high { Err(wrong()) } else { Ok(Some((low, high))) }
    }
}

/// The parts of a profile, for a sentence.
pub fn known_parts() -> &'static str {
    "age, interests, language and platforms"
}

/// What serde_json says, without the place: a profile is one line that the sentence shows.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split(" at line ").next() {
        Some("EOF while parsing an object" | "EOF while parsing a list") => {
            "it ends too early".into()
        }
        Some(what) => what.to_owned(),
        None => text,
    }
}

fn bad(value: &str, why: &str) -> Error {
    Error::new(
        ErrorCode::InvalidRequestBadValue,
        format!(
            "audience_profile cannot be read ({why}) in {value}; give an object such as {{\"age\":\"18-35\",\"interests\":[\"tech\"]}}"
        ),
    )
}

/// A list of texts, one text, or nothing.
fn one_or_many<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Texts {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Option::<Texts>::deserialize(deserializer)? {
        None => vec![],
        Some(Texts::One(text)) => vec![text],
        Some(Texts::Many(texts)) => texts,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_guides_profile_is_read() {
        let profile = AudienceProfile::parse(r#"{"age":"18-35","interests":["tech"]}"#).unwrap();
        assert_eq!(profile.ages().unwrap(), Some((18, 35)));
        assert_eq!(profile.interests, ["tech"]);
        let one = AudienceProfile::parse(r#"{"interests":"tech","platform":"tiktok","extra":1}"#);
        assert_eq!(one.unwrap().platforms, ["tiktok"]);
        assert_eq!(AudienceProfile::parse(" ").unwrap(), AudienceProfile::default());
    }

    #[test]
    fn a_platform_that_is_none_is_named_with_those_there_are() {
        let error = AudienceProfile::parse(r#"{"platforms":["tiktok","myspace"]}"#).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequestBadValue);
        assert_eq!(
            error.message(),
            "audience_profile names the platform myspace, which clipflow does not know; there are tiktok, shorts, reels, x, linkedin, feed"
        );
    }

    #[test]
    fn a_misspelt_part_is_told_and_refused_where_every_part_counts() {
        let json = r#"{"ag":"18","interests":[]}"#;
        assert_eq!(AudienceProfile::unread(json), ["ag"]);
        assert!(AudienceProfile::parse(json).is_ok());
        let error = AudienceProfile::parse_strictly(json).unwrap_err();
        assert!(error.message().ends_with("age, interests, language and platforms"), "{error}");
        for part in PARTS {
            assert!(AudienceProfile::unread(&format!(r#"{{"{part}":null}}"#)).is_empty());
        }
    }

    #[test]
    fn ages_are_ranges() {
        for (text, ages) in [("45+", (45, 255)), ("30", (30, 30)), ("13 – 17", (13, 17))] {
            let profile = AudienceProfile { age: Some(text.into()), ..AudienceProfile::default() };
            assert_eq!(profile.ages().unwrap(), Some(ages));
        }
        for text in ["35-18", "young", "1000"] {
            let error = AudienceProfile::parse(&format!(r#"{{"age":"{text}"}}"#)).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidRequestBadValue);
        }
    }
}
