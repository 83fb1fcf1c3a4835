//! The command told to stop, twice, and killed: nothing half is seen, nothing is left behind, and the
//! next run goes on where the last one was.

use std::fs;
use std::path::Path;

use nix::sys::signal::Signal;

use super::support::gated::{Gate, Running, files};
use super::support::waiting::until;
use super::support::{HEAD, show};

/// A folder with sources `a.mp4`, `b.mp4`, … and a request for each in `r.csv`.
fn sources(folder: &Path, names: &[&str]) -> Gate {
    show::make(&folder.join("show.mp4"));
    let mut requests = HEAD.to_owned();
    for name in names {
        fs::copy(folder.join("show.mp4"), folder.join(format!("{name}.mp4"))).unwrap();
        requests.push_str(&format!("{name},{name}.mp4,4,8,1\n"));
    }
    fs::write(folder.join("r.csv"), requests).unwrap();
    Gate::new(folder)
}

fn start(gate: &Gate, more: &[&str]) -> Running {
    gate.start(&[&["run", "r.csv", "--out", "out"], more].concat())
}

/// Nothing is visible, nothing runs and nothing half is left in `out`.
fn assert_clean(gate: &Gate) {
    let left = files(&gate.folder.join("out"));
    let half = |f: &&String| !f.starts_with("_resume/") && !f.starts_with("media/");
    assert_eq!(left.iter().filter(half).collect::<Vec<_>>(), Vec::<&String>::new());
    let odd = |f: &&String| !f.ends_with(".kept") && !f.ends_with(".mp4") || f.contains("/.");
    assert_eq!(left.iter().filter(odd).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(gate.processes(), 0);
}

/// What was interrupted ends as if nothing had happened.
fn assert_resumes(gate: &Gate) {
    gate.open("all");
    let (code, said) = gate.run(&["run", "r.csv", "--out", "out"]);
    assert_eq!(code, Some(0), "{said}");
    let left = files(&gate.folder.join("out"));
    assert!(
        !left.iter().any(|f| f.starts_with("_resume") || f.starts_with("_staging")),
        "{left:?}"
    );
    let resumed = gate.calls();
    let (code, said) = gate.run(&["run", "r.csv", "--out", "plain"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(resumed.len() < gate.calls().len(), "nothing was found again: {resumed:?}");
    assert_eq!(gate.tables("out"), gate.tables("plain"));
}

#[test]
fn told_to_stop_it_finishes_what_is_under_way_and_goes_on_next_time() {
    for (backend, signal, exit) in
        [("thread", Signal::SIGTERM, 143), ("process", Signal::SIGINT, 130)]
    {
        let folder = tempfile::tempdir().unwrap();
        let gate = sources(folder.path(), &["a", "b", "c", "d", "e"]);
        let mut running = start(&gate, &["--workers", "2", "--backend", backend]);
        until("two rows are under way", || gate.peek().len() == 2);
        running.signal(signal);
        running.wait_for_line("what is under way is finished");
        gate.open("analyze");
        let (status, said) = running.end();
        assert_eq!(status.code(), Some(exit), "{backend}: {said}");
        assert!(said.contains("run it again"), "{said}");
        assert_eq!(gate.calls().len(), 2, "{backend}: no row was begun after the signal");
        assert_clean(&gate);
        assert_eq!(files(&gate.folder.join("out/_resume")).len(), 2);
        assert_resumes(&gate);
    }
}

#[test]
fn stopped_while_it_renders_it_keeps_analyses_and_files() {
    let folder = tempfile::tempdir().unwrap();
    let gate = sources(folder.path(), &["a", "b", "c"]);
    gate.open("analyze");
    let mut running = start(&gate, &["--workers", "1"]);
    let rendering = |gate: &Gate| gate.peek().iter().filter(|c| c.starts_with("render")).count();
    until("a clip is rendered", || rendering(&gate) == 1);
    running.signal(Signal::SIGTERM);
    running.wait_for_line("what is under way is finished");
    gate.open("render");
    let (status, said) = running.end();
    assert_eq!(status.code(), Some(143), "{said}");
    assert_clean(&gate);
    assert_eq!(files(&gate.folder.join("out/media")).len(), 1);
    assert_eq!(gate.calls().iter().filter(|c| c.starts_with("render")).count(), 1);
    gate.open("all");
    let (code, said) = gate.run(&["run", "r.csv", "--out", "out"]);
    assert_eq!(code, Some(0), "{said}");
    let calls = gate.calls();
    let renders = calls.iter().filter(|c| c.starts_with("render")).count();
    assert_eq!(renders, 2, "the clip that was there is not rendered again: {calls:?}");
    // The kept clip is looked at, its source is not decoded again.
    gate.run(&["run", "r.csv", "--out", "plain"]);
    assert_eq!(gate.tables("out"), gate.tables("plain"));
}

#[test]
fn told_twice_it_leaves_at_once() {
    for backend in ["thread", "process"] {
        let folder = tempfile::tempdir().unwrap();
        let gate = sources(folder.path(), &["a", "b", "c"]);
        let mut running = start(&gate, &["--workers", "1", "--backend", backend]);
        // One is done, the next one never will be.
        gate.up_to(2);
        running.signal(Signal::SIGINT);
        running.wait_for_line("what is under way is finished");
        running.signal(Signal::SIGINT);
        let (status, said) = running.end();
        assert_eq!(status.code(), Some(130), "{said}");
        until("media processes end with it", || gate.processes() == 0);
        assert_clean(&gate);
        gate.calls();
        assert_resumes(&gate);
    }
}

#[test]
fn what_does_not_finish_in_time_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let gate = sources(folder.path(), &["a", "b"]);
    gate.open("analyze");
    let mut running = start(&gate, &["--workers", "1", "--drain", "0.2"]);
    until("a clip is rendered", || gate.peek().iter().any(|c| c.starts_with("render")));
    running.signal(Signal::SIGTERM);
    running.wait_for_line("what is under way is finished");
    let (status, said) = running.end();
    assert_eq!(status.code(), Some(143), "{said}");
    assert_clean(&gate);
    assert_eq!(files(&gate.folder.join("out/media")), Vec::<String>::new(), "no half clip");
    gate.calls();
    assert_resumes(&gate);
}

#[test]
fn told_to_stop_when_all_rows_are_under_way_it_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let gate = sources(folder.path(), &["a"]);
    gate.open("analyze");
    let mut running = start(&gate, &["--workers", "2"]);
    until("the only clip is rendered", || gate.peek().len() == 2);
    running.signal(Signal::SIGTERM);
    running.wait_for_line("what is under way is finished");
    gate.open("render");
    let (status, said) = running.end();
    assert_eq!(status.code(), Some(0), "nothing was left to do: {said}");
    assert!(gate.folder.join("out/_commit").is_dir());
}

#[test]
fn killed_it_does_only_what_was_in_flight_again() {
    for backend in ["thread", "process"] {
        let folder = tempfile::tempdir().unwrap();
        let gate = sources(folder.path(), &["a", "b", "c"]);
        let running = start(&gate, &["--workers", "1", "--backend", backend]);
        gate.up_to(3);
        running.signal(Signal::SIGKILL);
        let (status, _) = running.end();
        assert_eq!(status.code(), None);
        until("media processes end with it", || gate.processes() == 0);
        let in_flight = gate.peek().pop().unwrap();
        gate.calls();
        gate.open("all");
        let (code, said) = gate.run(&["run", "r.csv", "--out", "out"]);
        assert_eq!(code, Some(0), "{said}");
        let analysed: Vec<_> =
            gate.calls().into_iter().filter(|c| c.starts_with("analyze")).collect();
        assert_eq!(analysed, [in_flight], "{backend}");
        let left = files(&gate.folder.join("out"));
        assert!(!left.iter().any(|f| f.starts_with("_resume") || f.contains("#")), "{left:?}");
        gate.run(&["run", "r.csv", "--out", "plain"]);
        assert_eq!(gate.tables("out"), gate.tables("plain"));
    }
}

#[test]
fn what_a_run_that_was_killed_while_it_rendered_has_left_goes_with_the_next() {
    for backend in ["thread", "process"] {
        let folder = tempfile::tempdir().unwrap();
        let gate = sources(folder.path(), &["a"]);
        gate.open("analyze");
        let running = start(&gate, &["--backend", backend]);
        until("a clip is rendered", || gate.peek().iter().any(|c| c.starts_with("render")));
        running.signal(Signal::SIGKILL);
        running.end();
        until("media processes end with it", || gate.processes() == 0);
        let parts = || -> Vec<String> {
            let left = files(&gate.folder.join("out/media"));
            left.into_iter().filter(|file| file.ends_with(".part")).collect()
        };
        assert_eq!(parts().len(), 1, "{backend}: bad test");
        gate.open("all");
        let (code, said) = gate.run(&["run", "r.csv", "--out", "out"]);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(parts(), Vec::<String>::new(), "{backend}");
    }
}

#[test]
fn a_query_is_ended_by_the_first_signal() {
    let folder = tempfile::tempdir().unwrap();
    let gate = sources(folder.path(), &["a"]);
    let running = gate.start(&["shots", "a.mp4"]);
    until("the video is analysed", || gate.peek().len() == 1);
    running.signal(Signal::SIGTERM);
    let (status, said) = running.end();
    assert_eq!(status.code(), Some(143), "{said}");
    until("its media process ends", || gate.processes() == 0);
}
