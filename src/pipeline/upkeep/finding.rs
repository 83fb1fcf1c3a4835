//! What a check of results finds.

use std::fmt;

use crate::location::Location;
use crate::pipeline::amounts::plural;

/// How results are checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FsckOptions {
    /// Compare the sizes of files and not their content.
    pub fast: bool,
    /// Bring back or remove what can be.
    pub repair: bool,
}

/// One thing that a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of finding it is: `table.missing`, `media.damaged`.
    pub code: &'static str,
    /// What it concerns: a file, relative to the dataset's root, or a table.
    pub about: String,
    /// What is the matter, and what to do.
    pub sentence: String,
    /// Whether something is wrong; else nothing is lost by leaving it as it is.
    pub is_wrong: bool,
    /// Whether it was mended.
    pub is_repaired: bool,
}

impl Finding {
    /// Something wrong.
    pub(super) fn wrong(code: &'static str, about: impl Into<String>, sentence: String) -> Self {
        let about = about.into();
        Self { code, about, sentence, is_wrong: true, is_repaired: false }
    }

    /// Something that may stay.
    pub(super) fn note(code: &'static str, about: impl Into<String>, sentence: String) -> Self {
        Self { is_wrong: false, ..Self::wrong(code, about, sentence) }
    }

    /// The same, mended.
    pub(super) fn repaired(self, sentence: String) -> Self {
        Self { is_repaired: true, sentence, ..self }
    }
}

/// `wrong: table.missing: clips/….parquet: it is gone; …`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weight = match (self.is_repaired, self.is_wrong) {
            (true, _) => "repaired",
            (false, true) => "wrong",
            (false, false) => "note",
        };
        write!(f, "{weight}: {}: {}: {}", self.code, self.about, self.sentence)
    }
}

/// Results that were checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedResults {
    /// What was found.
    pub findings: Vec<Finding>,
    /// Table files that were checked.
    pub tables: u64,
    /// Their rows.
    pub rows: u64,
    /// Media files that were checked.
    pub media: u64,
    /// Size of all these files in bytes.
    pub bytes: u64,
    /// The results.
    pub out: Location,
}

impl CheckedResults {
    /// Findings that something is wrong which was not mended.
    pub fn wrong(&self) -> usize {
        self.findings.iter().filter(|finding| finding.is_wrong && !finding.is_repaired).count()
    }
}

/// One line for each finding, and one for all.
impl fmt::Display for CheckedResults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        write!(
            f,
            "checked {} ({}) and {} ({:.1} MB) of {}: ",
            plural(self.tables, "table file"),
            plural(self.rows, "row"),
            plural(self.media, "media file"),
            self.bytes as f64 / 1e6,
            self.out
        )?;
        match self.wrong() {
            0 => f.write_str("nothing is wrong"),
            1 => f.write_str("1 finding is wrong"),
            n => write!(f, "{n} findings are wrong"),
        }
    }
}
