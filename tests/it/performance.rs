//! What happened after posting, joined with the variants, from the command line.

use std::fmt::Write as _;
use std::fs;

use super::support::{clipflow, query, stderr, stdout};
use super::variants::finished;

/// Raw events: of each variant `n` + 1 views by as many viewers, each after two impressions, and one
/// like. The unknown kind is no event.
fn events(variants: &[String]) -> String {
    let mut text = "variant_id,platform,ts,event,viewer_id,value\n".to_owned();
    for (n, variant) in variants.iter().enumerate() {
        for viewer in 0..=n {
            for event in ["impression", "impression", "view"] {
                let _ = writeln!(text, "{variant},web,2026-11-20T10:00:00,{event},u{viewer},");
            }
        }
        let _ = writeln!(text, "{variant},web,2026-11-20T11:00:00,like,u0,");
        let _ = writeln!(text, "{variant},web,2026-11-20T11:00:00,shrug,u0,");
    }
    text
}

fn performance(args: &[&str]) -> (Option<i32>, Vec<String>, String) {
    let folder = finished();
    let output = clipflow(folder, &[&["performance"], args, &["--format", "csv"]].concat());
    let rows = stdout(&output).lines().skip(1).map(str::to_owned).collect();
    (output.status.code(), rows, stderr(&output))
}

#[test]
fn metrics_by_columns_of_events_and_variants_have_known_answers() {
    let folder = finished();
    let variants = query(folder, "SELECT variant_id FROM variants ORDER BY variant_id LIMIT 3");
    let file = folder.join("events.csv");
    fs::write(&file, events(&variants)).unwrap();
    let file = file.to_str().unwrap();
    let asked = [
        "--events",
        file,
        "--metrics",
        "engagement_rate,audience_reach,share_rate,viral_coefficient",
    ];
    let (code, rows, notice) =
        performance(&[&["out", "--by", "variant_id,layout"], asked.as_slice()].concat());
    assert_eq!(code, Some(0), "{notice}");
    assert!(notice.contains("shrug"), "{notice}");
    assert_eq!(rows.len(), 3);
    for (n, variant) in variants.iter().enumerate() {
        let row = rows.iter().find(|row| row.starts_with(variant)).unwrap();
        let cells: Vec<&str> = row.split(',').collect();
        let layout =
            query(folder, &format!("SELECT layout FROM variants WHERE variant_id = '{variant}'"));
        let viewers = n as f64 + 1.0;
        assert_eq!(cells[1], layout[0], "{row}");
        assert!((cells[3].parse::<f64>().unwrap() - 1.0 / viewers).abs() < 1e-12, "{row}");
        assert_eq!(cells[4].parse::<f64>().unwrap(), viewers, "{row}");
        // These events report no shares and no referrals at all: nothing is known of them.
        assert_eq!((cells[5], cells[6]), ("", ""), "{row}");
    }
    // Viewers of a group are counted once, not added up; without results only the events' columns are there.
    let (_, rows, _) = performance(&[&["--by", "platform"], asked.as_slice()].concat());
    assert!(rows.len() == 1 && rows[0].starts_with("web,3,0.5,3"), "{rows:?}");
    let (code, _, error) = performance(&[&["--by", "layout"], asked.as_slice()].concat());
    assert_eq!(code, Some(2));
    assert!(
        error.contains("no column layout to group by; they have variant_id, platform"),
        "{error}"
    );
}
