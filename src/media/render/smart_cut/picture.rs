//! Writes an MP4 picture track from existing packets (ISO/IEC 14496-12 and 14496-15).

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use mp4_atom::{
    Avc1, Avcc, Co64, Codec, Ctts, CttsEntry, Dref, DrefEntry, Edts, Elst, ElstEntry, Encode,
    FourCC, Ftyp, Moov, Stbl, Stsc, StscEntry, Stss, Stsz, StszSamples, Stts, SttsEntry, Trak, Url,
    Visual, Vmhd,
};

use super::packets::Packet;
use super::parameters::is_plain;
use crate::error::{Error, ErrorCode, Result};
use crate::media::render::verify::facts::mismatch;

/// A packet with its time in the clip.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClipSample {
    pub(super) packet: Packet,
    /// Whether it is copied from the source, not from the edges.
    pub(super) copied: bool,
    /// PTS in the clip's ticks.
    pub(super) pts: i64,
}

/// The sample description that all samples share.
pub(super) struct SampleDescription {
    pub(super) avcc: Avcc,
    pub(super) size: (u16, u16),
    /// Ticks per second.
    pub(super) ticks: u32,
}

/// Writes `samples`, in decoding order, to `to`.
///
/// Copied samples are read from `source`, the others from `edges`.
pub(super) fn write(
    to: &Path,
    samples: &[ClipSample],
    (source, edges): (&File, &File),
    entry: SampleDescription,
) -> Result<()> {
    let full = |cause: std::io::Error| {
        let message = format!("a clip's picture cannot be written: {cause}");
        Error::new(ErrorCode::StoreWrite, message).with_source(cause)
    };
    let boxes = |cause: mp4_atom::Error| mismatch("its index cannot be made").with_source(cause);
    let mut head = Vec::new();
    let brand = FourCC::new(b"isom");
    let ftyp = Ftyp { major_brand: brand, minor_version: 512, compatible_brands: vec![brand] };
    ftyp.encode(&mut head).map_err(boxes)?;
    // `mdat` with a 64-bit size, which is filled in at the end.
    let at = head.len() as u64;
    head.extend(1_u32.to_be_bytes());
    head.extend(b"mdat");
    head.extend([0; 8]);
    let first = head.len() as u64;
    let mut file = BufWriter::new(File::create(to).map_err(full)?);
    file.write_all(&head).map_err(full)?;
    let mut end = first;
    for sample in samples {
        let bytes = sample.packet.read(if sample.copied { source } else { edges })?;
        if sample.copied && !is_plain(&bytes, &entry.avcc) {
            return Err(mismatch("the source changes its parameters"));
        }
        file.write_all(&bytes).map_err(full)?;
        end += bytes.len() as u64;
    }
    let mut index = Vec::new();
    moov(samples, first, entry)?.encode(&mut index).map_err(boxes)?;
    file.write_all(&index).map_err(full)?;
    let mut file = file.into_inner().map_err(|error| full(error.into_error()))?;
    file.seek(SeekFrom::Start(at + 8)).map_err(full)?;
    file.write_all(&(end - at).to_be_bytes()).map_err(full)
}

fn moov(samples: &[ClipSample], first: u64, entry: SampleDescription) -> Result<Moov> {
    let odd = || mismatch("its times do not fit together");
    let pts: Vec<i64> = samples.iter().map(|sample| sample.pts).collect();
    let dts = decode_times(&pts).ok_or_else(odd)?;
    let (Some(shown), Some(zero), Some(last)) = (pts.iter().min(), dts.first(), pts.iter().max())
    else {
        return Err(odd());
    };
    let lead = u64::try_from(shown - zero).map_err(|_| odd())?;
    let length = u64::try_from(last - shown + 1).map_err(|_| odd())?;
    let mut moov = Moov::default();
    moov.mvhd.timescale = entry.ticks;
    moov.mvhd.duration = length;
    moov.mvhd.rate = 1.into();
    moov.mvhd.next_track_id = 2;
    let mut trak = Trak::default();
    trak.tkhd.track_id = 1;
    trak.tkhd.enabled = true;
    trak.tkhd.in_movie = true;
    trak.tkhd.duration = length;
    (trak.tkhd.width, trak.tkhd.height) = (entry.size.0.into(), entry.size.1.into());
    let edit = ElstEntry { segment_duration: length, media_time: Some(lead), media_rate: 1.into() };
    trak.edts = Some(Edts { elst: Some(Elst { entries: vec![edit] }) });
    trak.mdia.mdhd.timescale = entry.ticks;
    trak.mdia.mdhd.duration = length + lead;
    trak.mdia.mdhd.language = "und".into();
    trak.mdia.hdlr.handler = FourCC::new(b"vide");
    trak.mdia.hdlr.name = "VideoHandler".into();
    trak.mdia.minf.vmhd = Some(Vmhd::default());
    let here = DrefEntry::Url(Url { location: String::new() });
    trak.mdia.minf.dinf.dref = Dref { entries: vec![here] };
    trak.mdia.minf.stbl = table(samples, (&pts, &dts), first, entry).ok_or_else(odd)?;
    moov.trak = vec![trak];
    Ok(moov)
}

fn table(
    samples: &[ClipSample],
    (pts, dts): (&[i64], &[i64]),
    first: u64,
    entry: SampleDescription,
) -> Option<Stbl> {
    let (width, height) = entry.size;
    let visual = Visual { data_reference_index: 1, width, height, ..Visual::default() };
    let steps = dts.windows(2).map(|pair| u32::try_from(pair[1] - pair[0]).ok());
    // The duration of the last sample is set when the clip is assembled.
    let steps: Vec<u32> = steps.chain([Some(1)]).collect::<Option<_>>()?;
    let step = |step: &u32| SttsEntry { sample_count: 1, sample_delta: *step };
    let offset = |(pts, dts): (&i64, &i64)| CttsEntry { sample_count: 1, sample_offset: pts - dts };
    let number = |place: usize| u32::try_from(place + 1).ok();
    let keys = samples.iter().enumerate().filter(|(_, sample)| sample.packet.key);
    Some(Stbl {
        stsd: mp4_atom::Stsd {
            codecs: vec![Codec::Avc1(Avc1 { visual, avcc: entry.avcc, ..Avc1::default() })],
        },
        stts: Stts { entries: steps.iter().map(step).collect() },
        ctts: Some(Ctts { entries: pts.iter().zip(dts).map(offset).collect() }),
        stss: Some(Stss { entries: keys.map(|(place, _)| number(place)).collect::<Option<_>>()? }),
        stsc: Stsc {
            entries: vec![StscEntry {
                first_chunk: 1,
                samples_per_chunk: u32::try_from(samples.len()).ok()?,
                sample_description_index: 1,
            }],
        },
        stsz: Stsz {
            samples: StszSamples::Different {
                sizes: samples.iter().map(|sample| sample.packet.size).collect(),
            },
        },
        co64: Some(Co64 { entries: vec![first] }),
        ..Stbl::default()
    })
}

/// The latest increasing DTS for frames with these PTS in decoding order.
///
/// No DTS is after its PTS, and one delay applies to all. `None` if two frames have the same PTS.
fn decode_times(pts: &[i64]) -> Option<Vec<i64>> {
    let mut sorted = pts.to_vec();
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        return None;
    }
    let depth = depth(pts);
    let step = sorted.get(1).map_or(1, |second| second - sorted[0]);
    let ahead = |place: usize| sorted[0] - (depth - place) as i64 * step;
    let late = |place: usize| match place.checked_sub(depth) {
        Some(earlier) => sorted[earlier],
        None => ahead(place),
    };
    Some((0..pts.len()).map(late).collect())
}

/// Largest number of positions by which a frame is decoded after its presentation rank.
pub(super) fn depth(pts: &[i64]) -> usize {
    let mut order: Vec<usize> = (0..pts.len()).collect();
    order.sort_by_key(|place| pts[*place]);
    order.iter().enumerate().map(|(rank, place)| place.saturating_sub(rank)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn frames_are_decoded_before_they_are_shown() {
        assert_eq!(decode_times(&[0, 3, 1, 2]).unwrap(), [-1, 0, 1, 2]);
        assert_eq!(decode_times(&[0, 1, 2]).unwrap(), [0, 1, 2]);
        assert_eq!(decode_times(&[0, 4, 2, 1, 3]).unwrap(), [-2, -1, 0, 1, 2]);
        assert_eq!(decode_times(&[0, 1, 1]), None);
        assert_eq!(depth(&[0, 4, 2, 1, 3]), 2);
    }

    proptest! {
        #[test]
        fn any_order_has_rising_times(
            steps in proptest::collection::vec(1_i64..500, 1..40),
            swaps in proptest::collection::vec((0_usize..40, 0_usize..4), 0..40),
        ) {
            let mut at = 0;
            let mut pts: Vec<i64> = steps.iter().map(|step| { at += step; at }).collect();
            for (place, far) in swaps {
                if place + far < pts.len() {
                    pts.swap(place, place + far);
                }
            }
            let dts = decode_times(&pts).unwrap();
            prop_assert!(dts.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(dts.iter().zip(&pts).all(|(dts, pts)| dts <= pts));
            prop_assert!(depth(&pts) == 0 || dts.iter().zip(&pts).any(|(dts, pts)| dts == pts));
        }
    }
}
