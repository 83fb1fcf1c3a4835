//! Passes filtergraphs that are too long for an argument.

use std::ffi::OsString;
use std::io::{Error as IoError, Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use crate::error::{Error, ErrorCode, Result};

/// Longest graph passed as an argument: Linux rejects arguments of 128 KiB, see execve(2).
const LONGEST: usize = 100_000;

/// Moves long filtergraphs to anonymous files, which the child must inherit.
///
/// # Errors
/// `store.write` if the temporary folder is full.
pub(super) fn by_file(args: &mut [OsString]) -> Result<Vec<OwnedFd>> {
    let mut files = Vec::new();
    for at in 1..args.len() {
        if args[at - 1] != "-filter_complex" || args[at].len() < LONGEST {
            continue;
        }
        let file = written(args[at].as_bytes()).map_err(|cause| {
            let message =
                format!("a filtergraph cannot be written to the temporary folder ({cause})");
            Error::new(ErrorCode::StoreWrite, message).with_source(cause)
        })?;
        args[at - 1] = "-filter_complex_script".into();
        args[at] = format!("pipe:{}", file.as_raw_fd()).into();
        files.push(file);
    }
    Ok(files)
}

fn written(graph: &[u8]) -> Result<OwnedFd, IoError> {
    let mut file = tempfile::tempfile()?;
    file.write_all(graph)?;
    file.rewind()?;
    Ok(file.into())
}
