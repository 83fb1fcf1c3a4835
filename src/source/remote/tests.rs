#![allow(clippy::unwrap_used)]
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures::future::join_all;
use tokio::sync::Semaphore;

use super::*;
use crate::config::ParallelConfig;
use crate::error::ErrorCode;
use crate::resilience::{HostKey, HostLimits, Hosts};

/// A remote that counts fetches and ends them when the test allows.
#[derive(Debug)]
struct FakeRemote {
    hosts: Hosts,
    fetches: AtomicUsize,
    given_up: AtomicUsize,
    may_end: Semaphore,
    fails: AtomicBool,
    /// Incremented with each change; `None`: the remote has no validators.
    version: Mutex<Option<usize>>,
}

impl FakeRemote {
    fn new(may_end: usize, version: Option<usize>) -> Arc<Self> {
        Arc::new(Self {
            hosts: Hosts::new(HostLimits::from(&ParallelConfig::default())),
            fetches: AtomicUsize::new(0),
            given_up: AtomicUsize::new(0),
            may_end: Semaphore::new(may_end),
            fails: AtomicBool::new(false),
            version: Mutex::new(version),
        })
    }

    fn validator(&self) -> Option<String> {
        self.version.lock().unwrap().map(|v| format!("v{v}"))
    }
}

struct CountUnfinished<'a>(&'a FakeRemote, bool);

impl Drop for CountUnfinished<'_> {
    fn drop(&mut self) {
        self.0.given_up.fetch_add(usize::from(!self.1), Ordering::SeqCst);
    }
}

#[async_trait]
impl Remote for Arc<FakeRemote> {
    fn serves(&self, _: &str) -> bool {
        true
    }

    async fn validator(&self, _: &str) -> Result<Option<String>> {
        match self.fails.load(Ordering::SeqCst) {
            true => Err(Error::new(ErrorCode::SourceUnreachable, "gone")),
            false => Ok(FakeRemote::validator(self)),
        }
    }

    async fn fetch(&self, location: &str, spool: &Spool) -> Result<Fetched> {
        let guard = self.hosts.guard(&HostKey::of(location).unwrap());
        guard
            .fetch(|slot| async {
                self.fetches.fetch_add(1, Ordering::SeqCst);
                let mut unfinished = CountUnfinished(self, false);
                self.may_end.acquire().await.unwrap().forget();
                unfinished.1 = true;
                if self.fails.load(Ordering::SeqCst) {
                    return Err(Error::new(ErrorCode::SourceUnreachable, "gone"));
                }
                let mut file = spool.create(Some(5)).await?;
                file.write(b"video").await?;
                Fetched::keep(file, spool, location, FakeRemote::validator(self), slot).await
            })
            .await
    }
}

fn source(fake: &Arc<FakeRemote>) -> (tempfile::TempDir, Arc<SpooledSource<Arc<FakeRemote>>>) {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path(), 1000);
    (dir, Arc::new(SpooledSource::new(Arc::clone(fake), spool)))
}

const PLACE: &str = "http://a/film.mp4";

#[tokio::test]
async fn concurrent_callers_share_one_fetch() {
    let fake = FakeRemote::new(1, Some(1));
    let (_dir, source) = source(&fake);
    let copies = join_all((0..20).map(|_| source.open(PLACE))).await;
    let paths: Vec<_> = copies.into_iter().map(|c| c.unwrap()).collect();
    assert!(paths.iter().all(|c| c.path == paths[0].path && c.validator == "v1"));
    assert_eq!(fake.fetches.load(Ordering::SeqCst), 1);
    assert!(source.fetches.lock().by_location.is_empty());
}

#[tokio::test]
async fn a_fetch_runs_while_a_caller_waits_and_is_cancelled_without_one() {
    let fake = FakeRemote::new(0, Some(1));
    let (_dir, source) = source(&fake);
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(source.open(PLACE))).collect();
    for wait in &mut waiting {
        assert!(wait.now_or_never().is_none());
    }
    drop(waiting.remove(0));
    drop(waiting.remove(0));
    assert_eq!(fake.given_up.load(Ordering::SeqCst), 0);
    fake.may_end.add_permits(1);
    waiting.remove(0).await.unwrap();
    // Without a caller it ends at once, and the next one starts again.
    fake.version.lock().unwrap().replace(2);
    let mut alone = Box::pin(source.open(PLACE));
    while fake.fetches.load(Ordering::SeqCst) < 2 {
        assert!((&mut alone).now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    drop(alone);
    assert_eq!(fake.given_up.load(Ordering::SeqCst), 1);
    assert!(source.fetches.lock().by_location.is_empty());
    fake.may_end.add_permits(1);
    assert_eq!(source.open(PLACE).await.unwrap().validator, "v2");
}

#[tokio::test]
async fn all_callers_get_the_error_and_the_next_one_tries_again() {
    let fake = FakeRemote::new(0, Some(1));
    let (_dir, source) = source(&fake);
    fake.fails.store(true, Ordering::SeqCst);
    let mut answers = Box::pin(join_all((0..5).map(|_| source.open(PLACE))));
    assert!((&mut answers).now_or_never().is_none());
    fake.may_end.add_permits(2);
    let answers = answers.await;
    assert!(answers.iter().all(|a| a.as_ref().unwrap_err().message() == "gone"));
    fake.fails.store(false, Ordering::SeqCst);
    source.open(PLACE).await.unwrap();
    assert_eq!(fake.fetches.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_spooled_source_is_fetched_again_only_if_it_has_changed() {
    let fake = FakeRemote::new(9, Some(1));
    let (_dir, source) = source(&fake);
    drop(source.open(PLACE).await.unwrap());
    let again = source.open(PLACE).await.unwrap();
    assert_eq!((again.validator.as_str(), fake.fetches.load(Ordering::SeqCst)), ("v1", 1));
    // A server that no longer answers does not invalidate the file.
    fake.fails.store(true, Ordering::SeqCst);
    assert_eq!(source.open(PLACE).await.unwrap().path, again.path);
    fake.fails.store(false, Ordering::SeqCst);
    fake.version.lock().unwrap().replace(2);
    let new = source.open(PLACE).await.unwrap();
    assert_eq!((new.validator.as_str(), fake.fetches.load(Ordering::SeqCst)), ("v2", 2));
    assert!(again.path.exists() && new.path != again.path);
}

#[tokio::test]
async fn a_source_without_validator_is_identified_by_its_content() {
    let fake = FakeRemote::new(9, None);
    let (_dir, source) = source(&fake);
    let first = source.open(PLACE).await.unwrap();
    assert_eq!(first.validator, format!("blake3-{}", blake3::hash(b"video").to_hex()));
    source.open(PLACE).await.unwrap();
    assert_eq!(fake.fetches.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_fetch_slot_is_released_when_work_starts() {
    let fake = FakeRemote::new(9, Some(1));
    let (_dir, source) = source(&fake);
    let slots = HostLimits::from(&ParallelConfig::default()).fetches;
    let ahead = join_all((0..slots).map(|i| {
        let source = Arc::clone(&source);
        async move { source.open(&format!("http://{i}/")).await }
    }));
    fake.may_end.add_permits(100);
    let ahead: Vec<_> = ahead.await.into_iter().map(|c| c.unwrap()).collect();
    let mut next = Box::pin(source.open("http://next/"));
    assert!((&mut next).now_or_never().is_none());
    ahead[3].clone().started();
    next.await.unwrap();
}
