//! The selection's weights learn from generated retention curves.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{Field, FieldRef, Schema};
use clipflow::ErrorCode;
use clipflow::analytics::{TrainQuery, train_selection_in};
use clipflow::config::ParallelConfig;
use clipflow::kernels::score::Link;
use clipflow::kernels::select::{
    OwnedColumns, PreparedSource, Weights, WeightsFile, signal_features,
};
use clipflow::model::edit::{Join, Segment};
use clipflow::model::{Shot, Signal, table::variants};
use clipflow::query::events;
use datafusion::prelude::SessionContext;
use serde::Serialize;

use super::context;

const SOURCES: usize = 16;
/// Five minutes in quarters of a second.
const BUCKETS: usize = 1200;

/// A number in [0, 1) that stands for its arguments.
fn chance(a: usize, b: usize, c: usize) -> f64 {
    let bytes = *blake3::hash(format!("{a} {b} {c}").as_bytes()).as_bytes();
    f64::from(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        / (f64::from(u32::MAX) + 1.0)
}

/// Signals that hold still for four seconds at a time.
fn signals(source: usize) -> Vec<Signal> {
    let bucket = |i: usize| {
        let of = |what: usize| chance(source, i / 16, what);
        Signal {
            t: i as f64 * 0.25,
            motion: 0.1 * of(1),
            luma: 0.5,
            chroma: 0.2 * of(2),
            loudness: Some(-30.0 + 15.0 * of(3)),
            onset: Some(of(4)),
            speech: Some(of(5)),
            silence: Some(0.2 * of(6)),
            ..Signal::default()
        }
    };
    (0..BUCKETS).map(bucket).collect()
}

fn shots() -> Vec<Shot> {
    let json = serde_json::json!({"shot_id": 0, "start": 0.0, "end": 300.0, "transition": "start", "score": 1.0,
        "first_frame": 0, "last_frame": 7499});
    vec![serde_json::from_value(json).unwrap()]
}

#[derive(Serialize)]
struct Cut {
    variant_id: String,
    source_id: String,
    duration: f64,
    segments: Vec<Segment>,
    join: Join,
}

fn cuts(source: usize) -> Vec<Cut> {
    let cut = |i: usize| {
        let start = 260.0 * chance(source, i, 7);
        // A teaser of what comes last, and a part in double time.
        let segments = vec![
            Segment { start: start + 28.0, end: start + 30.0, speed: 1.0 },
            Segment { start, end: start + 10.0, speed: 1.0 },
            Segment { start: start + 10.0, end: start + 30.0, speed: 2.0 },
        ];
        Cut {
            variant_id: format!("{source}-{i}"),
            source_id: format!("s{source}"),
            duration: 22.0,
            segments,
            join: Join::Cut,
        }
    };
    (0..8).map(cut).collect()
}

/// Stretches of the source behind each quarter of a variant: 5.5 s of its own time.
fn quarters(start: f64) -> [Vec<(f64, f64)>; 4] {
    [
        vec![(start + 28.0, start + 30.0), (start, start + 3.5)],
        vec![(start + 3.5, start + 9.0)],
        vec![(start + 9.0, start + 10.0), (start + 10.0, start + 19.0)],
        vec![(start + 19.0, start + 30.0)],
    ]
}

/// What a part that goes from 0 to 1 adds to the logit of staying.
const MOTION: f64 = 1.5;
const SPEECH: f64 = 1.0;
const ONSET: f64 = -1.0;

/// Daily figures in which people stay as the signals have it, or as chance does.
fn figures(by_signals: bool) -> String {
    let mut text = "variant_id,day,views,views_25,views_50,views_75,views_100\n".to_owned();
    for source in 0..SOURCES {
        let columns = OwnedColumns::new(&signals(source), &shots(), &[]);
        let prepared = PreparedSource::new(&columns.columns());
        for (i, cut) in cuts(source).iter().enumerate() {
            let mut there = 100_000.0;
            let _ = write!(text, "{},2026-05-01,{there}", cut.variant_id);
            let quarters = quarters(cut.segments[1].start);
            for (q, (stretches, base)) in quarters.iter().zip([0.0, 1.0, 1.5, 2.0]).enumerate() {
                let long: f64 = stretches.iter().map(|(a, b)| b - a).sum();
                let mean = |part: usize| -> f64 {
                    let of = |(a, b): &(f64, f64)| {
                        prepared.signal_parts(*a, *b)[part].unwrap() * (b - a)
                    };
                    stretches.iter().map(of).sum::<f64>() / long
                };
                let pull = match by_signals {
                    true => {
                        MOTION * (mean(0) - 0.5)
                            + SPEECH * (mean(4) - 0.5)
                            + ONSET * (mean(3) - 0.5)
                    }
                    false => chance(source, i, 20 + q) - 0.5,
                };
                there = (there / (1.0 + (-base - pull).exp())).round();
                let _ = write!(text, ",{there}");
            }
            text.push('\n');
        }
    }
    text
}

/// Daily figures that only say how many seconds were watched.
fn seconds() -> String {
    let mut text = "variant_id,day,views,watch_seconds\n".to_owned();
    for source in 0..SOURCES {
        let columns = OwnedColumns::new(&signals(source), &shots(), &[]);
        let prepared = PreparedSource::new(&columns.columns());
        for cut in cuts(source) {
            let stretches: Vec<_> = cut.segments.iter().map(|s| (s.start, s.end)).collect();
            let long: f64 = stretches.iter().map(|(a, b)| b - a).sum();
            let motion: f64 = stretches
                .iter()
                .map(|(a, b)| prepared.signal_parts(*a, *b)[0].unwrap() * (b - a) / long)
                .sum();
            let share = 1.0 / (1.0 + (-MOTION * (motion - 0.5)).exp());
            let watched = 1000.0 * share * cut.duration;
            let _ = writeln!(text, "{},2026-05-01,1000,{watched}", cut.variant_id);
        }
    }
    text
}

fn table<T: Serialize>(fields: Vec<Field>, rows: &[T]) -> RecordBatch {
    let fields: Vec<FieldRef> = fields.into_iter().map(Arc::new).collect();
    serde_arrow::to_record_batch(&fields, &rows).unwrap()
}

fn with_source(source: usize, batch: &RecordBatch) -> RecordBatch {
    let ids: ArrayRef = Arc::new(StringArray::from(vec![format!("s{source}"); batch.num_rows()]));
    let id = Arc::new(Field::new("source_id", arrow::datatypes::DataType::Utf8, false));
    let fields: Vec<FieldRef> =
        std::iter::once(id).chain(batch.schema().fields().iter().cloned()).collect();
    let columns = std::iter::once(ids).chain(batch.columns().iter().cloned()).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

async fn results(folder: &Path, figures: String) -> (SessionContext, events::EventTable) {
    fs::write(folder.join("events.csv"), figures).unwrap();
    let ctx = context(2, 1000);
    let register = |name: &str, batches: Vec<RecordBatch>| {
        let all = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
        ctx.register_batch(name, all).unwrap();
    };
    let of = |f: &dyn Fn(usize) -> RecordBatch| (0..SOURCES).map(f).collect::<Vec<_>>();
    register("signals", of(&|s| with_source(s, &table(Signal::fields(), &signals(s)))));
    register("shots", of(&|s| with_source(s, &table(Shot::fields(), &shots()))));
    let wanted = ["variant_id", "source_id", "duration", "segments", "join"];
    let wanted = variants().into_iter().filter(|column| wanted.contains(&column.name));
    let fields: Vec<_> = wanted.map(|column| column.field()).collect();
    register("variants", of(&|s| table(fields.clone(), &cuts(s))));
    let table = events::register(&ctx, &folder.join("events.csv").into()).await.unwrap();
    (ctx, table)
}

fn asked() -> TrainQuery {
    TrainQuery {
        results: "".into(),
        events: "".into(),
        target: String::new(),
        link: Link::Logistic,
        trained_at: None,
        lag_hours: 0.0,
        reading: Default::default(),
        parallel: ParallelConfig::default(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_for_which_people_stay_get_the_weight() {
    let folder = tempfile::tempdir().unwrap();
    let (ctx, table) = results(folder.path(), figures(true)).await;
    let trained = train_selection_in(&ctx, &table, &asked()).await.unwrap();
    for (name, effect) in &trained.effects {
        let known = match *name {
            "motion" => MOTION,
            "speech" => SPEECH,
            "onset" => ONSET,
            _ => 0.0,
        };
        assert!((effect - known).abs() < 0.1, "{name}: {effect} and not {known}");
    }
    assert_eq!((trained.quality.rows, trained.quality.groups), (SOURCES * 8 * 4, SOURCES));
    let (weights, hand) = (trained.file.weights, Weights::default());
    let signals = |w: &Weights| signal_features().map(|f| w.of(f)).collect::<Vec<_>>();
    let sum = |w: &Weights| signals(w).iter().sum::<f64>();
    assert!((sum(&weights) - sum(&hand)).abs() < 1e-9);
    assert!(weights.motion > 0.3 && weights.speech > 0.2 && weights.onset == 0.0, "{weights:?}");
    assert_eq!((weights.hook, weights.start, weights.end), (hand.hook, hand.start, hand.end));
    let json = trained.file.to_json().unwrap();
    let read = WeightsFile::from_json(&json).unwrap();
    for (a, b) in signals(&read.weights).iter().zip(signals(&weights)) {
        assert!((a - b).abs() < 1e-15);
    }
    assert!(read.note.contains("were fitted") && read.training.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_by_chance_teaches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (ctx, table) = results(folder.path(), figures(false)).await;
    let error = train_selection_in(&ctx, &table, &asked()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::FitNoBetter, "{error}");
    assert!(error.message().contains("do not predict retention"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn seconds_watched_teach_where_quarters_are_not_reported() {
    let folder = tempfile::tempdir().unwrap();
    let (ctx, table) = results(folder.path(), seconds()).await;
    let trained = train_selection_in(&ctx, &table, &asked()).await.unwrap();
    assert_eq!(trained.quality.rows, SOURCES * 8);
    let (name, effect) = trained.effects[0];
    assert!(name == "motion" && (effect - MOTION).abs() < 0.1, "{:?}", trained.effects);
    assert!(trained.file.weights.motion > 0.4, "{:?}", trained.file.weights);
}
