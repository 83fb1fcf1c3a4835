//! What all steps of rendering one source share.

use std::path::Path;

use super::settings::RenderSettings;
use super::source::RenderSource;
use crate::cancel::CancelToken;
use crate::media::tools::MediaTools;

/// The source, the settings and the tools of one call to render.
#[derive(Clone, Copy)]
pub(crate) struct RenderContext<'a> {
    pub(crate) tools: &'a MediaTools,
    pub(crate) path: &'a Path,
    pub(crate) source: &'a RenderSource,
    pub(crate) settings: &'a RenderSettings,
    pub(crate) cancel: &'a CancelToken,
}
