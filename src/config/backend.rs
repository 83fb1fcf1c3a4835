//! The ways a batch can be run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode};

/// A way to run a batch. All of them give the same rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackendType {
    /// Chosen from the number of rows, the kind of work, cores and memory.
    #[default]
    Auto,
    /// A bounded pool of operating-system threads.
    Thread,
    /// A pool of worker processes of this program: a crash costs one row, not the batch.
    Process,
    /// Work-stealing over cores (rayon), in chunks that adapt.
    Joblib,
    /// The executors of a cluster, for the media work of `run` and `render`; needs the feature `distributed` and
    /// the setting `scheduler`.
    #[serde(alias = "distributed")]
    Dask,
    /// Tokio tasks with a limit.
    Async,
}

impl BackendType {
    /// Every backend.
    pub const ALL: [Self; 6] =
        [Self::Auto, Self::Thread, Self::Process, Self::Joblib, Self::Async, Self::Dask];

    /// The backends of one machine.
    pub const BUILT_IN: [Self; 5] =
        [Self::Auto, Self::Thread, Self::Process, Self::Joblib, Self::Async];

    /// The backends that this build has.
    pub const fn available() -> &'static [Self] {
        if cfg!(feature = "distributed") { &Self::ALL } else { &Self::BUILT_IN }
    }

    /// The names of the backends that this build has, for a sentence.
    pub(crate) fn names() -> String {
        Self::available().iter().map(|b| b.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The name in configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Thread => "thread",
            Self::Process => "process",
            Self::Joblib => "joblib",
            Self::Dask => "dask",
            Self::Async => "async",
        }
    }

    /// See that this build has it.
    ///
    /// # Errors
    /// `config.invalid` for `dask` without the feature `distributed`.
    pub fn check(self) -> Result<(), Error> {
        match self {
            Self::Dask if !cfg!(feature = "distributed") => Err(Error::new(
                ErrorCode::ConfigInvalid,
                "this build has no backend dask (distributed); build it with the feature distributed, or take auto, thread, process, joblib or async",
            )),
            _ => Ok(()),
        }
    }

    /// The error of work that a cluster does not take.
    pub(crate) fn not_of_a_cluster() -> Error {
        Error::new(
            ErrorCode::ConfigInvalid,
            "the backend dask (distributed) is for run and render alone; take auto, thread, process, joblib or async",
        )
    }
}

impl fmt::Display for BackendType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for BackendType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = if text.eq_ignore_ascii_case("distributed") { "dask" } else { text };
        Self::ALL.into_iter().find(|b| text.eq_ignore_ascii_case(b.as_str())).ok_or_else(|| {
            let names = Self::names();
            Error::new(
                ErrorCode::ConfigInvalid,
                format!("there is no backend {text}; take one of {names}"),
            )
        })
    }
}
