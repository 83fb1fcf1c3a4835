//! The settings of a session in SQL: `SHOW clipflow.backend`, `SET clipflow.max_workers = 2`.

use std::any::Any;
use std::path::{Component, Path};
use std::sync::Arc;

use datafusion::common::config::{ConfigEntry, ConfigExtension, ExtensionOptions};
use datafusion::common::plan_err;
use datafusion::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result};
use url::Url;

use super::options::SessionOptions;
use super::scoring;
use crate::config::{ParallelConfig, SETTINGS};
use crate::error::{Error, ErrorCode};
use crate::exec::MediaRuntime;
use crate::location::{Location, redacted};
use crate::media::AnalyzeSettings;

/// The one setting of a batch that a session can change: the others have gone into its runtime by then.
const CHANGEABLE: &str = "max_workers";

/// Settings of a session alone, with what they are; each can be changed in it.
const OF_SESSIONS: [(&str, &str); 4] = [
    ("base", "Where relative paths in SQL start from."),
    (
        "weights",
        "Weights that `select_clips` scores windows with, as JSON such as {\"hook\":0.5}; empty: the defaults.",
    ),
    (
        "model",
        "Model that `make_variants` scores with, as the JSON of `clipflow train`; empty: the built-in ones.",
    ),
    (
        "analyze",
        "How `shots('…')`, `signals('…')` and `cues('…')` analyse a video, as JSON; empty: the defaults.",
    ),
];

/// The settings a session was made with, and what it has changed since. Everything that SQL functions
/// depend on beside their arguments is here, so that the same text gives the same answer in every session
/// with the same settings.
#[derive(Debug, Clone)]
pub struct SessionSettings {
    config: ParallelConfig,
    max_workers: Option<usize>,
    base: String,
    roots: Option<Arc<[Location]>>,
    weights: Option<String>,
    model: Option<String>,
    analyze: AnalyzeSettings,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self::new(ParallelConfig::default())
    }
}

impl SessionSettings {
    /// Settings that a session shows under the prefix `clipflow`; those of a session alone have their
    /// defaults.
    pub fn new(config: ParallelConfig) -> Self {
        Self {
            config,
            max_workers: None,
            base: absolute(&Location::from(".")),
            roots: None,
            weights: None,
            model: None,
            analyze: AnalyzeSettings::default(),
        }
    }

    /// The settings of a session that `options` describe.
    ///
    /// # Errors
    /// `config.invalid` for score models that use a feature that is not measured.
    pub fn of(options: &SessionOptions) -> crate::error::Result<Self> {
        let weights = options.weights.as_ref().map(scoring::weights_text).transpose()?.flatten();
        let model = options.models.as_ref().map(scoring::models_text).transpose()?.flatten();
        model.as_deref().map(scoring::scorer).transpose()?;
        Ok(Self {
            base: absolute(&options.base),
            roots: options
                .roots
                .as_deref()
                .map(|roots| roots.iter().map(|root| root.clone().absolute()).collect()),
            weights,
            model,
            analyze: options.analyze.clone(),
            ..Self::new(options.parallel.clone())
        })
    }

    /// The settings of a configuration, or the defaults if it has none.
    pub(crate) fn in_options(options: &ConfigOptions) -> Self {
        options.extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// Where relative paths in SQL start from.
    pub fn base(&self) -> Location {
        Location::from(self.base.as_str())
    }

    /// The same as text.
    pub fn base_text(&self) -> &str {
        &self.base
    }

    /// Where table functions may read from; `None`: anywhere.
    pub fn roots(&self) -> Option<&[Location]> {
        self.roots.as_deref()
    }

    /// The place that `text`, an argument of a table function, names.
    ///
    /// # Errors
    /// `source.forbidden` if it does not lie beneath a root.
    pub(crate) fn place(&self, text: &str) -> crate::error::Result<String> {
        let place = self.base().resolve(text);
        if self.roots().is_some_and(|roots| !is_beneath(&place, roots)) {
            let folder = Location::from(place.as_str()).folder();
            let message = format!(
                "{} lies outside the folders that this query may read from; add {} to allow_roots",
                redacted(&place),
                redacted(&absolute(&folder))
            );
            return Err(Error::new(ErrorCode::SourceForbidden, message).about("allow_roots"));
        }
        Ok(place)
    }

    /// The settings of the batch.
    pub fn parallel(&self) -> &ParallelConfig {
        &self.config
    }

    /// How a video is analysed where it stands as a table.
    pub fn analyze(&self) -> &AnalyzeSettings {
        &self.analyze
    }

    /// Weights of the selection as JSON; `None`: the defaults.
    pub fn weights(&self) -> Option<&str> {
        self.weights.as_deref()
    }

    /// The score model of variants as JSON; `None`: the built-in ones.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Rows of a media relation worked on at a time, if the session of `options` has set a number.
    ///
    /// # Errors
    /// If it is more than `runtime` has workers.
    pub(super) fn rows_at_a_time(
        options: &ConfigOptions,
        runtime: Option<&MediaRuntime>,
    ) -> Result<Option<usize>> {
        let wanted = options.extensions.get::<Self>().and_then(|s| s.max_workers);
        match (wanted, runtime.map(|r| r.backend().workers())) {
            (Some(0), _) => Ok(None),
            (Some(wanted), Some(workers)) if wanted > workers => plan_err!(
                "clipflow.max_workers is {wanted} but the media runtime of this session has {workers} workers; set at most {workers} or make the runtime with more"
            ),
            (wanted, _) => Ok(wanted),
        }
    }

    /// Sets a setting of a session alone.
    fn set_own(&mut self, name: &str, value: &str) -> crate::error::Result<()> {
        let given = Some(value.trim()).filter(|value| !value.is_empty()).map(str::to_owned);
        match name {
            "base" => self.base = absolute(&Location::from(given.as_deref().unwrap_or("."))),
            "weights" => {
                given.as_deref().map(scoring::weights).transpose()?;
                self.weights = given;
            }
            "model" => {
                given.as_deref().map(scoring::scorer).transpose()?;
                self.model = given;
            }
            _ => {
                let read = given.as_deref().map(serde_json::from_str).transpose();
                let read = read.map_err(|e| {
                    let message = format!("clipflow.analyze cannot be read ({e})");
                    Error::new(ErrorCode::ConfigInvalid, message).with_source(e)
                })?;
                self.analyze = read.unwrap_or_default();
            }
        }
        Ok(())
    }

    /// The text of a setting of a session alone.
    fn get_own(&self, name: &str) -> String {
        match name {
            "base" => self.base.clone(),
            "weights" => self.weights.clone().unwrap_or_default(),
            "model" => self.model.clone().unwrap_or_default(),
            _ if self.analyze == AnalyzeSettings::default() => String::new(),
            _ => serde_json::to_string(&self.analyze).unwrap_or_default(),
        }
    }
}

/// Whether a place is a root or lies in one; links of a path are followed. A path that is not there is compared as it
/// is written, so that errors do not tell what there is outside.
fn is_beneath(place: &str, roots: &[Location]) -> bool {
    match Location::from(place).absolute() {
        Location::Path(path) => {
            let is_named = |path: &Path| {
                let paths = roots.iter().filter_map(Location::as_path);
                paths.clone().any(|root| path.starts_with(root))
                    || paths
                        .filter_map(|root| root.canonicalize().ok())
                        .any(|r| path.starts_with(r))
            };
            let has_parents = path.components().any(|part| part == Component::ParentDir);
            match path.canonicalize() {
                Ok(real) => is_named(&real),
                Err(_) => !has_parents && is_named(&path),
            }
        }
        Location::Url(url) => {
            let parts = |url: &Url| -> Vec<String> {
                url.path().split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
            };
            roots.iter().filter_map(Location::as_url).any(|root| {
                let is_same = (root.scheme(), root.host_str(), root.port())
                    == (url.scheme(), url.host_str(), url.port());
                is_same && parts(&url).starts_with(&parts(root))
            })
        }
    }
}

fn absolute(place: &Location) -> String {
    match place.clone().absolute() {
        Location::Path(path) => path.to_string_lossy().into_owned(),
        Location::Url(url) => url.to_string(),
    }
}

impl ConfigExtension for SessionSettings {
    const PREFIX: &'static str = "clipflow";
}

impl ExtensionOptions for SessionSettings {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let external = |e: Error| DataFusionError::External(Box::new(e));
        if OF_SESSIONS.iter().any(|(name, _)| *name == key) {
            return self.set_own(key, value).map_err(external);
        }
        let mut changed = self.config.clone();
        changed.set(key, value).map_err(external)?;
        if key != CHANGEABLE {
            // As when the settings of a session are handed to another process.
            if changed.get(key) == self.config.get(key) {
                return Ok(());
            }
            return Err(DataFusionError::Configuration(format!(
                "clipflow.{key} cannot be changed in a session; it is fixed when the session is made, by ParallelConfig, a settings file, the environment or a flag"
            )));
        }
        self.max_workers = Some(changed.max_workers);
        self.config = changed;
        Ok(())
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        let of_batch = SETTINGS.iter().map(|setting| ConfigEntry {
            key: format!("{}.{}", Self::PREFIX, setting.name),
            value: self.config.get(setting.name),
            description: setting.description(),
        });
        let of_session = OF_SESSIONS.iter().map(|(name, description)| ConfigEntry {
            key: format!("{}.{name}", Self::PREFIX),
            value: Some(self.get_own(name)),
            description,
        });
        of_batch.chain(of_session).collect()
    }
}
