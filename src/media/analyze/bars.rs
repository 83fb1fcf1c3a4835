//! The exact edges of baked-in bars, measured in a few whole pictures of the shots that have them.

use std::path::Path;

use crate::cancel::CancelToken;
use crate::error::{ErrorCode, Result};
use crate::kernels::visual::{self, Bars};
use crate::media::input::{ffmpeg_args, input_args};
use crate::media::probe::Probe;
use crate::media::process::MediaCommand;
use crate::media::shape::{padded, scaled, turned};
use crate::media::tools::{MediaLimits, MediaTools};
use crate::model::{PictureArea, Shot};

/// Pictures that are looked at for each kind of bars.
const PICTURES: usize = 6;
/// Luma of a pixel that is not that of a bar.
const LIT: u8 = 40;
/// Share of a line that is lit where the picture begins.
const BEGINS: f64 = 0.25;
/// Lines of an analysis picture that its edges may be off by.
const OFF: f64 = 1.5;
/// Longest side of the pictures that are looked at.
const LONGEST: i64 = 4096;

/// Gives each of `shots` the area of its picture, where `bars` are beside it.
///
/// # Errors
/// Those of a media process.
pub(super) fn measure(
    (tools, limits): (&MediaTools, &MediaLimits),
    path: &Path,
    probe: &Probe,
    (shots, bars): (&mut [Shot], &[Option<Bars>]),
    cancel: &CancelToken,
) -> Result<()> {
    let Some(all) = bars.iter().flatten().copied().reduce(Bars::common) else { return Ok(()) };
    let is_one = bars.iter().flatten().all(|own| own.is_near(all));
    // Shots in which nothing is seen are as the others, if those are all alike.
    let of = |own: &Option<Bars>| match own {
        Some(own) if !own.is_near(all) => *own,
        None if !is_one => Bars::default(),
        _ => all,
    };
    let own: Vec<Bars> = bars.iter().map(of).collect();
    let mut known: Vec<(Bars, Option<PictureArea>)> = vec![];
    for (shot, bars) in own.iter().enumerate().filter(|(_, bars)| !bars.is_none()) {
        let found = known.iter().find(|(other, _)| other.is_near(*bars)).map(|(_, area)| *area);
        let area = match found {
            Some(area) => area,
            None => {
                let times = times(shots, &own, *bars);
                let area = edges((tools, limits), path, probe, (*bars, &times), cancel)?;
                known.push((*bars, area));
                area
            }
        };
        if let Some(shot) = shots.get_mut(shot) {
            shot.area = area;
        }
    }
    Ok(())
}

/// Moments in the longest of the shots with these bars.
fn times(shots: &[Shot], own: &[Bars], bars: Bars) -> Vec<f64> {
    let mut alike: Vec<&Shot> =
        shots.iter().zip(own).filter(|(_, b)| b.is_near(bars)).map(|(shot, _)| shot).collect();
    alike.sort_by(|a, b| (b.end - b.start).total_cmp(&(a.end - a.start)));
    alike.truncate(PICTURES);
    let each = PICTURES.div_ceil(alike.len().max(1));
    let within = |shot: &&Shot| {
        let (start, long) = (shot.start, shot.end - shot.start);
        (0..each).map(move |n| start + long * (n as f64 + 0.5) / each as f64).collect::<Vec<_>>()
    };
    alike.iter().flat_map(within).collect()
}

/// The area within `bars`, from the pictures at `times`; `None` if there are no straight edges.
fn edges(
    (tools, limits): (&MediaTools, &MediaLimits),
    path: &Path,
    probe: &Probe,
    (bars, times): (Bars, &[f64]),
    cancel: &CancelToken,
) -> Result<Option<PictureArea>> {
    let (width, height) = (probe.video.width, probe.video.height);
    if width.max(height) > LONGEST || width.min(height) < 16 || probe.video.mirrored {
        return Ok(None);
    }
    let (wide, high) = (width as usize, height as usize);
    let mut brightest = vec![0_u8; wide * high];
    for at in times {
        let pixels = picture((tools, limits), path, probe, *at, cancel)?;
        if pixels.len() == brightest.len() {
            brightest.iter_mut().zip(&pixels).for_each(|(a, b)| *a = (*a).max(*b));
        }
    }
    let lit = |x: usize, y: usize| brightest.get(y * wide + x).is_some_and(|luma| *luma > LIT);
    let rows = |y: usize| (0..wide).filter(|x| lit(*x, y)).count() as f64 / wide as f64;
    let columns = |x: usize| (0..high).filter(|y| lit(x, *y)).count() as f64 / high as f64;
    let (tall, broad) = (visual::HEIGHT, visual::WIDTH);
    // Bars on the other axis take their share of each line.
    let across = (broad - bars.left - bars.right) as f64 / broad as f64;
    let down = (tall - bars.top - bars.bottom) as f64 / tall as f64;
    let top = first_line(&rows, (bars.top, tall), high, across);
    let below = first_line(&|n| rows(high - 1 - n), (bars.bottom, tall), high, across);
    let left = first_line(&columns, (bars.left, broad), wide, down);
    let right = first_line(&|n| columns(wide - 1 - n), (bars.right, broad), wide, down);
    let (Some(top), Some(below), Some(left), Some(right)) = (top, below, left, right) else {
        return Ok(None);
    };
    // Inward to even lines, as colours are stored.
    let inward = |lines: usize| (lines.div_ceil(2) * 2) as i64;
    let (x, y) = (inward(left), inward(top));
    let (right, below) = ((width - right as i64) & !1, (height - below as i64) & !1);
    let area = PictureArea { x, y, width: right - x, height: below - y };
    let is_part =
        area.width >= 16 && area.height >= 16 && (area.width, area.height) != (width, height);
    Ok(is_part.then_some(area))
}

/// The first line that is no bar's, counted from an edge of `all` lines with about `bar.0` of `bar.1` in it; 0
/// without a bar, `None` if there is no such line where it must be.
fn first_line(
    lit: &dyn Fn(usize) -> f64,
    bar: (usize, usize),
    all: usize,
    across: f64,
) -> Option<usize> {
    if bar.0 == 0 {
        return Some(0);
    }
    let line = all as f64 / bar.1 as f64;
    let from = ((bar.0 as f64 - OFF) * line).max(0.0) as usize;
    let until = (((bar.0 as f64 + OFF + 1.0) * line).ceil() as usize).min(all);
    (from..until).find(|n| lit(*n) >= BEGINS * across)
}

/// The luma of the upright picture at `at` seconds; empty if there is none.
fn picture(
    (tools, limits): (&MediaTools, &MediaLimits),
    path: &Path,
    probe: &Probe,
    at: f64,
    cancel: &CancelToken,
) -> Result<Vec<u8>> {
    let video = &probe.video;
    let mut command = MediaCommand::ffmpeg(tools, limits);
    let seek = format!("{at:.3}");
    command.args(ffmpeg_args());
    command.args(input_args(probe.demuxer, path, limits, &["-noautorotate", "-ss", &seek]));
    let map = format!("0:{}", video.index);
    let shown = (video.width as u32, video.height as u32);
    let stored = if video.rotation % 180 == 90 { (shown.1, shown.0) } else { shown };
    let (scale, turn) = (scaled(video.into(), stored, "bilinear"), turned(video.rotation));
    let graph = format!("{scale},format=gray,{}{turn}", padded(stored));
    command.args(["-map", &map, "-an", "-sn", "-dn", "-frames:v", "1", "-vf", &graph]);
    command.args(["-f", "rawvideo", "pipe:1"]);
    let most = (shown.0 as usize).saturating_mul(shown.1 as usize) + 1;
    let (pixels, finished) = command.capture(cancel, most)?;
    // A damaged source has no picture there; what it costs is the exact edge.
    match finished.check(ErrorCode::MediaCorrupt) {
        Err(_) => cancel.check().map(|()| Vec::new()),
        Ok(()) => Ok(pixels),
    }
}
