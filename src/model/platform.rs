//! The platforms that variants are shaped for, read from one table (`platforms.csv`).

use std::sync::{Arc, OnceLock};

use arrow::array::RecordBatch;
use arrow::csv::ReaderBuilder;
use arrow::datatypes::Schema;
use serde::{Deserialize, Serialize};

use super::column::table;
use super::edit::{CaptionStyle, SafeZone};
use crate::error::{Error, ErrorCode, Result};

/// The built-in table.
const TABLE: &str = include_str!("platforms.csv");

/// Other names that platforms go by in requests.
const OTHER_NAMES: [(&str, &str); 9] = [
    ("youtube", "shorts"),
    ("youtube_shorts", "shorts"),
    ("youtube shorts", "shorts"),
    ("instagram", "reels"),
    ("instagram_reels", "reels"),
    ("instagram reels", "reels"),
    ("twitter", "x"),
    ("facebook", "feed"),
    ("square", "feed"),
];

/// Largest lengths of texts in grapheme clusters, and the largest number of hashtags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TextLimits {
    /// Length of the title and of the hook.
    pub title_chars: usize,
    /// Length of the description.
    pub description_chars: usize,
    /// Number of hashtags.
    pub hashtags: usize,
}

impl Default for TextLimits {
    /// Limits that every large platform accepts.
    fn default() -> Self {
        Self { title_chars: 100, description_chars: 500, hashtags: 5 }
    }
}

/// A platform.
#[derive(Debug, Clone, PartialEq)]
pub struct Platform {
    /// Its name in requests and tables.
    pub name: String,
    /// Sizes in pixels, largest first, all of one shape.
    pub sizes: Vec<(i64, i64)>,
    /// Most frames a second.
    pub max_fps: f64,
    /// Shortest variant, in seconds.
    pub min_seconds: f64,
    /// Longest variant, in seconds.
    pub max_seconds: f64,
    /// Length that does best, in seconds.
    pub sweet_seconds: f64,
    /// Where its interface covers the picture.
    pub safe_zone: SafeZone,
    /// Loudness it plays at, in LUFS.
    pub loudness: f64,
    /// Lengths of texts.
    pub limits: TextLimits,
    /// Caption styles that suit it, best first.
    pub caption_styles: Vec<CaptionStyle>,
    /// Youngest and oldest of most of its viewers, in years.
    pub ages: (f64, f64),
    /// Whether it plays a video again and again: the last frame is then followed by the first.
    pub loops: bool,
}

impl Platform {
    /// Width by height.
    pub fn aspect(&self) -> f64 {
        self.sizes.first().map_or(1.0, |(width, height)| *width as f64 / *height as f64)
    }
}

table! {
    /// A row of the table of platforms, which `platforms()` gives in SQL.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct PlatformRow {
        /// Name of the platform.
        pub platform: String,
        /// Sizes in pixels, largest first, `WIDTHxHEIGHT` with `|` between.
        pub sizes: String,
        /// Most frames a second.
        pub max_fps: f64,
        /// Shortest variant, in seconds.
        pub min_seconds: f64,
        /// Longest variant, in seconds.
        pub max_seconds: f64,
        /// Length that does best, in seconds.
        pub sweet_seconds: f64,
        /// Share of the height from the top that its interface covers.
        pub safe_top: f64,
        /// Share of the width from the right that its interface covers.
        pub safe_right: f64,
        /// Share of the height from the bottom that its interface covers.
        pub safe_bottom: f64,
        /// Share of the width from the left that its interface covers.
        pub safe_left: f64,
        /// Loudness it plays at, in LUFS.
        pub loudness: f64,
        /// Longest title, in grapheme clusters.
        pub title_chars: i64,
        /// Longest description, in grapheme clusters.
        pub description_chars: i64,
        /// Most hashtags.
        pub hashtags: i64,
        /// Caption styles that suit it, best first, with `|` between.
        pub caption_styles: String,
        /// Youngest of most of its viewers, in years.
        pub age_low: f64,
        /// Oldest of most of its viewers, in years.
        pub age_high: f64,
        /// Whether it plays a video again and again.
        pub loops: bool,
        /// Where the values come from.
        pub note: String,
    }
}

/// A table of platforms.
#[derive(Debug, Clone, PartialEq)]
pub struct Platforms {
    batch: RecordBatch,
    all: Vec<Platform>,
}

impl Platforms {
    /// The built-in platforms.
    ///
    /// # Errors
    /// None in practice: the table is part of the program, and a test reads it.
    pub fn built_in() -> Result<&'static Self> {
        static PLATFORMS: OnceLock<Result<Platforms>> = OnceLock::new();
        let platforms = PLATFORMS.get_or_init(|| Self::from_csv(TABLE));
        platforms.as_ref().map_err(|e| Error::new(e.code(), e.message().to_owned()))
    }

    /// The platforms of a CSV file with the columns of [`PlatformRow`], in order, and a header.
    ///
    /// # Errors
    /// `internal` if it is no such table.
    pub fn from_csv(csv: &str) -> Result<Self> {
        let schema = Arc::new(Schema::new(PlatformRow::fields()));
        let reader = ReaderBuilder::new(schema).with_header(true).build(csv.as_bytes());
        let batch = reader.and_then(|mut rows| rows.next().transpose());
        let batch = batch.map_err(|e| damaged(&e))?.ok_or_else(|| damaged(&"it is empty"))?;
        let rows: Vec<PlatformRow> =
            serde_arrow::from_record_batch(&batch).map_err(|e| damaged(&e))?;
        let all = rows.iter().map(platform).collect::<Result<_>>()?;
        Ok(Self { batch, all })
    }

    /// The table.
    pub fn table(&self) -> &RecordBatch {
        &self.batch
    }

    /// Every platform, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = &Platform> {
        self.all.iter()
    }

    /// Their names, for a sentence.
    pub fn names(&self) -> String {
        self.all.iter().map(|platform| platform.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The platform that goes by `name`, or by another name it is known under.
    ///
    /// ```
    /// use clipflow::model::Platforms;
    /// # fn main() -> clipflow::Result<()> {
    /// let platforms = Platforms::built_in()?;
    /// assert_eq!(platforms.find("YouTube").map(|platform| platform.name.as_str()), Some("shorts"));
    /// assert_eq!(platforms.find("myspace"), None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn find(&self, name: &str) -> Option<&Platform> {
        let name = name.trim().to_lowercase();
        let other = OTHER_NAMES.iter().find(|(other, _)| *other == name);
        let name = other.map_or(name.as_str(), |(_, name)| name);
        self.all.iter().find(|platform| platform.name == name)
    }

    /// The platforms of these names, in the order of the table; for no names all.
    ///
    /// # Errors
    /// `config.invalid` for a name that is none.
    pub fn named<S: AsRef<str>>(&self, names: &[S]) -> Result<Vec<&Platform>> {
        let find = |name: &S| {
            let name = name.as_ref();
            self.find(name).ok_or_else(|| {
                let message = format!("there is no platform {name}; there are {}", self.names());
                Error::new(ErrorCode::ConfigInvalid, message)
            })
        };
        let wanted = names.iter().map(find).collect::<Result<Vec<_>>>()?;
        let is_wanted = |platform: &&Platform| {
            names.is_empty() || wanted.iter().any(|other| std::ptr::eq(*other, *platform))
        };
        Ok(self.all.iter().filter(is_wanted).collect())
    }
}

fn platform(row: &PlatformRow) -> Result<Platform> {
    let side = |text: &str| text.parse::<i64>().map_err(|e| damaged(&e));
    let size = |text: &str| {
        let (width, height) = text.split_once('x').ok_or_else(|| damaged(&text))?;
        Ok((side(width)?, side(height)?))
    };
    let style = |text: &str| CaptionStyle::parse(text).ok_or_else(|| damaged(&text));
    let chars = |number: i64| usize::try_from(number).map_err(|e| damaged(&e));
    Ok(Platform {
        name: row.platform.clone(),
        sizes: row.sizes.split('|').map(size).collect::<Result<_>>()?,
        max_fps: row.max_fps,
        min_seconds: row.min_seconds,
        max_seconds: row.max_seconds,
        sweet_seconds: row.sweet_seconds,
        safe_zone: SafeZone {
            top: row.safe_top,
            right: row.safe_right,
            bottom: row.safe_bottom,
            left: row.safe_left,
        },
        loudness: row.loudness,
        limits: TextLimits {
            title_chars: chars(row.title_chars)?,
            description_chars: chars(row.description_chars)?,
            hashtags: chars(row.hashtags)?,
        },
        caption_styles: row.caption_styles.split('|').map(style).collect::<Result<_>>()?,
        ages: (row.age_low, row.age_high),
        loops: row.loops,
    })
}

fn damaged(what: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorCode::Internal, format!("the table of platforms cannot be read: {what}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_table_is_read_and_sizes_are_even_and_of_one_shape() {
        let platforms = Platforms::built_in().unwrap();
        assert_eq!(platforms.names(), "tiktok, shorts, reels, x, linkedin, feed");
        for platform in platforms.iter() {
            for (width, height) in &platform.sizes {
                assert_eq!((width % 2, height % 2), (0, 0), "{}", platform.name);
                let aspect = *width as f64 / *height as f64;
                assert!((aspect / platform.aspect() - 1.0).abs() < 0.01, "{}", platform.name);
            }
            assert!(platform.sizes.is_sorted_by(|a, b| a.0 > b.0));
            assert!(platform.min_seconds < platform.sweet_seconds);
            assert!(platform.sweet_seconds < platform.max_seconds);
        }
        for (_, name) in OTHER_NAMES {
            assert!(platforms.find(name).is_some(), "{name}");
        }
    }

    #[test]
    fn the_header_is_that_of_the_columns() {
        let columns: Vec<&str> = PlatformRow::COLUMNS.iter().map(|column| column.name).collect();
        assert_eq!(TABLE.lines().next(), Some(columns.join(",").as_str()));
    }

    #[test]
    fn platforms_go_by_their_names() {
        let platforms = Platforms::built_in().unwrap();
        let names = |wanted: &[&str]| -> Vec<&str> {
            platforms.named(wanted).unwrap().iter().map(|p| p.name.as_str()).collect()
        };
        assert_eq!(names(&["YouTube", "tiktok"]), ["tiktok", "shorts"]);
        assert_eq!(names(&[]).len(), 6);
        let error = platforms.named(&["myspace"]).unwrap_err();
        assert!(
            error.message().starts_with("there is no platform myspace; there are tiktok,"),
            "{error}"
        );
    }

    #[test]
    fn platforms_are_data() {
        let mut csv: Vec<String> = TABLE.lines().map(str::to_owned).collect();
        csv.truncate(2);
        csv[1] = csv[1].replacen("tiktok", "vimeo", 1);
        let platforms = Platforms::from_csv(&csv.join("\n")).unwrap();
        assert_eq!(platforms.named::<&str>(&[]).unwrap()[0].name, "vimeo");
        assert_eq!(platforms.find("youtube"), None);
        assert!(Platforms::from_csv("platform\n").is_err());
    }
}
