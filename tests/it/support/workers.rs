//! The worker binary, and processes as the kernel lists them.

use std::path::PathBuf;

/// `examples/stumbling_worker.rs`, which cargo builds with the tests.
pub fn program() -> PathBuf {
    let test = std::env::current_exe().expect("the test's own file");
    let found = test.ancestors().nth(2).map(|target| target.join("examples/stumbling_worker"));
    let found = found.expect("target/PROFILE/deps/TEST");
    assert!(
        found.exists(),
        "{} is not built: cargo test builds it, or cargo build --all-features --examples",
        found.display()
    );
    found
}

/// A process that runs (a dead one that has not been waited for does not).
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    pub id: i32,
    pub parent: i32,
    pub name: String,
}

/// Every running process.
pub fn processes() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").expect("Linux").flatten();
    entries
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            let (start, rest) = stat.rsplit_once(')')?;
            let mut rest = rest.split_whitespace();
            let state = rest.next()?;
            let parent = rest.next()?.parse().ok()?;
            let name = start.split_once('(')?.1.to_owned();
            (state != "Z").then_some(Process { id, parent, name })
        })
        .collect()
}

/// The running processes below `id`.
pub fn below(id: i32) -> Vec<Process> {
    let all = processes();
    let mut found: Vec<Process> = vec![];
    let mut parents = vec![id];
    while let Some(parent) = parents.pop() {
        let children = all.iter().filter(|p| p.parent == parent);
        parents.extend(children.clone().map(|p| p.id));
        found.extend(children.cloned());
    }
    found
}

/// Whether process `id` runs.
pub fn runs(id: i32) -> bool {
    processes().iter().any(|p| p.id == id)
}

/// Ends a process outright.
pub fn kill(id: i32) {
    use nix::sys::signal::{Signal, kill};
    // It may have ended by itself.
    let _ = kill(nix::unistd::Pid::from_raw(id), Signal::SIGKILL);
}

/// How many processes have `text` on their command line.
pub fn naming(text: &str) -> usize {
    let entries = std::fs::read_dir("/proc").expect("Linux").flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(text)).count()
}
