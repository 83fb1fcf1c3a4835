//! Parses H.264 parameter sets and NAL unit types (ITU-T H.264, 7.3).

use mp4_atom::Avcc;

/// NAL unit types.
const SLICE: u8 = 1;
const IDR: u8 = 5;
const SPS: u8 = 7;
const PPS: u8 = 8;
/// Number of sequence parameter set identifiers.
const IDS: u64 = 32;

/// The stream parameters that the encoder of the edges must respect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StreamParameters {
    /// Profile, by x264's name.
    pub(super) profile: &'static str,
    /// Number of reference frames.
    pub(super) references: u64,
    /// An identifier that no parameter set of the source uses.
    pub(super) free: u64,
}

impl StreamParameters {
    /// Parses the configuration; `None` unless packets of the stream can be copied.
    ///
    /// That requires a progressive 8-bit 4:2:0 stream with one sequence parameter set and NAL unit lengths of
    /// four bytes.
    pub(super) fn new(avcc: &Avcc) -> Option<Self> {
        let [sps] = avcc.sequence_parameter_sets.as_slice() else { return None };
        let sps = SequenceParameterSet::read(sps)?;
        if avcc.length_size != 4 || !sps.progressive {
            return None;
        }
        let mut used = vec![sps.id];
        for pps in &avcc.picture_parameter_sets {
            used.push(BitReader::new(pps.get(1..)?).ue()?);
        }
        let free = (1..IDS).find(|id| !used.contains(id))?;
        Some(Self { profile: sps.profile, references: sps.references, free })
    }
}

/// The fields of a sequence parameter set that are used here.
struct SequenceParameterSet {
    profile: &'static str,
    id: u64,
    references: u64,
    progressive: bool,
}

impl SequenceParameterSet {
    fn read(nal: &[u8]) -> Option<Self> {
        let mut bits = BitReader::new(nal.get(1..)?);
        let profile = match bits.take(8)? {
            66 => "baseline",
            77 => "main",
            100 => "high",
            _ => return None,
        };
        bits.take(16)?;
        let id = bits.ue()?;
        if profile == "high" {
            let (chroma, luma_depth, chroma_depth) = (bits.ue()?, bits.ue()?, bits.ue()?);
            let (lossless, matrices) = (bits.take(1)?, bits.take(1)?);
            if (chroma, luma_depth, chroma_depth, lossless, matrices) != (1, 0, 0, 0, 0) {
                return None;
            }
        }
        bits.ue()?;
        match bits.ue()? {
            0 => {
                bits.ue()?;
            }
            1 => {
                bits.take(1)?;
                bits.ue()?;
                bits.ue()?;
                for _ in 0..bits.ue()?.min(255) {
                    bits.ue()?;
                }
            }
            _ => {}
        }
        let references = bits.ue()?;
        bits.take(1)?;
        bits.ue()?;
        bits.ue()?;
        Some(Self { profile, id, references, progressive: bits.take(1)? == 1 })
    }
}

/// A codec configuration with the parameter sets of both streams.
pub(super) fn joined(source: &Avcc, edges: Option<&Avcc>) -> Avcc {
    let mut joined = source.clone();
    let Some(edges) = edges else { return joined };
    joined.avc_profile_indication = source.avc_profile_indication.max(edges.avc_profile_indication);
    joined.profile_compatibility &= edges.profile_compatibility;
    joined.avc_level_indication = source.avc_level_indication.max(edges.avc_level_indication);
    joined.sequence_parameter_sets.extend(edges.sequence_parameter_sets.iter().cloned());
    joined.picture_parameter_sets.extend(edges.picture_parameter_sets.iter().cloned());
    joined
}

/// Whether a packet is an IDR: no later picture refers to one before it.
pub(super) fn is_idr(packet: &[u8]) -> bool {
    let kinds = nals(packet).map(|nals| nals.map(|nal| nal.map(kind)).collect::<Option<Vec<_>>>());
    let Some(Some(kinds)) = kinds else { return false };
    kinds.contains(&IDR) && !kinds.iter().any(|kind| (SLICE..IDR).contains(kind))
}

/// Whether a packet can be copied: it is complete and brings no new parameter sets.
pub(super) fn is_plain(packet: &[u8], avcc: &Avcc) -> bool {
    let Some(mut nals) = nals(packet) else { return false };
    nals.all(|nal| match nal {
        None => false,
        Some(nal) if kind(nal) == SPS => avcc.sequence_parameter_sets.iter().any(|s| s == nal),
        Some(nal) if kind(nal) == PPS => avcc.picture_parameter_sets.iter().any(|s| s == nal),
        Some(_) => true,
    })
}

fn kind(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |head| head & 31)
}

/// The NAL units of a packet, after lengths of four bytes; `None` where it is truncated.
fn nals(packet: &[u8]) -> Option<impl Iterator<Item = Option<&[u8]>>> {
    let mut rest = Some(packet);
    (!packet.is_empty()).then_some(std::iter::from_fn(move || {
        let left = rest.take().filter(|left| !left.is_empty())?;
        let next = left
            .split_first_chunk()
            .and_then(|(length, left)| left.split_at_checked(u32::from_be_bytes(*length) as usize));
        Some(next.filter(|(nal, _)| !nal.is_empty()).map(|(nal, left)| {
            rest = Some(left);
            nal
        }))
    }))
}

/// Reads bits of a NAL unit, without its emulation prevention bytes.
struct BitReader {
    bytes: Vec<u8>,
    at: usize,
}

impl BitReader {
    fn new(payload: &[u8]) -> Self {
        let mut bytes: Vec<u8> = Vec::with_capacity(payload.len());
        let mut zeros = 0;
        for byte in payload {
            if zeros >= 2 && *byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if *byte == 0 { zeros + 1 } else { 0 };
            bytes.push(*byte);
        }
        Self { bytes, at: 0 }
    }

    fn take(&mut self, count: usize) -> Option<u64> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u64::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// Reads an unsigned Exp-Golomb code (9.1); for a signed one, its code number.
    fn ue(&mut self) -> Option<u64> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
        }
        (zeros < 32).then_some(())?;
        Some((1 << zeros) - 1 + self.take(zeros)?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn packet(nals: &[&[u8]]) -> Vec<u8> {
        let framed = |nal: &&[u8]| [&(nal.len() as u32).to_be_bytes()[..], nal].concat();
        nals.iter().flat_map(framed).collect()
    }

    /// x264's of 320 × 180, `sps-id=1:dpb-size=4`.
    fn avcc() -> Avcc {
        let sps = [
            0x67, 0x64, 0x00, 0x0c, 0x4b, 0x36, 0x50, 0x50, 0x67, 0xe7, 0xc0, 0x44, 0x00, 0x00,
            0x03, 0x00, 0x04, 0x00, 0x01, 0x90, 0x00, 0x3c, 0x50, 0xa6, 0x58,
        ];
        Avcc {
            configuration_version: 1,
            avc_profile_indication: 100,
            avc_level_indication: 12,
            length_size: 4,
            sequence_parameter_sets: vec![sps.to_vec()],
            picture_parameter_sets: vec![vec![0x68, 0x4a, 0xf8, 0x6f, 0x2c]],
            ..Avcc::default()
        }
    }

    #[test]
    fn the_edges_respect_the_source_parameters() {
        let found = StreamParameters::new(&avcc()).unwrap();
        assert_eq!(found, StreamParameters { profile: "high", references: 4, free: 2 });
        let short = Avcc { length_size: 2, ..avcc() };
        let several = [avcc().sequence_parameter_sets, avcc().sequence_parameter_sets].concat();
        let changing = Avcc { sequence_parameter_sets: several, ..avcc() };
        let mut deep = avcc();
        deep.sequence_parameter_sets[0][1] = 110;
        for other in [short, changing, deep, Avcc { sequence_parameter_sets: vec![], ..avcc() }] {
            assert_eq!(StreamParameters::new(&other), None);
        }
    }

    #[test]
    fn both_parameter_sets_stand_in_one_configuration() {
        let edges = Avcc { avc_level_indication: 31, ..avcc() };
        let both = joined(&avcc(), Some(&edges));
        assert_eq!((both.avc_profile_indication, both.avc_level_indication), (100, 31));
        assert_eq!(both.sequence_parameter_sets.len() + both.picture_parameter_sets.len(), 4);
        assert_eq!(joined(&avcc(), None), avcc());
    }

    #[test]
    fn codes_are_read_as_in_the_standard() {
        // 1, 010, 011, 00100, 00111: 0, 1, 2, 3, 6.
        let mut bits = BitReader::new(&[0b1010_0110, 0b0100_0011, 0b1000_0000]);
        let found: Vec<_> = (0..5).map(|_| bits.ue().unwrap()).collect();
        assert_eq!(found, [0, 1, 2, 3, 6]);
        let mut escaped = BitReader::new(&[0, 0, 3, 1]);
        assert_eq!((escaped.take(24), escaped.take(1)), (Some(1), None));
    }

    #[test]
    fn only_pictures_that_stand_alone_begin_a_copy() {
        assert!(is_idr(&packet(&[&[0x06, 1], &[0x65, 9]])));
        assert!(!is_idr(&packet(&[&[0x41, 9]])));
        assert!(!is_idr(&packet(&[&[0x06, 6], &[0x61, 9]])));
        assert!(!is_idr(b""));
        assert!(!is_idr(&packet(&[&[0x65, 9]])[..5]));
    }

    #[test]
    fn other_parameter_sets_within_are_not_copied() {
        let avcc = avcc();
        let own = avcc.sequence_parameter_sets[0].clone();
        assert!(is_plain(&packet(&[&own, &[0x65, 9]]), &avcc));
        let mut other = own;
        other[5] ^= 1;
        assert!(!is_plain(&packet(&[&other, &[0x65, 9]]), &avcc));
        assert!(!is_plain(&packet(&[&[0x41, 9, 9]])[..6], &avcc));
    }
}
