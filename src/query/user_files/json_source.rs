//! JSON rows with numbers of text columns as they are written, which DataFusion's own reader refuses.

use std::io::{BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use arrow::json::reader::Decoder;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::listing::{FileRange, PartitionedFile};
use datafusion::datasource::physical_plan::{
    FileOpenFuture, FileOpener, FileScanConfig, FileSource,
};
use datafusion::datasource::projection::{ProjectionOpener, SplitProjection};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResultPayload, ObjectStore, ObjectStoreExt};

use super::json_lines::ArrayLines;

/// Files of one object a line, or of one array.
#[derive(Clone)]
pub(super) struct JsonRows {
    schema: TableSchema,
    batch_size: usize,
    metrics: ExecutionPlanMetricsSet,
    projection: SplitProjection,
    is_splittable: bool,
}

impl JsonRows {
    /// Of files with these columns. Only rows that stand on lines of their own can be read in pieces.
    pub(super) fn new(schema: TableSchema, is_splittable: bool) -> Self {
        Self {
            projection: SplitProjection::unprojected(&schema),
            schema,
            batch_size: 8192,
            metrics: ExecutionPlanMetricsSet::new(),
            is_splittable,
        }
    }
}

impl FileSource for JsonRows {
    fn create_file_opener(
        &self,
        store: Arc<dyn ObjectStore>,
        _: &FileScanConfig,
        _: usize,
    ) -> Result<Arc<dyn FileOpener>> {
        let file_schema = self.schema.file_schema();
        let schema = Arc::new(file_schema.project(&self.projection.file_indices)?);
        let opener = Opener { store, schema, batch_size: self.batch_size };
        ProjectionOpener::try_new(self.projection.clone(), Arc::new(opener), file_schema)
    }

    fn table_schema(&self) -> &TableSchema {
        &self.schema
    }

    fn with_batch_size(&self, batch_size: usize) -> Arc<dyn FileSource> {
        Arc::new(Self { batch_size, ..self.clone() })
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        Some(&self.projection.source)
    }

    fn try_pushdown_projection(
        &self,
        projection: &ProjectionExprs,
    ) -> Result<Option<Arc<dyn FileSource>>> {
        let merged = self.projection.source.try_merge(projection)?;
        let projection = SplitProjection::new(self.schema.file_schema(), &merged);
        Ok(Some(Arc::new(Self { projection, ..self.clone() })))
    }

    fn supports_repartitioning(&self) -> bool {
        self.is_splittable
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        &self.metrics
    }

    fn file_type(&self) -> &str {
        "json"
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }
}

struct Opener {
    store: Arc<dyn ObjectStore>,
    schema: SchemaRef,
    batch_size: usize,
}

type Batches = BoxStream<'static, Result<RecordBatch>>;

impl FileOpener for Opener {
    fn open(&self, file: PartitionedFile) -> Result<FileOpenFuture> {
        let (store, schema) = (Arc::clone(&self.store), Arc::clone(&self.schema));
        let builder = ReaderBuilder::new(schema).with_coerce_primitive(true);
        let builder = builder.with_batch_size(self.batch_size);
        Ok(Box::pin(async move {
            let (path, size) = (&file.object_meta.location, file.object_meta.size);
            let range = match &file.range {
                Some(range) => lines_of(&store, path, range, size).await?,
                None => 0..size,
            };
            if range.is_empty() {
                return Ok(stream::empty().boxed());
            }
            let options = GetOptions::new().with_range(Some(GetRange::Bounded(range)));
            let found = store.get_opts(path, options).await?;
            let range = found.range.clone();
            match found.payload {
                GetResultPayload::File(mut file, _) => {
                    file.seek(SeekFrom::Start(range.start))?;
                    let bytes = file.take(range.end - range.start);
                    batches(BufReader::with_capacity(1 << 18, bytes), builder)
                }
                GetResultPayload::Stream(chunks) => {
                    let chunks = chunks.map_ok(|bytes| bytes.to_vec());
                    remote(chunks.map_err(DataFusionError::from).boxed(), builder).await
                }
            }
        }))
    }
}

/// The bytes of the lines that begin in a range.
async fn lines_of(
    store: &Arc<dyn ObjectStore>,
    path: &Path,
    range: &FileRange,
    size: u64,
) -> Result<std::ops::Range<u64>> {
    let start = line_start(store, path, range.start as u64, size).await?;
    let end = line_start(store, path, range.end as u64, size).await?;
    Ok(start..end.max(start))
}

/// Where the first line at or after `at` begins.
async fn line_start(store: &Arc<dyn ObjectStore>, path: &Path, at: u64, size: u64) -> Result<u64> {
    const STEP: u64 = 1 << 16;
    if at == 0 || at >= size {
        return Ok(at.min(size));
    }
    // The line end before `at` counts: then a line begins there.
    let mut from = at - 1;
    while from < size {
        let bytes = store.get_range(path, from..(from + STEP).min(size)).await?;
        if let Some(end) = bytes.iter().position(|b| *b == b'\n') {
            return Ok(from + end as u64 + 1);
        }
        from += STEP;
    }
    Ok(size)
}

fn batches(mut bytes: impl BufRead + Send + 'static, builder: ReaderBuilder) -> Result<Batches> {
    let first = bytes.fill_buf()?.trim_ascii_start().first().copied();
    let rows = |reader: Box<dyn BufRead + Send>| {
        let rows = builder.build(reader)?;
        Ok(stream::iter(rows.map(|batch| batch.map_err(DataFusionError::from))).boxed())
    };
    match first {
        Some(b'[') => rows(Box::new(BufReader::new(ArrayLines::new(bytes)))),
        _ => rows(Box::new(bytes)),
    }
}

/// Rows of bytes that come over the network.
async fn remote(
    mut chunks: BoxStream<'static, Result<Vec<u8>>>,
    builder: ReaderBuilder,
) -> Result<Batches> {
    let mut head = vec![];
    while head.trim_ascii_start().is_empty() {
        let Some(chunk) = chunks.try_next().await? else { break };
        head.extend_from_slice(&chunk);
    }
    if head.trim_ascii_start().first() == Some(&b'[') {
        while let Some(chunk) = chunks.try_next().await? {
            head.extend_from_slice(&chunk);
        }
        return batches(Cursor::new(head), builder);
    }
    let rows =
        Rows { decoder: builder.build_decoder()?, chunks, rest: head, taken: 0, is_done: false };
    Ok(stream::try_unfold(rows, |mut rows| async move {
        Ok(rows.next().await?.map(|batch| (batch, rows)))
    })
    .boxed())
}

struct Rows {
    decoder: Decoder,
    chunks: BoxStream<'static, Result<Vec<u8>>>,
    rest: Vec<u8>,
    /// Of those, how many are decoded.
    taken: usize,
    is_done: bool,
}

impl Rows {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        while !self.is_done {
            let Some(rest) = self.rest.get(self.taken..).filter(|rest| !rest.is_empty()) else {
                match self.chunks.try_next().await? {
                    Some(chunk) => (self.rest, self.taken) = (chunk, 0),
                    None => self.is_done = true,
                }
                continue;
            };
            let (decoded, wanted) = (self.decoder.decode(rest)?, rest.len());
            self.taken += decoded;
            if decoded < wanted
                && let Some(batch) = self.decoder.flush()?
            {
                return Ok(Some(batch));
            }
        }
        self.decoder.flush().map_err(|e: ArrowError| e.into())
    }
}
