//! The files of a place and their columns, before it is said what each column is for.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::arrow::ArrowFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{GetResultPayload, ObjectStoreExt};

use super::list::{Found, FoundFile, list};
use super::plain::made_plain;
use super::scan::GroupScan;
use super::{FileKind, Scanner, Shape, csv_header, unreadable};
use crate::error::{Error, ErrorCode, Result};
use crate::location::Location;
use crate::panics::caught;
use crate::query::plain_files::checked_schema;

/// Files whose columns are looked at at a time.
const AT_A_TIME: usize = 16;

/// The files of a place, those with the same columns together.
#[derive(Debug)]
pub(crate) struct UserFiles {
    pub(super) groups: Vec<GroupScan>,
    pub(super) place: Location,
    /// Names of columns and the names that they are looked for by, see [`UserFiles::rename`].
    renamed: Vec<(String, String)>,
    /// What was left out, as sentences.
    pub(crate) notes: Vec<String>,
}

impl UserFiles {
    /// The names of all columns in the order they are met; one that is written differently in another file
    /// (`Views`, `views`) is the same.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = vec![];
        for group in &self.groups {
            for field in group.schema.table_schema().fields() {
                let is_here = |name: &str| {
                    position(group.schema.table_schema(), name).is_some_and(|i| {
                        group.schema.table_schema().field(i).name() == field.name()
                    })
                };
                if !names.iter().any(|known| is_here(known)) {
                    names.push(field.name().clone());
                }
            }
        }
        names
    }

    /// Where each group has the column of that name.
    pub(super) fn positions(&self, name: &str) -> Vec<Option<usize>> {
        let theirs: Vec<&str> = self
            .renamed
            .iter()
            .filter(|(_, new)| new == name)
            .map(|(old, _)| old.as_str())
            .collect();
        let of = |group: &GroupScan| {
            let schema = group.schema.table_schema();
            let renamed = theirs.iter().find_map(|old| position(schema, old));
            renamed.or_else(|| position(schema, name))
        };
        self.groups.iter().map(of).collect()
    }

    /// Find columns by other names: `plays` by `views`.
    ///
    /// # Errors
    /// `config.invalid` if no file has a column, or one has two for the same name.
    pub(crate) fn rename(&mut self, columns: &[(String, String)]) -> Result<()> {
        for (old, new) in columns {
            if !self.has(old) {
                let names = self.names().join(", ");
                let what = format!(
                    "maps {old} to {new}, and the files in {} have no column {old}; they have {names}",
                    self.place
                );
                return Err(Error::setting("columns", what));
            }
            let others = columns.iter().filter(|(o, n)| n == new && o != old).map(|(o, _)| o);
            for other in others.chain([new]) {
                let both = self.positions(old).into_iter().zip(self.positions(other));
                if both.into_iter().any(|(a, b)| a.is_some() && b.is_some() && a != b) {
                    let what = format!(
                        "maps {old} to {new}, and the files in {} have a column {other} too; map one of them",
                        self.place
                    );
                    return Err(Error::setting("columns", what));
                }
            }
        }
        self.renamed = columns.to_vec();
        Ok(())
    }

    /// The name that a column is looked for by.
    pub(crate) fn new_name<'a>(&'a self, name: &'a str) -> &'a str {
        let renamed = self.renamed.iter().find(|(old, _)| old.eq_ignore_ascii_case(name));
        renamed.map_or(name, |(_, new)| new)
    }

    /// Whether a file has a column of that name, in any case.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.positions(name).iter().any(Option::is_some)
    }

    /// Whether two names are of the same column in a file.
    pub(crate) fn are_same(&self, one: &str, other: &str) -> bool {
        let both = self.positions(one).into_iter().zip(self.positions(other));
        both.into_iter().any(|(one, other)| one.is_some() && one == other)
    }

    /// Whether the files say nothing about types: every cell is text.
    pub(crate) fn are_untyped(&self) -> bool {
        self.groups.iter().any(|group| group.kind == FileKind::Csv)
    }

    /// Whether a column holds lists or structs.
    pub(crate) fn is_nested(&self, name: &str) -> bool {
        let types = self.groups.iter().zip(self.positions(name));
        types.into_iter().any(|(group, position)| {
            position.is_some_and(|i| group.schema.table_schema().field(i).data_type().is_nested())
        })
    }
}

/// The column of that name, else one that differs in case only.
fn position(schema: &Schema, name: &str) -> Option<usize> {
    let fields = schema.fields();
    fields
        .iter()
        .position(|f| f.name() == name)
        .or_else(|| fields.iter().position(|f| f.name().eq_ignore_ascii_case(name)))
}

/// Look at the files of `place`. Columns named in `exact` are text in JSON files, with numbers as they are
/// written.
///
/// # Errors
/// `input.unreadable`; `input.column` if a file has a column twice.
pub(crate) async fn open(
    ctx: &SessionContext,
    place: &Location,
    exact: &[String],
) -> Result<UserFiles> {
    let mut notes = vec![];
    let (found, kept) = made_plain(list(ctx, place).await?, place, &mut notes).await?;
    if let Some(first) = found.left_out.first() {
        notes.push(format!(
            "{} files beneath {place} are of no kind that is known and were left out, such as {first}",
            found.left_out.len()
        ));
    }
    let looked_at = match found.kind {
        FileKind::Parquet => parquet(ctx, &found, place).await?,
        FileKind::Csv => csv(&found, place).await?,
        FileKind::Json => json(&found, place, exact, &mut notes).await?,
        FileKind::Arrow => arrow(ctx, &found, place).await?,
    };
    let keys = keys(&found.files, &looked_at, &mut notes);
    let mut groups: Vec<GroupScan> = vec![];
    for (file, columns) in found.files.iter().zip(looked_at) {
        let mut partitioned = PartitionedFile::from(file.meta.clone());
        let value = |key: &String| {
            let value =
                file.keys.iter().find(|(k, _)| k == key).and_then(|(_, value)| value.clone());
            ScalarValue::Utf8(value)
        };
        partitioned.partition_values = keys.iter().map(value).collect();
        let shown = (file.meta.location.clone(), file.shown.clone());
        let same = groups.iter_mut().find(|group| {
            group.url == file.url
                && group.is_splittable == columns.is_splittable
                && group.schema.file_schema().fields() == columns.schema.fields()
        });
        match same {
            Some(group) => {
                group.files.push(partitioned);
                group.shown.push(shown);
            }
            None => {
                let key = |key: &String| Arc::new(Field::new(key, DataType::Utf8, true));
                let keys: Vec<_> = keys.iter().map(key).collect();
                let schema = TableSchema::builder(columns.schema).with_table_partition_cols(keys);
                let schema = schema.build();
                groups.push(GroupScan {
                    url: file.url.clone(),
                    kind: found.kind,
                    schema,
                    files: vec![partitioned],
                    shown: vec![shown],
                    is_splittable: columns.is_splittable,
                    _kept: kept.clone(),
                });
            }
        }
    }
    Ok(UserFiles { groups, place: place.clone(), renamed: vec![], notes })
}

/// The columns of a file.
struct FileColumns {
    schema: SchemaRef,
    is_splittable: bool,
}

/// The keys of folders that are no columns of the files beneath them.
fn keys(files: &[FoundFile], columns: &[FileColumns], notes: &mut Vec<String>) -> Vec<String> {
    let mut keys: Vec<String> = vec![];
    for (key, _) in files.iter().flat_map(|file| &file.keys) {
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    let is_own = |key: &String| columns.iter().any(|c| position(&c.schema, key).is_some());
    keys.retain(|key| {
        if is_own(key) {
            notes.push(format!(
                "{key} is a column of files and a key of folders; the column counts, and where a file lacks it the value is missing"
            ));
        }
        !is_own(key)
    });
    keys
}

async fn parquet(
    ctx: &SessionContext,
    found: &Found,
    place: &Location,
) -> Result<Vec<FileColumns>> {
    let (state, format) = (ctx.state(), ParquetFormat::default());
    let schema = async |file: &FoundFile| {
        let metas = std::slice::from_ref(&file.meta);
        let schema = format.infer_schema(&state, &file.store, metas).await;
        let schema = schema
            .map_err(|e| unreadable(place, format!("{}: {}", file.shown, e.strip_backtrace())))?;
        refuse_twice(&schema, file)?;
        Ok::<_, Error>(FileColumns { schema, is_splittable: true })
    };
    let mut schemas = vec![];
    for some in found.files.chunks(AT_A_TIME) {
        schemas.extend(futures::future::try_join_all(some.iter().map(schema)).await?);
    }
    Ok(schemas)
}

async fn arrow(ctx: &SessionContext, found: &Found, place: &Location) -> Result<Vec<FileColumns>> {
    let (state, format) = (ctx.state(), ArrowFormat);
    let columns = async |file: &FoundFile| {
        let fault = |e: &dyn std::fmt::Display| unreadable(place, format!("{}: {e}", file.shown));
        let head = file.store.get_range(&file.meta.location, 0..file.meta.size.min(6)).await;
        // A stream of messages has no footer that says where its pieces begin.
        let is_splittable = head.map_err(|e| fault(&e))?.as_ref() == b"ARROW1";
        let found = file.store.get(&file.meta.location).await.map_err(|e| fault(&e))?;
        if let GetResultPayload::File(_, path) = found.payload {
            let check = move || checked_schema(&path, !is_splittable);
            let checked = tokio::task::spawn_blocking(check).await.map_err(|e| fault(&e))?;
            checked.map_err(|e| fault(&e))?;
        }
        let metas = std::slice::from_ref(&file.meta);
        let schema = caught(format.infer_schema(&state, &file.store, metas)).await;
        let schema = schema.map_err(|e| fault(&e))?.map_err(|e| fault(&e.strip_backtrace()))?;
        refuse_twice(&schema, file)?;
        Ok::<_, Error>(FileColumns { schema, is_splittable })
    };
    let mut all = vec![];
    for some in found.files.chunks(AT_A_TIME) {
        all.extend(futures::future::try_join_all(some.iter().map(columns)).await?);
    }
    Ok(all)
}

fn refuse_twice(schema: &Schema, file: &FoundFile) -> Result<()> {
    let names = schema.fields().iter().map(|f| f.name().clone()).collect();
    csv_header::checked(names, &file.shown).map(|_| ())
}

async fn csv(found: &Found, place: &Location) -> Result<Vec<FileColumns>> {
    let columns = async |file: FoundFile| {
        let names = csv_header::names(&file, place).await?;
        let fields = names.into_iter().map(|name| Field::new(name, DataType::Utf8, true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let is_splittable = csv_header::is_splittable(&file.store, &file.meta).await;
        Ok::<_, Error>(FileColumns { schema, is_splittable })
    };
    // An empty file has no header, and no row that could be lost.
    let files = found.files.iter().filter(|f| f.meta.size > 0).cloned().collect::<Vec<_>>();
    if files.is_empty() {
        return Err(unreadable(place, "the file is empty"));
    }
    let looked_at: Vec<FileColumns> =
        stream::iter(files).map(columns).buffered(AT_A_TIME).try_collect().await?;
    let mut looked_at = looked_at.into_iter();
    let empty = Arc::new(Schema::empty());
    Ok(found
        .files
        .iter()
        .map(|file| match file.meta.size {
            0 => FileColumns { schema: Arc::clone(&empty), is_splittable: false },
            _ => looked_at
                .next()
                .unwrap_or(FileColumns { schema: Arc::clone(&empty), is_splittable: false }),
        })
        .collect())
}

async fn json(
    found: &Found,
    place: &Location,
    exact: &[String],
    notes: &mut Vec<String>,
) -> Result<Vec<FileColumns>> {
    let scan = async |file: FoundFile| shape(&file, place).await;
    let shapes: Vec<Shape> =
        stream::iter(found.files.clone()).map(scan).buffered(AT_A_TIME).try_collect().await?;
    let mut all = Shape::default();
    shapes.iter().for_each(|shape| all.merge(shape));
    let is_exact = |name: &str| exact.iter().any(|known| known.eq_ignore_ascii_case(name));
    let mut fields = vec![];
    for (name, kinds) in all.columns() {
        if kinds.is_nested() && !is_exact(&name) {
            notes.push(format!("the column {name} holds lists or objects and is left out"));
            continue;
        }
        let data_type = if is_exact(&name) { DataType::Utf8 } else { kinds.data_type() };
        fields.push(Field::new(name, data_type, true));
    }
    let lower: HashSet<String> = fields.iter().map(|f| f.name().to_ascii_lowercase()).collect();
    // Where files write a column in different cases, each has its own names alone: in a schema of all of them
    // the values of one would be those of another column.
    let is_clear = lower.len() == fields.len();
    let columns = |shape: &Shape| {
        let own: HashSet<String> = shape.columns().map(|(name, _)| name).collect();
        let is_here = |field: &&Field| is_clear || own.contains(field.name());
        let fields: Vec<Field> = fields.iter().filter(is_here).cloned().collect();
        FileColumns {
            schema: Arc::new(Schema::new(fields)),
            is_splittable: !shape.is_irregular && !shape.is_array,
        }
    };
    Ok(shapes.iter().map(columns).collect())
}

/// The columns of a JSON file, from all of its rows.
async fn shape(file: &FoundFile, place: &Location) -> Result<Shape> {
    let fault = |e: &dyn std::fmt::Display| unreadable(place, format!("{}: {e}", file.shown));
    let found = file.store.get(&file.meta.location).await.map_err(|e| fault(&e))?;
    match found.payload {
        GetResultPayload::File(_, path) => {
            let size = file.meta.size;
            let scan = tokio::task::spawn_blocking(move || super::json_scan::of_file(&path, size));
            let scanned = scan.await.map_err(|e| Error::new(ErrorCode::Internal, e.to_string()))?;
            scanned.map_err(|e| fault(&e))
        }
        GetResultPayload::Stream(mut chunks) => {
            let mut scanner = Scanner::default();
            while let Some(chunk) = chunks.try_next().await.map_err(|e| fault(&e))? {
                scanner.feed(&chunk);
            }
            Ok(scanner.finish())
        }
    }
}
