//! Faces as an Arrow list.

use arrow::array::{Array, AsArray, Float64Array, ListArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};

use super::SeenFace;
use super::columns::{column, column_error, unreadable, values};
use crate::error::Result;
use crate::model::PictureArea;

impl SeenFace {
    /// A face in shares of a picture of this size, in shares of a part of it.
    pub(super) fn within(self, area: PictureArea, (wide, high): (f64, f64)) -> Self {
        let (wide, high) = (wide / area.width as f64, high / area.height as f64);
        let (left, top) = (area.x as f64 / area.width as f64, area.y as f64 / area.height as f64);
        Self {
            x: self.x * wide - left,
            y: self.y * high - top,
            width: self.width * wide,
            height: self.height * high,
            eyes: self.eyes * high - top,
            ..self
        }
    }
}

/// The columns of faces that a path depends on.
pub(super) struct FaceColumns<'a> {
    list: &'a ListArray,
    columns: [Float64Array; 12],
}

impl<'a> FaceColumns<'a> {
    pub(super) fn new(list: &'a ListArray) -> Result<Self> {
        let point = |name: &str, side: &str| -> Result<Float64Array> {
            let faces = list.values().as_struct_opt();
            let point = faces.and_then(|faces| faces.column_by_name(name)?.as_struct_opt());
            let side = point.and_then(|point| point.column_by_name(side)).ok_or_else(|| {
                column_error(format!("framed_path needs a point {name} in faces"))
            })?;
            let side = cast(side, &DataType::Float64).map_err(unreadable)?;
            Ok(side.as_primitive::<Float64Type>().clone())
        };
        let number = |name: &str| column(list, name);
        let columns = [
            number("t")?,
            number("track")?,
            number("x")?,
            number("y")?,
            number("width")?,
            number("height")?,
            point("left_eye", "x")?,
            point("left_eye", "y")?,
            point("right_eye", "x")?,
            point("right_eye", "y")?,
            point("nose", "x")?,
            number("speaking")?,
        ];
        Ok(Self { list, columns })
    }

    /// The faces of a row from `start` to `end` in seconds, by track, then time; those of which a number is unknown are
    /// left out.
    pub(super) fn seen(&self, row: usize, (start, end): (f64, f64)) -> Vec<SeenFace> {
        if !self.list.is_valid(row) {
            return Vec::new();
        }
        let columns = self.columns.each_ref().map(|column| values(self.list, column, row));
        let face = |i: usize| {
            let [t, track, x, y, width, height, left, left_y, right, right_y, nose, speaking] =
                columns.map(|column| column[i]);
            let between = (right - left).abs().max(0.1 * width);
            SeenFace {
                t,
                track: track as i64,
                x,
                y,
                width,
                height,
                eyes: 0.5 * (left_y + right_y),
                looks: (nose - 0.5 * (left + right)) / between,
                speaking: if speaking.is_finite() { speaking } else { 0.0 },
            }
        };
        let is_sound = |face: &SeenFace| {
            let in_span = face.t >= start && face.t < end;
            in_span
                && [face.t, face.x, face.y, face.width, face.height, face.eyes, face.looks]
                    .iter()
                    .all(|number| number.is_finite())
        };
        let mut seen: Vec<SeenFace> = (0..columns[0].len()).map(face).filter(is_sound).collect();
        seen.sort_by(|a, b| a.track.cmp(&b.track).then(a.t.total_cmp(&b.t)));
        seen
    }
}
