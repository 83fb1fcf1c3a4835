//! A JSON array of objects as one object a line.

use std::io::{self, BufRead, Read};

/// Reads `[{…}, {…}]` as `{…}` and `{…}` apart from each other: the array's own brackets and commas become
/// line ends.
pub(in crate::query) struct ArrayLines<R> {
    inner: R,
    depth: usize,
    in_string: bool,
    is_escaped: bool,
}

impl<R: BufRead> ArrayLines<R> {
    pub(in crate::query) fn new(inner: R) -> Self {
        Self { inner, depth: 0, in_string: false, is_escaped: false }
    }

    fn turned(&mut self, byte: u8) -> u8 {
        if self.in_string {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return byte;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => {
                self.depth += 1;
                if self.depth == 1 {
                    return b'\n';
                }
            }
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    return b'\n';
                }
            }
            b',' if self.depth == 1 => return b'\n',
            _ => {}
        }
        byte
    }
}

impl<R: BufRead> Read for ArrayLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        for byte in buffer.iter_mut().take(read) {
            *byte = self.turned(*byte);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn brackets_and_commas_of_the_array_become_line_ends() {
        let mut text = String::new();
        let array = r#"[{"a":"[,\"]","b":[1,2]}, {"a":{"c":1}}]"#;
        ArrayLines::new(array.as_bytes()).read_to_string(&mut text).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
        assert_eq!(lines, [r#"{"a":"[,\"]","b":[1,2]}"#, r#"{"a":{"c":1}}"#]);
    }
}
