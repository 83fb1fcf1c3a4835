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

/// `pooled_M`: the metric of the sums of the rows.
pub(super) fn pooled(metric: &'static Metric) -> Aggregate {
    aggregate("pooled", metric, |_, of| make(of, false))
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
        "pooled" => "of the sums of the rows",
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
            } else {
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
