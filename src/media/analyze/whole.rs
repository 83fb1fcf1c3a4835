//! What of a file is not read: further recordings in an Ogg file, and what is missing at the end of one cut short.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use crate::media::sniff::Demuxer;

/// Seconds, and share of the duration, by which pictures may end before the file says that they do.
const SHORT: (f64, f64) = (1.0, 0.02);
/// The same in seconds where the decoder complained.
const SHORT_IF_DAMAGED: f64 = 0.1;
/// Marks the first page of a stream of Ogg.
const BEGINS: u8 = 2;
/// Length of a page's header without its table of segments.
const HEADER: usize = 27;

/// What of the file at `path` is not read, as a sentence; `None` where all is. `stated` is how long it says that it lasts,
/// `end` how much of it was decoded, in seconds; `is_damaged`: the decoder complained.
pub(super) fn note(
    path: &Path,
    demuxer: Demuxer,
    (stated, end): (f64, f64),
    is_damaged: bool,
) -> Option<String> {
    if demuxer == Demuxer::Ogg {
        let more = recordings(path).saturating_sub(1);
        if more > 0 {
            let what = if more == 1 { "a second recording" } else { "further recordings" };
            return Some(format!(
                "{what} behind the first in the same file is not read; split the file (oggz-chop, or ffmpeg per part)"
            ));
        }
    }
    let most = if is_damaged { SHORT_IF_DAMAGED } else { SHORT.0.max(SHORT.1 * stated) };
    (stated - end > most).then(|| {
        format!(
            "the file says that it lasts {stated:.1} s, but what can be read ends at {end:.1} s; it may be cut short: fetch it again"
        )
    })
}

/// Number of recordings one behind the other in an Ogg file: groups of first pages.
fn recordings(path: &Path) -> usize {
    let Ok(file) = File::open(path) else { return 1 };
    let mut file = BufReader::with_capacity(1 << 20, file);
    let (mut count, mut before_was_first) = (0, false);
    let mut header = [0; HEADER];
    while file.read_exact(&mut header).is_ok() && header.starts_with(b"OggS") {
        let mut segments = vec![0; usize::from(header[HEADER - 1])];
        if file.read_exact(&mut segments).is_err() {
            break;
        }
        let is_first = header[5] & BEGINS != 0;
        count += usize::from(is_first && !before_was_first);
        before_was_first = is_first;
        let body: i64 = segments.iter().map(|length| i64::from(*length)).sum();
        if file.seek_relative(body).is_err() {
            break;
        }
    }
    count.max(1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn page(flags: u8) -> Vec<u8> {
        let mut page = b"OggS\0".to_vec();
        page.push(flags);
        page.resize(HEADER - 1, 0);
        page.extend([2, 200, 3]);
        page.resize(HEADER + 2 + 203, 7);
        page
    }

    #[test]
    fn recordings_behind_each_other_and_missing_ends_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ogv");
        let one: Vec<u8> = [2, 2, 0, 0, 4].into_iter().flat_map(page).collect();
        std::fs::write(&path, &one).unwrap();
        assert_eq!((recordings(&path), note(&path, Demuxer::Ogg, (0.0, 3.0), false)), (1, None));
        std::fs::write(&path, one.repeat(2)).unwrap();
        assert_eq!(recordings(&path), 2);
        assert!(
            note(&path, Demuxer::Ogg, (0.0, 3.0), false).unwrap().starts_with("a second recording")
        );
        assert_eq!(note(&path, Demuxer::Mov, (10.0, 9.5), false), None);
        assert_eq!(note(&path, Demuxer::Mov, (100.5, 99.0), false), None);
        let short = note(&path, Demuxer::Mov, (10.0, 4.0), false).unwrap();
        assert!(
            short.starts_with(
                "the file says that it lasts 10.0 s, but what can be read ends at 4.0 s"
            )
        );
    }
}
