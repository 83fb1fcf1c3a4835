//! Every layout with every caption style, small: what `benches/grid` does with real footage.

use clipflow::cancel::CancelToken;
use clipflow::media::probe::probe;
use clipflow::media::render::{Output, RenderSettings, render};
use clipflow::media::{AnalyzeSettings, MediaTools, analyze};
use clipflow::model::Platforms;

use super::support::counter::ffmpeg;
use cases::{Case, cases, twins};
use measured::{BLACK, DARK, measure, still};

#[allow(dead_code, reason = "the benchmark uses more of it")]
#[path = "../../benches/grid/cases.rs"]
mod cases;
#[path = "../../benches/grid/measured.rs"]
mod measured;

/// Sides are so many times as small as on the platform.
const SMALLER: i64 = 4;
/// Seconds of the source.
const LENGTH: f64 = 3.2;

/// A bright square that wanders over grey, in 4:3, with a tone and captions beside it.
fn footage(folder: &std::path::Path) -> std::path::PathBuf {
    let path = folder.join("footage.mp4");
    let picture = format!("color=0x808890:s=480x360:r=12:d={LENGTH}");
    let square = format!("color=white:s=60x60:r=12:d={LENGTH}");
    let tone = format!("sine=f=440:r=48000:d={LENGTH},volume=-9dB");
    let over = format!("[0][1]overlay=x='(W-w)*(0.2+0.5*t/{LENGTH})':y=150");
    let inputs = ["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &square];
    let sound = ["-f", "lavfi", "-i", &tone, "-filter_complex", &over, "-shortest"];
    let coded = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];
    ffmpeg(&[&inputs[..], &sound, &coded, &[path.to_str().unwrap()]].concat());
    let captions = "1\n00:00:00,000 --> 00:00:03,100\nEvery layout, every style: all of them.\n\n";
    std::fs::write(path.with_extension("en.srt"), captions).unwrap();
    path
}

#[test]
fn every_layout_and_caption_style_keeps_its_promises() {
    let folder = tempfile::tempdir().unwrap();
    let path = footage(folder.path());
    let (tools, cancel) = (MediaTools::find().unwrap(), CancelToken::new());
    let analysis = analyze(&tools, &path, &AnalyzeSettings::default(), &cancel, &|_| ()).unwrap();
    assert_eq!(analysis.cues.len(), 1);
    let platforms = Platforms::built_in().unwrap().named(&["tiktok", "x"]).unwrap();
    let mut cases = cases(&analysis, (0.0, 3.0), &platforms).unwrap();
    assert_eq!(cases.len(), 2 * 5 * 5);
    for case in &mut cases {
        case.edit.width = (case.edit.width / SMALLER) & !1;
        case.edit.height = (case.edit.height / SMALLER) & !1;
    }
    let output = |case: &Case| Output {
        rendition_id: case.name(),
        start: 0.0,
        end: 3.0,
        path: folder.path().join(format!("{}.mp4", case.name())),
        edit: Some(case.edit.clone()),
        cues: analysis.cues.clone(),
    };
    let outputs: Vec<Output> = cases.iter().map(output).collect();
    let settings = RenderSettings::default();
    let probe = probe(&tools, &path, &settings.limits, &cancel).unwrap();
    let results = render(&tools, &path, &probe, &outputs, &settings, &cancel, &|_| ());
    let source = measure(&path, 3.0, DARK).unwrap();
    let mut faults = Vec::new();
    for ((case, output), result) in cases.iter().zip(&outputs).zip(results) {
        if let Err(error) = result {
            faults.push(format!("{}: {error}", case.name()));
            continue;
        }
        let found = measure(&output.path, case.clear(), BLACK).unwrap();
        let wrong = case.faults(&found, &source);
        faults.extend(wrong.into_iter().map(|fault| format!("{}: {fault}", case.name())));
    }
    assert!(faults.is_empty(), "{faults:#?}");
    // Layouts and styles are different pictures.
    let captioned = |(case, output): (&Case, &Output)| {
        still(&output.path, case.captioned(&analysis.cues).unwrap()).unwrap()
    };
    let stills: Vec<Vec<u8>> = cases.iter().zip(&outputs).map(captioned).collect();
    let alike = twins(&cases, &stills);
    assert!(alike.is_empty(), "{alike:#?}");
    // Two that are the same are found.
    let alike = twins(&cases, &vec![stills[0].clone(); stills.len()]);
    assert_eq!(alike.len(), 2 * (5 * 10 + 5 * 10));
}
