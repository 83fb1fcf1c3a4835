//! Work by name, so that a worker process can build it from its [`WorkSpec`](super::WorkSpec).

use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;

use super::{
    AnalyzeWork, RenderWork, SelectWork, TrackFacesWork, TranscribeWork, ValidateWork, Work,
    WorkSpec,
};
use crate::error::{Error, ErrorCode, Result};
use crate::panics::panic_text;

type WorkBuilder = dyn Fn(&Value) -> Result<Arc<dyn Work>> + Send + Sync;

/// Builders that the program has registered.
static BUILDERS: RwLock<Option<HashMap<String, Arc<WorkBuilder>>>> = RwLock::new(None);

/// Registers your own work under `name`; `builder` gets the settings of its
/// [`WorkSpec::Registered`](super::WorkSpec::Registered).
///
/// Call it in `main` before [`crate::worker::run_if_worker`], so that worker processes register it too.
/// A second builder of one name replaces the first.
///
/// ```
/// # use std::sync::Arc;
/// # use arrow::{array::{ArrayRef, RecordBatch}, datatypes::Field};
/// # use clipflow::exec::{Work, WorkEnv, WorkSpec, register_work};
/// # use clipflow::cancel::CancelToken;
/// #[derive(Debug)]
/// struct Shout;
///
/// impl Work for Shout {
///     fn name(&self) -> &'static str {
///         "shout"
///     }
///     fn spec(&self) -> Option<WorkSpec> {
///         Some(WorkSpec::Registered { name: "shout".into(), settings: serde_json::json!({}) })
///     }
/// #    fn input_columns(&self) -> Vec<clipflow::exec::InputColumn> { vec![] }
/// #    fn output_fields(&self) -> Vec<Field> { vec![] }
/// #    fn run(&self, _: &RecordBatch, _: &WorkEnv, _: &CancelToken) -> clipflow::Result<Vec<ArrayRef>> {
/// #        Ok(vec![])
/// #    }
///     // …
/// }
///
/// fn main() {
///     register_work("shout", |_settings| Ok(Arc::new(Shout)));
///     clipflow::worker::run_if_worker();
///     // the program itself
/// }
/// ```
pub fn register_work(
    name: impl Into<String>,
    builder: impl Fn(&Value) -> Result<Arc<dyn Work>> + Send + Sync + 'static,
) {
    let mut builders = BUILDERS.write().unwrap_or_else(PoisonError::into_inner);
    builders.get_or_insert_default().insert(name.into(), Arc::new(builder));
}

impl WorkSpec {
    /// Builds the work.
    ///
    /// # Errors
    /// `config.invalid` if no work of that name is registered in this process, else the error of its
    /// builder.
    pub fn build(&self) -> Result<Arc<dyn Work>> {
        Ok(match self {
            Self::Analyze(settings) => Arc::new(AnalyzeWork::new(settings.clone())),
            Self::Transcribe(settings) => Arc::new(TranscribeWork::new(settings.clone())),
            Self::TrackFaces(settings) => Arc::new(TrackFacesWork::new(settings.clone())),
            Self::Render(settings) => Arc::new(RenderWork::new(settings.clone())),
            Self::Registered { name, settings } => build(name, settings)?,
        })
    }
}

/// Builds the work registered as `name` with `settings`.
///
/// # Errors
/// `config.invalid` if there is none, else the error of its builder.
fn build(name: &str, settings: &Value) -> Result<Arc<dyn Work>> {
    let builders = BUILDERS.read().unwrap_or_else(PoisonError::into_inner);
    let builder = builders.as_ref().and_then(|b| b.get(name)).cloned();
    // The lock is released first: a builder may register work itself.
    drop(builders);
    match (builder, name) {
        // A worker process builds work outside of any task: a panic there must not take the worker.
        (Some(builder), _) => catch_unwind(AssertUnwindSafe(|| builder(settings)))
            .unwrap_or_else(|payload| Err(builder_panicked(name, &*payload))),
        (None, ValidateWork::NAME) => Ok(Arc::new(ValidateWork)),
        (None, SelectWork::NAME) => Ok(Arc::new(SelectWork)),
        _ => Err(not_registered(name)),
    }
}

/// Whether `work` is clipflow's own, as far as its description tells.
pub(super) fn is_built_in(work: &dyn Work) -> bool {
    match work.spec() {
        Some(
            WorkSpec::Analyze(_)
            | WorkSpec::Transcribe(_)
            | WorkSpec::TrackFaces(_)
            | WorkSpec::Render(_),
        ) => true,
        Some(WorkSpec::Registered { name, .. }) => {
            let builders = BUILDERS.read().unwrap_or_else(PoisonError::into_inner);
            let is_replaced = builders.as_ref().is_some_and(|b| b.contains_key(&name));
            !is_replaced && [ValidateWork::NAME, SelectWork::NAME].contains(&name.as_str())
        }
        None => false,
    }
}

fn builder_panicked(name: &str, payload: &(dyn Any + Send)) -> Error {
    let text = panic_text(payload);
    let message =
        format!("the builder of the work {name} panicked: {text}; correct it or its settings");
    Error::new(ErrorCode::WorkPanicked, message)
}

fn not_registered(name: &str) -> Error {
    Error::new(
        ErrorCode::ConfigInvalid,
        format!(
            "no work named {name} is registered in this process; call register_work(\"{name}\", …) in main before run_if_worker()"
        ),
    )
}
