//! Reads the index of an MP4 file (ISO/IEC 14496-12): the PTS of each frame.

use std::io::{Read, Seek, SeekFrom};

use mp4_atom::{
    Atom, Codec, Error, FourCC, Header, Mdat, Moov, ReadFrom, Result, Stbl, StszSamples, Trak,
};

use super::facts::{MeasuredTrack, TrackKind};

/// Largest index that is read: about 16 bytes per frame for a day of frames.
const MOST: usize = 256 << 20;

/// Reads the picture and sound tracks; `None` if a stream is of an unknown kind.
///
/// # Errors
/// The file is not MP4, or its boxes do not end where it ends. The index comes first, so a truncated file
/// still states its full length.
pub(crate) fn read(mut file: impl Read + Seek) -> Result<Option<Vec<MeasuredTrack>>> {
    let length = file.seek(SeekFrom::End(0))?;
    let (mut at, mut moov, mut data) = (file.seek(SeekFrom::Start(0))?, None, 0_u64);
    while at < length {
        let header = Header::read_from(&mut file)?;
        // ffmpeg leaves no box "to the end of the file" in a finished file.
        let size = header.size.ok_or(Error::InvalidSize)?;
        let body = file.stream_position()?;
        at = body.saturating_add(size as u64);
        if at > length {
            return Err(Error::OutOfBounds);
        }
        if header.kind == Mdat::KIND {
            data = data.saturating_add(size as u64);
        } else if header.kind == Moov::KIND && size <= MOST {
            let mut bytes = vec![0; size];
            file.read_exact(&mut bytes)?;
            moov = Some(Moov::decode_body(&mut bytes.as_slice())?);
        }
        file.seek(SeekFrom::Start(at))?;
    }
    let moov = moov.ok_or(Error::MissingBox(Moov::KIND))?;
    let movie = f64::from(moov.mvhd.timescale.max(1));
    // Also bounds the memory that a damaged count can take.
    let needed = moov.trak.iter().map(|trak| bytes(&trak.mdia.minf.stbl));
    if needed.fold(0, u64::saturating_add) > data {
        return Err(Error::OutOfBounds);
    }
    let shown = moov.trak.iter().filter(|trak| is_shown(trak));
    shown.map(|trak| track(trak, movie)).collect()
}

/// Whether the track is picture or sound.
fn is_shown(trak: &Trak) -> bool {
    [FourCC::new(b"vide"), FourCC::new(b"soun")].contains(&trak.mdia.hdlr.handler)
}

/// Measures a track; `movie` is the file's timescale in ticks per second.
fn track(trak: &Trak, movie: f64) -> Result<Option<MeasuredTrack>> {
    let stbl = &trak.mdia.minf.stbl;
    let Some((kind, codec)) = stbl.stsd.codecs.first().and_then(known) else { return Ok(None) };
    let timescale = trak.mdia.mdhd.timescale;
    let seconds = |ticks: i64| ticks as f64 / f64::from(timescale.max(1));
    let edits = trak.edts.as_ref().and_then(|edts| edts.elst.as_ref());
    let edits = edits.map_or(&[][..], |elst| &elst.entries);
    // Edits before the first one with media are empty.
    let empty = edits.iter().take_while(|edit| edit.media_time.is_none());
    let wait = empty.map(|edit| edit.segment_duration as f64 / movie).sum::<f64>();
    let played = edits.iter().find(|edit| edit.media_time.is_some());
    let zero = played.and_then(|edit| edit.media_time).unwrap_or(0);
    let zero = i64::try_from(zero).map_err(|_| Error::InvalidSize)?;
    let shift = (wait * f64::from(timescale)).round() as i64 - zero;
    let (mut pts, end) = times(stbl)?;
    pts.iter_mut().for_each(|pts| *pts = pts.saturating_add(shift));
    pts.sort_unstable();
    // The encoder's priming samples lie before the start and are not played.
    let start = pts.first().map_or(wait, |first| seconds(*first).max(wait));
    let whole = seconds(end.saturating_add(shift)) - start;
    let duration = played.map_or(whole, |edit| whole.min(edit.segment_duration as f64 / movie));
    Ok(Some(MeasuredTrack {
        kind,
        codec: codec.into(),
        time_base: (1, timescale),
        pts,
        start,
        duration,
    }))
}

/// Kind and codec of a sample entry, if it is of a kind that is written here.
fn known(codec: &Codec) -> Option<(TrackKind, &'static str)> {
    let picture = |visual: &mp4_atom::Visual| {
        TrackKind::Picture(i64::from(visual.width), i64::from(visual.height))
    };
    Some(match codec {
        Codec::Avc1(entry) => (picture(&entry.visual), "h264"),
        Codec::Avc3(entry) => (picture(&entry.visual), "h264"),
        Codec::Hvc1(entry) => (picture(&entry.visual), "hevc"),
        Codec::Hev1(entry) => (picture(&entry.visual), "hevc"),
        Codec::Av01(entry) => (picture(&entry.visual), "av1"),
        Codec::Mp4a(_) => (TrackKind::Sound, "aac"),
        _ => return None,
    })
}

/// Bytes of all samples; an empty sample counts as one byte.
fn bytes(stbl: &Stbl) -> u64 {
    let own = |size: &u32| u64::from((*size).max(1));
    match &stbl.stsz.samples {
        StszSamples::Different { sizes } => sizes.iter().map(own).sum(),
        StszSamples::Identical { count, size } => u64::from(*count) * own(size),
    }
}

/// PTS of all samples, and the end of the last, in ticks.
fn times(stbl: &Stbl) -> Result<(Vec<i64>, i64)> {
    let samples = match &stbl.stsz.samples {
        StszSamples::Different { sizes } => sizes.len() as u64,
        StszSamples::Identical { count, .. } => u64::from(*count),
    };
    let counted: u64 = stbl.stts.entries.iter().map(|run| u64::from(run.sample_count)).sum();
    if counted != samples {
        return Err(Error::InvalidSize);
    }
    let runs = stbl.ctts.iter().flat_map(|ctts| &ctts.entries);
    let mut offsets =
        runs.flat_map(|run| std::iter::repeat_n(run.sample_offset, run.sample_count as usize));
    let (mut pts, mut dts, mut end) = (Vec::new(), 0_i64, 0_i64);
    for run in &stbl.stts.entries {
        for _ in 0..run.sample_count {
            let shown = dts.saturating_add(offsets.next().unwrap_or(0));
            dts = dts.saturating_add(i64::from(run.sample_delta));
            end = end.max(shown.saturating_add(i64::from(run.sample_delta)));
            pts.push(shown);
        }
    }
    Ok((pts, end))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use mp4_atom::{
        Audio, Avc1, Avcc, Ctts, CttsEntry, Edts, Elst, ElstEntry, Encode, Esds, Mp4a, Stts,
        SttsEntry, Visual,
    };
    use std::io::Cursor;

    /// A file with these tracks.
    fn file(traks: Vec<Trak>) -> Vec<u8> {
        let mut moov = Moov { trak: traks, ..Moov::default() };
        moov.mvhd.timescale = 1000;
        let mut bytes = Vec::new();
        moov.encode(&mut bytes).unwrap();
        Mdat { data: vec![7; 72] }.encode(&mut bytes).unwrap();
        bytes
    }

    fn trak(handler: &[u8; 4], codec: Codec, delta: u32, offsets: Option<&[i64]>) -> Trak {
        let mut trak = Trak::default();
        trak.mdia.mdhd.timescale = 1000;
        trak.mdia.hdlr.handler = FourCC::new(handler);
        let stbl = &mut trak.mdia.minf.stbl;
        stbl.stsd.codecs = vec![codec];
        stbl.stts = Stts { entries: vec![SttsEntry { sample_count: 4, sample_delta: delta }] };
        let run = |offset: &i64| CttsEntry { sample_count: 1, sample_offset: *offset };
        stbl.ctts = offsets.map(|all| Ctts { entries: all.iter().map(run).collect() });
        stbl.stsz.samples = StszSamples::Different { sizes: vec![9; 4] };
        trak
    }

    fn edit(segment_duration: u64, media_time: Option<u64>) -> ElstEntry {
        ElstEntry { segment_duration, media_time, media_rate: 1.into() }
    }

    fn edits(entries: Vec<ElstEntry>) -> Option<Edts> {
        Some(Edts { elst: Some(Elst { entries }) })
    }

    fn picture() -> Trak {
        let visual = Visual { width: 540, height: 960, ..Visual::default() };
        let avcc = Avcc { configuration_version: 1, length_size: 4, ..Avcc::default() };
        let codec = Codec::Avc1(Avc1 { visual, avcc, ..Avc1::default() });
        let mut trak = trak(b"vide", codec, 40, Some(&[80, 160, 0, 40]));
        trak.edts = edits(vec![edit(160, Some(80))]);
        trak
    }

    #[test]
    fn frames_are_shown_when_their_offsets_and_the_edit_list_say() {
        let sound = {
            let audio = Audio {
                data_reference_index: 1,
                channel_count: 2,
                sample_size: 16,
                sample_rate: 48_000.into(),
            };
            let mp4a = Mp4a { audio, esds: Esds::default(), btrt: None, taic: None };
            let mut sound = trak(b"soun", Codec::Mp4a(mp4a), 21, None);
            sound.edts = edits(vec![edit(40, None), edit(60, Some(21))]);
            sound
        };
        let tracks = read(Cursor::new(file(vec![picture(), sound]))).unwrap().unwrap();
        let (picture, sound) = (&tracks[0], &tracks[1]);
        assert_eq!(picture.kind, TrackKind::Picture(540, 960));
        assert_eq!((picture.codec.as_str(), picture.time_base), ("h264", (1, 1000)));
        assert_eq!(picture.pts, [0, 0, 80, 120]);
        assert_eq!((picture.start, picture.duration), (0.0, 0.16));
        // The priming samples lie before the start; 40 ms of silence precede both.
        assert_eq!(sound.pts, [19, 40, 61, 82]);
        assert_eq!((sound.kind, sound.start), (TrackKind::Sound, 0.04));
        assert!((sound.duration - 0.06).abs() < 1e-9);
    }

    #[test]
    fn a_file_that_is_cut_off_or_damaged_is_an_error() {
        let mut whole = file(vec![picture()]);
        assert!(read(Cursor::new(&whole)).is_ok());
        for length in 0..whole.len() {
            assert!(read(Cursor::new(&whole[..length])).is_err(), "{length}");
        }
        let counts = whole.windows(4).position(|word| word == b"stts").unwrap() + 12;
        whole[counts] = 0x7f;
        assert!(read(Cursor::new(&whole)).is_err());
        assert!(read(Cursor::new(b"no file of this kind")).is_err());
    }
}
