//! Reads the frames of an animated WebP, which current versions of ffprobe do not read.
//!
//! The container: RIFF chunks `VP8X` (canvas), `ANIM`, and `ANMF` (a frame with its duration); see
//! <https://developers.google.com/speed/webp/docs/riff_container>.

use std::io::{Read, Seek, SeekFrom};

/// Size, frame count and duration of an animated WebP.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct WebpAnimation {
    pub(crate) width: i64,
    pub(crate) height: i64,
    pub(crate) frames: i64,
    pub(crate) milliseconds: i64,
}

/// Reads a file to its end; `None` if it is incomplete, not WebP, or a single picture.
pub(crate) fn read(mut file: impl Read + Seek) -> std::io::Result<Option<WebpAnimation>> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(0))?;
    let mut head = [0; 12];
    file.read_exact(&mut head)?;
    let [r, i, f1, f2, a, b, c, d, kind @ ..] = head;
    let whole = u64::from(u32::from_le_bytes([a, b, c, d])) + 8 == length;
    if [r, i, f1, f2] != *b"RIFF" || kind != *b"WEBP" || !whole {
        return Ok(None);
    }
    let (mut found, mut at) = (WebpAnimation::default(), 12);
    while at < length {
        let mut chunk = [0; 8];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut chunk)?;
        let [n0, n1, n2, n3, s0, s1, s2, s3] = chunk;
        let size = u64::from(u32::from_le_bytes([s0, s1, s2, s3]));
        match &[n0, n1, n2, n3] {
            b"VP8X" => {
                let mut canvas = [0; 10];
                file.read_exact(&mut canvas)?;
                let [_, _, _, _, w0, w1, w2, h0, h1, h2] = canvas;
                found.width = number(w0, w1, w2) + 1;
                found.height = number(h0, h1, h2) + 1;
            }
            b"ANMF" => {
                let mut frame = [0; 15];
                file.read_exact(&mut frame)?;
                let [.., d0, d1, d2] = frame;
                found.frames += 1;
                found.milliseconds += number(d0, d1, d2);
            }
            _ => {}
        }
        // Chunks are padded to an even length.
        at = at.saturating_add(8 + size + size % 2);
    }
    Ok((at == length && found.frames > 0).then_some(found))
}

/// A 24-bit little-endian number.
fn number(a: u8, b: u8, c: u8) -> i64 {
    i64::from(u32::from_le_bytes([a, b, c, 0]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Cursor;

    fn chunk(name: &[u8], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len()).unwrap().to_le_bytes();
        let pad = vec![0; body.len() % 2];
        [name, &size, body, &pad].concat()
    }

    #[test]
    fn frames_and_their_durations_are_counted() {
        let canvas = chunk(b"VP8X", &[2, 0, 0, 0, 0xdf, 1, 0, 0x0d, 1, 0]);
        let frame = |ms: u8| chunk(b"ANMF", &[&[0; 12][..], &[ms, 0, 0, 0, 9, 9, 9]].concat());
        let body = [b"WEBP".to_vec(), canvas, frame(40), frame(80)].concat();
        let bytes = chunk(b"RIFF", &body);
        let found = read(Cursor::new(&bytes)).unwrap().unwrap();
        let wanted = WebpAnimation { width: 480, height: 270, frames: 2, milliseconds: 120 };
        assert_eq!(found, wanted);
        for length in 0..bytes.len() {
            assert!(!read(Cursor::new(&bytes[..length])).is_ok_and(|found| found.is_some()));
        }
    }
}
