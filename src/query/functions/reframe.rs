//! `reframe_path(…)`.

use std::sync::Arc;

use arrow::datatypes::Float64Type;

use super::select::{list, list_type};
use super::{Function, numbers};
use crate::kernels::reframe;
use crate::model::{shot, signal};

/// `reframe_path(signals, shots, start, end, source_width, source_height, width, height)`: the path of a
/// cropped window as a list of structs `t`, `x`, `y`; see [`reframe::reframe_path`].
pub fn reframe_path() -> Function {
    Function::new("reframe_path", Some(8), list_type(reframe::anchor_type()), |args| {
        let signals = list(&args[0], signal::data_type())?;
        let shots = list(&args[1], shot::data_type())?;
        let numbers =
            args[2..].iter().map(numbers::<Float64Type>).collect::<Result<Vec<_>, _>>()?;
        let [start, end, source_width, source_height, width, height] = &numbers[..] else {
            return Err(super::misused("reframe_path takes 8 arguments"));
        };
        let numbers = [start, end, source_width, source_height, width, height];
        Ok(Arc::new(reframe::reframe_paths(&signals, &shots, numbers)?))
    })
}
