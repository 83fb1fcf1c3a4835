//! Where a variant opens, where it ends and how fast it goes.

use super::brief::{CUT_SENTENCE, ClipBrief, Ending, MOMENTS, Moment};
use crate::model::Platform;
use crate::model::edit::{JOIN_SECONDS, Join, Segment};

/// Length of what a cold open shows first, in seconds.
const TEASER: f64 = 2.0;
/// A clip this much longer than the platform's best length is also offered shorter.
const LONG: f64 = 1.4;
/// Pauses are worth cutting out from so many seconds on, filler words from fewer.
const WORTH_TIGHTENING: f64 = 0.8;
const WORTH_A_FILLER: f64 = 0.2;
/// Speeds of the thirds of a ramp.
const RAMP: [f64; 3] = [1.0, 1.12, 1.25];
/// Lengths this near to each other are equal: less than a frame.
const NEAR: f64 = 0.004;
/// Shortest stretch that is shown, in seconds.
const LEAST: f64 = 0.3;

/// Where it opens and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// As the clip was chosen, or as much of it as the platform takes.
    Whole,
    /// From a stronger moment on.
    Hook(u8),
    /// As chosen, with an earlier end.
    Short,
    /// From a stronger moment on, with an earlier end.
    HookShort,
    /// A taste of the strongest moment, then the whole.
    ColdOpen(Join),
}

/// How fast it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// As it is.
    Natural,
    /// A tenth faster.
    Brisk,
    /// A quarter faster.
    Fast,
    /// Without its pauses and filler words.
    Tight,
    /// Faster and faster.
    Ramp,
}

/// One option.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Timing {
    pub(super) shape: Shape,
    pub(super) pace: Pace,
    /// Where its span begins.
    pub(super) opening: Moment,
    /// What is seen first: the same, or the teaser of a cold open.
    pub(super) first: Moment,
    pub(super) ending: Ending,
    /// How long it plays, in seconds.
    pub(super) duration: f64,
    /// Number of [its onsets](Self::onsets).
    pub(super) beats: usize,
}

impl Timing {
    /// What tells it from others when variants are compared.
    pub(super) fn key(&self) -> u8 {
        let shape = match self.shape {
            Shape::Whole => 0,
            Shape::Hook(n) => n,
            Shape::Short => 4,
            Shape::HookShort => 5,
            Shape::ColdOpen(join) => 6 + join as u8,
        };
        shape * 5 + self.pace as u8
    }

    /// Seconds of the source for each second that is played.
    pub(super) fn speed(&self) -> f64 {
        (self.ending.t - self.start()) / self.duration
    }

    /// Whether the strongest moment comes first.
    pub(super) fn cold(&self) -> f64 {
        f64::from(u8::from(matches!(self.shape, Shape::ColdOpen(_))))
    }

    /// How segments pass into each other.
    pub(super) fn join(&self) -> Join {
        match self.shape {
            Shape::ColdOpen(join) => join,
            _ => Join::Cut,
        }
    }

    /// Whether the same is shown in the same way, whatever it is called.
    fn shows_what(&self, other: &Self) -> bool {
        self.pace == other.pace
            && self.ending.t == other.ending.t
            && self.opening.t == other.opening.t
            && (self.cold() > 0.0, self.join()) == (other.cold() > 0.0, other.join())
    }

    /// Where the span begins, whatever is shown first.
    pub(super) fn start(&self) -> f64 {
        self.opening.t
    }

    /// What is shown.
    pub(super) fn segments(&self, brief: &ClipBrief) -> Vec<Segment> {
        let (start, end) = (self.start(), self.ending.t);
        let grid = |t: f64| brief.start + ((t - brief.start) * brief.fps).round() / brief.fps;
        let segment = |start, end, speed| Segment { start, end, speed };
        let mut segments = match self.pace {
            Pace::Natural => vec![segment(start, end, 1.0)],
            Pace::Brisk => vec![segment(start, end, 1.1)],
            Pace::Fast => vec![segment(start, end, 1.25)],
            Pace::Tight => {
                let mut at = start;
                let mut shown = vec![];
                for pause in pauses_within(brief, start, end) {
                    shown.push(segment(at, pause.0, 1.0));
                    at = pause.1;
                }
                shown.push(segment(at, end, 1.0));
                shown
            }
            Pace::Ramp => {
                let third = (end - start) / 3.0;
                let (a, b) = (grid(start + third), grid(start + 2.0 * third));
                vec![segment(start, a, RAMP[0]), segment(a, b, RAMP[1]), segment(b, end, RAMP[2])]
            }
        };
        if let (Shape::ColdOpen(_), Some(best)) = (self.shape, brief.moments.get(1)) {
            segments.insert(0, segment(best.t, teaser_end(brief, best), 1.0));
        }
        segments
    }

    /// Onsets in what is shown, in order of time. The teaser of a cold open is shown again later: its
    /// onsets are among them once.
    pub(super) fn onsets<'a>(&self, brief: &'a ClipBrief) -> impl Iterator<Item = f64> + 'a {
        let (start, end) = (self.start(), self.ending.t);
        let within = self.span_onsets(brief);
        let cut = (self.pace == Pace::Tight).then(|| pauses_within(brief, start, end));
        let mut cut = cut.into_iter().flatten().peekable();
        within.iter().copied().filter(move |t| {
            while cut.next_if(|(_, until)| until <= t).is_some() {}
            cut.peek().is_none_or(|(from, _)| t < from)
        })
    }

    /// Onsets in the span, with those in what is cut out of it.
    fn span_onsets<'a>(&self, brief: &'a ClipBrief) -> &'a [f64] {
        let first = brief.onsets.partition_point(|t| *t <= self.start());
        let last = brief.onsets.partition_point(|t| *t < self.ending.t);
        brief.onsets.get(first..last).unwrap_or_default()
    }

    /// Number of its onsets.
    fn count_onsets(&self, brief: &ClipBrief) -> usize {
        match self.pace {
            Pace::Tight => self.onsets(brief).count(),
            _ => self.span_onsets(brief).len(),
        }
    }

    /// What sets it apart, in words.
    pub(super) fn words(&self, brief: &ClipBrief) -> String {
        let offset = self.opening.t - brief.start;
        let opens = match self.shape {
            Shape::Whole if offset > NEAR => format!("opens with a sentence {offset:.1} s in"),
            Shape::Whole => "opens as the clip was chosen".to_owned(),
            Shape::Hook(_) => format!("opens on a stronger moment {offset:.1} s in"),
            Shape::Short => "opens as chosen and ends early".to_owned(),
            Shape::HookShort => {
                format!("opens on a stronger moment {offset:.1} s in and ends early")
            }
            Shape::ColdOpen(join) => {
                let then = match join {
                    Join::Cut => "",
                    Join::Dissolve => ", dissolving into the rest",
                    Join::Slide => ", pushed out by the rest",
                };
                format!("shows its strongest moment first{then}")
            }
        };
        let pace = match self.pace {
            Pace::Natural => "",
            Pace::Brisk => ", a tenth faster",
            Pace::Fast => ", a quarter faster",
            Pace::Tight if says_fillers(brief, self.start(), self.ending.t) => {
                ", without its pauses and filler words"
            }
            Pace::Tight => ", without its pauses",
            Pace::Ramp => ", faster and faster",
        };
        format!("{opens}{pace} ({:.1} s)", self.duration)
    }
}

/// Where the teaser that begins at a moment ends.
fn teaser_end(brief: &ClipBrief, best: &Moment) -> f64 {
    brief.start + ((best.t + TEASER - brief.start) * brief.fps).round() / brief.fps
}

/// Pauses between `start` and `end` that can be cut out, as start and end.
fn pauses_within(brief: &ClipBrief, start: f64, end: f64) -> impl Iterator<Item = (f64, f64)> {
    let mut at = start;
    brief.pauses.iter().filter_map(move |pause| {
        let room = pause.start - at >= LEAST && end - pause.end >= LEAST;
        room.then(|| {
            at = pause.end;
            (pause.start, pause.end)
        })
    })
}

/// Whether filler words that can be cut out are said between `start` and `end`.
fn says_fillers(brief: &ClipBrief, start: f64, end: f64) -> bool {
    let is_cut = |t: f64| pauses_within(brief, start, end).any(|(from, to)| from <= t && t < to);
    brief.fillers.iter().any(|filler| is_cut(0.5 * (filler.start + filler.end)))
}

/// Options, as they are found.
struct Options<'a> {
    brief: &'a ClipBrief,
    /// Shortest and longest that platform and request want, in seconds.
    least: f64,
    most: f64,
    all: Vec<Timing>,
}

/// Every option for a platform that is as long as platform and request want it, the most natural first.
pub(super) fn timings(brief: &ClipBrief, platform: &Platform) -> Vec<Timing> {
    let found = timings_of(brief, platform);
    let own = brief.moments.first().zip(brief.endings.first());
    let Some((open, end)) = own.filter(|_| found.is_empty()) else { return found };
    // Too short in whole sentences: then as it was chosen.
    let mut chosen = brief.clone();
    chosen.moments = vec![Moment { t: brief.start, ..*open }];
    chosen.endings = vec![Ending { t: brief.end, ..*end }];
    timings_of(&chosen, platform)
}

fn timings_of(brief: &ClipBrief, platform: &Platform) -> Vec<Timing> {
    let mut options = Options {
        brief,
        least: platform.min_seconds.max(brief.least),
        most: platform.max_seconds.min(brief.most),
        all: Vec::with_capacity(14),
    };
    let (Some(own), Some(last)) = (brief.moments.first(), brief.endings.first()) else {
        return options.all;
    };
    let whole = match last.t - own.t > options.most + NEAR {
        true => before(brief, own.t + 1.0, own.t + options.most),
        false => Some(*last),
    };
    if let Some(whole) = &whole {
        for pace in [Pace::Natural, Pace::Brisk, Pace::Fast, Pace::Tight, Pace::Ramp] {
            options.add(Shape::Whole, pace, own, whole);
        }
    }
    options.add_hooks();
    if last.t - own.t > LONG * platform.sweet_seconds {
        options.add_short(platform.sweet_seconds, own, last);
    }
    if let Some(whole) = &whole {
        // The restless like a push, the patient a dissolve.
        let join = if platform.loops { Join::Slide } else { Join::Dissolve };
        options.add_cold_opens(own, whole, join);
    }
    options.all
}

impl Options<'_> {
    /// Adds an option, unless it is too short or too long or there already.
    fn add(&mut self, shape: Shape, pace: Pace, opening: &Moment, ending: &Ending) {
        let brief = self.brief;
        let Some(duration) = duration(brief, shape, pace, opening.t, ending.t) else { return };
        if duration + NEAR < self.least || duration > self.most + NEAR {
            return;
        }
        let first = match (shape, brief.moments.get(1)) {
            (Shape::ColdOpen(_), Some(best)) => *best,
            _ => *opening,
        };
        let (opening, ending) = (*opening, *ending);
        let mut option = Timing { shape, pace, opening, first, ending, duration, beats: 0 };
        if !self.all.iter().any(|other| other.shows_what(&option)) {
            option.beats = option.count_onsets(brief);
            self.all.push(option);
        }
    }

    fn add_hooks(&mut self) {
        let brief = self.brief;
        for (n, moment) in (1..).zip(brief.moments.iter().skip(1).take(MOMENTS)) {
            let end = before(brief, moment.t + 1.0, moment.t + self.most);
            let Some(end) = end else { continue };
            self.add(Shape::Hook(n), Pace::Natural, moment, &end);
            if n == 1 {
                self.add(Shape::Hook(n), Pace::Brisk, moment, &end);
                self.add(Shape::Hook(n), Pace::Tight, moment, &end);
            }
        }
    }

    /// Those that end early, after about `seconds`.
    fn add_short(&mut self, seconds: f64, own: &Moment, last: &Ending) {
        let brief = self.brief;
        let Some(short) = nearest(brief, own.t + seconds) else { return };
        self.add(Shape::Short, Pace::Natural, own, &short);
        let Some(best) = brief.moments.get(1) else { return };
        let end = nearest(brief, best.t + seconds);
        if let Some(end) = end.filter(|end| end.t < last.t) {
            self.add(Shape::HookShort, Pace::Natural, best, &end);
        }
    }

    fn add_cold_opens(&mut self, own: &Moment, whole: &Ending, join: Join) {
        let brief = self.brief;
        let Some(best) = brief.moments.get(1) else { return };
        // Who has just seen it must not meet it again at once, but meet it they must: the platform may
        // take only what comes before it.
        let again = best.t - own.t;
        if again >= 2.0 * TEASER && teaser_end(brief, best) <= whole.t {
            self.add(Shape::ColdOpen(join), Pace::Natural, own, whole);
            self.add(Shape::ColdOpen(Join::Cut), Pace::Natural, own, whole);
        }
    }
}

/// How long an option plays; `None` if its pace changes nothing.
fn duration(brief: &ClipBrief, shape: Shape, pace: Pace, start: f64, end: f64) -> Option<f64> {
    let length = end - start;
    let played = match pace {
        Pace::Natural => length,
        Pace::Brisk => length / 1.1,
        Pace::Fast => length / 1.25,
        Pace::Tight => {
            let cut: f64 = pauses_within(brief, start, end).map(|(from, to)| to - from).sum();
            let worth =
                if says_fillers(brief, start, end) { WORTH_A_FILLER } else { WORTH_TIGHTENING };
            if cut < worth {
                return None;
            }
            length - cut
        }
        Pace::Ramp => {
            if length < 6.0 {
                return None;
            }
            let grid = |t: f64| (t * brief.fps).round() / brief.fps;
            let from = start - brief.start;
            let (a, b) = (grid(from + length / 3.0) - from, grid(from + 2.0 * length / 3.0) - from);
            a / RAMP[0] + (b - a) / RAMP[1] + (length - b) / RAMP[2]
        }
    };
    let grid = |t: f64| (t * brief.fps).round() / brief.fps;
    match (shape, brief.moments.get(1)) {
        (Shape::ColdOpen(join), Some(best)) => {
            let from = best.t - brief.start;
            let teaser = grid(from + TEASER) - from;
            let overlap = if join == Join::Cut { 0.0 } else { JOIN_SECONDS };
            Some(played + teaser - overlap)
        }
        _ => Some(played),
    }
}

/// The clip's own end if it is early enough, else the last other place to end at: after a sentence, if half of
/// what may be shown is left then.
fn before(brief: &ClipBrief, from: f64, until: f64) -> Option<Ending> {
    let fits = |e: &&Ending| e.t >= from && e.t <= until;
    let own = brief.endings.first().filter(fits);
    let last = |is_wanted: &dyn Fn(&&Ending) -> bool| {
        let wanted = brief.endings.iter().filter(fits).filter(is_wanted);
        wanted.max_by(|a, b| a.t.total_cmp(&b.t))
    };
    let half = (from + until) / 2.0;
    let whole = |e: &&Ending| e.quality > CUT_SENTENCE && e.t >= half;
    own.or_else(|| last(&whole)).or_else(|| last(&|_| true)).copied()
}

/// The place to end at that is nearest to `t` and not further from it than a third of the way, after a sentence
/// if there is one.
fn nearest(brief: &ClipBrief, t: f64) -> Option<Ending> {
    let reach = (t - brief.start) / 3.0;
    let best = |is_wanted: &dyn Fn(&&Ending) -> bool| {
        let near = brief.endings.iter().filter(|e| (e.t - t).abs() <= reach).filter(is_wanted);
        near.min_by(|a, b| (a.t - t).abs().total_cmp(&(b.t - t).abs()))
    };
    best(&|e| e.quality > CUT_SENTENCE).or_else(|| best(&|_| true)).copied()
}
