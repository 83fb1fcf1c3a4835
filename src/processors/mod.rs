//! The API in the words of the guide: processors that take batches of requests and give back what
//! became of each.

mod clip;

pub use clip::{ClipFile, VideoClipProcessor, VideoClipResponse};
