//! Raw events as a platform's log has them: in order of time, sessions among each other.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Builder, Int64Array, RecordBatch, StringBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use clipflow::model::event::EventKind;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::support::Result;

/// Files that the events are spread over, by time.
const FILES: u64 = 8;
/// Events of a batch, and of a row group.
const BATCH: usize = 1 << 16;
const ROW_GROUP: usize = 1 << 20;
const PLATFORMS: [&str; 4] = ["tiktok", "youtube_shorts", "instagram_reels", "facebook"];

/// One event.
struct Event {
    ts: i64,
    variant: u64,
    viewer: u64,
    kind: EventKind,
    value: Option<f64>,
}

/// The id of a variant: 16 hexadecimal digits, as clipflow's are.
fn id(number: u64) -> String {
    format!("{:016x}", (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31) ^ number)
}

/// Writes `rows` events of `variants` variants into `folder`; `viewers` different people at the most.
///
/// # Errors
/// The writer's.
pub fn events(folder: &Path, rows: u64, variants: u64, viewers: u64, text: bool) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let viewer = if text { DataType::Utf8 } else { DataType::Int64 };
    let schema = Arc::new(Schema::new(vec![
        Field::new("variant_id", DataType::Utf8, false),
        Field::new("platform", DataType::Utf8, false),
        Field::new("ts", DataType::Timestamp(TimeUnit::Microsecond, None), false),
        Field::new("event", DataType::Utf8, false),
        Field::new("viewer_id", viewer, true),
        Field::new("value", DataType::Float64, true),
    ]));
    let mut rng = fastrand::Rng::with_seed(7);
    let mut waiting: Vec<Event> = vec![];
    let mut clock = 1_780_000_000_000_000_i64;
    for file in 0..FILES {
        let rows = rows * (file + 1) / FILES - rows * file / FILES;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .set_max_row_group_row_count(Some(ROW_GROUP))
            .build();
        let open = File::create(folder.join(format!("events-{file:02}.parquet")))?;
        let mut writer = ArrowWriter::try_new(open, Arc::clone(&schema), Some(properties))?;
        let mut left = rows as usize;
        while left > 0 {
            let take = left.min(BATCH);
            while waiting.len() < 2 * BATCH {
                clock += 20_000;
                session(&mut rng, clock, variants, viewers, &mut waiting);
            }
            waiting.sort_by_key(|e| e.ts);
            let batch: Vec<Event> = waiting.drain(..take).collect();
            writer.write(&record_batch(&schema, &batch, text)?)?;
            left -= take;
        }
        writer.close()?;
    }
    Ok(())
}

/// What one viewer does with one variant.
fn session(rng: &mut fastrand::Rng, at: i64, variants: u64, viewers: u64, into: &mut Vec<Event>) {
    // Few variants have most of the views, some people watch a lot.
    let variant = (variants as f64 * rng.f64().powi(2)) as u64;
    let viewer = (viewers as f64 * rng.f64().powf(1.3)) as u64;
    let mut ts = at;
    let mut say = |kind: EventKind, after: f64, value: Option<f64>| {
        ts += (after * 1e6) as i64;
        into.push(Event { ts, variant, viewer, kind, value });
    };
    if rng.f64() < 0.03 {
        say(EventKind::ReferralView, 0.0, None);
    } else {
        say(EventKind::Impression, 0.0, None);
        if rng.f64() < 0.35 {
            return;
        }
    }
    say(EventKind::View, 0.3, None);
    let watched = 30.0 * rng.f64().powi(2);
    let steps = [
        (2.0, EventKind::View2s),
        (3.0, EventKind::View3s),
        (6.0, EventKind::View6s),
        (15.0, EventKind::View15s),
        (29.0, EventKind::View100),
    ];
    for (seconds, kind) in steps.into_iter().filter(|(seconds, _)| *seconds <= watched) {
        say(kind, seconds / 3.0, None);
    }
    say(EventKind::WatchSeconds, 0.1, Some((watched * 100.0).round() / 100.0));
    let reactions = [
        (0.05, EventKind::Like),
        (0.008, EventKind::Comment),
        (0.012, EventKind::Share),
        (0.01, EventKind::Save),
        (0.004, EventKind::Click),
        (0.003, EventKind::Follow),
    ];
    for (chance, kind) in reactions {
        if rng.f64() < chance {
            say(kind, 1.0, None);
        }
    }
}

fn record_batch(schema: &Arc<Schema>, events: &[Event], text: bool) -> Result<RecordBatch> {
    let mut ids = StringBuilder::new();
    let mut platforms = StringBuilder::new();
    let mut kinds = StringBuilder::new();
    let mut values = Float64Builder::new();
    for event in events {
        ids.append_value(id(event.variant));
        platforms.append_value(PLATFORMS[(event.variant % 4) as usize]);
        kinds.append_value(event.kind.as_str());
        values.append_option(event.value);
    }
    let viewers: ArrayRef = if text {
        let mut texts = StringBuilder::new();
        events.iter().for_each(|e| texts.append_value(id(e.viewer | 1 << 40)));
        Arc::new(texts.finish())
    } else {
        Arc::new(Int64Array::from_iter_values(
            events.iter().map(|e| 1_000_000_000 + e.viewer as i64),
        ))
    };
    let ts = TimestampMicrosecondArray::from_iter_values(events.iter().map(|e| e.ts));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(ids.finish()),
        Arc::new(platforms.finish()),
        Arc::new(ts),
        Arc::new(kinds.finish()),
        viewers,
        Arc::new(values.finish()),
    ];
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

/// Writes `variants` variants as one file: what a results dataset has of them.
///
/// # Errors
/// The writer's.
pub fn variants(file: &Path, variants: u64) -> Result<()> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("variant_id", DataType::Utf8, false),
        Field::new("layout", DataType::Utf8, false),
        Field::new("caption_style", DataType::Utf8, false),
        Field::new("duration", DataType::Float64, false),
    ]));
    let mut writer = ArrowWriter::try_new(File::create(file)?, Arc::clone(&schema), None)?;
    let layouts = ["crop", "fit", "blur", "split"];
    let captions = ["none", "lines", "words", "karaoke", "boxed"];
    for start in (0..variants).step_by(BATCH) {
        let numbers = || start..(start + BATCH as u64).min(variants);
        let texts = |of: &dyn Fn(u64) -> String| {
            let mut builder = StringBuilder::new();
            numbers().for_each(|n| builder.append_value(of(n)));
            Arc::new(builder.finish()) as ArrayRef
        };
        let mut durations = Float64Builder::new();
        numbers().for_each(|n| durations.append_value(10.0 + (n % 50) as f64));
        let columns: Vec<ArrayRef> = vec![
            texts(&id),
            texts(&|n| layouts[(n / 4 % 4) as usize].to_owned()),
            texts(&|n| captions[(n / 16 % 5) as usize].to_owned()),
            Arc::new(durations.finish()),
        ];
        writer.write(&RecordBatch::try_new(Arc::clone(&schema), columns)?)?;
    }
    writer.close()?;
    Ok(())
}
