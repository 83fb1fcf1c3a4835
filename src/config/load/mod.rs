//! Settings from files, the environment and flags, each with its origin.
//!
//! A flag wins over the environment, that over `clipflow.toml` in the current folder, that over the
//! user's own file, that over the default.

mod layer;

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use figment::Figment;

use super::parallel::unknown;
use super::setting::PREFIX;
use super::{ParallelConfig, SETTINGS, Setting, SettingKind};
use crate::error::{Error, ErrorCode, Result};
use layer::{Layer, file_layer, origin_of, text_of};

/// Name of the settings file of a folder.
const FILE: &str = "clipflow.toml";
/// Where the settings of a user lie, in their folder for configuration.
const USER_FILE: &str = "clipflow/config.toml";
/// Variables with our prefix that other parts read; one that ends in `_` stands for all that begin so.
const OTHER_VARIABLES: &[&str] = &[
    "CLIPFLOW_BENCH_",
    "CLIPFLOW_FFMPEG",
    "CLIPFLOW_FFPROBE",
    "CLIPFLOW_LOG",
    "CLIPFLOW_SLT_COMPLETE",
    "CLIPFLOW_WORKER",
    "CLIPFLOW_YTDLP",
];
/// Settings of the guide that a native program has no use for.
const WITHOUT_COUNTERPART: &[&str] =
    &["use_uvloop", "use_numba", "enable_gc", "enable_garbage_collection"];

/// Collects settings from files, environment and flags.
///
/// ```
/// use clipflow::config::ConfigLoader;
///
/// let loaded = ConfigLoader::empty()
///     .environment([("CLIPFLOW_MAX_WORKERS".into(), "8".into())])
///     .flag("timeout", "--timeout", "30")
///     .load()?;
/// assert_eq!(loaded.config.max_workers, 8);
/// assert_eq!(loaded.origin("max_workers").to_string(), "environment CLIPFLOW_MAX_WORKERS");
/// assert_eq!(loaded.origin("timeout").to_string(), "flag --timeout");
/// # Ok::<(), clipflow::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ConfigLoader {
    file: Option<PathBuf>,
    folder: Option<PathBuf>,
    environment: BTreeMap<OsString, OsString>,
    flags: Vec<(String, String, String)>,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The built-in default.
    Default,
    /// A settings file.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
    /// A flag of the command.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// Settings and where each comes from. Displayed, it is a settings file that says so in comments.
#[derive(Debug, Clone)]
pub struct LoadedConfig {
    /// The settings, checked.
    pub config: ParallelConfig,
    /// Warnings for the user, a sentence each.
    pub notices: Vec<String>,
    origins: HashMap<&'static str, Origin>,
}

impl LoadedConfig {
    /// Where a setting comes from.
    pub fn origin(&self, name: &str) -> &Origin {
        self.origins.get(name).unwrap_or(&Origin::Default)
    }
}

impl fmt::Display for LoadedConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut heading = "";
        for setting in SETTINGS {
            if heading != setting.heading {
                let blank = if heading.is_empty() { "" } else { "\n" };
                heading = setting.heading;
                writeln!(f, "{blank}# {heading}")?;
            }
            let text = self.config.get(setting.name).unwrap_or_default();
            let value = match setting.kind {
                // A JSON string is a TOML string.
                SettingKind::Backend
                | SettingKind::Choice(_)
                | SettingKind::Path
                | SettingKind::Text => serde_json::json!(text).to_string(),
                SettingKind::Switch | SettingKind::Whole | SettingKind::Number => text,
            };
            let line = format!("{} = {value}", setting.name);
            writeln!(f, "{line:<44} # {}", self.origin(setting.name))?;
        }
        Ok(())
    }
}

impl ConfigLoader {
    /// Defaults only.
    pub fn empty() -> Self {
        Self::default()
    }

    /// This process's environment; the files of the user and of the current folder.
    pub fn of_process() -> Self {
        Self::empty().environment(std::env::vars_os()).folder(".")
    }

    /// This file takes the place of the user's and the folder's.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// Look for `clipflow.toml` in `folder`, and for `clipflow/config.toml` in the user's folder for
    /// configuration as the environment names it.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Environment variables; those that do not begin with `CLIPFLOW_` set nothing.
    #[must_use]
    pub fn environment(
        mut self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        self.environment = variables.into_iter().collect();
        self
    }

    /// A setting given as a flag, which is named in errors.
    #[must_use]
    pub fn flag(mut self, name: &str, flag: impl Into<String>, text: impl Into<String>) -> Self {
        self.flags.push((name.to_owned(), flag.into(), text.into()));
        self
    }

    /// Merge all places and check the result.
    ///
    /// # Errors
    /// `config.invalid`, with the place: a file that cannot be read or is not TOML, an unknown name, a
    /// value that is not allowed.
    pub fn load(&self) -> Result<LoadedConfig> {
        let mut notices = vec![];
        let mut figment = Figment::new();
        for path in self.files() {
            let layer = file_layer(&path, &mut notices)?;
            let is_of_folder = self.file.is_none() && path == self.folder_file();
            if is_of_folder && let Some(name) = layer.opens_a_door() {
                return Err(not_of_a_folder(name, &path));
            }
            figment = figment.merge(layer);
        }
        for layer in self.environment_layers(&mut notices)? {
            figment = figment.merge(layer);
        }
        for (name, flag, text) in &self.flags {
            let setting = Setting::find(name)
                .ok_or_else(|| Error::new(ErrorCode::ConfigInvalid, unknown(name)))?;
            figment = figment.merge(Layer::of(Origin::Flag(flag.clone()), setting, text));
        }
        let mut config = ParallelConfig::default();
        let mut origins = HashMap::new();
        for setting in SETTINGS {
            let Ok(value) = figment.find_value(setting.name) else { continue };
            let origin = figment.get_metadata(value.tag()).map_or(Origin::Default, origin_of);
            let text = text_of(&value, setting, &origin)?;
            config.set_from(setting, &text, Some(&origin))?;
            origins.insert(setting.name, origin);
        }
        Ok(LoadedConfig { config, notices, origins })
    }

    /// The settings files there are, the one that counts most last.
    fn files(&self) -> Vec<PathBuf> {
        if let Some(file) = &self.file {
            return vec![file.clone()];
        }
        if self.folder.is_none() {
            return vec![];
        }
        let variable =
            |name: &str| self.environment.get(OsStr::new(name)).filter(|v| !v.is_empty());
        let user = variable("XDG_CONFIG_HOME").map(PathBuf::from);
        let user = user.or_else(|| variable("HOME").map(|home| Path::new(home).join(".config")));
        let files = user.map(|u| u.join(USER_FILE)).into_iter().chain([self.folder_file()]);
        files.filter(|f| f.is_file()).collect()
    }

    fn folder_file(&self) -> PathBuf {
        match &self.folder {
            Some(folder) if folder != Path::new(".") => folder.join(FILE),
            _ => FILE.into(),
        }
    }

    fn environment_layers(&self, notices: &mut Vec<String>) -> Result<Vec<Layer>> {
        let mut layers: Vec<(Layer, &'static str)> = vec![];
        for (variable, value) in &self.environment {
            let Some(variable) = variable.to_str() else { continue };
            let Some(key) = variable.strip_prefix(PREFIX) else { continue };
            if value.is_empty() {
                continue;
            }
            let Some(setting) = Setting::find(&key.to_ascii_lowercase()) else {
                notices.extend(stray_variable(variable, key)?);
                continue;
            };
            let Some(text) = value.to_str() else {
                let sentence = format!("{variable} is not UTF-8; give {}", setting.allowed());
                return Err(Error::new(ErrorCode::ConfigInvalid, sentence));
            };
            if layers.iter().any(|(_, name)| *name == setting.name) {
                return Err(twice(setting, "the environment"));
            }
            let origin = Origin::Environment(variable.to_owned());
            layers.push((Layer::of(origin, setting, text), setting.name));
        }
        Ok(layers.into_iter().map(|(layer, _)| layer).collect())
    }
}

/// Warning or error about a variable that sets nothing.
fn stray_variable(variable: &str, key: &str) -> Result<Option<String>> {
    let is_known = OTHER_VARIABLES
        .iter()
        .any(|k| *k == variable || (k.ends_with('_') && variable.starts_with(k)));
    let lower = key.to_ascii_lowercase();
    if is_known {
        Ok(None)
    } else if WITHOUT_COUNTERPART.contains(&lower.as_str()) {
        Ok(Some(no_counterpart(variable, "the environment")))
    } else if let Some(setting) = Setting::nearest(&lower) {
        let right = setting.variable();
        let sentence = format!("there is no setting {variable}; did you mean {right}?");
        Err(Error::new(ErrorCode::ConfigInvalid, sentence))
    } else {
        Ok(Some(format!("{variable} is not a setting of clipflow and sets nothing")))
    }
}

fn not_of_a_folder(name: &str, path: &Path) -> Error {
    let sentence = format!(
        "{name} may not be set by {}, which others may have put there; set it by a flag, the environment, your own settings file or a settings file that is named (--config {})",
        path.display(),
        path.display()
    );
    Error::new(ErrorCode::ConfigInvalid, sentence)
}

fn no_counterpart(name: &str, place: impl fmt::Display) -> String {
    format!("{name} in {place} has no counterpart in a native program and sets nothing")
}

fn twice(setting: &Setting, place: impl fmt::Display) -> Error {
    let sentence =
        format!("{place} sets {} twice, also as {}; keep one", setting.name, setting.flag);
    Error::new(ErrorCode::ConfigInvalid, sentence)
}

#[cfg(test)]
mod tests;
