//! One channel at any rate, made one at the detector's.

use super::VOICE_RATE;
use crate::kernels::audio::filters::Biquad;

/// Frequencies above it would come back as others, in Hz.
const HIGHEST: f64 = 7000.0;

/// Brings samples of one channel to [`VOICE_RATE`]: what the detector cannot hear is filtered out (24 dB an octave),
/// then values are taken from the line between two samples.
pub struct ToVoiceRate {
    /// None where nothing is above.
    filters: Option<[Biquad; 2]>,
    /// Samples of the input for one of the output.
    step: f64,
    /// Where the next output lies, in samples after `last`.
    next: f64,
    last: f32,
}

impl ToVoiceRate {
    /// For input of `rate` samples a second.
    pub fn new(rate: f64) -> Self {
        let filter = || Biquad::low_pass(HIGHEST, rate);
        Self {
            filters: (rate > f64::from(VOICE_RATE)).then(|| [filter(), filter()]),
            step: rate / f64::from(VOICE_RATE),
            next: 1.0,
            last: 0.0,
        }
    }

    /// Puts what the next input sample brings at the end of `out`.
    #[inline]
    pub fn step(&mut self, sample: f32, out: &mut Vec<f32>) {
        let sample = match &mut self.filters {
            Some([first, second]) => second.step(first.step(sample)),
            None => sample,
        };
        while self.next <= 1.0 {
            out.push(self.last + (sample - self.last) * self.next as f32);
            self.next += self.step;
        }
        self.next -= 1.0;
        self.last = sample;
    }

    /// See [`Biquad::settle`].
    pub fn settle(&mut self) {
        for filter in self.filters.iter_mut().flatten() {
            filter.settle();
        }
    }
}
