//! A module imports only from modules below it; processes and `unsafe` have their places.

use std::fs;
use std::path::{Path, PathBuf};

/// From the bottom up.
const LAYERS: [&str; 15] = [
    "error",
    "telemetry",
    "config",
    "model",
    "kernels",
    "resilience",
    "source",
    "media",
    "exec",
    "store",
    "query",
    "analytics",
    "pipeline",
    "processors",
    "cli",
];

fn sources(folder: &Path) -> Vec<PathBuf> {
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

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|l| *l == name)
}

/// The top-level modules that a line names behind `crate::`.
fn named(line: &str) -> Vec<String> {
    let code = line.split("//").next().unwrap_or_default();
    let mut names = vec![];
    for part in code.split("crate::").skip(1) {
        if let Some(group) = part.strip_prefix('{') {
            names.extend(
                group
                    .split(['}', ','])
                    .map(|n| n.split("::").next().unwrap_or_default().trim().to_owned()),
            );
        } else {
            names.push(part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    names
}

#[test]
fn imports_only_go_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = vec![];
    let mut seen = 0;
    for path in sources(&root) {
        let relative = path.strip_prefix(&root).unwrap();
        let first =
            relative.components().next().unwrap().as_os_str().to_string_lossy().replace(".rs", "");
        let Some(own) = layer(&first) else {
            assert!(
                ["lib", "main"].contains(&first.as_str()),
                "{first} is in no layer; add it to LAYERS"
            );
            continue;
        };
        for line in fs::read_to_string(&path).unwrap().lines() {
            for name in named(line) {
                seen += 1;
                if layer(&name).is_some_and(|used| used > own) {
                    wrong.push(format!("{}: {}", relative.display(), line.trim()));
                }
            }
        }
    }
    assert!(seen > 100, "the test sees the imports");
    assert!(wrong.is_empty(), "imports that go up:\n{}", wrong.join("\n"));
}

/// Where a process is started: our own binary as a worker; ffmpeg and ffprobe, confined; yt-dlp, with
/// next to no environment.
const STARTS_PROCESSES: [&str; 3] =
    ["exec/backend/process/child.rs", "media/process/mod.rs", "source/ytdlp/process.rs"];

#[test]
fn processes_are_started_in_three_places() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found: Vec<String> = sources(&root)
        .into_iter()
        .filter(|path| {
            fs::read_to_string(path).unwrap().lines().any(|line| {
                let code = line.split("//").next().unwrap();
                let starts = code.contains("Command::new(") || code.contains("Command};");
                (starts || code.contains("process::Command"))
                    && !code.contains("MediaCommand")
                    && !code.contains("args::")
            })
        })
        .map(|path| path.strip_prefix(&root).unwrap().to_string_lossy().into_owned())
        .collect();
    found.sort();
    assert_eq!(found, STARTS_PROCESSES);
}

#[test]
fn unsafe_stands_in_two_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found: Vec<String> = sources(&root)
        .into_iter()
        .filter(|p| {
            fs::read_to_string(p)
                .unwrap()
                .lines()
                .any(|l| l.split("//").next().unwrap().contains("unsafe "))
        })
        .map(|p| p.strip_prefix(&root).unwrap().to_string_lossy().into_owned())
        .collect();
    found.sort();
    assert_eq!(found, ["media/process/mod.rs", "query/polars/crossing.rs"]);
}
