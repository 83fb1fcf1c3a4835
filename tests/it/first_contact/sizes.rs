//! Sizes and lengths of variants: what was asked for, and what is said about it.

use super::super::support::{clipflow, query, stderr, stdout};
use super::with_talk;

const HEAD: [&str; 8] =
    ["run", "talk.mp4", "--min", "4", "--max", "6", "--variants-only", "--max-clips=1"];

#[test]
fn a_size_is_what_was_asked_for_enlarged_if_need_be_and_said() {
    let folder = with_talk();
    let run = |out: &str, args: &[&str]| {
        let variants = ["--variants", "2", "--platforms", "tiktok", "-o", out];
        let run = clipflow(folder.path(), &[&HEAD[..], &variants[..], args].concat());
        assert!(run.status.success(), "{}", stderr(&run));
        let sql = "SELECT DISTINCT r.width, r.height, v.width = r.width, v.reason LIKE '%as asked, enlarged%'
                   FROM renditions r JOIN variants v ON v.variant_id = r.variant_id";
        let rows = clipflow(folder.path(), &["sql", out, sql, "--format", "csv"]);
        (stdout(&rows).lines().nth(1).unwrap_or_default().to_owned(), stdout(&run))
    };
    let (exact, said) = run("exact", &["--size", "720x1280"]);
    assert_eq!(exact, "720,1280,true,true");
    assert!(said.contains("times to be 720x1280 and may look soft"), "{said}");
    let (full, said) = run("full", &["--size", "full", "--plan-only"]);
    assert_eq!(full, "", "nothing is rendered");
    assert!(said.contains("times to be full"), "{said}");
    let sizes = "SELECT DISTINCT width, height FROM variants";
    let sizes = clipflow(folder.path(), &["sql", "full", sizes, "--format", "csv"]);
    assert_eq!(stdout(&sizes), "width,height\n1080,1920\n");
    let (default, said) = run("default", &[]);
    assert_eq!(default, "540,960,true,false");
    assert!(said.contains("2 variants are smaller than their platform's largest size"), "{said}");
    assert!(said.contains("set size (--size) to full"), "{said}");
}

#[test]
fn a_size_that_is_none_is_refused() {
    let folder = with_talk();
    for size in ["1081x1920", "big", "9000x9000"] {
        let wrong = clipflow(
            folder.path(),
            &["run", "talk.mp4", "-o", "out", "--variants", "1", "--size", size],
        );
        assert_eq!(wrong.status.code(), Some(2));
        assert!(stderr(&wrong).contains("give full, or WIDTHxHEIGHT"), "{}", stderr(&wrong));
    }
    let idle = clipflow(folder.path(), &["run", "talk.mp4", "-o", "out", "--size", "full"]);
    assert_eq!(idle.status.code(), Some(2));
    assert!(
        stderr(&idle).contains("--size full has no effect while --variants is 0"),
        "{}",
        stderr(&idle)
    );
}

#[test]
fn clips_that_are_too_short_for_the_platform_are_not_chosen() {
    let folder = with_talk();
    let run = |out: &str, max: &str, platforms: &str| {
        clipflow(
            folder.path(),
            &[
                "run",
                "talk.mp4",
                "-o",
                out,
                "--min",
                "1",
                "--max",
                max,
                "--variants",
                "1",
                "--platforms",
                platforms,
                "--plan-only",
            ],
        )
    };
    assert!(run("out", "5", "tiktok").status.success());
    assert_eq!(
        query(folder.path(), "SELECT count(*) FROM candidates WHERE duration < 3 - 1e-6"),
        ["0"]
    );
    assert_eq!(query(folder.path(), "SELECT count(*) > 0 FROM clips"), ["true"]);
    // Neither the plain clip: nobody could post it there.
    let none = run("none", "2", "tiktok");
    assert_eq!(none.status.code(), Some(3));
    let said = stdout(&none);
    assert!(said.contains("no clip of 1 to 2 s can be shaped for tiktok (3 to 180 s)"), "{said}");
    assert!(run("other", "2", "tiktok,x").status.success(), "x takes 1 s");
}
