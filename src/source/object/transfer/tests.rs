#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use object_store::ObjectStoreExt;

use super::*;
use crate::config::ParallelConfig;
use crate::resilience::{Jitter, Resilience, ScriptedClock};
use crate::source::object::flaky::{Faults, Flaky};

fn steady(flaky: &Arc<Flaky>) -> SteadyStore {
    let clock = Arc::new(ScriptedClock::jumping());
    let config = ParallelConfig::default();
    let resilience = Resilience::with_clock(&config, clock, Jitter::seeded(1));
    SteadyStore::new(&flaky.open(""), &resilience).unwrap()
}

/// A file of three parts, the last of them short.
fn large(folder: &FilePath) -> (std::path::PathBuf, Vec<u8>) {
    let content: Vec<u8> = (0..2 * PART + 1000).map(|i| (i * 31 % 251) as u8).collect();
    let path = folder.join("large");
    std::fs::write(&path, &content).unwrap();
    (path, content)
}

#[tokio::test]
async fn a_large_file_arrives_whole_whichever_request_fails_once() {
    let folder = tempfile::tempdir().unwrap();
    let (file, content) = large(folder.path());
    let path = Path::from("a/large");
    let mut k = 0;
    loop {
        let mut operations = 0;
        for faults in [Faults::Refused(k..k + 1), Faults::ReplyLost(k..k + 1)] {
            let flaky = Arc::new(Flaky::new());
            flaky.set(faults.clone());
            let sent = steady(&flaky).send(&file, &path).await;
            assert_eq!(sent.unwrap(), content.len() as u64, "{faults:?}");
            operations = flaky.operations();
            flaky.set(Faults::None);
            let there = flaky.get(&path).await.unwrap().bytes().await.unwrap();
            assert!(there == content, "{faults:?}");
            // An upload whose creation reply was lost is removed by the store.
            assert!(flaky.open_uploads() <= 1, "{faults:?}");
            let back = folder.path().join("back");
            flaky.set(match faults {
                Faults::Refused(_) => Faults::Refused(0..1),
                _ => Faults::ReplyLost(0..1),
            });
            steady(&flaky).fetch(&path, &back).await.unwrap();
            assert!(std::fs::read(back).unwrap() == content, "{faults:?}");
        }
        k += 1;
        if k > operations {
            break;
        }
    }
    assert!(k > 6, "create, three parts, complete, look: {k}");
}

#[tokio::test]
async fn a_store_that_stays_away_is_an_error_after_three_tries() {
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = large(folder.path());
    let flaky = Arc::new(Flaky::new());
    flaky.set(Faults::Refused(0..usize::MAX));
    let error = steady(&flaky).send(&file, &Path::from("a")).await.unwrap_err();
    assert!(matches!(error, TransferError::Store(f) if f.cause == StoreFaultCause::Unreachable));
    assert_eq!(flaky.operations(), 3);
}
