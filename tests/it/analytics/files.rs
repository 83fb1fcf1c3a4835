//! `clipflow performance` over files of all kinds.

use std::fs;
use std::path::Path;

use clipflow::query::events::EventOptions;

use super::{answer, clipflow, performance, stderr, stdout};

const RAW: &str = "variant_id,platform,ts,event,viewer_id,value,country
00000000000000aa,tiktok,2026-05-01T10:00:00,impression,u1,,de
00000000000000aa,tiktok,2026-05-01T10:00:01,view,u1,,de
00000000000000aa,tiktok,2026-05-01T10:00:05,like,u1,,de
00000000000000aa,tiktok,2026-05-01T10:00:05,share,u1,,de
00000000000000aa,tiktok,2026-05-03T11:00:00,referral_view,u2,,fr
00000000000000bb,shorts,2026-05-01T11:00:00,view,u2,,fr
00000000000000bb,shorts,2026-05-01T11:00:00,viewed,u2,,fr
";

const ASK: [&str; 4] =
    ["--metrics", "engagement_rate,viral_coefficient,audience_reach", "--by", "platform"];
const KNOWN: [&str; 3] = [
    "platform,variants,engagement_rate,viral_coefficient,audience_reach",
    "shorts,1,0.0,,1",
    "tiktok,1,2.0,0.5,2",
];

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("events.csv"), RAW).unwrap();
    folder
}

fn ask(folder: &Path, events: &str) -> Vec<String> {
    answer(&performance(folder, &[&["--events", events], &ASK[..]].concat()))
}

#[test]
fn the_kind_of_file_does_not_matter() {
    let folder = folder();
    let path = folder.path();
    assert_eq!(ask(path, "events.csv"), KNOWN);
    let json: Vec<String> = RAW.lines().skip(1).map(|line| {
        let c: Vec<&str> = line.split(',').collect();
        format!(r#"{{"variant_id":"{}","platform":"{}","ts":"{}","event":"{}","viewer_id":"{}","country":"{}"}}"#, c[0], c[1], c[2], c[3], c[4], c[6])
    }).collect();
    fs::write(path.join("events.ndjson"), json.join("\n")).unwrap();
    assert_eq!(ask(path, "events.ndjson"), KNOWN);
    // Parts by day in folders: the folder's name is a column.
    let mut lines = RAW.lines();
    let header = lines.next().unwrap();
    for (i, line) in lines.enumerate() {
        let part = path.join(format!("parts/region=r{}", i % 2));
        fs::create_dir_all(&part).unwrap();
        fs::write(part.join(format!("{i}.csv")), format!("{header}\n{line}\n")).unwrap();
    }
    assert_eq!(ask(path, "parts"), KNOWN);
    let by_part = performance(path, &["--events", "parts", "--metrics", "views", "--by", "region"]);
    assert_eq!(answer(&by_part), ["region,variants,views", "r0,2,0", "r1,2,2"]);
}

#[test]
fn rows_of_unknown_kinds_are_named_and_definitions_stand_in_every_row() {
    let folder = folder();
    let output = performance(folder.path(), &[&["--events", "events.csv"], &ASK[..]].concat());
    let said = stderr(&output);
    assert!(
        said.contains(
            "warning: 1 rows are of event kinds that are not known and are in no figure: viewed (1)"
        ),
        "{said}"
    );
    assert!(said.contains("columns of the events that are in no metric: country"), "{said}");
    for line in stdout(&output).lines().skip(1) {
        assert!(
            line.contains("engagement_rate = (likes + comments + shares + saves) / views"),
            "{line}"
        );
    }
}

#[test]
fn reach_of_a_group_is_counted_and_not_summed() {
    let folder = folder();
    let output = performance(
        folder.path(),
        &["--events", "events.csv", "--metrics", "audience_reach,views"],
    );
    assert_eq!(answer(&output), ["variants,audience_reach,views", "2,2,2"]);
    let output = performance(
        folder.path(),
        &["--events", "events.csv", "--metrics", "audience_reach,saves", "--by", "variant_id"],
    );
    assert_eq!(
        answer(&output)[1..],
        ["00000000000000aa,1,2,", "00000000000000bb,1,1,"],
        "saves are tracked nowhere"
    );
}

#[test]
fn viewers_of_groups_by_several_columns() {
    let folder = folder();
    let output = performance(
        folder.path(),
        &["--events", "events.csv", "--metrics", "audience_reach", "--by", "platform,country"],
    );
    assert_eq!(answer(&output)[1..], ["shorts,fr,1,1", "tiktok,de,1,1", "tiktok,fr,1,1"]);
}

#[test]
fn the_newest_events_can_be_left_out() {
    let folder = folder();
    let lag = |hours| {
        let output = performance(
            folder.path(),
            &[
                &["--events", "events.csv", "--metrics", "referral_views,views"],
                &["--as-of", "2026-05-03T11:30:00", "--lag-hours", hours][..],
            ]
            .concat(),
        );
        answer(&output)[1].clone()
    };
    assert_eq!(lag("0"), "2,1,2");
    assert_eq!(lag("1"), "2,0,2", "referrals are tracked, and none is left");
}

#[test]
fn daily_aggregates_give_what_they_can() {
    let folder = tempfile::tempdir().unwrap();
    let daily = "variant_id,platform,day,impressions,views,likes,comments,shares,audience_reach\n\
        a,tiktok,2026-05-01,100,50,5,,1,40\na,tiktok,2026-05-02,100,30,,,,20\nb,tiktok,2026-05-01,10,,,,,9\n";
    fs::write(folder.path().join("daily.csv"), daily).unwrap();
    let ask = |metrics, by| {
        answer(&performance(
            folder.path(),
            &["--events", "daily.csv", "--metrics", metrics, "--by", by],
        ))
    };
    assert_eq!(
        ask("views,engagement_rate,audience_reach,saves", "variant_id"),
        [
            "variant_id,variants,views,engagement_rate,audience_reach,saves",
            "a,1,80,0.12,,",
            "b,1,,,9,"
        ],
        "viewers of two days are not summed; a rate is over the days that report both parts"
    );
    assert_eq!(
        ask("impressions", "day"),
        ["day,variants,impressions", "2026-05-01,2,110", "2026-05-02,1,100"]
    );
}

#[test]
fn errors_say_what_there_is() {
    let folder = folder();
    let path = folder.path();
    let error = |args: &[&str]| {
        let output = performance(path, args);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        stderr(&output)
    };
    let text = error(&["--events", "events.csv", "--metrics", "views", "--by", "layout"]);
    assert!(
        text.contains("no column layout") && text.contains("variant_id, platform, country"),
        "{text}"
    );
    let text = error(&["--events", "events.csv", "--metrics", "vews"]);
    assert!(text.contains("no metric vews") && text.contains("hook_rate"), "{text}");
    let text = error(&["--events", "none.csv", "--metrics", "views"]);
    assert!(text.contains("there is no such file"), "{text}");
    fs::write(path.join("other.csv"), "a,b\n1,2\n").unwrap();
    let text = error(&["--events", "other.csv", "--metrics", "views"]);
    assert!(text.contains("neither a column event") && text.contains("a, b"), "{text}");
    let text = error(&["none", "--events", "events.csv", "--metrics", "views"]);
    assert!(text.contains("store.read"), "{text}");
}

#[test]
fn results_without_variants_are_an_error_and_events_can_be_asked_in_sql() {
    let folder = folder();
    let path = folder.path();
    fs::write(path.join("requests.csv"), "request_id,source_url\na,none.mp4\n").unwrap();
    let output = clipflow(path, &["run", "requests.csv", "--out", "out"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let output = performance(path, &["out", "--events", "events.csv", "--metrics", "views"]);
    assert!(stderr(&output).contains("have no variants"), "{}", stderr(&output));
    let sql = "SELECT day, sum(views) AS views FROM event_days GROUP BY day ORDER BY day";
    let output = clipflow(path, &["sql", "out", sql, "--events", "events.csv", "--format", "csv"]);
    assert_eq!(stdout(&output), "day,views\n2026-05-01,2\n2026-05-03,0\n", "{}", stderr(&output));
    let sql = "SELECT count(*) AS n FROM platform_metrics WHERE metric = 'views' AND counts_replays AND platform = 'shorts' AND valid_from = '2025-03-31'";
    let output = clipflow(path, &["sql", "out", sql, "--format", "csv"]);
    assert_eq!(stdout(&output), "n\n1\n", "{}", stderr(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_processor_answers_as_the_command() {
    let folder = folder();
    let events = folder.path().join("events.csv");
    let processor = clipflow::processors::ViralAnalyticsProcessor::new(events)
        .with_lag_hours(1.0)
        .with_reading(EventOptions::parse(None, None, Some("2026-05-03T11:30:00")).unwrap());
    let batch = processor
        .batch_analyze_performance(None, &["views", "audience_reach"], &["platform"])
        .await
        .unwrap();
    let names: Vec<&str> = batch.schema_ref().fields().iter().map(|f| f.name().as_str()).collect();
    assert_eq!(
        names,
        [
            "platform",
            "variants",
            "views",
            "audience_reach",
            "metric_version",
            "definitions",
            "left_out"
        ]
    );
    assert_eq!(batch.num_rows(), 2);
    let reach = batch.column(3).as_any().downcast_ref::<arrow::array::Int64Array>().unwrap();
    assert_eq!(reach.values().to_vec(), [1, 1], "the event of the last hour is left out");
}
