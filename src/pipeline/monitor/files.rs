//! Files of reports: written atomically, and never a reason to fail.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::store::new_file;
use crate::telemetry::RowRecord;

/// Folder in the results folder for the records of rows, a file a run.
const DEBUG_FOLDER: &str = "_debug";
/// Runs whose records are kept.
const RUNS_KEPT: usize = 20;

/// Puts a file in place, whole or not at all. That it cannot is logged.
pub(super) fn replace(path: &Path, content: &[u8]) {
    let write = || -> Result<(), String> {
        let mut file = new_file(path).map_err(|e| e.message().to_owned())?;
        file.write_all(content).map_err(|e| e.to_string())?;
        file.persist(path).map_err(|e| e.error.to_string()).map(|_| ())
    };
    if let Err(cause) = write() {
        tracing::warn!("{} is not written: {cause}", path.display());
    }
}

/// Writes the records of a run below the results folder `root`, and removes those of old runs.
pub(in crate::pipeline) fn write_rows(root: &Path, run_id: &str, rows: &[RowRecord]) {
    if rows.is_empty() {
        return;
    }
    let folder = root.join(DEBUG_FOLDER);
    if let Err(cause) = fs::create_dir_all(&folder) {
        return tracing::warn!("records of rows are not kept: {cause}");
    }
    let lines = rows.iter().filter_map(|row| serde_json::to_string(row).ok());
    let text: String = lines.map(|line| line + "\n").collect();
    replace(&folder.join(format!("{run_id}.jsonl")), text.as_bytes());
    let mut files = files(root);
    let old = files.len().saturating_sub(RUNS_KEPT);
    files.drain(..old).for_each(|file| {
        let _ = fs::remove_file(file);
    });
}

/// The records of rows below `root`, oldest run first, each with the id of its run.
#[cfg(feature = "cli")]
pub(in crate::pipeline) fn read_rows(root: &Path) -> Vec<(String, RowRecord)> {
    let of_file = |file: PathBuf| {
        let run_id = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(file).unwrap_or_default();
        let rows = text.lines().filter_map(|line| serde_json::from_str(line).ok());
        rows.map(|row| (run_id.clone(), row)).collect::<Vec<_>>()
    };
    files(root).into_iter().flat_map(of_file).collect()
}

/// Removes all records of rows below `root`.
pub(in crate::pipeline) fn remove_rows(root: &Path) {
    let _ = fs::remove_dir_all(root.join(DEBUG_FOLDER));
}

/// The files of records, oldest run first: ids of runs sort by time.
fn files(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root.join(DEBUG_FOLDER)).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path());
    let mut files: Vec<_> = files.filter(|f| f.extension().is_some_and(|x| x == "jsonl")).collect();
    files.sort();
    files
}
