//! How events are read: units and zones of times, and the moment that they are read as of.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::{ArrayRef, StringArray};

use crate::error::{Error, Result};
use crate::kernels::cells::{Clock, EpochUnit, Zone, times};

/// How far the clock of who wrote the events may be ahead of ours: local times without their zone are up to
/// 14 hours ahead of UTC.
const AHEAD: i64 = 24 * 3_600_000_000;

/// See the module.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventOptions {
    /// Unit of times that are numbers, and zone of times that name none and of days.
    pub clock: Clock,
    /// The moment the events are read as of, in microseconds since 1970: what is later has not happened.
    /// `None`: the clock of this machine.
    pub as_of: Option<i64>,
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
        Ok(Self { clock, as_of: as_of.transpose()? })
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
