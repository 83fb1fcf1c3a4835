//! A results dataset as `LazyFrame`s.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{Field, SchemaRef};
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use polars::io::HiveOptions;
use polars::prelude::{
    IntoLazy, LazyFrame, PlRefPath, ScanArgsParquet, ScanSources, SortMultipleOptions, all,
    as_struct, col,
};

use super::crossing::{is_native, to_frame};
use super::errors::polars_error;
use crate::error::{Error, ErrorCode, Result};
use crate::model::table::{TABLES, Table};
use crate::store::{Dataset, TableSchema, cannot_read};

/// Every table of the results in `root`, by name.
///
/// The frames are of the dataset as it stands now; call again to see later runs. Nothing but the
/// files' footers is read before `collect`, filters and column choices reach into the files.
///
/// # Errors
/// `store.read` if `root` holds no results or a file is damaged.
pub fn scan_dataset(root: &Path) -> Result<BTreeMap<&'static str, LazyFrame>> {
    let dataset = Dataset::open(root)?;
    TABLES.iter().map(|table| Ok((table.name, scan(&dataset, table)?))).collect()
}

/// One table of the results in `root`, as in [`scan_dataset`].
///
/// # Errors
/// As there, and `query.invalid` if there is no table of that name.
pub fn scan_table(root: &Path, name: &str) -> Result<LazyFrame> {
    scan(&Dataset::open(root)?, known(name)?)
}

/// The rows of `signals`, `shots` or `cues` as [`super::select_clips`] takes them: one row per source, with
/// `source_id` and a list of structs, in order of time, that is named as the `table`.
///
/// # Errors
/// `query.invalid` if `table` is not one of the three.
pub fn per_source(rows: LazyFrame, table: &str) -> Result<LazyFrame> {
    let [owner, order] = *known(table)?.key else { return Err(no_list(table)) };
    if owner != "source_id" {
        return Err(no_list(table));
    }
    let item = as_struct(vec![all().exclude_cols([owner]).as_expr()]);
    Ok(rows
        .sort([owner, order], SortMultipleOptions::default())
        .group_by_stable([col(owner)])
        .agg([item.alias(table)]))
}

fn no_list(table: &str) -> Error {
    Error::new(
        ErrorCode::QueryInvalid,
        format!("{table} has no list for each source; signals, shots and cues have"),
    )
}

fn known(name: &str) -> Result<&'static Table> {
    Table::find(name).ok_or_else(|| {
        let names: Vec<&str> = TABLES.iter().map(|t| t.name).collect();
        Error::new(
            ErrorCode::QueryInvalid,
            format!("there is no table {name}; the tables are {}", names.join(", ")),
        )
    })
}

fn scan(dataset: &Dataset, table: &Table) -> Result<LazyFrame> {
    let files = dataset.files(table.name);
    if files.is_empty() {
        return Ok(to_frame(&table.schema(), &[])?.lazy());
    }
    let TableSchema { merged, mixed } = TableSchema::read(&files)?;
    let schema = table.completed(&merged);
    if mixed || !schema.fields().iter().all(|f| is_native(f.data_type())) {
        return read(&files, &schema);
    }
    // The schema of all files together: a column that one of them lacks is NULL there.
    let args = ScanArgsParquet {
        schema: Some(Arc::clone(to_frame(&schema, &[])?.schema())),
        allow_missing_columns: true,
        glob: false,
        hive_options: HiveOptions::new_disabled(),
        ..ScanArgsParquet::default()
    };
    let paths = files
        .iter()
        .map(|f| PlRefPath::try_from_path(f))
        .collect::<Result<Vec<_>, _>>()
        .map_err(polars_error)?;
    LazyFrame::scan_parquet_sources(ScanSources::Paths(paths.into_iter().collect()), args)
        .map_err(polars_error)
}

/// Files with a column of a type that Polars cannot read from a file here (a narrow integer or a
/// dictionary that came with the requests) or that differs between them: read at once, with that
/// column widened.
fn read(files: &[PathBuf], schema: &SchemaRef) -> Result<LazyFrame> {
    let mut batches = vec![];
    for file in files {
        let open = File::open(file).map_err(|e| cannot_read(file.display(), e))?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(open)
            .and_then(|b| b.build())
            .map_err(|e| cannot_read(file.display(), e))?;
        for batch in reader {
            batches.push(filled(&batch.map_err(|e| cannot_read(file.display(), e))?, schema)?);
        }
    }
    Ok(to_frame(schema, &batches)?.lazy())
}

/// `batch` with the columns of `schema`, cast where the type differs; those it lacks are NULL.
fn filled(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let rows = batch.num_rows();
    let fault = |e: ArrowError| {
        Error::new(ErrorCode::Internal, format!("rows do not fit their table: {e}")).with_source(e)
    };
    let column = |f: &Arc<Field>| match batch.column_by_name(f.name()) {
        Some(column) => cast(column, f.data_type()).map_err(fault),
        None => Ok(new_null_array(f.data_type(), rows)),
    };
    let columns = schema.fields().iter().map(column).collect::<Result<_>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options).map_err(fault)
}
