//! From when to when each variant was seen, which velocities and half-lives count hours by.
//!
//! A variant is published with its first event. All are watched until the same moment: the newest event
//! that is not stray, or the end of the lag if that is earlier. Daily aggregates are of whole days.

use super::form::Events;
use super::views::EventTable;
use crate::kernels::cells::Zone;

/// A moment as SQL.
fn moment(micros: i64) -> String {
    format!("to_timestamp_micros({micros})")
}

impl EventTable {
    /// The end of what counts: the moment the events are read as of, less the lag.
    pub(crate) fn cut(&self, lag_hours: f64) -> i64 {
        self.options.now().saturating_sub((lag_hours * 3.6e9).round() as i64)
    }

    /// The last moment that can be seen: the lag's end, or if there is no lag, that behind which times are
    /// stray.
    fn last(&self, lag_hours: f64) -> i64 {
        if lag_hours > 0.0 { self.cut(lag_hours) } else { self.options.horizon() }
    }

    /// The condition that events count by; `None`: all do. `alias` is the table's.
    pub(crate) fn condition(&self, lag_hours: f64, alias: &str) -> String {
        let last = moment(self.last(lag_hours));
        match self.form {
            Events::Raw => format!("{alias}.ts <= {last}"),
            Events::Daily => format!("{} <= {last}", self.day_end(&format!("{alias}.day"))),
        }
    }

    /// `variant_id`, `published`, `until` and `hours` of each variant, as a query.
    pub(crate) fn spans(&self, lag_hours: f64) -> String {
        let (from, first, newest) = match self.form {
            Events::Raw => ("events", "e.ts".to_owned(), "e.ts".to_owned()),
            Events::Daily => ("daily", self.day_start("e.day"), self.day_end("e.day")),
        };
        let condition = self.condition(lag_hours, "e");
        let after = match self.form {
            Events::Raw => "e.ts".to_owned(),
            Events::Daily => self.day_end("e.day"),
        };
        // With events after the end of the lag, what was before is watched until there.
        let cut = self.whole_days(self.last(lag_hours));
        let is_cut = format!(
            "{after} > {} AND {after} <= {}",
            moment(self.last(lag_hours)),
            moment(self.options.horizon())
        );
        let hours = "(CAST(u.until AS DOUBLE) - CAST(p.published AS DOUBLE)) / 3.6e9";
        format!(
            "SELECT p.variant_id, p.published, u.until, {hours} AS hours\n\
            FROM (SELECT e.variant_id, CAST(min({first}) AS BIGINT) AS published FROM {from} e WHERE {condition} GROUP BY e.variant_id) p\n\
            CROSS JOIN (SELECT CASE WHEN bool_or({is_cut}) THEN {cut} ELSE max(CASE WHEN {condition} THEN CAST({newest} AS BIGINT) END) END AS until FROM {from} e) u"
        )
    }

    /// The end of the last whole day before a moment, for daily aggregates; the moment itself for events.
    fn whole_days(&self, micros: i64) -> String {
        match self.form {
            Events::Raw => micros.to_string(),
            Events::Daily => {
                let day = self.day_of(&moment(micros));
                format!("CAST({} AS BIGINT)", self.day_start(&day))
            }
        }
    }

    /// The day of a time, in the zone of the events.
    pub(crate) fn day_of(&self, time: &str) -> String {
        match self.options.clock.zone {
            Zone::Utc => format!("CAST({time} AS DATE)"),
            Zone::Named(zone) => format!(
                "CAST(to_local_time(arrow_cast(arrow_cast({time}, 'Timestamp(Microsecond, Some(\"+00:00\"))'), 'Timestamp(Microsecond, Some(\"{zone}\"))')) AS DATE)"
            ),
        }
    }

    /// The moment at which a day begins.
    pub(crate) fn day_start(&self, day: &str) -> String {
        let local = format!("arrow_cast({day}, 'Timestamp(Microsecond, None)')");
        match self.options.clock.zone {
            Zone::Utc => local,
            // The same moment, without the zone that it is shown in.
            Zone::Named(zone) => format!(
                "to_timestamp_micros(CAST(arrow_cast({local}, 'Timestamp(Microsecond, Some(\"{zone}\"))') AS BIGINT))"
            ),
        }
    }

    /// The moment at which a day is over.
    pub(crate) fn day_end(&self, day: &str) -> String {
        self.day_start(&format!("({day} + INTERVAL '1 day')"))
    }
}
