//! Where the picture is gone: a fade through black, the black before a film and after it.
//!
//! Who meets one at the start of a clip sees nothing for a while, so a window starts where the picture
//! is back, and ends before it is gone. A film that is dark on purpose stays as it is: what is called
//! black is next to nothing, passes soon, and is far darker than the picture beside it.

use super::frames::FrameGrid;
use super::limits::FLASH;
use super::timeline::Timeline;

/// Mean luma below which nothing is seen.
const BLACK: f64 = 0.02;
/// Black that lasts longer, in seconds, is what the film shows.
const LONGEST: f64 = 8.0;
/// Mean luma of a picture beside the black, at the least.
const LIT: f64 = 0.04;
/// The picture is there from this share of the luma on that it has shortly after (or had before).
const THERE: f64 = 0.5;
/// Seconds within which that is looked for.
const REACH: f64 = 1.5;
/// Mean luma, at the most, of a bucket at a shot boundary in which a fade turns that is shorter than it.
const TURN: f64 = 0.15;
/// From this share on, a bucket shows the picture all the time.
const ALL: f64 = 0.95;

/// A stretch in which the picture goes, is gone, and comes back.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Black {
    /// Seconds of the source.
    from: f64,
    until: f64,
    /// When the picture is last there; `None`: there was none before.
    gone: Option<f64>,
    /// When it is there again; `None`: it does not come back.
    back: Option<f64>,
}

/// The black stretches of a source, in order of time.
#[derive(Debug, Clone, Default)]
pub(in crate::kernels) struct Blacks(Vec<Black>);

impl Blacks {
    /// Those of a source with shot boundaries at `cuts`, which ascend.
    pub(in crate::kernels) fn new(timeline: &Timeline, cuts: &[f64], frames: &FrameGrid) -> Self {
        let find = Find { timeline, cuts, frames };
        let mut found: Vec<Black> = find.runs().into_iter().filter_map(|r| find.black(r)).collect();
        found.extend(find.turns().into_iter().filter_map(|r| find.black(r)));
        found.sort_by(|a, b| a.from.total_cmp(&b.from).then(a.until.total_cmp(&b.until)));
        let mut merged: Vec<Black> = Vec::with_capacity(found.len());
        for black in found {
            match merged.last_mut().filter(|last| black.from < last.until) {
                Some(last) if black.until > last.until => {
                    (last.until, last.back) = (black.until, black.back);
                }
                Some(_) => {}
                None => merged.push(black),
            }
        }
        Self(merged)
    }

    /// Where to start instead of at `t`: when the picture is back; `t` where it is not gone.
    pub(in crate::kernels) fn start(&self, t: f64) -> f64 {
        let next = self.0.partition_point(|black| black.until <= t);
        let here = self.0.get(next).filter(|black| t > black.from - FLASH);
        here.and_then(|black| black.back).unwrap_or(t)
    }

    /// Where to end instead of at `t`: while the picture is there; `t` where it is not gone.
    pub(in crate::kernels) fn end(&self, t: f64) -> f64 {
        let next = self.0.partition_point(|black| black.until + FLASH <= t);
        let here = self.0.get(next).filter(|black| t > black.from);
        here.and_then(|black| black.gone).unwrap_or(t)
    }

    /// When the picture comes back, each time.
    pub(super) fn backs(&self) -> impl Iterator<Item = f64> {
        self.0.iter().filter_map(|black| black.back)
    }

    /// When it is last there, each time.
    pub(super) fn goings(&self) -> impl Iterator<Item = f64> {
        self.0.iter().filter_map(|black| black.gone)
    }
}

/// First and last bucket of a run.
type Run = (usize, usize);

struct Find<'a> {
    timeline: &'a Timeline,
    cuts: &'a [f64],
    frames: &'a FrameGrid,
}

impl Find<'_> {
    /// Runs of black buckets that pass soon.
    fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for i in (0..self.timeline.len()).filter(|i| self.timeline.luma(*i) < BLACK) {
            match runs.last_mut().filter(|run| run.1 + 1 == i) {
                Some(run) => run.1 = i,
                None => runs.push((i, i)),
            }
        }
        runs.retain(|run| self.timeline.span(run.1).1 - self.timeline.span(run.0).0 <= LONGEST);
        runs
    }

    /// The darkest bucket at each shot boundary that may hold a fade's turn, and those that the source
    /// begins and ends with, if they are not black themselves.
    fn turns(&self) -> Vec<Run> {
        let luma = |i: &usize| self.timeline.luma(*i);
        let at = |cut: &f64| {
            let here = self.timeline.bucket_at(*cut);
            let near = here.saturating_sub(1)..(here + 2).min(self.timeline.len());
            near.min_by(|a, b| luma(a).total_cmp(&luma(b)))
        };
        let dim = |i: &usize| (BLACK..TURN).contains(&luma(i));
        let ends = [0, self.timeline.len().saturating_sub(1)].into_iter().take(self.timeline.len());
        self.cuts.iter().filter_map(at).chain(ends).filter(dim).map(|i| (i, i)).collect()
    }

    /// The stretch around a run: with the fades that lead into it and out of it.
    fn black(&self, (first, last): Run) -> Option<Black> {
        let (from, until) = (self.timeline.span(first).0, self.timeline.span(last).1);
        let dark = self.timeline.luma(first);
        let (gone, back) = (self.gone(first), self.back(last));
        let at_an_end = first == 0 || last + 1 == self.timeline.len();
        let is_found = match dark < BLACK || at_an_end {
            true => gone.is_some() || back.is_some(),
            false => gone.is_some() && back.is_some(),
        };
        is_found.then_some(Black {
            from: if first == 0 { f64::NEG_INFINITY } else { gone.unwrap_or(from).min(from) },
            until: match back {
                None if last + 1 == self.timeline.len() => f64::INFINITY,
                back => back.unwrap_or(until).max(until),
            },
            gone,
            back,
        })
    }

    /// When the picture is there after bucket `last`.
    fn back(&self, last: usize) -> Option<f64> {
        let (_, until) = self.timeline.span(last);
        let width = self.width(last);
        let next = self.cuts.partition_point(|cut| *cut < until + width);
        let reach = self.cuts.get(next).copied().unwrap_or(f64::INFINITY).min(until + REACH);
        let seen = |i: &usize| *i == last + 1 || self.timeline.span(*i).1 <= reach + 1e-6;
        let shown = (last + 1..self.timeline.len()).take_while(seen);
        let full = shown.map(|i| self.timeline.luma(i)).fold(0.0, f64::max);
        if full < LIT || self.timeline.luma(last) >= THERE * full {
            return None;
        }
        let there =
            (last + 1..self.timeline.len()).find(|i| self.timeline.luma(*i) >= THERE * full)?;
        let (start, end) = self.timeline.span(there);
        let share = self.timeline.luma(there) / full;
        // A bucket that black is beside may hold the end of it.
        let cut_in = there == last + 1 && share < ALL;
        let mut t = if cut_in { end - width * share } else { start };
        t = match self.cuts_within((until - width).max(t - width), t + width).last() {
            Some(cut) => *cut,
            None => self.frames.after(t),
        };
        // No flash of this shot before the next.
        while let Some(cut) = self.cuts.get(self.cuts.partition_point(|cut| *cut <= t))
            && cut - t < FLASH
        {
            t = *cut;
        }
        Some(t)
    }

    /// When the picture is last there before bucket `first`.
    fn gone(&self, first: usize) -> Option<f64> {
        let (from, _) = self.timeline.span(first);
        let width = self.width(first);
        let before = self.cuts.partition_point(|cut| *cut <= from - width).checked_sub(1);
        let reach = before.map_or(f64::NEG_INFINITY, |i| self.cuts[i]).max(from - REACH);
        let seen = |i: &usize| *i + 1 == first || self.timeline.span(*i).0 >= reach - 1e-6;
        let full = (0..first).rev().take_while(seen).map(|i| self.timeline.luma(i));
        let full = full.fold(0.0, f64::max);
        if full < LIT || self.timeline.luma(first) >= THERE * full {
            return None;
        }
        let there = (0..first).rev().find(|i| self.timeline.luma(*i) >= THERE * full)?;
        let (start, end) = self.timeline.span(there);
        let share = self.timeline.luma(there) / full;
        let cut_out = there + 1 == first && share < ALL;
        let mut t = if cut_out { start + width * share } else { end };
        t = match self.cuts_within(t - width, (from + width).min(t + width)).first() {
            Some(cut) => *cut,
            None => self.frames.before(t),
        };
        while let Some(i) = self.cuts.partition_point(|cut| *cut < t).checked_sub(1)
            && t - self.cuts[i] < FLASH
        {
            t = self.cuts[i];
        }
        Some(t)
    }

    /// The cuts after `low` and before `high`.
    fn cuts_within(&self, low: f64, high: f64) -> &[f64] {
        let (first, end) = (
            self.cuts.partition_point(|cut| *cut <= low),
            self.cuts.partition_point(|cut| *cut < high),
        );
        &self.cuts[first..end.max(first)]
    }

    fn width(&self, i: usize) -> f64 {
        let (start, end) = self.timeline.span(i);
        end - start
    }
}

#[cfg(test)]
mod tests;
