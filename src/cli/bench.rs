//! `clipflow bench`.

use super::args::BenchArgs;
use super::{OK, print};
use crate::config::ParallelConfig;
use crate::error::Result;
use crate::processors::benchmark::{BenchmarkOptions, BenchmarkPart, run_benchmark_parts};

pub(super) async fn bench(args: BenchArgs, parallel: ParallelConfig) -> Result<u8> {
    let mut options = BenchmarkOptions::new(args.quick);
    options.parallel = parallel;
    options.progress = |what| eprintln!("{what} …");
    if !args.part.is_empty() {
        let is_named =
            |part: &BenchmarkPart| args.part.iter().any(|p| p.eq_ignore_ascii_case(part.as_str()));
        options.parts.retain(is_named);
    }
    // Each part is printed and written when it is finished: a benchmark that is stopped keeps them.
    let out = args.out.clone();
    let report = run_benchmark_parts(&options, |part, report| {
        let is_first = options.parts.first() == Some(&part);
        if is_first {
            print::line(&report.heading())?;
        }
        print::line(report.table(part).to_string().trim_end())?;
        out.as_ref().map_or(Ok(()), |out| report.write(out).map(|_| ()))
    })
    .await?;
    for note in &report.notes {
        print::line(&format!("\nnote: {note}"))?;
    }
    print::line(&format!("\nit took {:.0} s", report.seconds))?;
    if let Some(out) = &args.out {
        let [parquet, json] = report.write(out)?;
        print::line(&format!("written: {}, {}", parquet.display(), json.display()))?;
    }
    Ok(OK)
}
