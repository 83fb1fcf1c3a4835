//! The columns of the platforms' exports.

use std::fmt;

/// Whose export a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Export {
    /// YouTube Studio's table, or reports of the YouTube Analytics API.
    Youtube,
    /// TikTok Studio's or Business Suite's table of videos.
    Tiktok,
    /// Instagram Insights from Meta Business Suite.
    Instagram,
}

/// How a cell becomes a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Figure {
    /// It is the count.
    Count,
    /// It is a number of other units.
    Times(f64),
    /// It is a share of the row's views.
    ShareOfViews,
    /// It is the mean number of seconds of a view.
    SecondsOfView,
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count => f.write_str("a count"),
            Self::Times(factor) if (factor - 1.0).abs() < f64::EPSILON => f.write_str("seconds"),
            Self::Times(factor) => write!(f, "a number, times {factor}"),
            Self::ShareOfViews => f.write_str("a share, times views, rounded"),
            Self::SecondsOfView => f.write_str("seconds of a view, times views"),
        }
    }
}

/// Where a figure is found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    pub(super) figure: &'static str,
    pub(super) of: Figure,
    /// Headers in plain form ([`plain`]), the best first.
    pub(super) headers: &'static [&'static str],
}

/// What an export looks like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Headers of the content's id.
    pub(super) content: &'static [&'static str],
    /// Headers of the day.
    pub(super) day: &'static [&'static str],
    figures: &'static [Reading],
}

impl Shape {
    /// Views first: others are worked out from them. Then in order of the columns of events.
    pub(super) fn readings(&self) -> &'static [Reading] {
        self.figures
    }
}

const fn count(figure: &'static str, headers: &'static [&'static str]) -> Reading {
    Reading { figure, of: Figure::Count, headers }
}

const fn times(figure: &'static str, factor: f64, headers: &'static [&'static str]) -> Reading {
    Reading { figure, of: Figure::Times(factor), headers }
}

const fn worked_out(figure: &'static str, of: Figure, headers: &'static [&'static str]) -> Reading {
    Reading { figure, of, headers }
}

const YOUTUBE: Shape = Shape {
    content: &["content", "video", "video id", "content id"],
    day: &["date", "day"],
    figures: &[
        count("views", &["views"]),
        count(
            "impressions",
            &["impressions", "videothumbnailimpressions", "thumbnail impressions"],
        ),
        times("watch_seconds", 3600.0, &["watch time hours"]),
        times("watch_seconds", 60.0, &["estimatedminuteswatched", "watch time minutes"]),
        worked_out(
            "watch_seconds",
            Figure::SecondsOfView,
            &["average view duration", "averageviewduration"],
        ),
        count("likes", &["likes"]),
        count("comments", &["comments added", "comments"]),
        count("shares", &["shares"]),
        count(
            "saves",
            &["videos added to playlists", "videosaddedtoplaylists", "added to playlists"],
        ),
        count("clicks", &["card clicks", "end screen element clicks", "cardclicks"]),
        count("follows", &["subscribers gained", "subscribersgained"]),
        count("audience_reach", &["unique viewers", "uniqueviewers"]),
    ],
};

const TIKTOK: Shape = Shape {
    content: &["video id", "post id", "item id", "content id", "video link", "link", "post url"],
    day: &["date", "day"],
    figures: &[
        count("views", &["video views", "views", "total views", "plays", "total plays"]),
        worked_out(
            "views_100",
            Figure::ShareOfViews,
            &["watched full video", "full video watched rate", "watched full video rate"],
        ),
        times(
            "watch_seconds",
            1.0,
            &["total play time", "total watch time", "total play time s", "total watch time s"],
        ),
        worked_out(
            "watch_seconds",
            Figure::SecondsOfView,
            &["average watch time", "average watch time s", "avg watch time"],
        ),
        count("likes", &["likes", "total likes"]),
        count("comments", &["comments", "total comments"]),
        count("shares", &["shares", "total shares"]),
        count("saves", &["saves", "favorites", "favourites", "total saves", "collects"]),
        count("follows", &["new followers", "followers gained"]),
        count("audience_reach", &["reach", "reached audience", "total reach", "unique viewers"]),
    ],
};

const INSTAGRAM: Shape = Shape {
    content: &["post id", "media id", "content id", "permalink"],
    day: &["date", "day"],
    figures: &[
        count("views", &["views", "plays", "video views"]),
        count("impressions", &["impressions"]),
        times(
            "watch_seconds",
            1.0,
            &["watch time", "watch time seconds", "total watch time seconds"],
        ),
        worked_out(
            "watch_seconds",
            Figure::SecondsOfView,
            &["average watch time", "average seconds viewed"],
        ),
        count("likes", &["likes"]),
        count("comments", &["comments"]),
        count("shares", &["shares"]),
        count("saves", &["saves", "saved"]),
        count("clicks", &["link clicks", "website taps"]),
        count("follows", &["follows"]),
        count("audience_reach", &["reach", "accounts reached"]),
    ],
};

impl Export {
    /// Every platform whose export is known.
    pub const ALL: [Export; 3] = [Self::Youtube, Self::Tiktok, Self::Instagram];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Youtube => "youtube",
            Self::Tiktok => "tiktok",
            Self::Instagram => "instagram",
        }
    }

    /// The export of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|export| export.as_str() == name)
    }

    /// The platform as `variants` name it: what is exported are short videos.
    pub(super) fn platform(self) -> &'static str {
        match self {
            Self::Youtube => "shorts",
            Self::Tiktok => "tiktok",
            Self::Instagram => "reels",
        }
    }

    pub(super) fn shape(self) -> Shape {
        match self {
            Self::Youtube => YOUTUBE,
            Self::Tiktok => TIKTOK,
            Self::Instagram => INSTAGRAM,
        }
    }
}

/// A header without its case and signs: `Watch time (hours)` is `watch time hours`.
pub(super) fn plain(header: &str) -> String {
    let letters = header.trim_start_matches('\u{feff}').chars();
    let spaced: String =
        letters.map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}
