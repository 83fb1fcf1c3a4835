//! Layouts: how the source's picture fills that of the variant.

use super::{FilterGraph, SCALER, piecewise};
use crate::kernels::layout::{Cell, CellView, corner, even, gaze, grid, largest, split};
use crate::media::render::source::{RenderSource, TOLERANCE};
use crate::model::edit::{Anchor, Edit, Layout};

/// Scaler flags for pictures that are blurred afterwards.
const SOFT_SCALER: &str = "bilinear+accurate_rnd+bitexact";
/// The background is blurred at its size divided by this.
const BLUR_AT: u32 = 8;
/// Smallest width that is blurred: `gblur` of ffmpeg 5.1 corrupts chroma of up to 16 columns.
const LEAST_BLURRED: u32 = 48;
/// Width of the small picture in the corner, as a share of the frame's.
const CORNER: f64 = 0.32;
/// The frame's shorter side divided by the width of the light lines between windows.
const LINES: u32 = 135;

/// The size at which a layout shows the whole source picture beside something else.
pub(super) fn whole(source: &RenderSource, edit: &Edit) -> Option<(u32, u32)> {
    let size = frame(edit);
    match edit.layout {
        Layout::Fit => Some(inside(source, size)).filter(|inner| *inner != size),
        Layout::Split => split(source.size(), size)
            .into_iter()
            .find(|cell| cell.window == source.size())
            .map(|cell| cell.size),
        Layout::Crop | Layout::PictureInPicture | Layout::Grid => None,
    }
}

/// Filters that scale the whole picture to `size`.
pub(super) fn scaled(size: (u32, u32)) -> String {
    scale(size, SCALER)
}

/// Draws the upright source `from` as `to` in the edit's size, on the source's clock.
///
/// Uses the already scaled [`whole`] picture if there is one.
pub(super) fn draw(
    graph: &mut FilterGraph,
    source: &RenderSource,
    edit: &Edit,
    (from, whole): (&str, Option<&str>),
    to: &str,
) {
    let size = frame(edit);
    let canvas = Canvas { source, edit, from, whole, to };
    match edit.layout {
        Layout::Crop => canvas.window(graph, from, to, &canvas.filled(size)),
        Layout::Fit => canvas.fit(graph, size),
        Layout::Split => canvas.cells(graph, size, &split(source.size(), size)),
        Layout::PictureInPicture => canvas.picture_in_picture(graph, size),
        Layout::Grid => {
            canvas.cells(graph, size, &grid(source.size(), size, gaze(&edit.reframe)));
        }
    }
}

/// A layout being drawn.
struct Canvas<'a> {
    source: &'a RenderSource,
    edit: &'a Edit,
    from: &'a str,
    /// Label of the already scaled whole picture.
    whole: Option<&'a str>,
    to: &'a str,
}

impl Canvas<'_> {
    fn name(&self, part: &str) -> String {
        format!("{}{part}", self.to)
    }

    /// One cell that fills the whole frame.
    fn filled(&self, size: (u32, u32)) -> Cell {
        let window = largest(self.source.size(), size, 1.0);
        Cell { at: (0, 0), size, window, place: CellView::Follow }
    }

    /// Adds the window of the source that a cell shows.
    fn window(&self, graph: &mut FilterGraph, from: &str, to: &str, cell: &Cell) {
        let (wide, high) = cell.window;
        let (x, y) = match cell.place {
            CellView::Follow => (self.path(|a| a.x), self.path(|a| a.y)),
            CellView::Fixed(x, y) => (format!("{x:.4}"), format!("{y:.4}")),
        };
        let at = |centre: String, whole: u32, part: u32| match whole - part {
            0 => "0".to_owned(),
            room => format!("'clip(({centre})*{whole}-{part}/2,0,{room})'"),
        };
        let (x, y) = (at(x, self.source.width, wide), at(y, self.source.height, high));
        let mut filters = Vec::new();
        if (wide, high) != self.source.size() {
            filters.push(format!("crop={wide}:{high}:{x}:{y}"));
        }
        filters.push(scale(cell.size, SCALER));
        graph.add(&[from.into()], &filters.join(","), &[to.into()]);
    }

    /// The expression of one coordinate of the reframe path over the source's time `t`.
    fn path(&self, of: impl Fn(&Anchor) -> f64) -> String {
        let sound = |a: &&Anchor| a.t.is_finite() && of(a).is_finite();
        let anchors: Vec<&Anchor> = self.edit.reframe.iter().filter(sound).collect();
        let Some((first, last)) = anchors.first().zip(anchors.last()) else {
            return "0.5".into();
        };
        // A frame at an anchor's time counts as after it, whatever was lost in rounding.
        let time = |a: &Anchor| format!("{:.6}", self.source.start + a.t - TOLERANCE);
        let mut pieces = vec![(time(first), format!("{:.6}", of(first)))];
        for pair in anchors.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            let length = b.t - a.t;
            // Two anchors at the same time are a jump.
            if length < TOLERANCE {
                continue;
            }
            let slope = (of(b) - of(a)) / length;
            pieces.push((time(b), format!("{:.6}+{slope:.8}*(t-{})", of(a), time(a))));
        }
        pieces.push((String::new(), format!("{:.6}", of(last))));
        piecewise("t", &pieces)
    }

    fn fit(&self, graph: &mut FilterGraph, size: (u32, u32)) {
        let inner = inside(self.source, size);
        if inner == size {
            return graph.add(&[self.from.into()], &scale(size, SCALER), &[self.to.into()]);
        }
        let back = self.name("back");
        let (below, front) = match self.whole {
            Some(whole) => (self.from.to_owned(), whole.to_owned()),
            None => {
                let copies = graph.split(self.from, "split", 2, |n| self.name(&format!("c{n}")));
                let front = self.name("front");
                graph.add(&copies[1..], &scaled(inner), std::slice::from_ref(&front));
                (copies[0].clone(), front)
            }
        };
        let (wide, high) = largest(self.source.size(), size, 1.0);
        let small = match (size.0 / BLUR_AT, size.1 / BLUR_AT) {
            (wide, high) if wide >= LEAST_BLURRED => (even(wide), even(high)),
            _ => (LEAST_BLURRED, even(LEAST_BLURRED * size.1 / size.0.max(1))),
        };
        let blur = format!(
            "crop={wide}:{high},{},gblur=sigma=5,{}",
            scale(small, SOFT_SCALER),
            scale(size, SOFT_SCALER)
        );
        graph.add(&[below], &blur, std::slice::from_ref(&back));
        let at = (even_or_zero((size.0 - inner.0) / 2), even_or_zero((size.1 - inner.1) / 2));
        let over = format!("overlay={}:{}:format=yuv420,setsar=1", at.0, at.1);
        graph.add(&[back, front], &over, &[self.to.into()]);
    }

    /// Adds cells that fill the frame, with light lines between them.
    fn cells(&self, graph: &mut FilterGraph, size: (u32, u32), cells: &[Cell]) {
        let mut ends: Vec<String> = (0..cells.len()).map(|n| self.name(&format!("w{n}"))).collect();
        let mut drawn: Vec<usize> = (0..cells.len()).collect();
        if let Some(whole) = self.whole
            && let Some(place) = cells.iter().position(|cell| cell.window == self.source.size())
        {
            ends[place] = whole.to_owned();
            drawn.remove(place);
        }
        let copies = graph.split(self.from, "split", drawn.len(), |n| self.name(&format!("c{n}")));
        for (cell, copy) in drawn.into_iter().zip(&copies) {
            self.window(graph, copy, &ends[cell], &cells[cell]);
        }
        let places: Vec<String> =
            cells.iter().map(|cell| format!("{}_{}", cell.at.0, cell.at.1)).collect();
        let mut filters = format!("xstack=inputs={}:layout={}", cells.len(), places.join("|"));
        let line = line(size);
        let lines = |of: fn(&Cell) -> u32| {
            let mut found: Vec<u32> = cells.iter().map(of).filter(|at| *at > 0).collect();
            found.dedup();
            found.into_iter().map(move |at| at - line / 2)
        };
        for x in lines(|cell| cell.at.0) {
            filters += &format!(",drawbox={x}:0:{line}:{}:white:fill", size.1);
        }
        for y in lines(|cell| cell.at.1) {
            filters += &format!(",drawbox=0:{y}:{}:{line}:white:fill", size.0);
        }
        graph.add(&ends, &format!("{filters},setsar=1"), &[self.to.into()]);
    }

    fn picture_in_picture(&self, graph: &mut FilterGraph, size: (u32, u32)) {
        let copies = graph.split(self.from, "split", 2, |n| self.name(&format!("c{n}")));
        let (back, front) = (self.name("back"), self.name("front"));
        self.window(graph, &copies[0], &back, &self.filled(size));
        let most = ((f64::from(size.0) * CORNER) as u32, (f64::from(size.1) * CORNER) as u32);
        let small = inside(self.source, (even(most.0), even(most.1)));
        let line = line(size);
        let framed = (small.0 + 2 * line, small.1 + 2 * line);
        let line = format!(
            "{},pad={}:{}:{line}:{line}:color=white",
            scale(small, SCALER),
            framed.0,
            framed.1
        );
        graph.add(&copies[1..], &line, std::slice::from_ref(&front));
        let (pictures, zone) = ((self.source.size(), size), self.edit.safe_zone);
        let at = corner(pictures, framed, zone, gaze(&self.edit.reframe));
        let over = format!("overlay={}:{}:format=yuv420,setsar=1", at.0, at.1);
        graph.add(&[back, front], &over, &[self.to.into()]);
    }
}

fn frame(edit: &Edit) -> (u32, u32) {
    (edit.width as u32, edit.height as u32)
}

/// Width of a light line in a frame of that size, in pixels.
fn line(size: (u32, u32)) -> u32 {
    even(size.0.min(size.1) / LINES)
}

fn scale(size: (u32, u32), flags: &str) -> String {
    format!("scale={}:{}:flags={flags},setsar=1", size.0, size.1)
}

/// The largest even size with the source's aspect ratio inside `size`.
///
/// It is all of `size` if the background would be narrower than two pixels, which would look like a fault.
fn inside(source: &RenderSource, size: (u32, u32)) -> (u32, u32) {
    let shape = f64::from(source.width) / f64::from(source.height);
    let (wide, high) = (f64::from(size.0), f64::from(size.1));
    let (w, h) = if wide / high > shape { (high * shape, high) } else { (wide, wide / shape) };
    let side = |side: f64, most: u32| match even(side.round() as u32) {
        side if side + 4 > most => most,
        side => side,
    };
    (side(w, size.0), side(h, size.1))
}

fn even_or_zero(length: u32) -> u32 {
    length & !1
}
