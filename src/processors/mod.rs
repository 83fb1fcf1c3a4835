//! The API in the words of the guide: processors that take batches of requests and give back what
//! became of each.

mod analytics;
#[cfg(feature = "bench")]
pub mod benchmark;
mod chunks;
mod clip;
mod encode;
mod handler;
mod job;
mod monitoring;
mod response;
mod stats;
mod threads;
mod variant;
mod viral;

pub use analytics::ViralAnalyticsProcessor;
#[cfg(feature = "bench")]
pub use benchmark::{BenchmarkOptions, BenchmarkReport, run_comprehensive_benchmark};
pub use chunks::chunk_data;
pub use clip::{VideoClipProcessor, create_high_performance_processor};
pub use encode::{EncodedVideo, VideoEncodingProcessor};
pub use response::{ClipFile, VideoClipResponse, ViralVideoBatchResponse, response_schema};
pub use stats::ProcessingStats;
pub use variant::ViralVideoVariant;
pub use viral::{ViralVideoProcessor, create_high_performance_viral_processor};
