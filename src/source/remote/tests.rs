#![allow(clippy::unwrap_used)]
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures::future::join_all;
use tokio::sync::Semaphore;

use super::*;
use crate::config::ParallelConfig;
use crate::error::ErrorCode;
use crate::resilience::{HostKey, HostLimits, Hosts};

/// A place that counts fetches and lets them end when the test says so.
#[derive(Debug)]
struct Fake {
    hosts: Hosts,
    fetches: AtomicUsize,
    given_up: AtomicUsize,
    may_end: Semaphore,
    fails: AtomicBool,
    /// Counts up with each change; `None` is what a place says that knows no validator.
    version: Mutex<Option<usize>>,
}

impl Fake {
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

struct CountUnfinished<'a>(&'a Fake, bool);

impl Drop for CountUnfinished<'_> {
    fn drop(&mut self) {
        self.0.given_up.fetch_add(usize::from(!self.1), Ordering::SeqCst);
    }
}

#[async_trait]
impl Remote for Arc<Fake> {
    fn serves(&self, _: &str) -> bool {
        true
    }

    async fn validator(&self, _: &str) -> Result<Option<String>> {
        match self.fails.load(Ordering::SeqCst) {
            true => Err(Error::new(ErrorCode::SourceUnreachable, "gone")),
            false => Ok(Fake::validator(self)),
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
                Fetched::keep(file, spool, location, Fake::validator(self), slot).await
            })
            .await
    }
}

fn source(fake: &Arc<Fake>) -> (tempfile::TempDir, Arc<Spooled<Arc<Fake>>>) {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path(), 1000);
    (dir, Arc::new(Spooled::new(Arc::clone(fake), spool)))
}

const PLACE: &str = "http://a/film.mp4";

#[tokio::test]
async fn twenty_who_ask_at_a_time_share_one_fetch() {
    let fake = Fake::new(1, Some(1));
    let (_dir, source) = source(&fake);
    let copies = join_all((0..20).map(|_| source.open(PLACE))).await;
    let paths: Vec<_> = copies.into_iter().map(|c| c.unwrap()).collect();
    assert!(paths.iter().all(|c| c.path == paths[0].path && c.validator == "v1"));
    assert_eq!(fake.fetches.load(Ordering::SeqCst), 1);
    assert!(source.flights.lock().by_location.is_empty());
}

#[tokio::test]
async fn a_fetch_goes_on_while_anybody_waits_and_ends_when_nobody_does() {
    let fake = Fake::new(0, Some(1));
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
    // Nobody waits: it ends at once, and the next one begins anew.
    fake.version.lock().unwrap().replace(2);
    let mut alone = Box::pin(source.open(PLACE));
    while fake.fetches.load(Ordering::SeqCst) < 2 {
        assert!((&mut alone).now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    drop(alone);
    assert_eq!(fake.given_up.load(Ordering::SeqCst), 1);
    assert!(source.flights.lock().by_location.is_empty());
    fake.may_end.add_permits(1);
    assert_eq!(source.open(PLACE).await.unwrap().validator, "v2");
}

#[tokio::test]
async fn all_who_wait_get_the_error_and_the_next_one_tries_again() {
    let fake = Fake::new(0, Some(1));
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
async fn what_is_in_the_spool_is_fetched_again_only_if_it_has_changed() {
    let fake = Fake::new(9, Some(1));
    let (_dir, source) = source(&fake);
    drop(source.open(PLACE).await.unwrap());
    let again = source.open(PLACE).await.unwrap();
    assert_eq!((again.validator.as_str(), fake.fetches.load(Ordering::SeqCst)), ("v1", 1));
    // A place that does not answer any more has said what it had to say.
    fake.fails.store(true, Ordering::SeqCst);
    assert_eq!(source.open(PLACE).await.unwrap().path, again.path);
    fake.fails.store(false, Ordering::SeqCst);
    fake.version.lock().unwrap().replace(2);
    let new = source.open(PLACE).await.unwrap();
    assert_eq!((new.validator.as_str(), fake.fetches.load(Ordering::SeqCst)), ("v2", 2));
    assert!(again.path.exists() && new.path != again.path);
}

#[tokio::test]
async fn a_place_without_validators_is_known_by_its_content_and_not_asked_again() {
    let fake = Fake::new(9, None);
    let (_dir, source) = source(&fake);
    let first = source.open(PLACE).await.unwrap();
    assert_eq!(first.validator, format!("blake3-{}", blake3::hash(b"video").to_hex()));
    source.open(PLACE).await.unwrap();
    assert_eq!(fake.fetches.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_fetch_slot_is_free_again_when_work_on_the_file_begins() {
    let fake = Fake::new(9, Some(1));
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
