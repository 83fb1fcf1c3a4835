//! Two channels heard as one: the sum, unless they cancel each other or one of them is silent.

/// Share of the louder channel's energy below which a channel is silent: 40 dB less.
const ONE_SIDED: f64 = 1e-4;
/// Correlation below which the channels cancel each other in their sum.
const CANCELLING: f64 = -0.8;
/// What is kept of the past at each hop: about a fifth of a second counts.
const KEPT: f64 = 0.9;
/// Mean square below which a stretch says nothing: −80 dB full scale.
const NOTHING: f64 = 1e-8;

/// What is wrong with the channels of a stereo stream as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelFault {
    /// One channel is the other upside down: played on one speaker, nothing is heard.
    OutOfPhase,
    /// Only the left channel has sound.
    LeftOnly,
    /// Only the right channel has sound.
    RightOnly,
}

impl ChannelFault {
    /// Its name in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OutOfPhase => "out_of_phase",
            Self::LeftOnly => "left_only",
            Self::RightOnly => "right_only",
        }
    }

    /// That of a name in tables.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::OutOfPhase, Self::LeftOnly, Self::RightOnly].into_iter().find(|f| f.as_str() == name)
    }
}

/// Energies of two channels, and of what they share.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Energies {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) both: f64,
}

impl Energies {
    pub(super) fn add(&mut self, left: f32, right: f32) {
        let (left, right) = (f64::from(left), f64::from(right));
        self.left += left * left;
        self.right += right * right;
        self.both += left * right;
    }

    fn fade_in(&mut self, other: Self) {
        self.left = KEPT * self.left + other.left;
        self.right = KEPT * self.right + other.right;
        self.both = KEPT * self.both + other.both;
    }

    fn fault(&self) -> Option<ChannelFault> {
        if self.right < ONE_SIDED * self.left {
            return Some(ChannelFault::LeftOnly);
        }
        if self.left < ONE_SIDED * self.right {
            return Some(ChannelFault::RightOnly);
        }
        let correlation = self.both / (self.left * self.right).sqrt();
        (correlation < CANCELLING).then_some(ChannelFault::OutOfPhase)
    }
}

/// Follows the channels of a stereo stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Stereo {
    recent: Energies,
    whole: Energies,
    frames: u64,
    now: Option<ChannelFault>,
}

impl Stereo {
    /// What the channels are multiplied by before they are added.
    pub(super) fn weights(&self) -> (f32, f32) {
        match self.now {
            None => (0.5, 0.5),
            Some(ChannelFault::OutOfPhase) => (0.5, -0.5),
            Some(ChannelFault::LeftOnly) => (1.0, 0.0),
            Some(ChannelFault::RightOnly) => (0.0, 1.0),
        }
    }

    /// A hop of so many frames is over.
    pub(super) fn end_hop(&mut self, hop: Energies, frames: u64) {
        self.whole.left += hop.left;
        self.whole.right += hop.right;
        self.whole.both += hop.both;
        self.frames += frames;
        self.recent.fade_in(hop);
        // Silence says nothing of what comes after it.
        if hop.left + hop.right > NOTHING * frames as f64 {
            self.now = self.recent.fault();
        }
    }

    /// What is wrong with the stream as a whole.
    pub(super) fn fault(&self) -> Option<ChannelFault> {
        let energy = self.whole.left + self.whole.right;
        if energy > NOTHING * self.frames as f64 { self.whole.fault() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fault of a second of samples in hops.
    fn fault(sample: impl Fn(usize) -> (f32, f32)) -> (Option<ChannelFault>, (f32, f32)) {
        let mut stereo = Stereo::default();
        for hop in 0..50 {
            let mut energies = Energies::default();
            for frame in 0..160 {
                let (left, right) = sample(hop * 160 + frame);
                energies.add(left, right);
            }
            stereo.end_hop(energies, 160);
        }
        (stereo.fault(), stereo.weights())
    }

    #[test]
    fn channels_that_cancel_or_are_silent_are_found() {
        let tone = |n: usize| (n as f32 * 0.3).sin() * 0.5;
        let other = |n: usize| (n as f32 * 0.17).cos() * 0.5;
        assert_eq!(fault(|n| (tone(n), tone(n))), (None, (0.5, 0.5)));
        assert_eq!(fault(|n| (tone(n), other(n))), (None, (0.5, 0.5)));
        let found = fault(|n| (tone(n), -tone(n)));
        assert_eq!(found, (Some(ChannelFault::OutOfPhase), (0.5, -0.5)));
        let found = fault(|n| (tone(n), 0.0));
        assert_eq!(found, (Some(ChannelFault::LeftOnly), (1.0, 0.0)));
        let found = fault(|n| (tone(n) * 1e-3, tone(n)));
        assert_eq!(found, (Some(ChannelFault::RightOnly), (0.0, 1.0)));
        assert_eq!(fault(|_| (0.0, 0.0)).0, None);
        assert_eq!(fault(|n| (tone(n) * 1e-6, -tone(n) * 1e-6)).0, None);
    }
}
