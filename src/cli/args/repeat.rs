//! Arguments of runs that do only some of their requests again, or stop early.

use clap::Args;

use crate::pipeline::MaxFailures;

#[derive(Debug, Args)]
#[command(next_help_heading = "Running again")]
pub(in crate::cli) struct RepeatArgs {
    /// Do only requests that ended in an error, or in one of these error codes or groups of them (media), and those
    /// that are new.
    #[arg(long, value_name = "CODE,…", num_args = 0..=1, require_equals = true, value_delimiter = ',',
        default_missing_value = "", conflicts_with = "explain")]
    pub retry_failed: Option<Vec<String>>,
    /// Do only requests whose source changed, or may have, and those that are new.
    #[arg(long, conflicts_with = "explain")]
    pub refresh: bool,
    /// Stop once more than so many requests failed, or more than this share of them; run again to go on.
    #[arg(long, value_name = "N|P%")]
    pub max_failures: Option<MaxFailures>,
}

impl RepeatArgs {
    /// The error codes of requests to do again; empty: all.
    pub(in crate::cli) fn codes(&self) -> Option<Vec<String>> {
        let codes = self.retry_failed.as_ref()?.iter().map(|code| code.trim().to_owned());
        Some(codes.filter(|code| !code.is_empty()).collect())
    }
}
