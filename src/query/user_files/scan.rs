//! Files of the same kind and columns, as a scan of DataFusion's.

use std::sync::Arc;

use arrow::datatypes::{DataType, Fields, Schema};
use datafusion::catalog::Session;
use datafusion::common::config::CsvOptions;
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{
    ArrowSource, CsvSource, FileGroup, FileScanConfig, FileScanConfigBuilder, FileSource,
    ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use object_store::path::Path;
use tempfile::TempDir;

use super::FileKind;
use super::json_source::JsonRows;

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct GroupScan {
    pub(super) url: ObjectStoreUrl,
    pub(super) kind: FileKind,
    /// Columns of the files, then those that their folders give.
    pub(super) schema: TableSchema,
    /// No file has statistics here: the engine would take a column whose least and greatest values are the
    /// same for a constant, and writers leave NaN and missing values out of both.
    pub(super) files: Vec<PartitionedFile>,
    /// Where each of them is, and its name for users.
    pub(super) shown: Vec<(Path, String)>,
    pub(super) is_splittable: bool,
    /// The folder of files that were made plain, which goes with the last scan of them.
    pub(super) _kept: Option<Arc<TempDir>>,
}

impl GroupScan {
    /// The name of a file for users.
    pub(super) fn shown<'a>(&'a self, file: &'a PartitionedFile) -> &'a str {
        let place = &file.object_meta.location;
        let shown = self.shown.iter().find(|(path, _)| path == place);
        shown.map_or(place.as_ref(), |(_, name)| name)
    }

    /// The same with columns of Parquet files, by their numbers, read as views: a text that is repeated is
    /// then copied nowhere.
    pub(super) fn with_views(&self, columns: &[usize]) -> Self {
        let files = self.schema.file_schema();
        let fields = files.fields().iter().enumerate().map(|(number, field)| {
            match columns.contains(&number) {
                true => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View)),
                false => Arc::clone(field),
            }
        });
        let schema =
            Schema::new_with_metadata(fields.collect::<Fields>(), files.metadata().clone());
        let folders = self.schema.table_partition_cols().clone();
        let schema = TableSchema::builder(Arc::new(schema)).with_table_partition_cols(folders);
        Self { schema: schema.build(), ..self.clone() }
    }

    /// A scan of all files in about as many partitions as the session has.
    pub(super) async fn plan(
        &self,
        session: &dyn Session,
        columns: Vec<usize>,
        predicate: Option<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let partitions = session.config().target_partitions();
        let groups = FileGroup::new(self.files.clone()).split_files(partitions);
        let config = self.config(groups, columns, predicate, None)?;
        let plan: Arc<dyn ExecutionPlan> = match self.kind {
            // With the session's cache of footers.
            FileKind::Parquet => {
                ParquetFormat::default().create_physical_plan(session, config).await?
            }
            _ => DataSourceExec::from_data_source(config),
        };
        let options = session.config_options();
        if !options.optimizer.repartition_file_scans || self.kind == FileKind::Arrow {
            return Ok(plan);
        }
        Ok(plan.repartitioned(partitions, options)?.unwrap_or(plan))
    }

    /// A scan of one file from its first row to its last.
    pub(super) fn plan_file(
        &self,
        file: &PartitionedFile,
        columns: Vec<usize>,
        batch_size: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let groups = vec![FileGroup::new(vec![file.clone()])];
        let config = self.config(groups, columns, None, batch_size)?;
        Ok(DataSourceExec::from_data_source(config))
    }

    fn config(
        &self,
        groups: Vec<FileGroup>,
        columns: Vec<usize>,
        predicate: Option<Arc<dyn PhysicalExpr>>,
        batch_size: Option<usize>,
    ) -> Result<FileScanConfig> {
        Ok(FileScanConfigBuilder::new(self.url.clone(), self.source(predicate))
            .with_file_groups(groups)
            .with_batch_size(batch_size)
            .with_projection_indices(Some(columns))?
            .build())
    }

    fn source(&self, predicate: Option<Arc<dyn PhysicalExpr>>) -> Arc<dyn FileSource> {
        let schema = self.schema.clone();
        match self.kind {
            FileKind::Parquet => {
                let source = ParquetSource::new(schema);
                Arc::new(match predicate {
                    Some(predicate) => source.with_predicate(predicate),
                    None => source,
                })
            }
            FileKind::Csv => {
                let options = CsvOptions {
                    has_header: Some(true),
                    newlines_in_values: Some(!self.is_splittable),
                    ..CsvOptions::default()
                };
                Arc::new(CsvSource::new(schema).with_csv_options(options))
            }
            FileKind::Json => Arc::new(JsonRows::new(schema, self.is_splittable)),
            FileKind::Arrow if self.is_splittable => Arc::new(ArrowSource::new_file_source(schema)),
            FileKind::Arrow => Arc::new(ArrowSource::new_stream_file_source(schema)),
        }
    }
}
