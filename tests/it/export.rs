//! Timelines for editing programs. (`make readers` reads them back with OpenTimelineIO.)

use super::support::{clipflow, query, show, stderr, stdout};

fn export(args: &[&str]) -> String {
    let output = clipflow(show::finished(), &[&["export", "out"], args].concat());
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    stdout(&output)
}

#[test]
fn every_clip_is_in_every_form() {
    let clips: usize = query(show::finished(), "SELECT count(*) FROM clips")[0].parse().unwrap();
    let otio: serde_json::Value = serde_json::from_str(&export(&["--to", "otio"])).unwrap();
    let found = otio.to_string().matches("\"Clip.2\"").count();
    // Picture and sound.
    assert_eq!(found, 2 * clips, "{otio}");
    let sheet = export(&["--to", "csv"]);
    assert_eq!(sheet.lines().count(), clips + 1, "{sheet}");
    assert_eq!(export(&["--to", "edl"]).matches("* FROM CLIP NAME: ").count(), clips);
    let project = export(&["--to", "fcpxml"]);
    assert_eq!(project.matches("<asset-clip ").count(), clips, "{project}");
    assert!(project.contains("src=\"file:///") && project.contains("score 0."), "{project}");
    assert!(export(&["--to", "chapters"]).starts_with("0:0"));
    let variants: usize =
        query(show::finished(), "SELECT sum(array_length(segments)) FROM variants")[0]
            .parse()
            .unwrap_or_default();
    let output = clipflow(show::finished(), &["export", "out", "--to", "csv", "--variants"]);
    match variants {
        0 => assert!(stderr(&output).contains("hold no variants to export")),
        _ => assert_eq!(stdout(&output).lines().count(), variants + 1),
    }
}

#[test]
fn what_is_not_there_is_told() {
    let output = clipflow(show::finished(), &["export", "out", "--to", "edl", "--request", "none"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("no clips to export of these requests"),
        "{}",
        stderr(&output)
    );
    let output = clipflow(show::finished(), &["export", "out", "--to", "avid"]);
    assert_eq!(output.status.code(), Some(2));
}
