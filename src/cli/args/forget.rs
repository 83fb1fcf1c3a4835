//! Arguments of what removes requests from results.

use std::path::PathBuf;

use clap::Args;

use super::SettingsArgs;

#[derive(Debug, Args)]
pub(in crate::cli) struct ForgetArgs {
    /// Results of `clipflow run`: its --out.
    pub dir: PathBuf,
    /// Which requests: a condition on the columns of `requests`, as after WHERE in SQL.
    #[arg(long = "where", value_name = "CONDITION")]
    pub condition: String,
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
pub(in crate::cli) struct PruneArgs {
    /// Remove requests of earlier runs that are not in the request file any more, with what was made for them
    /// alone.
    #[arg(long)]
    pub prune: bool,
}
