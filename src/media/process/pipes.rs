//! The pipes of a media process.

use std::io::{PipeReader, PipeWriter, Read};

#[cfg(target_os = "linux")]
use nix::fcntl::{FcntlArg, fcntl};

use crate::error::{Error, ErrorCode, Result};

/// Number of bytes kept from the end of a process's standard error.
pub(super) const TAIL_BYTES: usize = 8 << 10;
/// Requested capacity of a data pipe: the default maximum of Linux for ordinary users.
const PIPE_BYTES: i32 = 1 << 20;

/// A pipe for the data of a process.
pub(super) fn data_pipe() -> Result<(PipeReader, PipeWriter)> {
    let (reader, writer) = std::io::pipe().map_err(no_pipe)?;
    // Fewer, larger reads; a user above the system's pipe allowance keeps the small pipe.
    #[cfg(target_os = "linux")]
    let _ = fcntl(&writer, FcntlArg::F_SETPIPE_SZ(PIPE_BYTES));
    Ok((reader, writer))
}

/// The end of what a process prints on its standard error.
pub(super) fn read_tail(mut stderr: PipeReader) -> Vec<u8> {
    let (mut tail, mut chunk) = (Vec::new(), [0_u8; 4096]);
    loop {
        match stderr.read(&mut chunk) {
            Ok(0) => return tail,
            Ok(read) => tail.extend_from_slice(chunk.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return tail,
        }
        if tail.len() > TAIL_BYTES {
            tail.drain(..tail.len() - TAIL_BYTES);
        }
    }
}

pub(super) fn no_pipe(cause: std::io::Error) -> Error {
    Error::new(
        ErrorCode::Internal,
        "no more files can be opened; use fewer workers or raise `ulimit -n`",
    )
    .with_source(cause)
}
