//! What every backend keeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use clipflow::cancel::CancelToken;
use clipflow::config::BackendType;
use clipflow::exec::{BatchOptions, Progress, ValidateWork, Work, WorkEnv, run_batches};
use clipflow::{Error, ErrorCode};
use futures::{StreamExt, TryStreamExt, stream};

use super::rig::{Rig, Row, WORKERS, batch, codes, one, rows};
use crate::support::waiting::eventually;

macro_rules! contract {
    ($($case:ident),* $(,)?) => {
        contract!(@backend thread, BackendType::Thread, [$($case),*]);
        contract!(@backend process, BackendType::Process, [$($case),*]);
        contract!(@backend joblib, BackendType::Joblib, [$($case),*]);
        contract!(@backend asynchronous, BackendType::Async, [$($case),*]);
        contract!(@backend auto, BackendType::Auto, [$($case),*]);
    };
    (@backend $name:ident, $backend:expr, [$($case:ident),*]) => {
        mod $name {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    super::$case(Rig::new($backend)).await;
                }
            )*
        }
    };
}

contract![
    the_same_rows_as_a_plain_loop,
    chunks_of_any_size_give_the_same_rows,
    rows_come_in_order_where_asked_and_as_they_finish_where_not,
    an_error_belongs_to_its_row,
    a_panic_is_one_rows_error,
    other_columns_than_declared_are_an_error,
    cancelling_is_an_error_and_ends_the_work,
    what_waits_for_a_worker_is_cancelled_at_once,
    a_row_that_takes_too_long_has_its_code,
    work_that_does_not_stop_is_left_behind,
    the_source_is_read_no_further_than_needed,
    no_rows_give_no_rows,
    an_error_of_the_source_ends_the_stream,
    callers_share_the_workers,
    dropping_the_stream_ends_the_work,
    dropping_the_backend_half_way_harms_nobody,
    progress_arrives,
];

fn chunks(chunk_size: usize) -> BatchOptions {
    BatchOptions { chunk_size, ..BatchOptions::default() }
}

fn requests() -> Vec<RecordBatch> {
    let url = |i: usize| match i % 7 {
        0 => "",
        1 => "ftp:/broken url",
        _ => "talks/monday.mp4",
    };
    let part = |range: std::ops::Range<usize>| {
        let urls: arrow::array::StringViewArray =
            range.clone().map(|i| (i % 11 != 0).then(|| url(i))).collect();
        let lengths: arrow::array::Float64Array =
            range.map(|i| (i % 5 != 0).then_some(i as f64 / 3.0)).collect();
        RecordBatch::try_from_iter([
            ("source_url", Arc::new(urls) as _),
            ("max_clip_length", Arc::new(lengths) as _),
        ])
        .unwrap()
    };
    // Odd sizes, one of them empty.
    [0..1, 1..1, 1..300, 300..1501, 1501..3000].map(part).into()
}

async fn the_same_rows_as_a_plain_loop(rig: Rig) {
    let input = requests();
    let whole = concat_batches(&input[0].schema(), &input).unwrap();
    let (env, never) = (WorkEnv::bare(), CancelToken::new());
    let looped: Vec<_> = (0..whole.num_rows())
        .map(|i| ValidateWork.run(&whole.slice(i, 1), &env, &never).unwrap())
        .collect();
    let source = stream::iter(input.into_iter().map(Ok));
    let (backend, env) = (Arc::clone(&rig.backend), Arc::clone(&rig.env));
    let answers =
        run_batches(backend, Arc::new(ValidateWork), env, source, chunks(128), &rig.cancel);
    let answers: Vec<_> = answers.try_collect().await.unwrap();
    let answer = concat_batches(&answers[0].schema(), &answers).unwrap();
    assert_eq!(answer.num_rows(), whole.num_rows());
    assert_eq!(answer.column(0), whole.column(0));
    assert_eq!(answer.column_by_name("error_code").unwrap().null_count(), whole.num_rows());
    for (i, row) in looped.iter().enumerate() {
        for (column, expected) in ["invalid_code", "invalid_message"].iter().zip(row) {
            assert_eq!(&answer.column_by_name(column).unwrap().slice(i, 1), expected, "row {i}");
        }
    }
}

async fn chunks_of_any_size_give_the_same_rows(rig: Rig) {
    let orders = ["", "err", "", "", "print", "", "err", "", "", "", ""];
    let expected: Vec<(i64, Option<i64>)> =
        (0..11).map(|n| (n, (![1, 6].contains(&n)).then_some(n * n))).collect();
    for size in [1, 2, 3, 10, 11, 1000] {
        for kind in ["cpu", "io", "media"] {
            let rows = rig.answers(kind, &orders, chunks(size)).await;
            let found: Vec<_> = rows.iter().map(|r| (r.number, r.square)).collect();
            assert_eq!(found, expected, "chunks of {size}, {kind}");
        }
    }
}

async fn rows_come_in_order_where_asked_and_as_they_finish_where_not(rig: Rig) {
    let mut orders = vec![""; 20];
    orders[0] = "gate open";
    let options = BatchOptions { ordered: false, ..chunks(1) };
    let mut answers = rig.stream("media", one(batch(0, &orders)), options);
    let first = rows(&[answers.next().await.unwrap().unwrap()]);
    assert_ne!(first[0].number, 0, "the others do not wait for the first");
    rig.open("open");
    let mut numbers: Vec<i64> = vec![first[0].number];
    numbers.extend(rows(&answers.try_collect::<Vec<_>>().await.unwrap()).iter().map(|r| r.number));
    numbers.sort_unstable();
    assert_eq!(numbers, (0..20).collect::<Vec<_>>());

    orders[0] = "nap 50";
    let numbers: Vec<i64> =
        rig.answers("media", &orders, chunks(1)).await.iter().map(|r| r.number).collect();
    assert_eq!(numbers, (0..20).collect::<Vec<_>>());
}

async fn an_error_belongs_to_its_row(rig: Rig) {
    let mut orders = [""; 100];
    let bad = [0, 13, 14, 99];
    bad.iter().for_each(|i| orders[*i] = "err");
    for row in rig.answers("cpu", &orders, chunks(50)).await {
        if bad.contains(&(row.number as usize)) {
            assert_eq!(row.code.as_deref(), Some("media.corrupt"));
            assert_eq!(row.message, Some(format!("row {} is bad", row.number)));
            assert!(row.square.is_none() && row.attempts > 1, "{row:?}");
        } else {
            let Row { number, square, code, message, .. } = row;
            assert_eq!((square, code, message), (Some(number * number), None, None));
        }
    }
}

async fn a_panic_is_one_rows_error(rig: Rig) {
    for kind in ["cpu", "media"] {
        let rows = rig.answers(kind, &["", "", "panic", "", ""], chunks(5)).await;
        let panicked = Some("work_panicked");
        assert_eq!(codes(&rows), [(0, None), (1, None), (2, panicked), (3, None), (4, None)]);
        let said = "the work stumble panicked: row 2 panics; correct it, or remove this row";
        assert_eq!(rows[2].message.as_deref(), Some(said));
    }
    // And the workers are as good as before.
    assert_eq!(rig.answers("cpu", &[""; 10], chunks(1)).await.len(), 10);
}

async fn other_columns_than_declared_are_an_error(rig: Rig) {
    let rows = rig.answers("cpu", &["", "short", ""], chunks(3)).await;
    assert_eq!(codes(&rows), [(0, None), (1, Some("internal")), (2, None)]);
    assert!(rows[1].message.as_ref().unwrap().contains("declares"), "{:?}", rows[1]);
}

async fn cancelling_is_an_error_and_ends_the_work(rig: Rig) {
    let orders = [["wait"; 2].as_slice(), &["nap 1"; 20]].concat();
    let mut answers = rig.stream("media", one(batch(0, &orders)), BatchOptions::default());
    let reader = tokio::spawn(async move {
        // The first row is not done: order is asked for, so nothing can come.
        let error = answers.next().await.unwrap().unwrap_err();
        assert!(answers.next().await.is_none(), "an error is the end");
        error
    });
    eventually("rows begin", || rig.running() >= 2).await;
    rig.cancel.cancel();
    assert_eq!(reader.await.unwrap().code(), ErrorCode::Cancelled);
    eventually("rows end", || rig.running() == 0).await;
}

async fn what_waits_for_a_worker_is_cancelled_at_once(rig: Rig) {
    let busy = rig.stream("media", one(batch(0, &["gate open"; 8])), BatchOptions::default());
    let busy = tokio::spawn(busy.try_collect::<Vec<_>>());
    eventually("all workers are taken", || rig.running() == WORKERS).await;
    let token = CancelToken::new();
    let (backend, env) = (Arc::clone(&rig.backend), Arc::clone(&rig.env));
    let input = one(batch(100, &[""; 8]));
    let options = BatchOptions::default();
    let mut second = run_batches(backend, rig.work("media"), env, input, options, &token);
    let reader = tokio::spawn(async move { second.next().await });
    tokio::task::yield_now().await;
    token.cancel();
    let error = reader.await.unwrap().unwrap().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled);
    rig.open("open");
    assert_eq!(rows(&busy.await.unwrap().unwrap()).len(), 8);
    assert_eq!(rig.began(100), 0);
}

async fn a_row_that_takes_too_long_has_its_code(rig: Rig) {
    let timeout = Some(Duration::from_millis(300));
    let options = BatchOptions { timeout, ..chunks(4) };
    let rows = rig.answers("cpu", &["", "wait", "", ""], options).await;
    assert_eq!(codes(&rows), [(0, None), (1, Some("timeout")), (2, None), (3, None)]);
    eventually("the row ends", || rig.running() == 0).await;
}

async fn work_that_does_not_stop_is_left_behind(rig: Rig) {
    let options = BatchOptions { timeout: Some(Duration::from_millis(100)), ..chunks(1) };
    let rows = rig.answers("media", &["gate open", ""], options).await;
    assert_eq!(codes(&rows), [(0, Some("timeout")), (1, None)]);
    // Where it ran in a thread of this program it still does.
    rig.open("open");
    assert_eq!(rig.answers("media", &[""; 8], chunks(1)).await.len(), 8);
}

async fn the_source_is_read_no_further_than_needed(rig: Rig) {
    let read = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&read);
    let input = stream::iter(0..10_000).map(move |i| {
        counter.fetch_add(1, Ordering::SeqCst);
        Ok(batch(i * 10, &["gate open"; 10]))
    });
    let options = BatchOptions { ordered: false, in_flight: 6, ..chunks(20) };
    let mut answers = rig.stream("cpu", input.boxed(), options);
    let reader = tokio::spawn(async move {
        let first = answers.next().await.unwrap().unwrap();
        (first, answers)
    });
    eventually("all workers are taken", || rig.running() == WORKERS).await;
    // Six chunks of two batches each.
    let bound = |read: &AtomicUsize| read.load(Ordering::SeqCst) <= 12;
    eventually("six chunks are read", || read.load(Ordering::SeqCst) == 12).await;
    rig.open("open");
    let (first, answers) = reader.await.unwrap();
    assert_eq!(first.num_rows(), 20);
    // The stream is not read now: what a worker has comes to its end, and nothing new is read.
    eventually("the chunks end", || rig.running() == 0).await;
    assert!(bound(&read), "{read:?}");
    drop(answers);
}

async fn no_rows_give_no_rows(rig: Rig) {
    let nothing = rig.stream("cpu", stream::empty().boxed(), chunks(10));
    assert!(nothing.try_collect::<Vec<_>>().await.unwrap().is_empty());
    assert!(rig.answers("media", &[], chunks(10)).await.is_empty());
    assert!(rig.journal().is_empty());
}

async fn an_error_of_the_source_ends_the_stream(rig: Rig) {
    let error = Error::new(ErrorCode::InputUnreadable, "the file ends here");
    let input = stream::iter([Ok(batch(0, &["", ""])), Err(error), Ok(batch(2, &[""]))]);
    let answers: Vec<_> = rig.stream("media", input.boxed(), chunks(1)).collect().await;
    let code = answers.last().unwrap().as_ref().unwrap_err().code();
    assert_eq!(code, ErrorCode::InputUnreadable);
    assert!(answers[..answers.len() - 1].iter().all(Result::is_ok));
    assert_eq!(rig.began(2), 0);
}

async fn callers_share_the_workers(rig: Rig) {
    let callers: Vec<_> = (0..5)
        .map(|caller| {
            let input = one(batch(caller * 100, &["nap 2"; 30]));
            tokio::spawn(rig.stream("media", input, chunks(1)).try_collect::<Vec<_>>())
        })
        .collect();
    let mut answered = 0;
    for caller in callers {
        answered += rows(&caller.await.unwrap().unwrap()).len();
    }
    assert_eq!(answered, 150);
    // Each row writes its end before its worker is free.
    assert!((2..=WORKERS).contains(&rig.peak()), "{}", rig.peak());
}

async fn dropping_the_stream_ends_the_work(rig: Rig) {
    let answers = rig.stream("media", one(batch(0, &["wait"; 20])), BatchOptions::default());
    let reader = tokio::spawn(answers.try_collect::<Vec<_>>());
    eventually("all workers are taken", || rig.running() == WORKERS).await;
    reader.abort();
    eventually("all rows end", || rig.running() == 0).await;
    assert_eq!(rig.answers("media", &[""; 4], chunks(1)).await.len(), 4);
}

async fn dropping_the_backend_half_way_harms_nobody(rig: Rig) {
    let answers = rig.stream("media", one(batch(0, &["gate open"; 20])), BatchOptions::default());
    let reader = tokio::spawn(answers.try_collect::<Vec<_>>());
    eventually("all workers are taken", || rig.running() == WORKERS).await;
    let Rig { backend, .. } = &rig;
    let left = Arc::downgrade(backend);
    reader.abort();
    // It joins when the stream, and with it the stream's hold on the backend, is gone.
    assert!(reader.await.unwrap_err().is_cancelled());
    rig.open("open");
    let Rig { backend, .. } = rig;
    drop(backend);
    assert!(left.upgrade().is_none());
}

#[derive(Debug, Default)]
struct Halves(AtomicUsize);

impl Progress for Halves {
    fn advanced(&self, stage: &str, seconds: f64) {
        assert_eq!(stage, "stumble");
        self.0.fetch_add((seconds * 2.0) as usize, Ordering::SeqCst);
    }
}

async fn progress_arrives(mut rig: Rig) {
    let halves = Arc::new(Halves::default());
    let progress = Arc::clone(&halves) as Arc<dyn Progress>;
    rig.env = Arc::new(WorkEnv { progress, ..WorkEnv::bare() });
    rig.answers("media", &["progress", "", "progress"], chunks(1)).await;
    assert_eq!(halves.0.load(Ordering::SeqCst), 8);
}
