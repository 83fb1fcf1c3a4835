//! The library's processors: batches, streams, handlers, numbers.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use clipflow::CancelToken;
use clipflow::config::{BackendType, ParallelConfig};
use clipflow::error::ErrorCode;
use clipflow::model::request::VideoClipRequest;
use clipflow::processors::{
    VideoClipProcessor, VideoClipResponse, create_high_performance_processor, response_schema,
};
use clipflow::telemetry::{Event, Observer};
use futures::{StreamExt, stream};

use super::support::gated::files;
use super::support::{query, show};

fn request(source: &str, max: f64) -> VideoClipRequest {
    VideoClipRequest {
        min_clip_length: 4.0,
        max_clip_length: max,
        max_clips: 1,
        ..VideoClipRequest::new(source)
    }
}

fn processor(folder: &Path) -> VideoClipProcessor {
    VideoClipProcessor::new(folder.join("out")).with_base(folder)
}

#[test]
fn the_processor_answers_in_the_order_of_the_requests() {
    let folder = tempfile::tempdir().unwrap();
    show::make(&folder.path().join("show.mp4"));
    let requests = [
        request("none.mp4", 9.0),
        request("show.mp4", 9.0),
        request("show.mp4", 1.0),
        request("show.mp4", 8.0),
    ];
    let processor = processor(folder.path());
    assert_eq!(processor.validate_batch(&requests).unwrap(), [true, true, false, true]);
    let responses = processor.process_batch_parallel(&requests, BackendType::Auto).unwrap();
    let success: Vec<bool> = responses.iter().map(|r| r.success).collect();
    assert_eq!(success, [false, true, false, true]);
    assert_eq!(responses[0].error_code.as_deref(), Some("source.not_found"));
    assert_eq!(responses[2].error_code.as_deref(), Some("invalid_request.bad_length"));
    for response in &responses {
        assert_eq!(response.success, response.error.is_none());
        assert_eq!(response.clips.len(), usize::from(response.success));
        for clip in &response.clips {
            assert!(clip.location.as_ref().unwrap().as_path().unwrap().is_file());
            assert!(clip.frames > Some(0) && clip.end > clip.start);
        }
    }
    // A second batch adds to the dataset and answers for itself alone.
    let one = [request("show.mp4", 7.0)];
    let more = processor.process_batch_parallel(&one, BackendType::Auto).unwrap();
    assert_eq!(more.len(), 1);
    let ids: HashMap<_, _> =
        responses.iter().chain(&more).map(|r| (r.request_id.clone(), r.success)).collect();
    assert_eq!(ids.len(), 5, "every request has an id of its own");
    // The same again is answered from the dataset, with the same answers.
    let again = processor.process_batch_parallel(&requests, BackendType::Auto).unwrap();
    assert_eq!(again, responses);
    let stats = processor.get_processing_stats();
    assert_eq!((stats.batches, stats.requests, stats.answered), (3, 9, 5));
    assert!(stats.media.rows_done > 0 && stats.media.seconds_of_video > 30.0);
}

#[test]
fn every_backend_gives_the_same_responses() {
    let folder = tempfile::tempdir().unwrap();
    show::make(&folder.path().join("show.mp4"));
    let requests = [request("show.mp4", 9.0), request("none.mp4", 9.0), request("show.mp4", 8.0)];
    let mut answers: Vec<Vec<VideoClipResponse>> = vec![];
    for backend in [
        BackendType::Thread,
        BackendType::Process,
        BackendType::Joblib,
        BackendType::Async,
        BackendType::Auto,
    ] {
        // A dataset each: the same one would answer from what it holds.
        let out = folder.path().join(backend.as_str());
        let config = ParallelConfig::builder()
            .worker_program(env!("CARGO_BIN_EXE_clipflow").to_owned())
            .build()
            .unwrap();
        let processor =
            create_high_performance_processor(&out, config).unwrap().with_base(folder.path());
        let responses = processor.process_batch_parallel(&requests, backend).unwrap();
        let clips = responses.iter().flat_map(|r| &r.clips);
        assert!(
            clips.clone().all(|c| c
                .location
                .as_ref()
                .unwrap()
                .as_path()
                .unwrap()
                .starts_with(&out))
        );
        let mut responses = responses.clone();
        for clip in responses.iter_mut().flat_map(|r| &mut r.clips) {
            let name = clip.location.as_ref().unwrap().as_path().unwrap().file_name().unwrap();
            clip.location = Some(name.to_str().unwrap().into());
        }
        answers.push(responses);
    }
    assert_eq!(answers[0].iter().filter(|r| r.success).count(), 2);
    assert!(answers.iter().all(|a| *a == answers[0]), "{answers:#?}");
    let processor = processor(folder.path());
    let error = processor.process_batch_parallel(&requests, BackendType::Dask).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigInvalid);
}

#[test]
fn a_configuration_that_cannot_be_is_refused() {
    let config = ParallelConfig { chunk_size: 0, ..ParallelConfig::default() };
    let error = create_high_performance_processor("out", config).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigInvalid);
}

#[tokio::test]
async fn an_asynchronous_program_awaits_and_is_not_blocked() {
    let folder = tempfile::tempdir().unwrap();
    show::make(&folder.path().join("show.mp4"));
    let processor = processor(folder.path());
    let requests = [request("show.mp4", 9.0)];
    let error = processor.process_batch_parallel(&requests, BackendType::Auto).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Internal);
    assert!(error.message().contains("process_batch_async"), "{error}");
    // One thread here, which goes on counting while the batch is under way.
    let batch = processor.process_batch_async(&requests);
    let mut turns = 0_u64;
    let mut batch = std::pin::pin!(batch);
    let responses = loop {
        tokio::select! {
            responses = &mut batch => break responses.unwrap(),
            () = tokio::task::yield_now() => turns += 1,
        }
    };
    assert!(responses[0].success && turns > 100, "{turns}");
}

#[test]
fn an_error_handler_may_answer_for_what_failed() {
    let folder = tempfile::tempdir().unwrap();
    let mut processor = processor(folder.path());
    let seen = Arc::new(Mutex::new(vec![]));
    let log = Arc::clone(&seen);
    processor.set_error_handler(move |error, request| {
        log.lock().unwrap().push((error.code(), request.clone()));
        (error.code() == ErrorCode::SourceNotFound).then(|| VideoClipResponse {
            request_id: request.request_id.clone().unwrap_or_default(),
            error_code: Some("source.not_found".to_owned()),
            error: Some(format!("{} is on its way", request.source_url)),
            ..VideoClipResponse::default()
        })
    });
    let named =
        |id: &str, r: VideoClipRequest| VideoClipRequest { request_id: Some(id.into()), ..r };
    let requests = [named("a", request("none.mp4", 9.0)), named("b", request("none.mp4", 1.0))];
    let responses = processor.process_batch_parallel(&requests, BackendType::Auto).unwrap();
    assert_eq!(responses[0].error.as_deref(), Some("none.mp4 is on its way"));
    assert_eq!(responses[1].error_code.as_deref(), Some("invalid_request.bad_length"));
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0], (ErrorCode::SourceNotFound, requests[0].clone()));
    assert_eq!(seen[1], (ErrorCode::InvalidRequestBadLength, requests[1].clone()));
    drop(seen);
    // The dataset keeps what happened.
    let kept = query(folder.path(), "SELECT error_message FROM outcomes WHERE request_id = 'a'");
    assert!(kept[0].contains("there is no file"), "{kept:?}");
}

/// A chunk of requests: `rows` rows of `show.mp4` with ids from `first` on, and one column more.
fn chunk(first: usize, rows: usize) -> RecordBatch {
    let texts = |text: &dyn Fn(usize) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values((first..first + rows).map(text)))
    };
    let lengths = (first..first + rows).map(|n| 8.0 + n as f64 / 100.0);
    RecordBatch::try_from_iter([
        ("request_id", texts(&|n| format!("r{n}"))),
        ("source_url", texts(&|n| if n % 7 == 3 { "none.mp4".into() } else { "show.mp4".into() })),
        ("min_clip_length", Arc::new(Float64Array::from(vec![4.0; rows])) as ArrayRef),
        ("max_clip_length", Arc::new(Float64Array::from_iter_values(lengths))),
        ("max_clips", Arc::new(Int64Array::from(vec![1; rows]))),
        ("team", texts(&|n| format!("t{}", n % 2))),
    ])
    .unwrap()
}

/// Seconds of video that each stage went through.
#[derive(Debug, Default)]
struct Seconds(Mutex<BTreeMap<String, f64>>);

impl Observer for Seconds {
    fn event(&self, event: &Event<'_>) {
        if let Event::Progress { stage, seconds } = event {
            *self.0.lock().unwrap().entry((*stage).to_owned()).or_default() += seconds;
        }
    }
}

#[tokio::test]
async fn a_stream_is_answered_chunk_by_chunk_and_read_no_further_than_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::make(&path.join("show.mp4"));
    let mut processor = processor(path);
    let seconds = Arc::new(Seconds::default());
    processor.config_mut().parallel.chunk_size = 4;
    processor.config_mut().observer = Arc::clone(&seconds) as Arc<dyn Observer>;
    let pulled = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&pulled);
    // Batches of 3 rows, 21 in all: 6 chunks.
    let input = stream::iter((0..7).map(move |n| {
        count.fetch_add(3, Ordering::Relaxed);
        Ok(chunk(3 * n, 3))
    }));
    let mut output = std::pin::pin!(processor.stream_process(input));
    assert_eq!(pulled.load(Ordering::Relaxed), 0, "nothing is done before it is asked for");
    let (mut tables, mut answered) = (vec![], 0);
    while let Some(table) = output.next().await {
        let table = table.unwrap();
        answered += table.num_rows();
        let ahead = pulled.load(Ordering::Relaxed) - answered;
        assert!(ahead <= 4 + 2, "{ahead} rows are read that are not answered");
        tables.push(table);
    }
    let sizes: Vec<usize> = tables.iter().map(RecordBatch::num_rows).collect();
    assert_eq!(sizes, [4, 4, 4, 4, 4, 1]);
    let all = concat_batches(&response_schema(), &tables).unwrap();
    let ids: Vec<_> = all["request_id"].as_string::<i32>().iter().flatten().collect();
    assert_eq!(ids, (0..21).map(|n| format!("r{n}")).collect::<Vec<_>>());
    let clips = all["clips"].as_list::<i32>();
    for row in 0..21 {
        let fails = row % 7 == 3;
        assert_eq!(all["success"].as_boolean().value(row), !fails);
        assert_eq!(clips.value(row).len(), usize::from(!fails));
    }
    // One dataset, one source, analysed once.
    let counts = "SELECT count(*), count(DISTINCT request_id), sum(clips) FROM outcomes";
    assert_eq!(query(path, counts), ["21,21,18"]);
    assert_eq!(query(path, "SELECT count(*) FROM sources"), ["1"]);
    assert_eq!(query(path, "SELECT DISTINCT team FROM outcomes ORDER BY 1"), ["t0", "t1"]);
    let analysed = seconds.0.lock().unwrap()["analyze"];
    assert!((25.0..35.0).contains(&analysed), "30 s of video, not {analysed}");
    let left = files(&path.join("out"));
    assert!(
        !left.iter().any(|f| f.starts_with("_resume") || f.starts_with("_staging")),
        "{left:?}"
    );
    assert_eq!(processor.get_processing_stats().batches, 6);
}

#[tokio::test]
async fn a_stream_ends_with_the_error_of_its_input_and_keeps_what_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let mut processor = processor(path);
    processor.config_mut().parallel.chunk_size = 2;
    let error = clipflow::Error::new(ErrorCode::InputUnreadable, "the pipe broke");
    let input = stream::iter(vec![Ok(chunk(0, 3)), Err(error), Ok(chunk(3, 3))]);
    let output: Vec<_> = processor.stream_process(input).collect().await;
    let rows: Vec<_> = output.iter().map(|r| r.as_ref().map(RecordBatch::num_rows)).collect();
    assert_eq!(rows.len(), 3);
    assert_eq!((rows[0].as_ref().ok(), rows[1].as_ref().ok()), (Some(&2), Some(&1)));
    assert_eq!(rows[2].as_ref().unwrap_err().code(), ErrorCode::InputUnreadable);
    assert_eq!(query(path, "SELECT count(*) FROM outcomes"), ["3"]);
}

#[tokio::test]
async fn a_batch_can_be_stopped_from_outside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::make(&path.join("show.mp4"));
    let processor = processor(path);
    processor.stop_token().drain();
    let error = processor.process_batch_async(&[request("show.mp4", 9.0)]).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled);
    let said = "the run was stopped: 0 of 1 source analysed (1 remain), none rendered; nothing of it is visible yet; run it again, and it goes on from there";
    assert_eq!(error.message(), said);
    // It keeps a folder for what is to be resumed as long as it lives.
    drop(processor);
    let left: Vec<_> = fs::read_dir(path.join("out")).unwrap().flatten().collect();
    assert!(left.is_empty(), "nothing is visible: {left:?}");
}

#[tokio::test]
async fn a_stop_is_of_one_batch_or_can_be_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::make(&path.join("show.mp4"));
    let requests = [request("show.mp4", 9.0)];
    let mut processor = processor(path);
    let stop = CancelToken::new();
    stop.drain();
    let stopped = processor.stopped_by(stop).process_batch_async(&requests).await;
    assert_eq!(stopped.unwrap_err().code(), ErrorCode::Cancelled);
    assert!(!processor.stop_token().is_draining(), "only that batch was stopped");

    processor.stop_token().cancel();
    let stopped = processor.process_batch_async(&requests).await;
    assert_eq!(stopped.unwrap_err().code(), ErrorCode::Cancelled);
    processor.reset_stop();
    let answers = processor.process_batch_async(&requests).await.unwrap();
    assert_eq!(answers[0].error, None);
    // What the batches share is shared as before.
    assert_eq!(processor.get_processing_stats().batches, 3);
}
