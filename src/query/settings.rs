//! The settings of a batch in SQL: `SHOW clipflow.backend`, `SET clipflow.max_workers = 2`.

use std::any::Any;

use datafusion::common::config::{ConfigEntry, ConfigExtension, ExtensionOptions};
use datafusion::common::plan_err;
use datafusion::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result};

use crate::config::{ParallelConfig, SETTINGS};
use crate::exec::MediaRuntime;

/// The one setting that a session can change: the others have gone into its runtime by then.
const CHANGEABLE: &str = "max_workers";

/// The settings a session was made with, and what it has changed since.
#[derive(Debug, Clone, Default)]
pub struct SessionSettings {
    config: ParallelConfig,
    max_workers: Option<usize>,
}

impl SessionSettings {
    /// Settings that a session shows under the prefix `clipflow`.
    pub fn new(config: ParallelConfig) -> Self {
        Self { config, max_workers: None }
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
        let external = |e: crate::error::Error| DataFusionError::External(Box::new(e));
        let mut changed = self.config.clone();
        changed.set(key, value).map_err(external)?;
        if key != CHANGEABLE {
            return Err(DataFusionError::Configuration(format!(
                "clipflow.{key} cannot be changed in a session; it is fixed when the session is made, by ParallelConfig, a settings file, the environment or a flag"
            )));
        }
        self.max_workers = Some(changed.max_workers);
        self.config = changed;
        Ok(())
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        let entry = |setting: &crate::config::Setting| ConfigEntry {
            key: format!("{}.{}", Self::PREFIX, setting.name),
            value: self.config.get(setting.name),
            description: setting.description(),
        };
        SETTINGS.iter().map(entry).collect()
    }
}
