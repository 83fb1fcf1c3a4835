//! Where the rows of requests come from: files, rows in memory, or a table.

mod json_rows;
mod local;
mod plain;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::prelude::DataFrame;
use url::Url;

pub(super) use local::LocalRequests;

use crate::location::{Location, redacted};

/// The requests of a run. Whatever they are, their columns are those of `requests`; other columns are
/// carried to `outcomes`. Rows are numbered in order: of files by name, of batches, of partitions.
///
/// ```
/// use clipflow::pipeline::{Requests, RunConfig};
/// use datafusion::prelude::SessionContext;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config = RunConfig::new("requests.csv", "results");
/// assert!(matches!(config.requests, Requests::At(_)));
///
/// let ctx = SessionContext::new();
/// let talks = ctx.sql("SELECT 'talk.mp4' AS source_url, 20.0 AS max_clip_length").await?;
/// let config = RunConfig::new(talks, "results");
/// assert!(matches!(config.requests, Requests::Frame(_)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum Requests {
    /// A file, or a folder of them, here or in an object store.
    At(Location),
    /// Rows in memory: batches of one schema.
    Rows(Vec<RecordBatch>),
    /// A table. It is read in the session of the run.
    Table(Arc<dyn TableProvider>),
    /// A query of DataFusion. It runs in its own session.
    Frame(Box<DataFrame>),
    /// A query of Polars. It is collected when the run starts.
    #[cfg(feature = "polars")]
    Lazy(Box<polars::prelude::LazyFrame>),
}

impl Requests {
    /// Where relative sources start from if nothing else says so: the folder of the request file. For rows
    /// without a place it is the current folder.
    pub(super) fn base(&self) -> Location {
        match self {
            Self::At(Location::Path(path)) if path.is_dir() => Location::Path(path.clone()),
            Self::At(location) => location.folder(),
            _ => Location::from("."),
        }
    }

    /// The file or folder as an absolute path or URL without its query; `None` for rows without a place.
    pub(super) fn file(&self) -> Option<String> {
        match self {
            Self::At(location) => Some(redacted(&location.clone().absolute().to_string())),
            _ => None,
        }
    }

    /// The file or folder, if it is at a URL.
    fn as_url(&self) -> Option<&Url> {
        match self {
            Self::At(location) => location.as_url(),
            _ => None,
        }
    }
}

/// A file's location; what rows in memory are.
impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(location) => location.fmt(f),
            Self::Rows(_) => f.write_str("the batches of requests"),
            Self::Table(_) => f.write_str("the table of requests"),
            _ => f.write_str("the query of requests"),
        }
    }
}

impl fmt::Debug for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(location) => f.debug_tuple("At").field(location).finish(),
            Self::Rows(batches) => {
                let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
                f.debug_struct("Rows").field("rows", &rows).finish()
            }
            Self::Table(table) => f.debug_tuple("Table").field(&table.schema()).finish(),
            Self::Frame(frame) => f.debug_tuple("Frame").field(frame.logical_plan()).finish(),
            #[cfg(feature = "polars")]
            Self::Lazy(_) => f.debug_tuple("Lazy").finish_non_exhaustive(),
        }
    }
}

macro_rules! from_location {
    ($($kind:ty),*) => {
        $(impl From<$kind> for Requests {
            fn from(location: $kind) -> Self {
                Self::At(location.into())
            }
        })*
    };
}

from_location!(&str, String, &String, &Path, PathBuf, &PathBuf, Url);

impl From<Location> for Requests {
    fn from(location: Location) -> Self {
        Self::At(location)
    }
}

impl From<RecordBatch> for Requests {
    fn from(rows: RecordBatch) -> Self {
        Self::Rows(vec![rows])
    }
}

impl From<&RecordBatch> for Requests {
    fn from(rows: &RecordBatch) -> Self {
        rows.clone().into()
    }
}

impl From<Vec<RecordBatch>> for Requests {
    fn from(rows: Vec<RecordBatch>) -> Self {
        Self::Rows(rows)
    }
}

impl From<Arc<dyn TableProvider>> for Requests {
    fn from(table: Arc<dyn TableProvider>) -> Self {
        Self::Table(table)
    }
}

impl From<DataFrame> for Requests {
    fn from(frame: DataFrame) -> Self {
        Self::Frame(Box::new(frame))
    }
}

#[cfg(feature = "polars")]
impl From<polars::prelude::LazyFrame> for Requests {
    fn from(frame: polars::prelude::LazyFrame) -> Self {
        Self::Lazy(Box::new(frame))
    }
}

#[cfg(feature = "polars")]
impl From<polars::prelude::DataFrame> for Requests {
    fn from(frame: polars::prelude::DataFrame) -> Self {
        polars::prelude::IntoLazy::lazy(frame).into()
    }
}
