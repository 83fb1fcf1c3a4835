//! The files that a process of ffmpeg or ffprobe needs, from its arguments.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::sandbox::{PinnedFile, Sandbox};

/// What a process of ffmpeg or ffprobe reads and writes: its inputs (`-i file:PATH`), its outputs (`file:PATH`), and
/// `reads`.
pub(super) fn files_of(
    program: &OsStr,
    args: &[OsString],
    (reads, pinned): (&[PathBuf], Option<&PinnedFile>),
) -> Sandbox {
    let mut sandbox = Sandbox::strict(Path::new(program));
    reads.iter().for_each(|file| {
        sandbox.read(file);
    });
    let mut before: &OsStr = OsStr::new("");
    for arg in args {
        if let Some(path) = arg.as_bytes().strip_prefix(b"file:") {
            let path = Path::new(OsStr::from_bytes(path));
            match (before == "-i", path.parent()) {
                (true, _) => match pinned.filter(|pinned| pinned.path == path) {
                    Some(pinned) => sandbox.read_pinned(pinned),
                    None => sandbox.read(path),
                },
                // A file is made in its folder.
                (false, Some(folder)) if !path.exists() => sandbox.write(folder),
                // What is written is read again, to move the index of an MP4 file to its start.
                (false, _) => sandbox.write(path),
            };
        }
        before = arg;
    }
    sandbox
}
