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
    /// Distributed; not part of this version.
    Dask,
    /// Tokio tasks with a limit.
    Async,
}

impl BackendType {
    /// Every backend.
    pub const ALL: [Self; 6] =
        [Self::Auto, Self::Thread, Self::Process, Self::Joblib, Self::Dask, Self::Async];

    /// The backends that this version has.
    pub const BUILT_IN: [Self; 5] =
        [Self::Auto, Self::Thread, Self::Process, Self::Joblib, Self::Async];

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

    /// See that this version has it.
    ///
    /// # Errors
    /// `config.invalid` for `dask`.
    pub fn check(self) -> Result<(), Error> {
        match self {
            Self::Dask => Err(Self::no_dask()),
            _ => Ok(()),
        }
    }

    pub(crate) fn no_dask() -> Error {
        Error::new(
            ErrorCode::ConfigInvalid,
            "the backend dask (distributed) follows in a later version; take auto, thread, process, joblib or async",
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
        Self::ALL.into_iter().find(|b| text.eq_ignore_ascii_case(b.as_str())).ok_or_else(|| {
            let names = Self::BUILT_IN.map(Self::as_str).join(", ");
            Error::new(
                ErrorCode::ConfigInvalid,
                format!("there is no backend {text}; take one of {names}"),
            )
        })
    }
}
