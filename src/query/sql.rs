//! The SQL files of runs and views, compiled in.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::source_lists;
use crate::error::{Error, ErrorCode, Result};

/// A statement of the run.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// Name of the table it makes.
    pub name: &'static str,
    /// The statement.
    pub sql: &'static str,
    /// Whether rows hold a whole source, so that a batch must be small.
    pub wide: bool,
}

macro_rules! step {
    ($name:literal) => {
        Step {
            name: $name,
            sql: include_str!(concat!("../../sql/run/", $name, ".sql")),
            wide: false,
        }
    };
    ($name:literal, wide) => {
        Step {
            name: $name,
            sql: include_str!(concat!("../../sql/run/", $name, ".sql")),
            wide: true,
        }
    };
}

/// Checks the requests of the request file.
pub const CHECKED: Step = step!("checked");

/// Chooses clips for checked requests, in order. Each step reads the tables of earlier steps.
pub const CHOOSE: &[Step] = &[
    step!("requests"),
    step!("analysis"),
    step!("sources", wide),
    step!("signals", wide),
    step!("shots", wide),
    step!("cues", wide),
    step!("candidates", wide),
    step!("selected"),
];

/// Describes the chosen clips for a language model.
pub const DESCRIBED: Step = step!("described", wide);

/// Turns chosen clips into outputs to render, in order.
pub const SHAPE: &[Step] = &[step!("shaped", wide), step!("outputs")];

/// Renders outputs to files.
pub const RENDERED: Step = step!("rendered", wide);

/// Turns rendered files into outcomes and the tables of results, in order.
pub const RENDER: &[Step] =
    &[step!("files"), step!("outcomes"), step!("clips"), step!("variants"), step!("renditions")];

/// Explains clips without variants, for a summary.
pub const UNSHAPED: Step = step!("unshaped");

/// The step that makes the table `name`.
///
/// # Errors
/// `internal` if no step makes it.
pub fn step(name: &str) -> Result<Step> {
    let found = CHOOSE.iter().chain(SHAPE).chain(RENDER).find(|step| step.name == name);
    found
        .copied()
        .ok_or_else(|| Error::new(ErrorCode::Internal, format!("there is no step {name}")))
}

macro_rules! view {
    ($name:literal) => {
        ($name, Cow::Borrowed(include_str!(concat!("../../sql/views/", $name, ".sql"))))
    };
}

/// The views over a dataset: name and statement. Those of `sql/views`, and one that is written from the
/// columns of the tables.
pub static VIEWS: LazyLock<Vec<(&str, Cow<'_, str>)>> = LazyLock::new(|| {
    vec![
        view!("dead_letters"),
        view!("failures"),
        view!("why"),
        view!("clip_files"),
        view!("why_variants"),
        view!("variant_files"),
        view!("variant_signals"),
        view!("shot_lengths"),
        view!("posts"),
        (source_lists::NAME, source_lists::statement().into()),
    ]
});
