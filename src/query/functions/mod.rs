//! The kernels as functions of columns, each described once for both SQL and Polars.

pub(in crate::query) mod audience;
mod columns;
pub(in crate::query) mod experiment;
mod function;
pub(in crate::query) mod ids;
pub(in crate::query) mod json;
pub(in crate::query) mod language;
pub(in crate::query) mod may_change;
pub(in crate::query) mod metrics;
pub(in crate::query) mod occurrence;
pub(in crate::query) mod reframe;
pub(in crate::query) mod select;
pub(in crate::query) mod sound;
pub(in crate::query) mod spans;
pub(in crate::query) mod texts;
pub(in crate::query) mod validate;
pub(in crate::query) mod variants;

pub(in crate::query) use function::Function;

/// Every scalar function.
pub(in crate::query) fn all() -> Vec<Function> {
    let functions = [
        audience::audience_error(),
        audience::audience_language(),
        audience::audience_platforms(),
        ids::stable_id(),
        ids::source_location(),
        ids::without_signature(),
        json::json_text(),
        language::same_language(),
        language::language_tag(),
        may_change::may_change(),
        reframe::reframe_path(),
        reframe::framed_path(),
        select::select_clips(),
        sound::audio_track_error(),
        spans::select_clips_about(),
        spans::select_clips_in(),
        spans::span_error(),
        spans::outside_message(),
        spans::timecode_seconds(),
        select::cues_in(),
        select::merge_cues(),
        select::no_candidate_message(),
        validate::validate_request(),
        variants::clip_brief(),
        variants::with_texts(),
        variants::with_size(),
        variants::make_variants(),
        variants::no_variant_message(),
        variants::shortest_variant(),
        texts::keyphrases(),
        texts::hashtags(),
        texts::clip_title(),
    ];
    functions.into_iter().chain(metrics::all()).chain(experiment::all()).collect()
}
