//! The caller's handler of failures.

use std::fmt;
use std::sync::Arc;

use super::response::VideoClipResponse;
use crate::error::Error;
use crate::model::VideoClipRequest;

/// What answers for failed requests, if it likes.
#[derive(Clone)]
pub(super) struct ErrorHandler(Arc<Handler>);

type Handler = dyn Fn(&Error, &VideoClipRequest) -> Option<VideoClipResponse> + Send + Sync;

impl ErrorHandler {
    pub(super) fn new(
        handler: impl Fn(&Error, &VideoClipRequest) -> Option<VideoClipResponse> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(handler))
    }

    /// The handler's response to a failure, or that failure.
    pub(super) fn handle(
        &self,
        request: &VideoClipRequest,
        response: VideoClipResponse,
    ) -> VideoClipResponse {
        let own = response.failure().and_then(|error| (self.0)(&error, request));
        own.unwrap_or(response)
    }
}

impl fmt::Debug for ErrorHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ErrorHandler")
    }
}
