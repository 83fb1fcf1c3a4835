//! What is measured in a window, in constant time a window: integrals over time by prefix sums,
//! the loudest moment by a sparse table.

use super::columns::SourceColumns;
use super::track::Track;

/// Number of the sum behind those of the tracks: the time in which sound was measured.
const HEARD: usize = Track::COUNT;
/// Number of sums.
const SUMS: usize = Track::COUNT + 1;

/// Means over a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::kernels) struct Means {
    values: [f64; Track::COUNT],
    has_sound: bool,
    peak: f64,
}

impl Means {
    /// Of a stretch in which nothing was measured.
    const NOTHING: Self = Self { values: [0.0; Track::COUNT], has_sound: false, peak: 0.0 };

    /// The mean of a track; of a track of sound over the time in which sound was measured, 0 without any.
    pub(in crate::kernels) fn of(&self, track: Track) -> f64 {
        self.values[track as usize]
    }

    /// The mean of a track of sound; `None` where no sound was measured.
    pub(in crate::kernels) fn heard(&self, track: Track) -> Option<f64> {
        self.has_sound.then(|| self.of(track))
    }

    /// In LUFS, averaged as energy; `None` where no sound was measured.
    pub(in crate::kernels) fn loudness(&self) -> Option<f64> {
        self.heard(Track::Energy).map(|energy| (10.0 * energy.log10()).max(-70.0))
    }

    /// Greatest momentary loudness, in LUFS; `None` where no sound was measured.
    pub(in crate::kernels) fn loudness_peak(&self) -> Option<f64> {
        self.has_sound.then_some(self.peak)
    }
}

/// The signals of a source, made ready for windows.
#[derive(Debug, Clone)]
pub(in crate::kernels) struct Timeline {
    /// Start of each bucket, ascending, and the end of the last.
    edges: Vec<f64>,
    /// Integrals from the first edge to each edge, by [`Track`], then [`HEARD`].
    sums: Vec<[f64; SUMS]>,
    /// Value in each bucket, for the part of a bucket that a window takes.
    values: Vec<[f64; SUMS]>,
    /// `peaks[l][i]`: greatest loudness in buckets i..i + 2^l.
    peaks: Vec<Vec<f64>>,
}

impl Timeline {
    /// The buckets of `columns` that start before `end`, the last one up to `end`.
    pub(in crate::kernels) fn new(columns: &SourceColumns<'_>, end: f64) -> Self {
        let order = time_order(columns, end);
        let mut edges: Vec<f64> = order.iter().map(|i| columns.t[*i]).collect();
        let values: Vec<[f64; SUMS]> = order.iter().map(|i| bucket(columns, *i)).collect();
        if !edges.is_empty() {
            edges.push(end);
        }
        let mut sums = Vec::with_capacity(edges.len());
        let mut sum = [0.0; SUMS];
        sums.push(sum);
        for (i, value) in values.iter().enumerate() {
            let width = edges[i + 1] - edges[i];
            for (total, v) in sum.iter_mut().zip(value) {
                *total += v * width;
            }
            sums.push(sum);
        }
        let loudness = columns.track(Track::Energy);
        let loudness = order.iter().map(|i| loudness.get(*i).unwrap_or(f64::NEG_INFINITY));
        let peaks = sparse_table(loudness.collect());
        Self { edges, sums, values, peaks }
    }

    /// Whether sound was measured anywhere.
    pub(super) fn has_sound(&self) -> bool {
        self.sums.last().is_some_and(|s| s[HEARD] > 0.0)
    }

    /// Whether a caption is on screen anywhere.
    pub(super) fn has_captions(&self) -> bool {
        self.sums.last().is_some_and(|s| s[Track::Captions as usize] > 0.0)
    }

    /// Number of buckets.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Start and end of bucket `i`.
    pub(super) fn span(&self, i: usize) -> (f64, f64) {
        (self.edges[i], self.edges[i + 1])
    }

    /// Mean luma in bucket `i`.
    pub(super) fn luma(&self, i: usize) -> f64 {
        self.values[i][Track::Luma as usize]
    }

    /// Share of silence in bucket `i`; 0 where no sound was measured.
    pub(super) fn silence(&self, i: usize) -> f64 {
        self.values[i][Track::Silence as usize]
    }

    /// Likelihood of speech in bucket `i`; 0 where no sound was measured.
    pub(super) fn speech(&self, i: usize) -> f64 {
        self.values[i][Track::Speech as usize]
    }

    /// The bucket that holds `t`, or the nearest.
    pub(super) fn bucket_at(&self, t: f64) -> usize {
        self.edges.partition_point(|e| *e <= t).saturating_sub(1).min(self.len().saturating_sub(1))
    }

    /// Means over `start..end`; zeros where there are no buckets.
    pub(in crate::kernels) fn means(&self, start: f64, end: f64) -> Means {
        if self.len() == 0 {
            return Means::NOTHING;
        }
        let (first, last) = (self.bucket_at(start), self.bucket_at(end));
        let (from, to) = (self.integral(first, start), self.integral(last, end));
        let time =
            (end.min(self.edges[self.len()]) - start.max(self.edges[0])).max(f64::MIN_POSITIVE);
        let heard = to[HEARD] - from[HEARD];
        let has_sound = heard > 1e-6;
        let mean = |track: Track| {
            let (i, sound) = (track as usize, track.is_sound());
            // A difference of sums may be a rounding error away from nothing and from all.
            let over = |time: f64| track.bounded((to[i] - from[i]) / time);
            if !sound {
                over(time)
            } else if has_sound {
                over(heard)
            } else {
                0.0
            }
        };
        // A bucket of which the window takes nothing does not count.
        let after = if end <= self.edges[last] && last > first { last } else { last + 1 };
        let peak = if has_sound { self.peak(first, after) } else { 0.0 };
        Means { values: Track::ALL.map(mean), has_sound, peak }
    }

    /// Integrals from the first edge to `t`, which lies in bucket `i`.
    fn integral(&self, i: usize, t: f64) -> [f64; SUMS] {
        let part = t.clamp(self.edges[i], self.edges[i + 1]) - self.edges[i];
        let mut sum = self.sums[i];
        for (total, v) in sum.iter_mut().zip(&self.values[i]) {
            *total += v * part;
        }
        sum
    }

    /// Greatest loudness in the buckets `first..end`, of which there is at least one.
    fn peak(&self, first: usize, end: usize) -> f64 {
        let level = (end - first).ilog2() as usize;
        let row = &self.peaks[level];
        row[first].max(row[end - (1 << level)])
    }
}

/// Indices of the buckets before `end` in order of time, one for each time.
fn time_order(columns: &SourceColumns<'_>, end: f64) -> Vec<usize> {
    let seen = Track::ALL.into_iter().filter(|track| !track.is_sound());
    let rows = seen.fold(columns.t.len(), |rows, t| rows.min(columns.track(t).values.len()));
    let mut order: Vec<usize> =
        (0..rows).filter(|i| columns.t[*i].is_finite() && columns.t[*i] < end).collect();
    if !order.is_sorted_by(|a, b| columns.t[*a] < columns.t[*b]) {
        order.sort_by(|a, b| columns.t[*a].total_cmp(&columns.t[*b]));
        order.dedup_by(|b, a| columns.t[*b] <= columns.t[*a]);
    }
    order
}

/// The values of bucket `i`: 0 for what is missing. Sound counts where all of it was measured.
fn bucket(columns: &SourceColumns<'_>, i: usize) -> [f64; SUMS] {
    let mut value = [0.0; SUMS];
    let cell = |track: Track| columns.track(track).get(i);
    let has_sound = Track::ALL.into_iter().all(|track| !track.is_sound() || cell(track).is_some());
    for track in Track::ALL.into_iter().filter(|track| has_sound || !track.is_sound()) {
        value[track as usize] = cell(track).map_or(0.0, |cell| track.value(cell));
    }
    value[HEARD] = f64::from(u8::from(has_sound));
    value
}

fn sparse_table(row: Vec<f64>) -> Vec<Vec<f64>> {
    let mut table = vec![row];
    let mut width = 1;
    while let Some(row) = table.last().filter(|row| row.len() > width) {
        let next = row.iter().zip(&row[width..]).map(|(a, b)| a.max(*b)).collect();
        table.push(next);
        width *= 2;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::select::{OwnedColumns, tests::noisy_source};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn means_are_what_a_loop_over_the_buckets_finds(seed in 0u64..1000, a in 0.0..60.0f64, length in 0.01..40.0f64) {
            let (signals, _, _) = noisy_source(seed, 60.0);
            let owned = OwnedColumns::new(&signals, &[], &[]);
            let timeline = Timeline::new(&owned.columns(), 60.0);
            let b = (a + length).min(60.0);
            prop_assume!(b - a > 0.005);
            let means = timeline.means(a, b);
            let (mut time, mut motion, mut energy, mut peak) = (0.0, 0.0, 0.0, f64::NEG_INFINITY);
            for signal in &signals {
                let part = (b.min(signal.t + 0.25) - a.max(signal.t)).max(0.0);
                if part > 0.0 {
                    let loudness = signal.loudness.unwrap_or(-70.0);
                    time += part;
                    motion += part * signal.motion;
                    energy += part * 10f64.powf(loudness / 10.0);
                    peak = loudness.max(peak);
                }
            }
            prop_assert!((means.of(Track::Motion) - motion / time).abs() < 1e-9);
            let loudness = means.loudness().ok_or_else(|| TestCaseError::fail("no sound"))?;
            prop_assert!((loudness - 10.0 * (energy / time).log10()).abs() < 1e-6);
            prop_assert_eq!(means.loudness_peak(), Some(peak));
        }
    }
}
