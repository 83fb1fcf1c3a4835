//! `clip_brief(…)`, `with_texts(brief, texts)`, `make_variants(brief, n, audience_profile, platforms, captions)`
//! and `no_variant_message(…)`.

use std::sync::Arc;

use arrow::array::{Array, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};

use super::select::{list, list_type};
use super::{Function, misused, numbers, text};
use crate::error::Result;
use crate::kernels::score::ScoreModels;
use crate::kernels::variants::{self, BriefColumns, Scorer};
use crate::model::{Cue, Shot, Signal, Variant, WrittenTexts};

/// `clip_brief(signals, shots, cues, language, topic, width, height, fps, start, end,
/// min_clip_length, max_clip_length)`: what making variants
/// needs to know of a clip, as a struct; see [`variants::ClipBrief`]. The cues are those of the
/// clip's language.
pub fn clip_brief() -> Function {
    // Its type is only unknown if the program is broken; then every call says so.
    let return_type = variants::brief_type().unwrap_or(DataType::Null);
    Function::new(
        "clip_brief",
        Some(&[
            "signals", "shots", "cues", "language", "topic", "width", "height", "fps", "start",
            "end", "min", "max",
        ]),
        return_type,
        |args| {
            let size = [numbers::<Int64Type>(&args[5])?, numbers::<Int64Type>(&args[6])?];
            let span = [numbers::<Float64Type>(&args[8])?, numbers::<Float64Type>(&args[9])?];
            let lengths = [numbers::<Float64Type>(&args[10])?, numbers::<Float64Type>(&args[11])?];
            Ok(Arc::new(variants::briefs(&BriefColumns {
                signals: &list(&args[0], Signal::data_type())?,
                shots: &list(&args[1], Shot::data_type())?,
                cues: &list(&args[2], Cue::data_type())?,
                language: &text(&args[3])?,
                topic: &text(&args[4])?,
                size: size.each_ref(),
                fps: &numbers::<Float64Type>(&args[7])?,
                span: span.each_ref(),
                lengths: lengths.each_ref(),
            })?))
        },
    )
}

/// `with_texts(brief, texts)`: the brief with `texts` (a struct of [`clip_text`]'s columns) in place of
/// its own; NULL leaves it as it is. See [`variants::ClipBrief::with_texts`].
pub fn with_texts() -> Function {
    let return_type = variants::brief_type().unwrap_or(DataType::Null);
    Function::new("with_texts", Some(&["brief", "texts"]), return_type, |args| {
        let briefs = args[0].as_struct_opt().ok_or_else(|| {
            misused(format!("with_texts takes a clip_brief, not {}", args[0].data_type()))
        })?;
        let texts = cast(&args[1], &WrittenTexts::data_type()).map_err(|e| {
            misused(format!("with_texts takes title, hook_text, description, hashtags and note in a struct ({e})"))
        })?;
        Ok(Arc::new(variants::with_texts(briefs, texts.as_struct())?))
    })
}

/// `make_variants(brief, n, audience_profile, platforms, captions)`: the clip's best variants, as a list of
/// [`variant`] structs; see [`variants::make_variants`]. The audience is JSON or NULL, the platforms
/// names with commas between, or NULL for those of the audience, or all, the captions `burned`, `soft`, `sidecar`, `off` or NULL.
/// There are at most [`variants::MAX_VARIANTS`].
pub fn make_variants(scorer: Option<Arc<Scorer>>) -> Function {
    Function::new(
        "make_variants",
        Some(&["brief", "n", "audience", "platforms", "captions"]),
        list_type(Variant::data_type()),
        move |args| {
            let briefs = args[0].as_struct_opt().ok_or_else(|| {
                misused(format!("make_variants takes a clip_brief, not {}", args[0].data_type()))
            })?;
            let scorer = match &scorer {
                Some(scorer) => Arc::clone(scorer),
                None => built_in()?,
            };
            let n = numbers::<Int64Type>(&args[1])?;
            let (audience, platforms, captions) =
                (text(&args[2])?, text(&args[3])?, text(&args[4])?);
            Ok(Arc::new(variants::variant_lists(
                briefs, &n, &audience, &platforms, &captions, &scorer,
            )?))
        },
    )
}

/// `no_variant_message(audience_profile, platforms, min_clip_length, max_clip_length)`: why a clip of such
/// a length has no variants, as a sentence; see [`variants::no_variant_message`]. NULL where the audience or
/// the platforms cannot be read.
pub fn no_variant_message() -> Function {
    Function::new(
        "no_variant_message",
        Some(&["audience", "platforms", "min", "max"]),
        DataType::Utf8,
        |args| {
            let (audience, platforms) = (text(&args[0])?, text(&args[1])?);
            let lengths = [numbers::<Float64Type>(&args[2])?, numbers::<Float64Type>(&args[3])?];
            let sentence = |row: usize| {
                let word = |of: &StringArray| {
                    if of.is_valid(row) { of.value(row).to_owned() } else { String::new() }
                };
                let [min, max] = lengths.each_ref().map(|length| length.value(row));
                variants::no_variant_message(&word(&audience), &word(&platforms), (min, max)).ok()
            };
            Ok(Arc::new((0..audience.len()).map(sentence).collect::<StringArray>()))
        },
    )
}

fn built_in() -> Result<Arc<Scorer>> {
    Ok(Arc::new(Scorer::new(ScoreModels::built_in()?)?))
}
