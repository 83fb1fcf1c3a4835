//! Turns a table of video clip requests into clips and answers, with query plans.
//!
//! Everything is a table: a source is decoded once into `signals`, `shots` and `cues`; choosing clips
//! is then a query. The layers, each importing only from those above it:
//!
//! | module | what |
//! |---|---|
//! | [`error`], [`cancel`], [`location`] | the error type; stopping work; paths and URLs |
//! | [`telemetry`] | events, metrics, traces, logs |
//! | [`config`] | settings of a batch and where they come from |
//! | [`model`] | one file per table: schema, typed row |
//! | [`kernels`] | pure computation: validate, select, shots, sound, text |
//! | [`resilience`] | retry, circuit breaker, limits |
//! | [`text_model`] | texts of clips by a language model |
//! | [`source`] | from the place a request names to bytes on this machine |
//! | [`media`] | the only code that starts ffmpeg: probe, analyse, render |
//! | [`exec`] | media work as rows, and how many run at a time |
//! | [`query`] | DataFusion session, functions, `MediaExec`; Polars |
//! | [`analytics`] | performance of variants, experiments, training, import of events |
//! | [`pipeline`] | the flow from requests to a results dataset |
//! | [`export`] | clips and variants as timelines of editing programs |
//! | [`processors`] | the API: [`VideoClipProcessor`], [`ViralVideoProcessor`] and others |
//! | [`report`] | results as one HTML page |
//!
//! The modules `net` (the guarded HTTP client), `cache`, `store` (a results dataset) and `cli` (the command)
//! are hidden: they are public for the tests of this repository only, and change without notice.
//!
//! # Features
//! The default features are those of the command. A library takes what it needs:
//!
//! | feature | what |
//! |---|---|
//! | `datafusion` | SQL functions, the pipeline, results datasets, processors; includes `statistics` |
//! | `statistics` | kernels of experiments and fits |
//! | `polars` | the kernels as Polars expressions, results as `LazyFrame`s |
//! | `cloud` | sources and results in S3, Google Cloud Storage and Azure |
//! | `http` | sources on web servers, a language model behind HTTP, metrics served to Prometheus |
//! | `mcp` | `clipflow mcp`: tools and resources of agents |
//! | `otlp` | traces, metrics and logs to a collector of OpenTelemetry |
//! | `youtube` | sources on YouTube, by way of yt-dlp |
//! | `bench` | `run_comprehensive_benchmark` |
//! | `cli` | the command and its settings files |
//! | `distributed` | media work of runs on the executors of a Ballista cluster |
//!
//! Types of Arrow and DataFusion are part of the API: take both from here ([`arrow`], `datafusion`), so that
//! the versions agree.

// The comments of one module link to internals of others.
#![allow(rustdoc::private_intra_doc_links)]
// The default features say what is never used; a smaller build leaves users of items out, and marking those
// one by one would thread features through every room.
#![cfg_attr(
    not(all(
        feature = "cli",
        feature = "bench",
        feature = "cloud",
        feature = "http",
        feature = "mcp",
        feature = "otlp",
        feature = "youtube"
    )),
    allow(dead_code, unused_imports)
)]

pub mod error;

pub mod cancel;
pub mod location;
mod panics;
pub mod sandbox;
pub mod telemetry;

pub mod config;

pub mod model;

pub mod kernels;

pub mod resilience;

#[doc(hidden)]
pub mod net;

pub mod text_model;

#[doc(hidden)]
pub mod cache;

pub mod source;

pub mod media;

pub mod exec;

#[cfg(feature = "datafusion")]
#[doc(hidden)]
pub mod store;

#[cfg(feature = "distributed")]
mod cluster;

#[cfg(feature = "datafusion")]
pub mod query;

#[cfg(feature = "datafusion")]
pub mod analytics;

#[cfg(feature = "datafusion")]
pub mod pipeline;

#[cfg(feature = "datafusion")]
pub mod processors;

#[cfg(feature = "datafusion")]
pub mod export;

#[cfg(feature = "datafusion")]
pub mod report;

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;

pub mod prelude;

pub use arrow;
#[cfg(feature = "datafusion")]
pub use datafusion;

pub use cancel::CancelToken;
pub use config::{BackendType, ParallelConfig};
pub use error::{Error, ErrorCode, Result};
pub use location::Location;
pub use model::{AudienceProfile, VideoClipRequest};
pub use telemetry::{Event, Observer};

/// The worker side of the process backend.
pub use exec::backend::process::worker;

#[cfg(feature = "datafusion")]
pub use analytics::{register_all, register_all_with};
#[cfg(feature = "datafusion")]
pub use cache::{CacheKeyFn, CacheStats, CacheSubject};
#[cfg(feature = "datafusion")]
pub use pipeline::{RunConfig, RunSummary, VariantSettings};
#[cfg(feature = "bench")]
pub use processors::{BenchmarkOptions, BenchmarkReport, run_comprehensive_benchmark};
#[cfg(feature = "datafusion")]
pub use processors::{
    ClipFile, EncodedVideo, ProcessingStats, VideoClipProcessor, VideoClipResponse,
    VideoEncodingProcessor, ViralAnalyticsProcessor, ViralVideoBatchResponse, ViralVideoProcessor,
    ViralVideoVariant, chunk_data, create_high_performance_processor,
    create_high_performance_viral_processor,
};
#[cfg(feature = "datafusion")]
pub use query::{SessionOptions, query_error};

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
    #[doc = include_str!("../docs/observability.md")]
    struct Observability;
    #[doc = include_str!("../docs/internals/execution.md")]
    struct Execution;
}
