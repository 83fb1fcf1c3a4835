//! The log of the command, on standard error.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::telemetry::scrub;

/// The form of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// Several lines an event, for reading.
    Pretty,
    /// One line an event.
    #[default]
    Compact,
    /// One JSON object a line.
    Json,
}

/// Log to standard error what `verbose` and `CLIPFLOW_LOG` ask for.
pub(super) fn init(verbose: u8, format: LogFormat) {
    let default = match verbose {
        0 => "clipflow=error",
        1 => "clipflow=info",
        _ => "clipflow=debug",
    };
    let filter = EnvFilter::try_from_env("CLIPFLOW_LOG").unwrap_or_else(|_| default.into());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(ScrubbedStderr)
        // Colours would be control characters in a file.
        .with_ansi(io::stderr().is_terminal());
    // If a subscriber is set already, it stays.
    let _ = match format {
        LogFormat::Pretty => builder.pretty().try_init(),
        LogFormat::Compact => builder.compact().try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}

/// Standard error, where events lose their secrets whatever their form.
#[derive(Debug, Clone, Copy)]
struct ScrubbedStderr;

impl<'a> MakeWriter<'a> for ScrubbedStderr {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

impl Write for ScrubbedStderr {
    /// An event is written at once, so that no secret is divided.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(event) {
            Ok(text) if text.contains("://") => io::stderr().write_all(scrub(text).as_bytes())?,
            _ => io::stderr().write_all(event)?,
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
