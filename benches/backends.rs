//! 200 requests over 20 sources, once with each backend: how near the wall time comes to the CPU
//! time shared by all cores.
//!
//! `CLIPFLOW_BENCH_SOURCES` (20), `CLIPFLOW_BENCH_REPEATS` (1).

mod support;

use std::fmt::Write as _;

use clipflow::config::{BackendType, ParallelConfig};
use clipflow::pipeline::{self, RunConfig};
use clipflow::processors::benchmark::CostMeter;
use support::video::Video;
use support::{Result, Spread, is_bench, repeats, setting, verdict};

/// Wall time over CPU time / cores, of the best backend.
const BAR: f64 = 1.15;
/// Requests for each source.
const REQUESTS: usize = 10;
/// Seconds of each source.
const SECONDS: u32 = 15;
/// Auto comes last: it is compared with the others.
const BACKENDS: [BackendType; 5] = [
    BackendType::Thread,
    BackendType::Process,
    BackendType::Joblib,
    BackendType::Async,
    BackendType::Auto,
];

fn main() -> Result<()> {
    clipflow::worker::run_if_worker();
    if !is_bench() {
        return Ok(());
    }
    let sources = setting("CLIPFLOW_BENCH_SOURCES", 20_u32)?;
    let repeats = repeats(1)?;
    let cores = std::thread::available_parallelism()?.get();
    let folder = tempfile::tempdir()?;
    let requests = folder.path().join("requests.csv");
    std::fs::write(&requests, self::requests(sources)?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    println!(
        "{} requests over {sources} sources of {SECONDS} s (640×360) on {cores} cores; median (least–most) of {repeats}",
        sources as usize * REQUESTS
    );
    println!("| backend | clips | wall s | CPU s | wall / (CPU / {cores}) | ≤ {BAR} |");
    println!("|---|---|---|---|---|---|");
    let mut walls = vec![];
    for backend in BACKENDS {
        let (mut costs, mut clips) = (vec![], 0);
        for repeat in 0..repeats {
            let config = RunConfig {
                parallel: ParallelConfig { backend, ..ParallelConfig::default() },
                allow_roots: vec![support::folder()?.into()],
                ..RunConfig::new(&requests, folder.path().join(format!("{backend}-{repeat}")))
            };
            let meter = CostMeter::start();
            let summary = runtime.block_on(pipeline::run(&config))?;
            costs.push(meter.cost());
            if summary.failed() > 0 {
                return Err(format!("{} requests failed on {backend}", summary.failed()).into());
            }
            clips = summary.clips;
        }
        let wall = Spread::of(costs.iter().map(|c| c.wall));
        let share = Spread::of(costs.iter().map(|c| c.wall / (c.cpu / cores as f64)));
        println!(
            "| {backend} | {clips} | {wall} | {} | {share} | {} |",
            Spread::of(costs.iter().map(|c| c.cpu)),
            verdict(share.median, BAR)
        );
        walls.push(wall.median);
    }
    if let [fixed @ .., auto] = walls.as_slice() {
        let best = fixed.iter().copied().fold(f64::INFINITY, f64::min);
        println!("\nauto takes {:.2} of the best of the others", auto / best);
    }
    Ok(())
}

/// Ten requests a source, each of lengths of its own, so that each has clips of its own.
fn requests(sources: u32) -> Result<String> {
    let mut csv = "source_url,min_clip_length,max_clip_length,max_clips\n".to_owned();
    for seed in 0..sources {
        let file = Video { seed, seconds: SECONDS, size: (640, 360), kilobits: 900 }.file()?;
        for request in 0..REQUESTS {
            let min = 2.0 + request as f64 / 10.0;
            writeln!(csv, "{},{min},{},1", file.display(), min + 1.5)?;
        }
    }
    Ok(csv)
}
