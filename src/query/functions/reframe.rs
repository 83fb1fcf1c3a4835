//! `reframe_path(…)` and `framed_path(…)`.

use std::sync::Arc;

use arrow::datatypes::Float64Type;

use super::columns::{lists, misused, numbers, text};
use super::function::Function;
use crate::error::Result;
use crate::kernels::reframe;
use crate::query::arguments::{
    About, Argument, ArgumentKind, FunctionArguments, list_type, section,
};

/// `reframe_path(signals, shots, start, end, source_width, source_height, width, height[, layout])`: the
/// path of a cropped window as a list of structs `t`, `x`, `y`; see [`reframe::reframe_path`] and, with a
/// layout, [`reframe::reframe_paths`].
pub fn reframe_path() -> Function {
    let arguments = FunctionArguments::with_optional_last([
        Argument::new("signals", ArgumentKind::Signals, "The signals of the source"),
        Argument::new("shots", ArgumentKind::Shots, "Its shots"),
        Argument::new("start", ArgumentKind::Number, "Start of the clip in seconds"),
        Argument::new("end", ArgumentKind::Number, "Its end in seconds"),
        Argument::new("source_width", ArgumentKind::Number, "Width of the source in pixels"),
        Argument::new("source_height", ArgumentKind::Number, "Its height"),
        Argument::new("width", ArgumentKind::Number, "Width of the output in pixels"),
        Argument::new("height", ArgumentKind::Number, "Its height"),
        Argument::new(
            "layout",
            ArgumentKind::Text,
            "The layout of a variant; one that does not move a window has no path. Left out: crop",
        ),
    ]);
    let about = About::new(
        section::VARIANTS,
        "The path of a window that follows what draws the eye: a list of structs of the second `t` and the window's centre `x`, `y`.",
        "SELECT reframe_path(signals, shots, 0, 5, 1280, 720, 1080, 1920)
FROM source_lists('results')",
    );
    let return_type = list_type(reframe::anchor_type());
    Function::new("reframe_path", arguments, return_type, about, |args| {
        let (signals, shots) = (lists(&args[0])?, lists(&args[1])?);
        let numbers =
            args[2..8].iter().map(numbers::<Float64Type>).collect::<Result<Vec<_>, _>>()?;
        let [start, end, source_width, source_height, width, height] = &numbers[..] else {
            return Err(misused("reframe_path takes 8 arguments"));
        };
        let numbers = [start, end, source_width, source_height, width, height];
        let layouts = args.get(8).map(text).transpose()?;
        Ok(Arc::new(reframe::reframe_paths(&signals, &shots, numbers, layouts.as_ref(), None)?))
    })
}

/// `framed_path(signals, shots, faces, start, end, source_width, source_height, width, height, layout)`: as
/// [`reframe_path`], with faces that the window frames.
pub fn framed_path() -> Function {
    let arguments = FunctionArguments::new([
        Argument::new("signals", ArgumentKind::Signals, "The signals of the source"),
        Argument::new("shots", ArgumentKind::Shots, "Its shots"),
        Argument::new("faces", ArgumentKind::Faces, "Its faces; NULL: none are known"),
        Argument::new("start", ArgumentKind::Number, "Start of the clip in seconds"),
        Argument::new("end", ArgumentKind::Number, "Its end in seconds"),
        Argument::new("source_width", ArgumentKind::Number, "Width of the source in pixels"),
        Argument::new("source_height", ArgumentKind::Number, "Its height"),
        Argument::new("width", ArgumentKind::Number, "Width of the output in pixels"),
        Argument::new("height", ArgumentKind::Number, "Its height"),
        Argument::new(
            "layout",
            ArgumentKind::Text,
            "The layout of a variant; one that does not move a window has no path",
        ),
    ]);
    let about = About::new(
        section::VARIANTS,
        "The path of a window that frames the face of who speaks, and without faces follows what draws the eye: a list of structs of the second `t` and the window's centre `x`, `y`.",
        "SELECT framed_path(signals, shots, faces, 0, 5, 1280, 720, 1080, 1920, 'crop')
FROM source_lists('results')",
    );
    let return_type = list_type(reframe::anchor_type());
    Function::new("framed_path", arguments, return_type, about, |args| {
        let (signals, shots, faces) = (lists(&args[0])?, lists(&args[1])?, lists(&args[2])?);
        let numbers =
            args[3..9].iter().map(numbers::<Float64Type>).collect::<Result<Vec<_>, _>>()?;
        let [start, end, source_width, source_height, width, height] = &numbers[..] else {
            return Err(misused("framed_path takes 10 arguments"));
        };
        let numbers = [start, end, source_width, source_height, width, height];
        let layout = text(&args[9])?;
        let paths = reframe::reframe_paths(&signals, &shots, numbers, Some(&layout), Some(&faces))?;
        Ok(Arc::new(paths))
    })
}
