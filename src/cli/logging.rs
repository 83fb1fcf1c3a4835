//! The log of the command, on standard error.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::telemetry::logs::LogLayer;
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
    // What exporters of logs receive does not follow what the terminal shows, but a wish for more does both good.
    let level = if verbose > 1 { LevelFilter::DEBUG } else { LevelFilter::INFO };
    let exported = LogLayer::new().with_filter(Targets::new().with_target("clipflow", level));
    let shown = lines(format).with_filter(filter);
    // If a subscriber is set already, it stays.
    let _ = tracing_subscriber::registry().with(shown).with(exported).try_init();
}

/// Writes events to standard error.
fn lines<S: Subscriber + for<'a> LookupSpan<'a>>(
    format: LogFormat,
) -> Box<dyn Layer<S> + Send + Sync> {
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(ScrubbedStderr)
        // Colours would be control characters in a file.
        .with_ansi(io::stderr().is_terminal());
    match format {
        LogFormat::Pretty => layer.pretty().boxed(),
        LogFormat::Compact => layer.compact().boxed(),
        LogFormat::Json => layer.json().boxed(),
    }
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
