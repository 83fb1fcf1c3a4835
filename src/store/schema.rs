//! The columns of a table over all its live files.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

use super::lost_file;
use crate::error::Result;

/// The schemas of a table's files.
#[derive(Debug, Clone)]
pub struct TableSchema {
    /// The columns of all files, each nullable: a column that a file lacks is NULL there. One that has
    /// two types (a campaign that was a number in one request file and a text in another) is text.
    pub merged: SchemaRef,
    /// Whether some file has a column in another type than `merged`.
    pub mixed: bool,
}

impl TableSchema {
    /// Reads the footers of `files`.
    ///
    /// # Errors
    /// `store.read` if a file is damaged.
    pub fn read(files: &[PathBuf]) -> Result<Self> {
        let schemas = files.iter().map(|file| of_file(file)).collect::<Result<Vec<_>>>()?;
        Ok(Self::merge(&schemas))
    }

    /// Merges the schemas of files.
    pub(super) fn merge(schemas: &[SchemaRef]) -> Self {
        let mut fields: Vec<Field> = vec![];
        let mut mixed = false;
        for field in schemas.iter().flat_map(|schema| schema.fields()) {
            match fields.iter_mut().find(|f| f.name() == field.name()) {
                None => fields.push(field.as_ref().clone().with_nullable(true)),
                Some(merged) if merged.data_type() == field.data_type() => {}
                Some(merged) => {
                    mixed = true;
                    *merged = Field::new(field.name(), DataType::Utf8, true);
                }
            }
        }
        Self { merged: Arc::new(Schema::new(fields)), mixed }
    }
}

fn of_file(file: &Path) -> Result<SchemaRef> {
    let open = File::open(file).map_err(|e| lost_file(file.display(), e))?;
    let footer = ArrowReaderMetadata::load(&open, ArrowReaderOptions::default())
        .map_err(|e| lost_file(file.display(), e))?;
    Ok(Arc::clone(footer.schema()))
}
