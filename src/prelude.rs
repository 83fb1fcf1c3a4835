//! The names that most programs need: `use clipflow::prelude::*;`.
//!
//! ```no_run
//! use clipflow::prelude::*;
//!
//! # #[cfg(feature = "datafusion")]
//! fn main() -> clipflow::Result<()> {
//!     let processor = VideoClipProcessor::new("results").with_base("videos");
//!     let requests = vec![VideoClipRequest::new("talk.mp4")];
//!     for response in processor.process_batch_parallel(&requests, BackendType::Auto)? {
//!         println!("{}: {} clips", response.request_id, response.clips.len());
//!     }
//!     Ok(())
//! }
//! # #[cfg(not(feature = "datafusion"))]
//! # fn main() {}
//! ```

pub use crate::{
    AudienceProfile, BackendType, ErrorCode, Location, ParallelConfig, VideoClipRequest,
};

#[cfg(feature = "datafusion")]
pub use crate::{
    RunConfig, VideoClipProcessor, VideoClipResponse, VideoEncodingProcessor,
    ViralAnalyticsProcessor, ViralVideoBatchResponse, ViralVideoProcessor, ViralVideoVariant,
    register_all,
};

#[cfg(feature = "polars")]
pub use crate::{ClipflowExprs, ClipflowFrames};
