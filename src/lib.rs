//! Turns a table of video clip requests into clips and answers, with query plans.
//!
//! Everything is a table: a source is decoded once into `signals`, `shots` and `cues`; choosing clips
//! is then a query. The layers, each importing only from those above it:
//!
//! | module | what |
//! |---|---|
//! | [`error`], [`cancel`], [`location`] | the one error; stopping work; paths and URLs |
//! | [`telemetry`] | events and counters |
//! | [`config`] | settings of a batch and where they come from |
//! | [`model`] | one file per table: schema, typed row |
//! | [`kernels`] | pure computation: validate, select, shots, sound, text |
//! | [`resilience`] | retry, circuit breaker, limits |
//! | [`net`] | the guarded HTTP client |
//! | [`text_model`] | texts of clips by a language model |
//! | [`cache`] | results kept for other runs |
//! | [`source`] | from the place a request names to bytes on this machine |
//! | [`media`] | the only code that starts ffmpeg: probe, analyse, render |
//! | [`exec`] | media work as rows, and how many run at a time |
//! | [`store`] | a results dataset: files, manifests, atomic commit |
//! | [`query`] | DataFusion session, functions, `MediaExec`; Polars |
//! | [`analytics`] | performance of variants, experiments, training, import of events |
//! | [`pipeline`] | the flow, wired |
//! | [`processors`] | the API: [`VideoClipProcessor`](processors::VideoClipProcessor) |
//! | [`cli`] | the command |

pub mod error;

pub mod cancel;
pub mod location;
pub mod telemetry;

pub mod config;

pub mod model;

pub mod kernels;

pub mod resilience;

pub mod net;

pub mod text_model;

pub mod cache;

pub mod source;

pub mod media;

pub mod exec;

#[cfg(feature = "datafusion")]
pub mod store;

#[cfg(feature = "datafusion")]
pub mod query;

#[cfg(feature = "datafusion")]
pub mod analytics;

#[cfg(feature = "datafusion")]
pub mod pipeline;

#[cfg(feature = "datafusion")]
pub mod processors;

#[cfg(feature = "cli")]
pub mod cli;

pub use error::{Error, ErrorCode, Result};

pub use exec::backend::process::worker;

#[cfg(feature = "datafusion")]
pub use analytics::{register_all, register_all_with};

#[cfg(feature = "polars")]
pub use query::polars::{ClipflowExprs, ClipflowFrames};

/// Rust in the documents, compiled as tests of documentation.
#[cfg(all(doctest, feature = "polars"))]
mod documents {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/user/configuration.md")]
    struct Configuration;
    #[doc = include_str!("../docs/user/embedding.md")]
    struct Embedding;
    #[doc = include_str!("../docs/internals/execution.md")]
    struct Execution;
}
