//! The flags of `clipflow mcp`.

use std::path::PathBuf;

use clap::Args;

use super::SettingsArgs;

#[derive(Debug, Args)]
pub(in crate::cli) struct McpArgs {
    /// Folder, bucket or prefix that requests, results and sources may lie in; may be repeated. Roots that the client
    /// names narrow it [default: the roots of the client, else the current folder].
    #[arg(long, value_name = "DIR|URL")]
    pub root: Vec<PathBuf>,
    /// End a query that takes longer.
    #[arg(long, value_name = "SECONDS", default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub query_timeout: u64,
    /// Largest media file that is given as a resource, in MB.
    #[arg(long, value_name = "MB", default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub resource_limit: u64,
    #[command(flatten)]
    pub settings: SettingsArgs,
}
