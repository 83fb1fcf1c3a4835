//! The platforms that variants are shaped for: one data table, `platforms.csv`.

use std::sync::{Arc, OnceLock};

use arrow::array::RecordBatch;
use arrow::csv::ReaderBuilder;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde::Deserialize;

use crate::error::{Error, ErrorCode, Result};
use crate::kernels::text::TextLimits;
use crate::model::audience::platform_named;
use crate::model::edit::{CaptionStyle, SafeZone};

const TABLE: &str = include_str!("platforms.csv");

/// A platform.
#[derive(Debug, Clone, PartialEq)]
pub struct Platform {
    /// Its name in requests and tables.
    pub name: &'static str,
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

/// A row of the table.
#[derive(Deserialize)]
struct Row {
    platform: String,
    sizes: String,
    max_fps: f64,
    min_seconds: f64,
    max_seconds: f64,
    sweet_seconds: f64,
    safe_top: f64,
    safe_right: f64,
    safe_bottom: f64,
    safe_left: f64,
    loudness: f64,
    title_chars: i64,
    description_chars: i64,
    hashtags: i64,
    caption_styles: String,
    age_low: f64,
    age_high: f64,
    loops: bool,
}

/// The columns of the table of platforms.
pub fn schema() -> SchemaRef {
    let texts = ["platform", "sizes", "caption_styles", "note"];
    let whole = ["title_chars", "description_chars", "hashtags"];
    let header = TABLE.lines().next().unwrap_or_default();
    let field = |name: &str| {
        let kind = match name {
            name if texts.contains(&name) => DataType::Utf8,
            name if whole.contains(&name) => DataType::Int64,
            "loops" => DataType::Boolean,
            _ => DataType::Float64,
        };
        Field::new(name, kind, false)
    };
    Arc::new(Schema::new(header.split(',').map(field).collect::<Vec<_>>()))
}

/// The table of platforms.
///
/// # Errors
/// None in practice: it is part of the program, and a test reads it.
pub fn table() -> Result<RecordBatch> {
    let reader = ReaderBuilder::new(schema()).with_header(true).build(TABLE.as_bytes());
    let batch = reader.and_then(|mut rows| rows.next().transpose());
    batch.map_err(|e| damaged(&e))?.ok_or_else(|| damaged(&"it is empty"))
}

/// All platforms, in the order of the table.
///
/// # Errors
/// As [`table`].
pub fn all() -> Result<&'static [Platform]> {
    static PLATFORMS: OnceLock<Result<Vec<Platform>>> = OnceLock::new();
    let platforms = PLATFORMS.get_or_init(|| {
        let rows: Vec<Row> = serde_arrow::from_record_batch(&table()?).map_err(|e| damaged(&e))?;
        rows.into_iter().map(platform).collect()
    });
    let platforms = platforms.as_ref().map_err(|e| Error::new(e.code(), e.message().to_owned()))?;
    Ok(platforms)
}

/// The platforms of these names, in the order of the table; for no names all.
///
/// # Errors
/// `config.invalid` for a name that is none.
pub fn named<S: AsRef<str>>(names: &[S]) -> Result<Vec<&'static Platform>> {
    let all = all()?;
    for name in names.iter().map(AsRef::as_ref) {
        if platform_named(name).is_none() {
            let known: Vec<&str> = all.iter().map(|platform| platform.name).collect();
            return Err(Error::new(
                ErrorCode::ConfigInvalid,
                format!("there is no platform {name}; there are {}", known.join(", ")),
            ));
        }
    }
    let wanted = |platform: &&Platform| {
        names.is_empty() || names.iter().any(|n| platform_named(n.as_ref()) == Some(platform.name))
    };
    Ok(all.iter().filter(wanted).collect())
}

fn platform(row: Row) -> Result<Platform> {
    let side = |text: &str| text.parse::<i64>().map_err(|e| damaged(&e));
    let size = |text: &str| {
        let (width, height) = text.split_once('x').ok_or_else(|| damaged(&text))?;
        Ok((side(width)?, side(height)?))
    };
    let style = |text: &str| CaptionStyle::parse(text).ok_or_else(|| damaged(&text));
    let chars = |number: i64| usize::try_from(number).map_err(|e| damaged(&e));
    Ok(Platform {
        // Once for each row of a table that is part of the program.
        name: Box::leak(row.platform.into_boxed_str()),
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
        let all = all().unwrap();
        let names: Vec<&str> = all.iter().map(|platform| platform.name).collect();
        assert_eq!(names, crate::model::audience::PLATFORMS);
        for platform in all {
            for (width, height) in &platform.sizes {
                assert_eq!((width % 2, height % 2), (0, 0), "{}", platform.name);
                let aspect = *width as f64 / *height as f64;
                assert!((aspect / platform.aspect() - 1.0).abs() < 0.01, "{}", platform.name);
            }
            assert!(platform.sizes.is_sorted_by(|a, b| a.0 > b.0));
            assert!(platform.min_seconds < platform.sweet_seconds);
            assert!(platform.sweet_seconds < platform.max_seconds);
        }
    }

    #[test]
    fn platforms_go_by_their_names() {
        let names = |wanted: &[&str]| -> Vec<&str> {
            named(wanted).unwrap().iter().map(|p| p.name).collect()
        };
        assert_eq!(names(&["YouTube", "tiktok"]), ["tiktok", "shorts"]);
        assert_eq!(names(&[]).len(), 6);
        let error = named(&["myspace"]).unwrap_err();
        assert!(
            error.message().starts_with("there is no platform myspace; there are tiktok,"),
            "{error}"
        );
    }
}
