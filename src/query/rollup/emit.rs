//! Emits the counts as rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Builder, Int64Builder, RecordBatch};
use arrow::datatypes::SchemaRef;
use datafusion::error::Result;

use super::tally::SharedTally;
use crate::kernels::tally::{Codes, Counts, Part};
use crate::model::event::EventKind;

/// Bytes of the code and class of a key in a tuple.
const CODE: usize = 9;

/// The groups of `part` as batches of at most `batch_size` rows.
pub(super) fn batches(
    part: &Part,
    table: &SharedTally,
    schema: &SchemaRef,
    batch_size: usize,
) -> Result<Vec<RecordBatch>> {
    let mut batches = vec![];
    let mut rows = Rows::new(table);
    for (key, counts) in part.iter() {
        rows.push(key, &counts, table);
        if rows.len == batch_size {
            batches.push(rows.finish(table, schema)?);
            rows = Rows::new(table);
        }
    }
    if rows.len > 0 {
        batches.push(rows.finish(table, schema)?);
    }
    Ok(batches)
}

struct Rows {
    len: usize,
    keys: Vec<Codes>,
    figures: Vec<Int64Builder>,
    seconds: Float64Builder,
    /// Reach, first views, first completions, new viewers, anonymous views and completions, other events.
    viewers: [Int64Builder; 7],
}

impl Rows {
    fn new(table: &SharedTally) -> Self {
        Self {
            len: 0,
            keys: vec![Codes::default(); table.keys.len()],
            figures: EventKind::ALL.iter().map(|_| Int64Builder::new()).collect(),
            seconds: Float64Builder::new(),
            viewers: std::array::from_fn(|_| Int64Builder::new()),
        }
    }

    fn push(&mut self, key: (u64, u8, u32), counts: &Counts<'_>, table: &SharedTally) {
        let (value, class, rest) = key;
        let bytes = if self.keys.len() > 1 { table.rest.text(rest) } else { None };
        let others = bytes.iter().flat_map(|b| b.chunks_exact(CODE));
        let others = others.filter_map(|code| {
            let (class, value) = code.split_first()?;
            Some((*class, u64::from_le_bytes(value.try_into().ok()?)))
        });
        for (codes, (class, value)) in
            self.keys.iter_mut().zip(std::iter::once((class, value)).chain(others))
        {
            codes.classes.push(class);
            codes.values.push(value);
        }
        for (figure, kind) in self.figures.iter_mut().zip(EventKind::ALL) {
            let count = counts.events(kind) as i64;
            figure.append_option(table.has_seen(kind).then_some(count));
        }
        let has_seconds = table.has_seen(EventKind::WatchSeconds);
        self.seconds.append_option(has_seconds.then_some(counts.seconds));
        let knows_viewers = counts.reach() > 0;
        let of = |kind: EventKind, count: u64| {
            (knows_viewers && table.has_seen(kind)).then_some(count as i64)
        };
        let tracked = |kind: EventKind, count: u64| table.has_seen(kind).then_some(count as i64);
        let [reach, views, completions, new, unknown_views, unknown_completions, other] =
            &mut self.viewers;
        reach.append_option(knows_viewers.then(|| counts.reach() as i64));
        views.append_option(of(EventKind::View, counts.first_views()));
        let ended = of(EventKind::View100, counts.first_completions());
        completions.append_option(ended.filter(|_| table.has_seen(EventKind::View)));
        new.append_option(of(EventKind::ReferralView, counts.new_viewers()));
        unknown_views.append_option(tracked(EventKind::View, counts.anonymous_views()));
        let completions = tracked(EventKind::View100, counts.anonymous_completions());
        unknown_completions.append_option(completions);
        other.append_value(counts.other() as i64);
        self.len += 1;
    }

    fn finish(mut self, table: &SharedTally, schema: &SchemaRef) -> Result<RecordBatch> {
        let keys = self.keys.iter().zip(&table.keys).map(|(codes, key)| key.decode(codes));
        let mut columns = keys.collect::<Result<Vec<ArrayRef>, _>>()?;
        for (mut figure, kind) in self.figures.into_iter().zip(EventKind::ALL) {
            columns.push(match kind {
                EventKind::WatchSeconds => Arc::new(self.seconds.finish()),
                _ => Arc::new(figure.finish()),
            });
        }
        for mut viewers in self.viewers {
            columns.push(Arc::new(viewers.finish()));
        }
        Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
    }
}
