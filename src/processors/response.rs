//! Responses to requests: typed rows, and a table.

use std::collections::HashMap;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::variant::{self, ViralVideoVariant};
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::model::request::VideoClipRequest;
use crate::pipeline::RunRows;
use crate::query::rows::typed;

/// The response to a request for variants.
pub type ViralVideoBatchResponse = VideoClipResponse;

/// The response to one request.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct VideoClipResponse {
    /// Id of the request, given or derived.
    pub request_id: String,
    /// Whether it was answered with clips.
    pub success: bool,
    /// Stable code of what went wrong.
    pub error_code: Option<String>,
    /// What happened and what to do.
    pub error: Option<String>,
    /// The clips, best first; empty exactly when `success` is false.
    pub clips: Vec<ClipFile>,
    /// Variants of the clips, if any were asked for: clip after clip, best first.
    pub variants: Vec<ViralVideoVariant>,
}

/// One clip of a response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipFile {
    /// Stable id.
    pub clip_id: String,
    /// PTS of the first frame in the source, in seconds.
    pub start: f64,
    /// End in the source (exclusive), in seconds.
    pub end: f64,
    /// Score in [0, 1].
    pub score: f64,
    /// The media file, in the dataset; `None` if the run rendered no plain clips.
    pub location: Option<Location>,
    /// Frames in the file.
    pub frames: Option<i64>,
}

impl VideoClipResponse {
    /// The error of a failed request.
    pub fn failure(&self) -> Option<Error> {
        let code = ErrorCode::parse(self.error_code.as_deref()?).unwrap_or(ErrorCode::Internal);
        Some(Error::new(code, self.error.as_deref().unwrap_or_default()))
    }
}

/// The columns of responses as a table: those of [`VideoClipResponse`], with `clips` as a list of
/// structs of the fields of [`ClipFile`].
pub fn response_schema() -> SchemaRef {
    let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
    let number = |name: &str| Field::new(name, DataType::Float64, false);
    let variant = super::variant::fields();
    let variant = Field::new_list_field(DataType::Struct(variant.into()), false);
    let clip = vec![
        text("clip_id", false),
        number("start"),
        number("end"),
        number("score"),
        text("location", true),
        Field::new("frames", DataType::Int64, true),
    ];
    let item = Field::new_list_field(DataType::Struct(clip.into()), false);
    SchemaRef::new(Schema::new(vec![
        text("request_id", false),
        Field::new("success", DataType::Boolean, false),
        text("error_code", true),
        text("error", true),
        Field::new_list("clips", item, false),
        Field::new_list("variants", variant, false),
    ]))
}

/// Responses as a table of [`response_schema`].
///
/// # Errors
/// `internal` if they do not fit it.
pub(super) fn to_table(responses: &[VideoClipResponse]) -> Result<RecordBatch> {
    let rows: Vec<ResponseRow<'_>> = responses.iter().map(ResponseRow::from).collect();
    let fields: Vec<FieldRef> = response_schema().fields().iter().cloned().collect();
    serde_arrow::to_record_batch(&fields, &rows).map_err(|e| {
        Error::new(ErrorCode::Internal, format!("responses do not make a table: {e}"))
            .with_source(e)
    })
}

#[derive(Serialize)]
struct ResponseRow<'a> {
    request_id: &'a str,
    success: bool,
    error_code: Option<&'a str>,
    error: Option<&'a str>,
    clips: Vec<ResponseClipRow>,
    variants: &'a [ViralVideoVariant],
}

impl<'a> From<&'a VideoClipResponse> for ResponseRow<'a> {
    fn from(response: &'a VideoClipResponse) -> Self {
        let clip = |clip: &ClipFile| ResponseClipRow {
            clip_id: clip.clip_id.clone(),
            start: clip.start,
            end: clip.end,
            score: clip.score,
            location: clip.location.as_ref().map(Location::to_string),
            frames: clip.frames,
        };
        Self {
            request_id: &response.request_id,
            success: response.success,
            error_code: response.error_code.as_deref(),
            error: response.error.as_deref(),
            clips: response.clips.iter().map(clip).collect(),
            variants: &response.variants,
        }
    }
}

#[derive(Serialize)]
struct ResponseClipRow {
    clip_id: String,
    start: f64,
    end: f64,
    score: f64,
    location: Option<String>,
    frames: Option<i64>,
}

/// A row of [`RunRows::outcomes`]: the request with its defaults, and how it ended.
#[derive(Deserialize)]
struct OutcomeRow {
    error_code: Option<String>,
    error_message: Option<String>,
    request_id: String,
    // What could not be read is NULL.
    source_url: Option<String>,
    language: Option<String>,
    min_clip_length: Option<f64>,
    max_clip_length: Option<f64>,
    max_clips: Option<i64>,
    audience_profile: Option<String>,
    experiment_id: Option<String>,
    topic: Option<String>,
    start: Option<f64>,
    end: Option<f64>,
    within_start: Option<f64>,
    within_end: Option<f64>,
    audio_track: Option<String>,
    hdr: Option<String>,
}

impl OutcomeRow {
    fn request(&self) -> VideoClipRequest {
        let default = VideoClipRequest::default();
        VideoClipRequest {
            request_id: Some(self.request_id.clone()),
            source_url: self.source_url.clone().unwrap_or(default.source_url),
            language: self.language.clone().unwrap_or(default.language),
            min_clip_length: self.min_clip_length.unwrap_or(default.min_clip_length),
            max_clip_length: self.max_clip_length.unwrap_or(default.max_clip_length),
            max_clips: self.max_clips.unwrap_or(default.max_clips),
            audience_profile: self.audience_profile.clone(),
            experiment_id: self.experiment_id.clone(),
            topic: self.topic.clone(),
            start: self.start,
            end: self.end,
            within_start: self.within_start,
            within_end: self.within_end,
            audio_track: self.audio_track.clone(),
            hdr: self.hdr.clone(),
        }
    }
}

/// A row of [`RunRows::clips`].
#[derive(Deserialize)]
struct ChosenRow {
    request_id: String,
    clip_id: String,
    start: f64,
    end: f64,
    score: f64,
    uri: Option<String>,
    frames: Option<i64>,
}

/// Each request of a run with what became of it, in the order of the requests. Files lie in `out`.
///
/// # Errors
/// `internal` if the tables are not what they should be.
pub(super) fn answered(
    answers: &RunRows,
    out: &Location,
) -> Result<Vec<(VideoClipRequest, VideoClipResponse)>> {
    let mut clips: HashMap<String, Vec<ClipFile>> = HashMap::new();
    for row in typed::<ChosenRow>(&answers.clips)? {
        let ChosenRow { request_id, clip_id, start, end, score, uri, frames } = row;
        let location = uri.map(|uri| out.join(&uri));
        let clip = ClipFile { clip_id, start, end, score, location, frames };
        clips.entry(request_id).or_default().push(clip);
    }
    let mut variants: HashMap<String, Vec<ViralVideoVariant>> = HashMap::new();
    for row in variant::read(&answers.variants, out)? {
        variants.entry(row.request_id.clone()).or_default().push(row);
    }
    let response = |row: OutcomeRow| {
        let request = row.request();
        let OutcomeRow { error_code, error_message, request_id, .. } = row;
        let success = error_code.is_none();
        // Two rows may carry one id; the second one failed for it and has no clips.
        let of_success = success.then_some(&request_id);
        let clips = of_success.and_then(|id| clips.get(id)).cloned().unwrap_or_default();
        let variants = of_success.and_then(|id| variants.get(id)).cloned().unwrap_or_default();
        let error = error_message;
        let response =
            VideoClipResponse { request_id, success, error_code, error, clips, variants };
        (request, response)
    };
    Ok(typed::<OutcomeRow>(&answers.outcomes)?.into_iter().map(response).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn responses_make_a_table() {
        let clip = ClipFile {
            clip_id: "c".into(),
            start: 1.0,
            end: 2.5,
            score: 0.5,
            location: Some("out/media/x.mp4".into()),
            frames: Some(37),
        };
        let good = VideoClipResponse {
            request_id: "a".into(),
            success: true,
            error_code: None,
            error: None,
            clips: vec![clip],
            variants: vec![],
        };
        let bad = VideoClipResponse {
            request_id: "b".into(),
            success: false,
            error_code: Some("source.not_found".into()),
            error: Some("there is no file".into()),
            clips: vec![],
            variants: vec![],
        };
        assert_eq!(bad.failure().unwrap().code(), ErrorCode::SourceNotFound);
        assert!(good.failure().is_none());
        for response in [&good, &bad] {
            let json = serde_json::to_string(response).unwrap();
            assert_eq!(&serde_json::from_str::<VideoClipResponse>(&json).unwrap(), response);
        }
        let table = to_table(&[good, bad]).unwrap();
        assert_eq!((table.schema(), table.num_rows()), (response_schema(), 2));
        assert_eq!(to_table(&[]).unwrap().num_rows(), 0);
        let json = serde_json::to_value(typed::<serde_json::Value>(&[table]).unwrap()).unwrap();
        assert_eq!(json[0]["clips"][0]["frames"], 37);
        assert_eq!(json[1]["error_code"], "source.not_found");
    }
}
