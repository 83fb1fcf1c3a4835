//! One time line for sources whose clock jumps: joined recordings, restarts, wraps of 33 bits.
//!
//! Where the clock of a transport or program stream does not run on, a copy is made in which it does: the same packets, with time stamps
//! mapped piece by piece. All that reads the source reads that copy, so that its duration, its analysis, its clips
//! and its captions are on one clock. ffmpeg's own correction depends on the order in which its demuxer
//! gives packets away, and is not made at all where time stamps are kept.
//!
//! A clock that goes back, or on by more than nine seconds, has jumped; the piece after the jump follows the last
//! picture before it. Shorter gaps are gaps.

mod packets;
mod pieces;
mod program;

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::sniff::Demuxer;
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use packets::{PacketLayout, PacketStamps, SYNC, put_reference, put_stamp, stamps};
use pieces::{ClockFollower, PieceExtent, is_straight, map};

pub(crate) use pieces::MappedPiece;

/// Bytes per read.
const CHUNK: usize = 1 << 20;
/// Bytes by which the layout of packets is told.
const HEAD: u64 = 64 << 10;
/// Packets after which a cancellation is noticed.
const PACKETS_UNASKED: u32 = 1 << 16;
/// More pieces than this are damage, not recordings.
const MOST_PIECES: usize = 100_000;

/// A copy of a source with one clock; it is removed with the last reference to it.
#[derive(Debug)]
pub struct MendedFile {
    file: tempfile::NamedTempFile,
    pieces: Vec<MappedPiece>,
}

impl MendedFile {
    /// Where the copy is.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// When the source begins on its own clock, in seconds.
    pub(crate) fn start(&self) -> f64 {
        self.pieces.first().map_or(0.0, |piece| piece.on_file)
    }

    /// The pieces of the source, in order.
    pub(crate) fn pieces(&self) -> &[MappedPiece] {
        &self.pieces
    }
}

/// Two copies are as equal as their pieces.
impl PartialEq for MendedFile {
    fn eq(&self, other: &Self) -> bool {
        self.pieces == other.pieces
    }
}

/// Makes a copy of the file at `path` with one clock; `None` if its own is one.
///
/// # Errors
/// `store.write` if the copy cannot be written, `cancelled`. A file that cannot be read is left to its decoder.
pub(crate) fn mended(
    demuxer: Demuxer,
    path: &Path,
    cancel: &CancelToken,
) -> Result<Option<MendedFile>> {
    let kind = match demuxer {
        Demuxer::MpegTs => StreamKind::Transport,
        Demuxer::Mpeg => StreamKind::Program,
        _ => return Ok(None),
    };
    let (mut clock, mut pieces) = (ClockFollower::default(), Vec::<PieceExtent>::new());
    let mut highest = 0;
    let scanned = kind.each_packet(path, cancel, |packet| {
        let Some(PacketStamps { pid, frame: Some(frame), .. }) = kind.stamps(packet) else {
            return Ok(());
        };
        let (piece, ticks) = clock.follow(pid, &frame);
        if pieces.len() <= piece {
            pieces.resize(piece + 1, PieceExtent::default());
        }
        if let Some(extent) = pieces.get_mut(piece) {
            extent.add(&frame, ticks);
        }
        highest = highest.max(ticks);
        Ok(())
    });
    match scanned {
        Err(CopyFault::Stopped(error)) => return Err(error),
        Err(CopyFault::Disk(_)) => return Ok(None),
        Ok(()) => {}
    }
    if pieces.len() > MOST_PIECES {
        return Ok(None);
    }
    if is_straight(&pieces, highest) {
        return Ok(None);
    }
    let (offsets, mapped) = map(&pieces);
    let copy = tempfile::Builder::new().prefix("clipflow-").suffix(kind.suffix()).tempfile();
    let copy = copy.map_err(|cause| cannot_write(&std::env::temp_dir(), cause))?;
    write((kind, path), copy.as_file(), &offsets, cancel).map_err(|fault| match fault {
        CopyFault::Stopped(error) => error,
        CopyFault::Disk(cause) => cannot_write(copy.path(), cause),
    })?;
    Ok(Some(MendedFile { file: copy, pieces: mapped }))
}

/// The two forms of MPEG streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StreamKind {
    Transport,
    Program,
}

impl StreamKind {
    /// Gives every packet of a file to `handle`, and what is between packets, in order.
    fn each_packet(
        self,
        path: &Path,
        cancel: &CancelToken,
        handle: impl FnMut(&mut [u8]) -> std::io::Result<()>,
    ) -> std::result::Result<(), CopyFault> {
        match self {
            Self::Transport => each_packet(path, cancel, handle),
            Self::Program => program::each_packet(path, cancel, handle),
        }
    }

    fn stamps(self, packet: &[u8]) -> Option<PacketStamps> {
        match self {
            Self::Transport => stamps(packet),
            Self::Program => program::stamps(packet),
        }
    }

    fn put_reference(self, bytes: &mut [u8], value: i64) {
        match self {
            Self::Transport => put_reference(bytes, value),
            Self::Program => program::put_reference(bytes, value),
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Transport => ".ts",
            Self::Program => ".mpg",
        }
    }
}

/// What can go wrong with a copy.
enum CopyFault {
    /// The work was cancelled.
    Stopped(Error),
    /// The file cannot be read, or the copy not written.
    Disk(std::io::Error),
}

impl From<std::io::Error> for CopyFault {
    fn from(cause: std::io::Error) -> Self {
        Self::Disk(cause)
    }
}

/// Writes the copy: all bytes as they are, but time stamps with the offset of their piece.
fn write(
    (kind, path): (StreamKind, &Path),
    to: &File,
    offsets: &[i64],
    cancel: &CancelToken,
) -> std::result::Result<(), CopyFault> {
    let mut to = BufWriter::with_capacity(CHUNK, to);
    let (mut clock, mut reference) = (ClockFollower::default(), 0);
    let moved = |(piece, ticks): (usize, i64)| ticks + offsets.get(piece).copied().unwrap_or(0);
    kind.each_packet(path, cancel, |packet| {
        let Some(PacketStamps { pid, pcr, frame }) = kind.stamps(packet) else {
            return to.write_all(packet);
        };
        if let Some(frame) = frame {
            let at = moved(clock.follow(pid, &frame));
            let shown = at + pieces::distance(frame.decoded(), frame.pts);
            put_stamp(packet.get_mut(frame.at..).unwrap_or_default(), shown);
            if frame.dts.is_some() {
                put_stamp(packet.get_mut(frame.at + 5..).unwrap_or_default(), at);
            }
        }
        if let Some((at, raw)) = pcr {
            // One that comes before the first frame on its clock stands still until then.
            reference = clock.reference(raw).map_or(reference, moved).max(0);
            kind.put_reference(packet.get_mut(at..).unwrap_or_default(), reference);
        }
        to.write_all(packet)
    })?;
    Ok(to.flush()?)
}

/// [`StreamKind::each_packet`] of a transport stream.
fn each_packet(
    path: &Path,
    cancel: &CancelToken,
    mut handle: impl FnMut(&mut [u8]) -> std::io::Result<()>,
) -> std::result::Result<(), CopyFault> {
    let mut file = File::open(path)?;
    let mut head = Vec::new();
    (&mut file).take(HEAD).read_to_end(&mut head)?;
    let Some(layout) = PacketLayout::of(&head) else { return Ok(()) };
    file.seek(SeekFrom::Start(0))?;
    let mut file = BufReader::with_capacity(CHUNK, file);
    let mut before = vec![0; layout.first];
    file.read_exact(&mut before)?;
    handle(&mut before)?;
    let mut packet = vec![0; layout.stride];
    let (mut filled, mut count) = (0, 0_u32);
    loop {
        let read = file.read(packet.get_mut(filled..).unwrap_or_default())?;
        filled += read;
        if read == 0 {
            return Ok(handle(packet.get_mut(..filled).unwrap_or_default())?);
        }
        if filled < layout.stride {
            continue;
        }
        // What is lost or damaged is passed over up to what may be the next packet.
        let begins = packet.iter().position(|byte| *byte == SYNC).unwrap_or(layout.stride);
        let given = if begins == 0 { layout.stride } else { begins };
        handle(packet.get_mut(..given).unwrap_or_default())?;
        packet.copy_within(given.., 0);
        filled = layout.stride - given;
        count = count.wrapping_add(1);
        if count.is_multiple_of(PACKETS_UNASKED) {
            cancel.check().map_err(CopyFault::Stopped)?;
        }
    }
}

fn cannot_write(path: &Path, cause: std::io::Error) -> Error {
    let sentence = format!(
        "cannot write {} ({cause}), a copy of a recording whose clock jumps; make room there or set TMPDIR",
        path.display()
    );
    Error::new(ErrorCode::StoreWrite, sentence).with_source(cause)
}
