//! The list of decoded frames that ffmpeg writes beside the clips.

use std::io::{BufRead, BufReader, Read};

/// PTS of the frames of one pass in the order of presentation, in ticks of the pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FrameLog {
    pub(super) frames: Vec<i64>,
}

impl FrameLog {
    /// Reads ffmpeg's `framecrc` text to its end. `seen` is told of each frame and says whether
    /// to go on.
    pub(super) fn read(from: impl Read, mut seen: impl FnMut(i64) -> bool) -> Self {
        let mut log = Self::default();
        let mut lines = BufReader::new(from);
        let mut line = Vec::new();
        loop {
            line.clear();
            // A broken pipe shows in the process's status; here it is an end like any other.
            if !matches!(lines.read_until(b'\n', &mut line), Ok(read) if read > 0) {
                return log;
            }
            if let Some(pts) = parse(&line) {
                log.frames.push(pts);
                if !seen(pts) {
                    return log;
                }
            }
        }
    }

    /// The frames in `[from, until)`.
    pub(super) fn within(&self, from: i64, until: i64) -> &[i64] {
        let first = self.frames.partition_point(|pts| *pts < from);
        let last = self.frames.partition_point(|pts| *pts < until).max(first);
        &self.frames[first..last]
    }
}

/// The PTS in a line `stream, dts, pts, duration, size, checksum`.
fn parse(line: &[u8]) -> Option<i64> {
    if line.first() == Some(&b'#') {
        return None;
    }
    let text = std::str::from_utf8(line).ok()?;
    text.split(',').nth(2)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "#software: x\n#tb 0: 1/12800\n0,  1, 10, 512, 472, 0x1\n\
                        0, 2, 20, 512, 472, 0x2\n0, 3, 31, 512, 472, 0x3\nbroken\n0, 4, 40";

    #[test]
    fn headers_and_broken_lines_are_left_out() {
        let log = FrameLog::read(TEXT.as_bytes(), |_| true);
        assert_eq!(log.frames, [10, 20, 31, 40]);
    }

    #[test]
    fn the_reader_may_stop() {
        let log = FrameLog::read(TEXT.as_bytes(), |pts| pts < 20);
        assert_eq!(log.frames, [10, 20]);
    }

    #[test]
    fn the_end_is_exclusive() {
        let log = FrameLog { frames: vec![10, 20, 31, 40] };
        assert_eq!(log.within(20, 40), [20, 31]);
        assert_eq!(log.within(0, 10), [0; 0]);
        assert_eq!(log.within(40, 20), [0; 0]);
    }
}
