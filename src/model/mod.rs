//! The tables: one file each, with the typed row and its columns, declared once ([`column`]).
//!
//! Times and durations are in seconds, `Float64`. Text is `Utf8`: view types do not travel well
//! between engines.

pub(crate) mod arrays;
pub(crate) mod audience;
pub(crate) mod candidate;
pub(crate) mod clip;
pub(crate) mod clip_text;
pub(crate) mod column;
pub(crate) mod cue;
pub mod edit;
pub mod event;
pub(crate) mod experiment;
pub(crate) mod face;
pub(crate) mod keyphrase;
pub(crate) mod outcome;
pub(crate) mod platform;
pub(crate) mod platform_metric;
pub(crate) mod rendition;
pub mod request;
pub(crate) mod rescored;
pub(crate) mod run_stat;
pub(crate) mod shot;
pub(crate) mod signal;
pub(crate) mod source_info;
mod spelled;
pub mod table;
pub(crate) mod trace_span;
pub(crate) mod variant;

pub use audience::AudienceProfile;
pub use candidate::{BoundKind, Candidate};
pub use clip::Clip;
pub use clip_text::WrittenTexts;
pub use column::Column;
pub use cue::{Cue, CueWord};
pub use edit::Edit;
pub use experiment::ExperimentRow;
pub use face::{Face, FacePoint};
pub use keyphrase::Keyphrase;
pub use outcome::Outcome;
pub use platform::{Platform, Platforms, TextLimits};
pub use rendition::Rendition;
pub use request::VideoClipRequest;
pub use rescored::RescoredVariant;
pub use run_stat::RunStat;
pub use shot::{PictureArea, Shot, Transition};
pub use signal::Signal;
pub use source_info::{Chapter, Replay, SourceInfo, TimePiece};
pub use trace_span::TraceSpan;
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
