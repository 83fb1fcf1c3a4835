//! Five variants of each of six clips of a 720p source: rendered together, against one ffmpeg for
//! each as people write it, and against encoding alone.
//!
//! `CLIPFLOW_BENCH_SECONDS` (600): length of the source. `CLIPFLOW_BENCH_SOURCE`: a 720p video at 25
//! frames a second with sound, played over and over for that long; else one is generated.
//! `CLIPFLOW_BENCH_REPEATS` (1).

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use clipflow::cancel::CancelToken;
use clipflow::media::MediaTools;
use clipflow::media::probe::probe;
use clipflow::media::render::{Encoding, Output, Quality, RenderSettings, render};
use clipflow::model::edit::{Anchor, Edit, Effect, EffectKind, Layout, Segment};
use clipflow::processors::benchmark::ProcessTree;
use support::video::{Video, looped};
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
    let source = match std::env::var_os("CLIPFLOW_BENCH_SOURCE") {
        Some(path) => looped(Path::new(&path), seconds)?,
        None => Video { seed: 4, seconds, size: (1280, 720), kilobits: 2500 }.file()?,
    };
    let folder = tempfile::tempdir()?;
    let starts: Vec<f64> = (0..CLIPS).map(|clip| clip_start(f64::from(seconds), clip)).collect();
    let edits: Vec<Edit> = starts.iter().flat_map(|start| variants(*start)).collect();
    let mut all = Costs::default();
    for repeat in 0..repeats(1)? {
        let out = folder.path().join(format!("together-{repeat}"));
        let meter = Meter::start()?;
        let bytes = render_together(&source, &out, &edits, Quality::default())?.1;
        all.together.push(said("rendered together", meter.cost()?));
        all.peak = all.peak.max(bytes);
        let meter = Meter::start()?;
        one_by_one(&source, &folder.path().join("naive"), &starts)?;
        all.naive.push(said("one ffmpeg for each", meter.cost()?));
        let out = folder.path().join(format!("lossless-{repeat}"));
        let (files, _) = render_together(&source, &out, &edits, Quality::Lossless)?;
        all.encodes.push(said("encoding alone", encode_alone(&files, folder.path())?));
        let meter = Meter::start()?;
        for start in &starts {
            let start = start.to_string();
            let length = LENGTH.to_string();
            let span = ["-ss", &start, "-t", &length, "-i", name(&source)?, "-f", "null", "-"];
            ffmpeg(&span)?;
        }
        all.decode.push(said("decoding once", meter.cost()?));
    }
    all.print(edits.len());
    Ok(())
}

/// What was measured.
#[derive(Default)]
struct Costs {
    together: Vec<Cost>,
    naive: Vec<Cost>,
    encodes: Vec<Cost>,
    decode: Vec<Cost>,
    /// Bytes of all processes at one moment.
    peak: u64,
}

impl Costs {
    fn print(&self, files: usize) {
        let wall = |costs: &[Cost]| Spread::of(costs.iter().map(|cost| cost.wall));
        let cpu = |costs: &[Cost]| Spread::of(costs.iter().map(|cost| cost.cpu));
        println!("{files} files of {CLIPS} clips; seconds, median (least–most)");
        println!("| | wall | CPU |");
        println!("|---|---|---|");
        for (what, costs) in [
            ("rendered together", &self.together),
            ("one ffmpeg for each (`benches/one_by_one.sh`)", &self.naive),
            ("encoding alone, from raw pictures, two at a time", &self.encodes),
            ("decoding the clips once", &self.decode),
        ] {
            println!("| {what} | {} | {} |", wall(costs), cpu(costs));
        }
        let base = cpu(&self.encodes).median + cpu(&self.decode).median;
        let share = cpu(&self.together).median / base;
        println!("CPU: {share:.2} × encodes and one decode: {}", verdict(share, 1.15));
        let share = wall(&self.together).median / wall(&self.naive).median;
        println!("wall: {share:.2} × one ffmpeg for each: {}", verdict(share, 0.75));
        let peak = self.peak as f64 / 1e6;
        println!("memory of all processes: {peak:.0} MB: {}", verdict(peak, 700.0));
    }
}

/// Says it at once: all of it takes minutes.
fn said(what: &str, cost: Cost) -> Cost {
    eprintln!("{what}: {:.1} s, {:.1} s of CPU", cost.wall, cost.cpu);
    cost
}

fn clip_start(seconds: f64, clip: u32) -> f64 {
    let room = seconds - LENGTH - 2.0;
    (room * f64::from(clip) / f64::from(CLIPS - 1)).floor() + 1.0
}

fn variants(start: f64) -> [Edit; 5] {
    let end = start + LENGTH;
    let segment = |start: f64, end: f64| Segment { start, end, speed: 1.0 };
    let anchor = |t: f64, x: f64| Anchor { t, x, y: 0.5 };
    let crop = Edit {
        reframe: vec![anchor(start, 0.3), anchor(start + 6.0, 0.6), anchor(end, 0.5)],
        loudness: Some(-14.0),
        ..Edit::plain((540, 960), 25.0, [segment(start, end)])
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
fn render_together(
    source: &Path,
    out: &Path,
    edits: &[Edit],
    quality: Quality,
) -> Result<(Vec<PathBuf>, u64)> {
    let (tools, cancel) = (MediaTools::find()?, CancelToken::new());
    let encoding = Encoding { quality, ..Encoding::default() };
    let settings = RenderSettings { encoding, ..RenderSettings::default() };
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
                std::thread::sleep(Duration::from_millis(100));
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

/// The same files as people write them.
fn one_by_one(source: &Path, folder: &Path, starts: &[f64]) -> Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/one_by_one.sh");
    let mut command = Command::new("sh");
    command.arg(script).arg(source).arg(folder);
    command.args(starts.iter().map(ToString::to_string));
    let status = command.stdin(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("one_by_one.sh: {status}").into()) }
}

/// What encoding the pictures and the sound of `files`, which are lossless, costs when nothing else
/// is to be done: what was encoded before has lost what is hard to encode. Two at a time, as they are rendered: a core beside a busy one is slower.
fn encode_alone(files: &[PathBuf], folder: &Path) -> Result<Cost> {
    let mut total = Cost::default();
    for pair in files.chunks(2) {
        let mut encoders = Vec::new();
        for (number, file) in pair.iter().enumerate() {
            let raw = folder.join(format!("raw-{number}.nut"));
            ffmpeg(&["-i", name(file)?, "-c:v", "rawvideo", "-c:a", "pcm_s16le", name(&raw)?])?;
            let to = folder.join(format!("alone-{number}.mp4"));
            let mut command = Command::new("ffmpeg");
            command.args(["-nostdin", "-v", "error", "-y", "-i"]).arg(raw).args(ENCODER);
            command.args(["-threads:v", "1", "-c:a", "aac", "-b:a", "160k"]).arg(to);
            command.stdin(Stdio::null());
            encoders.push(command);
        }
        let meter = Meter::start()?;
        let running: std::io::Result<Vec<_>> = encoders.iter_mut().map(Command::spawn).collect();
        for mut child in running? {
            let status = child.wait()?;
            if !status.success() {
                return Err(format!("encoding alone: {status}").into());
            }
        }
        let cost = meter.cost()?;
        total = Cost { wall: total.wall + cost.wall, cpu: total.cpu + cost.cpu };
    }
    Ok(total)
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
