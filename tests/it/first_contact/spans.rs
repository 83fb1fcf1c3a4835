//! A person's own word on where clips are: the very span, or a window to choose in.

use std::fs;

use super::super::support::{clipflow, query, stderr, stdout};
use super::with_talk;

#[test]
fn the_very_span_is_the_clip_and_is_still_scored() {
    let folder = with_talk();
    let run = clipflow(
        folder.path(),
        &["run", "talk.mp4", "-o", "out", "--start", "3.01", "--end", "0:08", "--max-clips", "5"],
    );
    assert!(run.status.success(), "{}", stderr(&run));
    // 3.01 s is between two frames: the clip starts with the nearest.
    let clips = query(folder.path(), "SELECT start, \"end\", score > 0 FROM clips");
    assert_eq!(clips, ["3.0,8.0,true"]);
    let files = query(folder.path(), "SELECT frames FROM renditions");
    assert_eq!(files, ["125"]);
    let windows = query(
        folder.path(),
        "SELECT start_kind, end_kind, chosen, rank, length_fit FROM candidates",
    );
    assert_eq!(windows, ["request,request,true,1,1.0"]);
    let asked = query(
        folder.path(),
        "SELECT start, \"end\", round(min_clip_length, 2), round(max_clip_length, 2), max_clips FROM requests",
    );
    assert_eq!(asked, ["3.01,8.0,4.99,4.99,1"]);
}

#[test]
fn rows_say_spans_and_windows_in_seconds_or_timecodes() {
    let folder = with_talk();
    let requests = "request_id,source_url,start,end,within_start,within_end,min_clip_length,max_clip_length\n\
        span,talk.mp4,0:02,00:00:06.52,,,,\n\
        end,talk.mp4,9,12.3,,,,\n\
        window,talk.mp4,,,0:04,11,2,4\n\
        from,talk.mp4,,,6.5,,0:03,0:04\n\
        upto,talk.mp4,,,,5.3,2,4\n\
        half,talk.mp4,4,,,,,\n\
        both,talk.mp4,4,8,1,,,\n\
        word,talk.mp4,soon,8,,,,\n\
        late,talk.mp4,10,20,,,,\n\
        tight,talk.mp4,,,11,,2,4\n\
        narrow,talk.mp4,,,4,5,2,4\n";
    fs::write(folder.path().join("r.csv"), requests).unwrap();
    let run = clipflow(folder.path(), &["run", "r.csv", "-o", "out"]);
    assert_eq!(run.status.code(), Some(3), "{}", stderr(&run));
    let outcomes = query(
        folder.path(),
        "SELECT request_id, coalesce(error_code, status) FROM outcomes ORDER BY \"row\"",
    );
    assert_eq!(
        outcomes,
        [
            "span,ok",
            "end,ok",
            "window,ok",
            "from,ok",
            "upto,ok",
            "half,invalid_request.bad_span",
            "both,invalid_request.bad_span",
            "word,invalid_request.bad_value",
            "late,selection.outside",
            "tight,selection.outside",
            "narrow,invalid_request.bad_span"
        ]
    );
    let spans = query(
        folder.path(),
        "SELECT request_id, round(start, 6), round(\"end\", 6) FROM clips
         WHERE request_id IN ('span', 'end') ORDER BY 1 DESC",
    );
    assert_eq!(spans, ["span,2.0,6.52", "end,9.0,12.0"]);
    let strays = query(
        folder.path(),
        "SELECT k.request_id, k.start, k.\"end\" FROM candidates k JOIN requests r ON r.request_id = k.request_id
         WHERE k.start < r.within_start - 1e-6 OR k.\"end\" > r.within_end + 1e-6",
    );
    assert!(strays.is_empty(), "{strays:?}");
    let messages = query(
        folder.path(),
        "SELECT error_message FROM outcomes WHERE request_id IN ('late', 'half', 'tight') ORDER BY \"row\"",
    );
    for (message, want) in messages.iter().zip([
        "start is given without end; give both",
        "the clip from 10 s to 20 s is not in the source, which lasts 12",
        "has no room for a clip of 2 s in the source, which lasts 12",
    ]) {
        assert!(message.contains(want), "{message}");
    }
    // Failed rows are a request file that asks for the same.
    let again = clipflow(
        folder.path(),
        &[
            "sql",
            "out",
            "SELECT request_id, start, \"end\" FROM dead_letters WHERE request_id = 'late'",
            "--format",
            "csv",
        ],
    );
    assert_eq!(stdout(&again), "request_id,start,end\nlate,10.0,20.0\n");
}

#[test]
fn flags_of_a_span_go_together_and_ids_without_spans_stay() {
    let folder = with_talk();
    for args in [
        &["--start", "3"][..],
        &["--end", "3"],
        &["--start", "3", "--end", "8", "--min", "2"],
        &["--start", "3", "--end", "8", "--within-start", "1"],
        &["--within-end", "1:75"],
    ] {
        let wrong =
            clipflow(folder.path(), &[&["run", "talk.mp4", "-o", "out"][..], args].concat());
        assert_eq!(wrong.status.code(), Some(2), "{args:?}");
    }
    let back =
        clipflow(folder.path(), &["run", "talk.mp4", "-o", "out", "--start", "8", "--end", "3"]);
    assert_eq!(back.status.code(), Some(3));
    assert!(stdout(&back).contains("make the end later than the start"), "{}", stdout(&back));
    fs::write(
        folder.path().join("a.csv"),
        "source_url,max_clip_length\ntalk.mp4,20\ntalk.mp4,20\n",
    )
    .unwrap();
    fs::write(
        folder.path().join("b.csv"),
        "source_url,max_clip_length,start,end,within_start\ntalk.mp4,20,,,\ntalk.mp4,20,,,\ntalk.mp4,20,1,9,\n",
    )
    .unwrap();
    let ids = |requests: &str| {
        assert!(
            clipflow(folder.path(), &["validate", requests, "-o", "v.parquet"]).status.success()
        );
        let rows = clipflow(
            folder.path(),
            &["run", requests, "-o", &format!("out-{requests}"), "--plan-only"],
        );
        assert!(rows.status.success() || rows.status.code() == Some(3), "{}", stderr(&rows));
        let ids = "SELECT request_id FROM requests ORDER BY \"row\"";
        let ids =
            clipflow(folder.path(), &["sql", &format!("out-{requests}"), ids, "--format", "csv"]);
        stdout(&ids).lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let (before, now) = (ids("a.csv"), ids("b.csv"));
    assert_eq!(before, now[..2]);
    assert!(now[0] != now[1] && !before.contains(&now[2]), "{now:?}");
}
