//! Writing a shard: tables as Parquet in a staging folder, then one atomic commit.

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

use super::dataset::manifest_path;
use super::{Dataset, FileEntry, Manifest, cannot_write};
use crate::error::{Error, ErrorCode, Result};

/// Rows of a row group: small enough to skip by statistics, large enough to compress.
const ROW_GROUP_ROWS: usize = 128 * 1024;

/// Bytes of a row group at the most, for rows that hold a whole source.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// A shard in the making. Dropped before [`ShardWriter::commit`], it leaves nothing visible.
#[derive(Debug)]
pub struct ShardWriter {
    root: PathBuf,
    staging: PathBuf,
    /// Held as long as somebody works in `staging`; the kernel lets go of it however that ends.
    _lock: File,
    tables: BTreeMap<String, FileEntry>,
    replaces: Vec<u64>,
    analysis: String,
}

impl ShardWriter {
    pub(super) fn begin(root: &Path, analysis: String) -> Result<Self> {
        let folder = root.join("_staging");
        fs::create_dir_all(&folder).map_err(|e| cannot_write(&folder, e))?;
        remove_abandoned(&folder);
        // A name of its own: several runs may write to one dataset at a time.
        let staging = tempfile::Builder::new()
            .prefix("run-")
            .tempdir_in(&folder)
            .map_err(|e| cannot_write(&folder, e))?
            .keep();
        let lock = lock(&staging).map_err(|e| cannot_write(&staging, e))?;
        let root = root.to_path_buf();
        let (tables, replaces) = (BTreeMap::new(), vec![]);
        Ok(Self { root, staging, _lock: lock, tables, replaces, analysis })
    }

    /// How the sources of this shard are analysed.
    pub fn analysis(&self) -> &str {
        &self.analysis
    }

    /// Folder for the work in progress.
    pub fn staging(&self) -> &Path {
        &self.staging
    }

    /// Take a finished table into the shard.
    pub fn add(&mut self, name: &str, entry: FileEntry) {
        self.tables.insert(name.to_owned(), entry);
    }

    /// Where a table of this shard is staged.
    pub fn staged(&self, name: &str) -> PathBuf {
        self.staging.join(format!("{name}.parquet"))
    }

    /// Where the merged form of a table is written before [`ShardWriter::promote`].
    pub fn merging(&self, name: &str) -> PathBuf {
        self.staging.join(format!("{name}.merged"))
    }

    /// The merged form of a table takes the place of the staged one.
    ///
    /// # Errors
    /// `store.write`.
    pub fn promote(&mut self, name: &str, entry: FileEntry) -> Result<()> {
        let target = self.staged(name);
        fs::rename(self.merging(name), &target).map_err(|e| cannot_write(&target, e))?;
        self.add(name, entry);
        Ok(())
    }

    /// This shard takes the place of an earlier commit.
    pub fn replace(&mut self, number: u64) {
        self.replaces.push(number);
    }

    /// Make the shard visible in `dataset` as `shard` (a stable id of what it holds): move its files
    /// into place, flush folders, write the manifest. To be called under [`Dataset::lock`], with the
    /// dataset opened under it.
    ///
    /// # Errors
    /// `store.write`; nothing is visible then.
    pub fn commit(mut self, dataset: &Dataset, shard: &str) -> Result<Manifest> {
        let number = dataset.next_number();
        for (name, entry) in &mut self.tables {
            let folder = self.root.join(name);
            fs::create_dir_all(&folder).map_err(|e| cannot_write(&folder, e))?;
            entry.path = format!("{name}/{number:08}-{shard}.parquet");
            let target = self.root.join(&entry.path);
            fs::rename(self.staging.join(format!("{name}.parquet")), &target)
                .map_err(|e| cannot_write(&target, e))?;
            sync_folder(&folder)?;
        }
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let manifest = Manifest {
            format: Manifest::FORMAT,
            number,
            shard: shard.to_owned(),
            analysis: std::mem::take(&mut self.analysis),
            clipflow: env!("CARGO_PKG_VERSION").to_owned(),
            created,
            tables: std::mem::take(&mut self.tables),
            replaces: std::mem::take(&mut self.replaces),
        };
        self.write_manifest(&manifest)?;
        Ok(manifest)
    }

    fn write_manifest(&self, manifest: &Manifest) -> Result<()> {
        let folder = self.root.join("_commit");
        fs::create_dir_all(&folder).map_err(|e| cannot_write(&folder, e))?;
        let target = manifest_path(&self.root, manifest.number);
        let mut file =
            tempfile::NamedTempFile::new_in(&folder).map_err(|e| cannot_write(&folder, e))?;
        let json = serde_json::to_vec_pretty(manifest).map_err(|e| {
            Error::new(ErrorCode::Internal, format!("the manifest cannot be written as JSON: {e}"))
        })?;
        file.write_all(&json)
            .and_then(|()| file.as_file().sync_all())
            .map_err(|e| cannot_write(&target, e))?;
        // The lock makes the number ours; whoever went without it must not be overwritten.
        file.persist_noclobber(&target).map_err(|e| cannot_write(&target, e.error))?;
        sync_folder(&folder)
    }
}

impl Drop for ShardWriter {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.staging);
        // Only succeeds when no other run is at work.
        let _ = fs::remove_dir(self.root.join("_staging"));
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
    /// A new file at `path`.
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

    /// Append rows.
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

    /// Finish and flush to disk.
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

/// Hashes what goes by, so that the file need not be read again.
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

/// Mark a staging folder as in use. The lock gets its name only once it is held.
fn lock(staging: &Path) -> io::Result<File> {
    let new = staging.join("lock.new");
    let file = File::create(&new)?;
    file.lock()?;
    fs::rename(new, staging.join("lock"))?;
    Ok(file)
}

/// Remove what runs that were killed have left in the staging folder.
fn remove_abandoned(folder: &Path) {
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()) {
        let held = File::open(path.join("lock")).map_or(true, |file| file.try_lock().is_err());
        if !held {
            tracing::info!("removing what a killed run has left");
            let _ = fs::remove_dir_all(path);
        }
    }
}

/// Flush a folder, so that the names in it survive a power cut.
fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(|e| cannot_write(folder, e))
}
