//! Request files of any size, of which a tenth is invalid, each kind as often as any other.

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::Result;

/// Rows that are generated at a time.
const CHUNK: usize = 65_536;

/// Writes `rows` requests as Parquet.
///
/// # Errors
/// If the file cannot be written.
pub fn write_parquet(path: &Path, rows: usize, with_ids: bool) -> Result<()> {
    let zstd = Compression::ZSTD(ZstdLevel::default());
    let properties = WriterProperties::builder().set_compression(zstd).build();
    let schema = requests(0..0, with_ids)?.schema();
    let mut writer = ArrowWriter::try_new(File::create(path)?, schema, Some(properties))?;
    for chunk in chunks(rows) {
        writer.write(&requests(chunk, with_ids)?)?;
    }
    writer.close()?;
    Ok(())
}

/// Writes `rows` requests as CSV.
///
/// # Errors
/// If the file cannot be written.
pub fn write_csv(path: &Path, rows: usize, with_ids: bool) -> Result<()> {
    let mut writer = arrow::csv::Writer::new(std::io::BufWriter::new(File::create(path)?));
    for chunk in chunks(rows) {
        writer.write(&requests(chunk, with_ids)?)?;
    }
    Ok(())
}

fn chunks(rows: usize) -> impl Iterator<Item = Range<usize>> {
    (0..rows).step_by(CHUNK).map(move |start| start..rows.min(start + CHUNK))
}

/// What is wrong with a row, if anything: one in ten, in turn.
fn fault(row: usize) -> Option<usize> {
    row.is_multiple_of(10).then_some(row / 10 % 8)
}

fn requests(rows: std::ops::Range<usize>, with_ids: bool) -> Result<RecordBatch> {
    let is = |row: usize, kind: usize| fault(row) == Some(kind);
    let text = |of: &dyn Fn(usize) -> Option<String>| -> ArrayRef {
        Arc::new(rows.clone().map(of).collect::<StringArray>())
    };
    let length = |of: &dyn Fn(usize) -> Option<f64>| -> ArrayRef {
        Arc::new(rows.clone().map(of).collect::<Float64Array>())
    };
    let urls = text(&|row| match fault(row) {
        Some(0) => None,
        Some(1) => Some(format!("ht!tp://videos.example.org/{row}.mp4")),
        // A third of the rows names a file.
        _ if row % 3 == 0 => Some(format!("footage/{}/talk-{row}.mp4", row % 977)),
        _ => Some(format!("https://videos.example.org/channel-{}/{row}.mp4", row % 977)),
    });
    let languages = text(&|row| match row % 4 {
        _ if is(row, 2) => Some("english".to_owned()),
        0 => None,
        n => Some(["", "en", "pt-BR", "deu"][n].to_owned()),
    });
    let min = length(&|row| match fault(row) {
        Some(3) => Some(0.1),
        Some(4) => Some(90.0),
        _ => (row % 5 > 0).then_some(10.0 + (row % 7) as f64),
    });
    let max = length(&|row| match fault(row) {
        Some(4) => Some(30.0),
        Some(5) => Some(900.0),
        _ => (row % 6 > 0).then_some(30.0 + (row % 11) as f64),
    });
    let clips = rows.clone().map(|row| match fault(row) {
        Some(6) => Some(0),
        _ => (row % 2 > 0).then_some(1 + (row % 5) as i64),
    });
    let clips: Int64Array = clips.collect();
    // The last kind repeats the id of the row before it.
    let ids = text(&|row| Some(format!("request-{:08}", if is(row, 7) { row - 1 } else { row })));
    let campaigns = text(&|row| Some(format!("campaign-{}", row % 250)));
    let mut columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("source_url", urls, true),
        ("language", languages, true),
        ("min_clip_length", min, true),
        ("max_clip_length", max, true),
        ("max_clips", Arc::new(clips), true),
        ("campaign", campaigns, true),
    ];
    if with_ids {
        columns.push(("request_id", ids, true));
    }
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}
