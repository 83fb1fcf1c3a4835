//! Emits the counts as rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datafusion::error::Result;

use super::tally::SharedTally;
use crate::kernels::tally::{Codes, Counts, Part};
use crate::model::event::EventKind;

/// Bytes of the code and class of a key in a tuple.
const CODE: usize = 9;

/// What is emitted.
#[derive(Debug, Clone)]
pub(super) struct Output {
    pub(super) schema: SchemaRef,
    /// The columns: numbers of keys, then those of the counts.
    pub(super) wanted: Arc<[usize]>,
    pub(super) batch_size: usize,
}

/// A group: its first key's code and class, the number of the others, and its counts.
type Group<'a> = ((u64, u8, u32), Counts<'a>);

/// The groups of `part` as batches.
pub(super) fn batches(
    part: &Part,
    table: &SharedTally,
    output: &Output,
) -> Result<Vec<RecordBatch>> {
    let mut groups = part.iter();
    let mut batches = vec![];
    loop {
        let rows: Vec<Group<'_>> = groups.by_ref().take(output.batch_size.max(1)).collect();
        if rows.is_empty() {
            return Ok(batches);
        }
        batches.push(batch(&rows, table, output)?);
    }
}

fn batch(rows: &[Group<'_>], table: &SharedTally, output: &Output) -> Result<RecordBatch> {
    let keys = keys(rows, table);
    let column = |number: &usize| match keys.get(*number).zip(table.keys.get(*number)) {
        Some((codes, key)) => Ok(key.decode(codes)?),
        None => Ok(figure(number - keys.len(), rows, table)),
    };
    let columns = output.wanted.iter().map(column).collect::<Result<Vec<ArrayRef>>>()?;
    // A query that counts groups reads no column.
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(&output.schema), columns, &options)?)
}

/// The codes of the keys, column by column.
fn keys(rows: &[Group<'_>], table: &SharedTally) -> Vec<Codes> {
    let mut keys = vec![Codes::default(); table.keys.len()];
    for ((value, class, rest), _) in rows {
        let bytes = if keys.len() > 1 { table.rest.text(*rest) } else { None };
        let others = bytes.iter().flat_map(|b| b.chunks_exact(CODE));
        let others = others.filter_map(|code| {
            let (class, value) = code.split_first()?;
            Some((*class, u64::from_le_bytes(value.try_into().ok()?)))
        });
        for (codes, (class, value)) in
            keys.iter_mut().zip(std::iter::once((*class, *value)).chain(others))
        {
            codes.classes.push(class);
            codes.values.push(value);
        }
    }
    keys
}

/// The count of that number.
fn figure(number: usize, rows: &[Group<'_>], table: &SharedTally) -> ArrayRef {
    let Some(kind) = EventKind::ALL.get(number).copied() else {
        let of = |(_, counts): &Group<'_>| viewers(number - EventKind::ALL.len(), counts, table);
        return Arc::new(rows.iter().map(of).collect::<Int64Array>());
    };
    let has_seen = table.has_seen(kind);
    if kind == EventKind::WatchSeconds {
        let seconds = rows.iter().map(|(_, counts)| has_seen.then_some(counts.seconds));
        return Arc::new(seconds.collect::<Float64Array>());
    }
    let events = rows.iter().map(|(_, counts)| has_seen.then_some(counts.events(kind) as i64));
    Arc::new(events.collect::<Int64Array>())
}

/// The count of that number among those after the kinds: reach, first views, first completions, new
/// viewers, anonymous views and completions, other events.
fn viewers(number: usize, counts: &Counts<'_>, table: &SharedTally) -> Option<i64> {
    let tracked = |kind: EventKind, count: u64| table.has_seen(kind).then_some(count as i64);
    let known = |count: Option<i64>| count.filter(|_| counts.knows_viewers());
    match number {
        0 => known(Some(counts.reach() as i64)),
        1 => known(tracked(EventKind::View, counts.first_views())),
        2 => known(tracked(EventKind::View100, counts.first_completions()))
            .filter(|_| table.has_seen(EventKind::View)),
        3 => known(tracked(EventKind::ReferralView, counts.new_viewers())),
        4 => tracked(EventKind::View, counts.anonymous_views()),
        5 => tracked(EventKind::View100, counts.anonymous_completions()),
        _ => Some(counts.other() as i64),
    }
}
