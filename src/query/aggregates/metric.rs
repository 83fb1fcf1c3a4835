//! `pooled_M(…)` and `mean_M(…)` for each metric `M`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Float64Array};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{exec_datafusion_err, internal_datafusion_err};
use datafusion::error::Result;

use super::aggregate::{Aggregate, GroupStates};
use crate::kernels::metrics::Metric;
use crate::query::arguments::{About, section};
use crate::query::functions::metrics::{counts, example};

/// `pooled_M`: the metric of the sums over the rows that report all of its parts.
pub(super) fn pooled(metric: &'static Metric) -> Aggregate {
    aggregate("pooled", metric, |_, of| make(of, false))
}

/// `left_out_M`: how many rows report a part of the metric and not all that it needs.
pub(super) fn left_out(metric: &'static Metric) -> Aggregate {
    Aggregate {
        return_type: DataType::Int64,
        ..aggregate("left_out", metric, |_, of| {
            let metric = Metric::find(of);
            let metric =
                metric.ok_or_else(|| internal_datafusion_err!("there is no metric {of}"))?;
            Ok(Box::new(LeftOut { metric, rows: vec![] }))
        })
    }
}

/// `mean_M`: the mean of the metrics of the rows; rows without one are skipped.
pub(super) fn mean(metric: &'static Metric) -> Aggregate {
    aggregate("mean", metric, |_, of| make(of, true))
}

/// Creates the states of groups from argument types and the name of a metric.
type MakeStates = fn(&[DataType], &'static str) -> Result<Box<dyn GroupStates>>;

fn aggregate(how: &str, metric: &'static Metric, make: MakeStates) -> Aggregate {
    let name = format!("{how}_{}", metric.name);
    let what = match how {
        "pooled" => "of the sums over the rows that report all of its parts",
        "left_out" => "the number of rows that report a part of it and not all",
        _ => "of each row, and the mean of these; rows without one do not count",
    };
    let description = format!("{}, {what}.", metric.definition);
    Aggregate {
        arguments: counts(metric),
        about: About::new(section::METRICS, description, example(&name, metric)),
        name,
        return_type: DataType::Float64,
        of: metric.name,
        make,
    }
}

fn make(name: &str, mean: bool) -> Result<Box<dyn GroupStates>> {
    let metric =
        Metric::find(name).ok_or_else(|| internal_datafusion_err!("there is no metric {name}"))?;
    // A mean needs two sums: of the values and of their number.
    let width = if mean { 2 } else { metric.inputs.len() };
    Ok(Box::new(MetricSums { metric, mean, width, sums: vec![] }))
}

/// `width` sums for each group; `None` where nothing was summed.
struct MetricSums {
    metric: &'static Metric,
    mean: bool,
    width: usize,
    sums: Vec<Option<f64>>,
}

impl MetricSums {
    fn add(&mut self, group: usize, values: &[Option<f64>]) {
        let sums = self.sums.iter_mut().skip(group * self.width).take(self.width);
        for (sum, value) in sums.zip(values) {
            if let Some(value) = value {
                *sum = Some(sum.unwrap_or(0.0) + value);
            }
        }
    }
}

impl GroupStates for MetricSums {
    fn resize(&mut self, groups: usize) -> Result<()> {
        self.sums.resize(self.sums.len().max(groups * self.width), None);
        Ok(())
    }

    fn update(&mut self, values: &[ArrayRef], groups: &[Option<usize>]) -> Result<()> {
        let columns: Vec<&Float64Array> =
            values.iter().map(|v| v.as_primitive::<Float64Type>()).collect();
        let mut row_values = vec![None; columns.len()];
        for (row, group) in groups.iter().enumerate() {
            let Some(group) = group else { continue };
            for (value, column) in row_values.iter_mut().zip(&columns) {
                *value = column.is_valid(row).then(|| column.value(row));
            }
            if self.mean {
                let value = (self.metric.of)(&row_values);
                self.add(*group, &[value, value.map(|_| 1.0)]);
            } else if self.metric.is_complete(&row_values) {
                self.add(*group, &row_values);
            }
        }
        Ok(())
    }

    fn to_bytes(&self) -> Result<BinaryArray> {
        let states = self.sums.chunks(self.width).map(|sums| {
            let bytes = |sum: &Option<f64>| {
                std::iter::once(u8::from(sum.is_some())).chain(sum.unwrap_or(0.0).to_le_bytes())
            };
            Some(sums.iter().flat_map(bytes).collect::<Vec<u8>>())
        });
        Ok(states.collect())
    }

    fn merge(&mut self, group: usize, state: &[u8]) -> Result<()> {
        let mut values = vec![];
        for sum in state.chunks(9) {
            let (known, bytes) =
                sum.split_first().ok_or_else(|| exec_datafusion_err!("a broken state"))?;
            let bytes = bytes.try_into().map_err(|_| exec_datafusion_err!("a broken state"))?;
            values.push((*known == 1).then(|| f64::from_le_bytes(bytes)));
        }
        self.add(group, &values);
        Ok(())
    }

    fn evaluate(&self) -> Result<ArrayRef> {
        let answers = self.sums.chunks(self.width).map(|sums| match (self.mean, sums) {
            (true, [Some(sum), Some(rows)]) => Some(sum / rows),
            (true, _) => None,
            (false, sums) => (self.metric.of)(sums),
        });
        Ok(Arc::new(answers.collect::<Float64Array>()))
    }

    fn forget(&mut self, n: usize) {
        self.sums.drain(..(n * self.width).min(self.sums.len()));
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<Option<f64>>()
    }
}

/// Rows of each group that are left out.
struct LeftOut {
    metric: &'static Metric,
    rows: Vec<u64>,
}

impl GroupStates for LeftOut {
    fn resize(&mut self, groups: usize) -> Result<()> {
        self.rows.resize(self.rows.len().max(groups), 0);
        Ok(())
    }

    fn update(&mut self, values: &[ArrayRef], groups: &[Option<usize>]) -> Result<()> {
        let columns: Vec<&Float64Array> =
            values.iter().map(|v| v.as_primitive::<Float64Type>()).collect();
        for (row, group) in groups.iter().enumerate() {
            let Some(rows) = group.and_then(|group| self.rows.get_mut(group)) else { continue };
            let counts: Vec<Option<f64>> =
                columns.iter().map(|c| c.is_valid(row).then(|| c.value(row))).collect();
            let is_partial =
                counts.iter().any(Option::is_some) && !self.metric.is_complete(&counts);
            *rows += u64::from(is_partial);
        }
        Ok(())
    }

    fn to_bytes(&self) -> Result<BinaryArray> {
        Ok(self.rows.iter().map(|rows| Some(rows.to_le_bytes())).collect())
    }

    fn merge(&mut self, group: usize, state: &[u8]) -> Result<()> {
        let bytes = state.try_into().map_err(|_| exec_datafusion_err!("a broken state"))?;
        if let Some(rows) = self.rows.get_mut(group) {
            *rows += u64::from_le_bytes(bytes);
        }
        Ok(())
    }

    fn evaluate(&self) -> Result<ArrayRef> {
        let rows = self.rows.iter().map(|rows| *rows as i64);
        Ok(Arc::new(arrow::array::Int64Array::from_iter_values(rows)))
    }

    fn forget(&mut self, n: usize) {
        self.rows.drain(..n.min(self.rows.len()));
    }

    fn size(&self) -> usize {
        self.rows.capacity() * 8
    }
}
