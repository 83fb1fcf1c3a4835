//! One run of yt-dlp.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tempfile::TempPath;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use super::YtDlpConfig;
use crate::error::{Error, ErrorCode, Result};
use crate::sandbox::{Sandbox, SandboxMode};
use crate::source::spool::{Reservation, Spool};

/// Interval between two checks of the size.
const LOOK: Duration = Duration::from_millis(500);
/// Bytes of its output that are kept.
const TAIL_BYTES: usize = 8 << 10;
/// Stem of the file name in its folder.
pub(super) const NAME: &str = "video";

/// The first arguments of every run. A failed fetch is retried as a whole; only parts of a video are retried by yt-dlp.
const COMMON: &[&str] = &[
    "--ignore-config",
    "--no-cache-dir",
    "--no-progress",
    "--proxy",
    "",
    "--socket-timeout",
    "15",
    "--retries",
    "0",
    "--extractor-retries",
    "0",
];

/// Phrases in the output of a failed yt-dlp, with code and sentence of their error. The first match counts.
const PHRASES: &[(&str, ErrorCode, &str)] = &[
    (
        "larger than max-filesize",
        ErrorCode::SourceTooLarge,
        "is larger than the limit; raise max_source_gb",
    ),
    (
        "does not pass filter",
        ErrorCode::SourceUnsupported,
        "is live or not yet available; try again when it has ended",
    ),
    (
        "HTTP Error 429",
        ErrorCode::SourceThrottled,
        "was refused because of too many requests; run again later",
    ),
    ("Private video", ErrorCode::SourceForbidden, "is private; ask its owner for the file"),
    ("members-only", ErrorCode::SourceForbidden, "is for members only; ask its owner for the file"),
    (
        "Sign in to confirm you",
        ErrorCode::SourceForbidden,
        "is shown only to signed-in users; ask its owner for the file",
    ),
    (
        "not available in your country",
        ErrorCode::SourceForbidden,
        "is not available in this country; ask its owner for the file",
    ),
    ("HTTP Error 403", ErrorCode::SourceForbidden, "may not be read; a newer yt-dlp may help"),
    ("Video unavailable", ErrorCode::SourceNotFound, "does not exist; check the address"),
    (
        "This video has been removed",
        ErrorCode::SourceNotFound,
        "has been removed; check the address",
    ),
    ("Incomplete YouTube ID", ErrorCode::SourceNotFound, "does not exist; check the address"),
    ("HTTP Error 404", ErrorCode::SourceNotFound, "does not exist; check the address"),
    (
        "No space left on device",
        ErrorCode::StoreWrite,
        "does not fit on the disk; free space or set spool_dir to another folder",
    ),
    (
        "Requested format is not available",
        ErrorCode::SourceUnsupported,
        "has no format that can be read",
    ),
    (
        "ffmpeg is not installed",
        ErrorCode::SetupMissingProgram,
        "needs ffmpeg on PATH to combine picture and sound",
    ),
];

/// A fetched video.
#[derive(Debug)]
pub(super) struct FetchedVideo {
    pub(super) path: TempPath,
    /// Its captions and what its page says, named after it.
    pub(super) beside: Vec<TempPath>,
    pub(super) bytes: u64,
    /// Its space in the spool.
    pub(super) room: Reservation,
}

/// The fetch of one video.
#[derive(Debug, Clone, Copy)]
pub(super) struct YtDlpFetch<'a> {
    pub(super) config: &'a YtDlpConfig,
    pub(super) program: &'a Path,
    pub(super) id: &'a str,
    /// The address, built from the id.
    pub(super) url: &'a str,
}

impl YtDlpFetch<'_> {
    /// Runs yt-dlp.
    pub(super) async fn run(self, spool: &Spool) -> Result<FetchedVideo> {
        let mut room = spool.reserve(None).await?;
        let outer = spool.folder().await?;
        let folder = tempfile::Builder::new().prefix("ytdlp-").tempdir_in(outer);
        let folder = folder.map_err(|e| self.cannot_write(&e))?;
        let mut running = self.start(folder.path(), self.video_arguments())?;
        let (status, said) = tokio::time::timeout(
            self.config.timeout,
            self.watch(&mut running, folder.path(), &mut room),
        )
        .await
        .map_err(|_| self.too_slow())??;
        drop(running);
        match complete(folder.path()).await {
            Some((path, bytes)) if status.success() && bytes > 0 => {
                if bytes > self.config.max_bytes {
                    return Err(self.too_large());
                }
                room.grow_to(bytes, true).await?;
                // The temporary folder is removed.
                let kept = outer.join(format!("fetch-{}", unique_name(folder.path())));
                tokio::fs::rename(path, &kept).await.map_err(|e| self.cannot_write(&e))?;
                let path = TempPath::try_from_path(kept).map_err(|e| self.cannot_write(&e))?;
                let beside = self.beside(folder.path(), &path).await?;
                Ok(FetchedVideo { path, beside, bytes, room })
            }
            _ => Err(self.failed(status, &said)),
        }
    }

    /// Runs yt-dlp in `folder` to its end; returns what it said.
    pub(super) async fn say(
        self,
        folder: &Path,
        arguments: Vec<OsString>,
    ) -> Result<(ExitStatus, String)> {
        let mut running = self.start(folder, arguments)?;
        let (out, err) = (running.0.stdout.take(), running.0.stderr.take());
        let (status, out, err) = tokio::join!(running.0.wait(), tail(out), tail(err));
        Ok((status.map_err(|e| cannot_wait(&e))?, format!("{out}\n{err}")))
    }

    fn video_arguments(&self) -> Vec<OsString> {
        let YtDlpConfig { max_bytes, max_height: height, .. } = self.config;
        let max_bytes = max_bytes.to_string();
        let format = format!("bv*[height<={height}]+ba/b[height<={height}]/b");
        let output = format!("{NAME}.%(ext)s");
        let args: [&[&str]; 4] = [
            &["--no-playlist", "--max-filesize", &max_bytes, "--no-mtime"],
            &["--write-info-json", "--fragment-retries", "3"],
            &["--match-filter", "!is_live & !is_upcoming", "--format", &format],
            &["--merge-output-format", "mp4/mkv", "-o", &output, "--", self.url],
        ];
        args.concat().iter().map(OsString::from).collect()
    }

    fn start(&self, folder: &Path, arguments: Vec<OsString>) -> Result<YtDlpProcess> {
        let mut command = Command::new(self.program);
        if self.config.sandbox == SandboxMode::On {
            let mut sandbox = Sandbox::fetching(self.program);
            sandbox.write(folder).confine(command.as_std_mut())?;
        }
        let child = command
            .args(COMMON)
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder)
            .env("TMPDIR", folder)
            .env("YTDLP_NO_PLUGINS", "1")
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        child.map(YtDlpProcess).map_err(|cause| {
            Error::new(
                ErrorCode::SetupMissingProgram,
                format!("yt-dlp cannot be started ({}); check that it is installed", cause.kind()),
            )
            .with_source(cause)
        })
    }

    /// Waits for the end, and enforces the size limit meanwhile.
    async fn watch(
        &self,
        running: &mut YtDlpProcess,
        folder: &Path,
        room: &mut Reservation,
    ) -> Result<(ExitStatus, String)> {
        let (out, err) = (running.0.stdout.take(), running.0.stderr.take());
        let said = async { tokio::join!(tail(out), tail(err)) };
        let ended = async { (running.0.wait().await, said.await) };
        tokio::pin!(ended);
        loop {
            tokio::select! {
                (status, (out, err)) = &mut ended => {
                    let status = status.map_err(|e| cannot_wait(&e))?;
                    return Ok((status, format!("{out}\n{err}")));
                }
                () = tokio::time::sleep(LOOK) => {
                    // The limit of yt-dlp does not cover videos in parts.
                    let bytes = size(folder).await;
                    if bytes > self.config.max_bytes {
                        return Err(self.too_large());
                    }
                    room.grow_to(bytes, false).await?;
                }
            }
        }
    }

    fn error(&self, code: ErrorCode, what: &str) -> Error {
        Error::new(code, format!("the YouTube video {} {what}", self.id))
    }

    fn too_large(&self) -> Error {
        let gb = self.config.max_bytes as f64 / 1e9;
        self.error(
            ErrorCode::SourceTooLarge,
            &format!("is larger than {gb} GB; raise max_source_gb"),
        )
    }

    fn too_slow(&self) -> Error {
        let seconds = self.config.timeout.as_secs_f64();
        let what = format!("was not fetched within {seconds} s; raise timeout");
        self.error(ErrorCode::SourceUnreachable, &what)
    }

    fn cannot_write(&self, cause: &io::Error) -> Error {
        self.error(ErrorCode::StoreWrite, &format!("cannot be written ({cause}); see spool_dir"))
    }

    fn failed(&self, status: ExitStatus, said: &str) -> Error {
        tracing::debug!(id = self.id, %status, said, "yt-dlp fetched no file");
        if let Some((_, code, what)) = PHRASES.iter().find(|(phrase, ..)| said.contains(phrase)) {
            return self.error(*code, what);
        }
        let quote = quoted_error(said);
        self.error(
            ErrorCode::SourceUnreachable,
            &format!("was not fetched (yt-dlp: {quote}); run again later, or with a newer yt-dlp"),
        )
    }
}

/// The last error that yt-dlp named, to be quoted.
pub(super) fn quoted_error(said: &str) -> String {
    let last = said.lines().rev().map(str::trim).find(|line| line.starts_with("ERROR"));
    last.unwrap_or("no reason given").chars().take(200).collect()
}

fn cannot_wait(cause: &io::Error) -> Error {
    Error::new(ErrorCode::Internal, format!("yt-dlp could not be waited for ({cause})"))
}

/// A process with its children, which are killed when this is dropped.
#[derive(Debug)]
struct YtDlpProcess(Child);

impl Drop for YtDlpProcess {
    fn drop(&mut self) {
        // Without an id it has been reaped, and the number may belong to another process.
        if let Some(id) = self.0.id().and_then(|id| i32::try_from(id).ok()) {
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
    }
}

/// The last bytes of a pipe.
async fn tail(pipe: Option<impl AsyncRead + Unpin>) -> String {
    let (mut tail, mut chunk) = (vec![], [0_u8; 4096]);
    let Some(mut pipe) = pipe else { return String::new() };
    while let Ok(read @ 1..) = pipe.read(&mut chunk).await {
        tail.extend_from_slice(chunk.get(..read).unwrap_or_default());
        if tail.len() > TAIL_BYTES {
            tail.drain(..tail.len() - TAIL_BYTES);
        }
    }
    String::from_utf8_lossy(&tail).into_owned()
}

/// Total size of the files in a folder.
async fn size(folder: &Path) -> u64 {
    files(folder).await.iter().map(|(_, bytes)| bytes).sum()
}

/// The finished file, not one that is still being written or merged.
async fn complete(folder: &Path) -> Option<(PathBuf, u64)> {
    files(folder).await.into_iter().find(|(path, _)| {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let mut parts = name.split('.');
        parts.next() == Some(NAME)
            && parts.next().is_some_and(|ext| !matches!(ext, "part" | "ytdl" | "temp"))
            && parts.next().is_none()
    })
}

/// The regular files in a folder, with their sizes.
pub(super) async fn files(folder: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = vec![];
    let Ok(mut entries) = tokio::fs::read_dir(folder).await else { return found };
    while let Ok(Some(entry)) = entries.next_entry().await {
        // Metadata of the entry itself: links are not followed.
        if let Ok(facts) = tokio::fs::symlink_metadata(entry.path()).await
            && facts.is_file()
        {
            found.push((entry.path(), facts.len()));
        }
    }
    found
}

/// The unique name of a temporary folder.
fn unique_name(folder: &Path) -> String {
    folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}
