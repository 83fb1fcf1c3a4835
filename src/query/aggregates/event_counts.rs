//! `event_counts(event, viewer_id, value)`: the events of a group by kind, as a struct.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Float64Array, Int64Array, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Float64Type};
use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;

use super::aggregate::{Aggregate, GroupStates};
use crate::kernels::tally::{ViewerSets, marks};
use crate::model::event::{EventKind, rolled_fields};
use crate::query::arguments::{About, Argument, ArgumentKind, FunctionArguments, section};
use crate::query::rollup::checked_seconds;

const KINDS: usize = EventKind::ALL.len();

/// Events by kind (0 without any), seconds watched, and distinct viewers (NULL without a known one): the
/// columns of a roll-up as a struct, for any GROUP BY. `rollup_events` is faster over many events.
pub(super) fn event_counts() -> Aggregate {
    Aggregate {
        name: "event_counts".to_owned(),
        arguments: FunctionArguments::new([
            Argument::new("event", ArgumentKind::Text, "Kind of the event, such as view or like"),
            Argument::new(
                "viewer_id",
                ArgumentKind::Any,
                "Who caused it, of any simple type; NULL: unknown",
            ),
            Argument::new("value", ArgumentKind::Number, "Seconds of watch_seconds; else NULL"),
        ]),
        about: About::new(
            section::EVENTS,
            "Raw events as counts by kind, seconds watched and exact distinct viewers: a struct with the columns of rollup_events, which is faster over many events.",
            "SELECT event_counts(e, v, NULL) FROM (VALUES ('view', 'u1'), ('like', 'u1')) AS t(e, v)",
        ),
        return_type: DataType::Struct(fields()),
        of: "",
        make: |types, _| {
            let viewers = types.get(1).cloned().unwrap_or(DataType::Utf8);
            Ok(Box::new(CountsByKind {
                counts: vec![],
                seconds: vec![],
                anonymous: vec![],
                viewers: ViewerSets::new(viewers),
            }))
        },
    }
}

fn fields() -> Fields {
    rolled_fields().into_iter().map(|f| Field::new(f.name(), f.data_type().clone(), true)).collect()
}

struct CountsByKind {
    /// For each group: events by kind, then events of unknown kinds.
    counts: Vec<[u64; KINDS + 1]>,
    seconds: Vec<f64>,
    /// Of each group its views and completions of unknown viewers.
    anonymous: Vec<[u64; 2]>,
    viewers: ViewerSets,
}

impl GroupStates for CountsByKind {
    fn resize(&mut self, groups: usize) -> Result<()> {
        self.counts.resize(groups.max(self.counts.len()), [0; KINDS + 1]);
        self.seconds.resize(self.counts.len(), 0.0);
        self.anonymous.resize(self.counts.len(), [0; 2]);
        Ok(self.viewers.resize(groups)?)
    }

    fn update(&mut self, values: &[ArrayRef], groups: &[Option<usize>]) -> Result<()> {
        let [events, viewers, values] = values else { return Ok(()) };
        let events = cast(events, &DataType::Utf8)?;
        let events = events.as_string::<i32>();
        let values = cast(values, &DataType::Float64)?;
        let values = values.as_primitive::<Float64Type>();
        let codes = self.viewers.encode(viewers)?;
        for (row, group) in groups.iter().enumerate() {
            let Some(group) = group else { continue };
            let name = events.is_valid(row).then(|| events.value(row));
            let kind = name.and_then(|name| EventKind::parse(name.as_bytes()));
            let index = kind.map_or(KINDS, |kind| kind as usize);
            if let Some(count) = self.counts.get_mut(*group).and_then(|c| c.get_mut(index)) {
                *count += 1;
            }
            if kind == Some(EventKind::WatchSeconds)
                && let Some(seconds) = self.seconds.get_mut(*group)
            {
                *seconds += checked_seconds(values.is_valid(row).then(|| values.value(row)))?;
            }
            let which = [EventKind::View, EventKind::View100].into_iter();
            if !codes.is_known(row)
                && let Some(which) = which.into_iter().position(|k| Some(k) == kind)
                && let Some(count) = self.anonymous.get_mut(*group).and_then(|a| a.get_mut(which))
            {
                *count += 1;
            }
            self.viewers.add(*group, &codes, row, marks(index));
        }
        Ok(())
    }

    fn to_bytes(&self) -> Result<BinaryArray> {
        let counted = self.counts.iter().zip(&self.anonymous).zip(&self.seconds);
        let state = |(((counts, anonymous), seconds), viewers): (_, Vec<u8>)| {
            let counts: &[u64; KINDS + 1] = counts;
            let all = counts.iter().chain(anonymous).flat_map(|count| count.to_le_bytes());
            let seconds: &f64 = seconds;
            Some(all.chain(seconds.to_le_bytes()).chain(viewers).collect::<Vec<u8>>())
        };
        Ok(counted.zip(self.viewers.to_bytes()).map(state).collect())
    }

    fn merge(&mut self, group: usize, state: &[u8]) -> Result<()> {
        const FIXED: usize = (KINDS + 4) * 8;
        let (fixed, viewers) =
            state.split_at_checked(FIXED).ok_or_else(|| exec_datafusion_err!("a broken state"))?;
        let (words, _) = fixed.as_chunks::<8>();
        if let (Some(counts), Some(seconds), Some(anonymous)) =
            (self.counts.get_mut(group), self.seconds.get_mut(group), self.anonymous.get_mut(group))
        {
            for (count, word) in counts.iter_mut().chain(anonymous).zip(words) {
                *count += u64::from_le_bytes(*word);
            }
            *seconds += words.last().map_or(0.0, |word| f64::from_le_bytes(*word));
        }
        Ok(self.viewers.merge(group, viewers)?)
    }

    fn evaluate(&self) -> Result<ArrayRef> {
        let count = |i: usize| {
            let counts = self.counts.iter().map(|c| c.get(i).map_or(0, |n| *n as i64));
            Arc::new(Int64Array::from_iter_values(counts)) as ArrayRef
        };
        let viewers = |i: usize| {
            let of = |c: &[u64; 4]| (c[0] > 0).then(|| c.get(i).map_or(0, |n| *n as i64));
            Arc::new(self.viewers.counts().iter().map(of).collect::<Int64Array>()) as ArrayRef
        };
        let mut columns: Vec<ArrayRef> = (0..KINDS).map(count).collect();
        if let Some(slot) = columns.get_mut(EventKind::WatchSeconds as usize) {
            *slot = Arc::new(Float64Array::from(self.seconds.clone()));
        }
        columns.extend((0..4).map(viewers));
        columns.extend((0..2).map(|which| {
            let counts = self.anonymous.iter().map(|a| a.get(which).map_or(0, |n| *n as i64));
            Arc::new(Int64Array::from_iter_values(counts)) as ArrayRef
        }));
        columns.push(count(KINDS));
        Ok(Arc::new(StructArray::try_new(fields(), columns, None)?))
    }

    fn forget(&mut self, n: usize) {
        let n = n.min(self.counts.len());
        self.counts.drain(..n);
        self.seconds.drain(..n);
        self.anonymous.drain(..n);
        self.viewers.forget(n);
    }

    fn size(&self) -> usize {
        self.counts.capacity() * size_of::<[u64; KINDS + 1]>()
            + self.seconds.capacity() * 8
            + self.anonymous.capacity() * 16
            + self.viewers.size()
    }
}
