//! The packets of an MPEG transport stream and their time stamps (ISO/IEC 13818-1).

/// Ticks per second of the clock.
pub(super) const TICKS: f64 = 90_000.0;
/// Length of a packet without what some writers put around it.
const PACKET: usize = 188;
/// Begins every packet.
pub(super) const SYNC: u8 = 0x47;
/// Packets that must begin where they should for a layout to be believed.
const ENOUGH: usize = 5;

/// How packets lie in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PacketLayout {
    /// Bytes from one packet to the next: 188, 192 (Blu-ray) or 204.
    pub(super) stride: usize,
    /// Bytes before the first packet.
    pub(super) first: usize,
}

impl PacketLayout {
    /// The layout of a file by its `head`.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        for stride in [PACKET, 192, 204] {
            for first in 0..stride.min(head.len()) {
                let begins = |n: usize| head.get(first + n * stride) == Some(&SYNC);
                if (0..ENOUGH).all(begins) {
                    return Some(Self { stride, first });
                }
            }
        }
        None
    }
}

/// What a time stamp belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StampKind {
    Video,
    Audio,
    /// Subtitles, data, and sound that no number tells apart from them.
    Other,
}

/// The time stamps of a packet, in ticks of 33 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PacketStamps {
    pub(super) pid: u16,
    /// Where the clock reference is, and its value.
    pub(super) pcr: Option<(usize, i64)>,
    pub(super) frame: Option<FrameStamps>,
}

/// The time stamps of a frame, or of the frames of a PES packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameStamps {
    pub(super) kind: StampKind,
    /// Where the presentation time stamp is in the packet.
    pub(super) at: usize,
    pub(super) pts: i64,
    /// That of decoding, which follows the other, where it differs.
    pub(super) dts: Option<i64>,
}

impl FrameStamps {
    /// When it is decoded: never goes back within a stream.
    pub(super) fn decoded(&self) -> i64 {
        self.dts.unwrap_or(self.pts)
    }
}

/// Reads the time stamps of a packet of 188 bytes; `None` where it has none.
pub(super) fn stamps(packet: &[u8]) -> Option<PacketStamps> {
    let [SYNC, high, low, control, ..] = *packet else { return None };
    let pid = u16::from(high & 0x1f) << 8 | u16::from(low);
    let (has_field, has_payload) = (control & 0x20 != 0, control & 0x10 != 0);
    let length = if has_field { usize::from(*packet.get(4)?) + 1 } else { 0 };
    let pcr = clock_reference(packet, length);
    let is_start = high & 0x40 != 0 && has_payload;
    let frame = if is_start { frame(packet, 4 + length) } else { None };
    (pcr.is_some() || frame.is_some()).then_some(PacketStamps { pid, pcr, frame })
}

fn clock_reference(packet: &[u8], length: usize) -> Option<(usize, i64)> {
    if length < 8 || packet.get(5)? & 0x10 == 0 {
        return None;
    }
    let bytes = packet.get(6..11)?;
    let value = bytes.iter().take(4).fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte));
    Some((6, value << 1 | i64::from(bytes.get(4)? >> 7)))
}

pub(super) fn frame(packet: &[u8], at: usize) -> Option<FrameStamps> {
    let header = packet.get(at..)?;
    let [0, 0, 1, stream, _, _, marks, flags, ..] = *header else { return None };
    // Streams without these fields have other bits there.
    if marks & 0xc0 != 0x80 || flags & 0x80 == 0 {
        return None;
    }
    let kind = match stream {
        0xe0..=0xef => StampKind::Video,
        0xc0..=0xdf => StampKind::Audio,
        0xbd | 0xfd => StampKind::Other,
        _ => return None,
    };
    let pts = stamp(header.get(9..14)?);
    let dts = if flags & 0x40 != 0 { Some(stamp(header.get(14..19)?)) } else { None };
    Some(FrameStamps { kind, at: at + 9, pts, dts })
}

/// The 33 bits of a time stamp in five bytes.
pub(super) fn stamp(bytes: &[u8]) -> i64 {
    let byte = |n: usize| i64::from(bytes.get(n).copied().unwrap_or(0));
    (byte(0) >> 1 & 7) << 30 | byte(1) << 22 | (byte(2) >> 1) << 15 | byte(3) << 7 | byte(4) >> 1
}

/// Puts `value` in the place of a time stamp.
pub(super) fn put_stamp(bytes: &mut [u8], value: i64) {
    if let [a, b, c, d, e, ..] = bytes {
        *a = *a & 0xf1 | (value >> 29 & 0x0e) as u8;
        *b = (value >> 22) as u8;
        *c = (value >> 14) as u8 & 0xfe | 1;
        *d = (value >> 7) as u8;
        *e = (value << 1) as u8 | 1;
    }
}

/// Puts `value` in the place of a clock reference, whose extension stays.
pub(super) fn put_reference(bytes: &mut [u8], value: i64) {
    if let [a, b, c, d, e, ..] = bytes {
        [*a, *b, *c, *d] = ((value >> 1) as u32).to_be_bytes();
        *e = *e & 0x7f | ((value & 1) << 7) as u8;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn stamps_are_read_as_they_are_put() {
        let mut packet = [0_u8; PACKET];
        packet[..4].copy_from_slice(&[SYNC, 0x41, 0x00, 0x30]);
        packet[4] = 7;
        packet[5] = 0x10;
        packet[12..20].copy_from_slice(&[0, 0, 1, 0xe0, 0, 0, 0x80, 0xc0]);
        packet[20] = 10;
        (packet[21], packet[26]) = (0x31, 0x11);
        for (pts, dts, pcr) in [(0, 0, 1), ((1 << 33) - 1, 5_000_000_000, 8_589_934_591)] {
            put_stamp(&mut packet[21..26], pts);
            put_stamp(&mut packet[26..31], dts);
            put_reference(&mut packet[6..11], pcr);
            let found = stamps(&packet).unwrap();
            assert_eq!((found.pid, found.pcr), (256, Some((6, pcr))));
            let frame = found.frame.unwrap();
            assert_eq!((frame.kind, frame.at, frame.pts), (StampKind::Video, 21, pts));
            assert_eq!(frame.decoded(), dts);
            assert_eq!((packet[21] & 0xf1, packet[26] & 0xf1), (0x31, 0x11));
        }
        assert_eq!(stamps(&[0; PACKET]), None);
    }

    #[test]
    fn packets_are_found_in_all_layouts() {
        for (stride, first) in [(188, 0), (192, 4), (204, 0), (188, 77)] {
            let mut bytes = vec![0_u8; first + stride * 8];
            (0..8).for_each(|n| bytes[first + n * stride] = SYNC);
            assert_eq!(PacketLayout::of(&bytes), Some(PacketLayout { stride, first }));
        }
        assert_eq!(PacketLayout::of(&[0; 4096]), None);
    }
}
