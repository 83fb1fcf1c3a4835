//! Lists the packets of an H.264 track with ffprobe.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use mp4_atom::{Atom, Avcc};

use super::parameters::is_idr;
use crate::error::Result;
use crate::media::ffprobe::{ProbeOutput, ProbePacket};
use crate::media::render::context::RenderContext;
use crate::media::render::source::RenderSource;
use crate::media::render::verify::facts::mismatch;
use crate::media::sniff::Demuxer;

/// How far beyond the span's end packets are listed, in seconds, to cover reordered frames.
const BEYOND: f64 = 1.0;
/// Largest packet that is read, in bytes.
const MAX_PACKET: u32 = 64 << 20;

/// A packet and its position in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packet {
    /// PTS in the source's ticks.
    pub(super) tick: i64,
    /// Offset and number of its bytes in the file.
    pub(super) at: u64,
    pub(super) size: u32,
    pub(super) key: bool,
    /// Whether an edit list discards it.
    pub(super) discarded: bool,
}

impl Packet {
    /// Reads its bytes.
    pub(super) fn read(&self, file: &File) -> Result<Vec<u8>> {
        if self.size > MAX_PACKET {
            return Err(mismatch("a packet is too large"));
        }
        let mut bytes = vec![0; self.size as usize];
        file.read_exact_at(&mut bytes, self.at)
            .map_err(|cause| mismatch("a packet cannot be read").with_source(cause))?;
        Ok(bytes)
    }

    /// Whether decoding can start at it without any earlier packet.
    pub(super) fn is_closed(&self, file: &File) -> Result<bool> {
        Ok(self.key && !self.discarded && is_idr(&self.read(file)?))
    }
}

/// The packets of a track in decoding order.
#[derive(Debug)]
pub(super) struct PacketTrack {
    pub(super) avcc: Avcc,
    pub(super) packets: Vec<Packet>,
}

/// Lists the packets of the stream `video` of `path`, all or those around `span`.
///
/// `span` is in seconds on the container's own clock. ffprobe runs twice, because asking for the codec
/// configuration also dumps the data of every packet.
pub(super) fn list(
    context: &RenderContext<'_>,
    (path, video): (&Path, usize),
    span: Option<(f64, f64)>,
) -> Result<PacketTrack> {
    let video = video.to_string();
    let ask = |what: &[&str]| {
        context.ask((Demuxer::Mov, path), &[&["-select_streams", &video], what].concat())
    };
    let configured = ask(&["-show_data", "-show_entries", "stream=extradata"])?;
    let entries = "stream=time_base:packet=pts,size,pos,flags";
    let mut what = vec!["-show_entries", entries];
    let interval = span.map(|(start, end)| format!("{start:.6}%{:.6}", end + BEYOND));
    what.extend(interval.iter().flat_map(|interval| ["-read_intervals", interval]));
    let listed = ask(&what)?;
    let track = avcc(&configured).zip(packets(&listed, context.source));
    let (avcc, packets) = track.ok_or_else(|| mismatch("its packets cannot be copied"))?;
    Ok(PacketTrack { avcc, packets })
}

/// The codec configuration of the first stream.
fn avcc(output: &ProbeOutput) -> Option<Avcc> {
    let dump = &output.streams.first()?.extradata;
    Avcc::decode_body(&mut bytes(dump)?.as_slice()).ok()
}

/// The packets of the first stream, in the ticks of `source`.
fn packets(output: &ProbeOutput, source: &RenderSource) -> Option<Vec<Packet>> {
    let (num, den) = output.streams.first()?.tick()?;
    let (num, den) = (i128::from(num), i128::from(den));
    (den > 0).then_some(())?;
    let tick = |pts: i64| {
        let scaled = i128::from(pts) * num * i128::from(source.ticks);
        i64::try_from((scaled + den / 2).div_euclid(den)).ok()
    };
    let packet = |packet: &ProbePacket| {
        Some(Packet {
            tick: tick(packet.pts?)?,
            at: packet.pos.as_ref()?.parse().ok()?,
            size: packet.size.as_ref()?.parse().ok()?,
            key: packet.flags.starts_with('K'),
            discarded: packet.flags.contains('D'),
        })
    };
    output.packets.iter().map(packet).collect()
}

/// Parses ffprobe's hexadecimal dump: lines of `00000000: 0164 001e ffe1  .d....`.
fn bytes(dump: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for line in dump.lines().filter(|line| !line.is_empty()) {
        let (_, rest) = line.split_once(": ")?;
        let digits = rest.get(..rest.len().min(40))?;
        let digits: Vec<u8> = digits.bytes().filter(|byte| *byte != b' ').collect();
        // The text column starts after the full width of the digits; a short last line is padded.
        for pair in digits.chunks_exact(2).take(16) {
            bytes.push(u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_is_read_back() {
        let dump = "\n00000000: 0164 001e ffe1 0018 6764 001e acd9 40d8  .d......gd....@.\n\
                    00000010: 3da1 00                                  =..\n";
        let wanted = [
            0x01, 0x64, 0x00, 0x1e, 0xff, 0xe1, 0x00, 0x18, 0x67, 0x64, 0x00, 0x1e, 0xac, 0xd9,
            0x40, 0xd8, 0x3d, 0xa1, 0x00,
        ];
        assert_eq!(bytes(dump).as_deref(), Some(&wanted[..]));
        assert_eq!(bytes("no dump"), None);
    }
}
