//! [`Dealer`], which deals the rows of a partition to the parts of the tally.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, RecordBatch, StringArray,
};
use arrow::compute::{cast, filter, filter_record_batch};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::cast::as_boolean_array;
use datafusion::common::exec_err;
use datafusion::error::Result;

use super::tally::SharedTally;
use crate::kernels::tally::{Codes, DealBy, MetViews, PARTS, Record, mix};
use crate::model::event::EventKind;

/// Most records that wait for a part: enough to make loading the part into the CPU cache worthwhile.
const WAITING: usize = 2048;
/// Number of groups in the first batch from which rows are dealt by group.
const MANY_GROUPS: usize = 512;
/// The number of unknown kinds.
const UNKNOWN: u8 = u8::MAX;

/// Deals the rows of one partition to the parts of the tally.
pub(super) struct Dealer {
    table: Arc<SharedTally>,
    waiting: Vec<(Vec<Record>, Vec<f64>)>,
    rest: RestCache,
}

impl Dealer {
    pub(super) fn new(table: Arc<SharedTally>) -> Self {
        Self { table, waiting: vec![(vec![], vec![]); PARTS], rest: RestCache::default() }
    }

    /// Deal the rows of `batch`.
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        match self.table.columns.counted {
            None => self.deal(batch),
            Some(counted) => {
                let counted = as_boolean_array(batch.column(counted))?;
                note_kinds_of_others(batch.column(self.table.columns.event), counted, &self.table)?;
                self.deal(&filter_record_batch(batch, counted)?)
            }
        }
    }

    fn deal(&mut self, batch: &RecordBatch) -> Result<()> {
        let rows = batch.num_rows();
        let table = Arc::clone(&self.table);
        let columns = &table.columns;
        let keys = columns.keys.iter().zip(&table.keys);
        let keys: Vec<Codes> =
            keys.map(|(i, key)| key.encode(batch.column(*i))).collect::<Result<_, _>>()?;
        let viewers = match columns.viewer {
            Some(i) => table.viewers.encode(batch.column(i))?,
            None => Codes::nulls(rows),
        };
        let kinds = kinds(batch.column(columns.event), &table)?;
        let values = columns.value.map(|i| seconds(batch.column(i))).transpose()?;
        let (first, others) = match keys.split_first() {
            Some((first, others)) => (first.clone(), others),
            None => (Codes::nulls(rows), keys.as_slice()),
        };
        let deal = table.deal_by(|| deal_by(&first));
        let mut unmeasured = 0;
        let firsts = first.classes.iter().copied().zip(first.values.iter().copied());
        let viewers = viewers.classes.iter().copied().zip(viewers.values.iter().copied());
        for (row, ((kind, first), viewer)) in kinds.iter().zip(firsts).zip(viewers).enumerate() {
            let rest = self.rest.number(others, row, &table);
            let record = Record::new(first, rest, viewer, *kind);
            let part = deal.part(&record);
            let Some((records, seconds)) = self.waiting.get_mut(part) else { continue };
            records.push(record);
            if *kind == EventKind::WatchSeconds as u8 {
                let value = values.as_ref().filter(|v| v.is_valid(row)).map(|v| v.value(row));
                unmeasured += u64::from(value.is_none());
                seconds.push(checked_seconds(value)?);
            }
            if records.len() >= WAITING {
                table.add(part, records, seconds)?;
                records.clear();
                seconds.clear();
            }
        }
        if let Some(notes) = table.notes.as_ref().filter(|_| unmeasured > 0 && values.is_some()) {
            notes.note_unmeasured(unmeasured);
        }
        Ok(())
    }

    /// Hand over the records that still wait.
    pub(super) fn finish(self) -> Result<()> {
        for (part, (records, seconds)) in self.waiting.iter().enumerate() {
            if !records.is_empty() {
                self.table.add(part, records, seconds)?;
            }
        }
        Ok(())
    }
}

/// Seconds watched; 0 of an event that does not say how many.
pub(in crate::query) fn checked_seconds(value: Option<f64>) -> Result<f64> {
    match value {
        Some(seconds) if !seconds.is_finite() || seconds < 0.0 => exec_err!(
            "an event watch_seconds has the value {seconds}; seconds are finite and not negative"
        ),
        value => Ok(value.unwrap_or(0.0)),
    }
}

#[inline]
fn code(codes: &Codes, row: usize) -> (u8, u64) {
    match (codes.classes.get(row), codes.values.get(row)) {
        (Some(class), Some(value)) => (*class, *value),
        _ => (0, 0),
    }
}

/// By group if they are many.
fn deal_by(first: &Codes) -> DealBy {
    let mut values = first.values.clone();
    values.sort_unstable();
    values.dedup();
    if values.len() >= MANY_GROUPS { DealBy::Group } else { DealBy::Viewer }
}

/// Note the kinds of the rows that do not count.
fn note_kinds_of_others(
    events: &ArrayRef,
    counted: &BooleanArray,
    table: &SharedTally,
) -> Result<()> {
    let others: BooleanArray = counted.iter().map(|c| Some(c != Some(true))).collect();
    let others = cast(&filter(events, &others)?, &DataType::Utf8)?;
    let kinds = others.as_string::<i32>().iter().flatten();
    let kinds = kinds.filter_map(|name| EventKind::parse(name.as_bytes()));
    table.note_kinds(kinds.fold(0, |seen, kind| seen | 1 << kind as u32));
    Ok(())
}

/// The number of the kind of each row.
fn kinds(events: &ArrayRef, table: &SharedTally) -> Result<Vec<u8>> {
    let mut seen = 0;
    let mut number = |text: Option<&str>, events: u64| match text
        .and_then(|text| EventKind::parse(text.as_bytes()))
    {
        Some(kind) => {
            seen |= 1 << kind as u32;
            kind as u8
        }
        None => {
            if let Some(unknown) = table.unknown.as_ref().filter(|_| events > 0) {
                unknown.add(text, events);
            }
            UNKNOWN
        }
    };
    let kinds = if let Some(texts) = events.as_string_opt::<i32>() {
        texts.iter().map(|text| number(text, 1)).collect()
    } else if let Some(texts) = events.as_string_view_opt() {
        let mut met = MetViews::default();
        let kind = |(row, view): (usize, &u128)| {
            if texts.is_null(row) {
                return number(None, 1);
            }
            match met.get(*view, || number(Some(texts.value(row)), 0)) {
                // Each is counted.
                UNKNOWN => number(Some(texts.value(row)), 1),
                kind => kind,
            }
        };
        texts.views().iter().enumerate().map(kind).collect()
    } else if let Some(dictionary) = events.as_any_dictionary_opt() {
        let texts = cast(dictionary.values(), &DataType::Utf8)?;
        let texts: &StringArray = texts.as_string();
        let keys = dictionary.normalized_keys();
        let mut counts = vec![0_u64; texts.len()];
        let rows = keys.iter().enumerate().filter(|(row, _)| events.is_valid(*row));
        rows.for_each(|(_, key)| counts.iter_mut().skip(*key).take(1).for_each(|c| *c += 1));
        let of: Vec<u8> = texts
            .iter()
            .zip(&counts)
            .map(|(text, count)| if *count > 0 { number(text, *count) } else { UNKNOWN })
            .collect();
        let missing = events.null_count() as u64;
        let missing = if missing > 0 { number(None, missing) } else { UNKNOWN };
        let kind = |(row, key): (usize, &usize)| match of.get(*key) {
            Some(kind) if events.is_valid(row) => *kind,
            _ => missing,
        };
        keys.iter().enumerate().map(kind).collect()
    } else {
        let texts = cast(events, &DataType::Utf8)?;
        texts.as_string::<i32>().iter().map(|text| number(text, 1)).collect()
    };
    table.note_kinds(seen);
    Ok(kinds)
}

fn seconds(values: &ArrayRef) -> Result<Float64Array> {
    Ok(cast(values, &DataType::Float64)?.as_primitive::<Float64Type>().clone())
}

/// A cache of the numbers of recent tuples of the further keys.
#[derive(Default)]
struct RestCache {
    recent: Vec<(Vec<(u8, u64)>, u32)>,
}

const RECENT: usize = 256;

impl RestCache {
    #[inline]
    fn number(&mut self, others: &[Codes], row: usize, table: &SharedTally) -> u32 {
        if others.is_empty() {
            return 0;
        }
        if self.recent.is_empty() {
            self.recent = vec![(vec![], 0); RECENT];
        }
        let hash = others.iter().fold(0, |hash, codes| {
            let (class, value) = code(codes, row);
            mix(hash ^ value ^ (u64::from(class) << 60))
        });
        let Some((tuple, number)) = self.recent.get_mut(hash as usize % RECENT) else { return 0 };
        let same = tuple.len() == others.len()
            && tuple.iter().zip(others).all(|(known, codes)| *known == code(codes, row));
        if !same {
            *tuple = others.iter().map(|codes| code(codes, row)).collect();
            let bytes: Vec<u8> = tuple
                .iter()
                .flat_map(|(class, value)| std::iter::once(*class).chain(value.to_le_bytes()))
                .collect();
            *number = table.rest.number(&bytes);
        }
        *number
    }
}
