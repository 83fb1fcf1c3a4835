//! What the generated tables of `analytics::oracle` found, each kind by a table of its own.

use serde_json::Value;

use super::{answer, by, folder, row};

const METRICS: [&str; 8] = [
    "completion_rate",
    "audience_reach",
    "engagement_rate_by_reach",
    "engagement_rate_by_followers",
    "frequency",
    "average_watch_ratio",
    "velocity",
    "views",
];

/// A viewer of `a` begins on one platform, in an event with a length, and sees the end on another, in one
/// without.
const EVENTS: &str = "variant_id,platform,ts,event,viewer_id,value,duration
a,x,2026-05-01T00:00:00,view,u1,,10
a,y,2026-05-01T01:00:00,view_100,u1,,
a,y,2026-05-01T01:00:00,like,u1,,long
a,x,2026-05-01T02:00:00,watch_seconds,u1,6,10
b,x,2026-05-01T03:00:00,view,u1,,20
b,x,2026-05-01T04:00:00,view,u2,,20.0
";

#[test]
fn no_figure_depends_on_what_else_is_asked() {
    let files = folder(&[("e.csv", EVENTS)]);
    for by in ["variant_id", "platform", "variant_id,platform", ""] {
        let more = if by.is_empty() { vec![] } else { vec!["--by", by] };
        let ask =
            |metrics: &str| answer(files.path(), "e.csv", &[&[metrics], &more[..]].concat()).0;
        let all = ask(&METRICS.join(","));
        for metric in METRICS {
            let alone = ask(metric);
            assert_eq!(alone.len(), all.len());
            for (alone, all) in alone.iter().zip(&all) {
                assert_eq!(alone[metric], all[metric], "{metric} by {by:?}");
            }
        }
    }
    let (rows, _) = answer(files.path(), "e.csv", &[&METRICS.join(","), "--by", "variant_id"]);
    assert_eq!(rows[0]["completion_rate"], Value::from(1.0), "u1 began and saw the end");
    assert_eq!(rows[0]["audience_reach"], Value::from(1));
    assert_eq!(rows[0]["average_watch_ratio"], Value::from(6.0 / 10.0));
    assert_eq!(rows[1]["audience_reach"], Value::from(2), "20 and 20.0 are one length");
}

#[test]
fn a_variant_with_two_lengths_has_none_that_is_known() {
    let files = folder(&[(
        "e.csv",
        "variant_id,event,value,duration\na,view,,10\na,watch_seconds,5,10\nb,view,,10\nb,watch_seconds,5,20\n\
         c,view,,0\nc,watch_seconds,5,NaN\nd,view,,-3\nd,watch_seconds,5,inf\n",
    )]);
    let rates = by(files.path(), "e.csv", "average_watch_ratio", "variant_id");
    assert_eq!(rates.into_values().collect::<Vec<_>>(), [Some(0.5), None, None, None]);
    let all = row(files.path(), "e.csv", "average_watch_ratio");
    assert_eq!(
        (&all["average_watch_ratio"], &all["left_out"]),
        (&Value::from(0.5), &Value::from(3))
    );
}

#[test]
fn an_answer_without_groups_has_a_row_though_nothing_counts() {
    let files = folder(&[("e.csv", EVENTS)]);
    let asked = ["audience_reach,frequency,views", "--as-of", "2026-04-01"];
    let (rows, _) = answer(files.path(), "e.csv", &asked);
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0]["variants"], &rows[0]["views"]), (&Value::from(0), &Value::Null));
    assert_eq!(rows[0]["audience_reach"], Value::Null);
}
