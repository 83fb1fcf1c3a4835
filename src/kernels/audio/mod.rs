//! Loudness, onsets, speech and silence per time bucket, from PCM samples.
//!
//! [`AudioAnalyzer`] takes samples in pieces of any size; the result does not depend on how they are
//! divided. Loudness is EBU R128 (ITU-R BS.1770); the rest is measured on the mean of
//! the channels in hops of 10 ms.

mod channels;
mod filters;
mod stereo;
mod voice;

#[cfg(test)]
mod tests;

use ebur128::{EbuR128, Mode};

use stereo::{Energies, Stereo};

pub use channels::channel_map;
pub use stereo::ChannelFault;
pub use voice::{ToVoiceRate, VOICE, VOICE_FRAME, VOICE_RATE, VoiceDetector};

/// Lowest measured loudness in LUFS: the absolute gate of BS.1770.
pub const FLOOR_LUFS: f64 = -70.0;
/// Hops per second.
const HOPS_PER_SECOND: u64 = 100;
/// Lowest measured level, in dB full scale.
const FLOOR_DB: f64 = -90.0;
/// Number of preceding hops that an onset is compared with: a syllable or a beat.
const ONSET_PAST: usize = 20;
/// Rise in dB that counts as a full onset.
const ONSET_FULL_DB: f64 = 30.0;
/// Distance below the integrated loudness at which a hop is silent, in dB.
const SILENCE_BELOW_DB: f64 = 25.0;
/// Range of the silence threshold, in dB full scale.
const SILENCE_RANGE_DB: (f64, f64) = (-60.0, -35.0);
/// Largest valid sample; full scale is 1, and larger values are damage.
const LARGEST_SAMPLE: f32 = 64.0;

/// The audio values of one time bucket; see [`crate::model::Signal`] for their meaning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AudioBucket {
    /// Start of the bucket, in seconds.
    pub t: f64,
    /// Momentary loudness (400 ms) at the end of the bucket, in LUFS, not below [`FLOOR_LUFS`].
    pub loudness: f64,
    /// Onset strength: largest rise of log energy in the bucket against the mean of the 200 ms
    /// before, in [0, 1]; 1 stands for 30 dB.
    pub onset: f64,
    /// Likelihood of speech, in [0, 1]; see [`AudioAnalyzer`].
    pub speech: f64,
    /// Share of the bucket that is silent, in [0, 1].
    pub silence: f64,
}

impl AudioBucket {
    /// A silent bucket.
    pub const fn silent(t: f64) -> Self {
        Self { t, loudness: FLOOR_LUFS, onset: 0.0, speech: 0.0, silence: 1.0 }
    }
}

/// The audio analysis of one stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Audio {
    /// One entry per time bucket, without gaps, from 0 on.
    pub buckets: Vec<AudioBucket>,
    /// Integrated loudness in LUFS; `None` if everything is below the absolute gate.
    pub loudness: Option<f64>,
    /// Length in seconds.
    pub seconds: f64,
    /// What is wrong with the two channels of a stereo stream.
    pub channel_fault: Option<ChannelFault>,
}

/// Measures a stream of interleaved samples whose first one is at 0 s.
///
/// **Speech** is the likelihood of a voice in frames of 32 ms, from a network that was trained to tell voices from
/// music and noise ([`VoiceDetector`]). It hears the mean of the channels at 16 kHz.
///
/// **Silence**: a hop counts as silent when its level is 25 dB under the integrated loudness of
/// the whole stream (kept between −60 and −35 dB full scale), so that pauses are found in noisy
/// and in quiet recordings alike.
///
/// Memory: 325 bytes per second for the levels of the hops and the likelihoods, and the buckets.
pub struct AudioAnalyzer {
    meter: EbuR128,
    channels: usize,
    rate: u64,
    buckets_per_second: f64,
    /// Frames (one sample of each channel) taken so far.
    frames: u64,
    /// Samples of a frame that is not complete yet.
    partial: Vec<f32>,
    hop: HopSums,
    stereo: Stereo,
    past: std::collections::VecDeque<f64>,
    to_voice_rate: ToVoiceRate,
    /// Samples for the detector, handed on with each piece.
    for_voice: Vec<f32>,
    voice: VoiceDetector,
    hops: Vec<HopResult>,
    loudness: Vec<f64>,
}

/// The compact result of a hop: level for the silence gate, and onset in 1/255.
#[derive(Clone, Copy)]
struct HopResult {
    /// Negated dB in halves: 0 to 180.
    level: u8,
    onset: u8,
}

#[derive(Default)]
struct HopSums {
    frames: u64,
    total: f32,
    energies: Energies,
}

impl AudioAnalyzer {
    /// Creates an analyzer; `None` for unsupported rates and channel counts.
    ///
    /// `rate` is in Hz, `layout` is ffmpeg's name (`5.1`), and `buckets_per_second` is as for the picture (a
    /// value that is not positive and finite counts as 1). Supported are 16–2,822,400 Hz and 1–64 channels.
    pub fn new(
        rate: u32,
        channels: u32,
        layout: Option<&str>,
        buckets_per_second: f64,
    ) -> Option<Self> {
        let mut meter = EbuR128::new(channels, rate, Mode::M | Mode::I | Mode::HISTOGRAM).ok()?;
        meter.set_channel_map(&channel_map(channels as usize, layout)).ok()?;
        let sane = buckets_per_second.is_finite() && buckets_per_second > 0.0;
        Some(Self {
            meter,
            channels: channels as usize,
            rate: u64::from(rate),
            buckets_per_second: if sane { buckets_per_second } else { 1.0 },
            frames: 0,
            partial: Vec::new(),
            hop: HopSums::default(),
            stereo: Stereo::default(),
            past: std::collections::VecDeque::with_capacity(ONSET_PAST + 1),
            to_voice_rate: ToVoiceRate::new(f64::from(rate)),
            for_voice: Vec::new(),
            voice: VoiceDetector::new(),
            hops: Vec::new(),
            loudness: Vec::new(),
        })
    }

    /// Adds the next interleaved samples; a piece may end within a frame.
    ///
    /// Samples that are not finite or absurdly large count as 0.
    pub fn push(&mut self, mut samples: &[f32]) {
        if !self.partial.is_empty() {
            let missing = (self.channels - self.partial.len()).min(samples.len());
            let (head, rest) = samples.split_at(missing);
            self.partial.extend_from_slice(head);
            samples = rest;
            if self.partial.len() < self.channels {
                return;
            }
            let frame = std::mem::take(&mut self.partial);
            self.take(&frame);
        }
        let whole = samples.len() / self.channels * self.channels;
        let (frames, rest) = samples.split_at(whole);
        self.take(frames);
        self.partial.extend_from_slice(rest);
    }

    /// Finishes the analysis; an incomplete last bucket counts.
    pub fn finish(mut self) -> Audio {
        if self.hop.frames > 0 {
            self.end_hop();
        }
        if self.frames > self.bucket_end(self.loudness.len()).0 {
            self.end_bucket();
        }
        let measured = self.meter.loudness_global().ok().filter(|l| l.is_finite());
        let loudness = measured.filter(|l| *l >= FLOOR_LUFS);
        let (low, high) = SILENCE_RANGE_DB;
        let threshold = loudness.map_or(low, |l| (l - SILENCE_BELOW_DB).clamp(low, high));
        let frames = std::mem::take(&mut self.voice).finish();
        let speech = self.by_hop(&frames);
        let buckets = (0..self.loudness.len())
            .map(|bucket| self.bucket(bucket, threshold, &speech))
            .collect();
        Audio {
            buckets,
            loudness,
            seconds: self.frames as f64 / self.rate as f64,
            channel_fault: self.stereo.fault(),
        }
    }

    /// Adds whole frames, stopping at the ends of hops and buckets.
    fn take(&mut self, samples: &[f32]) {
        if samples.iter().all(|sample| sample.abs() <= LARGEST_SAMPLE) {
            return self.take_sane(samples);
        }
        let sane = |s: &f32| if s.abs() <= LARGEST_SAMPLE { *s } else { 0.0 };
        let samples: Vec<f32> = samples.iter().map(sane).collect();
        self.take_sane(&samples);
    }

    fn take_sane(&mut self, mut samples: &[f32]) {
        while !samples.is_empty() {
            let hop_end = (self.frames / self.hop_frames() + 1) * self.hop_frames();
            let bucket_end = self.bucket_end(self.loudness.len()).1;
            let until = hop_end.min(bucket_end).max(self.frames + 1);
            let wanted = usize::try_from(until - self.frames).unwrap_or(usize::MAX);
            let frames = wanted.min(samples.len() / self.channels);
            let (piece, rest) = samples.split_at(frames * self.channels);
            samples = rest;
            // Fails only if the piece is not whole frames, which cannot happen.
            let _ = self.meter.add_frames_f32(piece);
            self.sum(piece);
            self.frames += frames as u64;
            self.hop.frames += frames as u64;
            if self.frames == hop_end {
                self.end_hop();
            }
            if self.frames >= bucket_end {
                self.end_bucket();
            }
        }
    }

    fn hop_frames(&self) -> u64 {
        (self.rate / HOPS_PER_SECOND).max(1)
    }

    /// First frame of a bucket and of the next one.
    fn bucket_end(&self, bucket: usize) -> (u64, u64) {
        let frame =
            |k: usize| (k as f64 / self.buckets_per_second * self.rate as f64).round() as u64;
        (frame(bucket), frame(bucket + 1))
    }

    fn sum(&mut self, samples: &[f32]) {
        let scale = 1.0 / self.channels as f32;
        let hop = &mut self.hop;
        // Continuing the sums of the previous piece gives the same rounding for every division.
        let mut total = hop.total;
        let ((left, right), mut energies) = (self.stereo.weights(), hop.energies);
        self.for_voice.clear();
        for frame in samples.chunks_exact(self.channels) {
            let mono = match frame {
                [l, r] => {
                    energies.add(*l, *r);
                    l * left + r * right
                }
                _ => frame.iter().sum::<f32>() * scale,
            };
            total += mono * mono;
            self.to_voice_rate.step(mono, &mut self.for_voice);
        }
        *hop = HopSums { frames: hop.frames, total, energies };
        self.voice.push(&self.for_voice);
    }

    /// The likelihood of a voice in each hop, from that of the detector's frames.
    fn by_hop(&self, frames: &[f32]) -> Vec<f32> {
        let frame_of = |hop: usize| {
            let seconds = (hop as f64 + 0.5) / HOPS_PER_SECOND as f64;
            (seconds * f64::from(VOICE_RATE) / VOICE_FRAME as f64) as usize
        };
        let last = frames.last().copied().unwrap_or(0.0);
        let likelihood = |(n, hop): (usize, &HopResult)| {
            // What is below the lowest level is no sound at all.
            let is_heard = f64::from(hop.level) / -2.0 > FLOOR_DB;
            if is_heard { frames.get(frame_of(n)).copied().unwrap_or(last) } else { 0.0 }
        };
        self.hops.iter().enumerate().map(likelihood).collect()
    }

    fn end_hop(&mut self) {
        self.to_voice_rate.settle();
        let sums = std::mem::take(&mut self.hop);
        self.stereo.end_hop(sums.energies, sums.frames);
        let frames = sums.frames.max(1) as f64;
        let power = f64::from(sums.total) / frames;
        let level = (10.0 * power.log10()).clamp(FLOOR_DB, 0.0);
        let recent = self.past.iter().sum::<f64>() / self.past.len().max(1) as f64;
        // Without preceding hops there is no rise.
        let rise = if self.past.is_empty() { 0.0 } else { (level - recent).max(0.0) };
        self.past.push_back(level);
        if self.past.len() > ONSET_PAST {
            self.past.pop_front();
        }
        self.hops.push(HopResult {
            level: (-2.0 * level).round() as u8,
            onset: ((rise / ONSET_FULL_DB).min(1.0) * 255.0).round() as u8,
        });
    }

    fn end_bucket(&mut self) {
        let loudness = self.meter.loudness_momentary().unwrap_or(FLOOR_LUFS);
        // Not `max`: a NaN must become the floor too.
        self.loudness.push(if loudness > FLOOR_LUFS { loudness } else { FLOOR_LUFS });
    }

    fn bucket(&self, bucket: usize, threshold: f64, speech: &[f32]) -> AudioBucket {
        let (first, end) = self.bucket_end(bucket);
        let last = self.hops.len().saturating_sub(1);
        let from = usize::try_from(first / self.hop_frames()).unwrap_or(usize::MAX).min(last);
        let to = usize::try_from(end.div_ceil(self.hop_frames())).unwrap_or(usize::MAX);
        let hops = self.hops.get(from..to.clamp(from + 1, last + 1)).unwrap_or_default();
        let spoken = speech.get(from..to.clamp(from + 1, last + 1)).unwrap_or_default();
        let count = hops.len().max(1) as f64;
        let silent = hops.iter().filter(|hop| f64::from(hop.level) / -2.0 < threshold).count();
        let onset = hops.iter().map(|hop| hop.onset).max().unwrap_or(0);
        AudioBucket {
            t: bucket as f64 / self.buckets_per_second,
            loudness: self.loudness.get(bucket).copied().unwrap_or(FLOOR_LUFS),
            onset: f64::from(onset) / 255.0,
            speech: spoken.iter().map(|s| f64::from(*s)).sum::<f64>() / count,
            silence: silent as f64 / count,
        }
    }
}
