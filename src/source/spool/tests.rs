#![allow(clippy::unwrap_used)]
use std::fs;

use futures::FutureExt;

use super::*;

fn spool(limit: u64) -> (tempfile::TempDir, Spool) {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path(), limit);
    (dir, spool)
}

async fn put(spool: &Spool, location: &str, bytes: usize) -> Lease {
    let mut file = spool.create(Some(bytes as u64)).await.unwrap();
    file.write(&vec![7; bytes]).await.unwrap();
    file.keep(spool, location, "v1").await.unwrap()
}

/// The folder of the spool, and the files in it beside the lock.
fn files(dir: &Path) -> Vec<PathBuf> {
    let inside = |folder: fs::DirEntry| fs::read_dir(folder.path()).unwrap().flatten();
    let all = fs::read_dir(dir).unwrap().flatten().flat_map(inside).map(|e| e.path());
    all.filter(|p| !p.ends_with("lock")).collect()
}

#[tokio::test]
async fn a_file_stays_until_the_spool_is_dropped() {
    let (dir, spool) = spool(100);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing before it is needed");
    let first = put(&spool, "http://a/1", 10).await;
    let path = first.path().to_path_buf();
    assert_eq!(fs::read(&path).unwrap(), [7; 10]);
    drop(first);
    let again = spool.find("http://a/1").unwrap();
    assert_eq!((again.path(), again.validator()), (path.as_path(), "v1"));
    assert!(spool.find("http://a/2").is_none());
    drop(spool);
    assert!(path.exists(), "it is leased");
    drop(again);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn the_least_recently_used_file_is_removed_and_leased_ones_stay() {
    let (dir, spool) = spool(100);
    drop(put(&spool, "a", 40).await);
    drop(put(&spool, "b", 40).await);
    spool.find("a").unwrap();
    let c = put(&spool, "c", 40).await;
    assert!(spool.find("b").is_none());
    let a = spool.find("a").unwrap();
    assert_eq!((spool.used(), files(dir.path()).len()), (80, 2));
    // All space is in use: the next reservation waits for a lease to end.
    let mut next = Box::pin(put(&spool, "d", 40));
    for _ in 0..20 {
        assert!((&mut next).now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    drop(a);
    next.await;
    assert!(spool.find("a").is_none() && spool.find("c").is_some());
    drop(c);
    assert_eq!(spool.used(), 80);
}

#[tokio::test]
async fn a_cancelled_fetch_leaves_nothing() {
    let (dir, spool) = spool(100);
    let mut file = spool.create(None).await.unwrap();
    file.write(&[1; 60]).await.unwrap();
    assert_eq!((spool.used(), files(dir.path()).len()), (100, 1));
    drop(file);
    assert_eq!((spool.used(), files(dir.path()).len()), (0, 0));
}

#[tokio::test]
async fn a_file_of_unknown_size_releases_unused_space() {
    let (_dir, spool) = spool(3 * RESERVATION_STEP);
    let mut file = spool.create(None).await.unwrap();
    assert_eq!(spool.used(), RESERVATION_STEP);
    file.write(&vec![1; RESERVATION_STEP as usize + 1]).await.unwrap();
    assert_eq!(spool.used(), 2 * RESERVATION_STEP);
    let lease = file.keep(&spool, "a", "v").await.unwrap();
    assert_eq!(spool.used(), RESERVATION_STEP + 1);
    drop(lease);
    spool.forget("a");
    assert_eq!(spool.used(), 0);
}

#[tokio::test]
async fn a_source_larger_than_the_spool_is_rejected() {
    let (_dir, spool) = spool(100);
    let error = spool.create(Some(101)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceTooLarge);
    let mut file = spool.create(None).await.unwrap();
    assert_eq!(file.write(&[1; 101]).await.unwrap_err().code(), ErrorCode::SourceTooLarge);
    drop(file);
    assert_eq!(spool.used(), 0);
}

#[tokio::test]
async fn when_all_reservations_wait_one_fails() {
    let (_dir, spool) = spool(2 * RESERVATION_STEP);
    let mut one = spool.reserve(None).await.unwrap();
    let mut two = spool.reserve(None).await.unwrap();
    let mut first = Box::pin(one.grow_to(2 * RESERVATION_STEP, true));
    assert!((&mut first).now_or_never().is_none(), "the other one may end");
    let error = two.grow_to(2 * RESERVATION_STEP, true).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreWrite);
    assert!(crate::resilience::may_change(&error), "later there may be room");
    drop(two);
    first.await.unwrap();
}

#[tokio::test]
async fn an_outdated_file_is_not_found_and_stays_while_leased() {
    let (dir, spool) = spool(100);
    let old = put(&spool, "a", 10).await;
    let new = put(&spool, "a", 20).await;
    assert_eq!(spool.find("a").unwrap().path(), new.path());
    assert!(old.path().exists());
    assert_eq!(spool.used(), 30);
    drop(old);
    assert_eq!((spool.used(), files(dir.path()).len()), (20, 1));
}

#[tokio::test]
async fn folders_of_killed_runs_are_removed_and_live_ones_stay() {
    let dir = tempfile::tempdir().unwrap();
    let killed = dir.path().join("clipflow-spool-killed");
    fs::create_dir(&killed).unwrap();
    fs::write(killed.join("lock"), "").unwrap();
    fs::write(killed.join("fetch-1"), "half a film").unwrap();
    fs::create_dir(dir.path().join("clipflow-spool-in-the-making")).unwrap();
    fs::create_dir(dir.path().join("precious")).unwrap();
    fs::write(dir.path().join("precious/lock"), "").unwrap();
    std::os::unix::fs::symlink(dir.path().join("precious"), dir.path().join("clipflow-spool-link"))
        .unwrap();
    let live = Spool::new(dir.path(), 100);
    let lease = put(&live, "a", 10).await;
    let other = Spool::new(dir.path(), 100);
    drop(put(&other, "a", 10).await);
    assert!(!killed.exists());
    assert!(lease.path().exists());
    assert!(dir.path().join("precious/lock").exists());
    assert!(dir.path().join("clipflow-spool-in-the-making").exists());
}

#[tokio::test]
async fn the_error_names_a_folder_that_cannot_be_created() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Spool::new(file.join("spool"), 100).create(None).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreWrite);
    assert!(error.message().contains("spool_dir"), "{error}");
    let full = cannot_spool(dir.path(), std::io::ErrorKind::StorageFull.into());
    assert!(full.message().contains("is full"), "{full}");
}
