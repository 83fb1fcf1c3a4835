//! Reframe paths over Arrow lists: one source and span per row.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Float64Builder, ListArray, StringArray, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Float64Type};

use super::columns::{column, column_error, unreadable, values};
use super::face_list::FaceColumns;
use super::{Gaze, MAX_SECONDS, SeenFace, reframe_path, window_path};
use crate::error::Result;
use crate::kernels::layout::{even, moving_window};
use crate::model::PictureArea;
use crate::model::edit::{Anchor, Layout};

/// The struct type of one anchor: `t` in seconds, `x` and `y` as shares.
pub fn anchor_type() -> DataType {
    DataType::Struct(anchor_fields())
}

fn anchor_fields() -> Fields {
    ["t", "x", "y"].map(|name| Field::new(name, DataType::Float64, false)).to_vec().into()
}

/// [`reframe_path`] for each row.
///
/// `signals` and `shots` are lists of [`crate::model::signal`] and [`crate::model::shot`] structs; the
/// numbers are `[start, end, source_width, source_height, width, height]`; `faces` is a list of
/// [`crate::model::face`] structs. The result is NULL where the signals or one of the numbers are; NULL shots and faces
/// count as none. With `layouts` the path is that of the
/// window which the layout moves in a frame of `width` × `height`; `fit` has none. On the axis on which the
/// window of `picture_in_picture` cannot move, its path holds the mean salient position.
///
/// # Errors
/// `input.column` if the columns differ in length, a struct column is missing or not numeric, a span is
/// longer than [`MAX_SECONDS`], or a layout name is unknown.
pub fn reframe_paths(
    signals: &ListArray,
    shots: &ListArray,
    numbers: [&Float64Array; 6],
    layouts: Option<&StringArray>,
    faces: Option<&ListArray>,
) -> Result<ListArray> {
    let rows = signals.len();
    let lengths = numbers.iter().map(|column| column.len()).chain(layouts.map(Array::len));
    let lengths = lengths.chain(faces.map(Array::len));
    if shots.len() != rows || lengths.into_iter().any(|length| length != rows) {
        return Err(column_error("the columns of reframe_path differ in length"));
    }
    let columns = PathColumns::new(signals, shots, faces)?;
    let mut found: [Float64Builder; 3] = Default::default();
    let mut lengths = Vec::with_capacity(rows);
    let mut valid = Vec::with_capacity(rows);
    for row in 0..rows {
        let given = signals.is_valid(row) && numbers.iter().all(|column| column.is_valid(row));
        valid.push(given);
        let mut length = 0;
        if given {
            let layout = layouts.filter(|column| column.is_valid(row)).map(|c| c.value(row));
            let numbers = numbers.map(|column| column.value(row));
            for anchor in columns.path(row, numbers, layout)? {
                for (builder, value) in found.iter_mut().zip([anchor.t, anchor.x, anchor.y]) {
                    builder.append_value(value);
                }
                length += 1;
            }
        }
        lengths.push(length);
    }
    let anchors = found.map(|mut builder| Arc::new(builder.finish()) as ArrayRef).to_vec();
    let anchors = StructArray::try_new(anchor_fields(), anchors, None).map_err(unreadable)?;
    let item = Arc::new(Field::new_list_field(anchor_type(), true));
    let nulls = NullBuffer::from(valid);
    let offsets = OffsetBuffer::from_lengths(lengths);
    ListArray::try_new(item, offsets, Arc::new(anchors), Some(nulls)).map_err(unreadable)
}

/// The columns that a path depends on.
struct PathColumns<'a> {
    signals: &'a ListArray,
    shots: &'a ListArray,
    /// Time, x and y of what draws the eye.
    gaze: [Float64Array; 3],
    speech: Option<Float64Array>,
    starts: Float64Array,
    areas: Option<[Float64Array; 6]>,
    faces: Option<FaceColumns<'a>>,
}

impl<'a> PathColumns<'a> {
    fn new(
        signals: &'a ListArray,
        shots: &'a ListArray,
        faces: Option<&'a ListArray>,
    ) -> Result<Self> {
        let gaze =
            [column(signals, "t")?, column(signals, "saliency_x")?, column(signals, "saliency_y")?];
        Ok(Self {
            signals,
            shots,
            gaze,
            speech: column(signals, "speech").ok(),
            starts: column(shots, "start")?,
            areas: areas(shots)?,
            faces: faces.map(FaceColumns::new).transpose()?,
        })
    }

    /// The path of a row; `numbers` as in [`reframe_paths`].
    fn path(&self, row: usize, mut numbers: [f64; 6], layout: Option<&str>) -> Result<Vec<Anchor>> {
        let [t, x, y] = self.gaze.each_ref().map(|column| values(self.signals, column, row));
        let speech = self.speech.as_ref().map(|speech| values(self.signals, speech, row));
        let has_shots = self.shots.is_valid(row);
        let shot_start = if has_shots { values(self.shots, &self.starts, row) } else { &[] };
        let span = (numbers[0], numbers[1]);
        let seen = self.faces.as_ref().map(|faces| faces.seen(row, span));
        let mut faces = seen.unwrap_or_default();
        let area = self.areas.as_ref().filter(|_| has_shots);
        let area = area.and_then(|areas| shown(self.shots, areas, row, span));
        let (x, y) = match area {
            Some(area) => {
                let (wide, high) = (numbers[2], numbers[3]);
                faces.iter_mut().for_each(|face| *face = face.within(area, (wide, high)));
                (numbers[2], numbers[3]) = (area.width as f64, area.height as f64);
                (
                    within(x, (area.x as f64, area.width as f64), wide),
                    within(y, (area.y as f64, area.height as f64), high),
                )
            }
            None => (Cow::Borrowed(x), Cow::Borrowed(y)),
        };
        let speech = speech.unwrap_or_default();
        let gaze = Gaze { t, x: &x, y: &y, shot_start, speech, faces: &faces };
        path(gaze, numbers, layout)
    }
}

/// Columns of the shots' areas: start and end of the shot, then x, y, width and height, NaN where it has none; `None`
/// where shots have no such column.
fn areas(shots: &ListArray) -> Result<Option<[Float64Array; 6]>> {
    let of_shot = shots.values().as_struct_opt();
    let Some(areas) = of_shot.and_then(|s| s.column_by_name("area")?.as_struct_opt()) else {
        return Ok(None);
    };
    let side = |name: &str| -> Result<Float64Array> {
        let of = areas.column_by_name(name).ok_or_else(|| {
            column_error(format!("reframe_path needs a field {name} in the area of shots"))
        })?;
        let side = cast(of, &DataType::Float64).map_err(unreadable)?;
        let side = side.as_primitive::<Float64Type>();
        let is_there = |i: usize| areas.is_valid(i) && side.is_valid(i);
        let numbers = (0..side.len()).map(|i| if is_there(i) { side.value(i) } else { f64::NAN });
        Ok(Float64Array::from_iter_values(numbers))
    };
    let (start, end) = (column(shots, "start")?, column(shots, "end")?);
    Ok(Some([start, end, side("x")?, side("y")?, side("width")?, side("height")?]))
}

/// The area of what is shown from `span.0` to `span.1`; `None`: all of the picture.
fn shown(
    shots: &ListArray,
    areas: &[Float64Array; 6],
    row: usize,
    span: (f64, f64),
) -> Option<PictureArea> {
    let [start, end, x, y, width, height] = areas.each_ref().map(|side| values(shots, side, row));
    let shot = |i: usize| {
        let sides = [x[i], y[i], width[i], height[i]];
        let [x, y, width, height] = sides.map(|side| side as i64);
        let area = PictureArea { x, y, width, height };
        let is_there = sides.iter().all(|side| side.is_finite()) && width > 0 && height > 0;
        (start[i], end[i], is_there.then_some(area))
    };
    PictureArea::shown((0..start.len()).map(shot), span)
}

/// Shares of a picture `whole` pixels wide as shares of the part of it at `at` that is `part` wide.
fn within(shares: &[f64], (at, part): (f64, f64), whole: f64) -> Cow<'_, [f64]> {
    shares.iter().map(|share| ((share * whole - at) / part).clamp(0.0, 1.0)).collect()
}

/// The path of one row.
fn path(gaze: Gaze<'_>, numbers: [f64; 6], layout: Option<&str>) -> Result<Vec<Anchor>> {
    let [start, end, w, h, width, height] = numbers;
    if end - start > MAX_SECONDS {
        return Err(column_error(format!(
            "reframe_path spans {start} to {end} s; give a span of at most {MAX_SECONDS} s"
        )));
    }
    let Some(name) = layout else {
        return Ok(reframe_path(gaze, (start, end), (w, h), (width, height)));
    };
    let unknown = || column_error(format!("unknown layout {name} in reframe_path"));
    let layout = Layout::parse(name).ok_or_else(unknown)?;
    // Larger pictures do not exist; an invalid size has no path.
    let usable = [w, h, width, height].iter().all(|side| (2.0..65_536.0).contains(side));
    if layout == Layout::Fit || !usable {
        return Ok(Vec::new());
    }
    let size = |wide: f64, high: f64| (even(wide as u32), even(high as u32));
    let window = moving_window(layout, size(w, h), size(width, height));
    let mut anchors = window_path(gaze, (start, end), window);
    if layout == Layout::PictureInPicture {
        tell_subject(&mut anchors, gaze, (start, end), window);
    }
    Ok(anchors)
}

/// Sets the coordinate on which the window cannot move to the mean salient position.
///
/// The small picture of the layout is then placed away from it.
fn tell_subject(
    anchors: &mut [Anchor],
    gaze: Gaze<'_>,
    (start, end): (f64, f64),
    window: (f64, f64),
) {
    let middles = |of: fn(&SeenFace) -> f64| -> (f64, f64) {
        let seen = gaze.faces.iter().filter(|face| face.t >= start && face.t < end);
        seen.fold((0.0, 0.0), |(count, sum), face| (count + 1.0, sum + of(face)))
    };
    let mean = |of: &[f64], face: fn(&SeenFace) -> f64| {
        let (count, sum) = middles(face);
        if count > 0.0 {
            return (sum / count).clamp(0.0, 1.0);
        }
        let seen =
            gaze.t.iter().zip(of).filter(|(t, v)| **t >= start && **t < end && v.is_finite());
        let (count, sum) = seen.fold((0.0, 0.0), |(count, sum), (_, v)| (count + 1.0, sum + v));
        if count > 0.0 { (sum / count).clamp(0.0, 1.0) } else { 0.5 }
    };
    if window.0 > 0.99 {
        let x = mean(gaze.x, |face| face.x + 0.5 * face.width);
        anchors.iter_mut().for_each(|anchor| anchor.x = x);
    }
    if window.1 > 0.99 {
        let y = mean(gaze.y, |face| face.y + 0.5 * face.height);
        anchors.iter_mut().for_each(|anchor| anchor.y = y);
    }
}
