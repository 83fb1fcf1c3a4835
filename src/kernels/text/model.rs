//! Whoever writes the texts of clips: the built-in way, or a language model.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::describe::{ClipText, TextLimits};
use super::lines::Line;
use super::script::{Facts, Script, TextInput};
use super::titles::TitleStyle;
use crate::error::Result;
use crate::model::Keyphrase;

/// A clip that texts are wanted for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TextModelRequest {
    /// Its caption lines: words, start and end in seconds.
    pub lines: Vec<(String, f64, f64)>,
    /// Their keyphrases, strongest first; empty: they are looked for.
    pub keyphrases: Vec<Keyphrase>,
    /// Tag of the captions' language, if known.
    pub language: Option<String>,
    /// What the person who made the request calls it.
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
    /// What the built-in way makes of it.
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

/// The texts of a clip, and why they are not the model's if they are not.
#[derive(Debug, Clone, PartialEq)]
pub struct TextModelAnswer {
    /// The texts; `origin` says what they were made from.
    pub text: ClipText,
    /// Why a language model that was asked did not write them, as a sentence.
    pub fallback: Option<String>,
}

/// Whoever writes the texts of clips.
#[async_trait]
pub trait TextModel: Debug + Send + Sync {
    /// What tells it from other models, such as its address and name: with another one the same requests
    /// are another run.
    fn identity(&self) -> String;

    /// The texts of one clip.
    ///
    /// # Errors
    /// `cancelled` if it is told to stop. A model that fails is none: the answer then has the
    /// built-in texts and says why.
    async fn texts(&self, request: &TextModelRequest) -> Result<TextModelAnswer>;
}

/// The clip's own words; see [`describe`](super::describe()).
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
