//! Reads the tables of a font file that state its names and characters.
//!
//! Container: <https://learn.microsoft.com/typography/opentype/spec/otff>.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use ttf_parser::{Face as Parsed, RawFaceTables, name_id};

use super::FontFace;

/// Largest table that is read, in bytes, and largest number of faces in a collection.
const MOST_BYTES: usize = 8 << 20;
const MOST_FACES: usize = 64;

/// The upright faces of a file; empty if it cannot be read.
pub(super) fn faces(path: &Path) -> Vec<FontFace> {
    let Ok(file) = File::open(path) else { return Vec::new() };
    let starts = starts(&file).unwrap_or_default();
    starts.into_iter().filter_map(|start| face(&file, start)).collect()
}

/// Offsets of the table directories of the file's faces.
fn starts(file: &File) -> Option<Vec<u64>> {
    let head = read(file, 0, 12)?;
    if head.get(..4)? != b"ttcf" {
        return Some(vec![0]);
    }
    let count = (number(&head, 8)? as usize).min(MOST_FACES);
    let list = read(file, 12, 4 * count)?;
    (0..count).map(|i| number(&list, 4 * i).map(u64::from)).collect()
}

fn face(file: &File, start: u64) -> Option<FontFace> {
    let head = read(file, start, 12)?;
    let count = usize::from(u16::from_be_bytes(head.get(4..6)?.try_into().ok()?));
    let directory = read(file, start + 12, 16 * count)?;
    let table = |tag: &[u8; 4]| {
        let entry = directory.chunks_exact(16).find(|entry| entry.starts_with(tag))?;
        let (at, length) = (number(entry, 8)?, number(entry, 12)?);
        read(file, u64::from(at), length as usize)
    };
    let (base, across, most) = (table(b"head")?, table(b"hhea")?, table(b"maxp")?);
    let (characters, names, system) = (table(b"cmap")?, table(b"name")?, table(b"OS/2"));
    let tables = RawFaceTables {
        head: &base,
        hhea: &across,
        maxp: &most,
        cmap: Some(&characters),
        name: Some(&names),
        os2: system.as_deref(),
        ..RawFaceTables::default()
    };
    let parsed = Parsed::from_raw_tables(tables).ok()?;
    if parsed.is_italic() || parsed.is_oblique() {
        return None;
    }
    let name = parsed
        .names()
        .into_iter()
        .filter(|name| name.name_id == name_id::FAMILY && name.is_unicode());
    let mut names: Vec<String> = name.filter_map(|name| name.to_string()).collect();
    // Names in other languages may come first.
    names.sort_by_key(|name| !name.is_ascii());
    let family = names.into_iter().next()?;
    Some(FontFace { family, bold: parsed.is_bold(), covers: covers(&parsed) })
}

/// The covered characters as ranges.
fn covers(parsed: &Parsed<'_>) -> Vec<(u32, u32)> {
    let mut all = Vec::new();
    if let Some(map) = parsed.tables().cmap {
        for table in map.subtables.into_iter().filter(|table| table.is_unicode()) {
            table.codepoints(|c| {
                if table.glyph_index(c).is_some_and(|glyph| glyph.0 != 0) {
                    all.push(c);
                }
            });
        }
    }
    all.sort_unstable();
    all.dedup();
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for c in all {
        match ranges.last_mut() {
            Some(last) if last.1 + 1 == c => last.1 = c,
            _ => ranges.push((c, c)),
        }
    }
    ranges
}

fn read(file: &File, at: u64, bytes: usize) -> Option<Vec<u8>> {
    // A table beyond the end of the file is damage; nothing is allocated for it.
    let length = file.metadata().ok()?.len();
    if bytes > MOST_BYTES || at.checked_add(bytes as u64)? > length {
        return None;
    }
    let mut data = vec![0; bytes];
    file.read_exact_at(&mut data, at).ok()?;
    Some(data)
}

fn number(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?))
}
