//! How much of large results a page holds.

/// Most requests listed.
pub(super) const MOST_REQUESTS: i64 = 5_000;
/// Most sources with a timeline.
pub(super) const MOST_SOURCES: i64 = 1_000;
/// Most clips listed.
pub(super) const MOST_CLIPS: i64 = 5_000;
/// Most variants listed.
pub(super) const MOST_VARIANTS: i64 = 10_000;
/// Most media files listed.
pub(super) const MOST_FILES: i64 = 15_000;
/// Windows of all requests together that are shown beside the chosen ones.
const ALL_WINDOWS: i64 = 24_000;
/// Buckets of the signals of all sources together.
const ALL_BUCKETS: i64 = 120_000;
/// Shots of all sources together.
const ALL_SHOTS: i64 = 60_000;
/// Caption lines of all sources together.
const ALL_CUES: i64 = 40_000;
/// Windows of a request, by rank, whose score is taken apart; the chosen ones are in any case.
pub(super) const EXPLAINED_WINDOWS: i64 = 20;

/// How much of each source or request is shown, so that all together stay within the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shares {
    /// Windows of a request.
    pub windows: i64,
    /// Buckets of a source's signals.
    pub buckets: i64,
    /// Shots of a source.
    pub shots: i64,
    /// Caption lines of a source.
    pub cues: i64,
}

impl Shares {
    /// For so many requests and sources.
    pub(super) fn new(requests: i64, sources: i64) -> Self {
        let sources = sources.clamp(1, MOST_SOURCES);
        Self {
            windows: (ALL_WINDOWS / requests.max(1)).max(10),
            buckets: (ALL_BUCKETS / sources).clamp(100, 1200),
            shots: ALL_SHOTS / sources,
            cues: ALL_CUES / sources,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_is_shown_in_full_and_many_share() {
        let one = Shares::new(1, 1);
        assert_eq!((one.windows, one.buckets, one.shots), (24_000, 1200, 60_000));
        let many = Shares::new(1_000_000, 1_000_000);
        assert_eq!((many.windows, many.buckets, many.shots, many.cues), (10, 120, 60, 40));
        assert_eq!(Shares::new(0, 0), one);
    }
}
