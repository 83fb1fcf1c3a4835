//! The typefaces that libass finds in a media process, and the characters they cover.
//!
//! Only name and character tables are read, not outlines. A media process has no home folder, so only
//! the system's font folders count.

mod file;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::kernels::text::ass::FontFaces;

/// The system's font folders.
const FOLDERS: [&str; 4] =
    ["/usr/share/fonts", "/usr/local/share/fonts", "/System/Library/Fonts", "/Library/Fonts"];
/// Largest number of font files examined.
const MOST_FILES: usize = 8192;
/// Depth to which subfolders are searched.
const DEEPEST: usize = 6;

/// Families that suit captions, best first.
const GOOD: [&str; 8] = [
    "Noto Sans",
    "Inter",
    "Roboto",
    "Open Sans",
    "Liberation Sans",
    "Arial",
    "Helvetica Neue",
    "DejaVu Sans",
];

/// One upright face.
#[derive(Debug, Clone)]
struct FontFace {
    family: String,
    bold: bool,
    /// Ranges of covered characters (inclusive), in order.
    covers: Vec<(u32, u32)>,
}

impl FontFace {
    fn has(&self, c: char) -> bool {
        let c = u32::from(c);
        let next = self.covers.partition_point(|range| range.0 <= c);
        next.checked_sub(1).and_then(|i| self.covers.get(i)).is_some_and(|range| c <= range.1)
    }
}

/// The installed typefaces.
#[derive(Debug, Clone, Default)]
pub struct Fonts {
    faces: Vec<FontFace>,
}

impl Fonts {
    /// The system's typefaces, read once per process.
    pub fn system() -> &'static Self {
        static FONTS: OnceLock<Fonts> = OnceLock::new();
        FONTS.get_or_init(|| Self::read(&FOLDERS.map(PathBuf::from)))
    }

    /// Reads the typefaces in `folders` and below; skips files that cannot be read.
    pub fn read(folders: &[PathBuf]) -> Self {
        let mut files = Vec::new();
        for folder in folders {
            collect(folder, DEEPEST, &mut files);
        }
        files.sort();
        Self { faces: files.iter().flat_map(|path| file::faces(path)).collect() }
    }
}

impl FontFaces for Fonts {
    fn covers(&self, c: char) -> bool {
        self.faces.iter().any(|face| face.has(c))
    }

    /// The family that covers most of `text`, then the one for the language, then the best.
    fn family(&self, text: &str, language: Option<&str>) -> Option<String> {
        let letters = || text.chars().filter(|c| !c.is_whitespace() && !c.is_ascii());
        let latin = text.chars().any(|c| c.is_ascii_alphabetic());
        // A face without Latin letters is a supplement and cannot show Latin text.
        let usable = self.faces.iter().filter(|face| !latin || face.has('a'));
        let best = usable.max_by_key(|face| {
            let had = letters().filter(|c| face.has(*c)).count();
            (had, made_for(&face.family, language), goodness(&face.family), face.bold)
        });
        best.map(|face| face.family.clone())
    }
}

/// Whether a family is made for the language: Chinese, Japanese and Korean glyphs differ.
fn made_for(family: &str, language: Option<&str>) -> bool {
    let ends = match language {
        Some("jpn") => ["JP", "Japanese"],
        Some("kor") => ["KR", "Korean"],
        Some("zho") => ["SC", "Chinese"],
        _ => return false,
    };
    ends.iter().any(|end| family.ends_with(end))
}

fn goodness(family: &str) -> usize {
    if let Some(at) = GOOD.iter().position(|good| *good == family) {
        return 100 - at;
    }
    let odd =
        ["Mono", "Serif", "Math", "Condensed", "Light", "Thin", "Black", "Nastaliq", "Display"];
    if odd.iter().any(|word| family.contains(word)) {
        0
    } else {
        10 + usize::from(family.contains("Sans"))
    }
}

fn collect(folder: &Path, deep: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if found.len() >= MOST_FILES {
            return;
        }
        let path = entry.path();
        let kind = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        if matches!(kind.as_deref(), Some("ttf" | "otf" | "ttc" | "otc")) {
            found.push(path);
        } else if deep > 0 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&path, deep - 1, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(family: &str, covers: &[(u32, u32)]) -> FontFace {
        FontFace { family: family.into(), bold: false, covers: covers.to_vec() }
    }

    #[test]
    fn families_are_chosen_by_coverage_then_language() {
        let kanji = [(0x20, 0x7e), (0x4e00, 0x9fff)];
        let fonts = Fonts {
            faces: vec![
                face("Noto Sans", &[(0x20, 0x7e)]),
                face("Noto Sans CJK JP", &kanji),
                face("Noto Sans CJK SC", &kanji),
                face("Odd Hebrew", &[(0x5d0, 0x5ea)]),
            ],
        };
        let family = |text, language| fonts.family(text, language);
        assert_eq!(family("hello", Some("eng")).as_deref(), Some("Noto Sans"));
        assert_eq!(family("漢字 ok", Some("jpn")).as_deref(), Some("Noto Sans CJK JP"));
        assert_eq!(family("漢字", Some("zho")).as_deref(), Some("Noto Sans CJK SC"));
        assert_eq!(family("שלום", None).as_deref(), Some("Odd Hebrew"));
        assert!(fonts.covers('ש') && !fonts.covers('ع') && !fonts.covers('\u{5eb}'));
        assert_eq!(Fonts::default().family("hello", None), None);
    }

    #[test]
    fn files_that_are_no_fonts_are_skipped() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("a.ttf"), b"ttcf\x00\x01\x00\x00\xff\xff\xff\xff")?;
        std::fs::write(folder.path().join("b.otf"), [0xff; 200])?;
        assert!(Fonts::read(&[folder.path().into()]).faces.is_empty());
        Ok(())
    }
}
