//! `clipflow bench`.

use super::args::BenchArgs;
use super::{OK, print};
use crate::config::ParallelConfig;
use crate::error::Result;
use crate::processors::benchmark::{BenchmarkOptions, BenchmarkPart, run_comprehensive_benchmark};

pub(super) async fn bench(args: BenchArgs, parallel: ParallelConfig) -> Result<u8> {
    let mut options = BenchmarkOptions::new(args.quick);
    options.parallel = parallel;
    options.progress = |what| eprintln!("{what} …");
    if !args.part.is_empty() {
        let is_named =
            |part: &BenchmarkPart| args.part.iter().any(|p| p.eq_ignore_ascii_case(part.as_str()));
        options.parts.retain(is_named);
    }
    let report = run_comprehensive_benchmark(&options).await?;
    print::line(report.to_string().trim_end())?;
    if let Some(out) = &args.out {
        let [parquet, json] = report.write(out)?;
        print::line(&format!("\nwritten: {}, {}", parquet.display(), json.display()))?;
    }
    Ok(OK)
}
