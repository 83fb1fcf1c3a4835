//! Decodes the bytes of a text file.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The text of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// Without its byte order mark. Bytes that are no text are U+FFFD.
    pub text: String,
    /// The name of an encoding that the file does not say and that was guessed from its bytes.
    pub guessed: Option<&'static str>,
}

/// How the bytes of a file are to be decoded: by its byte order mark; as UTF-8 if they are that, or are that but for a
/// few broken bytes, as in a file that was cut within a character; as UTF-16 without a mark if every other byte of Latin
/// text is zero; else the legacy encoding that its letters are likely of. `language` (a tag, or empty) decides between
/// encodings that the bytes fit alike. The number of bytes of the mark is the second value.
pub fn encoding_of(bytes: &[u8], language: &str) -> (&'static Encoding, usize) {
    if let Some(found) = Encoding::for_bom(bytes) {
        return found;
    }
    if std::str::from_utf8(bytes).is_ok() && !bytes.contains(&0) {
        return (UTF_8, 0);
    }
    if let Some(encoding) = unmarked_utf16(bytes) {
        return (encoding, 0);
    }
    if mostly_utf8(bytes) {
        return (UTF_8, 0);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let hint = top_level_domain(language);
    let found = detector.guess(hint, Utf8Detection::Deny);
    // Too little to tell: what most files of that kind are.
    (if bytes.len() < 8 && hint.is_none() { WINDOWS_1252 } else { found }, 0)
}

/// Decodes the bytes of a file as [`encoding_of`] says.
pub fn decode(bytes: &[u8], language: &str) -> Decoded {
    let (encoding, mark) = encoding_of(bytes, language);
    let (text, _) = encoding.decode_without_bom_handling(bytes.get(mark..).unwrap_or_default());
    let guessed = (mark == 0 && encoding != UTF_8).then(|| encoding.name());
    Decoded { text: text.into_owned(), guessed }
}

/// UTF-16 of text that is mostly Latin: zeros stand at every other place.
fn unmarked_utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    let (pairs, _half) = bytes.as_chunks::<2>();
    let zeros = |at: usize| pairs.iter().filter(|pair| pair[at] == 0).count();
    let (high, low) = (zeros(0), zeros(1));
    let is_most = |zeros: usize| zeros * 2 > pairs.len();
    match (is_most(high), is_most(low)) {
        (true, false) => Some(UTF_16BE),
        (false, true) => Some(UTF_16LE),
        _ => None,
    }
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

/// Languages and a country whose files have the encodings that theirs have: the detector knows web sites.
const DOMAINS: [(&str, &str); 24] = [
    ("ar", "eg"),
    ("bg", "bg"),
    ("cs", "cz"),
    ("el", "gr"),
    ("fa", "ir"),
    ("he", "il"),
    ("hr", "hr"),
    ("hu", "hu"),
    ("ja", "jp"),
    ("ko", "kr"),
    ("lt", "lt"),
    ("lv", "lv"),
    ("mk", "mk"),
    ("pl", "pl"),
    ("ro", "ro"),
    ("ru", "ru"),
    ("sk", "sk"),
    ("sl", "si"),
    ("sr", "rs"),
    ("th", "th"),
    ("tr", "tr"),
    ("uk", "ua"),
    ("vi", "vn"),
    ("zh", "cn"),
];

fn top_level_domain(language: &str) -> Option<&'static [u8]> {
    let (primary, region) = language.split_once(['-', '_']).unwrap_or((language, ""));
    if primary.eq_ignore_ascii_case("zh")
        && ["tw", "hk", "hant"].iter().any(|r| region.eq_ignore_ascii_case(r))
    {
        return Some(b"tw");
    }
    let found = DOMAINS.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(primary));
    found.map(|(_, domain)| domain.as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use encoding_rs::{BIG5, EUC_KR, GBK, SHIFT_JIS, WINDOWS_1250, WINDOWS_1251, WINDOWS_1256};
    use proptest::prelude::*;

    fn text(bytes: &[u8]) -> String {
        decode(bytes, "").text
    }

    #[test]
    fn each_encoding_is_detected() {
        let whole = "Ünïted “quotes” – 日本";
        let utf16: Vec<u16> = whole.encode_utf16().collect();
        let le: Vec<u8> =
            [0xFF, 0xFE].into_iter().chain(utf16.iter().flat_map(|u| u.to_le_bytes())).collect();
        let be: Vec<u8> =
            [0xFE, 0xFF].into_iter().chain(utf16.iter().flat_map(|u| u.to_be_bytes())).collect();
        let bom: Vec<u8> = [0xEF, 0xBB, 0xBF].into_iter().chain(whole.bytes()).collect();
        for bytes in [whole.as_bytes(), &le, &be, &bom] {
            assert_eq!(decode(bytes, ""), Decoded { text: whole.to_owned(), guessed: None });
        }
        let found = decode(b"un caf\xe9 \x93no\x94 \x80 5", "");
        assert_eq!(
            (found.text.as_str(), found.guessed),
            ("un café “no” € 5", Some("windows-1252"))
        );
        assert_eq!(text(b"\xFF\xFEA\x00B"), "A\u{FFFD}");
        let bare: Vec<u8> = "a,b\n1,2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&bare, "").guessed, Some("UTF-16LE"));
        assert_eq!(text(&bare), "a,b\n1,2\n");
    }

    #[test]
    fn legacy_encodings_are_guessed_from_their_letters() {
        for (encoding, whole) in [
            (WINDOWS_1251, "Сегодня мы говорим о том, как растут города и почему это важно."),
            (SHIFT_JIS, "今日は都市がどのように成長するかについて話します。"),
            (GBK, "今天我们谈谈城市是如何发展的，以及为什么这很重要。"),
            (BIG5, "今天我們談談城市是如何發展的，以及為什麼這很重要。"),
            (EUC_KR, "오늘은 도시가 어떻게 성장하는지 이야기합니다."),
            (WINDOWS_1250, "Dziś rozmawiamy o tym, jak rosną miasta i dlaczego jest to ważne."),
            (WINDOWS_1256, "نتحدث اليوم عن كيفية نمو المدن ولماذا هذا مهم."),
        ] {
            let (bytes, _, is_lossy) = encoding.encode(whole);
            assert!(!is_lossy);
            let found = decode(&bytes, "");
            assert_eq!(found.text, whole, "{}", encoding.name());
            assert!(found.guessed.is_some());
        }
    }

    #[test]
    fn utf8_with_a_broken_end_stays_utf8() {
        let whole = "Это был длинный день";
        let cut = &whole.as_bytes()[..whole.len() - 1];
        assert_eq!(text(cut), "Это был длинный ден\u{FFFD}");
    }

    proptest! {
        #[test]
        fn utf8_comes_back(whole in "[^\0]*") {
            prop_assume!(!whole.starts_with('\u{FEFF}'));
            prop_assert_eq!(text(whole.as_bytes()), whole);
        }

        #[test]
        fn any_bytes_decode(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = text(&bytes);
        }
    }
}
