//! Table functions: `clips('results')`, `shots('talk.mp4')`, `platforms()`.

mod call;
pub(super) mod descriptions;
mod reference;
mod results;
mod trace;
mod video;

use std::sync::Arc;

use datafusion::prelude::SessionContext;

use super::sql::VIEWS;
use crate::model::table::TABLES;
pub(crate) use call::{external, texts, wait};
use results::ResultsFunction;
pub(crate) use results::share_store;
use trace::SpansFunction;
use video::VideoFunction;

/// Give a session the table functions. What they depend on beside their arguments are its
/// [`SessionSettings`](super::settings::SessionSettings).
pub(super) fn register(ctx: &SessionContext) {
    for (name, function) in reference::all() {
        ctx.register_udtf(name, Arc::new(function));
    }
    ctx.register_udtf(SpansFunction::NAME, Arc::new(SpansFunction));
    let tables = TABLES.iter().map(|table| table.name).chain(VIEWS.iter().map(|view| view.0));
    for name in tables {
        ctx.register_udtf(name, Arc::new(ResultsFunction::new(name)));
    }
    // Last, in place of those of the same name: they take a folder of results too.
    for (name, function) in VideoFunction::all() {
        ctx.register_udtf(name, Arc::new(function));
    }
}
