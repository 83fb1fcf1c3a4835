//! Pages can be found, are of a readable length, and name what exists.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::super::layers::{LAYERS, STARTS_PROCESSES};
use super::{blocks, documents, pages, read, root};

const LONGEST_README: usize = 220;
const LONGEST_PAGE: usize = 300;

#[test]
fn no_page_is_too_long() {
    let lines = |document: &Path| read(document).lines().count();
    assert!(lines(Path::new("README.md")) <= LONGEST_README);
    for document in documents() {
        assert!(lines(&document) <= LONGEST_PAGE, "{} is too long; divide it", document.display());
    }
}

#[test]
fn the_summary_lists_every_page_once() {
    let summary = read(Path::new("docs/SUMMARY.md"));
    let mut listed: Vec<PathBuf> = links(&summary).into_iter().map(PathBuf::from).collect();
    listed.sort();
    let mut expected = pages();
    expected.retain(|page| page != Path::new("SUMMARY.md"));
    assert_eq!(listed, expected);
}

#[test]
fn every_link_leads_somewhere() {
    let mut followed = 0;
    for document in documents() {
        for link in links(&prose(&read(&document))) {
            if link.starts_with("http") {
                continue;
            }
            followed += 1;
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = match path {
                "" => document.clone(),
                path => plain(&document.parent().unwrap().join(path)),
            };
            assert!(root().join(&target).exists(), "{}: {link} leads nowhere", document.display());
            if !anchor.is_empty() {
                assert!(
                    anchors(&read(&target)).contains(anchor),
                    "{}: {} has no heading for {link}",
                    document.display(),
                    target.display()
                );
            }
        }
    }
    assert!(followed > 100, "the test sees the links");
}

/// Paths of this project that stand in backticks, in prose or in blocks of text.
#[test]
fn every_file_that_is_named_exists() {
    let mut seen = 0;
    for document in documents() {
        let text = read(&document);
        let boundary = |c: char| !(c.is_alphanumeric() || "_-./{},*".contains(c));
        for word in text.split(boundary) {
            let word = word.trim_end_matches(['.', ',', '/']);
            let named =
                ["src/", "sql/", "tests/", "benches/", "examples/", "notebooks/", "scripts/"];
            if !named.iter().any(|folder| word.starts_with(folder)) || word.contains(['*', '{']) {
                continue;
            }
            seen += 1;
            assert!(root().join(word).exists(), "{}: {word} does not exist", document.display());
        }
    }
    assert!(seen > 50, "the test sees the paths");
}

#[test]
fn rust_in_documents_is_compiled() {
    let library = read(Path::new("src/lib.rs"));
    for document in documents() {
        let has_rust = blocks(&document).iter().any(|b| b.language == "rust");
        let included = library.contains(&format!("include_str!(\"../{}\")", document.display()));
        assert_eq!(
            has_rust,
            included,
            "{}: src/lib.rs includes pages that have Rust, and no others",
            document.display()
        );
    }
}

#[test]
fn the_architecture_lists_every_layer_and_where_processes_start() {
    let text = read(Path::new("ARCHITECTURE.md"));
    let (_, layers) = text.split_once("## Layers").unwrap();
    let (layers, _) = layers.split_once("\n## ").unwrap();
    let rows = layers.lines().filter(|line| line.starts_with("| `"));
    let cells: Vec<&str> = rows.filter_map(|row| row.split('|').nth(1)).collect();
    let listed: Vec<&str> =
        cells.iter().flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert_eq!(listed, LAYERS);
    for file in STARTS_PROCESSES {
        assert!(text.contains(&format!("`src/{file}`")), "ARCHITECTURE.md does not name {file}");
    }
}

#[test]
fn every_feature_is_listed() {
    let manifest = read(Path::new("Cargo.toml"));
    let (_, features) = manifest.split_once("[features]\n").unwrap();
    let (features, _) = features.split_once("\n[").unwrap();
    let names = features.lines().filter_map(|line| line.split_once(" = [").map(|(name, _)| name));
    let page = read(Path::new("docs/user/embedding.md"));
    for name in names.filter(|name| !["default", "dev"].contains(name)) {
        assert!(page.contains(&format!("\n| `{name}` |")), "{name} is not on the page");
    }
}

/// rustdoc takes a block without a language for Rust, GitHub shows it without colours.
#[test]
fn every_block_has_a_language() {
    for document in documents() {
        for block in blocks(&document) {
            assert!(!block.language.is_empty(), "{} has no language", block.at);
        }
    }
}

/// The text without its fenced blocks and code spans.
fn prose(text: &str) -> String {
    let mut open = false;
    let mut found = String::new();
    for line in text.lines() {
        if line.starts_with("```") {
            open = !open;
        } else if !open {
            found.extend(line.split('`').enumerate().filter(|(i, _)| i % 2 == 0).map(|(_, t)| t));
            found.push('\n');
        }
    }
    found
}

/// Targets of the links and pictures of a text.
fn links(text: &str) -> Vec<String> {
    text.split("](").skip(1).filter_map(|after| Some(after.split_once(')')?.0.to_owned())).collect()
}

/// What headings are called in links, as GitHub and mdBook make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let slug = |heading: &str| -> String {
        let kept = heading.trim().to_lowercase();
        kept.chars()
            .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect()
    };
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| slug(line.trim_start_matches('#')))
        .collect()
}

/// The path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(found.pop(), "{} leads out", path.display()),
            part => found.push(part),
        }
    }
    found
}
