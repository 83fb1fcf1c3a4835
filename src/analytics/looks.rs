//! How many days an experiment has been looked at.

use std::collections::HashMap;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};

use super::Performance;
use crate::error::{Error, ErrorCode, Result};
use crate::query::events::Events;
use crate::query::query_error;
use crate::query::rows::text_column;

/// For each experiment the days on which it has events, each of which is a look; none if the events do not say
/// when they were. `None` is what belongs to no experiment.
pub(super) async fn days(
    performance: &Performance,
    lag_hours: f64,
) -> Result<HashMap<Option<String>, u32>> {
    let table = performance.events();
    if !table.has_time {
        return Ok(HashMap::new());
    }
    let is_own = table.dimensions.iter().any(|d| d == "experiment_id");
    let (from, day) = match table.form {
        Events::Raw => ("events", table.day_of("e.ts")),
        Events::Daily => ("daily", "e.day".to_owned()),
    };
    let (id, join) = match is_own {
        true => ("e.experiment_id", ""),
        false => ("v.experiment_id", "LEFT JOIN variants v ON v.variant_id = e.variant_id"),
    };
    let condition = table.condition(lag_hours, "e");
    let sql = format!(
        "SELECT {id} AS experiment_id, count(DISTINCT {day}) AS days FROM {from} e {join} WHERE {condition} GROUP BY {id}"
    );
    let frame = performance.ctx.sql(&sql).await.map_err(query_error)?;
    let mut all = HashMap::new();
    for batch in frame.collect().await.map_err(query_error)? {
        let ids = text_column(&batch, "experiment_id")?;
        let days = batch.column_by_name("days").and_then(|c| cast(c, &DataType::Int64).ok());
        let days = days.ok_or_else(|| Error::new(ErrorCode::Internal, "days are no numbers"))?;
        let days = days.as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let id = ids.is_valid(row).then(|| ids.value(row).to_owned());
            all.insert(id, u32::try_from(days.value(row)).unwrap_or(u32::MAX));
        }
    }
    // A look at nothing is none.
    all.retain(|_, days| *days > 0);
    Ok(all)
}
