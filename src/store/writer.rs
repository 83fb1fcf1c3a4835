//! Writes a shard: Parquet tables in a staging folder.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::staging::Staging;
use super::{FileEntry, Manifest, cannot_write};
use crate::error::{Error, ErrorCode, Result};

/// Rows of a row group: small enough to skip by statistics, large enough to compress.
const ROW_GROUP_ROWS: usize = 128 * 1024;

/// Largest row group in bytes, for rows that hold a whole source.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// A shard being written. Dropped before its commit, it leaves nothing visible.
#[derive(Debug)]
pub struct ShardWriter {
    staging: Staging,
    /// The tables to commit; `path` is the staged file.
    tables: BTreeMap<String, FileEntry>,
    /// The tables of this run alone, before older shards were merged in.
    own: BTreeMap<String, FileEntry>,
    replaces: Vec<u64>,
    /// Number of merged files, for unique names.
    merged: u32,
    analysis: String,
    settings: BTreeMap<String, String>,
    /// Ids of shards that it holds whole.
    answers: Vec<String>,
    is_checkpoint: bool,
}

impl ShardWriter {
    /// Starts a shard. `analysis` is a stable id of how its sources are analysed; shards that share it
    /// have equal results for a source.
    pub(super) fn begin(staging: Staging, analysis: String) -> Self {
        Self {
            staging,
            tables: BTreeMap::new(),
            own: BTreeMap::new(),
            replaces: vec![],
            merged: 0,
            analysis,
            settings: BTreeMap::new(),
            answers: vec![],
            is_checkpoint: false,
        }
    }

    /// A stable id of how the sources of this shard are analysed; shards that share it have equal results
    /// for a source.
    pub fn analysis(&self) -> &str {
        &self.analysis
    }

    /// Records the settings that the rows depend on, by name.
    pub fn set_settings(&mut self, settings: BTreeMap<String, String>) {
        self.settings = settings;
    }

    /// Records that the shard holds the content of `shard` whole.
    pub fn answer(&mut self, shard: &Manifest) {
        self.answers.extend(std::iter::once(&shard.shard).chain(&shard.answers).cloned());
    }

    /// Makes the commit one that lists all live commits, so that older manifests need not be read.
    pub fn make_checkpoint(&mut self) {
        self.is_checkpoint = true;
    }

    /// Whether the commit lists all live commits.
    pub(super) fn is_checkpoint(&self) -> bool {
        self.is_checkpoint
    }

    /// Folder for the work in progress.
    pub fn staging(&self) -> &Path {
        self.staging.path()
    }

    /// Adds a finished table to the shard.
    pub fn add(&mut self, name: &str, entry: FileEntry) {
        self.own.insert(name.to_owned(), entry.clone());
        self.tables.insert(name.to_owned(), entry);
    }

    /// The staged file of a table.
    pub fn staged(&self, name: &str) -> PathBuf {
        match self.tables.get(name) {
            Some(entry) => PathBuf::from(&entry.path),
            None => self.staging().join(format!("{name}.parquet")),
        }
    }

    /// A new file for the merged form of a table.
    pub fn merging(&mut self, name: &str) -> PathBuf {
        self.merged += 1;
        self.staging().join(format!("{name}-{}.parquet", self.merged))
    }

    /// Replaces the staged form of a table by the merged one.
    pub fn promote(&mut self, name: &str, entry: FileEntry) {
        if let Some(old) = self.tables.insert(name.to_owned(), entry)
            && self.own.get(name) != Some(&old)
        {
            let _ = fs::remove_file(old.path);
        }
    }

    /// Records that this shard replaces an earlier commit.
    pub fn replace(&mut self, number: u64) {
        self.replaces.push(number);
    }

    /// Restores the tables as they were added, since the merged rows are out of date; returns their names.
    pub fn forget_merged(&mut self) -> Vec<String> {
        self.replaces.clear();
        for (name, entry) in self.own.clone() {
            self.promote(&name, entry);
        }
        self.own.keys().cloned().collect()
    }

    /// The staged files by table.
    pub(crate) fn tables(&self) -> &BTreeMap<String, FileEntry> {
        &self.tables
    }

    /// The manifest of commit `number` with the files `tables`; `shard` is a stable id of its content.
    pub(super) fn manifest(
        &self,
        number: u64,
        shard: &str,
        tables: BTreeMap<String, FileEntry>,
    ) -> Manifest {
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        Manifest {
            format: Manifest::FORMAT,
            number,
            shard: shard.to_owned(),
            answers: self.answers.clone(),
            analysis: self.analysis.clone(),
            clipflow: env!("CARGO_PKG_VERSION").to_owned(),
            created,
            settings: self.settings.clone(),
            tables,
            replaces: self.replaces.clone(),
            live: None,
        }
    }
}

/// Writes one table as Parquet: zstd, row groups of 131,072 rows, statistics per page.
pub struct TableWriter {
    name: String,
    path: PathBuf,
    rows: u64,
    writer: ArrowWriter<HashingFile>,
}

impl std::fmt::Debug for TableWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableWriter")
            .field("name", &self.name)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl TableWriter {
    /// Creates the file `path`.
    ///
    /// # Errors
    /// `store.write`.
    pub fn create(name: &str, path: PathBuf, schema: SchemaRef) -> Result<Self> {
        let file = File::create(&path).map_err(|e| cannot_write(&path, e))?;
        let sink =
            HashingFile { file: BufWriter::new(file), hasher: blake3::Hasher::new(), bytes: 0 };
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_created_by(concat!("clipflow ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let writer = ArrowWriter::try_new(sink, schema, Some(properties))
            .map_err(|e| parquet_error(&path, e))?;
        Ok(Self { name: name.to_owned(), path, rows: 0, writer })
    }

    /// Appends rows.
    ///
    /// # Errors
    /// `store.write`.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        self.writer.write(batch).map_err(|e| parquet_error(&self.path, e))?;
        if self.writer.in_progress_size() > ROW_GROUP_BYTES {
            self.writer.flush().map_err(|e| parquet_error(&self.path, e))?;
        }
        Ok(())
    }

    /// Finishes the file and flushes it to disk.
    ///
    /// # Errors
    /// `store.write`.
    pub fn finish(mut self) -> Result<FileEntry> {
        self.writer.finish().map_err(|e| parquet_error(&self.path, e))?;
        let sink = self.writer.inner_mut();
        sink.file
            .flush()
            .and_then(|()| sink.file.get_ref().sync_all())
            .map_err(|e| cannot_write(&self.path, e))?;
        Ok(FileEntry {
            path: self.path.to_string_lossy().into_owned(),
            bytes: sink.bytes,
            rows: self.rows,
            blake3: sink.hasher.finalize().to_hex().to_string(),
        })
    }
}

/// A file that hashes what is written, so that it need not be read again.
struct HashingFile {
    file: BufWriter<File>,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Write for HashingFile {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let written = self.file.write(data)?;
        self.hasher.update(&data[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn parquet_error(path: &Path, cause: parquet::errors::ParquetError) -> Error {
    Error::new(
        ErrorCode::StoreWrite,
        format!(
            "cannot write {} ({cause}); check the space on the disk and run again",
            path.display()
        ),
    )
    .with_source(cause)
}
