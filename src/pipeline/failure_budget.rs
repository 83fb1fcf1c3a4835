//! The error budget of a run: it stops once more requests failed than it allows.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;

use super::amounts::plural;
use super::statements::Statements;
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorCode, Result};
use crate::location::redacted;
use crate::query::sql;
use crate::telemetry::{Event, Observer};

/// The most requests of a run that may fail.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxFailures {
    /// So many.
    Requests(u64),
    /// So many in a hundred rows of the run.
    Percent(f64),
}

impl MaxFailures {
    /// The most failures among `rows` requests.
    pub fn of(self, rows: u64) -> u64 {
        match self {
            Self::Requests(most) => most,
            Self::Percent(percent) => (rows as f64 * percent / 100.0).floor() as u64,
        }
    }
}

/// `10` or `2.5%`.
impl fmt::Display for MaxFailures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requests(most) => write!(f, "{most}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl FromStr for MaxFailures {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let text = text.trim();
        let parsed = match text.strip_suffix('%') {
            Some(percent) => percent.trim().parse().ok().map(Self::Percent),
            None => text.parse().ok().map(Self::Requests),
        };
        let is_share = |most: &Self| match most {
            Self::Percent(percent) => (0.0..=100.0).contains(percent),
            Self::Requests(_) => true,
        };
        parsed.filter(is_share).ok_or_else(|| {
            "give a number of requests, such as 10, or a share of them, such as 5%".to_owned()
        })
    }
}

/// Counts failed requests, and drains the run when there are too many.
#[derive(Debug, Clone)]
pub(super) struct FailureWatch {
    most: Option<MaxFailures>,
    observer: Arc<dyn Observer>,
    stop: CancelToken,
    count: Arc<Mutex<FailureCount>>,
}

#[derive(Debug, Default)]
struct FailureCount {
    /// Requests that depend on each source whose failure is not counted yet.
    by_source: HashMap<String, u64>,
    rows: u64,
    failed: u64,
    allowed: u64,
    example: String,
    is_exceeded: bool,
}

impl FailureWatch {
    /// Watches what is told to `observer`, and drains `stop` if more fail than `most`.
    pub(super) fn new(
        most: Option<MaxFailures>,
        observer: Arc<dyn Observer>,
        stop: CancelToken,
    ) -> Self {
        Self { most, observer, stop, count: Arc::default() }
    }

    /// Starts with the requests in the table `checked`, of which the invalid ones failed already.
    ///
    /// # Errors
    /// `run.too_many_failures` if those are too many.
    pub(super) async fn begin(&self, statements: &Statements) -> Result<()> {
        #[derive(Deserialize)]
        struct Source {
            location: Option<String>,
            requests: u64,
        }
        let Some(most) = self.most else { return Ok(()) };
        let sources: Vec<Source> = statements.rows(sql::repeat::BY_SOURCE).await?;
        {
            let mut count = self.count();
            count.rows = sources.iter().map(|source| source.requests).sum();
            count.allowed = most.of(count.rows);
            for Source { location, requests } in sources {
                match location {
                    // Two sources may differ in what is redacted alone.
                    Some(location) => {
                        *count.by_source.entry(redacted(&location)).or_default() += requests;
                    }
                    None => count.failed += requests,
                }
            }
            if count.failed > 0 {
                count.example = "invalid_request".to_owned();
            }
        }
        self.check()
    }

    /// Compares with the requests that have no clip after selection.
    ///
    /// # Errors
    /// `run.too_many_failures`.
    pub(super) async fn check_selected(&self, statements: &Statements) -> Result<()> {
        self.compare(statements, sql::repeat::FAILED_BEFORE_RENDER).await
    }

    /// Compares with the outcomes of the run.
    ///
    /// # Errors
    /// `run.too_many_failures`.
    pub(super) async fn check_outcomes(&self, statements: &Statements) -> Result<()> {
        let query =
            "SELECT count(*) AS requests, first_value(error_message ORDER BY \"row\") AS example
            FROM outcomes WHERE status = 'failed'";
        self.compare(statements, query).await
    }

    async fn compare(&self, statements: &Statements, query: &str) -> Result<()> {
        #[derive(Deserialize)]
        struct Failed {
            requests: u64,
            example: Option<String>,
        }
        if self.most.is_none() {
            return Ok(());
        }
        let Failed { requests, example } = statements.row(query).await?;
        {
            let mut count = self.count();
            count.failed = requests;
            if let Some(example) = example {
                count.example = example;
            }
        }
        self.check()
    }

    fn check(&self) -> Result<()> {
        let mut count = self.count();
        count.is_exceeded = count.failed > count.allowed;
        match count.is_exceeded {
            true => Err(Error::new(ErrorCode::RunTooManyFailures, "too many requests failed")),
            false => Ok(()),
        }
    }

    /// `result`, where a run that was stopped for its failures says so. `remains` says what it has done.
    pub(super) fn named<T>(&self, result: Result<T>, remains: impl fmt::Display) -> Result<T> {
        let count = self.count();
        match result {
            Err(e)
                if count.is_exceeded
                    && [ErrorCode::Cancelled, ErrorCode::RunTooManyFailures]
                        .contains(&e.code()) =>
            {
                let FailureCount { rows, failed, allowed, example, .. } = &*count;
                let message = format!(
                    "the run was stopped: {failed} of {} failed (e.g. {example}), and max_failures allows {allowed}; {remains}; nothing of it is visible yet; correct what fails or allow more, and run it again: it goes on from there",
                    plural(*rows, "request"),
                );
                Err(Error::new(ErrorCode::RunTooManyFailures, message)
                    .about("max_failures")
                    .with_source(e))
            }
            result => result,
        }
    }

    fn count(&self) -> MutexGuard<'_, FailureCount> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for FailureWatch {
    fn event(&self, event: &Event<'_>) {
        if let Event::RowFinished { stage, location, error: Some(code), .. } = event
            && self.most.is_some()
            // A source without its transcript may have clips.
            && *stage != "transcribe"
            && *stage != "track_faces"
            && *code != ErrorCode::Cancelled
        {
            let mut count = self.count();
            if let Some(requests) = count.by_source.remove(*location) {
                count.failed += requests;
                count.example = format!("{code} of {location}");
                count.is_exceeded = count.failed > count.allowed;
                if count.is_exceeded {
                    self.stop.drain();
                }
            }
        }
        self.observer.event(event);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_budget_is_a_number_or_a_share() {
        assert_eq!("10".parse(), Ok(MaxFailures::Requests(10)));
        assert_eq!(" 2.5 % ".parse(), Ok(MaxFailures::Percent(2.5)));
        for wrong in ["", "-1", "1.5", "101%", "-1%", "NaN%", "x", "%"] {
            assert!(wrong.parse::<MaxFailures>().is_err(), "{wrong}");
        }
        assert_eq!(MaxFailures::Percent(10.0).of(29), 2);
        assert_eq!(MaxFailures::Percent(0.0).of(29), 0);
        assert_eq!(MaxFailures::Percent(2.5).to_string(), "2.5%");
    }
}
