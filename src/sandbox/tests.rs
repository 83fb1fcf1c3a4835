#![allow(clippy::unwrap_used)]

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use super::*;

/// Runs a line of bash, which has sockets and files of its own, in a sandbox.
fn bash(line: &str, sandbox: impl FnOnce(&mut Sandbox)) -> Output {
    let program = Path::new("/bin/bash");
    let mut confined = Sandbox::strict(program);
    sandbox(&mut confined);
    let mut command = Command::new(program);
    command.args(["-c", line]).env_clear();
    confined.confine(&mut command).unwrap();
    command.output().unwrap()
}

#[test]
fn a_program_reads_and_writes_what_is_listed_and_nothing_else() {
    assert!(layers().seccomp);
    if !layers().landlock {
        return eprintln!("this kernel has no Landlock");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("given"), "given\n").unwrap();
    fs::write(path("canary"), "canary\n").unwrap();
    fs::write(path("out"), "").unwrap();
    let read = |name: &str| format!("read -r line < {} && echo $line", path(name).display());
    let allowed = |sandbox: &mut Sandbox| {
        sandbox.read(path("given")).write(path("out"));
    };
    let output = bash(&read("given"), allowed);
    assert_eq!(output.stdout, b"given\n", "{output:?}");
    assert_eq!(bash(&read("canary"), allowed).stdout, b"");
    assert_eq!(bash("read -r line < /etc/passwd && echo $line", allowed).stdout, b"");
    // A link leads to the file behind it, which is not listed.
    std::os::unix::fs::symlink(path("canary"), path("link")).unwrap();
    assert_eq!(bash(&read("link"), |_| ()).stdout, b"");
    let write = |name: &str| format!("echo x > {}", path(name).display());
    assert!(bash(&write("out"), allowed).status.success());
    assert_eq!(fs::read(path("out")).unwrap(), b"x\n");
    assert!(!bash(&write("given"), allowed).status.success());
    assert!(!bash(&write("new"), allowed).status.success());
    assert!(!path("new").exists());
}

#[test]
fn a_program_starts_no_other_and_opens_no_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connect = format!("exec 3<>/dev/tcp/127.0.0.1/{}", listener.local_addr().unwrap().port());
    let free = Command::new("/bin/bash").args(["-c", &connect]).status().unwrap();
    assert!(free.success(), "bash can do it where it is not confined");
    let confined = bash(&connect, |_| ());
    assert!(!confined.status.success());
    let said = String::from_utf8_lossy(&confined.stderr).into_owned();
    assert!(said.contains("Operation not permitted"), "{said}");
    if layers().landlock {
        let other = bash("exec /bin/true", |_| ());
        assert_eq!(other.status.code(), Some(126), "{other:?}");
    }
}

#[test]
fn a_fetching_program_reads_all_and_writes_its_folder_alone() {
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new("/bin/bash");
    let mut sandbox = Sandbox::fetching(program);
    fs::create_dir(folder.path().join("own")).unwrap();
    sandbox.write(folder.path().join("own"));
    let line = format!(
        "read -r x < /etc/passwd && echo a > {0}/own/a && /bin/true && ! echo b > {0}/b",
        folder.path().display()
    );
    let mut command = Command::new(program);
    command.args(["-c", &line]);
    sandbox.confine(&mut command).unwrap();
    let output = command.output().unwrap();
    if layers().landlock {
        assert!(output.status.success(), "{output:?}");
        assert!(!folder.path().join("b").exists());
    }
}

#[test]
fn a_file_that_is_swapped_after_its_check_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let (given, canary) = (folder.join("given"), folder.join("canary"));
    fs::write(&given, "given\n").unwrap();
    fs::write(&canary, "canary\n").unwrap();
    let pinned = PinnedFile::of(&File::open(&given).unwrap(), &given).unwrap();
    assert_eq!(pinned.path, given);
    let read = format!("read -r line < {} && echo $line", given.display());
    let allowed = |sandbox: &mut Sandbox| {
        sandbox.read_pinned(&pinned);
    };
    assert_eq!(bash(&read, allowed).stdout, b"given\n");
    // Between the confinement and the start of the program.
    let mut confined = Sandbox::strict(Path::new("/bin/bash"));
    allowed(&mut confined);
    let mut command = Command::new("/bin/bash");
    command.args(["-c", &read]).env_clear();
    confined.confine(&mut command).unwrap();
    fs::remove_file(&given).unwrap();
    std::os::unix::fs::symlink(&canary, &given).unwrap();
    if layers().landlock {
        assert_eq!(command.output().unwrap().stdout, b"");
        // And before it.
        let error = confined.confine(&mut Command::new("/bin/bash")).unwrap_err();
        assert_eq!(error.code(), ErrorCode::SourceChanged);
    }
    assert!(pinned.open().is_err());
}
