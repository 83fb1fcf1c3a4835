//! A module imports only from modules below it; processes and `unsafe` have their places.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// From the bottom up; the table in ARCHITECTURE.md has them too.
pub const LAYERS: [&str; 26] = [
    "error",
    "cancel",
    "panics",
    "location",
    "sandbox",
    "telemetry",
    "config",
    "model",
    "kernels",
    "resilience",
    "net",
    "text_model",
    "cache",
    "source",
    "media",
    "exec",
    "store",
    "cluster",
    "query",
    "analytics",
    "pipeline",
    "processors",
    "export",
    "report",
    "cli",
    "main",
];

pub fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|x| x == "rs") {
            found.push(path);
        }
    }
    found
}

/// Code without comments, so that a path in a sentence is not an import.
pub fn without_comments(text: &str) -> String {
    let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    text.lines().map(code).collect::<Vec<_>>().join("\n")
}

/// The paths that a tree of imports names, such as `a::{b, c::{self, d as e}}`, and what follows it.
pub fn tree<'a>(code: &'a str, prefix: &[String], found: &mut Vec<Vec<String>>) -> &'a str {
    let mut path = prefix.to_vec();
    let mut rest = code.trim_start();
    loop {
        if let Some(mut group) = rest.strip_prefix('{') {
            loop {
                group = group.trim_start();
                if let Some(after) = group.strip_prefix('}') {
                    return after;
                }
                let after = tree(group, &path, found).trim_start();
                let after = after.strip_prefix(',').unwrap_or(after);
                if after.len() == group.len() {
                    return after;
                }
                group = after;
            }
        }
        let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '*';
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name != "self" && !name.is_empty() {
            path.push(name.to_owned());
        }
        match after.strip_prefix("::") {
            Some(after) => rest = after.trim_start(),
            None => {
                found.push(path);
                let renamed = after.trim_start().strip_prefix("as ");
                return renamed.map_or(after, |new| new.trim_start().trim_start_matches(is_name));
            }
        }
    }
}

/// Every path behind `crate::`, in imports and elsewhere, groups taken apart.
fn crate_paths(code: &str) -> Vec<Vec<String>> {
    let mut found = vec![];
    for (at, prefix) in code.match_indices("crate::") {
        let is_whole = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$');
        if is_whole {
            tree(&code[at + prefix.len()..], &[], &mut found);
        }
    }
    found
}

/// The module each name that `lib.rs` re-exports comes from.
fn re_exports(lib: &str) -> HashMap<String, String> {
    let mut found = vec![];
    for (at, keyword) in lib.match_indices("pub use ") {
        let path = &lib[at + keyword.len()..];
        tree(path.strip_prefix("crate::").unwrap_or(path), &[], &mut found);
    }
    let named = |path: Vec<String>| Some((path.last()?.clone(), path.first()?.clone()));
    found.into_iter().filter_map(named).collect()
}

#[test]
fn groups_over_lines_and_re_exports_are_seen() {
    let code = "use crate::{\n    exec::{self, work::Work as W},\n    Error, // crate::cli\n};\nlet x: crate::store::DatasetRoot = mycrate::cli();";
    let paths: Vec<String> =
        crate_paths(&without_comments(code)).iter().map(|path| path.join("::")).collect();
    assert_eq!(paths, ["exec", "exec::work::Work", "Error", "store::DatasetRoot"]);
    let exported = re_exports("pub use error::{Error, Result};\npub use pipeline::run;");
    assert_eq!(exported["Result"], "error");
    assert_eq!(exported["run"], "pipeline");
}

#[test]
fn imports_only_go_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let exported = re_exports(&without_comments(&fs::read_to_string(root.join("lib.rs")).unwrap()));
    let layer = |name: &str| {
        let module = exported.get(name).map_or(name, String::as_str);
        LAYERS.iter().position(|l| *l == module)
    };
    let mut wrong = vec![];
    let mut seen = 0;
    for path in sources(&root) {
        let relative = path.strip_prefix(&root).unwrap();
        let first =
            relative.components().next().unwrap().as_os_str().to_string_lossy().replace(".rs", "");
        if first == "lib" || first == "prelude" {
            continue;
        }
        let own = layer(&first);
        assert!(own.is_some(), "{first} is in no layer; add it to LAYERS");
        for used in crate_paths(&without_comments(&fs::read_to_string(&path).unwrap())) {
            let Some(name) = used.first() else { continue };
            seen += 1;
            let known = layer(name);
            assert!(known.is_some(), "{}: crate::{name} is in no layer", relative.display());
            if known > own {
                wrong.push(format!("{}: crate::{}", relative.display(), used.join("::")));
            }
        }
    }
    assert!(seen > 100, "the test sees the imports");
    assert!(wrong.is_empty(), "imports that go up:\n{}", wrong.join("\n"));
}

/// Where a process is started: our own binary for a query of a server and as a worker; ffmpeg and ffprobe, confined;
/// yt-dlp, with next to no environment.
pub const STARTS_PROCESSES: [&str; 4] = [
    "cli/own_command.rs",
    "exec/backend/process/child.rs",
    "media/process/mod.rs",
    "source/ytdlp/process.rs",
];

#[test]
fn processes_are_started_in_four_places() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found: Vec<String> = sources(&root)
        .into_iter()
        .filter(|path| !path.ends_with("tests.rs"))
        .filter(|path| {
            fs::read_to_string(path).unwrap().lines().any(|line| {
                let code = line.split("//").next().unwrap();
                let starts = code.contains("Command::new(") || code.contains("Command};");
                let named = code.contains("process::Command") && !code.contains("CommandExt");
                (starts || named) && !code.contains("MediaCommand") && !code.contains("args::")
            })
        })
        .map(|path| path.strip_prefix(&root).unwrap().to_string_lossy().into_owned())
        .collect();
    found.sort();
    assert_eq!(found, STARTS_PROCESSES);
}

/// The sources below `root` that have `unsafe`.
fn with_unsafe(root: &Path) -> Vec<String> {
    let mut found: Vec<String> = sources(root)
        .into_iter()
        .filter(|p| {
            fs::read_to_string(p)
                .unwrap()
                .lines()
                .any(|l| l.split("//").next().unwrap().contains("unsafe "))
        })
        .map(|p| p.strip_prefix(root).unwrap().to_string_lossy().into_owned())
        .collect();
    found.sort();
    found
}

#[test]
fn unsafe_stands_in_four_files_and_one_of_the_python_package() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = with_unsafe(&root.join("src"));
    let expected =
        ["cli/ceiling.rs", "media/process/mod.rs", "query/polars/crossing.rs", "sandbox/mod.rs"];
    assert_eq!(found, expected);
    assert_eq!(with_unsafe(&root.join("python/src")), ["arrow_stream.rs"]);
}
