//! Captions as they are burned into a picture.

use std::path::Path;

use clipflow::cancel::CancelToken;
use clipflow::kernels::text::ass::{FontFaces, document};
use clipflow::media::thumbnail::{Footage, thumbnail};
use clipflow::media::{Demuxer, Fonts, MediaLimits, MediaTools};
use clipflow::model::edit::{CaptionStyle, Edit, SafeZone, Segment};
use clipflow::model::{Cue, CueWord};

const SENTENCES: [(&str, &str); 6] = [
    ("eng", "Watch what happens when the quick brown fox jumps over {the} lazy dog"),
    ("deu", "Die Geschwindigkeitsbegrenzung gilt für alle, außer für Größenwahnsinnige"),
    ("ara", "شاهد ما يحدث عندما يقفز الثعلب البني السريع (2024) فوق الكلب"),
    ("heb", "תראו מה קורה כשהשועל החום המהיר קופץ מעל 3 כלבים עצלנים"),
    ("jpn", "素早い茶色の狐がのろまな犬を飛び越えるとどうなるか、見てください。"),
    ("zho", "看看敏捷的棕色狐狸跳过懒狗时会发生什么，你一定会喜欢的。"),
];
const ZONE: SafeZone = SafeZone { top: 0.1, right: 0.12, bottom: 0.2, left: 0.06 };

fn edit(size: (i64, i64), style: CaptionStyle) -> Edit {
    Edit {
        caption_style: style,
        safe_zone: ZONE,
        ..Edit::plain(size, 25.0, [Segment { start: 0.0, end: 4.0, speed: 1.0 }])
    }
}

/// Runs ffmpeg with an empty environment, as the library does.
fn ffmpeg(args: &[&str]) {
    let program = MediaTools::find().unwrap().ffmpeg;
    let mut command = std::process::Command::new(program);
    command.env_clear().args(["-v", "error", "-y"]).args(args);
    assert!(command.status().unwrap().success());
}

/// The picture at `at` seconds of a grey video with `document` burned in, as grey levels.
fn burned(folder: &Path, document: &str, (width, height): (i64, i64), at: f64) -> Vec<u8> {
    let file = folder.join("captions.ass");
    std::fs::write(&file, document).unwrap();
    let picture = folder.join("picture.gray");
    let filter = format!(
        "color=gray:s={width}x{height}:r=25:d=4,ass=filename={},format=gray",
        file.display()
    );
    let seek = at.to_string();
    let name = picture.to_str().unwrap();
    ffmpeg(&["-f", "lavfi", "-i", &filter, "-ss", &seek, "-frames:v", "1", "-f", "rawvideo", name]);
    std::fs::read(picture).unwrap()
}

/// Left, top, right and bottom of what differs from the plain picture.
fn extent(picture: &[u8], width: usize) -> Option<(usize, usize, usize, usize)> {
    let drawn = |at: &usize| picture[*at].abs_diff(picture[0]) > 12;
    let all: Vec<usize> = (0..picture.len()).filter(drawn).collect();
    let columns = || all.iter().map(|at| at % width);
    let rows = || all.iter().map(|at| at / width);
    Some((columns().min()?, rows().min()?, columns().max()?, rows().max()?))
}

#[test]
fn every_style_stays_inside_the_safe_zone_in_every_script() {
    let folder = tempfile::tempdir().unwrap();
    let fonts = Fonts::system();
    for size in [(540, 960), (960, 540), (600, 600)] {
        for style in [
            CaptionStyle::BoldPop,
            CaptionStyle::Karaoke,
            CaptionStyle::Classic,
            CaptionStyle::Minimal,
        ] {
            for (language, text) in SENTENCES {
                let cue = Cue {
                    cue_id: 0,
                    start: 0.0,
                    end: 4.0,
                    text: text.into(),
                    language: Some(language.into()),
                    origin: "sidecar".into(),
                    words: None,
                };
                let edit = edit(size, style);
                let burned_in = document(&edit, &[cue], fonts);
                if !text.chars().all(|c| c.is_whitespace() || fonts.covers(c)) {
                    // Without such a typeface on this machine nothing is drawn, rather than boxes.
                    assert_eq!(burned_in.unreadable, 1, "{language}");
                    continue;
                }
                let text = burned_in.document.unwrap();
                let picture = burned(folder.path(), &text, size, 1.72);
                let (width, height) = (size.0 as usize, size.1 as usize);
                assert_eq!(picture.len(), width * height);
                let what = format!("{style} {language} {size:?}");
                let (left, top, right, bottom) = extent(&picture, width).expect(&what);
                let share = |at: usize, of: usize| at as f64 / of as f64;
                assert!(share(left, width) >= ZONE.left - 0.012, "{what}: left {left}");
                assert!(share(right, width) <= 1.0 - ZONE.right + 0.012, "{what}: right {right}");
                assert!(share(top, height) >= ZONE.top, "{what}: top {top}");
                assert!(
                    share(bottom, height) <= 1.0 - ZONE.bottom + 0.012,
                    "{what}: bottom {bottom}"
                );
                if let Some(keep) = std::env::var_os("LOOK_AT") {
                    let (w, h) = (width.to_string(), height.to_string());
                    let to = Path::new(&keep).join(format!("{w}x{h}-{style}-{language}.png"));
                    let source = folder.path().join("picture.gray");
                    let shape = format!("{w}x{h}");
                    ffmpeg(&[
                        "-f",
                        "rawvideo",
                        "-pix_fmt",
                        "gray",
                        "-s",
                        &shape,
                        "-i",
                        source.to_str().unwrap(),
                        "-y",
                        to.to_str().unwrap(),
                    ]);
                }
            }
        }
    }
}

#[test]
fn karaoke_marks_a_word_when_it_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let size = (540, 960);
    let word = |start: f64, text: &str| CueWord { start, text: text.into() };
    let cue = |words: Option<Vec<CueWord>>| Cue {
        cue_id: 0,
        start: 0.0,
        end: 4.0,
        text: "first other".into(),
        language: None,
        origin: "sidecar".into(),
        words,
    };
    let timed = cue(Some(vec![word(0.2, "first"), word(3.0, "other")]));
    // White: not yet said; what is said is yellow, a darker grey (white is 235).
    let white = |cue: &Cue, at: f64| {
        let edit = edit(size, CaptionStyle::Karaoke);
        let text = document(&edit, std::slice::from_ref(cue), Fonts::system()).document.unwrap();
        burned(folder.path(), &text, size, at).iter().filter(|grey| **grey > 225).count()
    };
    let (both, one) = (white(&timed, 0.08), white(&timed, 2.6));
    assert!(one > 100 && 4 * one < 3 * both && 4 * one > both, "{one} of {both}");
    assert_eq!(white(&timed, 3.2), 0);
    // By the length of its words alone the second would be said by then.
    assert_eq!(white(&cue(None), 2.6), 0);
}

#[test]
fn the_thumbnail_is_the_sharp_frame_in_the_light() {
    let folder = tempfile::tempdir().unwrap();
    let video = folder.path().join("video.mp4");
    // Black, then a test picture with its detail, then the same blurred; a key frame each second.
    let filter = "color=black:s=640x360:r=25:d=2[a];testsrc2=s=640x360:r=25:d=2[b];\
        testsrc2=s=640x360:r=25:d=2,boxblur=20[c];[a][b][c]concat=n=3,format=yuv420p";
    let name = video.to_str().unwrap();
    let coded = ["-g", "25", "-c:v", "libx264", "-preset", "ultrafast", name];
    ffmpeg(&[&["-filter_complex", filter], &coded[..]].concat());
    let edges = |captioned: &[(f64, f64)]| {
        let (tools, limits) = (MediaTools::find().unwrap(), MediaLimits::default());
        let to = folder.path().join("100%d.jpg");
        let footage = Footage { demuxer: Demuxer::Mov, path: &video, seconds: 6.0, captioned };
        thumbnail(&tools, &limits, footage, &to, &CancelToken::new()).unwrap();
        let grey = folder.path().join("thumbnail.gray");
        let (from, raw) = (format!("file:{}", to.display()), grey.to_str().unwrap());
        ffmpeg(&["-f", "mjpeg", "-i", &from, "-f", "rawvideo", "-pix_fmt", "gray", raw]);
        let picture = std::fs::read(grey).unwrap();
        assert_eq!(picture.len(), 640 * 360);
        picture.windows(2).filter(|w| w[0].abs_diff(w[1]) > 60).count()
    };
    let sharp = edges(&[]);
    assert!(sharp > 500, "only {sharp} edges");
    // A frame without a caption is preferred, the blurred one here.
    let soft = edges(&[(1.9, 2.4), (2.4, 4.0)]);
    assert!(soft < sharp / 4, "{soft} edges");
    // Black shows nothing, whatever does not stand on it.
    assert_eq!(edges(&[(2.0, 6.0)]), sharp);
    assert_eq!(edges(&[(0.0, 6.0)]), sharp);
}
