//! Which detector is used, from the settings.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::detector::CenterFace;
use super::{FaceDetector, SETTING};
use crate::config::ParallelConfig;
use crate::error::{Error, Result};
use crate::media::tools::MediaLimits;

/// How faces are found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaceSettings {
    /// The file of the detector.
    pub model: PathBuf,
    /// The detector, by the content of the file: part of the id of everything that depends on it.
    pub identity: String,
    /// Limits of the decoder.
    pub limits: MediaLimits,
}

/// Detectors that were loaded, by file: they are shared by the sources of a process.
static LOADED: Mutex<Option<HashMap<PathBuf, Arc<dyn FaceDetector>>>> = Mutex::new(None);

impl FaceSettings {
    /// What the settings of a batch say; `None` if no faces are looked for. The detector is loaded, so that a file that
    /// cannot be used fails before any work.
    ///
    /// # Errors
    /// `config.invalid` if the file cannot be read or is no detector.
    pub fn from_settings(config: &ParallelConfig, limits: &MediaLimits) -> Result<Option<Self>> {
        let name = config.face_model.trim();
        if name.is_empty() {
            return Ok(None);
        }
        // Worker processes may run in another folder.
        let model = std::path::absolute(name).unwrap_or_else(|_| PathBuf::from(name));
        let identity = load(&model)?.identity().to_owned();
        Ok(Some(Self { model, identity, limits: limits.clone() }))
    }

    /// The detector itself.
    ///
    /// # Errors
    /// `config.invalid` if the file cannot be read, or is another one by now.
    pub fn detector(&self) -> Result<Arc<dyn FaceDetector>> {
        let detector = load(&self.model)?;
        if detector.identity() != self.identity {
            let sentence = format!("{} has changed; run again", self.model.display());
            return Err(Error::setting(SETTING, sentence));
        }
        Ok(detector)
    }
}

/// The detector in the file at `path`, loaded once.
fn load(path: &Path) -> Result<Arc<dyn FaceDetector>> {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let loaded = loaded.get_or_insert_default();
    if let Some(detector) = loaded.get(path) {
        return Ok(Arc::clone(detector));
    }
    let detector: Arc<dyn FaceDetector> = Arc::new(CenterFace::load(path)?);
    loaded.insert(path.to_owned(), Arc::clone(&detector));
    Ok(detector)
}
