//! What a media file holds, by ffmpeg and ffprobe alone: nothing here knows how it was made.

use std::error::Error;
use std::path::Path;
use std::process::Command;

/// Lines are black up to this mean luma (black is 16).
pub const BLACK: u32 = 24;
/// Up to this one they may become black by what is done to the picture (darker corners).
pub const DARK: u32 = 64;

/// Side of a still in pixels.
pub const STILL: usize = 160;
/// Values differ by more than an encoder makes of them.
const UNLIKE: u8 = 40;

/// Name of the list of loudness that ffmpeg writes.
const LOUDNESS: &str = "loudness.txt";

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// Width and height in pixels.
    pub size: (i64, i64),
    /// Frames that decode.
    pub frames: usize,
    /// Seconds: of the frames, and of the file as its container says.
    pub seconds: (f64, f64),
    /// Integrated loudness in LUFS; `None` without sound.
    pub loudness: Option<f64>,
    /// Dark lines at the left, the top, the right and the bottom that stay so in all frames that were
    /// looked at.
    pub bars: [i64; 4],
    /// What the decoder complained of.
    pub faults: String,
}

/// Decodes `file` from end to end. Bars, lines of a mean luma up to `limit`, are looked for in its first
/// `until` seconds.
///
/// # Errors
/// If it cannot be read at all.
pub fn measure(file: &Path, until: f64, limit: u32) -> Result<Measured, Box<dyn Error>> {
    let mut found = Measured::default();
    let entries = "stream=codec_type,width,height,duration,r_frame_rate:format=duration";
    let answer = run("ffprobe", file, &[], &["-show_entries", entries, "-of", "json"])?.0;
    let answer: serde_json::Value = serde_json::from_slice(&answer)?;
    let number = |value: &serde_json::Value| -> f64 {
        value.as_str().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN)
    };
    let stream = |kind: &str| {
        answer["streams"].as_array().into_iter().flatten().find(|s| s["codec_type"] == kind)
    };
    let video = stream("video").ok_or("it has no picture")?;
    found.size = (video["width"].as_i64().unwrap_or(0), video["height"].as_i64().unwrap_or(0));
    found.seconds = (number(&video["duration"]), number(&answer["format"]["duration"]));
    let look =
        format!("cropdetect=limit={limit}:round=2:skip=0:reset=0,metadata=mode=print:file=-");
    let null = ["-f", "null", "/dev/null"];
    let mut args = vec!["-map", "0:v:0", "-fps_mode", "passthrough", "-vf", &look];
    // Beside the file, in whose folder ffmpeg runs: both filters cannot write to one pipe.
    let heard = format!("ebur128=metadata=1,ametadata=mode=print:key=lavfi.r128.I:file={LOUDNESS}");
    let sounds = stream("audio").is_some();
    if sounds {
        args.extend(["-map", "0:a:0", "-af", &heard]);
    }
    let (said, faults) = run("ffmpeg", file, &["-xerror"], &[&args[..], &null].concat())?;
    let said = String::from_utf8(said)?;
    found.faults = faults;
    found.frames = said.lines().filter(|line| line.starts_with("frame:")).count();
    found.bars = bars(&said, until, found.size);
    if sounds {
        let list = file.with_file_name(LOUDNESS);
        let said = std::fs::read_to_string(&list)?;
        std::fs::remove_file(list)?;
        let last = said.lines().rev().find_map(|line| line.strip_prefix("lavfi.r128.I="));
        found.loudness = last.and_then(|text| text.parse().ok());
    }
    Ok(found)
}

/// The picture that `file` shows at `at` seconds, in colours, stretched to a square of [`STILL`] pixels.
///
/// # Errors
/// If there is none.
pub fn still(file: &Path, at: f64) -> Result<Vec<u8>, Box<dyn Error>> {
    let small = format!("scale={STILL}:{STILL}:flags=area,format=rgb24");
    let one = ["-map", "0:v:0", "-frames:v", "1", "-vf", &small, "-f", "rawvideo", "-"];
    let (picture, faults) = run("ffmpeg", file, &["-ss", &format!("{at:.3}")], &one)?;
    if picture.len() == 3 * STILL * STILL { Ok(picture) } else { Err(faults.into()) }
}

/// Share of two stills that is not alike, in [0, 1].
pub fn difference(one: &[u8], other: &[u8]) -> f64 {
    let differs = |(a, b): &(&u8, &u8)| a.abs_diff(**b) > UNLIKE;
    one.iter().zip(other).filter(differs).count() as f64 / one.len().max(1) as f64
}

/// What `cropdetect` had seen of the picture when `until` seconds were over. Without a word all was dark.
fn bars(said: &str, until: f64, (width, height): (i64, i64)) -> [i64; 4] {
    let mut edges = [width, height, -1, -1];
    for line in said.lines() {
        if let Some((_, time)) = line.split_once("pts_time:") {
            if time.trim().parse::<f64>().is_ok_and(|time| time >= until) {
                break;
            }
        } else if let Some((name, value)) = line.split_once('=') {
            let side = ["x1", "y1", "x2", "y2"]
                .iter()
                .position(|side| name.strip_prefix("lavfi.cropdetect.") == Some(side));
            if let (Some(side), Ok(value)) = (side, value.parse()) {
                edges[side] = value;
            }
        }
    }
    let [left, top, right, bottom] = edges;
    [left, top, width - 1 - right, height - 1 - bottom]
}

/// Standard output and standard error of a program that reads `file`.
fn run(
    program: &str,
    file: &Path,
    before: &[&str],
    after: &[&str],
) -> Result<(Vec<u8>, String), Box<dyn Error>> {
    let folder = file.parent().ok_or("a file lies in a folder")?;
    let name = file.file_name().ok_or("a file has a name")?;
    let mut command = Command::new(program);
    command.current_dir(folder).args(["-v", "error"]).args(before);
    if program == "ffmpeg" {
        command.args(["-nostdin", "-threads", "1"]);
    }
    let output = command.arg("-i").arg(name).args(after).output()?;
    let mut faults = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        faults.push_str(&format!("{program} ended with {}", output.status));
    }
    Ok((output.stdout, faults))
}
