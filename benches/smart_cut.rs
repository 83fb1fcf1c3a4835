//! Plain clips with and without `--smart-cut`: CPU, and what of each file was copied.
//!
//! `CLIPFLOW_BENCH_SOURCE`: H.264 videos in MP4, with colons between; else one is generated.
//! `CLIPFLOW_BENCH_REPEATS` (3).

mod support;

use std::path::{Path, PathBuf};

use clipflow::cancel::CancelToken;
use clipflow::media::MediaTools;
use clipflow::media::probe::probe;
use clipflow::media::render::{Output, RenderSettings, render};
use support::video::Video;
use support::{Meter, Result, Spread, is_bench, repeats};

fn main() -> Result<()> {
    if !is_bench() {
        return Ok(());
    }
    let sources: Vec<PathBuf> = match std::env::var_os("CLIPFLOW_BENCH_SOURCE") {
        Some(paths) => std::env::split_paths(&paths).collect(),
        None => vec![Video { seed: 4, seconds: 60, size: (1280, 720), kilobits: 2500 }.file()?],
    };
    println!("CPU seconds of one clip, median (least–most)");
    println!("| source | clip | encoded | smart cut | ratio | MB encoded | MB smart cut |");
    println!("|---|---|---|---|---|---|---|");
    for source in &sources {
        for share in [(0.03, 0.97), (0.2, 0.8)] {
            row(source, share)?;
        }
    }
    Ok(())
}

/// One clip, from and to these shares of the source.
fn row(source: &Path, share: (f64, f64)) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (tools, cancel) = (MediaTools::find()?, CancelToken::new());
    let plain = RenderSettings::default();
    let probe = probe(&tools, source, &plain.limits, &cancel)?;
    let length = probe.duration_hint.ok_or("a source states its length")?;
    let (start, end) = (share.0 * length, share.1 * length);
    let (mut costs, mut bytes) = ([Vec::new(), Vec::new()], [0, 0]);
    for repeat in 0..repeats(3)? {
        for (kind, smart_cut) in [false, true].into_iter().enumerate() {
            let settings = RenderSettings { smart_cut, ..plain.clone() };
            let path = folder.path().join(format!("{repeat}-{kind}.mp4"));
            let output = Output {
                rendition_id: String::new(),
                start,
                end,
                path,
                edit: None,
                cues: Vec::new(),
            };
            let meter = Meter::start()?;
            for done in render(&tools, source, &probe, &[output], &settings, &cancel, &|_| ()) {
                bytes[kind] = done?.bytes;
            }
            costs[kind].push(meter.cost()?.cpu);
        }
    }
    let [encoded, smart] = costs.map(Spread::of);
    println!(
        "| {} | {:.1} s | {encoded} | {smart} | {:.2} | {:.2} | {:.2} |",
        source.file_name().unwrap_or_default().to_string_lossy(),
        end - start,
        smart.median / encoded.median,
        bytes[0] as f64 / 1e6,
        bytes[1] as f64 / 1e6,
    );
    Ok(())
}
