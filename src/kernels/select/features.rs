//! What is measured in a window, in constant time a window: integrals over time by prefix sums,
//! the loudest moment by a sparse table.

use super::columns::SourceColumns;

/// Below this mean luma the picture counts as nearly black.
const DARK_LUMA: f64 = 0.08;

/// What is summed over time. `Heard` is the time in which sound was measured.
#[derive(Debug, Clone, Copy)]
enum Sum {
    Motion,
    Luma,
    Dark,
    Chroma,
    Caption,
    Energy,
    Onset,
    Speech,
    Silence,
    Heard,
}

const SUMS: usize = 10;

/// Means over a window. Sound is `None` where none was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::kernels) struct Means {
    pub motion: f64,
    pub luma: f64,
    pub dark: f64,
    pub chroma: f64,
    pub caption: f64,
    pub sound: Option<Sound>,
}

/// What was heard in a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::kernels) struct Sound {
    /// LUFS, averaged as energy.
    pub loudness: f64,
    /// LUFS.
    pub peak: f64,
    pub onset: f64,
    pub speech: f64,
    pub silence: f64,
}

/// The signals of a source, made ready for windows.
#[derive(Debug, Clone)]
pub(in crate::kernels) struct Timeline {
    /// Start of each bucket, ascending, and the end of the last.
    edges: Vec<f64>,
    /// Integrals from the first edge to each edge.
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
        let loudness = order.iter().map(|i| columns.loudness.get(*i).unwrap_or(f64::NEG_INFINITY));
        let peaks = sparse_table(loudness.collect());
        Self { edges, sums, values, peaks }
    }

    /// Whether sound was measured anywhere.
    pub(super) fn has_sound(&self) -> bool {
        self.sums.last().is_some_and(|s| s[Sum::Heard as usize] > 0.0)
    }

    /// Whether a caption is on screen anywhere.
    pub(super) fn has_captions(&self) -> bool {
        self.sums.last().is_some_and(|s| s[Sum::Caption as usize] > 0.0)
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
        self.values[i][Sum::Luma as usize]
    }

    /// Share of silence in bucket `i`; 0 where no sound was measured.
    pub(super) fn silence(&self, i: usize) -> f64 {
        self.values[i][Sum::Silence as usize]
    }

    /// Likelihood of speech in bucket `i`; 0 where no sound was measured.
    pub(super) fn speech(&self, i: usize) -> f64 {
        self.values[i][Sum::Speech as usize]
    }

    /// The bucket that holds `t`, or the nearest.
    pub(super) fn bucket_at(&self, t: f64) -> usize {
        self.edges.partition_point(|e| *e <= t).saturating_sub(1).min(self.len().saturating_sub(1))
    }

    /// Means over `start..end`; zeros where there are no buckets.
    pub(in crate::kernels) fn means(&self, start: f64, end: f64) -> Means {
        if self.len() == 0 {
            return Means {
                motion: 0.0,
                luma: 0.0,
                dark: 0.0,
                chroma: 0.0,
                caption: 0.0,
                sound: None,
            };
        }
        let (first, last) = (self.bucket_at(start), self.bucket_at(end));
        let (from, to) = (self.integral(first, start), self.integral(last, end));
        // A difference of sums may fall a rounding error short of nothing.
        let over = |sum: Sum, time: f64| ((to[sum as usize] - from[sum as usize]) / time).max(0.0);
        let time =
            (end.min(self.edges[self.len()]) - start.max(self.edges[0])).max(f64::MIN_POSITIVE);
        let heard = to[Sum::Heard as usize] - from[Sum::Heard as usize];
        Means {
            motion: over(Sum::Motion, time),
            luma: over(Sum::Luma, time),
            dark: over(Sum::Dark, time).min(1.0),
            chroma: over(Sum::Chroma, time),
            caption: over(Sum::Caption, time),
            sound: (heard > 1e-6).then(|| Sound {
                loudness: (10.0 * over(Sum::Energy, heard).log10()).max(-70.0),
                // A bucket of which the window takes nothing does not count.
                peak: self.peak(
                    first,
                    if end <= self.edges[last] && last > first { last } else { last + 1 },
                ),
                onset: over(Sum::Onset, heard),
                speech: over(Sum::Speech, heard).min(1.0),
                silence: over(Sum::Silence, heard).min(1.0),
            }),
        }
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
    let rows = [columns.motion, columns.luma, columns.chroma, columns.caption_density]
        .iter()
        .fold(columns.t.len(), |rows, column| rows.min(column.len()));
    let mut order: Vec<usize> =
        (0..rows).filter(|i| columns.t[*i].is_finite() && columns.t[*i] < end).collect();
    if !order.is_sorted_by(|a, b| columns.t[*a] < columns.t[*b]) {
        order.sort_by(|a, b| columns.t[*a].total_cmp(&columns.t[*b]));
        order.dedup_by(|b, a| columns.t[*b] <= columns.t[*a]);
    }
    order
}

fn bucket(columns: &SourceColumns<'_>, i: usize) -> [f64; SUMS] {
    let finite = |v: f64| if v.is_finite() { v } else { 0.0 };
    let mut value = [0.0; SUMS];
    value[Sum::Motion as usize] = finite(columns.motion[i]);
    value[Sum::Luma as usize] = finite(columns.luma[i]);
    value[Sum::Dark as usize] = f64::from(columns.luma[i] < DARK_LUMA);
    value[Sum::Chroma as usize] = finite(columns.chroma[i]);
    value[Sum::Caption as usize] = finite(columns.caption_density[i]);
    let sound = (
        columns.loudness.get(i),
        columns.onset.get(i),
        columns.speech.get(i),
        columns.silence.get(i),
    );
    if let (Some(loudness), Some(onset), Some(speech), Some(silence)) = sound {
        value[Sum::Energy as usize] = 10f64.powf(loudness.clamp(-70.0, 30.0) / 10.0);
        value[Sum::Onset as usize] = onset;
        value[Sum::Speech as usize] = speech;
        value[Sum::Silence as usize] = silence;
        value[Sum::Heard as usize] = 1.0;
    }
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
            prop_assert!((means.motion - motion / time).abs() < 1e-9);
            let sound = means.sound.ok_or_else(|| TestCaseError::fail("no sound"))?;
            prop_assert!((sound.loudness - 10.0 * (energy / time).log10()).abs() < 1e-6);
            prop_assert_eq!(sound.peak, peak);
        }
    }
}
