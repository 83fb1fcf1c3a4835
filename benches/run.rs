//! A whole run: a dozen sources of 30 s, two requests for each, with one worker and with two.
//!
//! `CLIPFLOW_BENCH_SOURCES` (12), `CLIPFLOW_BENCH_REPEATS` (1).

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use clipflow::config::ParallelConfig;
use clipflow::pipeline::{self, RunConfig};
use clipflow::telemetry::{Event, Observer};
use support::video::Video;
use support::{Cost, Meter, Result, Spread, is_bench, repeats, setting};

/// Seconds of each source.
const SECONDS: u32 = 30;

fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    let sources = setting("CLIPFLOW_BENCH_SOURCES", 12_u32)?;
    let repeats = repeats(1)?;
    let folder = tempfile::tempdir()?;
    let requests = folder.path().join("requests.csv");
    std::fs::write(&requests, self::requests(sources)?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    println!(
        "{sources} sources of {SECONDS} s (640×360), {} requests; seconds for each second of source, \
         median (least–most) of {repeats}",
        2 * sources
    );
    println!("| workers | clips | wall | CPU | of it analysis | of it rendering | sources/min |");
    println!("|---|---|---|---|---|---|---|");
    for workers in [1, 2] {
        let mut costs: BTreeMap<&'static str, Vec<Cost>> = BTreeMap::new();
        let mut clips = 0;
        for repeat in 0..repeats {
            let out = folder.path().join(format!("out-{workers}-{repeat}"));
            let stages = Arc::new(Stages::default());
            let config = RunConfig {
                parallel: ParallelConfig { max_workers: workers, ..ParallelConfig::default() },
                observer: Arc::clone(&stages) as Arc<dyn Observer>,
                allow_roots: vec![support::folder()?.into()],
                ..RunConfig::new(&requests, &out)
            };
            let meter = Meter::start()?;
            let summary = runtime.block_on(pipeline::run(&config))?;
            costs.entry("run").or_default().push(meter.cost()?);
            for (stage, cost) in stages.take() {
                costs.entry(stage).or_default().push(cost);
            }
            if summary.failed() > 0 {
                return Err(format!("{} of the requests failed", summary.failed()).into());
            }
            clips = files(&out.join("media"))?;
        }
        let source_seconds = f64::from(sources * SECONDS);
        let of = |stage: &str, get: fn(&Cost) -> f64| {
            Spread::of(costs.get(stage).into_iter().flatten().map(|c| get(c) / source_seconds))
        };
        let wall = of("run", |c| c.wall);
        println!(
            "| {workers} | {clips} | {wall:.3} | {:.3} | {:.3} | {:.3} | {:.0} |",
            of("run", |c| c.cpu),
            of("analyze", |c| c.cpu),
            of("render", |c| c.cpu),
            60.0 / (wall.median * f64::from(SECONDS)),
        );
    }
    Ok(())
}

/// For each source a request for one short clip and one for two longer ones.
fn requests(sources: u32) -> Result<String> {
    let mut csv = "source_url,min_clip_length,max_clip_length,max_clips\n".to_owned();
    for seed in 0..sources {
        let video = Video { seed, seconds: SECONDS, size: (640, 360), kilobits: 900 };
        let file = video.file()?;
        for (min, max, clips) in [(4, 8, 1), (6, 12, 2)] {
            writeln!(csv, "{},{min},{max},{clips}", file.display())?;
        }
    }
    Ok(csv)
}

fn files(folder: &Path) -> Result<usize> {
    Ok(std::fs::read_dir(folder)?.count())
}

/// What each stage took.
#[derive(Debug, Default)]
struct Stages(Mutex<Measured>);

#[derive(Debug, Default)]
struct Measured {
    running: Option<Meter>,
    done: Vec<(&'static str, Cost)>,
}

impl Stages {
    fn take(&self) -> Vec<(&'static str, Cost)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).done)
    }
}

impl Observer for Stages {
    fn event(&self, event: &Event<'_>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::StageStarted { .. } => state.running = Meter::start().ok(),
            Event::StageFinished { stage } => {
                let stage = if *stage == "analyze" { "analyze" } else { "render" };
                if let Some(cost) = state.running.take().and_then(|m| m.cost().ok()) {
                    state.done.push((stage, cost));
                }
            }
            _ => {}
        }
    }
}
