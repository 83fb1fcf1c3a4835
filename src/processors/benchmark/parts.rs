//! The parts of the benchmark.

use std::sync::Arc;

use futures::stream;

use super::measure::{Sampled, Spread, in_turns};
use super::setup::{Batch, Bench, Contender, kernel};
use super::tree::{CostMeter, PeakMemory, ProcessTree};
use super::{BenchmarkPart, Measurement, workloads};
use crate::config::BackendType;
use crate::error::{Error, ErrorCode, Result};
use crate::exec::{ValidateWork, Work};

/// The backends that can be named.
const FIXED: [BackendType; 4] =
    [BackendType::Thread, BackendType::Process, BackendType::Joblib, BackendType::Async];
/// And the one that chooses among them.
pub(super) const EVERY: [BackendType; 5] =
    [FIXED[0], FIXED[1], FIXED[2], FIXED[3], BackendType::Auto];
/// Rows of a batch of a stream.
const STREAM_BATCH: usize = 8192;
/// Rows of a kernel some of which fail.
const FRAGILE_ROWS: usize = 10_000;

/// Every backend on small, medium and large batches of each kind of work.
pub(super) async fn backends(bench: &mut Bench) -> Result<()> {
    let contenders = bench.contenders(&EVERY, 0)?;
    let mut batches = vec![];
    for rows in bench.options.kernel_rows.clone() {
        batches.push(bench.validations(rows)?);
    }
    for rows in bench.options.kernel_rows.clone() {
        batches.push(bench.selections(rows)?);
    }
    for rows in bench.options.media_rows.clone() {
        batches.push(bench.media(rows, 0)?);
    }
    for batch in &batches {
        bench.say(&format!("backends: {} × {} rows", batch.work(), batch.rows()));
        let sampled =
            in_turns(&contenders, bench.options.repeats, async |c| all_good(bench, c, batch).await)
                .await?;
        record_all(bench, BenchmarkPart::Backends, batch, &contenders, &sampled);
    }
    Ok(())
}

/// Takes down what all did on a batch, and how near each came to the fastest.
pub(super) fn record_all(
    bench: &mut Bench,
    part: BenchmarkPart,
    batch: &Batch,
    contenders: &[Contender],
    sampled: &[Sampled],
) {
    let fixed = contenders.iter().zip(sampled).filter(|(c, _)| is_fixed(c));
    let best = fixed.map(|(_, s)| s.wall.median).fold(f64::INFINITY, f64::min);
    for (contender, sampled) in contenders.iter().zip(sampled) {
        let measurement = bench.record(part, batch, contender, sampled);
        measurement.of_best = best.is_finite().then_some(sampled.wall.median / best);
    }
}

fn is_fixed(contender: &Contender) -> bool {
    FIXED.contains(&contender.config.backend)
}

/// The same rows with one worker, two, four, … up to the number of cores.
pub(super) async fn scalability(bench: &mut Bench) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel_rows = bench.options.kernel_rows.last().copied().unwrap_or(1);
    let media_rows = bench.options.media_rows.get(1).copied().unwrap_or(1);
    for batch in [bench.selections(kernel_rows)?, bench.media(media_rows, 0)?] {
        bench.say(&format!("scalability: {} × {} rows", batch.work(), batch.rows()));
        let mut contenders = vec![];
        for workers in worker_counts(cores) {
            contenders.extend(bench.contenders(&[BackendType::Auto], workers)?);
        }
        let sampled = in_turns(&contenders, bench.options.repeats, async |c| {
            all_good(bench, c, &batch).await
        })
        .await?;
        let alone = sampled.first().map_or(f64::NAN, |s| s.wall.median);
        for (contender, sampled) in contenders.iter().zip(&sampled) {
            let measurement = bench.record(BenchmarkPart::Scalability, &batch, contender, sampled);
            measurement.speedup = Some(alone / sampled.wall.median);
        }
    }
    Ok(())
}

/// 1, 2, 4, … and `cores`.
fn worker_counts(cores: usize) -> Vec<usize> {
    let doubled = std::iter::successors(Some(1), |n| Some(n * 2)).take_while(|n| *n < cores);
    doubled.chain([cores]).collect()
}

/// Peak memory of ever longer streams of requests.
pub(super) async fn memory(bench: &mut Bench) -> Result<()> {
    let work: Arc<dyn Work> = Arc::new(ValidateWork);
    for backend in [BackendType::Auto, BackendType::Process] {
        for rows in bench.options.stream_rows.clone() {
            // New ones each time, so that none inherits what another has grown to.
            let Some(contender) = bench.contenders(&[backend], 0)?.pop() else { continue };
            bench.say(&format!("memory: {rows} rows through {backend}"));
            let batches = (0..rows)
                .step_by(STREAM_BATCH)
                .map(move |first| workloads::requests(first, STREAM_BATCH.min(rows - first)));
            let peak = PeakMemory::watch(ProcessTree::of_this_process())?;
            let meter = CostMeter::start();
            let (came, failed) = kernel(&contender, &work, stream::iter(batches)).await?;
            let cost = meter.cost();
            let bytes = peak.bytes();
            if came != rows as u64 {
                return Err(void(format!("{came} of {rows} rows came back")));
            }
            let sampled = Sampled { wall: Spread::of([cost.wall]), cpu: cost.cpu, failed };
            let batch = Batch::Kernel(std::sync::Arc::clone(&work), workloads::requests(0, 1)?);
            let measurement = bench.record(BenchmarkPart::Memory, &batch, &contender, &sampled);
            *measurement = Measurement {
                rows: rows as i64,
                repeats: 1,
                peak_bytes: Some(bytes as i64),
                ..measurement.clone()
            };
        }
    }
    Ok(())
}

/// Batches of which a growing share fails.
pub(super) async fn errors(bench: &mut Bench) -> Result<()> {
    let fragile: std::sync::Arc<dyn crate::exec::Work> = std::sync::Arc::new(workloads::Fragile);
    let mut kernels = vec![];
    for share in [0.0, 0.001, 0.01, 0.1] {
        let rows = workloads::fragile_rows(FRAGILE_ROWS, share)?;
        let bad = (FRAGILE_ROWS as f64 * share).round() as u64;
        kernels.push((Batch::Kernel(std::sync::Arc::clone(&fragile), rows), bad));
    }
    let rows = bench.options.media_rows.get(1).copied().unwrap_or(1);
    let mut media = vec![];
    for bad in [0, rows / 10, rows / 2] {
        media.push((bench.media(rows, bad)?, bad as u64));
    }
    for cases in [kernels, media] {
        let Some((first, _)) = cases.first() else { continue };
        bench.say(&format!("errors: {} × {} rows", first.work(), first.rows()));
        let Some(contender) = bench.contenders(&[BackendType::Auto], 0)?.pop() else { continue };
        let run = async |(batch, bad): &(Batch, u64)| {
            let failed = bench.run(&contender, batch).await?;
            match failed == *bad {
                true => Ok(failed),
                false => Err(void(format!("{failed} rows failed where {bad} should"))),
            }
        };
        let sampled = in_turns(&cases, bench.options.repeats, run).await?;
        let without = sampled.first().map_or(f64::NAN, |s| s.wall.median);
        for ((batch, bad), sampled) in cases.iter().zip(&sampled) {
            let measurement = bench.record(BenchmarkPart::Errors, batch, &contender, sampled);
            let more = sampled.wall.median - without;
            measurement.seconds_a_failure = (*bad > 0).then(|| more / *bad as f64);
        }
    }
    Ok(())
}

/// Run a batch in which nothing may fail.
pub(super) async fn all_good(bench: &Bench, contender: &Contender, batch: &Batch) -> Result<u64> {
    match bench.run(contender, batch).await? {
        0 => Ok(0),
        failed => {
            let backend = contender.config.backend;
            Err(void(format!("{failed} rows of {} failed on {backend}", batch.work())))
        }
    }
}

fn void(what: String) -> Error {
    Error::new(ErrorCode::Internal, format!("{what}; the measurement is void"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_double_up_to_the_cores() {
        assert_eq!(worker_counts(1), [1]);
        assert_eq!(worker_counts(2), [1, 2]);
        assert_eq!(worker_counts(6), [1, 2, 4, 6]);
        assert_eq!(worker_counts(8), [1, 2, 4, 8]);
    }
}
