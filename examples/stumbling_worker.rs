//! The worker binary of the tests of the backends: it knows a work that fails in every way rows can
//! ask for. For a work of your own see `own_work.rs`.
//!
//! With a folder as argument it is a coordinator too: a worker of its own encodes without end, until
//! it is killed.

#[path = "../tests/it/support/stumble.rs"]
mod stumble;

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use clipflow::cancel::CancelToken;
use clipflow::exec::backend::{ProcessBackend, ProcessConfig};
use clipflow::exec::{BatchOptions, WorkEnv, run_batches};
use clipflow::media::MediaTools;
use futures::{StreamExt, stream};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    stumble::register();
    clipflow::worker::run_if_worker();
    let folder = std::env::args_os().nth(1).ok_or("this is a worker for tests; see its source")?;
    let work = Arc::new(stumble::Stumble { kind: "media".into(), folder: folder.into() });
    let rows = RecordBatch::try_from_iter([
        ("number", Arc::new(Int64Array::from(vec![1, 2])) as _),
        ("order", Arc::new(StringArray::from(vec!["encode", "wait"])) as _),
    ])?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let backend =
            ProcessBackend::new(ProcessConfig { workers: 2, ..ProcessConfig::default() })?;
        let env = WorkEnv { tools: Some(MediaTools::find()?), ..WorkEnv::bare() };
        let input = stream::iter([Ok(rows)]);
        let (options, cancel) = (BatchOptions::default(), CancelToken::new());
        let mut answers =
            run_batches(Arc::new(backend), work, Arc::new(env), input, options, &cancel);
        while let Some(batch) = answers.next().await {
            batch?;
        }
        Ok(())
    })
}
