//! The columns of a JSON file on this machine, looked for on all cores.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::thread;

use super::{Scanner, Shape};

/// Bytes from which on a file is worth a further thread.
const PIECE: u64 = 4 << 20;
const BUFFER: usize = 1 << 18;

/// The columns of the rows in a file of `size` bytes.
///
/// # Errors
/// The file's.
pub(in crate::query) fn of_file(path: &Path, size: u64) -> io::Result<Shape> {
    let cores = thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let pieces = (size / PIECE).clamp(1, cores);
    if pieces > 1 {
        let shape = in_pieces(path, size, pieces)?;
        // Rows over several lines cannot be cut at a line end.
        if !shape.is_irregular && !shape.is_array {
            return Ok(shape);
        }
    }
    piece(path, 0, size)
}

fn in_pieces(path: &Path, size: u64, pieces: u64) -> io::Result<Shape> {
    let cuts = (1..pieces).map(|i| line_start(path, size * i / pieces, size));
    let cuts = cuts.collect::<io::Result<Vec<u64>>>()?;
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([size]);
    let shapes: Vec<io::Result<Shape>> = thread::scope(|scope| {
        let threads: Vec<_> = starts
            .zip(ends)
            .map(|(start, end)| scope.spawn(move || piece(path, start, end)))
            .collect();
        let joined = threads.into_iter().map(thread::ScopedJoinHandle::join);
        joined
            .map(|shape| shape.unwrap_or_else(|_| Err(io::Error::other("a scan failed"))))
            .collect()
    });
    let mut all = Shape::default();
    for shape in shapes {
        all.merge(&shape?);
    }
    Ok(all)
}

fn piece(path: &Path, start: u64, end: u64) -> io::Result<Shape> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = file.take(end.saturating_sub(start));
    let (mut buffer, mut scanner) = (vec![0; BUFFER], Scanner::default());
    loop {
        let read = bytes.read(&mut buffer)?;
        let Some(some) = buffer.get(..read).filter(|b| !b.is_empty()) else { break };
        scanner.feed(some);
    }
    Ok(scanner.finish())
}

/// Where the first line after `at` begins.
fn line_start(path: &Path, at: u64, size: u64) -> io::Result<u64> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(at))?;
    let (mut buffer, mut from) = (vec![0; BUFFER], at);
    loop {
        let read = file.read(&mut buffer)?;
        let Some(some) = buffer.get(..read).filter(|b| !b.is_empty()) else { return Ok(size) };
        if let Some(end) = some.iter().position(|b| *b == b'\n') {
            return Ok(from + end as u64 + 1);
        }
        from += read as u64;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn pieces_give_what_the_whole_gives() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.ndjson");
        let rows: String =
            (0..5000)
                .map(|i| {
                    if i == 4321 {
                        "{\"late\":1.5}\n".to_owned()
                    } else {
                        format!("{{\"a\":{i}}}\n")
                    }
                })
                .collect();
        std::fs::write(&path, &rows).unwrap();
        let columns = |shape: &Shape| shape.columns().collect::<Vec<_>>();
        let whole = of_file(&path, rows.len() as u64).unwrap();
        for pieces in [2, 3, 7] {
            let found = in_pieces(&path, rows.len() as u64, pieces).unwrap();
            assert_eq!(columns(&found), columns(&whole));
            assert!(!found.is_irregular);
        }
        assert_eq!(whole.columns().count(), 2);
    }
}
