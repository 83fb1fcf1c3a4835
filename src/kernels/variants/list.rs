//! The kernels over Arrow columns.

use std::sync::{Arc, OnceLock};

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
    StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{cast, filter, is_not_null};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use serde::de::DeserializeOwned;
use serde_arrow::schema::{SchemaLike, TracingOptions};

use super::{ClipBrief, ClipFacts, Scorer, VariantSize, clip_brief, platforms_for};
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::text::SentencePart;
use crate::model::edit::CaptionMode;
use crate::model::{AudienceProfile, Cue, Keyphrase, PictureArea, Platform, Shot, Signal, Variant};

/// Signals this much before a clip still count as beside it, in seconds.
const BESIDE: f64 = 2.0;

/// The columns of a brief.
fn fields() -> Result<&'static Vec<FieldRef>> {
    static FIELDS: OnceLock<Result<Vec<FieldRef>>> = OnceLock::new();
    let fields = FIELDS.get_or_init(|| {
        let options =
            TracingOptions::default().strings_as_large_utf8(false).sequence_as_large_list(false);
        Vec::<FieldRef>::from_samples(&[sample()], options).map_err(|e| unfit(&e))
    });
    fields.as_ref().map_err(|e| Error::new(e.code(), e.message().to_owned()))
}

/// A brief in which nothing is missing, so that its columns can be told from it.
fn sample() -> ClipBrief {
    ClipBrief {
        language: Some(String::new()),
        area: Some(PictureArea::default()),
        speech: Some(0.0),
        loudness_peak: Some(0.0),
        moments: vec![super::Moment { t: 0.0, strength: 0.0, silence: 0.0 }],
        endings: vec![super::Ending { t: 0.0, quality: 0.0 }],
        pauses: vec![super::Stretch { start: 0.0, end: 0.0 }],
        fillers: vec![super::Stretch { start: 0.0, end: 0.0 }],
        onsets: vec![0.0],
        keyphrases: vec![Keyphrase { text: String::new(), weight: 0.0 }],
        titles: vec![super::Title { style: String::new(), text: String::new() }],
        hook_text: Some(String::new()),
        descriptions: vec![String::new()],
        hashtags: vec![String::new()],
        text_note: Some(String::new()),
        said: vec![SentencePart::default()],
        topic: Some(String::new()),
        size: Some(String::new()),
        ..ClipBrief::default()
    }
}

/// The struct type of a brief.
///
/// # Errors
/// None in practice: the columns are those of the type.
pub fn brief_type() -> Result<DataType> {
    Ok(DataType::Struct(fields()?.iter().cloned().collect()))
}

/// The columns that briefs are made from.
#[derive(Debug, Clone, Copy)]
pub struct BriefColumns<'a> {
    /// Lists of signals, a source a row.
    pub signals: &'a ListArray,
    /// Lists of shots.
    pub shots: &'a ListArray,
    /// Lists of cues in the clip's language.
    pub cues: &'a ListArray,
    /// The language.
    pub language: &'a StringArray,
    /// What the request says that the source is about; NULL: nothing.
    pub topic: &'a StringArray,
    /// Width and height of the source.
    pub size: [&'a Int64Array; 2],
    /// Its frames a second.
    pub fps: &'a Float64Array,
    /// Start and end of the clip.
    pub span: [&'a Float64Array; 2],
    /// Shortest and longest that the request wants; NULL: any length.
    pub lengths: [&'a Float64Array; 2],
}

/// Briefs of clips, one a row; NULL where the clip or its source is.
///
/// # Errors
/// `internal` if a list does not hold the columns of its table.
pub fn briefs(columns: &BriefColumns<'_>) -> Result<StructArray> {
    let BriefColumns { signals, shots, cues, language, topic, size, fps, span, lengths } = columns;
    let [start, end] = span;
    let known = |i: usize| {
        start.is_valid(i)
            && end.is_valid(i)
            && signals.is_valid(i)
            && fps.is_valid(i)
            && fps.value(i) > 0.0
    };
    let length = |side: usize, i: usize| lengths[side].is_valid(i).then(|| lengths[side].value(i));
    let brief = |i: usize| -> Result<ClipBrief> {
        if !known(i) {
            return Ok(ClipBrief::default());
        }
        let facts = ClipFacts {
            start: start.value(i),
            end: end.value(i),
            language: language.is_valid(i).then(|| language.value(i)),
            topic: topic.is_valid(i).then(|| topic.value(i)),
            size: (size[0].value(i), size[1].value(i)),
            fps: fps.value(i),
            lengths: (length(0, i).unwrap_or(0.0), length(1, i).unwrap_or(f64::INFINITY)),
        };
        let near = near(&signals.value(i), facts.start - BESIDE, facts.end + BESIDE);
        let cues: Vec<Cue> = if cues.is_valid(i) { typed(&cues.value(i))? } else { vec![] };
        let shots: Vec<Shot> = if shots.is_valid(i) { typed(&shots.value(i))? } else { vec![] };
        Ok(clip_brief(&facts, &typed::<Signal>(&near)?, &shots, &cues))
    };
    let rows = (0..start.len()).map(brief).collect::<Result<Vec<_>>>()?;
    let nulls: NullBuffer = (0..start.len()).map(known).collect();
    array(&rows, nulls)
}

/// Briefs as an array.
fn array(rows: &[ClipBrief], nulls: NullBuffer) -> Result<StructArray> {
    let columns = serde_arrow::to_arrow(fields()?, rows).map_err(|e| unfit(&e))?;
    let fields = fields()?.iter().cloned().collect();
    StructArray::try_new_with_length(fields, columns, Some(nulls), rows.len())
        .map_err(|e| unfit(&e))
}

/// Briefs with the texts of `texts` (structs of [`clip_text`](crate::model::clip_text)'s columns) in place of their own, where
/// there are any.
///
/// # Errors
/// `internal` if the structs are no briefs or no texts.
pub fn with_texts(briefs: &StructArray, texts: &StructArray) -> Result<StructArray> {
    let is_written = |i: usize| briefs.is_valid(i) && texts.is_valid(i);
    if !(0..briefs.len()).any(is_written) {
        return Ok(briefs.clone());
    }
    let both = |i: usize| -> Result<ClipBrief> {
        let one = |rows: &StructArray| -> ArrayRef { Arc::new(rows.slice(i, 1)) };
        if briefs.is_null(i) {
            return Ok(ClipBrief::default());
        }
        let brief = typed::<ClipBrief>(&one(briefs))?.pop().unwrap_or_default();
        let texts = if texts.is_valid(i) { typed(&one(texts))?.pop() } else { None };
        Ok(brief.with_texts(texts.unwrap_or_default()))
    };
    let rows = (0..briefs.len()).map(both).collect::<Result<Vec<_>>>()?;
    array(&rows, (0..briefs.len()).map(|i| briefs.is_valid(i)).collect())
}

/// Briefs with the size that their variants are to have (text of a [`VariantSize`]); NULL leaves that open.
///
/// # Errors
/// `config.invalid` if a size is none, `internal` if the structs are no briefs.
pub fn with_size(briefs: &StructArray, size: &StringArray) -> Result<StructArray> {
    let Some(at) = briefs.fields().iter().position(|field| field.name() == "size") else {
        return Err(unfit(&"a brief has no size"));
    };
    for size in size.iter().flatten() {
        size.parse::<VariantSize>()?;
    }
    let (fields, mut columns, nulls) = briefs.clone().into_parts();
    columns[at] = cast(size, fields[at].data_type()).map_err(|e| unfit(&e))?;
    StructArray::try_new(fields, columns, nulls).map_err(|e| unfit(&e))
}

/// Lists of variants of briefs, one a row, of at most [`MAX_VARIANTS`](super::MAX_VARIANTS) each.
/// `audience` is JSON; NULL is an unknown audience.
/// `captions` is a mode or `off`; NULL: burned in.
///
/// # Errors
/// `invalid_request.bad_value` for an audience that cannot be read, `config.invalid` for a platform
/// or captions that are none, `internal` if the structs are no briefs.
pub fn make_variants(
    briefs: &StructArray,
    n: &Int64Array,
    audience: &StringArray,
    platforms: &StringArray,
    captions: &StringArray,
    scorer: &Scorer,
) -> Result<ListArray> {
    let is_there = is_not_null(briefs).map_err(|e| unfit(&e))?;
    let those = filter(briefs, &is_there).map_err(|e| unfit(&e))?;
    let mut typed = typed::<ClipBrief>(&those)?.into_iter();
    let mut all: Vec<Variant> = vec![];
    let mut lengths = Vec::with_capacity(briefs.len());
    for i in 0..briefs.len() {
        let brief = if briefs.is_valid(i) { typed.next() } else { None };
        let before = all.len();
        let most = if n.is_valid(i) { usize::try_from(n.value(i)).unwrap_or(0) } else { 0 };
        if most > 0 {
            let text = |column: &StringArray| {
                if column.is_valid(i) { column.value(i).to_owned() } else { String::new() }
            };
            let audience = AudienceProfile::parse(&text(audience))?;
            let platforms = platforms_for(&names(&text(platforms)), &audience)?;
            if let Some(brief) = &brief {
                let mode = caption_mode(&text(captions))?;
                all.extend(super::make_variants(brief, most, &audience, &platforms, mode, scorer)?);
            }
        }
        lengths.push(all.len() - before);
    }
    let fields: Vec<FieldRef> = Variant::fields().into_iter().map(Arc::new).collect();
    let columns = serde_arrow::to_arrow(&fields, &all).map_err(|e| unfit(&e))?;
    let items = StructArray::try_new_with_length(fields.into(), columns, None, all.len())
        .map_err(|e| unfit(&e))?;
    let item = Arc::new(Field::new_list_field(Variant::data_type(), true));
    ListArray::try_new(item, OffsetBuffer::from_lengths(lengths), Arc::new(items), None)
        .map_err(|e| unfit(&e))
}

/// Why a clip that is to last from `min` to `max` seconds has no variants, as a sentence. `audience` and
/// `platforms` as in [`make_variants`].
///
/// # Errors
/// As there.
pub fn no_variant_message(
    audience: &str,
    platforms: &str,
    (min, max): (f64, f64),
) -> Result<String> {
    let platforms = platforms_for(&names(platforms), &AudienceProfile::parse(audience)?)?;
    let takes = |p: &&Platform| format!("{} ({} to {} s)", p.name, p.min_seconds, p.max_seconds);
    let takes: Vec<String> = platforms.iter().map(takes).collect();
    Ok(format!(
        "no clip of {min} to {max} s can be shaped for {}; change its lengths or the platforms",
        takes.join(", ")
    ))
}

/// The shortest that one of the platforms takes, in seconds. `audience` and `platforms` as in
/// [`make_variants`].
///
/// # Errors
/// As there.
pub fn shortest_variant(audience: &str, platforms: &str) -> Result<f64> {
    let platforms = platforms_for(&names(platforms), &AudienceProfile::parse(audience)?)?;
    let shortest = platforms.iter().map(|platform| platform.min_seconds);
    Ok(shortest.min_by(f64::total_cmp).unwrap_or_default())
}

/// Names with commas between.
fn names(platforms: &str) -> Vec<String> {
    let names = platforms.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// Where captions go, as a word: `off` is nowhere, nothing is burned in.
///
/// # Errors
/// `config.invalid`.
pub fn caption_mode(word: &str) -> Result<Option<CaptionMode>> {
    match word.trim() {
        "" => Ok(Some(CaptionMode::Burned)),
        "off" => Ok(None),
        word => CaptionMode::parse(word).map(Some).ok_or_else(|| {
            Error::new(
                ErrorCode::ConfigInvalid,
                format!("captions are burned, soft, sidecar or off, not {word}"),
            )
        }),
    }
}

/// The rows whose time lies in between, of rows in order of time.
fn near(signals: &ArrayRef, from: f64, until: f64) -> ArrayRef {
    let times = signals.as_struct_opt().and_then(|s| s.column_by_name("t"));
    let Some(times) = times.and_then(|t| t.as_primitive_opt::<Float64Type>()) else {
        return Arc::clone(signals);
    };
    let first = times.values().partition_point(|t| *t < from);
    let last = times.values().partition_point(|t| *t <= until);
    signals.slice(first, last.max(first) - first)
}

/// A struct array as typed rows.
fn typed<T: DeserializeOwned>(rows: &ArrayRef) -> Result<Vec<T>> {
    let rows = rows.as_struct_opt().ok_or_else(|| unfit(&"no struct"))?;
    let whole = StructArray::try_new_with_length(
        rows.fields().clone(),
        rows.columns().to_vec(),
        None,
        rows.len(),
    );
    let batch = RecordBatch::from(whole.map_err(|e| unfit(&e))?);
    serde_arrow::from_record_batch(&batch).map_err(|e| unfit(&e))
}

fn unfit(cause: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorCode::Internal, format!("rows do not fit their table: {cause}"))
}
