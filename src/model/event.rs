//! `events`: what happened to variants after posting, one row an event or one row a day.
//!
//! The table is the user's own. Raw events have `variant_id`, `platform`, `ts`, `event` and, where
//! known, `viewer_id` and `value`; daily aggregates have `variant_id`, `platform`, `day` and a column
//! for each figure. Any further column is a dimension that a query can group by.

use arrow::datatypes::Field;

use super::column::{Day, DistinctCount, Timestamp, columns, documentation, fields_of};
use super::{Column, float, int};

pub use super::column::ADDITIVE;

/// The kinds of event, each with its name in raw events and the column of daily aggregates that holds its
/// figure, from one list.
macro_rules! event_kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident => $name:literal, $figure:literal;)+) => {
        /// What one raw event says.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum EventKind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl EventKind {
            /// Every kind, in order of its number.
            pub const ALL: [EventKind; [$($name),+].len()] = [$(Self::$kind,)+];

            /// How a raw event names it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $name,)+ }
            }

            /// The column of daily aggregates that holds its figure.
            pub fn figure(self) -> &'static str {
                match self { $(Self::$kind => $figure,)+ }
            }

            /// What it says, as a sentence.
            pub fn description(self) -> &'static str {
                match self { $(Self::$kind => concat!($(documentation!(doc = $doc)),+).trim_ascii(),)+ }
            }

            /// The kind of that name, exactly as spelled.
            #[inline]
            #[allow(non_upper_case_globals)]
            pub fn parse(name: &[u8]) -> Option<Self> {
                // As constants, so that one `match` tells them all apart.
                $(const $kind: &[u8] = $name.as_bytes();)+
                match name {
                    $($kind => Some(Self::$kind),)+
                    _ => None,
                }
            }
        }
    };
}

event_kinds! {
    /// The variant was shown, played or not.
    Impression => "impression", "impressions";
    /// It began to play; whether replays count is the platform's rule (`platform_metrics`).
    View => "view", "views";
    /// 2 s were watched.
    View2s => "view_2s", "views_2s";
    /// 3 s were watched.
    View3s => "view_3s", "views_3s";
    /// 6 s were watched.
    View6s => "view_6s", "views_6s";
    /// 15 s were watched, or all of a shorter variant.
    View15s => "view_15s", "views_15s";
    /// A quarter was watched.
    View25 => "view_25", "views_25";
    /// Half was watched.
    View50 => "view_50", "views_50";
    /// Three quarters were watched.
    View75 => "view_75", "views_75";
    /// All of it was watched.
    View100 => "view_100", "views_100";
    /// `value` seconds were watched.
    WatchSeconds => "watch_seconds", "watch_seconds";
    /// A like.
    Like => "like", "likes";
    /// A comment.
    Comment => "comment", "comments";
    /// It was passed on.
    Share => "share", "shares";
    /// It was kept for later.
    Save => "save", "saves";
    /// A link was followed.
    Click => "click", "clicks";
    /// The viewer follows the account from here.
    Follow => "follow", "follows";
    /// A view that a share brought, by who wrote the events.
    ReferralView => "referral_view", "referral_views";
}

/// The columns of raw events.
pub const RAW: &[Column] = columns! {
    /// What was seen.
    variant_id: String,
    /// Where it was seen.
    platform: Option<String>,
    /// When, in UTC.
    ts: Option<Timestamp>,
    /// Which kind, as listed below; rows of other kinds are counted and in no figure.
    event: String,
    /// The viewer, by any id that tells viewers apart; NULL where unknown.
    viewer_id: Option<String>,
    /// Seconds, for `watch_seconds`; else unused.
    value: Option<f64>,
};

/// The columns of daily aggregates in front of their figures.
pub const DAY_KEYS: &[Column] = columns! {
    /// What was seen.
    variant_id: String,
    /// Where it was seen.
    platform: Option<String>,
    /// The day, in UTC.
    day: Option<Day>,
};

/// The columns of daily aggregates behind their figures.
pub const DAY_VIEWERS: &[Column] = columns! {
    /// Distinct viewers of the row. Not to be summed.
    audience_reach: Option<DistinctCount>,
    /// Of those, who came by a share. Not to be summed.
    new_viewers: Option<DistinctCount>,
    /// Followers of the account, the same for all of its variants. Not to be summed.
    followers: Option<DistinctCount>,
};

/// The columns that a roll-up adds behind the figures.
pub const ROLLED_VIEWERS: &[Column] = columns! {
    /// Distinct viewers of the group. Not to be summed.
    audience_reach: Option<DistinctCount>,
    /// Viewers who began.
    first_views: Option<i64>,
    /// Of the viewers who began, those who saw the end.
    first_completions: Option<i64>,
    /// Viewers who came by a share. Not to be summed.
    new_viewers: Option<DistinctCount>,
    /// Views of unknown viewers, replays included.
    anonymous_views: Option<i64>,
    /// Views to the end of unknown viewers, replays included.
    anonymous_completions: Option<i64>,
    /// Events of a kind that clipflow does not know.
    other_events: i64,
};

/// The columns of raw events.
pub fn raw_fields() -> Vec<Field> {
    fields_of(RAW)
}

/// The columns of daily aggregates. A figure that the platform did not report is NULL, not 0.
pub fn daily_fields() -> Vec<Field> {
    [fields_of(DAY_KEYS), figure_fields(), fields_of(DAY_VIEWERS)].concat()
}

/// A column for each kind of event.
pub fn figure_fields() -> Vec<Field> {
    let field = |kind: EventKind| match kind {
        EventKind::WatchSeconds => float(kind.figure(), true),
        _ => int(kind.figure(), true),
    };
    EventKind::ALL.into_iter().map(field).collect()
}

/// The columns that a roll-up of raw events adds to its keys.
///
/// A figure whose event occurs nowhere in the input is NULL: it is not tracked there, which is not 0.
pub fn rolled_fields() -> Vec<Field> {
    [figure_fields(), fields_of(ROLLED_VIEWERS)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_numbered_in_order_and_found_by_name() {
        for (number, kind) in EventKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
            assert_eq!(EventKind::parse(kind.as_str().as_bytes()), Some(kind));
        }
        assert_eq!(EventKind::parse(b"View"), None);
        assert_eq!(EventKind::parse(b""), None);
    }
}
