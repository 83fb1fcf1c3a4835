//! The flags of `clipflow cache`.

use clap::{Args, Subcommand};

use super::OutputArgs;
use crate::cli::settings::SettingsArgs;

#[derive(Debug, Args)]
pub(in crate::cli) struct CacheArgs {
    #[command(subcommand)]
    pub what: CacheCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum CacheCommand {
    /// List what is kept, last used first.
    Ls {
        #[command(flatten)]
        output: OutputArgs,
        #[command(flatten)]
        settings: SettingsArgs,
    },
    /// Remove all that is kept.
    Clear {
        #[command(flatten)]
        settings: SettingsArgs,
    },
    /// Read all that is kept and remove what is damaged (then the exit code is 3).
    Verify {
        #[command(flatten)]
        settings: SettingsArgs,
    },
}

impl CacheCommand {
    pub(super) fn settings(&self) -> &SettingsArgs {
        match self {
            Self::Ls { settings, .. } | Self::Clear { settings } | Self::Verify { settings } => {
                settings
            }
        }
    }
}
