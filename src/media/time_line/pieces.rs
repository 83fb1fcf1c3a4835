//! Finds where the clock of a transport stream jumps, and maps its pieces to one time line.

use std::collections::HashMap;

use super::packets::{FrameStamps, StampKind, TICKS};

/// The clock wraps around after so many ticks.
const WRAP: i64 = 1 << 33;
/// A stream that goes back by more has begun anew, in ticks.
const BACK: i64 = 9_000;
/// A stream that goes on by more has jumped, in ticks. Below that it is a gap, in which the last picture stands.
const AHEAD: i64 = 9 * 90_000;
/// A stream that comes within this many ticks of a new clock goes with it.
const BESIDE: i64 = 2 * 90_000;
/// Where the time line begins, in ticks: room for what is decoded before the first picture is shown.
const ORIGIN: i64 = 90_000;

/// Follows the clock through a stream: tells which piece each time stamp belongs to, and its ticks without wraps.
#[derive(Debug, Default)]
pub(super) struct ClockFollower {
    /// The piece that began last.
    piece: usize,
    /// The last time stamp in each piece, in ticks.
    last: Vec<i64>,
    /// The piece and the last time stamp of each stream.
    streams: HashMap<u16, (usize, i64)>,
}

impl ClockFollower {
    /// The piece and the ticks of a frame's decoding time.
    pub(super) fn follow(&mut self, pid: u16, frame: &FrameStamps) -> (usize, i64) {
        let raw = frame.decoded();
        let Some(reference) = self.last.get(self.piece).copied() else {
            return self.begin(pid, raw);
        };
        let near = |from: i64| from + distance(from, raw);
        let own = self.streams.get(&pid).copied();
        let goes_on = own.filter(|(_, last)| (-BACK..=AHEAD).contains(&distance(*last, raw)));
        let here = distance(reference, raw).abs();
        let at = match (own, goes_on) {
            // What goes on on its own clock, unless it is on an old one and the new one is nearer.
            (_, Some((piece, last))) if piece == self.piece || here > BESIDE => (piece, near(last)),
            (Some((piece, _)), None) if piece == self.piece => return self.other(pid, frame),
            (_, Some((piece, last))) if frame.kind == StampKind::Other => (piece, near(last)),
            _ if here <= AHEAD => (self.piece, near(reference)),
            _ => return self.other(pid, frame),
        };
        self.note(pid, at)
    }

    /// A stamp that is on no known clock.
    fn other(&mut self, pid: u16, frame: &FrameStamps) -> (usize, i64) {
        if frame.kind == StampKind::Other {
            // Text and data begin no new clock.
            let reference = self.last.get(self.piece).copied().unwrap_or(0);
            return self.note(pid, (self.piece, reference));
        }
        self.piece += 1;
        self.begin(pid, frame.decoded())
    }

    fn begin(&mut self, pid: u16, ticks: i64) -> (usize, i64) {
        self.note(pid, (self.piece, ticks))
    }

    fn note(&mut self, pid: u16, (piece, ticks): (usize, i64)) -> (usize, i64) {
        if self.last.len() <= piece {
            self.last.resize(piece + 1, ticks);
        }
        self.last[piece] = ticks;
        self.streams.insert(pid, (piece, ticks));
        (piece, ticks)
    }

    /// The piece and the ticks of a clock reference; `None` if it is on no known clock.
    pub(super) fn reference(&self, raw: i64) -> Option<(usize, i64)> {
        let pieces = [Some(self.piece), self.piece.checked_sub(1)];
        pieces.into_iter().flatten().find_map(|piece| {
            let last = *self.last.get(piece)?;
            let off = distance(last, raw);
            (off.abs() <= AHEAD).then_some((piece, last + off))
        })
    }
}

/// Ticks from one time stamp to another, the shorter way around.
pub(super) fn distance(from: i64, to: i64) -> i64 {
    (to - from + WRAP / 2).rem_euclid(WRAP) - WRAP / 2
}

/// First and last presentation of one kind of stream in a piece.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Extent {
    first: i64,
    last: i64,
    before_last: i64,
}

impl Extent {
    fn add(known: &mut Option<Self>, at: i64) {
        let extent = known.get_or_insert(Self { first: at, last: at, before_last: at });
        extent.first = extent.first.min(at);
        if at > extent.last {
            extent.before_last = extent.last;
            extent.last = at;
        } else if at > extent.before_last && at < extent.last {
            extent.before_last = at;
        }
    }

    /// The end of the last frame, which lasts as long as the one before.
    fn end(self) -> i64 {
        self.last + (self.last - self.before_last).clamp(0, 90_000)
    }
}

/// What is in a piece, in ticks without wraps.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct PieceExtent {
    video: Option<Extent>,
    audio: Option<Extent>,
    /// The earliest decoding time.
    lowest: Option<i64>,
}

impl PieceExtent {
    pub(super) fn add(&mut self, frame: &FrameStamps, decoded: i64) {
        let shown = decoded + distance(frame.decoded(), frame.pts);
        match frame.kind {
            StampKind::Video => Extent::add(&mut self.video, shown),
            StampKind::Audio => Extent::add(&mut self.audio, shown),
            StampKind::Other => {}
        }
        let low = decoded.min(shown);
        self.lowest = Some(self.lowest.map_or(low, |lowest| lowest.min(low)));
    }

    fn start(&self) -> Option<i64> {
        self.video.or(self.audio).map(|extent| extent.first)
    }
}

/// A stretch of a source in which its clock runs on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct MappedPiece {
    /// When its first picture is shown on the file's own clock, in seconds.
    pub(crate) on_file: f64,
    /// The same on the one time line, in seconds.
    pub(crate) mapped: f64,
}

/// Ticks to add to each piece, so that it follows the one before; with its start on both clocks.
pub(super) fn map(pieces: &[PieceExtent]) -> (Vec<i64>, Vec<MappedPiece>) {
    let (mut ends, mut offsets) = ((None, None), Vec::with_capacity(pieces.len()));
    for piece in pieces {
        let after = |end: Option<i64>, own: Option<Extent>| Some(end? - own?.first);
        let offset = after(ends.0, piece.video)
            .or_else(|| after(ends.1, piece.audio))
            .or_else(|| offsets.last().copied())
            .unwrap_or(0);
        let end = |known: Option<i64>, own: Option<Extent>| {
            known.max(own.map(|extent| extent.end() + offset))
        };
        ends = (end(ends.0, piece.video), end(ends.1, piece.audio));
        offsets.push(offset);
    }
    let lowest =
        pieces.iter().zip(&offsets).filter_map(|(piece, offset)| Some(piece.lowest? + offset));
    let base = ORIGIN - lowest.min().unwrap_or(0);
    offsets.iter_mut().for_each(|offset| *offset += base);
    let seconds = |ticks: i64| ticks as f64 / TICKS;
    let mapped = pieces.iter().zip(&offsets).filter_map(|(piece, offset)| {
        let start = piece.start()?;
        let on_file = seconds(start.rem_euclid(WRAP));
        Some(MappedPiece { on_file, mapped: seconds(start + offset) })
    });
    let mapped = mapped.collect();
    (offsets, mapped)
}

/// Whether the clock of a file runs on without jump or wrap.
pub(super) fn is_straight(pieces: &[PieceExtent], highest: i64) -> bool {
    pieces.len() < 2 && highest < WRAP && pieces.iter().all(|p| p.lowest.is_none_or(|low| low >= 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: StampKind, pts: i64) -> FrameStamps {
        FrameStamps { kind, at: 0, pts: pts.rem_euclid(WRAP), dts: None }
    }

    /// The shown times of stamps (video on PID 1, audio on PID 2, text on 3; in tenths of a second), mapped.
    fn mapped(stamps: &[(u16, i64)]) -> (Vec<i64>, usize) {
        let kind = |pid| match pid {
            1 => StampKind::Video,
            2 => StampKind::Audio,
            _ => StampKind::Other,
        };
        let (mut clock, mut pieces, mut found) = (ClockFollower::default(), vec![], vec![]);
        for (pid, at) in stamps {
            let frame = frame(kind(*pid), at * 9_000);
            let (piece, ticks) = clock.follow(*pid, &frame);
            pieces.resize(pieces.len().max(piece + 1), PieceExtent::default());
            pieces[piece].add(&frame, ticks);
            found.push((piece, ticks));
        }
        let (offsets, _) = map(&pieces);
        let at = |(piece, ticks): &(usize, i64)| (ticks + offsets[*piece] - ORIGIN) / 9_000;
        (found.iter().map(at).collect(), pieces.len())
    }

    #[test]
    fn a_restart_follows_what_was_before() {
        let stamps =
            [(1, 0), (2, 0), (1, 1), (2, 1), (1, 2), (1, 3), (2, 3), (1, 0), (2, 0), (1, 1)];
        assert_eq!(mapped(&stamps), (vec![0, 0, 1, 1, 2, 3, 3, 4, 4, 5], 2));
    }

    #[test]
    fn a_jump_is_closed_and_a_gap_stays() {
        let stamps =
            [(1, 0), (2, 0), (1, 1), (1, 51), (2, 51), (1, 50_000), (2, 50_000), (1, 50_001)];
        let (found, pieces) = mapped(&stamps);
        assert_eq!((&found[..5], pieces), (&[0, 0, 1, 51, 51][..], 2));
        assert_eq!(found[5..], [61, 61, 62], "the last frame lasts a second at the most");
    }

    #[test]
    fn a_wrap_is_no_jump() {
        let end = WRAP / 9_000;
        let stamps = [(1, end - 1), (2, end - 1), (1, end), (2, end), (1, end + 1), (2, end + 1)];
        assert_eq!(mapped(&stamps), (vec![0, 0, 1, 1, 2, 2], 1));
    }

    #[test]
    fn sound_of_the_old_clock_stays_on_it() {
        let stamps =
            [(1, 500), (2, 500), (1, 501), (1, 0), (2, 501), (1, 1), (2, 0), (2, 1), (3, 1)];
        let (found, pieces) = mapped(&stamps);
        assert_eq!((found, pieces), (vec![0, 0, 1, 2, 1, 3, 2, 3, 3], 2));
    }
}
