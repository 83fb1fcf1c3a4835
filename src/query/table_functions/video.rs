//! `shots('talk.mp4')`, `signals('talk.mp4')`, `cues('talk.mp4')`, `transcript('talk.mp4')`, `faces('talk.mp4')`: a video as
//! a table.

use std::sync::{Arc, OnceLock};

use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{internal_err, plan_err};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::stream;

use super::call::{external, texts};
use super::results::ResultsFunction;
use crate::cancel::CancelOnDrop;
use crate::exec::{AnalyzeWork, MediaRuntime, TrackFacesWork, TranscribeWork, Work};
use crate::location::{Location, OBJECT_SCHEMES};
use crate::media::{FaceSettings, TranscribeSettings};
use crate::model::{Cue, Face, Shot, Signal};
use crate::query::settings::SessionSettings;

/// The function that transcribes.
const TRANSCRIPT: &str = "transcript";
/// The function that follows faces.
const FACES: &str = "faces";

/// One list column of the analysis or the transcription of one video as a table; of a folder of results, the table of that
/// name (`cues` for `transcript`). Videos are analysed as `clipflow.analyze` says, transcribed by whom the settings name, and
/// their faces found by the detector that these name.
#[derive(Debug, Clone)]
pub(super) struct VideoFunction {
    name: &'static str,
    schema: SchemaRef,
    results: ResultsFunction,
    runtime: LazyRuntime,
}

impl VideoFunction {
    /// The functions, by name.
    pub(super) fn all() -> impl Iterator<Item = (&'static str, Self)> {
        let runtime = LazyRuntime::default();
        let tables = [
            ("shots", "shots", Shot::fields()),
            ("signals", "signals", Signal::fields()),
            ("cues", "cues", Cue::fields()),
            (TRANSCRIPT, "cues", Cue::fields()),
            (FACES, FACES, Face::fields()),
        ];
        tables.into_iter().map(move |(name, of_results, fields)| {
            let function = Self {
                name,
                schema: Arc::new(Schema::new(fields)),
                results: ResultsFunction::new(of_results),
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
        let settings = SessionSettings::in_options(args.session().config_options());
        let location = settings.place(&path).map_err(external)?;
        if holds_results(&location.as_str().into()) {
            return self.results.table(&location.into(), args.session());
        }
        let works = works_of(name, &settings)?;
        let roots = settings.roots().map(<[Location]>::to_vec);
        let partition = VideoPartition { function: self.clone(), location, works, roots };
        Ok(Arc::new(StreamingTable::try_new(Arc::clone(&self.schema), vec![Arc::new(partition)])?))
    }
}

/// What gives the column `name` of a video: works in order, each of which gets the columns of those before.
fn works_of(name: &str, settings: &SessionSettings) -> Result<Vec<Arc<dyn Work>>> {
    let analyze = settings.analyze();
    let analysis: Arc<dyn Work> = Arc::new(AnalyzeWork::new(analyze.clone()));
    if name == FACES {
        let faces = FaceSettings::from_settings(settings.parallel(), &analyze.limits);
        return match faces.map_err(external)? {
            Some(settings) => Ok(vec![analysis, Arc::new(TrackFacesWork::new(settings))]),
            None => plan_err!("{FACES}() of a video needs a detector; name its file in face_model"),
        };
    }
    if name != TRANSCRIPT {
        return Ok(vec![analysis]);
    }
    let transcription = TranscribeSettings::from_settings(settings.parallel(), &analyze.limits);
    match transcription.map_err(external)? {
        Some(settings) => Ok(vec![Arc::new(TranscribeWork::new(settings))]),
        None => plan_err!(
            "{TRANSCRIPT}() needs a transcriber; name one in transcribe_command or transcribe_url"
        ),
    }
}

/// Whether a location is a folder rather than a video. In an object store a folder is recognised by a name
/// without an extension such as `.mp4`.
fn holds_results(place: &Location) -> bool {
    match place {
        Location::Path(path) => path.is_dir(),
        Location::Url(url) => {
            let name = url.path().rsplit('/').next().unwrap_or_default();
            OBJECT_SCHEMES.contains(&url.scheme()) && !name.contains('.')
        }
    }
}

/// The runtime for sessions without one, created when a video is first read: queries over tables alone
/// need no ffmpeg.
#[derive(Debug, Clone, Default)]
struct LazyRuntime(Arc<OnceLock<Arc<MediaRuntime>>>);

impl LazyRuntime {
    /// The roots are those of the session, which has one such runtime.
    fn get(&self, roots: Option<Vec<Location>>) -> crate::error::Result<Arc<MediaRuntime>> {
        if let Some(runtime) = self.0.get() {
            return Ok(Arc::clone(runtime));
        }
        let new = Arc::new(MediaRuntime::for_reading(roots)?);
        Ok(Arc::clone(self.0.get_or_init(|| new)))
    }
}

/// The analysis as a stream; nothing runs before the first batch is polled.
#[derive(Debug)]
struct VideoPartition {
    function: VideoFunction,
    location: String,
    works: Vec<Arc<dyn Work>>,
    /// Where videos may lie; `None`: anywhere.
    roots: Option<Vec<Location>>,
}

impl PartitionStream for VideoPartition {
    fn schema(&self) -> &SchemaRef {
        &self.function.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let runtime = context.session_config().get_extension::<MediaRuntime>();
        let runtime = runtime
            .map_or_else(|| self.function.runtime.get(self.roots.clone()), Ok)
            .map_err(external);
        let works = self.works.clone();
        let rows = rows_of(self.function.clone(), self.location.clone(), works, runtime);
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(self.schema()), stream::once(rows)))
    }
}

async fn rows_of(
    function: VideoFunction,
    location: String,
    works: Vec<Arc<dyn Work>>,
    runtime: Result<Arc<MediaRuntime>>,
) -> Result<RecordBatch> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("location", DataType::Utf8, false),
        Field::new("language", DataType::Utf8, true),
    ]));
    let language = StringArray::new_null(1);
    let mut row = RecordBatch::try_new(
        schema,
        vec![Arc::new(StringArray::from(vec![location])), Arc::new(language)],
    )?;
    let runtime = runtime?;
    let cancel = CancelOnDrop(runtime.token());
    for work in works {
        let added = work.output_fields();
        let runtime = Arc::clone(&runtime);
        let columns = runtime.run_work(work, row.clone(), cancel.0.clone()).await;
        let schema = row.schema();
        let fields = schema.fields().iter().cloned().chain(added.into_iter().map(Arc::new));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let columns = row.columns().iter().cloned().chain(columns.map_err(external)?).collect();
        row = RecordBatch::try_new(schema, columns)?;
    }
    let Some(column) = row.column_by_name(function.name) else {
        return internal_err!("the analysis has no column {}", function.name);
    };
    let items = column.as_list::<i32>().value(0);
    Ok(RecordBatch::try_new(function.schema, items.as_struct().columns().to_vec())?)
}
