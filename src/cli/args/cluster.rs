//! Arguments of `clipflow scheduler` and `clipflow executor`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::Args;

use super::SettingsArgs;

#[derive(Debug, Args)]
pub(in crate::cli) struct SchedulerArgs {
    /// Address and port to listen at; a port below 32768, above which the system takes ports of its own.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:20050")]
    pub listen: SocketAddr,
    /// Seconds without a sign of life after which an executor is given up and its rows move to others.
    #[arg(long, value_name = "SECONDS", default_value_t = 15,
        value_parser = clap::value_parser!(u64).range(4..=3600))]
    pub executor_timeout: u64,
    /// Listen beyond this machine without certificates, although any client that reaches the port can then submit, cancel
    /// and read work.
    #[arg(long)]
    pub insecure: bool,
    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ExecutorArgs {
    /// Address of this machine that the scheduler reaches; ports from 20000 to 32000 are taken.
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1")]
    pub listen: IpAddr,
    /// Folder, bucket or prefix that sources may lie in, whatever clients say; may be repeated. Without one, what
    /// each client allows.
    #[arg(long, value_name = "DIR|URL")]
    pub allow_root: Vec<PathBuf>,
    /// Folder that results of clients may lie in; may be repeated. Without one, any.
    #[arg(long, value_name = "DIR")]
    pub results: Vec<PathBuf>,
    /// Listen beyond this machine without certificates, although any client that reaches the ports can then start and stop
    /// work.
    #[arg(long)]
    pub insecure: bool,
    #[command(flatten)]
    pub settings: SettingsArgs,
}
