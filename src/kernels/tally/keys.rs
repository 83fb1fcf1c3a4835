//! Columns of keys as 64-bit codes, exactly: no two values share a code of the same class.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, StringBuilder, StringViewArray, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use arrow::error::ArrowError;

use super::Interner;

/// How a code stands for its value.
pub mod class {
    /// The value is missing.
    pub const NULL: u8 = 0;
    /// The code is the number, or the number that the text writes.
    pub const NUMBER: u8 = 1;
    /// The code is the number that 16 lower-case hexadecimal digits write, as our ids are.
    pub const HEX: u8 = 2;
    /// The code is the text's number in the column's [`Interner`].
    pub const TEXT: u8 = 3;
}

/// The codes of a column of a batch.
#[derive(Debug, Default, Clone)]
pub struct Codes {
    /// The codes.
    pub values: Vec<u64>,
    /// The class of each.
    pub classes: Vec<u8>,
}

impl Codes {
    fn with_capacity(rows: usize) -> Self {
        Self { values: Vec::with_capacity(rows), classes: Vec::with_capacity(rows) }
    }

    #[inline]
    fn push(&mut self, (class, value): (u8, u64)) {
        self.values.push(value);
        self.classes.push(class);
    }

    /// Whether the value of a row is known.
    pub fn is_known(&self, row: usize) -> bool {
        self.classes.get(row).is_some_and(|c| *c != class::NULL)
    }

    /// As many NULLs.
    pub fn nulls(rows: usize) -> Self {
        Self { values: vec![0; rows], classes: vec![class::NULL; rows] }
    }
}

/// A column of keys: from values to codes and back.
#[derive(Debug)]
pub struct KeyColumn {
    data_type: DataType,
    texts: Interner,
    /// Whether text without a letter is a missing value.
    is_of_viewers: bool,
}

/// Texts that were met lately, so that the others need not be asked.
struct Recent(Vec<(Box<[u8]>, u32)>);

/// A power of two.
const RECENT: usize = 512;

impl Recent {
    /// The entry that a text has if it has one.
    #[inline]
    fn entry(&mut self, text: &[u8]) -> Option<&mut (Box<[u8]>, u32)> {
        let ends = match (text.first_chunk::<8>(), text.last_chunk::<8>()) {
            (Some(first), Some(last)) => {
                u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(23)
            }
            _ => text.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte)),
        };
        let at = super::mix(ends ^ ((text.len() as u64) << 56)) as usize % RECENT;
        self.0.get_mut(at)
    }
}

/// Bytes of an id of ours.
const ID_BYTES: u32 = 16;

/// What was found for views of one array: the same view there is the same text.
pub struct MetViews<T>(Vec<Option<(u128, T)>>);

/// A power of two.
const MET: usize = 64;

impl<T> Default for MetViews<T> {
    fn default() -> Self {
        Self(std::iter::repeat_with(|| None).take(MET).collect())
    }
}

impl<T: Copy> MetViews<T> {
    /// What was found for `view`, or what `find` finds now.
    #[inline]
    pub fn get(&mut self, view: u128, find: impl FnOnce() -> T) -> T {
        let at = super::mix(view as u64 ^ (view >> 64) as u64) as usize % MET;
        match self.0.get(at) {
            Some(Some((known, found))) if *known == view => *found,
            _ => {
                let found = find();
                if let Some(slot) = self.0.get_mut(at) {
                    *slot = Some((view, found));
                }
                found
            }
        }
    }
}

impl KeyColumn {
    /// Of values of that type. Numbers, booleans, dates, times and texts are exact; floats are told
    /// apart as they are written.
    pub fn new(data_type: DataType) -> Self {
        Self { data_type, texts: Interner::default(), is_of_viewers: false }
    }

    /// Of viewers: empty text is no viewer, in every file.
    pub fn of_viewers(data_type: DataType) -> Self {
        Self { is_of_viewers: true, ..Self::new(data_type) }
    }

    /// Bytes of memory.
    pub fn size(&self) -> usize {
        self.texts.size()
    }

    /// The codes of `column`.
    ///
    /// # Errors
    /// If its type can be no key (a list, a struct).
    pub fn encode(&self, column: &ArrayRef) -> Result<Codes, ArrowError> {
        match column.data_type() {
            DataType::Utf8 => Ok(self.texts(column.as_string::<i32>().iter())),
            DataType::LargeUtf8 => Ok(self.texts(column.as_string::<i64>().iter())),
            DataType::Utf8View => Ok(self.views(column.as_string_view())),
            DataType::Dictionary(..) => {
                let dictionary = column.as_any_dictionary();
                let values = self.encode(dictionary.values())?;
                let keys = dictionary.normalized_keys();
                let mut codes = Codes::with_capacity(keys.len());
                for (row, key) in keys.into_iter().enumerate() {
                    let code = values.classes.get(key).zip(values.values.get(key));
                    codes.push(match code {
                        Some((class, value)) if column.is_valid(row) => (*class, *value),
                        _ => (class::NULL, 0),
                    });
                }
                Ok(codes)
            }
            other if is_number(other) => {
                let numbers = cast(column, &DataType::Int64)?;
                let numbers = numbers.as_primitive::<Int64Type>();
                let mut codes = Codes::with_capacity(numbers.len());
                for number in numbers {
                    codes.push(number.map_or((class::NULL, 0), |n| (class::NUMBER, n as u64)));
                }
                Ok(codes)
            }
            _ => self.encode(&cast(column, &DataType::Utf8)?),
        }
    }

    fn texts<'a>(&self, texts: impl ExactSizeIterator<Item = Option<&'a str>>) -> Codes {
        let mut codes = Codes::with_capacity(texts.len());
        let mut recent = Recent(vec![(Box::default(), 0); RECENT]);
        for text in texts {
            let text = text.filter(|t| !(self.is_of_viewers && is_blank(t)));
            codes.push(
                text.map_or((class::NULL, 0), |text| self.code(text.as_bytes(), &mut recent)),
            );
        }
        codes
    }

    fn views(&self, texts: &StringViewArray) -> Codes {
        let mut codes = Codes::with_capacity(texts.len());
        let (mut met, mut recent) =
            (MetViews::default(), Recent(vec![(Box::default(), 0); RECENT]));
        for (row, view) in texts.views().iter().enumerate() {
            if texts.is_null(row) {
                codes.push((class::NULL, 0));
                continue;
            }
            let mut code = || {
                let text = texts.value(row);
                match self.is_of_viewers && is_blank(text) {
                    true => (class::NULL, 0),
                    false => self.code(text.as_bytes(), &mut recent),
                }
            };
            // Ids are many and soon read.
            codes.push(if *view as u32 == ID_BYTES { code() } else { met.get(*view, code) });
        }
        codes
    }

    #[inline]
    fn code(&self, text: &[u8], recent: &mut Recent) -> (u8, u64) {
        if let Some(id) = hex16(text) {
            return (class::HEX, id);
        }
        if let Some(number) = decimal(text) {
            return (class::NUMBER, number);
        }
        let entry = recent.entry(text).filter(|_| !text.is_empty());
        if let Some((known, number)) = &entry
            && **known == *text
        {
            return (class::TEXT, u64::from(*number));
        }
        let number = self.texts.number(text);
        if let Some(entry) = entry {
            *entry = (text.into(), number);
        }
        (class::TEXT, u64::from(number))
    }

    /// The text of a code that is a number of this column alone.
    pub(super) fn text_of(&self, class: u8, value: u64) -> Option<Box<[u8]>> {
        if class == class::TEXT { self.texts.text(value as u32) } else { None }
    }

    /// The code, of class [`class::TEXT`], of a text.
    pub(super) fn number_of(&self, text: &[u8]) -> u64 {
        u64::from(self.texts.number(text))
    }

    /// The column that codes stand for, in its own type.
    ///
    /// # Errors
    /// If a code is none of this column's.
    pub fn decode(&self, codes: &Codes) -> Result<ArrayRef, ArrowError> {
        if is_number(&self.data_type) {
            let numbers: Int64Array = pairs(codes)
                .map(|(class, value)| (class != class::NULL).then_some(value as i64))
                .collect();
            return cast(&numbers, &self.data_type);
        }
        if self.data_type == DataType::Null {
            return Ok(new_null_array(&DataType::Null, codes.values.len()));
        }
        let mut texts = StringBuilder::with_capacity(codes.values.len(), codes.values.len() * 16);
        for (class, value) in pairs(codes) {
            match class {
                class::NULL => texts.append_null(),
                class::NUMBER => texts.append_value((value as i64).to_string()),
                class::HEX => texts.append_value(format!("{value:016x}")),
                _ => {
                    let bytes = self.texts.text(value as u32).ok_or_else(|| {
                        ArrowError::ComputeError("a code that was never given".to_owned())
                    })?;
                    texts.append_value(String::from_utf8_lossy(&bytes));
                }
            }
        }
        cast(&(Arc::new(texts.finish()) as ArrayRef), &self.data_type)
    }
}

/// Whether a text is empty or all spaces.
#[inline]
pub(crate) fn is_blank(text: &str) -> bool {
    text.as_bytes().first().is_none_or(u8::is_ascii_whitespace) && text.trim().is_empty()
}

fn pairs(codes: &Codes) -> impl Iterator<Item = (u8, u64)> {
    codes.classes.iter().copied().zip(codes.values.iter().copied())
}

/// Types whose values are whole numbers.
fn is_number(data_type: &DataType) -> bool {
    let is_whole = data_type.is_integer() && *data_type != DataType::UInt64;
    is_whole || data_type.is_temporal() || *data_type == DataType::Boolean
}

/// The number that 16 lower-case hexadecimal digits write.
#[inline]
pub(crate) fn hex16(text: &[u8]) -> Option<u64> {
    let (high, low) = text.split_first_chunk::<8>()?;
    let low: &[u8; 8] = low.try_into().ok()?;
    Some((u64::from(hex8(*high)?) << 32) | u64::from(hex8(*low)?))
}

/// Eight digits at once, each in a byte of a word.
#[inline]
fn hex8(text: [u8; 8]) -> Option<u32> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_be_bytes(text);
    let letters = (word >> 6) & ONES;
    let digits = (word & (0x0f * ONES)) + letters * 9;
    // Written again they must be what was read: it is lower case and nothing but digits.
    let above_nine = ((digits + 6 * ONES) >> 4) & ONES;
    if digits & (0xf0 * ONES) != 0 || 0x30 * ONES + digits + above_nine * 0x27 != word {
        return None;
    }
    let pairs = (digits | (digits >> 4)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | (pairs >> 8)) & 0x0000_ffff_0000_ffff;
    Some((fours | (fours >> 16)) as u32)
}

/// The number that a text writes in decimal, if it is written in the one way numbers are.
#[inline]
fn decimal(text: &[u8]) -> Option<u64> {
    let plain = match text {
        b"0" => true,
        [b'1'..=b'9', rest @ ..] => rest.len() < 15 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    plain.then(|| text.iter().fold(0, |n, digit| n * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use arrow::array::{
        BooleanArray, Date32Array, DictionaryArray, Float64Array, LargeStringArray, StringArray,
        StringViewArray,
    };
    use arrow::datatypes::Int32Type;
    use proptest::prelude::*;

    use super::*;

    fn round_trip(column: ArrayRef) -> Codes {
        let key = KeyColumn::new(column.data_type().clone());
        let codes = key.encode(&column).unwrap();
        assert_eq!(&key.decode(&codes).unwrap(), &column);
        codes
    }

    #[test]
    fn columns_come_back_as_they_were() {
        round_trip(Arc::new(Date32Array::from(vec![Some(1), None, Some(-5)])));
        round_trip(Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])));
        round_trip(Arc::new(Float64Array::from(vec![Some(0.1), None, Some(-2e300)])));
        round_trip(Arc::new(StringViewArray::from(vec![Some("a"), None, Some("a")])));
        round_trip(Arc::new(LargeStringArray::from(vec!["", "0", "00", "-1", "1e3"])));
        round_trip(Arc::new(DictionaryArray::<Int32Type>::from_iter([Some("x"), None, Some("x")])));
    }

    #[test]
    fn texts_that_look_alike_are_told_apart() {
        let texts = [
            "00000000000000ff",
            "00000000000000FF",
            "255",
            "0255",
            "+255",
            "0000000000000255",
            "1000000000000000",
            "100000000000000",
            "",
            "a",
            "0000000000000:00",
            "000000000000000g",
        ];
        let codes = round_trip(Arc::new(StringArray::from(texts.to_vec())));
        let mut all: Vec<_> = pairs(&codes).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), texts.len());
    }

    proptest! {
        #[test]
        fn hexadecimal_digits_are_read_as_std_reads_them(text in "[0-9a-fA-F:;<=>?@`g/]{16}") {
            let plain = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
            let expected = plain.then(|| u64::from_str_radix(&text, 16).unwrap());
            prop_assert_eq!(hex16(text.as_bytes()), expected);
        }

        #[test]
        fn ids_are_read(id in any::<u64>()) {
            prop_assert_eq!(hex16(format!("{id:016x}").as_bytes()), Some(id));
        }
    }
}
