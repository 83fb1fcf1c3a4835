//! Messages on a pipe: a magic number, two lengths, a JSON header, and Arrow IPC bytes.

use std::io::{Error, ErrorKind, Read, Result, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// First bytes of each message, which tell it from other output.
const MAGIC: [u8; 4] = *b"CFw1";
/// Magic, header length (u32), body length (u64), both little-endian.
const PREFIX: usize = 16;
/// Largest header, which holds settings and file names but no rows.
const MAX_HEADER: u32 = 16 << 20;

/// Writes one message.
pub(super) fn write(to: &mut impl Write, header: &impl Serialize, body: &[u8]) -> Result<()> {
    let json = serde_json::to_vec(header)?;
    let too_long = |_| Error::new(ErrorKind::InvalidInput, "the header is too long");
    let length = u32::try_from(json.len()).map_err(too_long)?;
    let mut start = Vec::with_capacity(PREFIX + json.len());
    start.extend_from_slice(&MAGIC);
    start.extend_from_slice(&length.to_le_bytes());
    start.extend_from_slice(&(body.len() as u64).to_le_bytes());
    start.extend_from_slice(&json);
    to.write_all(&start)?;
    to.write_all(body)?;
    to.flush()
}

/// Reads one message; `None` if the pipe was closed between two messages.
pub(super) fn read<H: DeserializeOwned>(from: &mut impl Read) -> Result<Option<(H, Vec<u8>)>> {
    let mut prefix = [0; PREFIX];
    // The first byte is read separately: the pipe may be closed before it.
    loop {
        match from.read(&mut prefix[..1]) {
            Ok(0) => return Ok(None),
            Ok(_) => break,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    from.read_exact(&mut prefix[1..])?;
    let [m0, m1, m2, m3, h0, h1, h2, h3, body @ ..] = prefix;
    let header = u32::from_le_bytes([h0, h1, h2, h3]);
    if [m0, m1, m2, m3] != MAGIC || header > MAX_HEADER {
        return Err(Error::new(
            ErrorKind::InvalidData,
            "this is not a message of a clipflow worker",
        ));
    }
    let header = exactly(from, header.into())?;
    let body = exactly(from, u64::from_le_bytes(body))?;
    Ok(Some((serde_json::from_slice(&header)?, body)))
}

/// Reads `length` bytes. Memory is allocated as they arrive, so that a wrong length allocates little.
fn exactly(from: &mut impl Read, length: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length.min(1 << 20) as usize);
    from.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn messages_round_trip() {
        let mut pipe = vec![];
        write(&mut pipe, &"first", b"").unwrap();
        write(&mut pipe, &("second", 2), &[7; 70_000]).unwrap();
        let mut from = pipe.as_slice();
        assert_eq!(read::<String>(&mut from).unwrap().unwrap(), ("first".into(), vec![]));
        let (header, body) = read::<(String, i32)>(&mut from).unwrap().unwrap();
        assert_eq!((header, body), (("second".into(), 2), vec![7; 70_000]));
        assert!(read::<String>(&mut from).unwrap().is_none());
    }

    #[test]
    fn a_truncated_message_is_an_error() {
        let mut whole = vec![];
        write(&mut whole, &"header", b"body").unwrap();
        for end in 1..whole.len() {
            let error = read::<String>(&mut &whole[..end]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{end}");
        }
    }

    #[test]
    fn other_output_and_absurd_lengths_are_rejected() {
        let text = b"Usage: program [OPTIONS] ...............";
        assert_eq!(read::<String>(&mut &text[..]).unwrap_err().kind(), ErrorKind::InvalidData);
        let mut lie = MAGIC.to_vec();
        lie.extend([2, 0, 0, 0]);
        lie.extend(u64::MAX.to_le_bytes());
        lie.extend(b"{}");
        assert_eq!(
            read::<String>(&mut lie.as_slice()).unwrap_err().kind(),
            ErrorKind::UnexpectedEof
        );
        lie[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(read::<String>(&mut lie.as_slice()).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
