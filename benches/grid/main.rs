//! Every layout × caption style × platform of real footage: rendered, measured by ffmpeg alone, and laid
//! out on sheets to be looked at.
//!
//! `CLIPFLOW_BENCH_SOURCE`: videos, separated as in `PATH`; else one is generated. Captions are its own,
//! or a file beside a copy of it. `CLIPFLOW_BENCH_SECONDS` (4): length of each output,
//! `CLIPFLOW_BENCH_START`: where it begins, else where it is light and much moves.
//! `CLIPFLOW_BENCH_FOLDER`: where outputs and sheets go. `CLIPFLOW_BENCH_PLATFORMS`: names, separated by
//! commas. `CLIPFLOW_BENCH_SHEET=FILE`: only writes a small sheet for the README.

#[path = "../support/mod.rs"]
mod support;

mod cases;
mod effects;
mod measured;
mod sheet;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clipflow::cancel::CancelToken;
use clipflow::media::probe::probe;
use clipflow::media::render::{Output, RenderSettings, render};
use clipflow::media::{Analysis, AnalyzeSettings, MediaTools, analyze};
use clipflow::model::edit::{CaptionStyle, Edit, Layout};
use clipflow::model::{Platform, Platforms};

use cases::{Case, cases, twins};
use measured::{BLACK, DARK, Measured, measure};
use sheet::{Row, Still, sheet};
use support::video::Video;
use support::{Result, is_bench, setting};

/// What is said in a video that has no captions: short and long, and long words.
const SENTENCES: [&str; 4] = [
    "Watch what happens next.",
    "Nobody in the whole forest had expected that the smallest of them would win.",
    "Unbelievable!",
    "Is this the most extraordinary afternoon that you have ever seen?",
];
/// Seconds of each of them.
const SENTENCE: f64 = 1.9;

/// Widest and highest still of the README's sheet, in pixels.
const SHEET_WIDTH: u32 = 232;
const SHEET_HEIGHT: u32 = 300;

fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    let seconds = setting("CLIPFLOW_BENCH_SECONDS", 4.0_f64)?;
    let names = std::env::var("CLIPFLOW_BENCH_PLATFORMS").unwrap_or_default();
    let names: Vec<&str> = names.split(',').filter(|name| !name.is_empty()).collect();
    let platforms = Platforms::built_in()?.named(&names)?;
    let sources = match std::env::var_os("CLIPFLOW_BENCH_SOURCE") {
        Some(paths) => std::env::split_paths(&paths).collect(),
        None => vec![Video { seed: 4, seconds: 30, size: (1280, 720), kilobits: 2500 }.file()?],
    };
    let folder = match std::env::var_os("CLIPFLOW_BENCH_FOLDER") {
        Some(folder) => PathBuf::from(folder),
        None => support::folder()?.join("grid"),
    };
    let mut failures = Vec::new();
    let mut count = 0;
    for source in &sources {
        let stem = source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let footage = Footage::new(source, &folder.join(&stem), seconds)?;
        eprintln!("{stem}: {:.2}–{:.2} s", footage.span.0, footage.span.1);
        if let Some(to) = std::env::var_os("CLIPFLOW_BENCH_SHEET") {
            return footage.readme(Path::new(&to));
        }
        let cases = cases(&footage.analysis, footage.span, &platforms)?;
        let edits: Vec<(String, Edit)> =
            cases.iter().map(|case| (case.name(), case.edit.clone())).collect();
        let files = footage.render(&edits)?;
        count += cases.len();
        for (case, file) in cases.iter().zip(&files) {
            for fault in case.faults(&measure(file, case.clear(), BLACK)?, &footage.shown) {
                failures.push(format!("{stem} {}: {fault}", case.name()));
            }
        }
        for twins in footage.twins(&cases, &files)? {
            failures.push(format!("{stem} {twins}"));
        }
        footage.sheets(&platforms, &cases)?;
        effects::look(&footage)?;
    }
    for failure in &failures {
        println!("{failure}");
    }
    println!("{count} outputs, {} faults; sheets in {}", failures.len(), folder.display());
    if failures.is_empty() { Ok(()) } else { Err("outputs are not as promised".into()) }
}

/// A source, its tables and what is shown of it.
struct Footage {
    path: PathBuf,
    folder: PathBuf,
    analysis: Analysis,
    span: (f64, f64),
    /// What the source holds there.
    shown: Measured,
}

impl Footage {
    fn new(source: &Path, folder: &Path, seconds: f64) -> Result<Self> {
        let _ = std::fs::remove_dir_all(folder);
        std::fs::create_dir_all(folder)?;
        let name = source.file_name().ok_or("a source is a file")?;
        let path = folder.join(name);
        std::fs::copy(source, &path)?;
        let (tools, cancel) = (MediaTools::find()?, CancelToken::new());
        let read = || analyze(&tools, &path, &AnalyzeSettings::default(), &cancel, &|_| ());
        let mut analysis = read()?;
        if analysis.cues.is_empty() {
            std::fs::write(path.with_extension("en.srt"), captions(analysis.info.duration))?;
            analysis = read()?;
        }
        // Those that an edit in English shows.
        analysis.cues.retain(|cue| cue.language.as_deref().is_none_or(|tag| tag == "eng"));
        let span = span(&analysis, seconds, setting("CLIPFLOW_BENCH_START", f64::NAN)?);
        let shown = folder.join("span.mkv");
        support::video::ffmpeg(|command| {
            command.args(["-ss", &span.0.to_string(), "-t", &(span.1 - span.0).to_string()]);
            command.arg("-i").arg(&path).args(["-map", "0:v:0", "-map", "0:a:0?"]);
            command.args(["-c:v", "ffv1", "-c:a", "pcm_s16le"]).arg(&shown);
        })?;
        let shown = measure(&shown, seconds, DARK)?;
        Ok(Self { path, folder: folder.to_path_buf(), analysis, span, shown })
    }

    /// Renders them all in one call; the files, if each has one.
    fn render(&self, edits: &[(String, Edit)]) -> Result<Vec<PathBuf>> {
        let (tools, cancel) = (MediaTools::find()?, CancelToken::new());
        let settings = RenderSettings::default();
        let probe = probe(&tools, &self.path, &settings.limits, &cancel)?;
        let output = |(name, edit): &(String, Edit)| Output {
            rendition_id: name.clone(),
            start: edit.segments.iter().map(|s| s.start).fold(f64::INFINITY, f64::min),
            end: edit.segments.iter().map(|s| s.end).fold(0.0, f64::max),
            path: self.file(name),
            edit: Some(edit.clone()),
            cues: self.analysis.cues.clone(),
        };
        let outputs: Vec<Output> = edits.iter().map(output).collect();
        let results = render(&tools, &self.path, &probe, &outputs, &settings, &cancel, &|_| ());
        for (output, result) in outputs.iter().zip(results) {
            result.map_err(|error| format!("{}: {error}", output.rendition_id))?;
        }
        Ok(outputs.into_iter().map(|output| output.path).collect())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("out/{name}.mp4"))
    }

    /// Which of the files show the same picture under a caption.
    fn twins(&self, cases: &[Case], files: &[PathBuf]) -> Result<Vec<String>> {
        let still = |(case, file): (&Case, &PathBuf)| {
            let at = case.captioned(&self.analysis.cues).ok_or("no caption is shown")?;
            measured::still(file, at)
        };
        let stills = cases.iter().zip(files).map(still).collect::<Result<Vec<_>>>()?;
        Ok(twins(cases, &stills))
    }

    /// A sheet for each platform: layouts as rows, caption styles as columns.
    fn sheets(&self, platforms: &[&'static Platform], cases: &[Case]) -> Result<()> {
        for platform in platforms {
            let (width, height) = if platform.aspect() > 1.0 { (400, 225) } else { (300, 400) };
            let of_layout = |layout: &Layout| {
                let mine = cases.iter().filter(|case| {
                    case.platform.name == platform.name && case.edit.layout == *layout
                });
                let still = |case: &Case| {
                    let soft = if case.soft { " soft" } else { "" };
                    let Edit { width, height, layout, caption_style, .. } = &case.edit;
                    Still {
                        file: self.file(&case.name()),
                        at: 0.4 * case.edit.duration(),
                        label: format!("{layout} {caption_style} {width}x{height}{soft}"),
                    }
                };
                (height, mine.map(still).collect::<Vec<_>>())
            };
            let rows: Vec<Row> = Layout::ALL.iter().map(of_layout).collect();
            sheet(&self.folder.join(format!("{}.png", platform.name)), &rows, width, 3)?;
        }
        Ok(())
    }

    /// A small sheet: a row a platform shape, a column a layout, each with another caption style.
    fn readme(&self, to: &Path) -> Result<()> {
        let platforms = Platforms::built_in()?.named(&["tiktok", "x", "linkedin"])?;
        let styles: Vec<CaptionStyle> =
            CaptionStyle::ALL.iter().copied().filter(|style| *style != CaptionStyle::Off).collect();
        let wanted = |case: &Case| {
            let row = platforms.iter().position(|p| p.name == case.platform.name).unwrap_or(0);
            let column = Layout::ALL.iter().position(|l| *l == case.edit.layout).unwrap_or(0);
            case.edit.caption_style == styles[(row + column) % styles.len()]
        };
        let mut cases = cases(&self.analysis, self.span, &platforms)?;
        cases.retain(wanted);
        let edits: Vec<(String, Edit)> =
            cases.iter().map(|case| (case.name(), case.edit.clone())).collect();
        self.render(&edits)?;
        let row = |platform: &&'static Platform| {
            let mine = cases.iter().filter(|case| case.platform.name == platform.name);
            let still = |case: &Case| Still {
                file: self.file(&case.name()),
                at: 0.4 * case.edit.duration(),
                label: format!("{} {}", case.edit.layout, case.edit.caption_style),
            };
            let height = (f64::from(SHEET_WIDTH) / platform.aspect()).round() as u32;
            (height.min(SHEET_HEIGHT) & !1, mine.map(still).collect())
        };
        let rows: Vec<Row> = platforms.iter().map(row).collect();
        sheet(to, &rows, SHEET_WIDTH, 5)
    }
}

/// So many seconds from `start` on; without it those in which it is never dark and most moves.
fn span(analysis: &Analysis, seconds: f64, start: f64) -> (f64, f64) {
    let signals = &analysis.signals;
    let worth = |start: f64| {
        let within = signals.iter().filter(|s| s.t >= start && s.t < start + seconds);
        let (mut darkest, mut motion) = (f64::INFINITY, 0.0);
        for signal in within {
            darkest = darkest.min(signal.luma);
            // A fade is no motion.
            motion += signal.motion.min(0.03) / (4.0 * seconds);
        }
        darkest.min(0.2) + 5.0 * motion
    };
    let starts = signals.iter().map(|s| s.t).filter(|t| t + seconds <= analysis.info.duration);
    let best = starts.max_by(|a, b| worth(*a).total_cmp(&worth(*b))).unwrap_or(0.0);
    let best = if start.is_finite() { start } else { best };
    let grid = |t: f64| (t * analysis.info.fps).round() / analysis.info.fps;
    let frames = (seconds * analysis.info.fps - 1e-6).ceil();
    (grid(best), grid(grid(best) + frames / analysis.info.fps))
}

/// [`SENTENCES`], one after the other for so long, as SubRip.
fn captions(seconds: f64) -> String {
    let stamp = |t: f64| {
        let ms = (t * 1000.0).round() as i64;
        let (s, ms) = (ms / 1000, ms % 1000);
        format!("{:02}:{:02}:{:02},{ms:03}", s / 3600, s / 60 % 60, s % 60)
    };
    let mut text = String::new();
    for (number, sentence) in SENTENCES.iter().cycle().enumerate() {
        let start = number as f64 * SENTENCE;
        if start >= seconds {
            break;
        }
        let (from, until) = (stamp(start), stamp((start + SENTENCE - 0.05).min(seconds)));
        // Writing to a String cannot fail.
        let _ = write!(text, "{}\n{from} --> {until}\n{sentence}\n\n", number + 1);
    }
    text
}
