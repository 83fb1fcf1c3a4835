//! How the source's picture fills the variant's.

use super::{Graph, SCALER, piecewise};
use crate::media::render::source::{Source, TOLERANCE, even};
use crate::model::edit::{Anchor, Edit, Layout};

/// Scaling where the result is blurred anyway.
const SOFT_SCALER: &str = "bilinear+accurate_rnd+bitexact";
/// The background is blurred at this part of its size.
const BLUR_AT: u32 = 8;
/// Width of the small picture in the corner, as a share of the frame's.
const CORNER: f64 = 0.4;
/// Width of the light line around it, in pixels.
const LINE: u32 = 4;

/// Draws the upright source `from` as `to` in the edit's size. Times are those of the source.
pub(super) fn draw(graph: &mut Graph, source: &Source, edit: &Edit, from: &str, to: &str) {
    let size = (edit.width as u32, edit.height as u32);
    let canvas = Canvas { source, edit, from, to };
    match edit.layout {
        Layout::Crop => canvas.window(graph, from, to, size, Place::Follow, 1.0),
        Layout::Fit => canvas.fit(graph, size),
        Layout::Split => canvas.split(graph, size),
        Layout::PictureInPicture => canvas.picture_in_picture(graph, size),
        Layout::Grid => canvas.grid(graph, size),
    }
}

/// Where a window lies.
#[derive(Clone, Copy)]
enum Place {
    /// Along the path; in the middle without one.
    Follow,
    /// Its centre, as shares of the picture, pushed inside.
    Fixed(f64, f64),
}

struct Canvas<'a> {
    source: &'a Source,
    edit: &'a Edit,
    from: &'a str,
    to: &'a str,
}

impl Canvas<'_> {
    fn name(&self, part: &str) -> String {
        format!("{}{part}", self.to)
    }

    /// A window of the shape of `size`, as large as the source allows times `share`.
    fn window(
        &self,
        graph: &mut Graph,
        from: &str,
        to: &str,
        size: (u32, u32),
        place: Place,
        share: f64,
    ) {
        let (wide, high) = largest(self.source, size, share);
        let (x, y) = match place {
            Place::Follow => (self.path(|a| a.x), self.path(|a| a.y)),
            Place::Fixed(x, y) => (format!("{x:.4}"), format!("{y:.4}")),
        };
        let at = |centre: String, whole: u32, part: u32| match whole - part {
            0 => "0".to_owned(),
            room => format!("'clip(({centre})*{whole}-{part}/2,0,{room})'"),
        };
        let (x, y) = (at(x, self.source.width, wide), at(y, self.source.height, high));
        let mut filters = Vec::new();
        if (wide, high) != (self.source.width, self.source.height) {
            filters.push(format!("crop={wide}:{high}:{x}:{y}"));
        }
        filters.push(scale(size, SCALER));
        graph.add(&[from.into()], &filters.join(","), &[to.into()]);
    }

    /// The path of one coordinate over the source's time `t`.
    fn path(&self, of: impl Fn(&Anchor) -> f64) -> String {
        let sound = |a: &&Anchor| a.t.is_finite() && of(a).is_finite();
        let anchors: Vec<&Anchor> = self.edit.reframe.iter().filter(sound).collect();
        let Some((first, last)) = anchors.first().zip(anchors.last()) else {
            return "0.5".into();
        };
        // A frame at an anchor's time is on its far side, whatever was lost in rounding.
        let time = |a: &Anchor| format!("{:.6}", self.source.start + a.t - TOLERANCE);
        let mut pieces = vec![(time(first), format!("{:.6}", of(first)))];
        for pair in anchors.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            let length = b.t - a.t;
            // Two anchors of one time are a jump.
            if length < TOLERANCE {
                continue;
            }
            let slope = (of(b) - of(a)) / length;
            pieces.push((time(b), format!("{:.6}+{slope:.8}*(t-{})", of(a), time(a))));
        }
        pieces.push((String::new(), format!("{:.6}", of(last))));
        piecewise("t", &pieces)
    }

    fn fit(&self, graph: &mut Graph, size: (u32, u32)) {
        let inner = inside(self.source, size);
        if inner == size {
            return graph.add(&[self.from.into()], &scale(size, SCALER), &[self.to.into()]);
        }
        let copies = graph.split(self.from, "split", 2, |n| self.name(&format!("c{n}")));
        let (back, front) = (self.name("back"), self.name("front"));
        let (wide, high) = largest(self.source, size, 1.0);
        let small = (even(size.0 / BLUR_AT), even(size.1 / BLUR_AT));
        let blur = format!(
            "crop={wide}:{high},{},gblur=sigma=5,{}",
            scale(small, SOFT_SCALER),
            scale(size, SOFT_SCALER)
        );
        graph.add(&copies[..1], &blur, std::slice::from_ref(&back));
        graph.add(&copies[1..], &scale(inner, SCALER), std::slice::from_ref(&front));
        let at = (even_or_zero((size.0 - inner.0) / 2), even_or_zero((size.1 - inner.1) / 2));
        let over = format!("overlay={}:{}:format=yuv420,setsar=1", at.0, at.1);
        graph.add(&[back, front], &over, &[self.to.into()]);
    }

    fn split(&self, graph: &mut Graph, size: (u32, u32)) {
        let tall = size.1 >= size.0;
        let halves = |whole: u32| (even(whole / 2), whole - even(whole / 2));
        let (one, two, stack) = if tall {
            let (top, bottom) = halves(size.1);
            ((size.0, top), (size.0, bottom), "vstack")
        } else {
            let (left, right) = halves(size.0);
            ((left, size.1), (right, size.1), "hstack")
        };
        let copies = graph.split(self.from, "split", 2, |n| self.name(&format!("c{n}")));
        let ends = [self.name("one"), self.name("two")];
        let mean = self.mean_x();
        let first =
            if self.edit.reframe.is_empty() { Place::Fixed(0.0, 0.5) } else { Place::Follow };
        let other = if mean > 0.5 { Place::Fixed(0.0, 0.5) } else { Place::Fixed(1.0, 0.5) };
        self.window(graph, &copies[0], &ends[0], one, first, 1.0);
        self.window(graph, &copies[1], &ends[1], two, other, 1.0);
        graph.add(&ends, &format!("{stack},setsar=1"), &[self.to.into()]);
    }

    fn picture_in_picture(&self, graph: &mut Graph, size: (u32, u32)) {
        let copies = graph.split(self.from, "split", 2, |n| self.name(&format!("c{n}")));
        let (back, front) = (self.name("back"), self.name("front"));
        self.window(graph, &copies[0], &back, size, Place::Follow, 1.0);
        let most = ((f64::from(size.0) * CORNER) as u32, (f64::from(size.1) * CORNER) as u32);
        let small = inside(self.source, (even(most.0), even(most.1)));
        let framed = (small.0 + 2 * LINE, small.1 + 2 * LINE);
        let line = format!(
            "{},pad={}:{}:{LINE}:{LINE}:color=white",
            scale(small, SCALER),
            framed.0,
            framed.1
        );
        graph.add(&copies[1..], &line, std::slice::from_ref(&front));
        let (zone, margin) = (self.edit.safe_zone, 0.03 * f64::from(size.0));
        let right = f64::from(size.0) * (1.0 - zone.right) - margin - f64::from(framed.0);
        let top = f64::from(size.1) * zone.top + margin;
        let lowest = f64::from(size.1.saturating_sub(framed.1));
        let at = (even_or_zero(right.max(0.0) as u32), even_or_zero(top.clamp(0.0, lowest) as u32));
        let over = format!("overlay={}:{}:format=yuv420,setsar=1", at.0, at.1);
        graph.add(&[back, front], &over, &[self.to.into()]);
    }

    fn grid(&self, graph: &mut Graph, size: (u32, u32)) {
        let (left, top) = (even(size.0 / 2), even(size.1 / 2));
        let (right, bottom) = (size.0 - left, size.1 - top);
        let copies = graph.split(self.from, "split", 4, |n| self.name(&format!("c{n}")));
        let cells: Vec<String> = (0..4).map(|n| self.name(&format!("w{n}"))).collect();
        let windows = [
            ((left, top), Place::Follow, 1.0),
            ((right, top), Place::Fixed(1.0, 0.5), 1.0),
            ((left, bottom), Place::Fixed(0.0, 0.5), 1.0),
            ((right, bottom), Place::Follow, 0.7),
        ];
        for (number, (cell, place, share)) in windows.into_iter().enumerate() {
            self.window(graph, &copies[number], &cells[number], cell, place, share);
        }
        let stack = format!("xstack=inputs=4:layout=0_0|{left}_0|0_{top}|{left}_{top},setsar=1");
        graph.add(&cells, &stack, &[self.to.into()]);
    }

    fn mean_x(&self) -> f64 {
        let count = self.edit.reframe.len().max(1) as f64;
        self.edit.reframe.iter().map(|a| a.x).sum::<f64>() / count
    }
}

fn scale(size: (u32, u32), flags: &str) -> String {
    format!("scale={}:{}:flags={flags},setsar=1", size.0, size.1)
}

/// The largest window of the shape of `size` in the source, times `share`, even.
fn largest(source: &Source, size: (u32, u32), share: f64) -> (u32, u32) {
    let (wide, high) = (f64::from(source.width), f64::from(source.height));
    let shape = f64::from(size.0) / f64::from(size.1);
    let (w, h) = if wide / high > shape { (high * shape, high) } else { (wide, wide / shape) };
    let side = |side: f64, most: u32| even((side * share).round() as u32).min(most);
    (side(w, source.width), side(h, source.height))
}

/// The largest size in the source's shape inside `size`, even. Less than two pixels of background
/// would look like a fault: then it is all of `size`.
fn inside(source: &Source, size: (u32, u32)) -> (u32, u32) {
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
