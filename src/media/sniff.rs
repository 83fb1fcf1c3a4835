//! Chooses the demuxer of a file by its first bytes.
//!
//! Name and extension are ignored: the content decides, and only files that are recognised here are ever
//! given to ffmpeg.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{Error, ErrorCode, Result};

/// Number of bytes examined: enough for five MPEG-TS packets from any phase.
const HEAD_BYTES: u64 = 4096;

/// The demuxers that may open a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Demuxer {
    /// MP4, QuickTime, 3GP.
    Mov,
    /// Matroska and WebM.
    Matroska,
    /// AVI.
    Avi,
    /// MPEG transport stream, M2TS included.
    MpegTs,
    /// MPEG program stream (`.mpg`, `.vob`).
    Mpeg,
    /// Flash video.
    Flv,
    /// Ogg.
    Ogg,
    /// ASF (`.wmv`, `.wma`).
    Asf,
    /// MXF.
    Mxf,
    /// Animated GIF.
    Gif,
    /// MPEG audio.
    Mp3,
    /// RIFF wave audio.
    Wav,
    /// FLAC audio.
    Flac,
    /// AAC audio in ADTS frames.
    Aac,
}

impl Demuxer {
    /// The name in ffmpeg (`-f`), which is also the `container` column.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mov => "mov",
            Self::Matroska => "matroska",
            Self::Avi => "avi",
            Self::MpegTs => "mpegts",
            Self::Mpeg => "mpeg",
            Self::Flv => "flv",
            Self::Ogg => "ogg",
            Self::Asf => "asf",
            Self::Mxf => "mxf",
            Self::Gif => "gif",
            Self::Mp3 => "mp3",
            Self::Wav => "wav",
            Self::Flac => "flac",
            Self::Aac => "aac",
        }
    }
}

/// Returns the demuxer for the file at `path`, and the file's size in bytes.
///
/// # Errors
/// [`ErrorCode::SourceNotFound`], [`ErrorCode::SourceForbidden`] (permissions),
/// [`ErrorCode::SourceTruncated`] (empty), [`ErrorCode::SourceBlocked`] (playlists, which name
/// other files), [`ErrorCode::MediaNoVideo`] (unsupported audio) and
/// [`ErrorCode::SourceUnsupported`] (folders, devices, text, still images, anything else).
pub fn sniff(path: &Path) -> Result<(Demuxer, u64)> {
    let facts = std::fs::metadata(path).map_err(unreadable)?;
    if facts.is_dir() {
        return Err(unsupported("the source is a folder; name a video file"));
    }
    // A pipe or device could block forever or never end.
    if !facts.is_file() {
        return Err(unsupported("the source is not a regular file; name a video file"));
    }
    let mut head = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(HEAD_BYTES).read_to_end(&mut head).map_err(unreadable)?;
    Ok((recognise(&head)?, facts.len()))
}

/// Returns the demuxer for a file that starts with `head` (its first 4 KiB, or all of it).
///
/// # Errors
/// As [`sniff`].
pub fn recognise(head: &[u8]) -> Result<Demuxer> {
    if head.is_empty() {
        return Err(Error::new(
            ErrorCode::SourceTruncated,
            "the source is empty (0 bytes); fetch or export it again",
        ));
    }
    refuse_images(head)?;
    if let Some(demuxer) = container(head).or_else(|| mpeg_stream(head)) {
        return Ok(demuxer);
    }
    refuse_audio(head)?;
    refuse_text(head)?;
    if head.iter().all(|byte| *byte == 0) {
        return Err(Error::new(
            ErrorCode::MediaCorrupt,
            "the source begins with zeros only, as after a broken download; fetch it again",
        ));
    }
    Err(unsupported(
        "the source is not a video container that clipflow knows; convert it to MP4 or Matroska",
    ))
}

/// Containers with a fixed signature at the start.
fn container(head: &[u8]) -> Option<Demuxer> {
    const MXF: &[u8] = &[0x06, 0x0e, 0x2b, 0x34, 0x02, 0x05, 0x01, 0x01, 0x0d, 0x01, 0x02];
    const ASF: &[u8] = &[0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11];
    const BOXES: [&[u8; 4]; 10] =
        [b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"sidx", b"moof"];
    let kind = head.get(4..8).unwrap_or_default();
    let form = head.get(8..12).unwrap_or_default();
    let riff = head.starts_with(b"RIFF");
    Some(match head {
        _ if BOXES.iter().any(|name| kind == name.as_slice()) => Demuxer::Mov,
        _ if head.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]) => Demuxer::Matroska,
        _ if riff && (form == b"AVI " || form == b"AVIX") => Demuxer::Avi,
        _ if (riff || head.starts_with(b"RF64")) && form == b"WAVE" => Demuxer::Wav,
        _ if head.starts_with(&[0, 0, 1, 0xba]) => Demuxer::Mpeg,
        _ if head.starts_with(b"FLV\x01") => Demuxer::Flv,
        _ if head.starts_with(b"OggS") => Demuxer::Ogg,
        _ if head.starts_with(ASF) => Demuxer::Asf,
        _ if head.starts_with(MXF) => Demuxer::Mxf,
        _ if head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a") => Demuxer::Gif,
        _ if head.starts_with(b"fLaC") => Demuxer::Flac,
        _ if head.starts_with(b"ID3") => Demuxer::Mp3,
        _ => return None,
    })
}

/// Streams that repeat a sync mark.
fn mpeg_stream(head: &[u8]) -> Option<Demuxer> {
    // Plain; with a 4-byte arrival time in front (M2TS); with 16 bytes of error correction.
    for size in [188_usize, 192, 204] {
        let packets = 5.min(head.len() / size).max(1);
        let phase = |first: &usize| {
            (0..packets).all(|packet| head.get(first + packet * size) == Some(&0x47))
        };
        if head.len() >= 2 * size && (0..size).any(|first| phase(&first)) {
            return Some(Demuxer::MpegTs);
        }
    }
    let (first, second, third) = (*head.first()?, *head.get(1)?, *head.get(2)?);
    if first != 0xff || second & 0xe0 != 0xe0 {
        return None;
    }
    match (second >> 1) & 3 {
        // ADTS has a 12-bit mark and the layer bits 00.
        0 if second & 0xf0 == 0xf0 => Some(Demuxer::Aac),
        // MPEG audio: version and bit rate must not be the reserved ones.
        1..=3 if (second >> 3) & 3 != 1 && third >> 4 != 15 => Some(Demuxer::Mp3),
        _ => None,
    }
}

fn refuse_images(head: &[u8]) -> Result<()> {
    const STARTS: [&[u8]; 7] = [
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"BM",
        b"II*\0",
        b"MM\0*",
        b"8BPS",
        b"\0\0\0\x0cJXL ",
    ];
    const BRANDS: [&[u8; 4]; 7] = [b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif", b"avis"];
    let webp = head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP");
    let brand = head.get(8..12).unwrap_or_default();
    let heif = head.get(4..8) == Some(b"ftyp") && BRANDS.iter().any(|b| brand == b.as_slice());
    if webp || heif || STARTS.iter().any(|start| head.starts_with(start)) {
        return Err(unsupported("the source is a still image; name a video file"));
    }
    Ok(())
}

fn refuse_audio(head: &[u8]) -> Result<()> {
    let aiff = head.starts_with(b"FORM") && head.get(8..11) == Some(b"AIF");
    let starts: [&[u8]; 5] = [b"caff", b"#!AMR", b"\x0b\x77", b"MThd", b"wvpk"];
    if aiff || starts.iter().any(|start| head.starts_with(start)) {
        return Err(Error::new(
            ErrorCode::MediaNoVideo,
            "the source is an audio file; clips need a source with a moving picture",
        ));
    }
    Ok(())
}

fn refuse_text(head: &[u8]) -> Result<()> {
    let wide = head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]);
    if !wide && !is_text(head) {
        return Ok(());
    }
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let playlist = ["#EXTM3U", "ffconcat", "[playlist]", "<MPD", "<smil"];
    if playlist.iter().any(|mark| text.starts_with(mark)) || text.contains("<MPD") {
        return Err(Error::new(
            ErrorCode::SourceBlocked,
            "the source is a playlist, which could open other files; name the video file itself",
        ));
    }
    let page = text.get(..200.min(text.len())).unwrap_or(text).to_ascii_lowercase();
    if page.contains("<html") || page.contains("<!doctype html") {
        return Err(unsupported(
            "the source is a web page, not a video; the link may need a login or lead to a player",
        ));
    }
    Err(unsupported("the source is a text file, not a video; name the video itself"))
}

/// Whether `head` is UTF-8 (its last character may be cut) without control characters.
fn is_text(head: &[u8]) -> bool {
    let valid = match std::str::from_utf8(head) {
        Ok(_) => head.len(),
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Err(_) => return false,
    };
    let control = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c);
    valid > 0 && !head.iter().any(control)
}

fn unsupported(message: &str) -> Error {
    Error::new(ErrorCode::SourceUnsupported, message)
}

fn unreadable(cause: std::io::Error) -> Error {
    use std::io::ErrorKind;
    let (code, message) = match cause.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            (ErrorCode::SourceNotFound, "the source does not exist; check its path".to_owned())
        }
        ErrorKind::PermissionDenied => (
            ErrorCode::SourceForbidden,
            "the source may not be read; check its permissions".to_owned(),
        ),
        kind => (ErrorCode::SourceUnreachable, format!("the source cannot be read: {kind}")),
    };
    Error::new(code, message).with_source(cause)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn marks_name_their_demuxer() {
        let mut ts = vec![0_u8; 1000];
        ts.iter_mut().skip(7).step_by(188).for_each(|byte| *byte = 0x47);
        let mut m2ts = vec![1_u8; 1000];
        m2ts.iter_mut().skip(4).step_by(192).for_each(|byte| *byte = 0x47);
        for (head, demuxer) in [
            (b"\0\0\0\x18ftypisom".to_vec(), Demuxer::Mov),
            (b"\0\0\0\x08wide\0\0\0\0mdat".to_vec(), Demuxer::Mov),
            (b"\x1a\x45\xdf\xa3\x01".to_vec(), Demuxer::Matroska),
            (b"RIFF\0\0\0\0AVI LIST".to_vec(), Demuxer::Avi),
            (b"RIFF\0\0\0\0WAVEfmt ".to_vec(), Demuxer::Wav),
            (b"\0\0\x01\xba\x44".to_vec(), Demuxer::Mpeg),
            (b"FLV\x01\x05".to_vec(), Demuxer::Flv),
            (b"OggS\0".to_vec(), Demuxer::Ogg),
            (b"GIF89a".to_vec(), Demuxer::Gif),
            (b"fLaC".to_vec(), Demuxer::Flac),
            (b"ID3\x04".to_vec(), Demuxer::Mp3),
            (vec![0xff, 0xfb, 0x90, 0x64], Demuxer::Mp3),
            (vec![0xff, 0xf1, 0x50, 0x80], Demuxer::Aac),
            (ts, Demuxer::MpegTs),
            (m2ts, Demuxer::MpegTs),
        ] {
            assert_eq!(recognise(&head).unwrap(), demuxer, "{:?}", &head[..4]);
        }
    }

    #[test]
    fn what_is_no_video_gets_its_code() {
        for (head, code) in [
            (&b""[..], ErrorCode::SourceTruncated),
            (b"hello, world\n", ErrorCode::SourceUnsupported),
            (b"#EXTM3U\n#EXT-X-VERSION:3\n", ErrorCode::SourceBlocked),
            (b"ffconcat version 1.0\nfile x\n", ErrorCode::SourceBlocked),
            (b"<?xml version='1.0'?>\n<MPD xmlns='x'>", ErrorCode::SourceBlocked),
            (b"<!DOCTYPE html><html>", ErrorCode::SourceUnsupported),
            (b"\x89PNG\r\n\x1a\n", ErrorCode::SourceUnsupported),
            (b"\xff\xd8\xff\xe0", ErrorCode::SourceUnsupported),
            (b"\0\0\0\x18ftypheic", ErrorCode::SourceUnsupported),
            (b"PK\x03\x04", ErrorCode::SourceUnsupported),
            (b"FORM\0\0\0\0AIFF", ErrorCode::MediaNoVideo),
            (&[0; 64], ErrorCode::MediaCorrupt),
        ] {
            assert_eq!(recognise(head).unwrap_err().code(), code, "{head:?}");
        }
    }

    #[test]
    fn folders_and_missing_files_have_codes() {
        let folder = tempfile::tempdir().unwrap();
        let code = |path: &Path| sniff(path).unwrap_err().code();
        assert_eq!(code(folder.path()), ErrorCode::SourceUnsupported);
        assert_eq!(code(&folder.path().join("no")), ErrorCode::SourceNotFound);
        assert_eq!(code(Path::new("/dev/null")), ErrorCode::SourceUnsupported);
        let file = folder.path().join("a.mp4");
        std::fs::write(&file, b"GIF89a").unwrap();
        assert_eq!(sniff(&file).unwrap(), (Demuxer::Gif, 6));
        assert_eq!(code(&file.join("below")), ErrorCode::SourceNotFound);
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(head in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let _ = recognise(&head);
        }

        #[test]
        fn words_are_never_a_video(text in "[a-z,. \n]{1,1500}") {
            prop_assert!(recognise(text.as_bytes()).is_err());
        }
    }
}
