//! Texts of clips by a language model, for rows of a table.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::Deserialize;

use crate::error::{Error, ErrorCode, Result};
use crate::kernels::text::{
    TextModel, TextModelAnswer, TextModelRequest, TextOrigin, keyphrases, lines_in, said,
};
use crate::model::arrays::structs;
use crate::model::platform::TextLimits;
use crate::model::{AudienceProfile, Cue, WrittenTexts};

/// Largest number of keyphrases of a clip in a request.
const KEYPHRASES: usize = 12;

/// The texts of many clips in the order of `requests`, with at most `concurrency` requests at a time.
///
/// # Errors
/// As [`TextModel::texts`].
pub async fn describe_clips(
    model: &dyn TextModel,
    requests: Vec<TextModelRequest>,
    concurrency: usize,
) -> Result<Vec<TextModelAnswer>> {
    // Boxed at once: a closure that borrows its argument is not general enough for a stream.
    let answers: Vec<_> = requests.iter().map(|request| model.texts(request)).collect();
    stream::iter(answers).buffered(concurrency.max(1)).try_collect().await
}

/// The columns of [`describe_rows`]: `clip_id` and `texts`, a struct of the columns of [`WrittenTexts`].
pub fn described_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("clip_id", DataType::Utf8, false),
        Field::new("texts", WrittenTexts::data_type(), true),
    ]))
}

/// The texts of the clips in `rows`, one per row, all requested concurrently. Columns: `clip_id`,
/// `start`, `end`, `cues` (a list of [`cue`](crate::model::cue) structs in the clip's language),
/// `language`, `topic`, `audience` (JSON), `width`, `height`. Where the model failed the texts are NULL
/// and `note` says why.
///
/// # Errors
/// As [`TextModel::texts`]; `internal` if a column is missing.
pub async fn describe_rows(
    model: &dyn TextModel,
    rows: &RecordBatch,
    limits: TextLimits,
) -> Result<RecordBatch> {
    let clips: Vec<DescribeRow> = serde_arrow::from_record_batch(rows).map_err(|e| unfit(&e))?;
    let requests = clips.iter().map(|clip| clip.request(limits)).collect::<Result<Vec<_>>>()?;
    let answers = describe_clips(model, requests, clips.len()).await?;
    let texts: Vec<WrittenTexts> = answers.into_iter().map(written).collect();
    let ids: StringArray = clips.iter().map(|clip| Some(clip.clip_id.as_str())).collect();
    let columns: Vec<ArrayRef> =
        vec![Arc::new(ids), Arc::new(structs(&WrittenTexts::fields(), &texts)?)];
    RecordBatch::try_new(described_schema(), columns).map_err(|e| unfit(&e))
}

/// The texts that the model wrote. Built-in texts are generated later, with several titles.
fn written(TextModelAnswer { text, fallback }: TextModelAnswer) -> WrittenTexts {
    if text.origin != TextOrigin::Model {
        return WrittenTexts { note: fallback, ..WrittenTexts::default() };
    }
    WrittenTexts {
        title: Some(text.title),
        hook_text: text.hook_text,
        description: Some(text.description),
        hashtags: text.hashtags,
        note: None,
    }
}

#[derive(Deserialize)]
struct DescribeRow {
    clip_id: String,
    start: f64,
    end: f64,
    cues: Option<Vec<Cue>>,
    language: Option<String>,
    topic: Option<String>,
    audience: Option<String>,
    width: Option<i64>,
    height: Option<i64>,
}

impl DescribeRow {
    fn request(&self, limits: TextLimits) -> Result<TextModelRequest> {
        let lines = lines_in(self.cues.as_deref().unwrap_or_default(), (self.start, self.end));
        let language = self.language.as_deref();
        let mut found = keyphrases(&said(&lines), language, KEYPHRASES);
        if found.is_empty() {
            found = keyphrases(self.topic.as_deref().unwrap_or(""), language, KEYPHRASES);
        }
        let audience = AudienceProfile::parse(self.audience.as_deref().unwrap_or(""))?;
        Ok(TextModelRequest {
            lines: lines.iter().map(|l| (l.text.to_owned(), l.start, l.end)).collect(),
            keyphrases: found,
            language: self.language.clone(),
            topic: self.topic.clone(),
            interests: audience.interests,
            duration: self.end - self.start,
            size: self.width.zip(self.height),
            limits,
        })
    }
}

fn unfit(cause: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorCode::Internal, format!("rows of clips do not fit: {cause}"))
}
