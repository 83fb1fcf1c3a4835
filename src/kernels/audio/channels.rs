//! Positions of audio channels.

use ebur128::Channel;
use ebur128::Channel::{Center, Left, LeftSurround, Right, RightSurround, Unused};

/// Loudness weights by position for `channels` channels in ffmpeg's order: side and back ones
/// count as surround (+1.5 dB), low-frequency ones not at all, as in ffmpeg's own meter.
///
/// Without a known `layout` the usual one for that number of channels is used, or equal weights if there
/// is none.
pub fn channel_map(channels: usize, layout: Option<&str>) -> Vec<Channel> {
    const L: Channel = LeftSurround;
    const R: Channel = RightSurround;
    let named: &[Channel] = match layout.unwrap_or_default() {
        "2.1" => &[Left, Right, Unused],
        "3.1" => &[Left, Right, Center, Unused],
        "4.0" => &[Left, Right, Center, L],
        "4.1" => &[Left, Right, Center, Unused, L],
        "6.0" => &[Left, Right, Center, L, L, R],
        "hexagonal" => &[Left, Right, Center, L, R, L],
        "6.1" | "6.1(back)" => &[Left, Right, Center, Unused, L, L, R],
        "7.0" => &[Left, Right, Center, L, R, L, R],
        _ => &[],
    };
    if named.len() == channels {
        return named.to_vec();
    }
    match channels {
        1 => vec![Left],
        2 => vec![Left, Right],
        3 => vec![Left, Right, Center],
        4 => vec![Left, Right, L, R],
        5 => vec![Left, Right, Center, L, R],
        6 => vec![Left, Right, Center, Unused, L, R],
        8 => vec![Left, Right, Center, Unused, L, R, L, R],
        _ => vec![Left; channels],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_has_one_place_a_channel() {
        for (name, channels) in [
            (Some("mono"), 1),
            (Some("stereo"), 2),
            (Some("2.1"), 3),
            (Some("5.1(side)"), 6),
            (Some("6.1"), 7),
            (Some("7.1"), 8),
            (Some("stereo"), 6),
            (None, 24),
        ] {
            assert_eq!(channel_map(channels, name).len(), channels, "{name:?}");
        }
        assert_eq!(channel_map(6, Some("5.1"))[3], Unused);
        assert_eq!(channel_map(6, Some("6.0"))[3], LeftSurround);
    }
}
