#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};

use super::*;
use crate::config::ParallelConfig;
use crate::model::Rendition;
use crate::resilience::{Jitter, ScriptedClock};
use crate::source::object::flaky::{Faults, Flaky};
use crate::store::TableWriter;

/// The dataset in `flaky` as a new process sees it.
fn objects(flaky: &Arc<Flaky>) -> ObjectStoreRoot {
    let clock = Arc::new(ScriptedClock::jumping());
    let config = ParallelConfig::default();
    let resilience = Resilience::with_clock(&config, clock, Jitter::seeded(1));
    ObjectStoreRoot::new(&flaky.open("data/set"), &resilience).unwrap()
}

fn facts(media_id: &str, content: &[u8]) -> Rendition {
    Rendition {
        rendition_id: media_id.to_owned(),
        container: "mp4".to_owned(),
        video_codec: "h264".to_owned(),
        audio_codec: None,
        width: 2,
        height: 2,
        fps: 25.0,
        frames: 1,
        duration: 0.04,
        bytes: content.len() as i64,
        blake3: blake3::hash(content).to_hex().to_string(),
        copied_frames: None,
        hdr: None,
        text_note: None,
        sidecar: false,
        thumbnail: false,
        av_offset: None,
    }
}

/// A run in short: a media file unless it is there, a table, and a commit as `shard` that takes the
/// place of every shard before; whether the file was rendered.
async fn run(objects: &ObjectStoreRoot, work: &FilePath, shard: &str) -> Result<bool> {
    objects.prepare().await?;
    let dataset = objects.dataset().await?;
    if dataset.shard(shard).is_some() {
        return Ok(false);
    }
    let mut writer = ObjectStoreRoot::begin(work, "analysis".to_owned())?;
    let rendered = objects.published(shard).await?.is_none();
    if rendered {
        let file = writer.staging().join("clip.mp4");
        std::fs::write(&file, shard).unwrap();
        objects.publish(&file, &facts(shard, shard.as_bytes())).await?;
    }
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let rows = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
    for name in ["requests", "outcomes"] {
        let mut table = TableWriter::create(name, writer.staged(name), rows.schema())?;
        table.write(&rows)?;
        writer.add(name, table.finish()?);
    }
    loop {
        let dataset = objects.dataset().await?;
        if dataset.shard(shard).is_some() {
            return Ok(rendered);
        }
        for old in dataset.shards() {
            writer.replace(old.number);
        }
        if let Some(manifest) = objects.commit(&dataset, &writer, shard).await? {
            objects.set_replaced_aside(&dataset, &manifest).await;
            return Ok(rendered);
        }
        writer.forget_merged();
    }
}

/// All that a dataset promises, whatever happened on the way: one live shard, `shard`; all that it
/// names is there.
async fn check(flaky: &Arc<Flaky>, shard: &str, context: &str) {
    flaky.set(Faults::None);
    let objects = objects(flaky);
    let dataset = objects.dataset().await.unwrap();
    let shards: Vec<&str> = dataset.shards().iter().map(|m| m.shard.as_str()).collect();
    assert_eq!(shards, [shard], "{context}");
    for table in ["requests", "outcomes"] {
        let schema = dataset.schema(table).await.unwrap().unwrap();
        assert_eq!(schema.merged.fields().len(), 1, "{context}");
    }
    let published = objects.published(shard).await.unwrap().expect(context);
    let files = objects.media_files().await.unwrap();
    assert_eq!(files.get(&published.uri), Some(&(shard.len() as u64)), "{context}");
}

#[tokio::test]
async fn one_fault_anywhere_is_no_error_and_loses_or_doubles_nothing() {
    let work = tempfile::tempdir().unwrap();
    let mut k = 0;
    loop {
        let mut operations = 0;
        for faults in [Faults::Refused(k..k + 1), Faults::ReplyLost(k..k + 1)] {
            let flaky = Arc::new(Flaky::new());
            assert!(run(&objects(&flaky), work.path(), "first").await.unwrap());
            flaky.set(faults.clone());
            let context = format!("{faults:?}");
            assert!(run(&objects(&flaky), work.path(), "second").await.expect(&context));
            operations = operations.max(flaky.operations());
            check(&flaky, "second", &context).await;
            let numbers: Vec<u64> = objects(&flaky)
                .dataset()
                .await
                .unwrap()
                .shards()
                .iter()
                .map(|m| m.number)
                .collect();
            assert_eq!(numbers, [2], "one commit a run: {context}");
        }
        k += 1;
        if k > operations {
            break;
        }
    }
    assert!(k > 15, "{k} operations");
}

#[tokio::test]
async fn a_run_that_ends_anywhere_is_resumed_exactly() {
    let work = tempfile::tempdir().unwrap();
    let mut k = 0;
    let mut rendered_again = vec![];
    loop {
        let mut finished = true;
        for faults in [Faults::Refused(k..usize::MAX), Faults::ReplyLost(k..usize::MAX)] {
            let flaky = Arc::new(Flaky::new());
            run(&objects(&flaky), work.path(), "first").await.unwrap();
            flaky.set(faults.clone());
            // From here on nothing gets through, as if the process had been killed.
            let ended = run(&objects(&flaky), work.path(), "second").await;
            finished &= ended.is_ok();
            flaky.set(Faults::None);
            let context = format!("{faults:?}");
            rendered_again
                .push(run(&objects(&flaky), work.path(), "second").await.expect(&context));
            check(&flaky, "second", &context).await;
        }
        k += 1;
        if finished {
            break;
        }
    }
    assert!(rendered_again.contains(&true) && rendered_again.contains(&false));
    let last = rendered_again.iter().rposition(|again| *again).unwrap();
    assert!(rendered_again[last + 1..].len() > 4, "what is there is not rendered again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_at_a_time_are_all_there_in_some_order() {
    let flaky = Arc::new(Flaky::new());
    let work = tempfile::tempdir().unwrap();
    let runs = (0..8).map(|n| {
        let (objects, work) = (objects(&flaky), work.path().to_path_buf());
        tokio::spawn(async move {
            let mut writer = ObjectStoreRoot::begin(&work, String::new()).unwrap();
            let numbers: ArrayRef = Arc::new(Int64Array::from(vec![n]));
            let rows = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
            let mut table =
                TableWriter::create("requests", writer.staged("requests"), rows.schema()).unwrap();
            table.write(&rows).unwrap();
            writer.add("requests", table.finish().unwrap());
            let mut rounds = 0;
            while {
                let dataset = objects.dataset().await.unwrap();
                objects.commit(&dataset, &writer, &format!("shard-{n}")).await.unwrap().is_none()
            } {
                rounds += 1;
                writer.forget_merged();
            }
            rounds
        })
    });
    let runs: Vec<_> = runs.collect();
    let mut lost = 0;
    for run in runs {
        lost += run.await.unwrap();
    }
    let dataset = objects(&flaky).dataset().await.unwrap();
    let numbers: Vec<u64> = dataset.shards().iter().map(|m| m.number).collect();
    assert_eq!(numbers, (1..=8).collect::<Vec<_>>(), "{lost} rounds lost");
    let mut names: Vec<&str> = dataset.shards().iter().map(|m| m.shard.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 8);
    assert_eq!(dataset.entries("requests").len(), 8);
}

/// A reply is lost, another run replaces the commit, and only then the first run retries.
#[tokio::test]
async fn a_commit_that_was_replaced_before_it_was_read_back_does_not_come_alive_again() {
    let flaky = Arc::new(Flaky::new());
    let work = tempfile::tempdir().unwrap();
    run(&objects(&flaky), work.path(), "first").await.unwrap();
    let before = objects(&flaky).dataset().await.unwrap();
    let first = before.shards()[0].clone();
    run(&objects(&flaky), work.path(), "second").await.unwrap();
    run(&objects(&flaky), work.path(), "third").await.unwrap();
    // The request that was given up for lost arrives now.
    let late = objects(&flaky);
    let path = late.path(&Manifest::name(first.number));
    assert!(late.store.create(&path, first.to_json().unwrap()).await.unwrap(), "read back as own");
    assert!(!late.store.create(&path, "another").await.unwrap());
    check(&flaky, "third", "late").await;
}

#[tokio::test]
async fn a_store_that_overwrites_what_it_should_create_is_refused() {
    use object_store::aws::AmazonS3Builder;
    use object_store::aws::S3ConditionalPut;
    let store = AmazonS3Builder::new()
        .with_bucket_name("b")
        .with_conditional_put(S3ConditionalPut::Disabled)
        .with_skip_signature(true)
        .build()
        .unwrap();
    let (path, mode) = (Path::from("a"), object_store::PutMode::Create);
    let put = object_store::ObjectStore::put_opts(&store, &path, "x".into(), mode.into());
    let fault = StoreFault::from(put.await.unwrap_err());
    assert_eq!(fault.cause, StoreFaultCause::Unsupported);
}

#[tokio::test]
async fn a_dataset_that_was_copied_from_a_folder_is_read() {
    let flaky = Arc::new(Flaky::new());
    let work = tempfile::tempdir().unwrap();
    run(&objects(&flaky), work.path(), "first").await.unwrap();
    let objects = objects(&flaky);
    let mut manifest = objects.dataset().await.unwrap().shards()[0].clone();
    // A folder's manifests do not say which others are live.
    manifest.live = None;
    for number in [2, 3] {
        manifest.number = number;
        manifest.shard = format!("copied-{number}");
        manifest.replaces = if number == 3 { vec![1] } else { vec![] };
        let path = objects.path(&Manifest::name(number));
        objects.store.write(&path, manifest.to_json().unwrap()).await.unwrap();
    }
    let dataset = objects.dataset().await.unwrap();
    let shards: Vec<&str> = dataset.shards().iter().map(|m| m.shard.as_str()).collect();
    assert_eq!(shards, ["copied-2", "copied-3"]);
}
