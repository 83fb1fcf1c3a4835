//! The packets of an MPEG program stream (`.mpg`, `.vob`) and their time stamps (ISO/IEC 13818-1 and 11172-1).

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::packets::{FrameStamps, PacketStamps, StampKind, frame, put_stamp, stamp};
use super::{CHUNK, CopyFault, PACKETS_UNASKED};
use crate::cancel::CancelToken;

/// Length of the longest packet, and of what tells the next.
const LONGEST: usize = 6 + 0xffff + 16;
/// Ends the code of a pack header.
const PACK: u8 = 0xba;
/// The first code of a packet; lower ones are of pictures.
const FIRST: u8 = 0xb9;

/// Gives every packet of a file to `handle`, and what is between packets, in order.
pub(super) fn each_packet(
    path: &Path,
    cancel: &CancelToken,
    mut handle: impl FnMut(&mut [u8]) -> std::io::Result<()>,
) -> std::result::Result<(), CopyFault> {
    let mut file = File::open(path)?;
    let (mut window, mut at, mut is_end) = (Vec::with_capacity(2 * CHUNK), 0, false);
    let mut count = 0_u32;
    loop {
        if !is_end && window.len() - at < LONGEST {
            window.drain(..at);
            at = 0;
            is_end = (&mut file).take(CHUNK as u64).read_to_end(&mut window)? < CHUNK;
            continue;
        }
        let rest = window.get_mut(at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(());
        }
        let given = length(rest).min(rest.len());
        handle(rest.get_mut(..given).unwrap_or_default())?;
        at += given;
        count = count.wrapping_add(1);
        if count.is_multiple_of(PACKETS_UNASKED) {
            cancel.check().map_err(CopyFault::Stopped)?;
        }
    }
}

/// Number of bytes of the packet that `bytes` begin with, or up to the next packet; at least one.
fn length(bytes: &[u8]) -> usize {
    let length = match *bytes {
        [0, 0, 1, FIRST, ..] => 4,
        [0, 0, 1, PACK, mark, ..] if mark & 0xc0 == 0x40 => {
            14 + usize::from(bytes.get(13).copied().unwrap_or(0) & 7)
        }
        [0, 0, 1, PACK, ..] => 12,
        [0, 0, 1, code, high, low, ..] if code > PACK => {
            6 + (usize::from(high) << 8 | usize::from(low))
        }
        // What is lost or damaged is passed over.
        _ => {
            let next = bytes.windows(4).skip(1).position(is_code);
            next.map_or(bytes.len(), |next| next + 1)
        }
    };
    length.max(1)
}

fn is_code(four: &[u8]) -> bool {
    matches!(*four, [0, 0, 1, code] if code >= FIRST)
}

/// Reads the time stamps of a packet; `None` where it has none.
pub(super) fn stamps(packet: &[u8]) -> Option<PacketStamps> {
    let [0, 0, 1, code, ..] = *packet else { return None };
    if code == PACK {
        let value = reference(packet.get(4..)?)?;
        return Some(PacketStamps { pid: u16::from(PACK), pcr: Some((4, value)), frame: None });
    }
    let found = frame(packet, 0).or_else(|| old_frame(packet))?;
    // Private streams hold several, told apart by the first byte of what they carry.
    let inner = match code {
        0xbd => packet.get(8).and_then(|more| packet.get(9 + usize::from(*more))).copied(),
        _ => None,
    };
    let pid = u16::from(code) << 8 | u16::from(inner.unwrap_or(0));
    Some(PacketStamps { pid, pcr: None, frame: Some(found) })
}

/// The time stamps of a packet of MPEG-1, which follow its stuffing.
fn old_frame(packet: &[u8]) -> Option<FrameStamps> {
    let kind = match packet.get(3)? {
        0xe0..=0xef => StampKind::Video,
        0xc0..=0xdf => StampKind::Audio,
        _ => return None,
    };
    let mut at = 6;
    while *packet.get(at)? == 0xff && at < 6 + 16 {
        at += 1;
    }
    // The size of the decoder's buffer.
    if packet.get(at)? & 0xc0 == 0x40 {
        at += 2;
    }
    let has_both = match packet.get(at)? & 0xf0 {
        0x20 => false,
        0x30 => true,
        _ => return None,
    };
    let pts = stamp(packet.get(at..at + 5)?);
    let dts = if has_both { Some(stamp(packet.get(at + 5..at + 10)?)) } else { None };
    Some(FrameStamps { kind, at, pts, dts })
}

/// The clock reference of a pack header, without its extension.
fn reference(bytes: &[u8]) -> Option<i64> {
    let [a, b, c, d, e, ..] = *bytes else { return None };
    if a & 0xf0 == 0x20 {
        return Some(stamp(bytes));
    }
    let [a, b, c, d, e] = [a, b, c, d, e].map(i64::from);
    let high = (a >> 3 & 7) << 30 | (a & 3) << 28;
    Some(high | b << 20 | (c >> 3) << 15 | (c & 3) << 13 | d << 5 | e >> 3)
}

/// Puts `value` in the place of a clock reference, whose extension stays.
pub(super) fn put_reference(bytes: &mut [u8], value: i64) {
    if bytes.first().is_some_and(|mark| mark & 0xf0 == 0x20) {
        return put_stamp(bytes, value);
    }
    if let [a, b, c, d, e, ..] = bytes {
        *a = *a & 0xc4 | (value >> 27 & 0x38) as u8 | (value >> 28 & 3) as u8;
        *b = (value >> 20) as u8;
        *c = *c & 0x04 | (value >> 12 & 0xf8) as u8 | (value >> 13 & 3) as u8;
        *d = (value >> 5) as u8;
        *e = *e & 0x07 | (value << 3 & 0xf8) as u8;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn references_are_read_as_they_are_put() {
        for mark in [0x44_u8, 0x21] {
            let mut pack = [0, 0, 1, PACK, mark, 0, 4, 0, 4, 1, 0, 0, 0, 0xf8];
            for value in [0, 1, 12_345_678_901 & ((1 << 33) - 1), (1 << 33) - 1] {
                put_reference(&mut pack[4..], value);
                assert_eq!(stamps(&pack).unwrap().pcr, Some((4, value)), "{mark:x}");
            }
        }
    }

    #[test]
    fn packets_of_both_kinds_have_their_length_and_stamps() {
        let new = [0, 0, 1, 0xe0, 0, 8, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1];
        assert_eq!((length(&new), stamps(&new).unwrap().frame.unwrap().at), (14, 9));
        let old = [0, 0, 1, 0xc0, 0, 10, 0xff, 0xff, 0x40, 0x20, 0x21, 0, 1, 0, 0x03, 9];
        let frame = stamps(&old).unwrap().frame.unwrap();
        assert_eq!((length(&old), frame.at, frame.pts, frame.kind), (16, 10, 1, StampKind::Audio));
        assert_eq!(stamps(&[0, 0, 1, 0xbf, 0, 2, 0, 0]), None);
        assert_eq!(length(&[9, 9, 0, 0, 1, PACK]), 2);
        assert_eq!(length(&[9, 9, 9]), 3);
    }
}
