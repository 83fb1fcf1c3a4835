//! `clip_brief(…)`, `with_texts(brief, texts)`, `make_variants(brief, n, audience_profile, platforms, captions[, model])`
//! and `no_variant_message(…)`.

use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, StringArray, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};

use super::columns::{by_runs, lists, misused, numbers, text};
use super::function::Function;
use crate::error::Result;
use crate::kernels::score::ScoreModels;
use crate::kernels::variants::{self, BriefColumns, Scorer};
use crate::model::{Variant, WrittenTexts};
use crate::query::arguments::{
    About, Argument, ArgumentKind, FunctionArguments, list_type, section,
};
use crate::query::scoring::{self, LastRead};

const BRIEF: Argument = Argument::new("brief", ArgumentKind::Brief, "The clip, as of clip_brief()");
const AUDIENCE: Argument =
    Argument::new("audience", ArgumentKind::Text, "An audience profile in JSON; NULL: unknown");
const PLATFORMS: Argument = Argument::new(
    "platforms",
    ArgumentKind::Text,
    "Names of platforms with commas between; NULL: those of the audience, or all",
);
const MIN: Argument = Argument::new(
    "min",
    ArgumentKind::Number,
    "Shortest that the request wants in seconds; NULL: any",
);
const MAX: Argument = Argument::new(
    "max",
    ArgumentKind::Number,
    "Longest that the request wants in seconds; NULL: any",
);

/// `clip_brief(signals, shots, cues, language, topic, width, height, fps, start, end,
/// min_clip_length, max_clip_length)`: what making variants
/// needs to know of a clip, as a struct; see [`variants::ClipBrief`]. The cues are those of the
/// clip's language.
pub fn clip_brief() -> Function {
    let arguments = FunctionArguments::new([
        Argument::new("signals", ArgumentKind::Signals, "The signals of the source"),
        Argument::new("shots", ArgumentKind::Shots, "Its shots"),
        Argument::new(
            "cues",
            ArgumentKind::Cues,
            "Its cues in the language of the clip, as of cues_in()",
        ),
        Argument::new("language", ArgumentKind::Text, "Language of the clip as a tag"),
        Argument::new(
            "topic",
            ArgumentKind::Text,
            "What the request says that the source is about, or NULL",
        ),
        Argument::new("width", ArgumentKind::Whole, "Width of the source in pixels"),
        Argument::new("height", ArgumentKind::Whole, "Its height"),
        Argument::new("fps", ArgumentKind::Number, "Its frames a second"),
        Argument::new("start", ArgumentKind::Number, "Start of the clip in seconds"),
        Argument::new("end", ArgumentKind::Number, "Its end in seconds"),
        MIN,
        MAX,
    ]);
    let about = About::new(
        section::VARIANTS,
        "What making variants needs to know of a clip, as a struct.",
        "SELECT clip_brief(signals, shots, cues, 'en', NULL, 1280, 720, 25, 2, 12, NULL, NULL)
FROM source_lists('results')",
    );
    Function::new("clip_brief", arguments, ArgumentKind::Brief.example(), about, |args| {
        let size = [numbers::<Int64Type>(&args[5])?, numbers::<Int64Type>(&args[6])?];
        let span = [numbers::<Float64Type>(&args[8])?, numbers::<Float64Type>(&args[9])?];
        let lengths = [numbers::<Float64Type>(&args[10])?, numbers::<Float64Type>(&args[11])?];
        Ok(Arc::new(variants::briefs(&BriefColumns {
            signals: &lists(&args[0])?,
            shots: &lists(&args[1])?,
            cues: &lists(&args[2])?,
            language: &text(&args[3])?,
            topic: &text(&args[4])?,
            size: size.each_ref(),
            fps: &numbers::<Float64Type>(&args[7])?,
            span: span.each_ref(),
            lengths: lengths.each_ref(),
        })?))
    })
}

/// `with_texts(brief, texts)`: the brief with `texts` (a struct of [`WrittenTexts`]'s columns) in place of
/// its own; NULL leaves it as it is. See [`variants::ClipBrief::with_texts`].
pub fn with_texts() -> Function {
    let texts =
        Argument::new("texts", ArgumentKind::Texts, "Texts of the clip; NULL leaves its own");
    let about = About::new(
        section::VARIANTS,
        "A clip_brief with other texts in place of its own.",
        "SELECT with_texts(clip_brief(signals, shots, cues, 'en', NULL, 1280, 720, 25, 2, 12, NULL, NULL),
    named_struct('title', 'Mine', 'hook_text', NULL, 'description', NULL, 'hashtags', ['mine'], 'note', NULL))
FROM source_lists('results')",
    );
    let arguments = FunctionArguments::new([BRIEF, texts]);
    Function::new("with_texts", arguments, ArgumentKind::Brief.example(), about, |args| {
        let texts = cast(&args[1], &WrittenTexts::data_type()).map_err(|e| {
            misused(format!("with_texts takes title, hook_text, description, hashtags and note in a struct ({e})"))
        })?;
        Ok(Arc::new(variants::with_texts(briefs(&args[0])?, texts.as_struct())?))
    })
}

/// `with_size(brief, size)`: the brief with the size that its variants are to have; NULL leaves that open. See
/// [`variants::VariantSize`].
pub fn with_size() -> Function {
    let size = Argument::new(
        "size",
        ArgumentKind::Text,
        "full (each platform's largest) or WIDTHxHEIGHT; NULL: what suits source and platform",
    );
    let about = About::new(
        section::VARIANTS,
        "A clip_brief whose variants have the size that is asked for, the source enlarged if need be.",
        "SELECT make_variants(with_size(clip_brief(signals, shots, cues, 'en', NULL, 1280, 720, 25, 2, 12, NULL, NULL), 'full'),
    3, NULL, 'tiktok', 'burned')
FROM source_lists('results')",
    );
    let arguments = FunctionArguments::new([BRIEF, size]);
    Function::new("with_size", arguments, ArgumentKind::Brief.example(), about, |args| {
        Ok(Arc::new(variants::with_size(briefs(&args[0])?, &text(&args[1])?)?))
    })
}

/// `make_variants(brief, n, audience_profile, platforms, captions[, model])`: the clip's best variants, as a
/// list of [`Variant`] structs; see [`variants::make_variants`]. The audience is JSON or NULL, the platforms
/// names with commas between, or NULL for those of the audience, or all, the captions `burned`, `soft`,
/// `sidecar`, `off` or NULL. The model is JSON; where it is left out it is `clipflow.model`.
/// There are at most [`variants::MAX_VARIANTS`].
pub fn make_variants() -> Function {
    let arguments = FunctionArguments::with_optional_last([
        BRIEF,
        Argument::new("n", ArgumentKind::Whole, "Variants at most"),
        AUDIENCE,
        PLATFORMS,
        Argument::new(
            "captions",
            ArgumentKind::Text,
            "Where captions go: burned, soft, sidecar or off; NULL: burned",
        ),
        Argument::new(
            "model",
            ArgumentKind::Text,
            "Score model in JSON, as of clipflow train; left out: clipflow.model",
        ),
    ]);
    let about = About::new(
        section::VARIANTS,
        "The best versions of a clip for platforms, best first: a list of structs with layout, size, texts, predicted metrics and score.",
        "SELECT make_variants(clip_brief(signals, shots, cues, 'en', NULL, 1280, 720, 25, 2, 12, NULL, NULL),
    3, '{\"age\":\"18-35\"}', 'tiktok,shorts', 'burned')
FROM source_lists('results')",
    );
    let (read, built_in) = (LastRead::default(), OnceLock::new());
    let return_type = list_type(Variant::data_type());
    let function = Function::new("make_variants", arguments, return_type, about, move |args| {
        by_runs(args.get(5), &args[..5], |model, args| {
            let scorer = match model {
                Some(json) => read.get(json, scoring::scorer)?,
                None => built_in_scorer(&built_in)?,
            };
            let n = numbers::<Int64Type>(&args[1])?;
            let (audience, platforms, captions) =
                (text(&args[2])?, text(&args[3])?, text(&args[4])?);
            let briefs = briefs(&args[0])?;
            Ok(Arc::new(variants::variant_lists(
                briefs, &n, &audience, &platforms, &captions, &scorer,
            )?))
        })
    });
    function.with_setting(|settings| settings.model().map(str::to_owned))
}

/// `no_variant_message(audience_profile, platforms, min_clip_length, max_clip_length)`: why a clip of such
/// a length has no variants, as a sentence; see [`variants::no_variant_message`]. NULL where the audience or
/// the platforms cannot be read.
pub fn no_variant_message() -> Function {
    let about = About::new(
        section::VARIANTS,
        "Why a clip of such a length has no variants, as a sentence; NULL where the audience or the platforms cannot be read.",
        "SELECT no_variant_message(NULL, 'tiktok', 1, 2)",
    );
    let arguments = FunctionArguments::new([AUDIENCE, PLATFORMS, MIN, MAX]);
    Function::new("no_variant_message", arguments, DataType::Utf8, about, |args| {
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
    })
}

/// `shortest_variant(audience_profile, platforms)`: the shortest that one of the platforms takes, in seconds; see
/// [`variants::shortest_variant`]. NULL where the audience or the platforms cannot be read.
pub fn shortest_variant() -> Function {
    let about = About::new(
        section::VARIANTS,
        "The shortest clip that one of the platforms takes, in seconds; NULL where the audience or the platforms cannot be read.",
        "SELECT shortest_variant(NULL, 'tiktok,shorts')",
    );
    let arguments = FunctionArguments::new([AUDIENCE, PLATFORMS]);
    Function::new("shortest_variant", arguments, DataType::Float64, about, |args| {
        let (audience, platforms) = (text(&args[0])?, text(&args[1])?);
        let seconds = |row: usize| {
            let [audience, platforms] =
                [&audience, &platforms].map(|of| if of.is_valid(row) { of.value(row) } else { "" });
            variants::shortest_variant(audience, platforms).ok()
        };
        Ok(Arc::new((0..audience.len()).map(seconds).collect::<Float64Array>()))
    })
}

fn briefs(column: &ArrayRef) -> Result<&StructArray> {
    column
        .as_struct_opt()
        .ok_or_else(|| misused(format!("a column of {} holds no clip_brief", column.data_type())))
}

fn built_in_scorer(scorer: &OnceLock<Arc<Scorer>>) -> Result<Arc<Scorer>> {
    if let Some(scorer) = scorer.get() {
        return Ok(Arc::clone(scorer));
    }
    let new = Arc::new(Scorer::new(ScoreModels::built_in()?)?);
    Ok(Arc::clone(scorer.get_or_init(|| new)))
}
