//! How a media process ended, and the error that it becomes.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use super::tools::MediaLimits;
use crate::error::{Error, ErrorCode, Result};

/// Longest quotation of a tool's message in an error, in characters.
const QUOTE_CHARS: usize = 200;

/// Why a process was ended from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// It was cancelled.
    Cancelled,
    /// Its timeout expired.
    Timeout,
}

impl StopReason {
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Cancelled => 1,
            Self::Timeout => 2,
        }
    }

    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Cancelled),
            2 => Some(Self::Timeout),
            _ => None,
        }
    }
}

/// A media process that has ended.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Exit status from the kernel.
    pub status: ExitStatus,
    /// The reason if it was ended from outside.
    pub(crate) stop: Option<StopReason>,
    /// The end of its standard error (at most 8 KiB).
    ///
    /// It may contain local paths: use it in logs, not in results.
    pub stderr: String,
    /// Wall time from start to end.
    pub elapsed: Duration,
    /// CPU seconds of all its threads.
    pub cpu: f64,
    pub(crate) args: Vec<OsString>,
    pub(crate) limits: MediaLimits,
}

/// Messages of the tools, with the error code and sentence that they become.
///
/// The first match counts; more specific ones come first.
const PHRASES: &[(&str, ErrorCode, &str)] = &[
    ("No space left on device", ErrorCode::StoreWrite, "the disk is full; make room and run again"),
    ("File too large", ErrorCode::MediaLimits, "the output would be larger than the limit"),
    ("exceeds max_streams", ErrorCode::MediaLimits, "the source has more streams than the limit"),
    (
        "exceeds specified max pixel count",
        ErrorCode::MediaLimits,
        "the source's picture is larger than the limit",
    ),
    (
        "Cannot allocate memory",
        ErrorCode::MediaLimits,
        "the source needs more memory than the limit",
    ),
    (
        "not on whitelist",
        ErrorCode::SourceUnsupported,
        "the source uses a codec that is not allowed",
    ),
    (
        "Decoder not found",
        ErrorCode::SourceUnsupported,
        "the source uses a codec that is not known",
    ),
    ("Unknown decoder", ErrorCode::SourceUnsupported, "the source uses a codec that is not known"),
    (
        "Decoder (codec none) not found",
        ErrorCode::SourceUnsupported,
        "the source uses a codec that is not known",
    ),
    (
        "moov atom not found",
        ErrorCode::SourceTruncated,
        "the source ends before its index (moov); fetch or export it again",
    ),
    (
        "Permission denied",
        ErrorCode::SourceForbidden,
        "the source may not be read; check its permissions",
    ),
    ("No such file or directory", ErrorCode::SourceNotFound, "the source is gone"),
    (
        "End of file",
        ErrorCode::SourceTruncated,
        "the source ends before its first picture; fetch or export it again",
    ),
    (
        "Invalid data found when processing input",
        ErrorCode::MediaCorrupt,
        "the source's data cannot be decoded; export it again",
    ),
];

impl Finished {
    /// Whether it exited by itself with status 0.
    pub fn success(&self) -> bool {
        self.stop.is_none() && self.status.success()
    }

    /// Returns `Ok` after a success, else the error it stands for.
    ///
    /// A failure that is not recognised gets the code `otherwise`.
    pub fn check(&self, otherwise: ErrorCode) -> Result<()> {
        match self.stop {
            Some(StopReason::Cancelled) => Err(Error::new(
                ErrorCode::Cancelled,
                "the run was stopped before this was done; run it again to go on",
            )),
            Some(StopReason::Timeout) => Err(Error::new(
                ErrorCode::MediaTimeout,
                format!(
                    "the media tool was ended after {} s; allow more time or shorten the source",
                    self.limits.timeout.as_secs()
                ),
            )),
            None if self.status.success() => Ok(()),
            None => Err(self.failure(otherwise)),
        }
    }

    /// What the process said that tells most, without local paths; empty when it said nothing.
    pub fn last_words(&self) -> String {
        const EMPTY_TALK: [&str; 4] =
            ["Conversion failed!", "Last message repeated", "Exiting", "Error marking filters"];
        let telling = self.stderr.lines().rev().map(str::trim).find(|line| {
            !line.is_empty() && !EMPTY_TALK.iter().any(|phrase| line.contains(phrase))
        });
        without_paths(telling.unwrap_or_default(), &self.args)
    }

    fn failure(&self, otherwise: ErrorCode) -> Error {
        // The kernel samples the CPU time that it charges against the limit, so on a busy machine the
        // process may have used a third less. ffmpeg exits with 255 after SIGXCPU.
        let used = self.cpu / self.limits.cpu_seconds.max(1) as f64;
        let out_of_cpu = self.status.signal() == Some(nix::libc::SIGXCPU)
            || (self.status.code() == Some(255) && used > 0.5)
            || used >= 1.0;
        if out_of_cpu {
            let message = format!(
                "the media tool used more than {} s of CPU time; allow more or shorten the source",
                self.limits.cpu_seconds
            );
            return Error::new(ErrorCode::MediaTimeout, message);
        }
        let words = self.last_words();
        let known = PHRASES.iter().find(|(phrase, ..)| self.stderr.contains(phrase));
        if let Some(signal) = self.status.signal() {
            if let Some((_, code @ ErrorCode::MediaLimits, sentence)) = known {
                return Error::new(*code, *sentence);
            }
            let message = format!(
                "the media tool crashed (signal {signal}) on this source; report it with the source"
            );
            return Error::new(ErrorCode::MediaCrashed, message).with_source(words);
        }
        if let Some((_, code, sentence)) = known {
            return Error::new(*code, *sentence).with_source(words);
        }
        let status = self.status.code().unwrap_or(-1);
        let message = if words.is_empty() {
            format!("the media tool failed with status {status} without a message")
        } else {
            format!("the media tool failed: {words}")
        };
        Error::new(otherwise, message)
    }
}

/// `line` without the tool's prefixes, and with each absolute path replaced by `FILE`.
fn without_paths(line: &str, args: &[OsString]) -> String {
    let mut text = line.to_owned();
    // Whole arguments first: a path may hold spaces.
    for arg in args {
        let arg = arg.to_string_lossy();
        let path = arg.strip_prefix("file:").unwrap_or(&arg);
        if path.starts_with('/') {
            text = text.replace(arg.as_ref(), "FILE").replace(path, "FILE");
        }
    }
    while let Some(rest) = text.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        text = rest.1.to_owned();
    }
    let words: Vec<&str> = text
        .split_whitespace()
        .map(|word| {
            let bare = word.trim_start_matches(['\'', '"', '(']);
            let bare = bare.strip_prefix("file:").unwrap_or(bare);
            if bare.starts_with('/') && bare.len() > 1 { "FILE" } else { word }
        })
        .collect();
    words.join(" ").chars().take(QUOTE_CHARS).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn finished(raw: i32, stderr: &str) -> Finished {
        Finished {
            status: ExitStatus::from_raw(raw),
            stop: None,
            stderr: stderr.into(),
            elapsed: Duration::ZERO,
            cpu: 0.0,
            args: vec!["-i".into(), "file:/tmp/my films/a.mp4".into()],
            limits: MediaLimits::default(),
        }
    }

    #[test]
    fn endings_become_codes() {
        let exit_1 = 1 << 8;
        for (raw, said, code) in [
            (exit_1, "Invalid data found when processing input", ErrorCode::MediaCorrupt),
            (exit_1, "x: Cannot allocate memory\nConversion failed!", ErrorCode::MediaLimits),
            (
                exit_1,
                "[h264 @ 0x1] Codec (h264) not on whitelist 'x'",
                ErrorCode::SourceUnsupported,
            ),
            (11, "", ErrorCode::MediaCrashed),
            (9, "", ErrorCode::MediaCrashed),
            (6, "Cannot allocate memory", ErrorCode::MediaLimits),
            (exit_1, "something new", ErrorCode::RenderFailed),
        ] {
            let error = finished(raw, said).check(ErrorCode::RenderFailed).unwrap_err();
            assert_eq!(error.code(), code, "{said}");
        }
        assert!(finished(0, "warning").check(ErrorCode::Internal).is_ok());
    }

    #[test]
    fn a_stop_from_outside_takes_precedence_over_the_status() {
        let mut ended = finished(9, "");
        ended.stop = Some(StopReason::Timeout);
        assert_eq!(ended.check(ErrorCode::Internal).unwrap_err().code(), ErrorCode::MediaTimeout);
        ended.stop = Some(StopReason::Cancelled);
        assert_eq!(ended.check(ErrorCode::Internal).unwrap_err().code(), ErrorCode::Cancelled);
    }

    #[test]
    fn sentences_hold_no_local_path() {
        for said in [
            "file:/tmp/my films/a.mp4: weird failure",
            "/tmp/my films/a.mp4: weird failure",
            "[mov,mp4 @ 0x55d] [h264 @ 0x1] cannot open '/etc/secret' weird failure\nConversion failed!",
        ] {
            let error = finished(256, said).check(ErrorCode::MediaCorrupt).unwrap_err();
            assert!(!error.message().contains("/tmp"), "{error}");
            assert!(!error.message().contains("/etc"), "{error}");
            assert!(!error.message().contains("0x"), "{error}");
            assert!(error.message().contains("weird failure"), "{error}");
        }
    }
}
