//! Values of one place: a file, a variable, a flag; one wins over another as `figment` merges them.

use std::fmt;
use std::path::Path;

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use super::{Origin, WITHOUT_COUNTERPART, no_counterpart, twice};
use crate::config::parallel::unknown;
use crate::config::{ParallelConfig, Setting, SettingKind};
use crate::error::{Error, ErrorCode, Result};

/// Settings that the file of a folder may not change. Otherwise the author of a folder's files could
/// start programs, reach the network, and receive captions and an API key of the user who runs a command
/// in that folder.
const NOT_OF_A_FOLDER: &[&str] = &[
    "worker_program",
    "allow_private",
    "sandbox",
    "text_model_url",
    "text_model_key_env",
    "transcribe_command",
    "transcribe_url",
    "transcribe_key_env",
    "face_model",
    // They write anywhere, or tell anyone.
    "trace_file",
    "metrics_file",
    "metrics_listen",
    "datadog_url",
    "otlp_url",
    "scheduler",
    "tls_ca",
    "tls_cert",
    "tls_key",
];
/// Values of one place.
pub(super) struct Layer {
    metadata: Metadata,
    values: Dict,
}

impl Layer {
    pub(super) fn of(origin: Origin, setting: &Setting, text: &str) -> Self {
        let values = [(setting.name.to_owned(), Value::from(text))].into();
        Self { metadata: metadata_of(&origin), values }
    }

    /// The first setting that the file of a folder may not change and does change.
    pub(super) fn opens_a_door(&self) -> Option<&'static str> {
        let defaults = ParallelConfig::default();
        let is_changed = |name: &str| match self.values.get(name) {
            Some(Value::String(_, text)) => Some(text.as_str()) != defaults.get(name).as_deref(),
            Some(value) => value.to_bool() != Some(false),
            None => false,
        };
        NOT_OF_A_FOLDER.iter().copied().find(|name| is_changed(name))
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        self.metadata.clone()
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

const ENVIRONMENT: &str = "environment";
const FLAG: &str = "flag";

fn metadata_of(origin: &Origin) -> Metadata {
    match origin {
        Origin::Default => Metadata::named("default"),
        Origin::File(path) => Metadata::from("file", path.as_path()),
        Origin::Environment(name) => Metadata::from(ENVIRONMENT, name.as_str()),
        Origin::Flag(flag) => Metadata::from(FLAG, flag.as_str()),
    }
}

/// Where a value comes from, as the metadata of its layer say.
pub(super) fn origin_of(metadata: &Metadata) -> Origin {
    let Some(source) = &metadata.source else { return Origin::Default };
    match (metadata.name.as_ref(), source.custom(), source.file_path()) {
        (ENVIRONMENT, Some(name), _) => Origin::Environment(name.to_owned()),
        (FLAG, Some(flag), _) => Origin::Flag(flag.to_owned()),
        (_, _, Some(path)) => Origin::File(path.to_path_buf()),
        _ => Origin::Default,
    }
}

/// A settings file with its keys brought to the settings' names.
pub(super) fn file_layer(path: &Path, notices: &mut Vec<String>) -> Result<Layer> {
    let wrong = |cause: &dyn fmt::Display| {
        let sentence = format!("the settings in {} cannot be read ({cause})", path.display());
        Error::new(ErrorCode::ConfigInvalid, sentence)
    };
    let text = std::fs::read_to_string(path).map_err(|e| wrong(&e))?;
    let parsed: Dict = Toml::from_str(&text).map_err(|e| wrong(&one_line(&e.to_string())))?;
    let mut values = Dict::new();
    for (key, value) in parsed {
        if WITHOUT_COUNTERPART.contains(&key.as_str()) {
            notices.push(no_counterpart(&key, path.display()));
            continue;
        }
        let setting = Setting::find(&key).ok_or_else(|| wrong(&unknown(&key)))?;
        if values.insert(setting.name.to_owned(), value).is_some() {
            return Err(twice(setting, path.display()));
        }
    }
    Ok(Layer { metadata: metadata_of(&Origin::File(path.to_path_buf())), values })
}

/// A TOML error without the picture of the line.
fn one_line(error: &str) -> String {
    let is_picture =
        |l: &str| l.trim_start_matches(|c: char| c.is_numeric() || c == ' ').starts_with('|');
    let said = error.lines().map(str::trim).filter(|l| !l.is_empty() && !is_picture(l));
    said.collect::<Vec<_>>().join(": ")
}

/// A value as text. A path in a file starts from that file's folder.
pub(super) fn text_of(value: &Value, setting: &Setting, origin: &Origin) -> Result<String> {
    let text = match value {
        Value::String(_, text) => text.clone(),
        Value::Char(_, c) => c.to_string(),
        Value::Bool(_, b) => b.to_string(),
        Value::Num(_, number) => match (number.to_i128(), number.to_f64()) {
            (Some(whole), _) => whole.to_string(),
            (None, Some(float)) => float.to_string(),
            (None, None) => String::new(),
        },
        Value::Empty(..) | Value::Dict(..) | Value::Array(..) => {
            let sentence = format!(
                "{} is not a single value ({origin}); give {}",
                setting.name,
                setting.allowed()
            );
            return Err(Error::new(ErrorCode::ConfigInvalid, sentence));
        }
    };
    match origin {
        Origin::File(path) if setting.kind == SettingKind::Path && is_relative(&text) => {
            let folder = path.parent().unwrap_or(Path::new(""));
            Ok(folder.join(text).to_string_lossy().into_owned())
        }
        _ => Ok(text),
    }
}

fn is_relative(path: &str) -> bool {
    !path.is_empty() && !path.contains("://") && Path::new(path).is_relative()
}
