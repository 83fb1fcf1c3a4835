//! The documents: README, the pages under `docs/`, and what they have in common.
//!
//! Reference pages are made from the code. With `CLIPFLOW_DOCS_COMPLETE=1` they are written instead of compared.

mod examples;
mod pages;
mod reference;
mod tour;

use std::fs;
use std::path::{Path, PathBuf};

/// The project's folder.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Fails unless the page `docs/PAGE` is `expected`.
pub fn hold(page: &str, expected: &str) {
    let path = root().join("docs").join(page);
    if std::env::var_os("CLIPFLOW_DOCS_COMPLETE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let differs = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
    assert!(
        found == expected,
        "docs/{page} is not what the code says ({differs:?}); run the test with CLIPFLOW_DOCS_COMPLETE=1"
    );
}

/// Every page of `docs/`, by its path below it.
fn pages() -> Vec<PathBuf> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|x| x == "md") {
                found.push(path);
            }
        }
    }
    let folder = root().join("docs");
    let mut found = vec![];
    collect(&folder, &mut found);
    found.sort();
    found.into_iter().map(|p| p.strip_prefix(&folder).unwrap().to_owned()).collect()
}

/// Every Markdown document that this project's readers see, by its path below the project's folder.
fn documents() -> Vec<PathBuf> {
    let top = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"];
    let others = top.into_iter().chain(["benches/README.md"]).map(PathBuf::from);
    others.chain(pages().into_iter().map(|p| Path::new("docs").join(p))).collect()
}

fn read(document: &Path) -> String {
    fs::read_to_string(root().join(document)).unwrap()
}

/// A fenced block of a document.
struct Block {
    /// Where it begins: `docs/user/sql.md:12`.
    at: String,
    /// Its language, the first word of the line that opens it.
    language: String,
    /// The other words of that line.
    marks: Vec<String>,
    text: String,
}

impl Block {
    fn is(&self, mark: &str) -> bool {
        self.marks.iter().any(|m| m == mark)
    }
}

/// The fenced blocks of a document.
fn blocks(document: &Path) -> Vec<Block> {
    let text = read(document);
    let mut found: Vec<Block> = vec![];
    let mut open = false;
    for (number, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), open) {
            (Some(_), true) => open = false,
            (Some(info), false) => {
                let mut words = info.split([' ', ',']).map(str::to_owned);
                let language = words.next().unwrap_or_default();
                let at = format!("{}:{}", document.display(), number + 1);
                found.push(Block { at, language, marks: words.collect(), text: String::new() });
                open = true;
            }
            (None, true) => {
                let block = found.last_mut().unwrap();
                block.text += line;
                block.text.push('\n');
            }
            (None, false) => {}
        }
    }
    assert!(!open, "{}: a block is not closed", document.display());
    found
}
