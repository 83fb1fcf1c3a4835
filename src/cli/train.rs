//! `clipflow train`.

use super::args::TrainArgs;
use super::{OK, print};
use crate::analytics::{self, TrainQuery};
use crate::config::ParallelConfig;
use crate::error::Result;
use crate::kernels::fit::Quality;
use crate::kernels::score::Link;
use crate::kernels::select::signal_features;

pub(super) async fn train(args: TrainArgs, parallel: ParallelConfig) -> Result<u8> {
    let is_linear = args.link == "linear";
    let query = TrainQuery {
        results: args.dir.into(),
        events: args.events.events.into(),
        target: args.target.unwrap_or_default(),
        link: if is_linear { Link::Identity } else { Link::Logistic },
        trained_at: args.trained_at,
        lag_hours: args.events.lag_hours,
        reading: args.events.reading.options()?,
        parallel,
    };
    let (json, warnings) = if args.selection {
        let trained = analytics::train_selection(&query).await?;
        quality("retention", ("quarters of variants", "sources"), &trained.quality)?;
        print::line("signal           effect  weight")?;
        for ((name, effect), feature) in trained.effects.iter().zip(signal_features()) {
            let weight = trained.file.weights.of(feature);
            print::line(&format!("{name:<14} {effect:>+8.3} {weight:>7.3}"))?;
        }
        (trained.file.to_json()?, trained.warnings)
    } else {
        let trained = analytics::train(&query).await?;
        quality(&query.target, ("variants", "clips"), &trained.quality)?;
        print::line("feature              weight")?;
        let mut features = trained.model.features.clone();
        features.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
        for feature in features {
            print::line(&format!("{:<18} {:>+8.4}", feature.name, feature.weight))?;
        }
        (trained.model.to_json()?, trained.warnings)
    };
    print::text_file(&(json + "\n"), &args.output)?;
    print::line(&format!("written to {}", args.output.display()))?;
    warnings.iter().for_each(|warning| print::warning(warning));
    Ok(OK)
}

/// Print how well a fit predicts data that was held out.
fn quality(target: &str, (rows, groups): (&str, &str), quality: &Quality) -> Result<()> {
    let rho = quality.spearman.map_or("unknown".to_owned(), |rho| format!("{rho:.3}"));
    print::line(&format!(
        "{target} of {} {rows} of {} {groups}, {:.0} trials, {} folds of {groups}",
        quality.rows, quality.groups, quality.trials, quality.folds
    ))?;
    print::line(&format!(
        "held out: Spearman's rho {rho}; error {:.3e}, of the mean {:.3e}: better by {:.1} standard errors",
        quality.loss, quality.baseline_loss, quality.standard_errors
    ))?;
    print::line("calibration, held out: predicted measured   rows     trials")?;
    for bin in &quality.calibration {
        print::line(&format!(
            "{:>32.4} {:>8.4} {:>6} {:>10.0}",
            bin.predicted, bin.measured, bin.rows, bin.trials
        ))?;
    }
    Ok(())
}
