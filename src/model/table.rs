//! The list of tables in a results dataset.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};

use super::column::{columns, fields_of};
use super::{
    Candidate, Clip, Column, Cue, Edit, Face, Outcome, Rendition, RunStat, Shot, Signal,
    SourceInfo, Variant, VideoClipRequest,
};

/// A table of a results dataset.
#[derive(Debug)]
pub struct Table {
    /// Name in SQL and of its folder.
    pub name: &'static str,
    /// The columns that name a row.
    pub key: &'static [&'static str],
    /// The column by which a later run replaces rows: its own key or its owner's.
    pub owner: &'static str,
    /// Whether columns that clipflow does not know follow the known ones.
    pub carries_extra: bool,
    columns: fn() -> Vec<Column>,
}

impl Table {
    /// The known columns, in order.
    pub fn columns(&self) -> Vec<Column> {
        (self.columns)()
    }

    /// The known columns as Arrow describes them.
    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(fields_of(&self.columns())))
    }

    /// The columns of files, `found`, and behind them the known ones that these lack, which are NULL there:
    /// an earlier version may have written them.
    pub fn completed(&self, found: &Schema) -> SchemaRef {
        let known = fields_of(&self.columns()).into_iter();
        let lacking = known.filter(|f| found.field_with_name(f.name()).is_err());
        let lacking = lacking.map(|f| Arc::new(f.with_nullable(true)));
        let fields: Vec<_> = found.fields().iter().cloned().chain(lacking).collect();
        Arc::new(Schema::new(fields))
    }

    /// The table with this name.
    pub fn find(name: &str) -> Option<&'static Table> {
        TABLES.iter().find(|t| t.name == name)
    }
}

/// Every table a run writes, in the order of the dataflow.
pub const TABLES: &[Table] = &[
    Table {
        name: "requests",
        key: &["request_id"],
        owner: "request_id",
        carries_extra: true,
        columns: requests,
    },
    Table {
        name: "outcomes",
        key: &["request_id"],
        owner: "request_id",
        carries_extra: true,
        columns: || Outcome::COLUMNS.to_vec(),
    },
    Table {
        name: "sources",
        key: &["source_id"],
        owner: "source_id",
        carries_extra: false,
        columns: sources,
    },
    Table {
        name: "signals",
        key: &["source_id", "t"],
        owner: "source_id",
        carries_extra: false,
        columns: || of_source(Signal::COLUMNS),
    },
    Table {
        name: "shots",
        key: &["source_id", "shot_id"],
        owner: "source_id",
        carries_extra: false,
        columns: || of_source(Shot::COLUMNS),
    },
    Table {
        name: "cues",
        key: &["source_id", "cue_id"],
        owner: "source_id",
        carries_extra: false,
        columns: || of_source(Cue::COLUMNS),
    },
    Table {
        name: "faces",
        key: &["source_id", "t", "track"],
        owner: "source_id",
        carries_extra: false,
        columns: || of_source(Face::COLUMNS),
    },
    Table {
        name: "candidates",
        key: &["request_id", "candidate_id"],
        owner: "request_id",
        carries_extra: false,
        columns: candidates,
    },
    Table {
        name: "clips",
        key: &["clip_id"],
        owner: "request_id",
        carries_extra: false,
        columns: || Clip::COLUMNS.to_vec(),
    },
    Table {
        name: "variants",
        key: &["variant_id"],
        owner: "request_id",
        carries_extra: false,
        columns: variants,
    },
    Table {
        name: "renditions",
        key: &["rendition_id"],
        owner: "request_id",
        carries_extra: false,
        columns: renditions,
    },
    Table {
        name: "run_stats",
        key: &["run_id", "metric", "labels"],
        owner: "run_id",
        carries_extra: false,
        columns: || RunStat::COLUMNS.to_vec(),
    },
];

const REQUEST_ID: &[Column] = columns! {
    /// The request.
    request_id: String,
};

const SOURCE_ID: &[Column] = columns! {
    /// The source: a stable id of its place and content.
    source_id: String,
};

const CLIP_ID: &[Column] = columns! {
    /// The clip.
    clip_id: String,
};

fn of_source(columns: &[Column]) -> Vec<Column> {
    [SOURCE_ID, columns].concat()
}

fn requests() -> Vec<Column> {
    const PLACE: &[Column] = columns! {
        /// Number of the row in its file, counted from 1.
        row: i64,
        /// The source as one absolute path or URL; NULL without one.
        location: Option<String>,
        /// The file or folder of requests that it came from; NULL for rows without one.
        request_file: Option<String>,
        /// The language that the row, its audience or the run names; NULL: none does, and clips go by the captions'
        /// own (`sources.language`) where there is one.
        asked_language: Option<String>,
    };
    [VideoClipRequest::COLUMNS, PLACE].concat()
}

fn sources() -> Vec<Column> {
    const PLACE: &[Column] = columns! {
        /// One absolute path or URL.
        location: String,
        /// What tells whether it has changed: its strong `ETag`, else time and size, else its hash.
        validator: String,
    };
    [SOURCE_ID, PLACE, SourceInfo::COLUMNS].concat()
}

fn candidates() -> Vec<Column> {
    [REQUEST_ID, SOURCE_ID, Candidate::COLUMNS].concat()
}

/// The columns of the table `variants`: ids, the edit's columns among the variant's own, and why it has no
/// file that was to have one.
pub fn variants() -> Vec<Column> {
    const VARIANT_ID: &[Column] = columns! {
        /// Stable id of clip, platform and edit.
        variant_id: String,
    };
    const EXPERIMENT_ID: &[Column] = columns! {
        /// The experiment that the request belongs to.
        experiment_id: Option<String>,
    };
    const FAULT: &[Column] = columns! {
        /// Why it has no file that was to have one; NULL otherwise.
        error_code: Option<String>,
        /// What happened and what to do; NULL when all went well.
        error_message: Option<String>,
    };
    let ids = [VARIANT_ID, CLIP_ID, REQUEST_ID, SOURCE_ID, EXPERIMENT_ID].concat();
    // The edit's columns stand among the variant's own.
    let own = Variant::COLUMNS.iter().flat_map(|column| match column.name {
        "edit" => Edit::COLUMNS,
        _ => std::slice::from_ref(column),
    });
    ids.into_iter().chain(own.copied()).chain(FAULT.iter().copied()).collect()
}

fn renditions() -> Vec<Column> {
    const OWNER: &[Column] = columns! {
        /// Stable id of clip, platform and edit; NULL for a plain clip.
        variant_id: Option<String>,
    };
    const URI: &[Column] = columns! {
        /// The file, relative to the dataset's folder.
        uri: String,
    };
    const BESIDE: &[Column] = columns! {
        /// Its captions in a file beside it; NULL without.
        captions_uri: Option<String>,
        /// The still beside it; NULL without.
        thumbnail_uri: Option<String>,
    };
    // What lies beside a file has a URI of its own.
    let facts = Rendition::COLUMNS.iter().filter(|c| !["sidecar", "thumbnail"].contains(&c.name));
    let facts: Vec<Column> = facts.copied().collect();
    let (id, facts) = facts.split_at(1);
    [id, CLIP_ID, OWNER, REQUEST_ID, URI, facts, BESIDE].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_column_stands_twice_and_each_says_what_it_is() {
        for table in TABLES {
            let columns = table.columns();
            let mut names: Vec<_> = columns.iter().map(|column| column.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), columns.len(), "{}", table.name);
            for column in columns {
                assert!(column.description().ends_with('.'), "{}.{}", table.name, column.name);
                assert!(!column.description().contains("[`"), "{}.{}", table.name, column.name);
            }
        }
    }
}
