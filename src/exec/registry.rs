//! Work of embedding programs, by name: so that a worker process, which knows a work only from its
//! [`WorkSpec`](super::WorkSpec), can build it.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;

use super::Work;
use crate::error::{Error, ErrorCode, Result};

type Builder = dyn Fn(&Value) -> Result<Arc<dyn Work>> + Send + Sync;

static BUILDERS: RwLock<Option<HashMap<String, Arc<Builder>>>> = RwLock::new(None);

/// Make work of your own known under `name`: `builder` gets the settings that stand in its
/// [`WorkSpec::Registered`](super::WorkSpec::Registered).
///
/// Call it in `main` before [`crate::worker::run_if_worker`], so that it also happens in worker
/// processes. A second builder of one name replaces the first.
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
/// #    fn input_columns(&self) -> &'static [&'static str] { &[] }
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

/// The work called `name` with `settings`.
///
/// # Errors
/// `config.invalid` if there is none of that name, else what its builder says.
pub(super) fn build(name: &str, settings: &Value) -> Result<Arc<dyn Work>> {
    let builders = BUILDERS.read().unwrap_or_else(PoisonError::into_inner);
    let builder = builders.as_ref().and_then(|b| b.get(name)).cloned();
    // Not under the lock: a builder may register work itself.
    drop(builders);
    builder.ok_or_else(|| not_registered(name))?(settings)
}

fn not_registered(name: &str) -> Error {
    Error::new(
        ErrorCode::Config,
        format!(
            "this process does not know the work {name}; call register_work(\"{name}\", …) in main before run_if_worker()"
        ),
    )
}
