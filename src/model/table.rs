//! The list of tables in a results dataset.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};

use super::{
    candidate, clip, cue, int, outcome, rendition, request, shot, signal, source_info, text,
    variant,
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
    fields: fn() -> Vec<Field>,
}

impl Table {
    /// The known columns.
    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new((self.fields)()))
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
        fields: requests,
    },
    Table {
        name: "outcomes",
        key: &["request_id"],
        owner: "request_id",
        carries_extra: true,
        fields: outcome::fields,
    },
    Table {
        name: "sources",
        key: &["source_id"],
        owner: "source_id",
        carries_extra: false,
        fields: sources,
    },
    Table {
        name: "signals",
        key: &["source_id", "t"],
        owner: "source_id",
        carries_extra: false,
        fields: signals,
    },
    Table {
        name: "shots",
        key: &["source_id", "shot_id"],
        owner: "source_id",
        carries_extra: false,
        fields: shots,
    },
    Table {
        name: "cues",
        key: &["source_id", "cue_id"],
        owner: "source_id",
        carries_extra: false,
        fields: cues,
    },
    Table {
        name: "candidates",
        key: &["request_id", "candidate_id"],
        owner: "request_id",
        carries_extra: false,
        fields: candidates,
    },
    Table {
        name: "clips",
        key: &["clip_id"],
        owner: "request_id",
        carries_extra: false,
        fields: clip::fields,
    },
    Table {
        name: "variants",
        key: &["variant_id"],
        owner: "request_id",
        carries_extra: false,
        fields: variant::table_fields,
    },
    Table {
        name: "renditions",
        key: &["rendition_id"],
        owner: "request_id",
        carries_extra: false,
        fields: renditions,
    },
];

fn with_source(fields: Vec<Field>) -> Vec<Field> {
    [vec![text("source_id", false)], fields].concat()
}

fn requests() -> Vec<Field> {
    let place = vec![int("row", false), text("location", true)];
    [request::fields(), place].concat()
}

fn sources() -> Vec<Field> {
    let place = vec![text("source_id", false), text("location", false), text("validator", false)];
    [place, source_info::fields()].concat()
}

fn signals() -> Vec<Field> {
    with_source(signal::fields())
}

fn shots() -> Vec<Field> {
    with_source(shot::fields())
}

fn cues() -> Vec<Field> {
    with_source(cue::fields())
}

fn candidates() -> Vec<Field> {
    [vec![text("request_id", false), text("source_id", false)], candidate::fields()].concat()
}

fn renditions() -> Vec<Field> {
    let ids = ["rendition_id", "clip_id"].map(|name| text(name, false));
    let owner = [text("variant_id", true), text("request_id", false), text("uri", false)];
    // The file's own id is part of its uri; what lies beside it has one of its own.
    let facts = rendition::fields().into_iter().skip(1);
    let facts = facts.filter(|f| !["sidecar", "thumbnail"].contains(&f.name().as_str()));
    let beside = ["captions_uri", "thumbnail_uri"].map(|name| text(name, true));
    ids.into_iter().chain(owner).chain(facts).chain(beside).collect()
}
