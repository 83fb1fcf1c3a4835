//! Decodes the bytes of a text file.

/// The characters of Windows-1252 at 0x80..=0x9F; its five holes map to themselves, as in the
/// [WHATWG encoding standard](https://encoding.spec.whatwg.org/windows-1252.html).
const WINDOWS_1252_80_9F: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Decodes UTF-16 (by its byte order mark), UTF-8, or else Windows-1252.
///
/// A byte order mark is dropped. Text that is mostly valid UTF-8 with a few broken bytes, such as a file
/// truncated within a character, stays UTF-8; the broken bytes become U+FFFD.
pub fn decode_bytes(bytes: &[u8]) -> String {
    if let Some(rest) = bytes.strip_prefix(&[0xFF, 0xFE]) {
        return decode_utf16(rest, u16::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(&[0xFE, 0xFF]) {
        return decode_utf16(rest, u16::from_be_bytes);
    }
    let marked = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]);
    let bytes = marked.unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) if marked.is_some() || mostly_utf8(bytes) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        Err(_) => bytes.iter().map(|b| windows_1252(*b)).collect(),
    }
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (pairs, _half) = bytes.as_chunks::<2>();
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// Whether valid multi-byte characters far outnumber invalid bytes.
///
/// In Latin-1 text they are rare: an accented letter is seldom followed by another byte above 0x7F.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let (mut good, mut broken) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    good > 4 * broken
}

fn windows_1252(byte: u8) -> char {
    match byte {
        0x80..=0x9F => WINDOWS_1252_80_9F[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_encoding_is_detected() {
        let text = "Ünïted “quotes” – 日本";
        let utf16: Vec<u16> = text.encode_utf16().collect();
        let le: Vec<u8> =
            [0xFF, 0xFE].into_iter().chain(utf16.iter().flat_map(|u| u.to_le_bytes())).collect();
        let be: Vec<u8> =
            [0xFE, 0xFF].into_iter().chain(utf16.iter().flat_map(|u| u.to_be_bytes())).collect();
        let bom: Vec<u8> = [0xEF, 0xBB, 0xBF].into_iter().chain(text.bytes()).collect();
        for bytes in [text.as_bytes(), &le, &be, &bom] {
            assert_eq!(decode_bytes(bytes), text);
        }
        assert_eq!(decode_bytes(b"caf\xe9 \x93no\x94 \x80 5"), "café “no” € 5");
        assert_eq!(decode_bytes(b"\xFF\xFEA\x00B"), "A");
    }

    #[test]
    fn utf8_with_a_broken_end_stays_utf8() {
        let whole = "Это был длинный день";
        let cut = &whole.as_bytes()[..whole.len() - 1];
        assert_eq!(decode_bytes(cut), "Это был длинный ден\u{FFFD}");
    }

    proptest! {
        #[test]
        fn utf8_comes_back(text in "\\PC*") {
            prop_assume!(!text.starts_with('\u{FEFF}'));
            prop_assert_eq!(decode_bytes(text.as_bytes()), text);
        }

        #[test]
        fn any_bytes_decode(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let text = decode_bytes(&bytes);
            prop_assert!(text.chars().count() <= bytes.len());
        }
    }
}
