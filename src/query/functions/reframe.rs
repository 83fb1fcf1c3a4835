//! `reframe_path(…)`.

use std::sync::Arc;

use arrow::datatypes::Float64Type;

use super::select::{list, list_type};
use super::{Function, numbers, text};
use crate::kernels::reframe;
use crate::model::{Shot, Signal};

/// `reframe_path(signals, shots, start, end, source_width, source_height, width, height[, layout])`: the
/// path of a cropped window as a list of structs `t`, `x`, `y`; see [`reframe::reframe_path`] and, with a
/// layout, [`reframe::reframe_paths`].
pub fn reframe_path() -> Function {
    Function::new("reframe_path", None, list_type(reframe::anchor_type()), |args| {
        if !(8..=9).contains(&args.len()) {
            return Err(super::misused("reframe_path takes 8 or 9 arguments"));
        }
        let signals = list(&args[0], Signal::data_type())?;
        let shots = list(&args[1], Shot::data_type())?;
        let numbers =
            args[2..8].iter().map(numbers::<Float64Type>).collect::<Result<Vec<_>, _>>()?;
        let [start, end, source_width, source_height, width, height] = &numbers[..] else {
            return Err(super::misused("reframe_path takes 8 arguments"));
        };
        let numbers = [start, end, source_width, source_height, width, height];
        let layouts = args.get(8).map(text).transpose()?;
        Ok(Arc::new(reframe::reframe_paths(&signals, &shots, numbers, layouts.as_ref())?))
    })
}
