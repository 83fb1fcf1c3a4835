//! How events are read: units and zones of times, and the moment that they are read as of.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::{ArrayRef, StringArray};

use crate::error::{Error, Result};
use crate::kernels::cells::{Clock, EpochUnit, Zone, times};
use crate::model::event::{daily_fields, raw_fields};

/// How far the clock of who wrote the events may be ahead of ours: local times without their zone are up to
/// 14 hours ahead of UTC.
const AHEAD: i64 = 24 * 3_600_000_000;

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct EventOptions {
    /// Unit of times that are numbers, and zone of times that name none and of days.
    pub clock: Clock,
    /// The moment the events are read as of, in microseconds since 1970: what is later has not happened.
    /// `None`: the clock of this machine.
    pub as_of: Option<i64>,
    /// Columns of the files that are columns of events by another name: `plays` is `views`.
    pub columns: Vec<(String, String)>,
    /// What a cell that does not fit its column costs.
    pub bad_rows: BadRows,
}

/// What a cell that does not fit its column costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BadRows {
    /// The query, which ends with an error that names file, column and row.
    #[default]
    Error,
    /// Its row, which is left out and counted.
    Skip,
}

impl BadRows {
    /// The names of both.
    pub const NAMES: [&'static str; 2] = ["error", "skip"];

    /// The one of that name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "error" => Some(Self::Error),
            "skip" => Some(Self::Skip),
            _ => None,
        }
    }
}

/// Columns of events beside those of [`raw_fields`] and [`daily_fields`] that mean something.
pub(super) const FURTHER: [&str; 3] = ["experiment_id", "account_id", "duration"];

/// Pairs of names from texts such as `plays=views`.
///
/// # Errors
/// `config.invalid` for a text of another form.
pub fn name_pairs(texts: &[String]) -> Result<Vec<(String, String)>> {
    let pair = |text: &String| match text.rsplit_once('=').map(|(a, b)| (a.trim(), b.trim())) {
        Some((theirs, ours)) if !theirs.is_empty() && !ours.is_empty() => {
            Ok((theirs.to_owned(), ours.to_owned()))
        }
        _ => {
            let what = format!("has {text:?}; give names as in plays=views,hearts=likes");
            Err(Error::setting("columns", what))
        }
    };
    texts.iter().map(pair).collect()
}

/// As [`name_pairs`], of which the second is a column of events.
///
/// # Errors
/// `config.invalid` also for a name that is no column of events.
pub fn column_names(texts: &[String]) -> Result<Vec<(String, String)>> {
    let known = raw_fields().into_iter().chain(daily_fields()).map(|f| f.name().clone());
    let mut known: Vec<String> = known.chain(FURTHER.map(str::to_owned)).collect();
    let mut seen = std::collections::HashSet::new();
    known.retain(|name| seen.insert(name.clone()));
    let pairs = name_pairs(texts)?;
    match pairs.iter().find(|(_, ours)| !known.contains(ours)) {
        None => Ok(pairs),
        Some((theirs, ours)) => {
            let names = known.join(", ");
            let what =
                format!("maps {theirs} to {ours}, which is no column of events; they are {names}");
            Err(Error::setting("columns", what))
        }
    }
}

impl EventOptions {
    /// From texts, as a command has them.
    ///
    /// # Errors
    /// `config.invalid`, naming the one that is none.
    pub fn parse(unit: Option<&str>, zone: Option<&str>, as_of: Option<&str>) -> Result<Self> {
        let unit = unit.map(|name| {
            EpochUnit::parse(name).ok_or_else(|| {
                let units: Vec<&str> = EpochUnit::NAMES.iter().map(|n| n.0).collect();
                let units = units.join(", ");
                Error::setting("time_unit", format!("is {name}; give one of {units}"))
            })
        });
        let zone = zone.map(|name| {
            Zone::parse(name).ok_or_else(|| {
                let sentence =
                    format!("is {name}; give a zone such as UTC, Europe/Berlin or +02:00");
                Error::setting("time_zone", sentence)
            })
        });
        let clock = Clock { unit: unit.transpose()?, zone: zone.transpose()?.unwrap_or_default() };
        let as_of = as_of.map(|text| {
            let column: ArrayRef = Arc::new(StringArray::from(vec![text]));
            let time = times(&column, Clock { unit: None, ..clock });
            time.map(|time| time.value(0)).map_err(|_| {
                Error::setting(
                    "as_of",
                    format!("is {text}; give a time such as 2026-05-01T12:00:00Z"),
                )
            })
        });
        Ok(Self { clock, as_of: as_of.transpose()?, ..Self::default() })
    }

    /// The moment that lags count back from.
    pub(crate) fn now(&self) -> i64 {
        self.as_of.unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            since.as_micros() as i64
        })
    }

    /// The last moment that an event can be of: later ones are stray.
    pub(crate) fn horizon(&self) -> i64 {
        self.as_of.unwrap_or_else(|| self.now() + AHEAD)
    }
}
