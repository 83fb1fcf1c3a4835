//! YouTube by way of a yt-dlp that the test wrote.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use clipflow::ErrorCode;
use clipflow::config::ParallelConfig;
use clipflow::resilience::{HostLimits, Hosts};
use clipflow::sandbox::{SandboxMode, layers};
use clipflow::source::spool::Spool;
use clipflow::source::ytdlp::{YtDlp, YtDlpConfig};
use clipflow::source::{Source, SpooledSource};

use crate::support::{query, show, stderr};

/// A program `name` in `folder` that runs `body` with sh.
fn script(folder: &Path, body: &str) -> PathBuf {
    let path = folder.join("yt-dlp");
    fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn youtube(
    folder: &Path,
    program: Option<PathBuf>,
    config: &ParallelConfig,
) -> (SpooledSource<YtDlp>, Spool) {
    let hosts = Hosts::new(HostLimits::from(config));
    let config = YtDlpConfig { program, ..YtDlpConfig::from(config) };
    let spool = Spool::new(folder.join("spool"), 1_000_000_000);
    (SpooledSource::new(YtDlp::new(config, hosts), spool.clone()), spool)
}

fn run(folder: &Path, ytdlp: &Path, sandbox: &str, url: &str) -> Output {
    let rows =
        format!("request_id,source_url,min_clip_length,max_clips\na,{url},4,1\nb,{url},5,1\n");
    fs::write(folder.join("r.csv"), rows).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_clipflow"));
    command.current_dir(folder).args(["run", "r.csv", "--out", "out"]);
    command.env("CLIPFLOW_YTDLP", ytdlp).env("http_proxy", "http://127.0.0.1:9").env("SECRET", "x");
    command.env("CLIPFLOW_SANDBOX", sandbox).output().unwrap()
}

#[test]
fn a_run_over_a_youtube_video_starts_yt_dlp_once_with_nothing_of_the_request_but_the_id() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::make(&path.join("show.mp4"));
    let here = path.display();
    let body = format!(
        "for a in \"$@\"; do echo \"$a\" >> {here}/args; done; env > {here}/env; pwd > {here}/pwd; cp {here}/show.mp4 video.mp4"
    );
    let ytdlp = script(path, &body);
    let url = "https://m.youtube.com/watch?list=x&v=a-b_c1234XY&app=--exec";
    let output = run(path, &ytdlp, "off", url);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(query(path, "SELECT status, clips FROM outcomes"), ["ok,1", "ok,1"]);
    let source = query(path, "SELECT location, validator FROM sources");
    assert_eq!(source, ["https://youtu.be/a-b_c1234XY,youtube-a-b_c1234XY"]);
    let args = fs::read_to_string(path.join("args")).unwrap();
    let args: Vec<&str> = args.lines().collect();
    assert_eq!(args[0], "--ignore-config");
    assert!(args.contains(&"--no-playlist") && args.contains(&"--max-filesize"));
    assert_eq!(args[args.len() - 2..], ["--", "https://www.youtube.com/watch?v=a-b_c1234XY"]);
    assert_eq!(args.iter().filter(|a| **a == "--").count(), 1, "started once");
    assert!(args.windows(2).any(|w| w == ["-o", "video.%(ext)s"]));
    assert!(args.iter().all(|a| !a.contains("exec") && !a.contains("list=")));
    let env = fs::read_to_string(path.join("env")).unwrap();
    let mut names: Vec<&str> = env.lines().filter_map(|l| Some(l.split_once('=')?.0)).collect();
    names.sort_unstable();
    // The last three are the shell's own.
    names.retain(|n| !["_", "PWD", "OLDPWD", "SHLVL"].contains(n));
    assert_eq!(names, ["HOME", "PATH", "TMPDIR", "YTDLP_NO_PLUGINS"]);
    let home = format!("HOME={}", fs::read_to_string(path.join("pwd")).unwrap().trim());
    assert!(env.lines().any(|l| l == home), "{env}");
}

#[test]
fn yt_dlp_writes_into_its_own_folder_alone() {
    if !layers().landlock {
        return eprintln!("this kernel has no Landlock");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    show::make(&path.join("show.mp4"));
    let here = path.display();
    let body = format!("echo x > {here}/canary; cp {here}/show.mp4 $TMPDIR/video.mp4");
    let ytdlp = script(path, &body);
    let output = run(path, &ytdlp, "on", "https://youtu.be/a-b_c1234XY");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!path.join("canary").exists());
}

#[test]
fn without_yt_dlp_the_row_says_how_to_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let output =
        run(folder.path(), &folder.path().join("no-such"), "on", "https://youtu.be/a-b_c1234XY");
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let rows =
        query(folder.path(), "SELECT DISTINCT error_code, attempts, error_message FROM outcomes");
    assert_eq!(rows.len(), 1);
    assert!(rows[0].starts_with("setup.missing_program,1,"), "{rows:?}");
    assert!(rows[0].contains("CLIPFLOW_YTDLP"), "{rows:?}");
}

#[tokio::test]
async fn what_yt_dlp_says_becomes_a_code() {
    let folder = tempfile::tempdir().unwrap();
    let url = "https://youtu.be/a-b_c1234XY";
    for (body, code) in [
        (
            "echo 'ERROR: [youtube] x: Private video. Sign in' >&2; exit 1",
            ErrorCode::SourceForbidden,
        ),
        ("echo 'ERROR: [youtube] x: Video unavailable' >&2; exit 1", ErrorCode::SourceNotFound),
        ("echo 'ERROR: HTTP Error 429: Too Many Requests' >&2; exit 1", ErrorCode::SourceThrottled),
        ("echo 'ERROR: Unable to download webpage' >&2; exit 1", ErrorCode::SourceUnreachable),
        ("echo 'File is larger than max-filesize (9 > 1). Aborting.'", ErrorCode::SourceTooLarge),
        (
            "echo '[download] x does not pass filter (!is_live), skipping ..'",
            ErrorCode::SourceUnsupported,
        ),
        ("exit 0", ErrorCode::SourceUnreachable),
        ("head -c 100 /dev/zero > video.mp4; exit 1", ErrorCode::SourceUnreachable),
        ("head -c 100 /dev/zero > video.mp4.part", ErrorCode::SourceUnreachable),
        (": > video.mp4", ErrorCode::SourceUnreachable),
        ("ln -s /etc/passwd video.mp4", ErrorCode::SourceUnreachable),
    ] {
        let program = script(folder.path(), body);
        let (source, spool) = youtube(folder.path(), Some(program), &ParallelConfig::default());
        let error = source.open(url).await.unwrap_err();
        assert_eq!(error.code(), code, "{body}: {error}");
        assert_eq!(spool.used(), 0);
    }
    let (source, _) = youtube(folder.path(), None, &ParallelConfig::default());
    let error = source.open("https://www.youtube.com/@channel/videos").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceUnsupported);
    let none = source.open(url).await.unwrap_err();
    assert_eq!(none.code(), ErrorCode::SetupMissingProgram);
    assert!(none.message().contains("pipx install yt-dlp"), "{none}");
}

#[tokio::test]
async fn a_video_that_grows_beyond_the_limit_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let program = script(folder.path(), "head -c 3000000 /dev/zero > video.f1.mp4; sleep 60");
    let config = ParallelConfig { max_source_gb: 0.002, ..ParallelConfig::default() };
    let (source, spool) = youtube(folder.path(), Some(program), &config);
    let error = source.open("https://youtu.be/a-b_c1234XY").await.unwrap_err();
    assert_eq!((error.code(), spool.used()), (ErrorCode::SourceTooLarge, 0));
}

/// Whether a process is there and has not ended.
fn lives(id: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

#[tokio::test]
async fn yt_dlp_and_what_it_started_end_when_nobody_waits_or_time_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    let body = format!("sleep 1000 & echo $$ $! > {0}.new; mv {0}.new {0}; wait", pids.display());
    let program = script(folder.path(), &body);
    for timeout in [0.0, 0.3] {
        let _ = fs::remove_file(&pids);
        // It writes beside its folder.
        let sandbox = SandboxMode::Off;
        let config = ParallelConfig { timeout, sandbox, ..ParallelConfig::default() };
        let (source, spool) = youtube(folder.path(), Some(program.clone()), &config);
        let mut open = Box::pin(source.open("https://youtu.be/a-b_c1234XY"));
        if timeout == 0.0 {
            while !pids.exists() {
                tokio::select! {
                    ended = &mut open => panic!("{ended:?}"),
                    () = tokio::time::sleep(Duration::from_millis(5)) => {}
                }
            }
            drop(open);
        } else {
            let error = open.await.unwrap_err();
            assert!(error.message().contains("0.3 s"), "{error}");
        }
        let both = fs::read_to_string(&pids).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while both.split_whitespace().any(lives) {
            assert!(Instant::now() < deadline, "{both} are still there");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(spool.used(), 0);
    }
}
