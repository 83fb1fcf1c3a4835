//! Voice activity: Silero's detector (version 6, 16 kHz), whose weights are part of the program.
//!
//! `silero_vad_16k.safetensors` has the tensors of `silero_vad.onnx` in the Python package silero-vad 6.2.3, under the
//! licence beside it and by the names of that package's own `silero_vad_16k.safetensors`, which holds an older training.
//! See <https://github.com/snakers4/silero-vad>.

mod network;
mod resample;
mod weights;

use network::{Network, State};
pub use resample::ToVoiceRate;

/// Samples a second that the detector hears.
pub const VOICE_RATE: u32 = 16_000;

/// Samples of a frame: 32 ms.
pub const VOICE_FRAME: usize = 512;

/// Samples before a frame that are evaluated with it.
const CONTEXT: usize = 64;

/// Probability from which a frame counts as voice.
pub const VOICE: f32 = 0.5;

/// The likelihood of a voice, frame by frame of [`VOICE_FRAME`] samples.
pub struct VoiceDetector {
    network: &'static Network,
    state: State,
    /// The end of the last frame, then the samples of this one.
    samples: Vec<f32>,
    likelihoods: Vec<f32>,
}

impl VoiceDetector {
    /// A detector that has heard nothing yet.
    pub fn new() -> Self {
        Self {
            network: weights::network(),
            state: State::default(),
            samples: vec![0.0; CONTEXT],
            likelihoods: vec![],
        }
    }

    /// Hears further samples of one channel at [`VOICE_RATE`], full scale 1.
    pub fn push(&mut self, samples: &[f32]) {
        let mut rest = samples;
        while !rest.is_empty() {
            let missing = (CONTEXT + VOICE_FRAME - self.samples.len()).min(rest.len());
            let (head, tail) = rest.split_at(missing);
            self.samples.extend_from_slice(head);
            rest = tail;
            if self.samples.len() == CONTEXT + VOICE_FRAME {
                self.end_frame();
            }
        }
    }

    /// The likelihood of a voice in each frame, in [0, 1]; the last frame is filled up with silence.
    pub fn finish(mut self) -> Vec<f32> {
        if self.samples.len() > CONTEXT {
            self.samples.resize(CONTEXT + VOICE_FRAME, 0.0);
            self.end_frame();
        }
        self.likelihoods
    }

    fn end_frame(&mut self) {
        self.likelihoods.push(self.network.likelihood(&self.samples, &mut self.state));
        self.samples.drain(..VOICE_FRAME);
    }
}

impl Default for VoiceDetector {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(super) use tests::vowels;
