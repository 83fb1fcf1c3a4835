//! How the source's picture fits a platform's frame.

use crate::kernels::layout::enlarges;
use crate::model::Platform;
use crate::model::edit::Layout;

/// A picture is not made larger than this: beyond it looks soft.
pub const MAX_UPSCALE: f64 = 1.5;
/// Where a size is asked for, layouts may enlarge the source this much: a vertical crop of 720 lines at 1080x1920.
const ENOUGH_UPSCALE: f64 = 3.0;
/// Where less moves, on the mean, there is no subject that a close window could show beside the whole.
const ENOUGH_MOTION: f64 = 0.002;
/// Shapes within this of each other are the same.
const SAME_SHAPE: f64 = 0.03;

/// A layout at the size that suits the source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fitted {
    pub(super) layout: Layout,
    pub(super) size: (i64, i64),
    /// Share of the frame that shows the picture sharp.
    pub(super) fill: f64,
    /// How that suits it.
    pub(super) sharpness: Sharpness,
    /// How much the source is enlarged for a size that was asked for.
    pub(super) enlarged: Option<f64>,
}

/// How sharp a source is for what is made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharpness {
    /// Sharp enough for the platform's largest size.
    Full,
    /// For one of the smaller ones.
    Reduced,
    /// For none.
    Soft,
}

/// How much a layout enlarges a source of that size in a frame of this size.
pub fn upscale(layout: Layout, source: (i64, i64), frame: (i64, i64)) -> f64 {
    let side = |side: i64| u32::try_from(side).unwrap_or(0).max(2);
    let size = |(wide, high): (i64, i64)| (side(wide), side(high));
    enlarges(layout, size(source), size(frame))
}

/// The platform's largest size in which a layout enlarges a source of that size by no more than
/// [`MAX_UPSCALE`]; `None` if there is none.
pub fn fitting_size(layout: Layout, source: (i64, i64), platform: &Platform) -> Option<(i64, i64)> {
    let mut sizes = platform.sizes.iter().copied();
    sizes.find(|size| upscale(layout, source, *size) <= MAX_UPSCALE)
}

/// The layouts that do the source justice on the platform, each at the largest size that does not
/// enlarge it beyond [`MAX_UPSCALE`]. There is always one: a source that is too small for all of them at
/// every size falls back to the one that enlarges least, the whole picture over a blurred copy, at the
/// platform's smallest size. It is enlarged further there, and [`words`] says so. `motion` is the clip's
/// mean.
pub(super) fn layouts(source: (i64, i64), motion: f64, platform: &Platform) -> Vec<Fitted> {
    let (aspect, frame) = (aspect(source), platform.aspect());
    let mut fitted = Vec::with_capacity(Layout::ALL.len());
    for layout in wanted((aspect, frame), motion) {
        let Some(size) = fitting_size(layout, source, platform) else { continue };
        let is_largest = platform.sizes.first() == Some(&size);
        let sharpness = if is_largest { Sharpness::Full } else { Sharpness::Reduced };
        let fill = fill(layout, aspect, frame);
        fitted.push(Fitted { layout, size, fill, sharpness, enlarged: None });
    }
    if fitted.is_empty() {
        let layout = Layout::Fit;
        let size = platform.sizes.last().copied().unwrap_or((540, 540));
        let is_soft = upscale(layout, source, size) > MAX_UPSCALE;
        let sharpness = if is_soft { Sharpness::Soft } else { Sharpness::Reduced };
        let fill = fill(layout, aspect, frame);
        fitted.push(Fitted { layout, size, fill, sharpness, enlarged: None });
    }
    fitted
}

/// The layouts of a frame of the size that is asked for. Those that enlarge the source much more than need be
/// are left out.
pub(super) fn layouts_at(size: (i64, i64), source: (i64, i64), motion: f64) -> Vec<Fitted> {
    let shapes = (aspect(source), aspect(size));
    let enlarged: Vec<(Layout, f64)> =
        wanted(shapes, motion).map(|layout| (layout, upscale(layout, source, size))).collect();
    let least = enlarged.iter().map(|(_, by)| *by).fold(f64::INFINITY, f64::min);
    let most = ENOUGH_UPSCALE.max(2.0 * least);
    let fitted = enlarged.into_iter().filter(|(_, by)| *by <= most).map(|(layout, by)| Fitted {
        layout,
        size,
        fill: fill(layout, shapes.0, shapes.1),
        sharpness: if by > MAX_UPSCALE { Sharpness::Soft } else { Sharpness::Full },
        enlarged: Some(by),
    });
    fitted.collect()
}

/// Width by height.
fn aspect((width, height): (i64, i64)) -> f64 {
    width as f64 / height.max(1) as f64
}

/// The layouts that are worth their while for a source and a frame of these shapes.
fn wanted((source, frame): (f64, f64), motion: f64) -> impl Iterator<Item = Layout> {
    let is_same = (source / frame - 1.0).abs() <= SAME_SHAPE;
    let all = if is_same { &Layout::ALL[..1] } else { Layout::ALL };
    let worth =
        move |layout: &Layout| *layout != Layout::PictureInPicture || motion >= ENOUGH_MOTION;
    all.iter().copied().filter(worth)
}

/// Share of the frame in which the picture is sharp and large.
fn fill(layout: Layout, aspect: f64, frame: f64) -> f64 {
    match layout {
        Layout::Crop => 1.0,
        // The rest is not empty: it is the same picture, blurred.
        Layout::Fit => (aspect / frame).min(frame / aspect).max(0.75),
        Layout::Split => 0.7,
        Layout::PictureInPicture => 0.9,
        Layout::Grid => 0.5,
    }
}

/// What a layout is, in words.
pub(super) fn words(fitted: &Fitted) -> String {
    let what = match fitted.layout {
        Layout::Crop => "a window that follows the action",
        Layout::Fit => "the whole picture over a blurred copy",
        Layout::Split => "the whole picture and a close-up",
        Layout::PictureInPicture => "a window with the whole picture in a corner",
        Layout::Grid => "four windows",
    };
    let (wide, high) = fitted.size;
    if let Some(by) = fitted.enlarged {
        let by = if by > 1.05 { format!(", enlarged {by:.1} times") } else { String::new() };
        return format!("{what} ({wide}x{high} as asked{by})");
    }
    let sharpness = match fitted.sharpness {
        Sharpness::Full => "",
        Sharpness::Reduced => ", as much as the source is sharp enough for",
        Sharpness::Soft => ", more than the source is sharp enough for",
    };
    format!("{what} ({wide}x{high}{sharpness})")
}
