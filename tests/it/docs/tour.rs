//! `make demo` prints what the README and the tour show.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use super::super::support::{stderr, stdout};
use super::examples::{commands, is_open, matches, squeezed};
use super::{blocks, root};

/// The commands of what the demo has printed, without white space and quotes, and the output of each.
fn outputs(transcript: &str) -> HashMap<String, String> {
    let mut found = HashMap::new();
    let mut lines = transcript.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(start) = line.strip_prefix("$ ") else { continue };
        let mut command = start.to_owned();
        while is_open(&command) {
            command = format!("{command}\n{}", lines.next().unwrap());
        }
        let mut output = String::new();
        let ends = |line: &&str| line.is_empty() || line.starts_with(['$', '(', '=']);
        while let Some(line) = lines.next_if(|line| !ends(line)) {
            output += line;
            output.push('\n');
        }
        found.insert(squeezed(&command), output);
    }
    found
}

/// Without what differs from run to run: how long it took, and the names of media files, in which the time
/// that the video was made is.
fn steady(text: &str) -> String {
    let mut found = String::new();
    for line in text.lines() {
        if line.starts_with("in ") && line.ends_with(" s of source a second") {
            found += "in some time";
        } else {
            let mut parts = line.split("media/");
            found += parts.next().unwrap();
            for part in parts {
                let named = part.get(..16).filter(|id| id.bytes().all(|b| b.is_ascii_hexdigit()));
                found += "media/";
                found += named.map_or(part, |_| &part[16..]);
            }
        }
        found.push('\n');
    }
    found
}

/// Whether this ffmpeg speaks: without a voice the demo's video sounds different, and so do its clips.
fn speaks() -> bool {
    let args =
        ["-v", "quiet", "-f", "lavfi", "-i", "flite=text=yes", "-frames", "1", "-f", "null", "-"];
    Command::new("ffmpeg").args(args).status().unwrap().success()
}

#[test]
fn the_demo_prints_what_the_documents_show() {
    let folder = tempfile::tempdir().unwrap();
    let scripts = folder.path().join("scripts");
    let copied = Command::new("cp").arg("-r").arg(root().join("scripts")).arg(&scripts).status();
    assert!(copied.unwrap().success());
    let mut demo = Command::new("sh");
    demo.arg(scripts.join("demo.sh")).env("CLIPFLOW", env!("CARGO_BIN_EXE_clipflow"));
    let demo = demo.current_dir(folder.path()).output().unwrap();
    assert!(demo.status.success(), "{}{}", stdout(&demo), stderr(&demo));
    let outputs = outputs(&stdout(&demo));
    assert!(outputs.len() > 10, "{outputs:?}");
    let mut failed = vec![];
    for document in ["README.md", "docs/tour.md"] {
        for block in blocks(Path::new(document)).iter().filter(|b| b.language == "console") {
            for (command, expected) in commands(block) {
                let found = outputs.get(&squeezed(&command)).map(|output| steady(output));
                let found = found.unwrap_or_else(|| format!("no such command: {command}"));
                if !matches(&found, &steady(&expected)) {
                    failed.push(format!("{}: {command}\n{found}", block.at));
                }
            }
        }
    }
    assert!(failed.is_empty() || !speaks(), "{}", failed.join("\n"));
}
