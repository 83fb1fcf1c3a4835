//! The interface of text models, which write the texts of clips.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::describe::ClipText;
use super::lines::Line;
use super::script::{Facts, Script, TextInput};
use super::titles::TitleStyle;
use crate::error::Result;
use crate::model::Keyphrase;
use crate::model::platform::TextLimits;

/// A request for the texts of a clip.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TextModelRequest {
    /// Its caption lines: text, start and end in seconds.
    pub lines: Vec<(String, f64, f64)>,
    /// Their keyphrases, strongest first; extracted if empty.
    pub keyphrases: Vec<Keyphrase>,
    /// Tag of the captions' language, if known.
    pub language: Option<String>,
    /// The topic that the request gives.
    pub topic: Option<String>,
    /// Interests of the audience.
    pub interests: Vec<String>,
    /// Length, in seconds.
    pub duration: f64,
    /// Size of the picture, in pixels, if known.
    pub size: Option<(i64, i64)>,
    /// How long texts may be.
    pub limits: TextLimits,
}

impl TextModelRequest {
    /// The texts that the built-in model writes.
    pub fn built_in(&self) -> ClipText {
        let lines: Vec<Line<'_>> = self
            .lines
            .iter()
            .map(|(text, start, end)| Line { text, start: *start, end: *end })
            .collect();
        let input = TextInput {
            lines: &lines,
            keyphrases: &self.keyphrases,
            language: self.language.as_deref(),
            topic: self.topic.as_deref(),
            interests: &self.interests,
            facts: Facts { duration: self.duration, size: self.size },
        };
        Script::of(&input).describe(&self.limits, TitleStyle::Statement)
    }
}

/// The texts of a clip, and the reason if they are not by the requested model.
#[derive(Debug, Clone, PartialEq)]
pub struct TextModelAnswer {
    /// The texts; `origin` states what they were made from.
    pub text: ClipText,
    /// Why the language model did not write them, as a sentence.
    pub fallback: Option<String>,
}

/// Writes the texts of clips.
#[async_trait]
pub trait TextModel: Debug + Send + Sync {
    /// Identifies the model, for example by address and name; part of the run's identity.
    fn identity(&self) -> String;

    /// The texts of one clip.
    ///
    /// # Errors
    /// `cancelled` if it is stopped. A failing model is no error: the answer then has the built-in texts
    /// and the reason.
    async fn texts(&self, request: &TextModelRequest) -> Result<TextModelAnswer>;
}

/// The built-in model, which uses the clip's own words; see [`describe`](super::describe()).
#[derive(Debug, Clone, Copy, Default)]
pub struct BuiltIn;

#[async_trait]
impl TextModel for BuiltIn {
    fn identity(&self) -> String {
        "built-in".to_owned()
    }

    async fn texts(&self, request: &TextModelRequest) -> Result<TextModelAnswer> {
        Ok(TextModelAnswer { text: request.built_in(), fallback: None })
    }
}
