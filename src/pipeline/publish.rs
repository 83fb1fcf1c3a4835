//! Media files on their way to an object store.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use futures::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;

use super::statements::Statements;
use crate::error::{Error, ErrorCode, Result};
use crate::exec::media_file_name;
use crate::media::RenderSettings;
use crate::model::Rendition;
use crate::query::query_error;
use crate::store::{DatasetRoot, ObjectStoreRoot, PublishedMedia};

/// Files that are asked for or sent at a time.
const AT_A_TIME: usize = 16;

/// Sends rendered files to the place of the results as they come, and knows which are there. In a
/// folder they are rendered where they belong, and there is nothing to do.
#[derive(Debug)]
pub(super) struct Publisher {
    objects: Option<ObjectStoreRoot>,
    media_dir: PathBuf,
    /// Whether each file with a picture is to have a still beside it.
    stills: bool,
    done: Mutex<Vec<PublishedMedia>>,
}

impl Publisher {
    pub(super) fn new(place: &DatasetRoot, media_dir: PathBuf, settings: &RenderSettings) -> Self {
        let objects = match place {
            DatasetRoot::Folder(_) => None,
            DatasetRoot::Objects(objects) => Some(ObjectStoreRoot::clone(objects)),
        };
        Self { objects, media_dir, stills: settings.stills().is_some(), done: Mutex::default() }
    }

    /// Find out which files of the table `outputs` are there already, from an earlier run or one
    /// that was killed. One without the still that is asked for is rendered again, with it.
    pub(super) async fn look(&self, statements: &Statements) -> Result<()> {
        #[derive(Deserialize)]
        struct Output {
            media_id: String,
        }
        if let Some(objects) = &self.objects {
            let wanted: Vec<Output> =
                statements.rows("SELECT DISTINCT media_id FROM outputs").await?;
            let look = |output: Output| async move { objects.published(&output.media_id).await };
            let looks: Vec<_> = wanted.into_iter().map(look).collect();
            let found: Vec<PublishedMedia> = stream::iter(looks)
                .buffer_unordered(AT_A_TIME)
                .try_filter_map(|found| async { Ok(found) })
                .try_collect()
                .await?;
            self.done().extend(found.into_iter().filter(|file| self.is_all(&file.facts)));
        }
        self.register(&statements.ctx)
    }

    /// Whether there is nothing to be added to a file that is there.
    fn is_all(&self, facts: &Rendition) -> bool {
        facts.thumbnail || facts.frames == 0 || !self.stills
    }

    /// Send the files of rendered rows. What is sent is removed here.
    pub(super) async fn send(&self, rows: RecordBatch) -> Result<RecordBatch> {
        if let Some(objects) = &self.objects {
            let send = |facts: Rendition| async move {
                let file =
                    self.media_dir.join(media_file_name(&facts.rendition_id, &facts.container));
                let published = objects.publish(&file, &facts).await?;
                // It goes with the folder in any case.
                let _ = tokio::fs::remove_file(&file).await;
                Ok::<_, Error>(published)
            };
            let sends: Vec<_> = renditions(&rows)?.into_iter().map(send).collect();
            let sent: Vec<PublishedMedia> =
                stream::iter(sends).buffer_unordered(AT_A_TIME).try_collect().await?;
            self.done().extend(sent);
        }
        Ok(rows)
    }

    /// What is there, as the table `published`.
    pub(super) fn register(&self, ctx: &SessionContext) -> Result<()> {
        register(ctx, &self.done())
    }

    fn done(&self) -> std::sync::MutexGuard<'_, Vec<PublishedMedia>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Media files as the table `published`: `media_id`, `uri`, `facts`.
pub(super) fn register(ctx: &SessionContext, files: &[PublishedMedia]) -> Result<()> {
    let fields: Vec<_> = [
        Field::new("media_id", DataType::Utf8, false),
        Field::new("uri", DataType::Utf8, false),
        Field::new("facts", Rendition::data_type(), true),
    ]
    .map(Arc::new)
    .to_vec();
    let rows = serde_arrow::to_record_batch(&fields, &files).map_err(|e| unfit(&e))?;
    let table = MemTable::try_new(Arc::new(Schema::new(fields)), vec![vec![rows]]);
    ctx.deregister_table("published").map_err(query_error)?;
    let table = Arc::new(table.map_err(query_error)?);
    ctx.register_table("published", table).map(|_| ()).map_err(query_error)
}

/// The facts of the files of rows of `render_media`.
fn renditions(rows: &RecordBatch) -> Result<Vec<Rendition>> {
    #[derive(Deserialize)]
    struct Item {
        rendition: Option<Rendition>,
    }
    let column = rows.column_by_name("renditions").and_then(|c| c.as_list_opt::<i32>());
    let Some(column) = column else { return Ok(vec![]) };
    let mut all = vec![];
    for list in (0..column.len()).filter(|i| column.is_valid(*i)).map(|i| column.value(i)) {
        let items = RecordBatch::from(list.as_struct());
        let items: Vec<Item> = serde_arrow::from_record_batch(&items).map_err(|e| unfit(&e))?;
        all.extend(items.into_iter().filter_map(|item| item.rendition));
    }
    Ok(all)
}

fn unfit(cause: &serde_arrow::Error) -> Error {
    Error::new(ErrorCode::Internal, format!("rows do not fit their table: {cause}"))
}
