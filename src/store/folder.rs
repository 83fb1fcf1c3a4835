//! A dataset in a folder of this machine.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Component, Path};

use super::staging::{self, Staging};
use super::{
    CommitLock, Dataset, FileEntry, Manifest, ShardWriter, cannot_read, cannot_write, lost_file,
    new_file,
};
use crate::error::Result;

/// All manifests in `root`, by number.
pub(super) fn manifests(root: &Path) -> Result<BTreeMap<u64, Manifest>> {
    let folder = root.join("_commit");
    let mut manifests = BTreeMap::new();
    if folder.is_dir() {
        for entry in fs::read_dir(&folder).map_err(|e| cannot_read(folder.display(), e))? {
            let path = entry.map_err(|e| cannot_read(folder.display(), e))?.path();
            if path.extension().is_some_and(|x| x == "json") {
                let bytes = fs::read(&path).map_err(|e| cannot_read(path.display(), e))?;
                let manifest = Manifest::read(&bytes, &path.display().to_string())?;
                manifests.insert(manifest.number, manifest);
            }
        }
    }
    Ok(manifests)
}

/// Starts a shard in `root/_staging`.
pub(super) fn begin(root: &Path, analysis: String) -> Result<ShardWriter> {
    Ok(ShardWriter::begin(Staging::in_own(&root.join("_staging"))?, analysis))
}

/// Waits for the lock of `root` that commits take.
pub(super) fn lock(root: &Path) -> Result<CommitLock> {
    let folder = root.join("_commit");
    fs::create_dir_all(&folder).map_err(|e| cannot_write(&folder, e))?;
    let path = folder.join("lock");
    let file = File::create(&path).map_err(|e| cannot_write(&path, e))?;
    file.lock().map_err(|e| cannot_write(&path, e))?;
    Ok(CommitLock { _file: file })
}

/// Makes a shard visible: moves its files into place, flushes folders, writes the manifest. The caller
/// holds [`lock`] and has opened `dataset` under it.
pub(super) fn commit(
    root: &Path,
    dataset: &Dataset,
    writer: &ShardWriter,
    shard: &str,
) -> Result<Manifest> {
    let number = dataset.next_number();
    let mut tables = writer.tables().clone();
    for (name, entry) in &mut tables {
        let folder = root.join(name);
        fs::create_dir_all(&folder).map_err(|e| cannot_write(&folder, e))?;
        let staged =
            std::mem::replace(&mut entry.path, format!("{name}/{number:08}-{shard}.parquet"));
        let target = root.join(&entry.path);
        fs::rename(staged, &target).map_err(|e| cannot_write(&target, e))?;
        sync_folder(&folder)?;
    }
    let manifest = writer.manifest(number, shard, tables);
    write_manifest(root, &manifest)?;
    Ok(manifest)
}

fn write_manifest(root: &Path, manifest: &Manifest) -> Result<()> {
    let folder = root.join("_commit");
    fs::create_dir_all(&folder).map_err(|e| cannot_write(&folder, e))?;
    let target = root.join(Manifest::name(manifest.number));
    let mut file = new_file(&target)?;
    file.write_all(&manifest.to_json()?)
        .and_then(|()| file.as_file().sync_all())
        .map_err(|e| cannot_write(&target, e))?;
    // The lock reserves the number; a commit made without it must not be overwritten.
    file.persist_noclobber(&target).map_err(|e| cannot_write(&target, e.error))?;
    sync_folder(&folder)
}

/// Verifies the content of a table file.
///
/// # Errors
/// `store.read` if it is missing, unreadable or differs.
pub(super) fn check(root: &Path, entry: &FileEntry) -> Result<()> {
    let path = root.join(&entry.path);
    let mut hasher = blake3::Hasher::new();
    File::open(&path)
        .and_then(|file| hasher.update_reader(file).map(|_| ()))
        .map_err(|e| lost_file(path.display(), e))?;
    if hasher.finalize().to_hex().as_str() != entry.blake3 {
        let fault = io::Error::other("its content is not what was written");
        return Err(lost_file(path.display(), fault));
    }
    Ok(())
}

/// Removes table files and manifests of replaced shards. Media files stay, since other tables of the user
/// may name them.
pub(super) fn remove_replaced(root: &Path, dead: &[Manifest]) {
    for manifest in dead {
        // The manifest is removed first: it must not name missing files, while files without one do no harm.
        if fs::remove_file(root.join(Manifest::name(manifest.number))).is_ok() {
            for entry in manifest.tables.values() {
                let _ = fs::remove_file(root.join(&entry.path));
            }
        }
    }
}

/// Whether a run writes to `root`: a staging folder is in use.
pub(super) fn is_written_to(root: &Path) -> bool {
    staging::is_in_use(&root.join("_staging"))
}

/// Removes media files. A uri that leads out of the folder is not one of ours.
pub(super) fn remove_media(root: &Path, uris: &[String]) -> Result<()> {
    for uri in uris {
        let path = Path::new(uri);
        if !path.components().all(|part| matches!(part, Component::Normal(_))) {
            continue;
        }
        let path = root.join(path);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(cannot_write(&path, e)),
            _ => {}
        }
    }
    Ok(())
}

/// Flushes a folder, so that its entries survive a power failure.
fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(|e| cannot_write(folder, e))
}
