//! Whom clips are for: `audience_profile` of a request, read.

use serde::{Deserialize, Deserializer, Serialize};

use crate::error::{Error, ErrorCode, Result};

/// Whom clips are for. Every part may be left out; unknown parts are carried along unread.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AudienceProfile {
    /// Age range, as `"18-35"` or `"45+"`.
    #[serde(default, alias = "age_range")]
    pub age: Option<String>,
    /// What they like, in the words of the request.
    #[serde(default, deserialize_with = "one_or_many")]
    pub interests: Vec<String>,
    /// BCP 47 tag of the language they read.
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
        let profile: Self = serde_json::from_str(json).map_err(|e| bad(json, &e.to_string()))?;
        profile.ages()?;
        Ok(profile)
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

fn bad(value: &str, why: &str) -> Error {
    Error::new(
        ErrorCode::BadValue,
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
    fn ages_are_ranges() {
        for (text, ages) in [("45+", (45, 255)), ("30", (30, 30)), ("13 – 17", (13, 17))] {
            let profile = AudienceProfile { age: Some(text.into()), ..AudienceProfile::default() };
            assert_eq!(profile.ages().unwrap(), Some(ages));
        }
        for text in ["35-18", "young", "1000"] {
            let error = AudienceProfile::parse(&format!(r#"{{"age":"{text}"}}"#)).unwrap_err();
            assert_eq!(error.code(), ErrorCode::BadValue);
        }
    }
}
