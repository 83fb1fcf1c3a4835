//! Hints about valid request rows: parts of profiles and columns that are not read.

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::DataType;

use crate::error::Result;
use crate::model::AudienceProfile;
use crate::model::{VideoClipRequest, audience};
use crate::query::rows::text_column;

/// How alike the name of a column must be to that of one that is known, from 0 to 1.
const ALIKE: f64 = 0.78;

/// Collects hints while rows pass.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// Of profiles with an unknown part: how many, and the request and the part of the first one.
    unread: Option<(u64, String, String)>,
}

impl Hints {
    /// Read some rows of checked requests.
    pub(super) fn read(&mut self, rows: &RecordBatch) -> Result<()> {
        let profiles = text_column(rows, "audience_profile")?;
        if profiles.null_count() == profiles.len() {
            return Ok(());
        }
        let (ids, codes) = (text_column(rows, "request_id")?, text_column(rows, "error_code")?);
        let valid = profiles.iter().enumerate().filter(|(i, _)| codes.is_null(*i));
        for (i, profile) in valid.filter_map(|(i, profile)| Some((i, profile?))) {
            if let Some(part) = AudienceProfile::unread(profile).into_iter().next() {
                let first = || (0, ids.value(i).to_owned(), part);
                self.unread.get_or_insert_with(first).0 += 1;
            }
        }
        Ok(())
    }

    /// The hint, if there is one.
    pub(super) fn sentence(self) -> Option<String> {
        let (rows, request, part) = self.unread?;
        let more = match rows {
            1 => String::new(),
            rows => format!(" (and of {} more)", rows - 1),
        };
        Some(format!(
            "audience_profile of request {request}{more} has a part {part}, which is not read; its parts are {}",
            audience::known_parts()
        ))
    }
}

/// Hints about columns whose names are nearly those of known columns that are missing.
pub(super) fn near_columns(files: &[Vec<(String, DataType)>]) -> Vec<String> {
    let known: Vec<String> = VideoClipRequest::fields().iter().map(|f| f.name().clone()).collect();
    let mut names: Vec<&str> = vec![];
    for (name, _) in files.iter().flatten() {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let is_there = |name: &str| names.iter().any(|n| n.eq_ignore_ascii_case(name));
    let own = |name: &&&str| {
        !known.iter().any(|k| k.eq_ignore_ascii_case(name))
            && !name.eq_ignore_ascii_case("youtube_url")
    };
    let note = |name: &&str| {
        let lower = name.to_lowercase().replace([' ', '-'], "_");
        let likeness = |k: &String| strsim::normalized_damerau_levenshtein(&lower, k);
        let nearest = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
        (likeness(nearest) >= ALIKE && !is_there(nearest)).then(|| {
            format!("the column {name} is carried along and not read; did you mean {nearest}?")
        })
    };
    names.iter().filter(own).filter_map(note).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_that_is_nearly_known_is_told_if_the_known_one_is_missing() {
        let notes = |names: &[&str]| {
            let columns = names.iter().map(|n| ((*n).to_owned(), DataType::Utf8)).collect();
            near_columns(&[columns])
        };
        assert_eq!(
            notes(&["source_url", "max_clip_len", "campaign"]),
            [
                "the column max_clip_len is carried along and not read; did you mean max_clip_length?"
            ]
        );
        assert_eq!(notes(&["source_url", "Max Clips", "max-clip-length"]).len(), 2);
        let none: [String; 0] = [];
        assert_eq!(notes(&["source_url", "max_clip_len", "Max_Clip_Length"]), none);
        assert_eq!(notes(&["youtube_url", "clip", "status", "title", "id", "length"]), none);
    }
}
