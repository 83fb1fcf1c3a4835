//! The tables: one file each, with the typed row and its columns, declared once ([`column`]).
//!
//! Times and durations are in seconds, `Float64`. Text is `Utf8`: view types do not travel well
//! between engines.

pub(crate) mod arrays;
pub mod audience;
pub mod candidate;
pub mod clip;
pub mod clip_text;
pub mod column;
pub mod cue;
pub mod edit;
pub mod event;
pub mod experiment;
pub mod keyphrase;
pub mod outcome;
pub mod platform_metric;
pub mod rendition;
pub mod request;
pub mod rescored;
pub mod shot;
pub mod signal;
pub mod source_info;
mod spelled;
pub mod table;
pub mod variant;

pub use audience::AudienceProfile;
pub use candidate::{BoundKind, Candidate};
pub use clip::Clip;
pub use clip_text::WrittenTexts;
pub use column::Column;
pub use cue::{Cue, CueWord};
pub use edit::Edit;
pub use experiment::ExperimentRow;
pub use keyphrase::Keyphrase;
pub use outcome::Outcome;
pub use rendition::Rendition;
pub use request::VideoClipRequest;
pub use rescored::RescoredVariant;
pub use shot::{Shot, Transition};
pub use signal::Signal;
pub use source_info::SourceInfo;
pub use variant::{ScorePart, Variant};

use arrow::datatypes::{DataType, Field};

/// A `Float64` column.
pub(crate) fn float(name: &str, nullable: bool) -> Field {
    Field::new(name, DataType::Float64, nullable)
}

/// An `Int64` column.
pub(crate) fn int(name: &str, nullable: bool) -> Field {
    Field::new(name, DataType::Int64, nullable)
}
