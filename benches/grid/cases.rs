//! One edit for every layout, caption style and platform, as the planner makes them.

use std::error::Error;

use clipflow::kernels::layout::moving_window;
use clipflow::kernels::reframe::{Gaze, window_path};
use clipflow::kernels::score::ScoreModels;
use clipflow::kernels::text::caption_lines;
use clipflow::kernels::variants::{ClipFacts, Scorer, clip_brief, fitting_size, make_variants};
use clipflow::media::Analysis;
use clipflow::model::Platform;
use clipflow::model::edit::{Anchor, CaptionMode, CaptionStyle, Edit, Layout};
use clipflow::model::{AudienceProfile, Cue, Shot, Signal};

use super::measured::{Measured, difference};

/// An edit, and what it is one of.
#[derive(Debug, Clone)]
pub struct Case {
    /// Whom it is made for.
    pub platform: &'static Platform,
    /// Whether the planner would not offer it: the source is too small for it.
    pub soft: bool,
    /// The edit.
    pub edit: Edit,
    /// Width of the source's picture by its height.
    pub shape: f64,
}

/// Black lines at an edge that are the encoder's, not a bar.
const NO_BAR: i64 = 2;
/// Most that the loudness may be off, in LU.
const LOUDNESS: f64 = 1.0;
/// Sound below this is left as it is, in LUFS.
const SILENCE: f64 = -55.0;
/// Most that sound is made louder, in dB; with some room, as a variant's own span may differ.
const MOST_GAIN: f64 = 28.0;

impl Case {
    /// Whether the frame is the whole picture of the source and no more.
    fn is_whole(&self) -> bool {
        let frame = self.edit.width as f64 / self.edit.height as f64;
        matches!(self.edit.layout, Layout::Crop | Layout::Fit)
            && (frame / self.shape - 1.0).abs() < ALIKE
    }

    /// What tells it from the others.
    pub fn name(&self) -> String {
        format!("{}-{}-{}", self.platform.name, self.edit.layout, self.edit.caption_style)
    }

    /// Seconds in which it does not fade out yet.
    pub fn clear(&self) -> f64 {
        0.7 * self.edit.duration()
    }

    /// When a caption stands in it that fades neither in nor out: the middle of the longest one of `cues`,
    /// in seconds.
    pub fn captioned(&self, cues: &[Cue]) -> Option<f64> {
        let lines = caption_lines(&self.edit, cues);
        let longest = lines.iter().max_by(|a, b| (a.end - a.start).total_cmp(&(b.end - b.start)));
        longest.map(|line| 0.5 * (line.start + line.end))
    }

    /// What in its file is not as promised; `source` is what the source holds there.
    pub fn faults(&self, found: &Measured, source: &Measured) -> Vec<String> {
        let edit = &self.edit;
        let mut faults = Vec::new();
        if !found.faults.trim().is_empty() {
            faults.push(format!("does not decode: {}", found.faults.trim()));
        }
        if found.size != (edit.width, edit.height) {
            faults.push(format!("{:?} pixels, not {}x{}", found.size, edit.width, edit.height));
        }
        let (wanted, frame) = (edit.duration(), 1.0 / edit.fps);
        let counted = found.frames as f64 * frame;
        let seconds = [counted, found.seconds.0, found.seconds.1];
        let near = |seconds: &f64| (seconds - wanted).abs() <= frame + 1e-3;
        if !seconds.iter().all(near) {
            faults.push(format!("{seconds:?} s by frames, stream and file, not {wanted:.3}"));
        }
        // As docs/internals/rendering.md says of sound that is hardly there.
        let reachable = |wanted: f64| {
            source.loudness.is_some_and(|own| own > SILENCE && wanted - own < MOST_GAIN)
        };
        match (found.loudness, edit.loudness) {
            (Some(found), Some(wanted))
                if reachable(wanted) && (found - wanted).abs() > LOUDNESS =>
            {
                faults.push(format!("{found} LUFS, not {wanted}"));
            }
            (None, _) if source.loudness.is_some() => faults.push("no sound".to_owned()),
            _ => {}
        }
        // What is dark in the source may be dark here.
        if found.bars.iter().zip(source.bars).any(|(bar, own)| *bar > NO_BAR && own <= NO_BAR) {
            let (bars, own) = (found.bars, source.bars);
            faults.push(format!(
                "{bars:?} black lines (left, top, right, bottom), in the source {own:?}"
            ));
        }
        faults
    }
}

/// Least share of a still in which pictures differ that are not the same: of a small caption on a light
/// picture little more is seen.
const UNLIKE: f64 = 0.001;
/// Shapes that differ by less than this share are one.
const ALIKE: f64 = 0.02;

/// What is the same picture and should not be: of two layouts with one caption style, or two styles in one
/// layout, for one platform. (In a frame of the source's shape there is nothing to cut off or to fill.)
/// `stills` are those of `cases`, at a moment when a caption stands.
pub fn twins(cases: &[Case], stills: &[Vec<u8>]) -> Vec<String> {
    let all: Vec<(&Case, &Vec<u8>)> = cases.iter().zip(stills).collect();
    let mut twins = Vec::new();
    for (number, (case, still)) in all.iter().enumerate() {
        for (other, others) in &all[number + 1..] {
            let comparable = case.platform.name == other.platform.name
                && (case.edit.layout == other.edit.layout
                    || case.edit.caption_style == other.edit.caption_style)
                && !(case.is_whole() && other.is_whole() && case.edit.layout != other.edit.layout);
            let share = difference(still, others);
            if comparable && share < UNLIKE {
                let (one, two) = (case.name(), other.name());
                twins.push(format!("{one} and {two} differ in {:.2} % only", 100.0 * share));
            }
        }
    }
    twins
}

/// Every layout with every style on every one of `platforms`, of what the source shows from `start` to
/// `end` (seconds): the platform's best variant there, with that layout at the size that the planner
/// gives it, and the path of its window.
pub fn cases(
    analysis: &Analysis,
    (start, end): (f64, f64),
    platforms: &[&'static Platform],
) -> Result<Vec<Case>, Box<dyn Error>> {
    let info = &analysis.info;
    let facts = ClipFacts {
        start,
        end,
        language: Some("en"),
        topic: None,
        size: (info.width, info.height),
        fps: info.fps,
        lengths: (0.0, f64::INFINITY),
    };
    let brief = clip_brief(&facts, &analysis.signals, &analysis.shots, &analysis.cues);
    let scorer = Scorer::new(ScoreModels::built_in()?)?;
    let mut all = Vec::new();
    for platform in platforms.iter().copied() {
        let (audience, captions) = (AudienceProfile::default(), Some(CaptionMode::Burned));
        let made = make_variants(&brief, 1, &audience, &[platform], captions, &scorer)?;
        let best = made.into_iter().next();
        let best = best.ok_or_else(|| format!("{} takes no clip so short", platform.name))?;
        for layout in Layout::ALL.iter().copied() {
            let fitting = fitting_size(layout, facts.size, platform);
            let smallest = platform.sizes.last().copied().unwrap_or((540, 540));
            let size = fitting.unwrap_or(smallest);
            let reframe = match layout {
                Layout::Fit => Vec::new(),
                _ => path(analysis, (best.start, best.end), layout, size)?,
            };
            let edit = |style: &CaptionStyle| Edit {
                width: size.0,
                height: size.1,
                layout,
                reframe: reframe.clone(),
                caption_style: *style,
                ..best.edit.clone()
            };
            let (soft, shape) = (fitting.is_none(), info.width as f64 / info.height as f64);
            let case = |edit| Case { platform, soft, edit, shape };
            all.extend(CaptionStyle::ALL.iter().map(edit).map(case));
        }
    }
    Ok(all)
}

/// The path of a layout's window, as `sql/run/shaped.sql` asks for it.
fn path(
    analysis: &Analysis,
    span: (f64, f64),
    layout: Layout,
    frame: (i64, i64),
) -> Result<Vec<Anchor>, Box<dyn Error>> {
    let column =
        |value: fn(&Signal) -> f64| analysis.signals.iter().map(value).collect::<Vec<f64>>();
    let (t, x, y) = (column(|s| s.t), column(|s| s.saliency_x), column(|s| s.saliency_y));
    let shots: Vec<f64> = analysis.shots.iter().map(|shot: &Shot| shot.start).collect();
    let gaze = Gaze { t: &t, x: &x, y: &y, shot_start: &shots, ..Gaze::default() };
    let size = |(wide, high): (i64, i64)| -> Result<(u32, u32), Box<dyn Error>> {
        Ok((u32::try_from(wide)? & !1, u32::try_from(high)? & !1))
    };
    let source = size((analysis.info.width, analysis.info.height))?;
    Ok(window_path(gaze, span, moving_window(layout, source, size(frame)?)))
}
