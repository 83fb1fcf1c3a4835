//! Finding external programs.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The absolute path of a program: the one in `named`, else the first `name` in `path`, which has the
/// form of `PATH`.
pub(crate) fn find(name: &str, named: Option<OsString>, path: Option<&OsStr>) -> Option<PathBuf> {
    match named {
        Some(file) => executable(Path::new(&file)),
        None => path
            .map(std::env::split_paths)
            .into_iter()
            .flatten()
            .find_map(|folder| executable(&folder.join(name))),
    }
}

fn executable(file: &Path) -> Option<PathBuf> {
    let facts = std::fs::metadata(file).ok()?;
    if !facts.is_file() || facts.permissions().mode() & 0o111 == 0 {
        return None;
    }
    std::path::absolute(file).ok()
}
