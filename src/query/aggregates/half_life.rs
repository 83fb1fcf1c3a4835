//! `half_life(hours, views)`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Float64Array};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::error::Result;

use super::aggregate::{Aggregate, GroupStates};
use crate::kernels::metrics::time::{HALF_LIFE_HOURS, half_life as kernel, half_life_hour};
use crate::query::arguments::{About, Argument, ArgumentKind, FunctionArguments, section};

/// Hours until half of the views of the first 7 days had occurred. Each row has a number of views and
/// the hours since publication at which they occurred.
pub(super) fn half_life() -> Aggregate {
    Aggregate {
        name: "half_life".to_owned(),
        arguments: FunctionArguments::new([
            Argument::new("hours", ArgumentKind::Number, "Hours since publication"),
            Argument::new("views", ArgumentKind::Number, "Views that came then"),
        ]),
        about: About::new(
            section::METRICS,
            "Hours until half of the views of the first 7 days were there.",
            "SELECT half_life(h, v) FROM (VALUES (0, 50), (1, 30), (2, 20)) AS t(h, v)",
        ),
        return_type: DataType::Float64,
        of: "",
        make: |_, _| Ok(Box::new(HourlyViews { hourly: vec![] })),
    }
}

/// Views by hour, for each group.
struct HourlyViews {
    hourly: Vec<f64>,
}

impl GroupStates for HourlyViews {
    fn resize(&mut self, groups: usize) -> Result<()> {
        self.hourly.resize(self.hourly.len().max(groups * HALF_LIFE_HOURS), 0.0);
        Ok(())
    }

    fn update(&mut self, values: &[ArrayRef], groups: &[Option<usize>]) -> Result<()> {
        let [hours, views] = values else { return Ok(()) };
        let (hours, views) =
            (hours.as_primitive::<Float64Type>(), views.as_primitive::<Float64Type>());
        for (row, group) in groups.iter().enumerate() {
            let Some(group) = group else { continue };
            if hours.is_null(row) || views.is_null(row) {
                continue;
            }
            let hour = half_life_hour(hours.value(row));
            let slot = hour.and_then(|h| self.hourly.get_mut(group * HALF_LIFE_HOURS + h));
            if let Some(slot) = slot {
                *slot += views.value(row);
            }
        }
        Ok(())
    }

    fn to_bytes(&self) -> Result<BinaryArray> {
        let state = |hours: &[f64]| {
            let bytes = hours.iter().flat_map(|views| views.to_le_bytes());
            hours.iter().any(|views| *views != 0.0).then(|| bytes.collect::<Vec<u8>>())
        };
        Ok(self.hourly.chunks(HALF_LIFE_HOURS).map(state).collect())
    }

    fn merge(&mut self, group: usize, state: &[u8]) -> Result<()> {
        let slots = self.hourly.iter_mut().skip(group * HALF_LIFE_HOURS).take(HALF_LIFE_HOURS);
        for (slot, bytes) in slots.zip(state.as_chunks::<8>().0) {
            *slot += f64::from_le_bytes(*bytes);
        }
        Ok(())
    }

    fn evaluate(&self) -> Result<ArrayRef> {
        let answers = self.hourly.chunks(HALF_LIFE_HOURS).map(kernel);
        Ok(Arc::new(answers.collect::<Float64Array>()))
    }

    fn forget(&mut self, n: usize) {
        self.hourly.drain(..(n * HALF_LIFE_HOURS).min(self.hourly.len()));
    }

    fn size(&self) -> usize {
        self.hourly.capacity() * 8
    }
}
