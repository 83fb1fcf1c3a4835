//! Five variants of each of six clips of a 720p source: rendered together, against one ffmpeg for
//! each as people write it, and against encoding alone.
//!
//! `CLIPFLOW_BENCH_SECONDS` (600): length of the source. `CLIPFLOW_BENCH_REPEATS` (1).

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use clipflow::media::probe::probe;
use clipflow::media::render::{Output, RenderSettings, render};
use clipflow::media::{CancelToken, MediaTools};
use clipflow::model::edit::{
    Anchor, CaptionMode, CaptionStyle, Edit, Effect, EffectKind, Join, Layout, SafeZone, Segment,
};
use clipflow::processors::benchmark::ProcessTree;
use support::video::Video;
use support::{Cost, Meter, Result, Spread, is_bench, repeats, setting, verdict};

const CLIPS: u32 = 6;
/// Seconds of each clip.
const LENGTH: f64 = 15.0;
/// Encoder options of a file, as clipflow's.
const ENCODER: [&str; 8] =
    ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p"];

fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    let seconds = setting("CLIPFLOW_BENCH_SECONDS", 600_u32)?.max(120);
    let source = Video { seed: 4, seconds, size: (1280, 720), kilobits: 2500 }.file()?;
    let folder = tempfile::tempdir()?;
    let edits = edits(f64::from(seconds));
    let (mut together, mut naive, mut encodes, mut decode) = (vec![], vec![], vec![], vec![]);
    let mut peak = 0;
    for repeat in 0..repeats(1)? {
        let out = folder.path().join(format!("together-{repeat}"));
        let meter = Meter::start()?;
        let (files, bytes) = render_together(&source, &out, &edits)?;
        together.push(meter.cost()?);
        peak = peak.max(bytes);
        let meter = Meter::start()?;
        for (number, edit) in edits.iter().enumerate() {
            one_by_one(&source, edit, &folder.path().join(format!("naive-{number}.mp4")))?;
        }
        naive.push(meter.cost()?);
        let mut cost = Cost::default();
        for file in &files {
            let one = encode_alone(file, folder.path())?;
            cost = Cost { wall: cost.wall + one.wall, cpu: cost.cpu + one.cpu };
        }
        encodes.push(cost);
        let meter = Meter::start()?;
        for clip in 0..CLIPS {
            let start = clip_start(f64::from(seconds), clip).to_string();
            ffmpeg(&[
                "-ss",
                &start,
                "-t",
                &LENGTH.to_string(),
                "-i",
                name(&source)?,
                "-f",
                "null",
                "-",
            ])?;
        }
        decode.push(meter.cost()?);
    }
    let wall = |costs: &[Cost]| Spread::of(costs.iter().map(|cost| cost.wall));
    let cpu = |costs: &[Cost]| Spread::of(costs.iter().map(|cost| cost.cpu));
    println!("{} files of {} clips; seconds, median (least–most)", edits.len(), CLIPS);
    println!("| | wall | CPU |");
    println!("|---|---|---|");
    for (what, costs) in [
        ("rendered together", &together),
        ("one ffmpeg for each", &naive),
        ("encoding alone, from raw pictures", &encodes),
        ("decoding the clips once", &decode),
    ] {
        println!("| {what} | {} | {} |", wall(costs), cpu(costs));
    }
    let base = cpu(&encodes).median + cpu(&decode).median;
    let share = cpu(&together).median / base;
    println!("CPU: {share:.2} × encodes and one decode: {}", verdict(share, 1.15));
    let share = wall(&together).median / wall(&naive).median;
    println!("wall: {share:.2} × one ffmpeg for each: {}", verdict(share, 0.75));
    let peak = peak as f64 / 1e6;
    println!("memory of all processes: {peak:.0} MB: {}", verdict(peak, 700.0));
    Ok(())
}

fn clip_start(seconds: f64, clip: u32) -> f64 {
    let room = seconds - LENGTH - 2.0;
    (room * f64::from(clip) / f64::from(CLIPS - 1)).floor() + 1.0
}

/// Five for each clip.
fn edits(seconds: f64) -> Vec<Edit> {
    (0..CLIPS).flat_map(|clip| variants(clip_start(seconds, clip))).collect()
}

fn variants(start: f64) -> [Edit; 5] {
    let end = start + LENGTH;
    let segment = |start: f64, end: f64| Segment { start, end, speed: 1.0 };
    let anchor = |t: f64, x: f64| Anchor { t, x, y: 0.5 };
    let crop = Edit {
        width: 540,
        height: 960,
        fps: 25.0,
        layout: Layout::Crop,
        reframe: vec![anchor(start, 0.3), anchor(start + 6.0, 0.6), anchor(end, 0.5)],
        segments: vec![segment(start, end)],
        join: Join::Cut,
        caption_style: CaptionStyle::Off,
        caption_mode: CaptionMode::Burned,
        language: None,
        safe_zone: SafeZone::default(),
        effects: Vec::new(),
        loudness: Some(-14.0),
    };
    let fade = Effect { kind: EffectKind::FadeOut, at: None, strength: 0.5 };
    let later = Edit { segments: vec![segment(start + 5.0, end)], ..crop.clone() };
    [
        Edit { effects: vec![fade], ..crop.clone() },
        later,
        Edit { layout: Layout::Fit, ..crop.clone() },
        Edit { width: 720, height: 720, ..crop.clone() },
        Edit { layout: Layout::Split, ..crop },
    ]
}

/// Renders all in one call; the files and the most memory at one moment.
fn render_together(source: &Path, out: &Path, edits: &[Edit]) -> Result<(Vec<PathBuf>, u64)> {
    let (tools, settings, cancel) =
        (MediaTools::find()?, RenderSettings::default(), CancelToken::new());
    let probe = probe(&tools, source, &settings.limits, &cancel)?;
    let output = |(number, edit): (usize, &Edit)| Output {
        rendition_id: number.to_string(),
        start: edit.segments.first().map_or(0.0, |segment| segment.start),
        end: edit.segments.last().map_or(0.0, |segment| segment.end),
        path: out.join(format!("{number}.mp4")),
        edit: Some(edit.clone()),
        cues: Vec::new(),
    };
    let outputs: Vec<Output> = edits.iter().enumerate().map(output).collect();
    let (done, peak) = (AtomicBool::new(false), AtomicU64::new(0));
    let results = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                peak.fetch_max(
                    ProcessTree::of(std::process::id()).resident_bytes(),
                    Ordering::Relaxed,
                );
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let results = render(&tools, source, &probe, &outputs, &settings, &cancel, &|_| ());
        done.store(true, Ordering::Relaxed);
        results
    });
    for result in results {
        result?;
    }
    let files = outputs.into_iter().map(|output| output.path).collect();
    Ok((files, peak.load(Ordering::Relaxed)))
}

/// The same file as people write it: sought, filtered and encoded by an ffmpeg of its own.
fn one_by_one(source: &Path, edit: &Edit, to: &Path) -> Result<()> {
    let Some(segment) = edit.segments.first() else { return Ok(()) };
    let (start, length) = (segment.start.to_string(), (segment.end - segment.start).to_string());
    let (width, height) = (edit.width, edit.height);
    let window = |width: i64, height: i64| {
        format!(
            "crop='2*trunc(min(iw,ih*{width}/{height})/2)':ih,scale={width}:{height}:flags=bicubic"
        )
    };
    let graph = match edit.layout {
        Layout::Fit => format!(
            "split[a][b];[a]{},scale=iw/8:ih/8,gblur=5,scale={width}:{height}[c];\
             [b]scale={width}:-2[d];[c][d]overlay=0:(H-h)/2",
            window(width, height)
        ),
        Layout::Split => {
            let half = window(width, height / 2);
            format!("split[a][b];[a]{half}[c];[b]{half}[d];[c][d]vstack")
        }
        _ => window(width, height),
    };
    let graph = format!("{graph},setsar=1,fps={}", edit.fps);
    let mut args = vec!["-ss", &start, "-t", &length, "-i", name(source)?, "-vf", &graph];
    args.extend(["-af", "loudnorm=I=-14", "-ar", "48000", "-c:a", "aac", "-b:a", "160k"]);
    args.extend(ENCODER);
    args.push(name(to)?);
    ffmpeg(&args)
}

/// What encoding the pictures and the sound of `file` costs when nothing else is to be done.
fn encode_alone(file: &Path, folder: &Path) -> Result<Cost> {
    let (raw, to) = (folder.join("raw.nut"), folder.join("alone.mp4"));
    ffmpeg(&["-i", name(file)?, "-c:v", "rawvideo", "-c:a", "pcm_s16le", name(&raw)?])?;
    let meter = Meter::start()?;
    let mut args = vec!["-i", name(&raw)?, "-c:a", "aac", "-b:a", "160k", "-threads:v", "1"];
    args.extend(ENCODER);
    args.push(name(&to)?);
    ffmpeg(&args)?;
    meter.cost()
}

fn name(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| "the folder's name is not UTF-8".into())
}

fn ffmpeg(args: &[&str]) -> Result<()> {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-y"]).args(args).stdin(Stdio::null());
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("ffmpeg {args:?}: {status}").into()) }
}
