//! The speech heuristic, described at [`super::AudioAnalyzer`].

use std::collections::VecDeque;

use super::filters::Biquad;

/// Half the span around a hop that is evaluated, in hops: half a second.
const HALF: usize = 50;
/// Smallest power of audible speech (−55 dB full scale).
const QUIET: f64 = 3.2e-6;

/// The measurements of one hop.
#[derive(Debug, Clone, Copy)]
pub(super) struct AudioHop {
    /// Mean square over all frequencies.
    pub power: f64,
    /// Mean square of the band of the voice.
    pub band: f64,
    /// Zero crossings a second.
    pub crossings: f64,
}

#[derive(Debug, Clone, Copy)]
struct JudgedHop {
    hop: AudioHop,
    /// Amplitude in the band of the voice.
    envelope: f64,
    /// The part of the envelope that varies at the rate of syllables.
    syllables: f64,
}

/// Evaluates each hop by the second around it.
#[derive(Debug)]
pub(super) struct SpeechTracker {
    syllables: Biquad,
    window: VecDeque<JudgedHop>,
    /// Number of hops pushed.
    pushed: usize,
    judged: Vec<u8>,
}

impl SpeechTracker {
    pub fn new(hops_per_second: f64) -> Self {
        Self {
            // 4 Hz, 6 Hz wide: from 2 to 8 Hz.
            syllables: Biquad::band_pass(4.0, 4.0 / 6.0, hops_per_second),
            window: VecDeque::with_capacity(2 * HALF + 2),
            pushed: 0,
            judged: Vec::new(),
        }
    }

    pub fn push(&mut self, hop: AudioHop) {
        let envelope = hop.band.max(0.0).sqrt();
        let syllables = f64::from(self.syllables.step(envelope as f32));
        self.syllables.settle();
        self.window.push_back(JudgedHop { hop, envelope, syllables });
        self.pushed += 1;
        if self.window.len() > 2 * HALF + 1 {
            self.window.pop_front();
        }
        if self.pushed > HALF {
            self.judge();
        }
    }

    /// Likelihood of each hop in 1/255.
    pub fn finish(&mut self) -> Vec<u8> {
        while self.judged.len() < self.pushed {
            if self.window.len() > HALF + 1 {
                self.window.pop_front();
            }
            self.judge();
        }
        std::mem::take(&mut self.judged)
    }

    fn judge(&mut self) {
        let likelihood = likelihood(&self.window);
        self.judged.push((likelihood * 255.0).round() as u8);
    }
}

fn likelihood(window: &VecDeque<JudgedHop>) -> f64 {
    let count = window.len().max(1) as f64;
    let mean = |value: fn(&JudgedHop) -> f64| window.iter().map(value).sum::<f64>() / count;
    let power = mean(|s| s.hop.power);
    let envelope = mean(|s| s.envelope);
    if power < QUIET || envelope <= 0.0 {
        return 0.0;
    }
    let modulation = mean(|s| s.syllables * s.syllables).sqrt() / envelope;
    let band = mean(|s| s.hop.band) / power;
    // How much the zero crossings vary, weighed by energy so that pauses do not count.
    let weigh = |value: fn(&JudgedHop) -> f64| mean(value) / envelope;
    let crossings = weigh(|s| s.envelope * s.hop.crossings);
    let squares = weigh(|s| s.envelope * s.hop.crossings * s.hop.crossings);
    let variation = (squares - crossings * crossings).max(0.0).sqrt() / crossings.max(1.0);
    rise(modulation, 0.15, 0.45) * rise(band, 0.2, 0.5) * (0.4 + 0.6 * rise(variation, 0.1, 0.4))
}

/// 0 below `low`, 1 above `high`, smooth between.
fn rise(value: f64, low: f64, high: f64) -> f64 {
    let x = ((value - low) / (high - low)).clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}
