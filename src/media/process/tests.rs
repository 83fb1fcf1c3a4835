#![allow(clippy::unwrap_used)]
use super::group::GRACE;
use super::pipes::TAIL_BYTES;
use super::*;
use nix::unistd::Pid;
use std::io::BufRead;
use std::time::Duration;

fn shell(script: &str, limits: &MediaLimits) -> MediaCommand {
    let mut command = MediaCommand::new(Path::new("/bin/sh"), limits);
    command.args(["-c", script]);
    command
}

fn quick() -> MediaLimits {
    MediaLimits { timeout: Duration::from_millis(300), ..MediaLimits::default() }
}

fn alive(id: i32) -> bool {
    nix::sys::signal::kill(Pid::from_raw(id), None).is_ok()
}

#[test]
fn output_status_and_last_words_are_kept() {
    let command = shell("echo out; echo problem >&2; exit 3", &MediaLimits::default());
    let (out, finished) = command.capture(&CancelToken::new(), 100).unwrap();
    assert_eq!(out, b"out\n");
    assert_eq!(finished.status.code(), Some(3));
    assert_eq!(finished.last_words(), "problem");
}

#[test]
fn several_pipes_carry_their_own_data() {
    let mut command = MediaCommand::new(Path::new("/bin/sh"), &MediaLimits::default());
    let (first, mut a) = command.output_pipe().unwrap();
    let (second, mut b) = command.output_pipe().unwrap();
    let number = |name: &str| name.strip_prefix("pipe:").unwrap().to_owned();
    // Through /proc, for a shell's `>&17` may be limited to one digit.
    let script = format!(
        "printf A > /proc/self/fd/{}; printf B > /proc/self/fd/{}",
        number(&first),
        number(&second)
    );
    command.args(["-c", &script]);
    let child = command.start(&CancelToken::new()).unwrap();
    let (mut left, mut right) = (String::new(), String::new());
    a.read_to_string(&mut left).unwrap();
    b.read_to_string(&mut right).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!((left.as_str(), right.as_str()), ("A", "B"));
}

#[test]
fn a_filtergraph_that_is_too_long_for_an_argument_is_read_all_the_same() {
    let tools = MediaTools::find().unwrap();
    let mut command = MediaCommand::ffmpeg(&tools, &MediaLimits::default());
    let graph = " ".repeat(1 << 17) + "color=gray:s=64x64:r=25:d=1[out]";
    command.args(["-v", "error", "-filter_complex", &graph, "-map", "[out]"]);
    command.args(["-f", "framecrc", "-"]);
    let (out, finished) = command.capture(&CancelToken::new(), 10_000).unwrap();
    assert!(finished.success(), "{}", finished.last_words());
    let frames = String::from_utf8(out).unwrap();
    assert_eq!(frames.lines().filter(|line| !line.starts_with('#')).count(), 25);
}

#[test]
fn the_environment_is_empty_but_for_ours() {
    let mut command = MediaCommand::new(Path::new("/usr/bin/env"), &MediaLimits::default());
    command.env("EXTRA", "1");
    let (out, finished) = command.capture(&CancelToken::new(), 1000).unwrap();
    assert!(finished.success());
    let text = String::from_utf8(out).unwrap();
    let mut names: Vec<&str> = text.lines().map(|line| line.split_once('=').unwrap().0).collect();
    names.sort_unstable();
    assert_eq!(names, ["EXTRA", "LC_ALL", "MALLOC_ARENA_MAX"]);
}

#[test]
fn the_kernels_limits_are_set() {
    let limits = MediaLimits {
        memory_bytes: 512 << 20,
        cpu_seconds: 77,
        file_bytes: 1 << 20,
        open_files: 33,
        ..MediaLimits::default()
    };
    let mut command = MediaCommand::new(Path::new("/bin/cat"), &limits);
    command.arg("/proc/self/limits");
    let (out, _) = command.capture(&CancelToken::new(), 10_000).unwrap();
    let text = String::from_utf8(out).unwrap();
    let value = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().next().unwrap().to_owned()
    };
    assert_eq!(value("Max address space"), (512 << 20).to_string());
    assert_eq!(value("Max cpu time"), "77");
    assert_eq!(value("Max file size"), (1 << 20).to_string());
    assert_eq!(value("Max open files"), "33");
    assert_eq!(value("Max core file size"), "0");
}

#[test]
fn a_timeout_ends_the_whole_group() {
    let mut command = shell("sleep 60 & echo $!; wait", &quick());
    let mut out = std::io::BufReader::new(command.stdout_pipe().unwrap());
    let child = command.start(&CancelToken::new()).unwrap();
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let grandchild: i32 = line.trim().parse().unwrap();
    assert!(alive(grandchild));
    let finished = child.wait().unwrap();
    assert_eq!(finished.check(ErrorCode::Internal).unwrap_err().code(), ErrorCode::MediaTimeout);
    // Its pipe end closes only when it has gone, so this returns, and at once.
    out.read_line(&mut line).unwrap();
    assert!(finished.elapsed < Duration::from_secs(10));
}

#[test]
fn a_process_that_ignores_term_is_killed() {
    let mut command = shell("trap '' TERM; echo ready; while :; do sleep 1; done", &quick());
    let mut out = std::io::BufReader::new(command.stdout_pipe().unwrap());
    let child = command.start(&CancelToken::new()).unwrap();
    out.read_line(&mut String::new()).unwrap();
    let finished = child.wait().unwrap();
    assert_eq!(finished.check(ErrorCode::Internal).unwrap_err().code(), ErrorCode::MediaTimeout);
    assert!(finished.elapsed >= GRACE);
}

#[test]
fn cancelling_ends_it_at_once() {
    let cancel = CancelToken::new();
    let mut command = shell("echo ready; exec sleep 60", &MediaLimits::default());
    let mut out = std::io::BufReader::new(command.stdout_pipe().unwrap());
    let child = command.start(&cancel).unwrap();
    out.read_line(&mut String::new()).unwrap();
    cancel.cancel();
    let finished = child.wait().unwrap();
    assert_eq!(finished.check(ErrorCode::Internal).unwrap_err().code(), ErrorCode::Cancelled);
    assert!(finished.elapsed < GRACE, "{:?}", finished.elapsed);
    let again = shell("true", &MediaLimits::default()).start(&cancel);
    assert_eq!(again.unwrap_err().code(), ErrorCode::Cancelled);
}

#[test]
fn dropping_kills_and_reaps() {
    let mut command = shell("trap '' TERM; echo ready; exec sleep 60", &MediaLimits::default());
    let mut out = std::io::BufReader::new(command.stdout_pipe().unwrap());
    let child = command.start(&CancelToken::new()).unwrap();
    out.read_line(&mut String::new()).unwrap();
    let id = child.id().cast_signed();
    assert!(alive(id));
    drop(child);
    assert!(!alive(id));
}

#[test]
fn it_dies_with_the_thread_that_started_it() {
    let mut out = std::thread::spawn(|| {
        let mut command = shell("echo ready; exec sleep 60", &MediaLimits::default());
        let mut out = std::io::BufReader::new(command.stdout_pipe().unwrap());
        let child = command.start(&CancelToken::new()).unwrap();
        out.read_line(&mut String::new()).unwrap();
        // As after kill -9: no destructor runs.
        std::mem::forget(child);
        out
    })
    .join()
    .unwrap();
    // Returns only because the process is gone.
    assert_eq!(out.read_line(&mut String::new()).unwrap(), 0);
}

#[test]
fn too_much_cpu_is_a_timeout() {
    let limits = MediaLimits { cpu_seconds: 1, ..MediaLimits::default() };
    let child = shell("while :; do :; done", &limits).start(&CancelToken::new()).unwrap();
    let finished = child.wait().unwrap();
    assert!(finished.cpu > 0.3, "{}", finished.cpu);
    assert_eq!(finished.check(ErrorCode::Internal).unwrap_err().code(), ErrorCode::MediaTimeout);
}

#[test]
fn a_crash_and_too_much_output_have_codes() {
    let child = shell("kill -SEGV $$", &MediaLimits::default()).start(&CancelToken::new()).unwrap();
    let error = child.wait().unwrap().check(ErrorCode::Internal).unwrap_err();
    assert_eq!(error.code(), ErrorCode::MediaCrashed);
    let endless = shell("while :; do echo yes; done", &MediaLimits::default());
    let error = endless.capture(&CancelToken::new(), 1000).unwrap_err();
    assert_eq!(error.code(), ErrorCode::MediaLimits);
    let missing = MediaCommand::new(Path::new("/no/such/ffmpeg"), &MediaLimits::default());
    let error = missing.start(&CancelToken::new()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::SetupMissingProgram);
}

#[test]
fn only_the_end_of_a_long_stderr_is_kept() {
    let script = "i=0; while [ $i -lt 3000 ]; do echo line $i >&2; i=$((i+1)); done";
    let child = shell(script, &MediaLimits::default()).start(&CancelToken::new()).unwrap();
    let finished = child.wait().unwrap();
    assert!(finished.stderr.len() <= TAIL_BYTES);
    assert_eq!(finished.last_words(), "line 2999");
}

/// Whether ffmpeg, told to read the film `canary` from within a filtergraph as a hostile file might make it, does.
fn filter_reads(canary: &Path, sandbox: SandboxMode, allowed: bool) -> bool {
    let tools = MediaTools { sandbox, ..MediaTools::find().unwrap() };
    let mut command = MediaCommand::ffmpeg(&tools, &MediaLimits::default());
    let graph = format!("movie={}[out]", canary.display());
    command.args(["-v", "error", "-filter_complex", &graph, "-map", "[out]", "-f", "null", "-"]);
    if allowed {
        command.reads(canary);
    }
    command.start(&CancelToken::new()).unwrap().wait().unwrap().success()
}

#[test]
fn ffmpeg_reads_what_the_command_names_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("canary.mp4");
    let tools = MediaTools::find().unwrap();
    let mut make = MediaCommand::ffmpeg(&tools, &MediaLimits::default());
    make.args(["-v", "error", "-f", "lavfi", "-i", "color=gray:s=64x64:r=25:d=1"]);
    make.args(["-movflags", "+faststart", "-y", "-f", "mp4"]);
    make.arg(format!("file:{}", film.display()));
    let finished = make.start(&CancelToken::new()).unwrap().wait().unwrap();
    assert!(finished.success(), "{}", finished.last_words());
    assert!(filter_reads(&film, SandboxMode::Off, false), "without a sandbox it can");
    assert!(filter_reads(&film, SandboxMode::On, true));
    if crate::sandbox::layers().landlock {
        assert!(!filter_reads(&film, SandboxMode::On, false));
    }
}

#[test]
fn a_sandbox_that_hinders_the_start_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("ffmpeg");
    std::fs::write(&program, "#!/no/such/interpreter\n").unwrap();
    let error = MediaCommand::new(&program, &MediaLimits::default()).start(&CancelToken::new());
    assert_eq!(error.unwrap_err().code(), ErrorCode::SetupMissingProgram);
    let cause = || std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    let said =
        |sandbox| cannot_start(OsStr::new("/x/ffmpeg"), sandbox, cause()).message().to_owned();
    assert!(said(SandboxMode::On).contains("sandbox = \"off\""), "{}", said(SandboxMode::On));
    assert!(!said(SandboxMode::Off).contains("sandbox"));
}
