//! Packed files unpacked, and text in other encodings as UTF-8.

use std::fmt;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use encoding_rs::Encoding;

use crate::error::{Error, Result};
use crate::store::cannot_write;

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstd,
    Bzip2,
}

impl Packing {
    pub(super) const ENDINGS: [(&'static str, Self); 4] =
        [(".gz", Self::Gzip), (".zst", Self::Zstd), (".zstd", Self::Zstd), (".bz2", Self::Bzip2)];

    /// By the first bytes of a file, whatever its name.
    pub(super) fn of(magic: &[u8]) -> Option<Self> {
        match magic {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(Self::Bzip2),
            _ => None,
        }
    }
}

impl fmt::Display for Packing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
        })
    }
}

/// The bytes in a file.
pub(super) fn reader(file: File, packing: Option<Packing>) -> Box<dyn Read> {
    let file = BufReader::new(file);
    match packing {
        None => Box::new(file),
        Some(Packing::Gzip) => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        Some(Packing::Bzip2) => Box::new(bzip2::bufread::MultiBzDecoder::new(file)),
        Some(Packing::Zstd) => match zstd::stream::read::Decoder::with_buffer(file) {
            Ok(decoder) => Box::new(decoder),
            Err(e) => Box::new(Failing(Some(e))),
        },
    }
}

/// A file that cannot be begun with.
struct Failing(Option<std::io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Write text of an encoding, whose mark has so many bytes, to `path` as UTF-8.
pub(super) fn write_utf8(
    mut from: Box<dyn Read>,
    (encoding, mark): (&'static Encoding, usize),
    path: &Path,
    fault: &dyn Fn(String) -> Error,
) -> Result<()> {
    let failed = |e: std::io::Error| cannot_write(path, e);
    let mut to = BufWriter::new(File::create(path).map_err(failed)?);
    let mut skipped = vec![0; mark];
    from.read_exact(&mut skipped).map_err(|e| fault(e.to_string()))?;
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut bytes = vec![0; 1 << 16];
    let mut text = String::with_capacity(4 << 16);
    loop {
        let read = from.read(&mut bytes).map_err(|e| fault(e.to_string()))?;
        let mut rest = bytes.get(..read).unwrap_or_default();
        loop {
            let (result, taken, _) = decoder.decode_to_string(rest, &mut text, read == 0);
            to.write_all(text.as_bytes()).map_err(failed)?;
            text.clear();
            rest = rest.get(taken..).unwrap_or_default();
            if result == encoding_rs::CoderResult::InputEmpty {
                break;
            }
        }
        if read == 0 {
            return to.flush().map_err(failed);
        }
    }
}
