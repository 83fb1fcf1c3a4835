//! `shots('talk.mp4')`, `signals('talk.mp4')`, `cues('talk.mp4')`: a video as a table.

use std::sync::{Arc, OnceLock};

use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::stream;

use super::{ResultsFunction, external, texts};
use crate::cancel::CancelOnDrop;
use crate::exec::{AnalyzeWork, MediaRuntime, Work};
use crate::location::{Location, OBJECT_SCHEMES};
use crate::model::{Cue, Shot, Signal};
use crate::query::SessionOptions;

/// One list column of the analysis of one video as a table; of a folder of results, the table of that
/// name.
#[derive(Debug, Clone)]
pub(super) struct VideoFunction {
    name: &'static str,
    schema: SchemaRef,
    place: ResultsFunction,
    work: Arc<dyn Work>,
    runtime: OnDemand,
}

impl VideoFunction {
    /// The three functions, by name.
    pub(super) fn all(
        options: &SessionOptions,
        runtime: &OnDemand,
    ) -> impl Iterator<Item = (&'static str, Self)> {
        let tables =
            [("shots", Shot::fields()), ("signals", Signal::fields()), ("cues", Cue::fields())];
        tables.into_iter().map(|(name, fields)| {
            let function = Self {
                name,
                schema: Arc::new(Schema::new(fields)),
                place: ResultsFunction::new(name, options),
                work: Arc::new(AnalyzeWork::new(options.analyze.clone())),
                runtime: runtime.clone(),
            };
            (name, function)
        })
    }
}

impl TableFunctionImpl for VideoFunction {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let name = self.name;
        let usage = format!("the path of one video or of a folder of results: {name}('talk.mp4')");
        let [path] = texts(name, &usage, args.exprs())?;
        let location = self.place.base().resolve(&path);
        if holds_results(&location.as_str().into()) {
            return self.place.table(&location.into(), args.session());
        }
        let partition = VideoPartition { function: self.clone(), location };
        Ok(Arc::new(StreamingTable::try_new(Arc::clone(&self.schema), vec![Arc::new(partition)])?))
    }
}

/// Whether a place is a folder, rather than a video. In an object store only its name says so: it has no
/// ending, such as `.mp4`.
fn holds_results(place: &Location) -> bool {
    match place {
        Location::Path(path) => path.is_dir(),
        Location::Url(url) => {
            let name = url.path().rsplit('/').next().unwrap_or_default();
            OBJECT_SCHEMES.contains(&url.scheme()) && !name.contains('.')
        }
    }
}

/// What runs media work: given, or made when a video is first asked for. Whoever asks only for tables
/// needs no ffmpeg.
#[derive(Debug, Clone)]
pub(in crate::query) struct OnDemand(Arc<OnceLock<Arc<MediaRuntime>>>);

impl OnDemand {
    pub(in crate::query) fn new(given: Option<&Arc<MediaRuntime>>) -> Self {
        Self(Arc::new(given.map_or_else(OnceLock::new, |runtime| Arc::clone(runtime).into())))
    }

    fn get(&self) -> crate::error::Result<Arc<MediaRuntime>> {
        if let Some(runtime) = self.0.get() {
            return Ok(Arc::clone(runtime));
        }
        let new = Arc::new(MediaRuntime::for_reading()?);
        Ok(Arc::clone(self.0.get_or_init(|| new)))
    }
}

/// The analysis as a stream: nothing runs before the first batch is asked for.
#[derive(Debug)]
struct VideoPartition {
    function: VideoFunction,
    location: String,
}

impl PartitionStream for VideoPartition {
    fn schema(&self) -> &SchemaRef {
        &self.function.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = rows_of(self.function.clone(), self.location.clone());
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(self.schema()), stream::once(rows)))
    }
}

async fn rows_of(function: VideoFunction, location: String) -> Result<RecordBatch> {
    let schema = Arc::new(Schema::new(vec![Field::new("location", DataType::Utf8, false)]));
    let row = RecordBatch::try_new(schema, vec![Arc::new(StringArray::from(vec![location]))])?;
    let runtime = function.runtime.get().map_err(external)?;
    let cancel = CancelOnDrop(runtime.token());
    let work = Arc::clone(&function.work);
    let columns = runtime.run_work(Arc::clone(&work), row, cancel.0.clone()).await;
    let columns = columns.map_err(external)?;
    let position = work.output_fields().iter().position(|f| f.name() == function.name);
    let Some(column) = position.and_then(|i| columns.get(i)) else {
        return internal_err!("the analysis has no column {}", function.name);
    };
    let items = column.as_list::<i32>().value(0);
    Ok(RecordBatch::try_new(function.schema, items.as_struct().columns().to_vec())?)
}
