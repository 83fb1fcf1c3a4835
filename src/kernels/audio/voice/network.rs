//! The network: a Fourier transform, four convolutions over its frames, a recurrent cell, a likelihood.

use super::{CONTEXT, VOICE_FRAME};

/// Samples of a window of the transform, and the distance between two windows.
const WINDOW: usize = 256;
const STEP: usize = 128;
/// Samples that are mirrored at the end of a frame.
const MIRRORED: usize = 64;
/// Windows of a frame.
const WINDOWS: usize = (CONTEXT + VOICE_FRAME + MIRRORED - WINDOW) / STEP + 1;
/// Frequencies of a window.
pub(super) const FREQUENCIES: usize = WINDOW / 2 + 1;
/// Values that the recurrent cell keeps, twice.
pub(super) const CELL: usize = 128;
/// Neighbours that a convolution sees.
pub(super) const SEEN: usize = 3;

/// A layer: for each output a row of weights, as long as what it sees, and what is added.
#[derive(Debug, Clone, Default)]
pub(super) struct DenseLayer {
    pub(super) rows: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

impl DenseLayer {
    fn apply(&self, seen: &[f32], out: &mut Vec<f32>) {
        let rows = self.rows.chunks_exact(seen.len().max(1));
        out.extend(rows.zip(&self.bias).map(|(row, bias)| dot(row, seen) + bias));
    }

    /// A convolution over [`SEEN`] neighbours, one beyond each end, every `step` places. `input` has `width`
    /// values a place, and so many zeroes before and after.
    fn convolve(&self, input: &[f32], width: usize, step: usize) -> Vec<f32> {
        let mut out = vec![0.0; self.bias.len()];
        for seen in input.windows(SEEN * width).step_by(step * width) {
            self.apply(seen, &mut out);
        }
        for value in &mut out {
            *value = value.max(0.0);
        }
        out.resize(out.len() + self.bias.len(), 0.0);
        out
    }
}

/// The network with its weights.
#[derive(Debug, Default)]
pub(super) struct Network {
    /// Cosines of all frequencies, then sines.
    pub(super) transform: DenseLayer,
    pub(super) convolutions: [DenseLayer; 4],
    /// The gates of the cell: input, forget, cell, output; each sees the input and the last output.
    pub(super) gates: DenseLayer,
    pub(super) last: DenseLayer,
}

/// What the recurrent cell keeps from frame to frame.
#[derive(Debug, Clone)]
pub(super) struct State {
    output: Vec<f32>,
    cell: Vec<f32>,
}

impl Default for State {
    fn default() -> Self {
        Self { output: vec![0.0; CELL], cell: vec![0.0; CELL] }
    }
}

impl Network {
    /// The likelihood of a voice in a frame with its context.
    pub(super) fn likelihood(&self, frame: &[f32], state: &mut State) -> f32 {
        let mut places = self.spectrum(frame);
        let widths = [FREQUENCIES, 128, 64, 64];
        for ((layer, width), step) in self.convolutions.iter().zip(widths).zip([1, 2, 2, 1]) {
            places = layer.convolve(&places, width, step);
        }
        // Between the zeroes before and after, one place is left.
        let features = places.get(CELL..2 * CELL).unwrap_or_default();
        self.remember(features, state);
        let heard: Vec<f32> = state.output.iter().map(|value| value.max(0.0)).collect();
        let mut last = Vec::with_capacity(1);
        self.last.apply(&heard, &mut last);
        last.first().map_or(0.0, |value| sigmoid(*value))
    }

    /// The magnitudes of each window, with a window of zeroes before and after.
    fn spectrum(&self, frame: &[f32]) -> Vec<f32> {
        let mut samples = frame.to_vec();
        samples.extend(frame.iter().rev().skip(1).take(MIRRORED));
        let mut places = vec![0.0; FREQUENCIES];
        let mut waves = Vec::with_capacity(2 * FREQUENCIES);
        for window in samples.windows(WINDOW).step_by(STEP).take(WINDOWS) {
            waves.clear();
            self.transform.apply(window, &mut waves);
            let (real, imaginary) = waves.split_at(waves.len() / 2);
            places.extend(real.iter().zip(imaginary).map(|(re, im)| (re * re + im * im).sqrt()));
        }
        places.resize(places.len() + FREQUENCIES, 0.0);
        places
    }

    /// One step of the recurrent cell (Hochreiter and Schmidhuber, "Long short-term memory", 1997).
    fn remember(&self, features: &[f32], state: &mut State) {
        let seen = [features, &state.output].concat();
        let mut gates = Vec::with_capacity(4 * CELL);
        self.gates.apply(&seen, &mut gates);
        let gate = |kind: usize, n: usize| gates.get(kind * CELL + n).copied().unwrap_or(0.0);
        for (n, (cell, output)) in state.cell.iter_mut().zip(&mut state.output).enumerate() {
            *cell = sigmoid(gate(1, n)) * *cell + sigmoid(gate(0, n)) * gate(2, n).tanh();
            *output = sigmoid(gate(3, n)) * cell.tanh();
        }
    }
}

fn sigmoid(value: f32) -> f32 {
    1.0 / (1.0 + (-value).exp())
}

/// By index and with four sums, which is quick without optimisation too: tests run so.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let count = a.len().min(b.len());
    let (a, b) = (&a[..count], &b[..count]);
    let mut sums = [0.0_f32; 4];
    let mut at = 0;
    while at + 4 <= count {
        sums[0] += a[at] * b[at];
        sums[1] += a[at + 1] * b[at + 1];
        sums[2] += a[at + 2] * b[at + 2];
        sums[3] += a[at + 3] * b[at + 3];
        at += 4;
    }
    while at < count {
        sums[0] += a[at] * b[at];
        at += 1;
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}
