//! The listing of decoded frames or packets that ffmpeg writes beside the clips.

use std::io::{BufRead, BufReader, Read};

/// PTS of one pass's frames in presentation order, in ticks of the pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FrameLog {
    pub(crate) frames: Vec<i64>,
    /// When the last of them goes, if it says how long it lasts; else 0.
    pub(crate) end: i64,
}

impl FrameLog {
    /// Reads ffmpeg's `framecrc` text as PTS of `ticks` per second.
    ///
    /// `seen` receives each PTS and returns whether to continue.
    pub(crate) fn read(from: impl Read, ticks: i64, mut seen: impl FnMut(i64) -> bool) -> Self {
        let mut log = Self::lines(from, ticks, &mut seen);
        // Packets come in decoding order.
        log.frames.sort_unstable();
        log
    }

    fn lines(from: impl Read, ticks: i64, seen: &mut impl FnMut(i64) -> bool) -> Self {
        let (mut log, mut clock) = (Self::default(), (1, ticks));
        let mut lines = BufReader::new(from);
        let mut line = Vec::new();
        loop {
            line.clear();
            // A broken pipe shows in the exit status; here it just ends the listing.
            if !matches!(lines.read_until(b'\n', &mut line), Ok(read) if read > 0) {
                return log;
            }
            clock = time_base(&line).unwrap_or(clock);
            if let Some((pts, duration)) = parse(&line) {
                let ends = rescale(pts.saturating_add(duration), clock, ticks);
                let pts = rescale(pts, clock, ticks);
                log.end = if duration > 0 { log.end.max(ends) } else { log.end };
                log.frames.push(pts);
                if !seen(pts) {
                    return log;
                }
            }
        }
    }

    /// The frames in `[from, until)`.
    pub(crate) fn within(&self, from: i64, until: i64) -> &[i64] {
        let first = self.frames.partition_point(|pts| *pts < from);
        let last = self.frames.partition_point(|pts| *pts < until).max(first);
        &self.frames[first..last]
    }
}

/// The time base in a line `#tb 0: 1/25`.
fn time_base(line: &[u8]) -> Option<(i64, i64)> {
    let (num, den) = std::str::from_utf8(line).ok()?.strip_prefix("#tb 0:")?.split_once('/')?;
    let (num, den) = (num.trim().parse().ok()?, den.trim().parse().ok()?);
    (num > 0 && den > 0).then_some((num, den))
}

fn rescale(pts: i64, (num, den): (i64, i64), ticks: i64) -> i64 {
    if num * ticks == den {
        return pts;
    }
    (pts as f64 * num as f64 * ticks as f64 / den as f64).round() as i64
}

/// PTS and duration in a line `stream, dts, pts, duration, size, checksum`; the DTS if it has no PTS.
fn parse(line: &[u8]) -> Option<(i64, i64)> {
    if line.first() == Some(&b'#') {
        return None;
    }
    let text = std::str::from_utf8(line).ok()?;
    let mut fields = text.split(',').skip(1).map(str::trim);
    let (dts, pts) = (fields.next()?, fields.next()?);
    let pts = pts.parse().or_else(|_| dts.parse()).ok()?;
    Some((pts, fields.next().and_then(|text| text.parse().ok()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "#software: x\n#tb 0: 1/12800\n0,  1, 10, 512, 472, 0x1\n\
                        0, 2, 20, 512, 472, 0x2\n0, 3, 31, 512, 472, 0x3\nbroken\n0, 4, 40";

    #[test]
    fn headers_and_broken_lines_are_skipped() {
        let log = FrameLog::read(TEXT.as_bytes(), 12_800, |_| true);
        assert_eq!(log.frames, [10, 20, 31, 40]);
    }

    #[test]
    fn packets_are_put_in_order_on_the_clips_clock() {
        let text = "#tb 0: 1/25\n0, 0, 2, 1, 9, 0x1\n0, 1, 4, 1, 9, 0x2\n0, 3, NOPTS, 1, 9, 0x3\n";
        let log = FrameLog::read(text.as_bytes(), 10_000, |_| true);
        assert_eq!(log.frames, [800, 1200, 1600]);
    }

    #[test]
    fn the_reader_may_stop() {
        let log = FrameLog::read(TEXT.as_bytes(), 12_800, |pts| pts < 20);
        assert_eq!(log.frames, [10, 20]);
    }

    #[test]
    fn the_end_is_exclusive() {
        let log = FrameLog { frames: vec![10, 20, 31, 40], end: 0 };
        assert_eq!(log.within(20, 40), [20, 31]);
        assert_eq!(log.within(0, 10), [0; 0]);
        assert_eq!(log.within(40, 20), [0; 0]);
    }
}
