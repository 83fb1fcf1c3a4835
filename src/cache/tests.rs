#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use arrow::array::{Float64Array, ListArray, StringArray};
use arrow::datatypes::{DataType, Field, Float64Type, Schema};
use object_store::memory::InMemory;
use object_store::path::Path as StorePath;

use super::*;

const ROOMY: CacheLimits = CacheLimits { ttl: Duration::from_secs(3600), bytes: u64::MAX };

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("name", DataType::Utf8, true),
        Field::new_list("values", Field::new_list_field(DataType::Float64, true), true),
    ]))
}

/// One row: a name and as many numbers, which do not compress.
fn columns(name: &str, numbers: usize) -> Vec<ArrayRef> {
    let mut random = fastrand::Rng::with_seed(7);
    let values = (0..numbers).map(|_| Some(random.f64()));
    let list = ListArray::from_iter_primitive::<Float64Type, _, _>([Some(values)]);
    vec![Arc::new(StringArray::from(vec![name])), Arc::new(list)]
}

fn about(location: &str) -> EntryHeader {
    EntryHeader {
        key: String::new(),
        work: "analyze".into(),
        location: location.into(),
        validator: "7-8".into(),
        tool: "ffmpeg".into(),
        clipflow: String::new(),
        created: 0,
    }
}

fn key(name: &str) -> CacheKey {
    CacheKey::of([name])
}

async fn put(cache: &Cache, name: &str, numbers: usize) {
    let EntryLookup::Miss(lock) = cache.look_up(&key(name), &schema()).await else {
        panic!("is there")
    };
    cache.put(&key(name), about(name), &schema(), &columns(name, numbers), lock).await;
}

async fn has(cache: &Cache, name: &str) -> bool {
    match cache.look_up(&key(name), &schema()).await {
        EntryLookup::Hit(header, found) => {
            assert_eq!(header.location, name);
            assert_eq!(found[0].as_ref(), &StringArray::from(vec![name]));
            true
        }
        EntryLookup::Miss(_) => false,
    }
}

fn local(folder: &Path, limits: CacheLimits) -> Cache {
    Cache::new(CacheStore::folder(folder).unwrap(), limits)
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for path in fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

#[tokio::test]
async fn a_stored_result_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let memory = CacheStore::objects(Arc::new(InMemory::new()), StorePath::from("a/b"), "memory");
    for store in [CacheStore::folder(folder.path()).unwrap(), memory] {
        let cache = Cache::new(store, ROOMY);
        let EntryLookup::Miss(lock) = cache.look_up(&key("x"), &schema()).await else { panic!() };
        let given = columns("x", 1000);
        cache.put(&key("x"), about("x"), &schema(), &given, lock).await;
        let EntryLookup::Hit(header, found) = cache.look_up(&key("x"), &schema()).await else {
            panic!()
        };
        assert_eq!(found, given);
        assert_eq!((header.work.as_str(), header.validator.as_str()), ("analyze", "7-8"));
        assert!(!has(&cache, "y").await);
        let expected = CacheStats { hits: 1, misses: 2, stored: 1, ..CacheStats::default() };
        assert_eq!(cache.stats(), expected);
        let listed = cache.list().await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].header.as_ref(), Some(&header));
    }
    let left: Vec<_> = files(folder.path());
    assert_eq!(left.len(), 1, "no lock and no half file is left: {left:?}");
}

#[tokio::test]
async fn a_long_location_is_listed_whole() {
    let folder = tempfile::tempdir().unwrap();
    let cache = local(folder.path(), ROOMY);
    let name = "x".repeat(10_000);
    put(&cache, &name, 3).await;
    assert_eq!(cache.list().await.unwrap()[0].header.as_ref().unwrap().location, name);
}

#[tokio::test]
async fn a_damaged_entry_is_never_returned() {
    let folder = tempfile::tempdir().unwrap();
    let cache = local(folder.path(), ROOMY);
    put(&cache, "x", 50).await;
    let path = files(folder.path()).remove(0);
    let good = fs::read(&path).unwrap();
    let mut damaged: Vec<Vec<u8>> = (0..good.len())
        .map(|i| {
            let mut bytes = good.clone();
            bytes[i] ^= 1 << (i % 8);
            bytes
        })
        .collect();
    damaged.extend((0..good.len()).step_by(7).map(|i| good[..i].to_vec()));
    damaged.push([good.clone(), b"more".to_vec()].concat());
    let tried = damaged.len() as u64;
    for bytes in damaged {
        fs::write(&path, bytes).unwrap();
        assert!(!has(&cache, "x").await);
        assert!(!path.exists(), "it is removed");
    }
    assert_eq!(cache.stats().rejected, tried);
    fs::write(&path, &good).unwrap();
    assert!(has(&cache, "x").await);
}

#[tokio::test]
async fn an_entry_under_another_key_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let cache = local(folder.path(), ROOMY);
    put(&cache, "x", 5).await;
    let x = files(folder.path()).remove(0);
    put(&cache, "y", 5).await;
    let y = files(folder.path()).into_iter().find(|f| *f != x).unwrap();
    fs::copy(&x, &y).unwrap();
    assert!(!has(&cache, "y").await);
    assert!(has(&cache, "x").await);
    assert_eq!(cache.stats().rejected, 1);
}

#[tokio::test]
async fn an_entry_with_other_columns_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let cache = local(folder.path(), ROOMY);
    put(&cache, "x", 5).await;
    let other = Arc::new(Schema::new(vec![Field::new("name", DataType::Utf8, true)]));
    assert!(matches!(cache.look_up(&key("x"), &other).await, EntryLookup::Miss(_)));
    assert_eq!(cache.stats().rejected, 1);
}

#[tokio::test]
async fn results_expire_and_clocks_jump() {
    let folder = tempfile::tempdir().unwrap();
    let hour = Duration::from_secs(3600);
    let start = UNIX_EPOCH + 1_000_000 * hour;
    let now = Arc::new(Mutex::new(start));
    let clock = Arc::clone(&now);
    let limits = CacheLimits { ttl: 24 * hour, bytes: u64::MAX };
    let store = CacheStore::folder(folder.path()).unwrap();
    let cache = Cache::with_clock(store, limits, move || *clock.lock().unwrap());
    put(&cache, "x", 5).await;
    *now.lock().unwrap() = start + 24 * hour;
    assert!(has(&cache, "x").await, "use does not make it younger");
    *now.lock().unwrap() = start + 25 * hour;
    assert!(!has(&cache, "x").await);
    // Written by a clock that was set back afterwards: a little may be, a lot is an error.
    put(&cache, "y", 5).await;
    *now.lock().unwrap() = start + 24 * hour;
    assert!(has(&cache, "y").await);
    *now.lock().unwrap() = start;
    assert!(!has(&cache, "y").await);
    assert_eq!((cache.stats().expired, cache.stats().rejected), (2, 0));
    assert!(files(folder.path()).is_empty());
}

#[tokio::test]
async fn the_least_recently_used_entry_is_evicted() {
    let folder = tempfile::tempdir().unwrap();
    let memory = CacheStore::objects(Arc::new(InMemory::new()), StorePath::default(), "memory");
    for store in [CacheStore::folder(folder.path()).unwrap(), memory] {
        let start = SystemTime::now();
        let now = Arc::new(Mutex::new(start));
        let clock = Arc::clone(&now);
        // An entry of 1000 numbers takes 8 to 9 kB.
        let limits = CacheLimits { ttl: Duration::MAX, bytes: 45_000 };
        let cache = Cache::with_clock(store, limits, move || *clock.lock().unwrap());
        let tick = || *now.lock().unwrap() += Duration::from_secs(60);
        for name in ["a", "b", "c", "d", "e"] {
            put(&cache, name, 1000).await;
            tick();
        }
        assert_eq!(cache.stats().evicted, 0);
        for name in ["a", "c", "d", "e"] {
            assert!(has(&cache, name).await);
            tick();
        }
        put(&cache, "f", 1000).await;
        assert!(cache.stats().evicted >= 1);
        assert!(!has(&cache, "b").await, "the least recently used one");
        assert!(has(&cache, "f").await && has(&cache, "e").await);
        let total: u64 = cache.list().await.unwrap().iter().map(|l| l.stored.bytes).sum();
        assert!(total <= limits.bytes, "{total}");
        put(&cache, "huge", 100_000).await;
        assert!(!has(&cache, "huge").await && has(&cache, "f").await, "it would evict all");
    }
}

#[tokio::test]
async fn entries_of_other_processes_count_towards_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let limits = CacheLimits { ttl: Duration::MAX, bytes: 100_000 };
    // Two caches on one folder are as two processes.
    let caches = [local(folder.path(), limits), local(folder.path(), limits)];
    for round in 0..20 {
        for (cache, name) in caches.iter().zip(["left", "right"]) {
            put(cache, &format!("{name}{round}"), 1000).await;
        }
    }
    let total: u64 = caches[0].list().await.unwrap().iter().map(|l| l.stored.bytes).sum();
    assert!(total <= 120_000, "{total}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_task_computes_and_the_others_wait() {
    let folder = tempfile::tempdir().unwrap();
    let store = CacheStore::objects(Arc::new(InMemory::new()), StorePath::default(), "memory");
    // Two caches on one folder share only the lock file, as two processes do.
    let two = [local(folder.path(), ROOMY), local(folder.path(), ROOMY)].map(Arc::new);
    let one = Arc::new(Cache::new(store, ROOMY));
    for caches in [vec![Arc::clone(&two[0]), Arc::clone(&two[1])], vec![one]] {
        let worked = Arc::new(AtomicU64::new(0));
        let tasks: Vec<_> = (0..16)
            .map(|i| {
                let (cache, worked) = (Arc::clone(&caches[i % caches.len()]), Arc::clone(&worked));
                tokio::spawn(async move {
                    match cache.look_up(&key("x"), &schema()).await {
                        EntryLookup::Hit(..) => {}
                        EntryLookup::Miss(lock) => {
                            worked.fetch_add(1, Ordering::Relaxed);
                            tokio::task::yield_now().await;
                            let made = columns("x", 10);
                            cache.put(&key("x"), about("x"), &schema(), &made, lock).await;
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(worked.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_lock_goes_to_the_next_waiter() {
    let folder = tempfile::tempdir().unwrap();
    let caches = [local(folder.path(), ROOMY), local(folder.path(), ROOMY)].map(Arc::new);
    let EntryLookup::Miss(first) = caches[0].look_up(&key("x"), &schema()).await else { panic!() };
    let waiting: Vec<_> = [0, 1]
        .map(|i| {
            let cache = Arc::clone(&caches[i]);
            tokio::spawn(async move { has(&cache, "x").await })
        })
        .into();
    tokio::task::yield_now().await;
    assert!(waiting.iter().all(|task| !task.is_finished()));
    // The work failed: nothing is put in. Another key is not locked.
    assert!(!has(&caches[1], "y").await);
    drop(first);
    for task in waiting {
        assert!(!task.await.unwrap());
    }
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_missing_store_costs_nothing_but_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("cache");
    let cache = local(&place, ROOMY);
    put(&cache, "x", 5).await;
    fs::remove_dir_all(&place).unwrap();
    fs::write(&place, "a file where the folder was").unwrap();
    assert!(!has(&cache, "x").await);
    put(&cache, "x", 5).await;
    assert!(!has(&cache, "x").await);
    assert!(cache.stats().faults > 2);
    let error = CacheStore::folder(&place.join("below")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreWrite);
}

#[tokio::test]
async fn verifying_and_clearing_touch_entries_only() {
    let folder = tempfile::tempdir().unwrap();
    let cache = local(folder.path(), ROOMY);
    for name in ["x", "y", "z"] {
        put(&cache, name, 20).await;
    }
    let bad = files(folder.path()).remove(0);
    let mut bytes = fs::read(&bad).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&bad, bytes).unwrap();
    let foreign = [folder.path().join("notes.txt"), folder.path().join("ab/other.kept")];
    fs::create_dir_all(folder.path().join("ab")).unwrap();
    // The files of a writer killed long ago and of one at work.
    let halves = ["#1", "#2"].map(|n| PathBuf::from(format!("{}{n}", bad.display())));
    for file in foreign.iter().chain(&halves) {
        fs::write(file, "mine").unwrap();
    }
    let old = SystemTime::now() - 2 * ABANDONED_FOR_SURE;
    fs::File::open(&halves[0]).unwrap().set_modified(old).unwrap();
    let verified = cache.verify().await.unwrap();
    assert_eq!((verified.good, verified.removed.len()), (2, 1));
    assert!(verified.removed[0].1.contains("damaged"), "{verified:?}");
    assert!(!bad.exists() && !halves[0].exists() && halves[1].exists());
    let (entries, bytes) = cache.clear().await.unwrap();
    assert_eq!((entries, bytes), (2, verified.bytes));
    assert!(foreign.iter().all(|f| f.exists()), "other files stay");
    assert_eq!(cache.list().await.unwrap(), []);
}

const ABANDONED_FOR_SURE: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn what_one_run_used_can_be_removed() {
    let folder = tempfile::tempdir().unwrap();
    let start = SystemTime::now();
    let now = Arc::new(Mutex::new(start));
    let clock = Arc::clone(&now);
    let store = CacheStore::folder(folder.path()).unwrap();
    let cache = Cache::with_clock(store, ROOMY, move || *clock.lock().unwrap());
    for name in ["old", "found"] {
        put(&cache, name, 5).await;
    }
    for file in files(folder.path()) {
        let before = start - Duration::from_secs(60);
        fs::File::open(file).unwrap().set_modified(before).unwrap();
    }
    assert!(has(&cache, "found").await);
    put(&cache, "new", 5).await;
    let since = start - Duration::from_secs(1);
    assert_eq!(cache.remove_where(|s| s.used >= since).await.unwrap().0, 2);
    assert!(has(&cache, "old").await && !has(&cache, "new").await);
}

#[test]
fn keys_tell_their_parts_apart() {
    assert_ne!(CacheKey::of(["ab", "c"]), CacheKey::of(["a", "bc"]));
    assert_ne!(CacheKey::of(["a", ""]), CacheKey::of(["a"]));
    let key = CacheKey::of(["a"]);
    assert_eq!(CacheKey::parse(&key.to_string()), Some(key));
    assert_eq!(CacheKey::parse(&key.to_string().to_uppercase()), None);
    assert_eq!(CacheKey::parse("ab"), None);
}

#[test]
fn numbers_of_a_result_are_exact() {
    let odd = [f64::NAN, f64::INFINITY, -0.0, f64::MIN_POSITIVE / 2.0, 0.1 + 0.2];
    let array: ArrayRef = Arc::new(Float64Array::from(odd.to_vec()));
    let schema = Arc::new(Schema::new(vec![Field::new("x", DataType::Float64, true)]));
    let mut header = about("x");
    header.key = key("x").to_string();
    let bytes = entry::encode(&header, &schema, &[array]).unwrap();
    let (_, found) = entry::decode(&bytes, &key("x"), &schema).unwrap();
    let found = found[0].as_any().downcast_ref::<Float64Array>().unwrap().values().to_vec();
    assert_eq!(bits(&found), bits(&odd));
}

fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|x| x.to_bits()).collect()
}
