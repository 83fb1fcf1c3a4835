//! Settings as keyword arguments.

use std::path::Path;
use std::str::FromStr;

use clipflow::kernels::score::{ScoreModel, ScoreModels};
use clipflow::kernels::select::WeightsFile;
use clipflow::kernels::variants::caption_mode;
use clipflow::query::events::EventOptions;
use clipflow::{Error, ErrorCode, ParallelConfig, RunConfig};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::{OrRaise, failed};

/// Settings of a run that are not those of [`ParallelConfig`], with their descriptions.
pub(crate) const OF_RUNS: [(&str, &str); 19] = [
    (
        "allow_roots",
        "Folders, buckets and prefixes that sources may lie in, beside that of the requests.",
    ),
    ("audience", "Whom variants are for where a request does not say."),
    ("base", "Where relative sources start from."),
    ("captions", "Where captions of variants go: burned, soft, sidecar or off."),
    ("codec", "h264, hevc or av1 in mp4, vp9 or av1 in webm."),
    ("format", "mp4, webm, gif, webp, mp3, aac or opus."),
    ("hardware", "The encoder: off, auto, nvenc, qsv or videotoolbox."),
    ("max_clips", "Clips of a request that does not say, and the most of any."),
    ("model", "A file with the score model of variants."),
    ("plan_only", "Whether tables are written and nothing is rendered."),
    ("plain_clips", "Whether plain clips are rendered beside the variants."),
    ("platforms", "Platforms that variants are made for."),
    ("prune", "Whether requests that left the request file are removed."),
    ("quality", "low, medium, high, best or lossless."),
    ("size", "The size of variants: full or WIDTHxHEIGHT."),
    (
        "smart_cut",
        "Whether whole groups of pictures are copied where a clip changes nothing but the span.",
    ),
    ("thumbnails", "Whether a picture of each file is written."),
    ("variants", "Variants of each clip."),
    ("weights", "A file with the weights of the selection."),
];

/// Set what `settings` name; `None` leaves the default.
pub(crate) fn configure(config: &mut RunConfig, settings: &Bound<'_, PyDict>) -> PyResult<()> {
    for (name, value) in settings {
        let name: String = name.extract()?;
        if value.is_none() {
            continue;
        }
        if OF_RUNS.iter().any(|(known, _)| *known == name) {
            set_of_run(config, &name, &value).map_err(|cause| wrong_kind(&name, &value, cause))?;
        } else {
            set_parallel(&mut config.parallel, &name, &value)?;
        }
    }
    Ok(())
}

/// The settings of work, from keyword arguments.
pub(crate) fn parallel(settings: &Bound<'_, PyDict>) -> PyResult<ParallelConfig> {
    let mut config = ParallelConfig::default();
    for (name, value) in settings.iter().filter(|(_, value)| !value.is_none()) {
        set_parallel(&mut config, &name.extract::<String>()?, &value)?;
    }
    Ok(config)
}

fn set_parallel(config: &mut ParallelConfig, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    config.set(name, &value.str()?.to_cow()?).or_raise()
}

fn set_of_run(config: &mut RunConfig, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    match name {
        "allow_roots" => {
            let roots: Vec<String> = value.extract()?;
            config.allow_roots = roots.into_iter().map(Into::into).collect();
        }
        "audience" => config.variants.audience = Some(value.extract()?),
        "base" => config.base = Some(value.extract::<String>()?.into()),
        "captions" => {
            config.variants.captions = caption_mode(&value.extract::<String>()?).or_raise()?;
        }
        "codec" => config.render.encoding.codec = Some(parsed(value)?),
        "format" => config.render.encoding.format = parsed(value)?,
        "hardware" => config.render.encoding.hardware = parsed(value)?,
        "max_clips" => config.max_clips = Some(value.extract()?),
        "model" => {
            let model = read(value, ScoreModel::from_json)?;
            config.variants.models = Some(ScoreModels::with(&model).or_raise()?);
        }
        "plan_only" => config.plan_only = value.extract()?,
        "plain_clips" => config.variants.plain_clips = value.extract()?,
        "platforms" => config.variants.platforms = value.extract()?,
        "prune" => config.prune = value.extract()?,
        "quality" => config.render.encoding.quality = parsed(value)?,
        "size" => config.variants.size = Some(parsed(value)?),
        "smart_cut" => config.render.smart_cut = value.extract()?,
        "thumbnails" => config.render.thumbnails = value.extract()?,
        "variants" => config.variants.count = value.extract()?,
        _ => config.weights = Some(read(value, WeightsFile::from_json)?.weights),
    }
    Ok(())
}

fn parsed<T: FromStr<Err = Error>>(value: &Bound<'_, PyAny>) -> PyResult<T> {
    value.extract::<String>()?.parse::<T>().or_raise()
}

/// What `parse` reads in a file; errors name the file.
fn read<T>(value: &Bound<'_, PyAny>, parse: impl Fn(&str) -> clipflow::Result<T>) -> PyResult<T> {
    let file: String = value.extract()?;
    let text = std::fs::read_to_string(Path::new(&file)).map_err(|e| {
        failed(ErrorCode::ConfigInvalid, format!("cannot read {file} ({e}); name a JSON file"))
    })?;
    parse(&text).or_raise()
}

/// An error about a value of another kind names the setting; others do already.
fn wrong_kind(name: &str, value: &Bound<'_, PyAny>, cause: PyErr) -> PyErr {
    let py = value.py();
    if !cause.is_instance_of::<pyo3::exceptions::PyTypeError>(py)
        && !cause.is_instance_of::<pyo3::exceptions::PyOverflowError>(py)
    {
        return cause;
    }
    failed(
        ErrorCode::ConfigInvalid,
        format!("{name} is {value}, which is of another kind ({cause})"),
    )
}

/// How events are read.
pub(crate) fn reading(
    time_unit: Option<&str>,
    time_zone: Option<&str>,
    as_of: Option<&str>,
) -> PyResult<EventOptions> {
    EventOptions::parse(time_unit, time_zone, as_of).or_raise()
}
