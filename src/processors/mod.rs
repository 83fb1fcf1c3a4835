//! The API in the words of the guide: processors that take batches of requests and give back what
//! became of each.

pub mod benchmark;
mod clip;

pub use benchmark::{BenchmarkOptions, BenchmarkReport, run_comprehensive_benchmark};
pub use clip::{ClipFile, VideoClipProcessor, VideoClipResponse};
