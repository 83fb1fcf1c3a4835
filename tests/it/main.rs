//! One binary for all integration tests: each further one would link the query engine again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod analytics;
mod analyze;
mod backends;
mod bench;
mod beside;
mod caching;
mod captions;
mod cli;
mod dependencies;
mod docs;
mod embed;
mod encoding;
mod first_contact;
mod forget;
mod functions;
mod grid;
mod inputs;
mod inputs_wrong;
mod layers;
mod media_relations;
mod objects;
mod own_parts;
mod performance;
#[cfg(feature = "polars")]
mod polars;
mod processors;
mod public_api;
mod questions;
mod reframe;
mod render;
mod render_edits;
mod requests;
mod runs;
mod settings;
mod shards;
mod smart_cut;
mod sources;
mod sql;
mod stopping;
mod support;
mod tables;
mod text_model;
mod training;
mod variant_rules;
mod variants;
