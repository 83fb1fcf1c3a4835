//! `events`: what happened to variants after posting, one row an event or one row a day.
//!
//! The table is the user's own. Raw events have `variant_id`, `platform`, `ts`, `event` and, where
//! known, `viewer_id` and `value`; daily aggregates have `variant_id`, `platform`, `day` and a column
//! for each figure. Any further column is a dimension that a query can group by.

use arrow::datatypes::{DataType, Field, TimeUnit};

use super::{float, int, text};

/// What one raw event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum EventKind {
    /// The variant was shown, played or not.
    Impression,
    /// It began to play; whether replays count is the platform's rule (`platform_metrics`).
    View,
    /// 2 s were watched.
    View2s,
    /// 3 s were watched.
    View3s,
    /// 6 s were watched.
    View6s,
    /// 15 s were watched, or all of a shorter variant.
    View15s,
    /// A quarter was watched.
    View25,
    /// Half was watched.
    View50,
    /// Three quarters were watched.
    View75,
    /// All of it was watched.
    View100,
    /// `value` seconds were watched.
    WatchSeconds,
    /// A like.
    Like,
    /// A comment.
    Comment,
    /// It was passed on.
    Share,
    /// It was kept for later.
    Save,
    /// A link was followed.
    Click,
    /// The viewer follows the account from here.
    Follow,
    /// A view that a share brought, by who wrote the events.
    ReferralView,
}

impl EventKind {
    /// Every kind, in order of its number.
    pub const ALL: [EventKind; 18] = [
        Self::Impression,
        Self::View,
        Self::View2s,
        Self::View3s,
        Self::View6s,
        Self::View15s,
        Self::View25,
        Self::View50,
        Self::View75,
        Self::View100,
        Self::WatchSeconds,
        Self::Like,
        Self::Comment,
        Self::Share,
        Self::Save,
        Self::Click,
        Self::Follow,
        Self::ReferralView,
    ];

    /// How a raw event names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Impression => "impression",
            Self::View => "view",
            Self::View2s => "view_2s",
            Self::View3s => "view_3s",
            Self::View6s => "view_6s",
            Self::View15s => "view_15s",
            Self::View25 => "view_25",
            Self::View50 => "view_50",
            Self::View75 => "view_75",
            Self::View100 => "view_100",
            Self::WatchSeconds => "watch_seconds",
            Self::Like => "like",
            Self::Comment => "comment",
            Self::Share => "share",
            Self::Save => "save",
            Self::Click => "click",
            Self::Follow => "follow",
            Self::ReferralView => "referral_view",
        }
    }

    /// The kind of that name, exactly as spelled.
    #[inline]
    pub fn parse(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"impression" => Self::Impression,
            b"view" => Self::View,
            b"view_2s" => Self::View2s,
            b"view_3s" => Self::View3s,
            b"view_6s" => Self::View6s,
            b"view_15s" => Self::View15s,
            b"view_25" => Self::View25,
            b"view_50" => Self::View50,
            b"view_75" => Self::View75,
            b"view_100" => Self::View100,
            b"watch_seconds" => Self::WatchSeconds,
            b"like" => Self::Like,
            b"comment" => Self::Comment,
            b"share" => Self::Share,
            b"save" => Self::Save,
            b"click" => Self::Click,
            b"follow" => Self::Follow,
            b"referral_view" => Self::ReferralView,
            _ => return None,
        })
    }

    /// The column of daily aggregates that holds its figure.
    pub fn figure(self) -> &'static str {
        match self {
            Self::Impression => "impressions",
            Self::View => "views",
            Self::View2s => "views_2s",
            Self::View3s => "views_3s",
            Self::View6s => "views_6s",
            Self::View15s => "views_15s",
            Self::View25 => "views_25",
            Self::View50 => "views_50",
            Self::View75 => "views_75",
            Self::View100 => "views_100",
            Self::WatchSeconds => "watch_seconds",
            Self::Like => "likes",
            Self::Comment => "comments",
            Self::Share => "shares",
            Self::Save => "saves",
            Self::Click => "clicks",
            Self::Follow => "follows",
            Self::ReferralView => "referral_views",
        }
    }
}

/// The columns of raw events.
pub fn raw_fields() -> Vec<Field> {
    vec![
        text("variant_id", false),
        text("platform", true),
        Field::new("ts", DataType::Timestamp(TimeUnit::Microsecond, None), true),
        text("event", false),
        text("viewer_id", true),
        float("value", true),
    ]
}

/// The columns of daily aggregates. A figure that the platform did not report is NULL, not 0.
pub fn daily_fields() -> Vec<Field> {
    let keys = vec![
        text("variant_id", false),
        text("platform", true),
        Field::new("day", DataType::Date32, true),
    ];
    let viewers = vec![distinct("audience_reach"), distinct("new_viewers"), int("followers", true)];
    [keys, figure_fields(), viewers].concat()
}

/// A column for each kind of event.
pub fn figure_fields() -> Vec<Field> {
    let field = |kind: EventKind| match kind {
        EventKind::WatchSeconds => float(kind.figure(), true),
        _ => int(kind.figure(), true),
    };
    EventKind::ALL.into_iter().map(field).collect()
}

/// Key of a field's metadata; `false`: the column is no sum of its parts, and is not to be summed.
pub const ADDITIVE: &str = "clipflow.additive";

/// A count of distinct viewers.
fn distinct(name: &str) -> Field {
    int(name, true).with_metadata([(ADDITIVE.to_owned(), "false".to_owned())].into())
}

/// The columns that a roll-up of raw events adds to its keys.
///
/// A figure whose event occurs nowhere in the input is NULL: it is not tracked there, which is not 0.
pub fn rolled_fields() -> Vec<Field> {
    let viewers = vec![
        distinct("audience_reach"),
        int("first_views", true),
        int("first_completions", true),
        distinct("new_viewers"),
        int("other_events", false),
    ];
    [figure_fields(), viewers].concat()
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
