//! Commands and queries in documents run, and print what the documents say.
//!
//! | block | what is done with it |
//! |---|---|
//! | `sh` | lines that call `clipflow` run in a folder with `talk.mp4`, `requests.csv`, `events.csv` and `results`; of `make` and `cargo` the names exist |
//! | `console` | the same, and the output is compared; `…` stands for anything |
//! | `sql` | runs over `results` |
//! | any with `no_run` | the flags exist |
//! | any that names `demo/` | the commands are part of `make demo` |
//! | `csv file=NAME` | is that file |

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use super::super::support::{clipflow, query, show, stderr, stdout};
use super::{Block, blocks, documents, read, root};

const REQUESTS: &str =
    "request_id,source_url,language,min_clip_length,max_clip_length,max_clips,campaign
teaser,talk.mp4,en,4,6,1,spring
short,talk.mp4,,3,4,1,launch
";

/// A folder as the documents have one: a source, requests, results with variants, and events of them.
fn finished() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let made = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        show::make(&folder.path().join("talk.mp4"));
        fs::write(folder.path().join("requests.csv"), REQUESTS).unwrap();
        symlink(root().join("sql"), folder.path().join("sql")).unwrap();
        let asked = "run requests.csv --out results --variants 2 --platforms tiktok,x --plan-only";
        let output = clipflow(folder.path(), &asked.split(' ').collect::<Vec<_>>());
        assert!(output.status.success(), "{}", stderr(&output));
        symlink("results", folder.path().join("out")).unwrap();
        let variants = query(folder.path(), "SELECT variant_id, platform FROM variants ORDER BY 1");
        let mut events = "variant_id,platform,ts,event,viewer_id\n".to_owned();
        for variant in variants {
            let (views_3s, likes) = if variant.ends_with("tiktok") { (40, 6) } else { (25, 4) };
            for (event, times) in
                [("impression", 100), ("view", 50), ("view_3s", views_3s), ("like", likes)]
            {
                for viewer in 0..times {
                    let hour = viewer % 24;
                    let _ =
                        writeln!(events, "{variant},2026-05-01T{hour:02}:00:00,{event},u{viewer}");
                }
            }
        }
        fs::write(folder.path().join("events.csv"), events).unwrap();
        folder
    });
    made.path()
}

/// A folder like [`finished`] for the blocks of one document.
fn folder_for(blocks: &[Block]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let from = format!("{}/.", finished().display());
    let copied = Command::new("cp").args(["-a", &from]).arg(folder.path()).status().unwrap();
    assert!(copied.success());
    for block in blocks {
        for file in block.marks.iter().filter_map(|m| m.strip_prefix("file=")) {
            fs::write(folder.path().join(file), &block.text).unwrap();
        }
    }
    folder
}

/// Run a line as a shell does in which `clipflow` is the program under test.
fn shell(folder: &Path, line: &str) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_clipflow"));
    let path =
        format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{line} 2>&1")]).current_dir(folder).env("PATH", path);
    // Not a setting of the program.
    command.env_remove("CLIPFLOW_DOCS_COMPLETE");
    command.output().unwrap()
}

/// The commands of a block, each with the output that is written below it.
pub(super) fn commands(block: &Block) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = vec![];
    let mut open = false;
    for line in block.text.lines() {
        let starts = match block.language.as_str() {
            "console" => line.strip_prefix("$ "),
            _ => Some(line),
        };
        if open {
            let (command, _) = found.last_mut().unwrap();
            let _ = write!(command, "\n{line}");
        } else if let Some(line) = starts {
            found.push((line.to_owned(), String::new()));
        } else {
            let (_, output) = found.last_mut().expect("a block of a console begins with a command");
            let _ = writeln!(output, "{line}");
        }
        let (command, _) = found.last().unwrap();
        open = is_open(command);
    }
    found
}

/// Whether a command goes on in the next line.
pub(super) fn is_open(command: &str) -> bool {
    let mut quote = None;
    let mut letters = command.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\\', Some('"') | None) => {
                letters.next();
            }
            ('"' | '\'', None) => quote = Some(letter),
            (letter, Some(by)) if letter == by => quote = None,
            _ => {}
        }
    }
    quote.is_some() || command.ends_with('\\')
}

/// Without what is written in different ways: quotes, escapes, white space.
pub(super) fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !"\"'\\".contains(*c)).collect()
}

/// Unless `make demo` runs the command, what is wrong.
fn is_of_the_demo(command: &str) -> Result<(), String> {
    let script =
        squeezed(&read(Path::new("scripts/demo.sh")).replace("query ", "sql demo/results "));
    let command = command.split_once("clipflow ").map_or(command, |(_, command)| command);
    let runs = script.contains(&squeezed(command));
    if runs { Ok(()) } else { Err("make demo does not run it".to_owned()) }
}

/// Unless the command's flags, targets and packages exist, what is wrong.
fn has_names(command: &str) -> Result<(), String> {
    let words: Vec<&str> =
        command.split_whitespace().take_while(|w| *w != "#" && *w != "--").collect();
    let at = |name: &str| words.iter().position(|w| *w == name);
    if at("make").is_some() {
        let target = format!("\n{}:", words.last().unwrap());
        known(read(Path::new("Makefile")).contains(&target), &target)
    } else if let Some(cargo) = at("cargo") {
        let manifest = read(Path::new("Cargo.toml"));
        words[cargo..].windows(2).try_for_each(|pair| {
            let (flag, name) = (pair[0], pair[1]);
            let is_known = match flag {
                "--features" => manifest.contains(&format!("\n{name} = [")),
                "--bench" | "--bin" => manifest.contains(&format!("name = \"{name}\"")),
                "--example" => root().join(format!("examples/{name}.rs")).exists(),
                "--test" => root().join(format!("tests/{name}")).exists(),
                _ => true,
            };
            known(is_known, name)
        })
    } else if let Some(program) = at("clipflow") {
        let help = stdout(&clipflow(root(), &[words[program + 1], "--help"]));
        let mut flags = words.iter().filter(|w| w.starts_with("--"));
        flags.try_for_each(|flag| known(help.contains(flag), flag))
    } else {
        known(words.first().is_some_and(|script| root().join(script).exists()), command)
    }
}

fn known(is: bool, name: &str) -> Result<(), String> {
    if is { Ok(()) } else { Err(format!("there is no {}", name.trim())) }
}

/// Whether `found` is `expected`, in which `…` stands for anything, also for lines.
pub(super) fn matches(found: &str, expected: &str) -> bool {
    // Lines that are left out may be none.
    let found = if expected.starts_with("…\n") { format!("\n{found}") } else { found.to_owned() };
    let mut parts = expected.trim_end().split('…');
    let mut rest = match found.trim_end().strip_prefix(parts.next().unwrap()) {
        Some(rest) => rest,
        None => return false,
    };
    let mut open = false;
    for part in parts {
        open = part.is_empty();
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    open || rest.is_empty() || expected.trim_end().ends_with('…')
}

/// The commands of a block that do not do what is written there, and why.
fn failures(folder: &Path, block: &Block) -> Vec<String> {
    let mut found = vec![];
    for (command, expected) in commands(block) {
        let command = command.trim();
        if command.is_empty() || command.starts_with('#') {
            continue;
        }
        let is_ours = command.contains("clipflow ") && !command.contains("cargo ");
        let outcome = if is_ours && command.contains("demo/") {
            is_of_the_demo(command)
        } else if block.is("no_run") || !is_ours {
            has_names(command)
        } else {
            let output = shell(folder, command);
            let said = stdout(&output);
            let is_told = block.language != "console" || matches(&said, &expected);
            if output.status.success() && is_told { Ok(()) } else { Err(said) }
        };
        if let Err(why) = outcome {
            found.push(format!("{}: {command}\n{why}", block.at));
        }
    }
    found
}

#[test]
fn commands_and_queries_in_documents_run() {
    let (mut ran, mut failed) = (0, vec![]);
    for document in documents() {
        // Its queries are files that a test of their own runs.
        if document.ends_with("cookbook.md") {
            continue;
        }
        let mut blocks = blocks(&document);
        blocks.retain(|b| ["sh", "console", "sql", "csv"].contains(&b.language.as_str()));
        if blocks.is_empty() {
            continue;
        }
        let folder = folder_for(&blocks);
        for block in &blocks {
            ran += 1;
            match block.language.as_str() {
                "sh" | "console" => failed.extend(failures(folder.path(), block)),
                "sql" => {
                    fs::write(folder.path().join("query.sql"), &block.text).unwrap();
                    let output = shell(folder.path(), "clipflow sql results -f query.sql");
                    if !output.status.success() {
                        failed.push(format!("{}\n{}", block.at, stdout(&output)));
                    }
                }
                _ => {}
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(ran > 25, "the test sees the blocks: {ran}");
}

#[test]
fn the_request_table_of_the_documents_is_the_one_that_runs() {
    let page = read(&PathBuf::from("docs/user/requests.md"));
    assert!(page.contains(REQUESTS));
    let demo = read(Path::new("scripts/demo.sh"));
    for document in ["README.md", "docs/tour.md"] {
        let blocks = blocks(Path::new(document));
        let table = blocks.iter().find(|b| b.text.starts_with("request_id,")).unwrap();
        assert!(demo.contains(&table.text), "{document}");
    }
}

#[test]
fn an_ellipsis_stands_for_anything() {
    assert!(matches("a\nb\nc\n", "a\n…\nc\n") && matches("a\nb\n", "a\n…\n"));
    assert!(matches("no file /x/y; check", "no file …/y; check"));
    assert!(!matches("a\nb\nc\n", "a\nc\n") && !matches("a\nb\nc\nd\n", "a\n…\nc\n"));
}
