//! Requests that are no file: batches, tables and queries are answered like a file of the same rows.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, Int64Array, RecordBatch, StringArray, StringViewArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::Int32Type;
use clipflow::ErrorCode;
use clipflow::pipeline::{self, Requests, RunConfig};
use clipflow::processors::{VideoClipProcessor, VideoClipResponse};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use parquet::arrow::ArrowWriter;

use super::support::show;

/// Rows without ids, two of them alike; one wrong; columns of the user's own.
fn rows() -> RecordBatch {
    let texts = |values: &[Option<&str>]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    let show = Some("show.mp4");
    let team: DictionaryArray<Int32Type> = ["red", "red", "blue", "red"].into_iter().collect();
    RecordBatch::try_from_iter([
        ("source_url", texts(&[show, None, show, show])),
        ("min_clip_length", Arc::new(Float64Array::from(vec![4.0; 4]))),
        ("max_clip_length", Arc::new(Float64Array::from(vec![9.0, 9.0, 9.0, 8.0]))),
        ("max_clips", Arc::new(Int64Array::from(vec![1; 4]))),
        ("team", Arc::new(team)),
        (
            "note",
            Arc::new(StringViewArray::from(vec![Some("a note of some length"), None, None, None])),
        ),
    ])
    .unwrap()
}

/// A table of two partitions.
fn table() -> Arc<dyn TableProvider> {
    let rows = rows();
    let partitions = vec![vec![rows.slice(0, 1)], vec![rows.slice(1, 2), rows.slice(3, 1)]];
    Arc::new(MemTable::try_new(rows.schema(), partitions).unwrap())
}

async fn frame() -> datafusion::prelude::DataFrame {
    let ctx = SessionContext::new();
    ctx.register_table("mine", table()).unwrap();
    ctx.sql("SELECT * FROM mine WHERE min_clip_length > 1").await.unwrap()
}

#[cfg(feature = "polars")]
fn lazy() -> polars::prelude::LazyFrame {
    use polars::prelude::IntoLazy;
    let rows = rows();
    clipflow::query::polars::to_frame(&rows.schema(), &[rows]).unwrap().lazy()
}

fn write(path: &Path) {
    let rows = rows();
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
}

/// The table `checked` of requests whose sources are in `base`.
async fn checked(requests: impl Into<Requests>, base: &Path) -> RecordBatch {
    let mut config = RunConfig::new(requests, "out");
    config.base = Some(base.into());
    let validated = pipeline::validate(&config).await.unwrap();
    assert_eq!((validated.rows, validated.invalid), (4, 1));
    let frame = validated.ctx.sql("SELECT * FROM checked").await.unwrap();
    let schema = Arc::clone(frame.schema().inner());
    concat_batches(&schema, &frame.collect().await.unwrap()).unwrap()
}

#[tokio::test]
async fn rows_are_the_same_wherever_they_come_from() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("requests.parquet");
    write(&file);
    let base = folder.path();
    let wanted = checked(&file, base).await;
    assert_eq!(wanted.num_rows(), 4);
    assert!(wanted.column_by_name("note").is_some());
    assert_eq!(checked(rows(), base).await, wanted, "a batch");
    let batches = vec![rows().slice(0, 2), rows().slice(2, 2)];
    assert_eq!(checked(batches, base).await, wanted, "batches");
    assert_eq!(checked(table(), base).await, wanted, "a table");
    assert_eq!(checked(frame().await, base).await, wanted, "a query");
    // A column of Polars may always be NULL, so that only the rows are the same.
    #[cfg(feature = "polars")]
    assert_eq!(checked(lazy(), base).await.columns(), wanted.columns(), "a query of Polars");
}

#[tokio::test]
async fn what_cannot_be_requests_says_why() {
    let error = async |requests: Requests| {
        pipeline::validate(&RunConfig::new(requests, "out")).await.unwrap_err()
    };
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let batch = RecordBatch::try_from_iter([("url", numbers)]).unwrap();
    let missing = error(batch.into()).await;
    assert_eq!(missing.code(), ErrorCode::InputColumn);
    assert!(missing.message().contains("the batches of requests has no column source_url"));
    assert!(missing.message().ends_with("url"), "{missing}");
    let none = error(Requests::Rows(vec![])).await;
    assert_eq!(none.code(), ErrorCode::InputColumn);
    let ctx = SessionContext::new();
    let failing = ctx
        .sql("SELECT CAST(CAST(1 / (random() * 0)::BIGINT AS VARCHAR) AS VARCHAR) AS source_url");
    let failing = error(failing.await.unwrap().into()).await;
    assert_eq!(failing.code(), ErrorCode::InputUnreadable);
    assert!(failing.message().starts_with("cannot read the query of requests ("), "{failing}");
}

fn processor(folder: &Path) -> VideoClipProcessor {
    VideoClipProcessor::new(folder.join("out")).with_base(folder)
}

/// What a batch of [`rows`] is answered with, from a dataset that has just answered it. Requests of the same
/// schema are the same run, so that nothing is analysed or rendered again.
async fn answered_again(requests: impl Into<Requests>, is_same_schema: bool) {
    let folder = tempfile::tempdir().unwrap();
    show::make(&folder.path().join("show.mp4"));
    let processor = processor(folder.path());
    let first: Vec<VideoClipResponse> = processor.process(&rows()).await.unwrap();
    let success: Vec<bool> = first.iter().map(|r| r.success).collect();
    assert_eq!(success, [true, false, true, true]);
    let media = processor.get_processing_stats().media;
    assert_eq!(processor.process(requests).await.unwrap(), first);
    let again = processor.get_processing_stats().media;
    assert_eq!(again == media, is_same_schema, "{again:?}, {media:?}");
}

#[tokio::test]
async fn a_batch_goes_in_directly() {
    answered_again(rows(), true).await;
}

#[tokio::test]
async fn a_query_of_datafusion_goes_in_directly() {
    answered_again(frame().await, true).await;
}

#[cfg(feature = "polars")]
#[tokio::test]
async fn a_query_of_polars_goes_in_directly() {
    answered_again(lazy(), false).await;
}
