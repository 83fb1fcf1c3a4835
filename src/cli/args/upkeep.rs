//! Arguments of what looks after results.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::SettingsArgs;

#[derive(Debug, Args)]
pub(in crate::cli) struct FsckArgs {
    /// Results of `clipflow run`: its --out.
    pub dir: PathBuf,
    /// Compare the sizes of files and not their content.
    #[arg(long)]
    pub fast: bool,
    /// Bring back what is kept, remove what can be made anew or is obsolete for a day, set damaged manifests aside.
    #[arg(long)]
    pub repair: bool,
    /// Print nothing if nothing is wrong.
    #[arg(long, short)]
    pub quiet: bool,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct GcArgs {
    /// Results of `clipflow run`: its --out.
    pub dir: PathBuf,
    /// Keep what was named within this time: 30m, 12h, 7d. Readers and runs that last longer may miss files.
    #[arg(long, value_name = "TIME", default_value = "1d", value_parser = time)]
    pub grace: Duration,
    /// Say what would be removed; remove nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Print nothing.
    #[arg(long, short)]
    pub quiet: bool,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CompactArgs {
    /// Results of `clipflow run`: its --out.
    pub dir: PathBuf,
    /// Print nothing.
    #[arg(long, short)]
    pub quiet: bool,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// A time such as `90s`, `30m`, `12h`, `7d` or `0`.
fn time(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let (number, unit) = match text.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let seconds = match unit {
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => f64::NAN,
    };
    let is_plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let time = number.parse::<f64>().ok().filter(|_| is_plain).map(|number| number * seconds);
    time.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "give a time such as 90s, 30m, 12h or 7d".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, seconds) in [("0", 0), ("90s", 90), ("1.5h", 5400), ("7d", 604_800), ("5m", 300)]
        {
            assert_eq!(time(text).unwrap().as_secs(), seconds, "{text}");
        }
        for wrong in ["", "d", "-1d", "1w", "1 d", "inf", "nan", "1e9d"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
