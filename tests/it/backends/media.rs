//! Real media on every backend.

use std::collections::BTreeMap;
use std::path::Path;

use clipflow::config::{BackendType, ParallelConfig};
use clipflow::pipeline::{self, RunConfig};

use crate::support::{query, show};

/// What a run found, without what differs from run to run.
fn tables(folder: &Path) -> BTreeMap<&'static str, Vec<String>> {
    [
        ("outcomes", "request_id, \"row\", source_id, status, error_code, error_message, attempts, candidates, clips"),
        ("sources", "*"),
        ("signals", "*"),
        ("shots", "*"),
        ("cues", "*"),
        ("candidates", "*"),
        ("clips", "*"),
        ("renditions", "*"),
    ]
    .into_iter()
    .map(|(table, columns)| {
        let mut rows = query(folder, &format!("SELECT {columns} FROM {table}"));
        rows.sort();
        (table, rows)
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn media_rows_are_the_same_on_every_backend() {
    let mut first: Option<BTreeMap<_, _>> = None;
    let input = tempfile::tempdir().unwrap();
    show::requests(input.path());
    for backend in [
        BackendType::Async,
        BackendType::Thread,
        BackendType::Process,
        BackendType::Joblib,
        BackendType::Auto,
    ] {
        let folder = tempfile::tempdir().unwrap();
        let config = RunConfig {
            parallel: ParallelConfig {
                backend,
                max_workers: 2,
                worker_program: env!("CARGO_BIN_EXE_clipflow").to_owned(),
                ..ParallelConfig::default()
            },
            ..RunConfig::new(input.path().join("requests.csv"), folder.path().join("out"))
        };
        let summary = pipeline::run(&config).await.unwrap();
        assert_eq!(summary.failed(), 4, "{backend}: {summary}");
        let found = tables(folder.path());
        assert!(found["renditions"].len() >= 3 && found["signals"].len() > 100);
        match &first {
            None => first = Some(found),
            Some(first) => {
                for (table, rows) in first {
                    assert_eq!(&found[table], rows, "{table} on {backend}");
                }
            }
        }
    }
}
