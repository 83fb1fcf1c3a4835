//! Pieces of sources, in timelines.

use std::collections::HashMap;

use serde::Deserialize;

use super::rate::Rate;

/// A row of `sql/export/cuts.sql`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Cut {
    pub(super) request_id: String,
    clip_rank: i64,
    clip_id: String,
    pub(super) variant_id: Option<String>,
    platform: Option<String>,
    variant_rank: i64,
    location: String,
    fps: f64,
    variable_fps: bool,
    source_seconds: f64,
    width: i64,
    height: i64,
    sample_rate: Option<i64>,
    channels: Option<i64>,
    start: f64,
    end: f64,
    speed: f64,
    score: f64,
    title: Option<String>,
    reason: Option<String>,
}

/// A row of `sql/export/captions.sql`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Caption {
    clip_id: String,
    start: f64,
    end: f64,
    text: String,
}

/// What is said within a piece, from a frame of the source for some frames.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) from: i64,
    pub(super) frames: i64,
    pub(super) text: String,
}

/// A stretch of a source. Frames are those of its rate, from the source's start.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) name: String,
    pub(super) clip_id: String,
    pub(super) variant_id: Option<String>,
    pub(super) clip_rank: i64,
    pub(super) location: String,
    pub(super) rate: Rate,
    pub(super) source_frames: i64,
    pub(super) width: i64,
    pub(super) height: i64,
    pub(super) sample_rate: Option<i64>,
    pub(super) channels: Option<i64>,
    pub(super) start: f64,
    pub(super) end: f64,
    /// First frame, and the one after the last.
    pub(super) from: i64,
    pub(super) until: i64,
    pub(super) speed: f64,
    pub(super) score: f64,
    pub(super) title: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) lines: Vec<Line>,
}

impl Piece {
    fn new(cut: Cut, captions: &[&Caption]) -> Self {
        let rate = Rate::of(cut.fps, cut.variable_fps);
        let (from, until) = (rate.frames(cut.start), rate.frames(cut.end));
        let line = |caption: &&Caption| {
            let first = rate.frames(caption.start).clamp(from, until);
            let last = rate.frames(caption.end).clamp(from, until);
            let text = caption.text.split_whitespace().collect::<Vec<_>>().join(" ");
            (last > first).then_some(Line { from: first, frames: last - first, text })
        };
        let title = cut.title.as_deref().map(str::trim).filter(|title| !title.is_empty());
        let name = title.map_or_else(
            || format!("{} {}", cut.request_id, cut.clip_rank),
            |title| title.split_whitespace().collect::<Vec<_>>().join(" "),
        );
        Self {
            lines: captions.iter().filter_map(line).collect(),
            name,
            rate,
            // A source is as long as its last piece at least.
            source_frames: rate.frames(cut.source_seconds).max(until),
            from,
            until: until.max(from + 1),
            clip_id: cut.clip_id,
            variant_id: cut.variant_id,
            clip_rank: cut.clip_rank,
            location: cut.location,
            width: cut.width,
            height: cut.height,
            sample_rate: cut.sample_rate,
            channels: cut.channels,
            start: cut.start,
            end: cut.end,
            speed: cut.speed,
            score: cut.score,
            title: cut.title,
            reason: cut.reason,
        }
    }

    /// Frames of the source.
    pub(super) fn frames(&self) -> i64 {
        self.until - self.from
    }

    /// Frames that it plays for.
    pub(super) fn played(&self) -> i64 {
        ((self.frames() as f64 / self.speed).round() as i64).max(1)
    }

    pub(super) fn is_retimed(&self) -> bool {
        (self.speed - 1.0).abs() > 1e-9
    }

    pub(super) fn has_sound(&self) -> bool {
        self.channels.is_some()
    }

    /// Its file as a URL.
    pub(super) fn url(&self) -> String {
        match url::Url::from_file_path(&self.location) {
            Ok(url) => url.into(),
            Err(()) => self.location.clone(),
        }
    }

    /// The last part of its path.
    pub(super) fn file_name(&self) -> &str {
        self.location.rsplit('/').next().unwrap_or(&self.location)
    }

    /// Its score and what speaks for it.
    pub(super) fn remark(&self) -> String {
        let score = format!("score {:.3}", self.score);
        match self.reason.as_deref().filter(|reason| !reason.is_empty()) {
            Some(reason) => format!("{score}: {reason}"),
            None => score,
        }
    }
}

/// Pieces one after the other.
#[derive(Debug, Clone)]
pub(super) struct Timeline {
    pub(super) name: String,
    pub(super) pieces: Vec<Piece>,
}

/// A timeline for each request's clips, in order of rank, or for each variant.
pub(super) fn timelines(mut cuts: Vec<Cut>, captions: &[Caption]) -> Vec<Timeline> {
    let mut of_clip: HashMap<&str, Vec<&Caption>> = HashMap::new();
    for caption in captions {
        of_clip.entry(&caption.clip_id).or_default().push(caption);
    }
    // Stable: the pieces of a variant keep their order.
    cuts.sort_by(|a, b| {
        let key = |cut: &Cut| (cut.request_id.clone(), cut.clip_rank, cut.variant_rank);
        key(a).cmp(&key(b)).then_with(|| a.variant_id.cmp(&b.variant_id))
    });
    let mut all: Vec<(Option<String>, Timeline)> = vec![];
    for cut in cuts {
        let name = match &cut.platform {
            None => cut.request_id.clone(),
            Some(platform) => {
                format!("{} {} {platform} {}", cut.request_id, cut.clip_rank, cut.variant_rank)
            }
        };
        let key = cut.variant_id.clone();
        let captions = of_clip.get(cut.clip_id.as_str()).map_or(&[][..], Vec::as_slice);
        let piece = Piece::new(cut, captions);
        match all.last_mut() {
            Some((last, timeline)) if *last == key && timeline.name == name => {
                timeline.pieces.push(piece);
            }
            _ => all.push((key, Timeline { name, pieces: vec![piece] })),
        }
    }
    all.into_iter().map(|(_, timeline)| timeline).collect()
}
