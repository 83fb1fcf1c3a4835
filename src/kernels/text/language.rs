//! Language tags, and detection of the language of a text.
//!
//! Each language has one code here, the ISO 639-3 code of its ISO 639-1 code, so that a request can be
//! compared with a track. An individual language that represents its macrolanguage in practice takes the
//! code of the macrolanguage (`cmn` → `zho`, `pes` → `fas`, `nob` → `nor`).

/// ISO 639-1 code, ISO 639-3 code, and the bibliographic ISO 639-2 code where it differs.
/// Withdrawn codes that still occur (`iw`, `in`, `ji`, `jw`, `mo`, `sh`) are at the end.
#[rustfmt::skip]
const LANGUAGES: &[(&str, &str, &str)] = &[
    ("aa", "aar", ""), ("ab", "abk", ""), ("ae", "ave", ""), ("af", "afr", ""), ("ak", "aka", ""), ("am", "amh", ""),
    ("an", "arg", ""), ("ar", "ara", ""), ("as", "asm", ""), ("av", "ava", ""), ("ay", "aym", ""), ("az", "aze", ""),
    ("ba", "bak", ""), ("be", "bel", ""), ("bg", "bul", ""), ("bh", "bih", ""), ("bi", "bis", ""), ("bm", "bam", ""),
    ("bn", "ben", ""), ("bo", "bod", "tib"), ("br", "bre", ""), ("bs", "bos", ""), ("ca", "cat", ""), ("ce", "che", ""),
    ("ch", "cha", ""), ("co", "cos", ""), ("cr", "cre", ""), ("cs", "ces", "cze"), ("cu", "chu", ""), ("cv", "chv", ""),
    ("cy", "cym", "wel"), ("da", "dan", ""), ("de", "deu", "ger"), ("dv", "div", ""), ("dz", "dzo", ""), ("ee", "ewe", ""),
    ("el", "ell", "gre"), ("en", "eng", ""), ("eo", "epo", ""), ("es", "spa", ""), ("et", "est", ""), ("eu", "eus", "baq"),
    ("fa", "fas", "per"), ("ff", "ful", ""), ("fi", "fin", ""), ("fj", "fij", ""), ("fo", "fao", ""), ("fr", "fra", "fre"),
    ("fy", "fry", ""), ("ga", "gle", ""), ("gd", "gla", ""), ("gl", "glg", ""), ("gn", "grn", ""), ("gu", "guj", ""),
    ("gv", "glv", ""), ("ha", "hau", ""), ("he", "heb", ""), ("hi", "hin", ""), ("ho", "hmo", ""), ("hr", "hrv", "scr"),
    ("ht", "hat", ""), ("hu", "hun", ""), ("hy", "hye", "arm"), ("hz", "her", ""), ("ia", "ina", ""), ("id", "ind", ""),
    ("ie", "ile", ""), ("ig", "ibo", ""), ("ii", "iii", ""), ("ik", "ipk", ""), ("io", "ido", ""), ("is", "isl", "ice"),
    ("it", "ita", ""), ("iu", "iku", ""), ("ja", "jpn", ""), ("jv", "jav", ""), ("ka", "kat", "geo"), ("kg", "kon", ""),
    ("ki", "kik", ""), ("kj", "kua", ""), ("kk", "kaz", ""), ("kl", "kal", ""), ("km", "khm", ""), ("kn", "kan", ""),
    ("ko", "kor", ""), ("kr", "kau", ""), ("ks", "kas", ""), ("ku", "kur", ""), ("kv", "kom", ""), ("kw", "cor", ""),
    ("ky", "kir", ""), ("la", "lat", ""), ("lb", "ltz", ""), ("lg", "lug", ""), ("li", "lim", ""), ("ln", "lin", ""),
    ("lo", "lao", ""), ("lt", "lit", ""), ("lu", "lub", ""), ("lv", "lav", ""), ("mg", "mlg", ""), ("mh", "mah", ""),
    ("mi", "mri", "mao"), ("mk", "mkd", "mac"), ("ml", "mal", ""), ("mn", "mon", ""), ("mr", "mar", ""), ("ms", "msa", "may"),
    ("mt", "mlt", ""), ("my", "mya", "bur"), ("na", "nau", ""), ("nb", "nob", ""), ("nd", "nde", ""), ("ne", "nep", ""),
    ("ng", "ndo", ""), ("nl", "nld", "dut"), ("nn", "nno", ""), ("no", "nor", ""), ("nr", "nbl", ""), ("nv", "nav", ""),
    ("ny", "nya", ""), ("oc", "oci", ""), ("oj", "oji", ""), ("om", "orm", ""), ("or", "ori", ""), ("os", "oss", ""),
    ("pa", "pan", ""), ("pi", "pli", ""), ("pl", "pol", ""), ("ps", "pus", ""), ("pt", "por", ""), ("qu", "que", ""),
    ("rm", "roh", ""), ("rn", "run", ""), ("ro", "ron", "rum"), ("ru", "rus", ""), ("rw", "kin", ""), ("sa", "san", ""),
    ("sc", "srd", ""), ("sd", "snd", ""), ("se", "sme", ""), ("sg", "sag", ""), ("si", "sin", ""), ("sk", "slk", "slo"),
    ("sl", "slv", ""), ("sm", "smo", ""), ("sn", "sna", ""), ("so", "som", ""), ("sq", "sqi", "alb"), ("sr", "srp", "scc"),
    ("ss", "ssw", ""), ("st", "sot", ""), ("su", "sun", ""), ("sv", "swe", ""), ("sw", "swa", ""), ("ta", "tam", ""),
    ("te", "tel", ""), ("tg", "tgk", ""), ("th", "tha", ""), ("ti", "tir", ""), ("tk", "tuk", ""), ("tl", "tgl", ""),
    ("tn", "tsn", ""), ("to", "ton", ""), ("tr", "tur", ""), ("ts", "tso", ""), ("tt", "tat", ""), ("tw", "twi", ""),
    ("ty", "tah", ""), ("ug", "uig", ""), ("uk", "ukr", ""), ("ur", "urd", ""), ("uz", "uzb", ""), ("ve", "ven", ""),
    ("vi", "vie", ""), ("vo", "vol", ""), ("wa", "wln", ""), ("wo", "wol", ""), ("xh", "xho", ""), ("yi", "yid", ""),
    ("yo", "yor", ""), ("za", "zha", ""), ("zh", "zho", "chi"), ("zu", "zul", ""),
    ("in", "ind", ""), ("iw", "heb", ""), ("ji", "yid", ""), ("jw", "jav", ""), ("mo", "ron", "mol"), ("sh", "hbs", ""),
];

/// Individual languages and the macrolanguage whose code is used for both.
#[rustfmt::skip]
const GROUPS: &[(&str, &str)] = &[
    ("als", "sqi"), ("arb", "ara"), ("azj", "aze"), ("cmn", "zho"), ("ekk", "est"), ("fil", "tgl"), ("khk", "mon"),
    ("lvs", "lav"), ("nob", "nor"), ("npi", "nep"), ("ory", "ori"), ("pes", "fas"), ("plt", "mlg"), ("swh", "swa"),
    ("uzn", "uzb"), ("ydd", "yid"), ("zsm", "msa"),
];

/// Codes that name no language: undetermined, several, none, uncoded.
const NO_LANGUAGE: &[&str] = &["und", "mul", "zxx", "mis"];

/// Number of bytes of a text that are used to detect its language.
const DETECT_BYTES: usize = 16 * 1024;

/// The ISO 639-3 code of a language tag.
///
/// Accepts BCP 47 (`en-US`, `zh-Hant`), ISO 639-1 (`en`), both kinds of 639-2 (`ger`, `deu`) and 639-3, in
/// any case, with `-` or `_`. `None` if the tag names no language (`und`, `mul`, `zxx`, private use) or is
/// not a tag. Three-letter codes that are not in the 639-1 table map to themselves.
pub fn to_iso639_3(tag: &str) -> Option<String> {
    let mut subtags = tag.trim().split(['-', '_']);
    let primary = subtags.next()?.to_ascii_lowercase();
    if !primary.bytes().all(|b| b.is_ascii_lowercase()) {
        return None;
    }
    // RFC 5646, 4.5: the extended subtag is the language in its own right (`zh-yue` is `yue`).
    let extended =
        subtags.next().filter(|s| s.len() == 3 && s.bytes().all(|b| b.is_ascii_alphabetic()));
    let code = match (primary.len(), extended) {
        (2 | 3, Some(extended)) => extended.to_ascii_lowercase(),
        _ => primary,
    };
    let found = match code.len() {
        2 => LANGUAGES.iter().find(|l| l.0 == code).map(|l| l.1),
        3 if NO_LANGUAGE.contains(&code.as_str()) || ("qaa".."qua").contains(&code.as_str()) => {
            None
        }
        3 => Some(LANGUAGES.iter().find(|l| l.2 == code).map_or(code.as_str(), |l| l.1)),
        _ => None,
    };
    found.map(|code| group_of(code).to_owned())
}

/// The shortest tag of a language, as BCP 47 asks for: its ISO 639-1 code, else its ISO 639-3 code. (`eng` → `en`.)
///
/// Regions and scripts are left out; `None` as in [`to_iso639_3`].
pub fn to_short_tag(tag: &str) -> Option<String> {
    let code = to_iso639_3(tag)?;
    // Withdrawn codes are at the end.
    let short = LANGUAGES.iter().find(|l| l.1 == code).map(|l| l.0.to_owned());
    Some(short.unwrap_or(code))
}

/// Detects the language of `text`, as ISO 639-3 code; `None` unless the result is reliable.
///
/// Short texts are seldom reliable: pass a whole track.
pub fn detect_language(text: &str) -> Option<String> {
    let end = text.floor_char_boundary(DETECT_BYTES);
    let info = whatlang::detect(&text[..end])?;
    info.is_reliable().then(|| group_of(info.lang().code()).to_owned())
}

/// Whether `tag` is a language tag.
///
/// It must be well-formed by [RFC 5646](https://www.rfc-editor.org/rfc/rfc5646) with a language of two or
/// three letters; two-letter codes must be in ISO 639-1, so that `jp` is rejected and `ja` accepted. `_`
/// counts as `-`. Languages of four to eight letters are well-formed, but none is registered: `english` is
/// not a tag. Does not allocate.
pub fn is_language_tag(tag: &str) -> bool {
    let mut subtags = tag.split(['-', '_']).peekable();
    let Some(primary) = subtags.next() else {
        return false;
    };
    let known = match primary.len() {
        2 => is_two_letter_code(primary),
        3 => is_alphabetic(primary),
        1 => return primary.eq_ignore_ascii_case("x") && is_private_use(subtags),
        _ => false,
    };
    if !known {
        return false;
    }
    for _ in 0..3 {
        subtags.next_if(|s| s.len() == 3 && is_alphabetic(s));
    }
    subtags.next_if(|s| s.len() == 4 && is_alphabetic(s));
    subtags.next_if(|s| {
        (s.len() == 2 && is_alphabetic(s))
            || (s.len() == 3 && s.bytes().all(|b| b.is_ascii_digit()))
    });
    while subtags.next_if(|s| is_variant(s)).is_some() {}
    while let Some(singleton) = subtags.next_if(|s| s.len() == 1 && is_alphanumeric(s)) {
        if singleton.eq_ignore_ascii_case("x") {
            return is_private_use(subtags);
        }
        let mut parts = 0;
        while subtags.next_if(|s| (2..=8).contains(&s.len()) && is_alphanumeric(s)).is_some() {
            parts += 1;
        }
        if parts == 0 {
            return false;
        }
    }
    subtags.next().is_none()
}

/// The ISO 639-1 code of an ISO 639-3 code, if it has one.
pub(super) fn alpha2(code: &str) -> Option<&'static str> {
    LANGUAGES.iter().find(|l| l.1 == code).map(|l| l.0)
}

fn group_of(code: &str) -> &str {
    GROUPS.iter().find(|g| g.0 == code).map_or(code, |g| g.1)
}

/// Whether a code is in ISO 639-1, by a compile-time table of 26 × 26 bits.
fn is_two_letter_code(code: &str) -> bool {
    const ROWS: [u32; 26] = {
        let mut rows = [0u32; 26];
        let mut i = 0;
        while i < LANGUAGES.len() {
            let code = LANGUAGES[i].0.as_bytes();
            rows[(code[0] - b'a') as usize] |= 1 << (code[1] - b'a');
            i += 1;
        }
        rows
    };
    let [a, b] = code.as_bytes() else {
        return false;
    };
    let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
    a.is_ascii_lowercase()
        && b.is_ascii_lowercase()
        && ROWS[usize::from(a - b'a')] >> (b - b'a') & 1 == 1
}

fn is_variant(subtag: &str) -> bool {
    is_alphanumeric(subtag)
        && match subtag.len() {
            5..=8 => true,
            4 => subtag.as_bytes()[0].is_ascii_digit(),
            _ => false,
        }
}

fn is_private_use<'a>(subtags: impl Iterator<Item = &'a str>) -> bool {
    let mut parts = 0;
    for subtag in subtags {
        if !(1..=8).contains(&subtag.len()) || !is_alphanumeric(subtag) {
            return false;
        }
        parts += 1;
    }
    parts > 0
}

fn is_alphabetic(subtag: &str) -> bool {
    subtag.bytes().all(|b| b.is_ascii_alphabetic())
}

fn is_alphanumeric(subtag: &str) -> bool {
    subtag.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table_is_well_made() {
        let two: std::collections::HashSet<_> = LANGUAGES.iter().map(|l| l.0).collect();
        assert_eq!(two.len(), LANGUAGES.len());
        for (two, three, other) in LANGUAGES {
            assert!(
                two.len() == 2 && three.len() == 3 && (other.is_empty() || other.len() == 3),
                "{two}"
            );
            assert!(is_language_tag(two) && is_language_tag(three), "{two}");
            assert!(to_iso639_3(two).is_some(), "{two}");
        }
        for (one, group) in GROUPS {
            assert!(LANGUAGES.iter().any(|l| l.1 == *group), "{one} -> {group}");
        }
    }

    #[test]
    fn tags_of_one_language_agree() {
        for (tags, code) in [
            (&["en", "eng", "en-US", "EN_gb", " en ", "en-Latn-US-x-a"][..], "eng"),
            (&["de", "ger", "deu", "de-AT-1996"], "deu"),
            (&["fr", "fre", "fra"], "fra"),
            (&["zh", "chi", "zho", "cmn", "zh-Hant", "zh-cmn-Hans-CN"], "zho"),
            (&["no", "nb", "nob"], "nor"),
            (&["iw", "he", "heb"], "heb"),
            (&["yue", "zh-yue"], "yue"),
        ] {
            for tag in tags {
                assert_eq!(to_iso639_3(tag).as_deref(), Some(code), "{tag}");
            }
        }
        for tag in
            ["", "und", "mul", "zxx", "xx", "qaa", "qtz", "x-private", "english", "e1", "日本"]
        {
            assert_eq!(to_iso639_3(tag), None, "{tag}");
        }
    }

    #[test]
    fn short_tags_are_the_shortest_that_are_in_use() {
        for (tag, short) in [
            ("eng", Some("en")),
            ("ger", Some("de")),
            ("iw", Some("he")),
            ("en-GB", Some("en")),
            ("yue", Some("yue")),
            ("und", None),
        ] {
            assert_eq!(to_short_tag(tag).as_deref(), short, "{tag}");
        }
    }

    #[test]
    fn tags_are_distinguished_from_other_text() {
        for tag in [
            "en",
            "eng",
            "EN",
            "en-US",
            "en_US",
            "pt-BR",
            "zh-Hant-TW",
            "zh-yue-HK",
            "sl-rozaj-biske-1994",
            "de-CH-1901",
            "en-a-bbb-x-a-ccc",
            "es-419",
            "x-whatever",
            "und",
            "ja-JP-u-ca-japanese",
        ] {
            assert!(is_language_tag(tag), "{tag}");
        }
        for tag in [
            "",
            " ",
            "e",
            "english",
            "xx",
            "jp",
            "en-",
            "-en",
            "en--US",
            "en US",
            "12",
            "en-US-US",
            "en-a",
            "en-x",
            "x",
            "日本",
            "en-toolongsubtag",
            "en\n",
            "e1",
        ] {
            assert!(!is_language_tag(tag), "{tag:?}");
        }
    }

    #[test]
    fn the_language_of_text_is_detected() {
        let english = "The quick brown fox jumps over the lazy dog, and then everybody in the village went home to sleep.";
        let german = "Der schnelle braune Fuchs springt über den faulen Hund, und danach gingen alle im Dorf nach Hause. \
                      Am nächsten Morgen wussten sie nicht mehr, weshalb sie so lange auf der Straße gestanden hatten.";
        let chinese =
            "今天的天气非常好，我们一起去公园散步，然后在附近的饭馆里吃午饭，大家都很高兴。";
        assert_eq!(detect_language(english).as_deref(), Some("eng"));
        assert_eq!(detect_language(german).as_deref(), Some("deu"));
        assert_eq!(detect_language(chinese).as_deref(), Some("zho"));
        assert_eq!(detect_language(""), None);
        assert_eq!(detect_language("12 34 56"), None);
    }

    proptest! {
        #[test]
        fn anything_is_answered(tag in any::<String>(), text in any::<String>()) {
            if let Some(code) = to_iso639_3(&tag) {
                prop_assert!(code.len() == 3 && code.bytes().all(|b| b.is_ascii_lowercase()));
                prop_assert_eq!(to_iso639_3(&code), Some(code.clone()));
            }
            let _ = is_language_tag(&tag);
            let _ = detect_language(&text);
        }
    }
}
