//! The columns of JSON rows, and what kinds of values each holds in all of them.
//!
//! A scanner looks at the bytes once, without building values: it knows strings, depth and where a value
//! begins, and no more. What it takes for JSON and is none is an error when the rows are read.

use std::collections::HashMap;

use arrow::datatypes::DataType;

/// What kinds of values a column was seen to hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Kinds(u8);

impl Kinds {
    const TEXT: u8 = 1;
    /// A whole number that a float keeps exactly.
    const WHOLE: u8 = 1 << 1;
    /// One of 64 bits that a float does not.
    const WIDE: u8 = 1 << 2;
    /// One of more than 64 bits.
    const LONG: u8 = 1 << 3;
    const FRACTION: u8 = 1 << 4;
    const BOOLEAN: u8 = 1 << 5;
    const NESTED: u8 = 1 << 6;

    fn has(self, kinds: u8) -> bool {
        self.0 & kinds != 0
    }

    /// Whether it holds lists or objects.
    pub(crate) fn is_nested(self) -> bool {
        self.has(Self::NESTED)
    }

    /// The type that holds every value without loss. Text holds numbers as they are written.
    pub(crate) fn data_type(self) -> DataType {
        let numbers = Self::WHOLE | Self::WIDE | Self::LONG | Self::FRACTION;
        let mixes = (self.has(Self::BOOLEAN) && self.has(numbers))
            || (self.has(Self::WIDE) && self.has(Self::FRACTION));
        match self {
            _ if self.has(Self::TEXT | Self::LONG | Self::NESTED) || mixes => DataType::Utf8,
            _ if self.has(Self::FRACTION) => DataType::Float64,
            _ if self.has(Self::WHOLE | Self::WIDE) => DataType::Int64,
            _ if self.has(Self::BOOLEAN) => DataType::Boolean,
            _ => DataType::Utf8,
        }
    }
}

/// The columns of rows, in the order they are met.
#[derive(Debug, Default, Clone)]
pub(crate) struct Shape {
    names: Vec<Box<[u8]>>,
    kinds: Vec<Kinds>,
    numbers: HashMap<Box<[u8]>, usize>,
    /// Something was met that makes no sequence of rows, each on a line of its own.
    pub(crate) is_irregular: bool,
    /// The rows stand in one array.
    pub(crate) is_array: bool,
}

impl Shape {
    /// Names and kinds of the columns.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (String, Kinds)> + '_ {
        self.names.iter().zip(&self.kinds).map(|(name, kinds)| (unescaped(name), *kinds))
    }

    /// Take in the columns of more rows.
    pub(crate) fn merge(&mut self, other: &Shape) {
        for (name, kinds) in other.names.iter().zip(&other.kinds) {
            let number = self.number(name);
            self.note(number, kinds.0);
        }
        self.is_irregular |= other.is_irregular;
        self.is_array |= other.is_array;
    }

    fn number(&mut self, name: &[u8]) -> usize {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len();
        self.names.push(name.into());
        self.kinds.push(Kinds::default());
        self.numbers.insert(name.into(), number);
        number
    }

    fn note(&mut self, number: usize, kinds: u8) {
        if let Some(seen) = self.kinds.get_mut(number) {
            seen.0 |= kinds;
        }
    }
}

/// A name as JSON writes it, without its quotes, as the text that it is.
fn unescaped(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    if !text.contains('\\') {
        return text.into_owned();
    }
    serde_json::from_str(&format!("\"{text}\"")).unwrap_or_else(|_| text.into_owned())
}

/// Where in a row the scanner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Between rows.
    Outside,
    /// Before a name, or the end of the row.
    Name,
    InName,
    Colon,
    Value,
    InText,
    InNumber,
    InWord,
    /// In a list or an object.
    Inside,
    /// After a value.
    Comma,
}

/// Scans bytes as they come.
pub(crate) struct Scanner {
    /// What was found.
    pub(crate) shape: Shape,
    at: At,
    depth: u32,
    in_nested_text: bool,
    is_escaped: bool,
    /// The name that is being read, and the number being read.
    token: Vec<u8>,
    column: usize,
}

impl Default for Scanner {
    fn default() -> Self {
        Self {
            shape: Shape::default(),
            at: At::Outside,
            depth: 0,
            in_nested_text: false,
            is_escaped: false,
            token: vec![],
            column: 0,
        }
    }
}

impl Scanner {
    /// Look at further bytes.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) {
        while let [byte, rest @ ..] = bytes {
            let skipped = match self.at {
                At::InText => self.skip_text(bytes),
                At::InName => self.read_name(bytes),
                At::Inside => self.skip_nested(bytes),
                _ => {
                    self.step(*byte);
                    1
                }
            };
            bytes = if skipped == 1 { rest } else { bytes.get(skipped..).unwrap_or_default() };
        }
    }

    /// No more bytes come.
    pub(crate) fn finish(mut self) -> Shape {
        self.shape.is_irregular |= self.at != At::Outside;
        self.shape
    }

    fn step(&mut self, byte: u8) {
        // Rows are cut apart at line ends.
        self.shape.is_irregular |= byte == b'\n' && self.at != At::Outside;
        match (self.at, byte) {
            (At::InNumber, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E') => self.token.push(byte),
            (At::InNumber, _) => {
                let kind = kind_of_number(&self.token);
                self.end_value(kind);
                self.step(byte);
            }
            (At::InWord, b'a'..=b'z') => {}
            (At::InWord, _) => {
                self.at = At::Comma;
                self.step(byte);
            }
            (_, b' ' | b'\t' | b'\r' | b'\n') => {}
            (At::Outside, b'{') => self.at = At::Name,
            (At::Outside, b'[' | b']' | b',') => self.shape.is_array = true,
            (At::Name, b'"') => {
                self.token.clear();
                self.at = At::InName;
            }
            (At::Name | At::Comma, b'}') => self.at = At::Outside,
            (At::Colon, b':') => self.at = At::Value,
            (At::Value, b'"') => self.at = At::InText,
            (At::Value, b'{' | b'[') => {
                self.depth = 1;
                self.at = At::Inside;
            }
            (At::Value, b't' | b'f') => {
                self.shape.note(self.column, Kinds::BOOLEAN);
                self.at = At::InWord;
            }
            (At::Value, b'n') => self.at = At::InWord,
            (At::Value, _) => {
                self.token.clear();
                self.token.push(byte);
                self.at = At::InNumber;
            }
            (At::Comma, b',') => self.at = At::Name,
            _ => self.shape.is_irregular = true,
        }
    }

    fn end_value(&mut self, kinds: u8) {
        self.shape.note(self.column, kinds);
        self.at = At::Comma;
    }

    /// The bytes of a text up to its end or a sign that is escaped.
    fn skip_text(&mut self, bytes: &[u8]) -> usize {
        if std::mem::take(&mut self.is_escaped) {
            return 1;
        }
        match bytes.iter().position(|b| matches!(b, b'"' | b'\\')) {
            None => bytes.len(),
            Some(end) if bytes.get(end) == Some(&b'"') => {
                self.end_value(Kinds::TEXT);
                end + 1
            }
            Some(escape) => {
                self.is_escaped = true;
                escape + 1
            }
        }
    }

    fn read_name(&mut self, bytes: &[u8]) -> usize {
        if std::mem::take(&mut self.is_escaped) {
            self.token.extend(bytes.first());
            return 1;
        }
        let end = bytes.iter().position(|b| matches!(b, b'"' | b'\\'));
        self.token.extend(bytes.iter().take(end.unwrap_or(bytes.len())));
        match end {
            None => bytes.len(),
            Some(end) if bytes.get(end) == Some(&b'"') => {
                // Rows mostly have the same names in the same order.
                let next = self.column + 1;
                let next = if next < self.shape.names.len() { next } else { 0 };
                let is_next = self.shape.names.get(next).is_some_and(|n| **n == *self.token);
                self.column = if is_next { next } else { self.shape.number(&self.token) };
                self.at = At::Colon;
                end + 1
            }
            Some(escape) => {
                self.token.push(b'\\');
                self.is_escaped = true;
                escape + 1
            }
        }
    }

    fn skip_nested(&mut self, bytes: &[u8]) -> usize {
        for (i, byte) in bytes.iter().enumerate() {
            if std::mem::take(&mut self.is_escaped) {
                continue;
            }
            match byte {
                b'\\' if self.in_nested_text => self.is_escaped = true,
                b'"' => self.in_nested_text = !self.in_nested_text,
                _ if self.in_nested_text => {}
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        self.end_value(Kinds::NESTED);
                        return i + 1;
                    }
                }
                b'\n' => self.shape.is_irregular = true,
                _ => {}
            }
        }
        bytes.len()
    }
}

fn kind_of_number(text: &[u8]) -> u8 {
    if text.iter().any(|b| matches!(b, b'.' | b'e' | b'E')) {
        return Kinds::FRACTION;
    }
    if text.len() <= 15 {
        return Kinds::WHOLE;
    }
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<i64>().ok());
    match number.map(i64::unsigned_abs) {
        Some(n) if n <= 1 << 53 => Kinds::WHOLE,
        Some(_) => Kinds::WIDE,
        None => Kinds::LONG,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Shape {
        let whole = {
            let mut scanner = Scanner::default();
            scanner.feed(text.as_bytes());
            scanner.finish()
        };
        // Byte by byte it is the same.
        let mut scanner = Scanner::default();
        text.as_bytes().iter().for_each(|byte| scanner.feed(&[*byte]));
        let bytes = scanner.finish();
        let columns = |shape: &Shape| shape.columns().collect::<Vec<_>>();
        assert_eq!(columns(&whole), columns(&bytes));
        assert_eq!(whole.is_irregular, bytes.is_irregular);
        whole
    }

    #[test]
    fn columns_of_all_rows_have_the_type_of_all_values() {
        let found = shape(
            r#"{"a":1,"b":"x","c":true,"d":1,"e":9007199254740993,"f":null,"i":{"a":[1,"}"]}}
{"b":"\"{","a":2,"c":false,"d":2.5,"e":1.5,"g":9223372036854775808,"h\"":1e3}
{"c":3,"a":-4,"j":9223372036854775807}
"#,
        );
        let types: Vec<(String, DataType)> =
            found.columns().map(|(name, kinds)| (name, kinds.data_type())).collect();
        let known = [
            ("a", DataType::Int64),
            ("b", DataType::Utf8),
            ("c", DataType::Utf8),
            ("d", DataType::Float64),
            ("e", DataType::Utf8),
            ("f", DataType::Utf8),
            ("i", DataType::Utf8),
            ("g", DataType::Utf8),
            ("h\"", DataType::Float64),
            ("j", DataType::Int64),
        ];
        assert_eq!(types, known.map(|(name, data_type)| (name.to_owned(), data_type)));
        assert!(!found.is_irregular && !found.is_array);
        assert!(found.columns().any(|(name, kinds)| name == "i" && kinds.is_nested()));
    }

    #[test]
    fn arrays_and_rows_over_several_lines_are_noticed() {
        assert!(shape(r#"[{"a":1},{"b":2}]"#).is_array);
        assert!(shape("{\"a\":1,\n\"b\":2}").is_irregular);
        assert!(shape("{\"a\":[1,\n2]}").is_irregular);
        assert!(shape("{\"a\":1").is_irregular);
        assert!(shape("a,b\n1,2\n").is_irregular);
        assert!(!shape("\n{\"a\":1}\n\n{}\n").is_irregular);
    }
}
