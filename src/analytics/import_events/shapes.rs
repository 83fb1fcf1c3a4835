//! The columns of the platforms' exports, in the languages that people export them in.
//!
//! The headers are data (`sql/analytics/export_headers.csv`); what is not among them is named as ignored, and can be
//! mapped.

use std::fmt;
use std::sync::LazyLock;

/// Headers in plain form ([`plain`]), the best first: platform, language, column of events or key, how its cells are
/// read, header.
const HEADERS: &str = include_str!("../../../sql/analytics/export_headers.csv");

/// Whose export a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Export {
    /// YouTube Studio's table, or reports of the YouTube Analytics API.
    Youtube,
    /// TikTok Studio's or Business Suite's table of videos.
    Tiktok,
    /// Instagram Insights from Meta Business Suite.
    Instagram,
    /// Facebook's videos and reels from Meta Business Suite.
    Facebook,
    /// LinkedIn's posts of a page.
    Linkedin,
    /// Posts of X.
    X,
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
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub(super) figure: &'static str,
    pub(super) of: Figure,
    /// Headers in plain form ([`plain`]), the best first.
    pub(super) headers: Vec<&'static str>,
}

/// What an export looks like.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// Headers of the content's id.
    pub(super) content: Vec<&'static str>,
    /// Headers of the day.
    pub(super) day: Vec<&'static str>,
    /// Headers of the title.
    title: Vec<&'static str>,
    figures: Vec<Reading>,
}

impl Shape {
    /// In order of the table of headers: views first.
    pub(super) fn readings(&'static self) -> &'static [Reading] {
        &self.figures
    }

    fn add(&mut self, column: &'static str, read_as: &str, header: &'static str) {
        let of = match (read_as, column) {
            (_, "content_id") => return self.content.push(header),
            (_, "day") => return self.day.push(header),
            (_, "title") => return self.title.push(header),
            ("hours", _) => Figure::Times(3600.0),
            ("minutes", _) => Figure::Times(60.0),
            ("seconds", _) => Figure::Times(1.0),
            ("share_of_views", _) => Figure::ShareOfViews,
            ("seconds_of_view", _) => Figure::SecondsOfView,
            _ => Figure::Count,
        };
        match self.figures.iter_mut().find(|r| r.figure == column && r.of == of) {
            Some(reading) => reading.headers.push(header),
            None => self.figures.push(Reading { figure: column, of, headers: vec![header] }),
        }
    }
}

static SHAPES: LazyLock<[Shape; 6]> = LazyLock::new(|| {
    Export::ALL.map(|export| {
        let mut shape = Shape::default();
        for line in HEADERS.lines().skip(1) {
            let cells: Vec<&'static str> = line.split(',').collect();
            if let [platform, _, column, read_as, header] = cells.as_slice()
                && *platform == export.as_str()
            {
                shape.add(column, read_as, header);
            }
        }
        shape
    })
});

/// Headers of a title in any export.
pub(super) fn titles() -> Vec<&'static str> {
    SHAPES.iter().flat_map(|shape| shape.title.iter().copied()).collect()
}

impl Export {
    /// Every platform whose export is known.
    pub const ALL: [Export; 6] =
        [Self::Youtube, Self::Tiktok, Self::Instagram, Self::Facebook, Self::Linkedin, Self::X];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Youtube => "youtube",
            Self::Tiktok => "tiktok",
            Self::Instagram => "instagram",
            Self::Facebook => "facebook",
            Self::Linkedin => "linkedin",
            Self::X => "x",
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
            Self::Facebook => "feed",
            Self::Linkedin => "linkedin",
            Self::X => "x",
        }
    }

    pub(super) fn shape(self) -> &'static Shape {
        let [youtube, tiktok, instagram, facebook, linkedin, x] = &*SHAPES;
        match self {
            Self::Youtube => youtube,
            Self::Tiktok => tiktok,
            Self::Instagram => instagram,
            Self::Facebook => facebook,
            Self::Linkedin => linkedin,
            Self::X => x,
        }
    }
}

/// A header without its case and signs: `Watch time (hours)` is `watch time hours`.
pub(super) fn plain(header: &str) -> String {
    let letters = header.trim_start_matches('\u{feff}').chars();
    let spaced: String = letters.map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    // The small letter of the Turkish İ is written with a dot of its own.
    let lower = spaced.to_lowercase().replace('\u{307}', "");
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::event::daily_fields;

    #[test]
    fn headers_are_plain_of_known_columns_and_one_each() {
        let known: Vec<String> = daily_fields().iter().map(|f| f.name().clone()).collect();
        let mut seen = std::collections::HashSet::new();
        for line in HEADERS.lines().skip(1) {
            let cells: Vec<&str> = line.split(',').collect();
            let [platform, _, column, read_as, header] = cells.try_into().unwrap();
            assert!(Export::parse(platform).is_some(), "{line}");
            assert_eq!(plain(header), header, "{line}");
            assert!(seen.insert((platform, header)), "{line}");
            let is_key = ["content_id", "day", "title"].contains(&column);
            assert_eq!(is_key, read_as == "key", "{line}");
            assert!(is_key || known.iter().any(|name| name == column), "{line}");
        }
        assert_eq!(plain("Wiedergabezeit (Stunden)"), "wiedergabezeit stunden");
        assert_eq!(plain("ÜBER „Mag ich“"), "über mag ich");
    }
}
