//! Captions beside a source that is fetched: what the ways of fetching have in common.

use serde_json::json;

/// Largest caption file that is fetched, in bytes.
pub(super) const MAX_CAPTION_BYTES: u64 = 10 << 20;

/// A description that says nothing but why captions are missing, for the analysis to find beside the source.
pub(super) fn caption_note(note: &str) -> Vec<u8> {
    json!({ "caption_note": note }).to_string().into_bytes()
}
