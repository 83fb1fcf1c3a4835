//! A dataset in a folder of this machine.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Component, Path};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::replaced::{REPLACED_FOLDER, is_table_file, kept_name};
use super::staging::{self, Staging};
use super::{
    CommitLock, Dataset, FileEntry, Manifest, ShardWriter, cannot_read, cannot_write, lost_file,
    new_file,
};
use crate::error::Result;

/// The manifests in `root` that say what is live, by number.
pub(super) fn manifests(root: &Path) -> Result<BTreeMap<u64, Manifest>> {
    // Old ones may be removed between the listing and the reading.
    for _ in 0..3 {
        if let Some(manifests) = read_manifests(root)? {
            return Ok(manifests);
        }
    }
    let gone = io::Error::from(io::ErrorKind::NotFound);
    Err(cannot_read(root.join("_commit").display(), gone))
}

/// `None`: one that was listed is gone.
fn read_manifests(root: &Path) -> Result<Option<BTreeMap<u64, Manifest>>> {
    let mut numbers = manifest_numbers(root)?;
    let mut manifests = BTreeMap::new();
    // From the newest on, until one says which before it are live.
    while let Some(number) = numbers.pop() {
        let Some(manifest) = read_manifest(root, number)? else { return Ok(None) };
        if let Some(live) = manifest.live_among(&numbers) {
            numbers = live;
        }
        manifests.insert(manifest.number, manifest);
    }
    Ok(Some(manifests))
}

/// The numbers of all manifests in `root`, in order.
pub(super) fn manifest_numbers(root: &Path) -> Result<Vec<u64>> {
    let folder = root.join("_commit");
    let mut numbers = vec![];
    if folder.is_dir() {
        for entry in fs::read_dir(&folder).map_err(|e| cannot_read(folder.display(), e))? {
            let name = entry.map_err(|e| cannot_read(folder.display(), e))?.file_name();
            numbers.extend(name.to_str().and_then(Manifest::number_in));
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// A manifest; `None` if it is gone.
///
/// # Errors
/// `store.read` if it is damaged.
pub(super) fn read_manifest(root: &Path, number: u64) -> Result<Option<Manifest>> {
    let path = root.join(Manifest::name(number));
    match fs::read(&path) {
        Ok(bytes) => Manifest::read(&bytes, &path.display().to_string()).map(Some),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(cannot_read(path.display(), e)),
    }
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
    let mut manifest = writer.manifest(number, shard, tables);
    if writer.is_checkpoint() {
        manifest.live = Some(dataset.live_with(&manifest));
    }
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

/// Moves table files that no live commit of `dataset` names to where readers that opened the results before find
/// them. The caller holds [`lock`] and has opened `dataset` under it.
pub(super) fn set_replaced_aside(root: &Path, dataset: &Dataset) {
    let entries = dataset.shards().iter().flat_map(|shard| shard.tables.iter());
    let live: HashSet<&str> = entries.clone().map(|(_, entry)| entry.path.as_str()).collect();
    let tables: BTreeSet<&str> = entries.map(|(table, _)| table.as_str()).collect();
    for table in tables {
        for entry in fs::read_dir(root.join(table)).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| is_table_file(name)) else { continue };
            let relative = format!("{table}/{name}");
            if !live.contains(relative.as_str()) {
                let _ = set_aside(root, &relative);
            }
        }
    }
}

/// Moves a file to where replaced ones are kept. From now on its age counts.
fn set_aside(root: &Path, relative: &str) -> io::Result<()> {
    let (from, to) = (root.join(relative), root.join(kept_name(relative)));
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    // On a file system that keeps no times it is kept for a shorter time.
    let _ = File::open(&from).and_then(|file| file.set_modified(SystemTime::now()));
    fs::rename(from, to)
}

/// Removes files and manifests of shards that were replaced longer than `keep` ago.
pub(super) fn expire(root: &Path, dataset: &Dataset, keep: Duration) {
    let Some(limit) = SystemTime::now().checked_sub(keep) else { return };
    let kept = root.join(REPLACED_FOLDER);
    for folder in fs::read_dir(&kept).into_iter().flatten().flatten() {
        for entry in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
            let replaced = entry.metadata().and_then(|metadata| metadata.modified());
            if replaced.is_ok_and(|replaced| replaced < limit) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
    let limit = limit.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    for manifest in dataset.expired(limit) {
        // A later one may be all that says that an earlier one is replaced.
        if fs::remove_file(root.join(Manifest::name(manifest.number))).is_err() {
            return;
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
