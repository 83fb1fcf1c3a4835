//! What making variants needs to know of a clip, found out once.

use serde::{Deserialize, Serialize};

use super::sentences::{around, closings, is_inside, openings, own_span};
use super::texts::{TextFacts, Texts};
use crate::kernels::select::{Blacks, CueSpan, FrameGrid, OwnedColumns, Timeline, Track, pauses};
use crate::kernels::text::{SentencePart, TextOrigin, sentence_parts, trim_to};
use crate::model::{Cue, Keyphrase, PictureArea, Shot, Signal, WrittenTexts};

/// Titles are made no longer than this; every platform takes it.
pub(super) const TITLE_CHARS: usize = 100;
/// Lengths in which a description is made ready.
pub(super) const DESCRIPTION_CHARS: [usize; 2] = [500, 250];
/// Variants have at least so many frames a second: slides that stand for seconds come more than once.
pub const MIN_FPS: f64 = 10.0;
/// `title_style` of a written title.
const WRITTEN: &str = "written";
/// Keyphrases that are looked for.
pub(super) const KEYPHRASES: usize = 12;
/// A moment is judged by so many seconds from it on.
const MOMENT: f64 = 3.0;
/// Least time between two moments, and between a moment and the clip's start, in seconds.
const APART: f64 = 1.5;
/// Moments beside the clip's start.
pub(super) const MOMENTS: usize = 3;
/// A pause that tight pacing cuts out is longer than this, in seconds.
const LONG_PAUSE: f64 = 0.6;
/// What is left of it on either side, in seconds.
const BREATH: f64 = 0.12;
/// Onsets that an accent may stand on are at least this strong.
const STRONG_ONSET: f64 = 0.45;
/// Least time between two accents, in seconds.
const ACCENTS_APART: f64 = 2.0;
/// How natural it is to end within a sentence, at most.
pub(super) const CUT_SENTENCE: f64 = 0.3;
/// Endings so near to each other are one, the better, in seconds.
const ONE_ENDING: f64 = 0.35;

/// A place where a variant may open, and how strong it is there.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// When, in seconds of the source.
    pub t: f64,
    /// How much more is going on in the next seconds than is usual in the clip, in [0, 1]; 0.5 is usual.
    pub strength: f64,
    /// Share of the first two seconds that is silent, in [0, 1].
    pub silence: f64,
}

/// A place where a variant may end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    /// When, in seconds of the source.
    pub t: f64,
    /// How natural it is, in [0, 1].
    pub quality: f64,
}

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stretch {
    /// In seconds of the source.
    pub start: f64,
    /// In seconds of the source, exclusive.
    pub end: f64,
}

/// A title in one form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Title {
    /// The form, as in `title_style`.
    pub style: String,
    /// The words.
    pub text: String,
}

/// What making variants needs to know of a clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct ClipBrief {
    /// First frame, in seconds of the source.
    pub start: f64,
    /// End (exclusive), in seconds of the source.
    pub end: f64,
    /// Language of its captions, as the request gives it.
    pub language: Option<String>,
    /// Width of the source's picture in it without baked-in bars, upright, in square pixels.
    pub width: i64,
    /// Height of that picture.
    pub height: i64,
    /// Where that picture is in the source's; NULL: it is all of it.
    pub area: Option<PictureArea>,
    /// Frames a second of the source; [`MIN_FPS`] if it has fewer.
    pub fps: f64,
    /// Shortest that the request wants, in seconds.
    pub least: f64,
    /// Longest that it wants, in seconds.
    pub most: f64,
    /// Mean motion.
    pub motion: f64,
    /// Mean likelihood of speech; NULL without sound.
    pub speech: Option<f64>,
    /// Loudest moment, in LUFS; NULL without sound.
    pub loudness_peak: Option<f64>,
    /// Cuts a minute.
    pub cut_rate: f64,
    /// Caption characters a second.
    pub caption_density: f64,
    /// Its own start (that of its first whole sentence, if it cuts one in two and the request does not give the
    /// span), then the strongest moments, strongest first.
    pub moments: Vec<Moment>,
    /// Its own end (as the start: after a whole sentence), then earlier ones, in order of time.
    pub endings: Vec<Ending>,
    /// Pauses that tight pacing may cut out, in order of time.
    pub pauses: Vec<Stretch>,
    /// Strong onsets, far enough from each other, in order of time.
    pub onsets: Vec<f64>,
    /// What it is about, strongest first.
    pub keyphrases: Vec<Keyphrase>,
    /// Titles, one a form that it has words for; at least one.
    pub titles: Vec<Title>,
    /// First sentence that is said in it; NULL without captions.
    pub hook_text: Option<String>,
    /// Descriptions, longest first.
    pub descriptions: Vec<String>,
    /// What the texts are made from.
    pub text_origin: String,
    /// Written hashtags; empty: they are made from the keyphrases.
    pub hashtags: Vec<String>,
    /// Why the texts were not written by the model that was asked.
    pub text_note: Option<String>,
    /// What is said in it and around it, by sentence.
    pub said: Vec<SentencePart>,
    /// What the request says that the source is about.
    pub topic: Option<String>,
    /// Whether there are captions to show, a neighbour's line at either end among them.
    pub captioned: bool,
    /// The size that its variants are to have, as text of a [`VariantSize`](super::VariantSize); NULL: what suits
    /// source and platform.
    pub size: Option<String>,
}

impl ClipBrief {
    /// The brief with written texts in place of its own.
    #[must_use]
    pub fn with_texts(mut self, texts: WrittenTexts) -> Self {
        self.text_note = texts.note;
        let Some(title) = texts.title else { return self };
        self.titles = vec![Title { style: WRITTEN.to_owned(), text: trim_to(&title, TITLE_CHARS) }];
        self.hook_text = texts.hook_text;
        let description = texts.description.unwrap_or_default();
        self.descriptions = DESCRIPTION_CHARS.map(|most| trim_to(&description, most)).to_vec();
        self.hashtags = texts.hashtags;
        TextOrigin::Model.as_str().clone_into(&mut self.text_origin);
        self
    }
}

/// What is known of the clip beside its signals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClipFacts<'a> {
    /// First frame, in seconds.
    pub start: f64,
    /// End, in seconds.
    pub end: f64,
    /// Language of the request.
    pub language: Option<&'a str>,
    /// What the request says that the source is about.
    pub topic: Option<&'a str>,
    /// Upright size of the source in square pixels.
    pub size: (i64, i64),
    /// Frames a second of the source.
    pub fps: f64,
    /// Shortest and longest that the request wants, in seconds; 0 and infinity where it gives the span itself,
    /// which then opens and ends as it is given.
    pub lengths: (f64, f64),
}

/// The brief of a clip from the signals and shots of its source, and its cues in the clip's language.
/// Rows are in order of time; those far from the clip may be left out.
pub fn clip_brief(
    facts: &ClipFacts<'_>,
    signals: &[Signal],
    shots: &[Shot],
    cues: &[Cue],
) -> ClipBrief {
    let ClipFacts { start, end, language, size, lengths, .. } = *facts;
    let fps = facts.fps.max(MIN_FPS);
    let grid = |t: f64| start + ((t - start) * fps).round() / fps;
    let inside: Vec<Cue> =
        cues.iter().filter(|c| c.start < end && c.end > start).cloned().collect();
    let owned = OwnedColumns::new(signals, shots, &inside);
    let timeline = Timeline::new(&owned.columns(), end);
    let spans: Vec<CueSpan> = inside.iter().map(CueSpan::from).collect();
    let found = pauses(&timeline, &spans);
    let cuts: Vec<f64> = shots.iter().map(|s| s.start).filter(|t| *t > start && *t < end).collect();
    let blacks = Blacks::new(&timeline, &cuts, &FrameGrid::default());
    let means = timeline.means(start, end);
    let areas = shots.iter().map(|shot| (shot.start, shot.end, shot.area));
    let area = PictureArea::shown(areas, (start, end));
    let said = sentence_parts(&around(cues, start, end));
    let text_facts = TextFacts { language, topic: facts.topic, size };
    let texts = Texts::of(text_facts, &said, (start, end));
    let opens = |t: f64| grid(blacks.start(t));
    let own = own_span(facts, &said, (&opens, &grid));
    let places = cuts.iter().copied().chain(found.iter().map(|p| p.to));
    let places = places.filter(|t| !is_inside(&said, *t)).chain(openings(&said)).map(opens);
    let lit_end = |cut: &f64| match blacks.end(*cut) {
        lit if lit == *cut => lit,
        lit => grid(lit),
    };
    let lit: Vec<f64> = cuts.iter().map(lit_end).collect();
    let silent_from: Vec<f64> = found.iter().map(|p| blacks.end(p.from)).collect();
    let quiet = found
        .iter()
        .map(|p| Stretch { start: grid(p.from + BREATH), end: grid(p.to - BREATH) })
        .filter(|p| p.end - p.start > LONG_PAUSE && p.start > start && p.end < end);
    ClipBrief {
        start,
        end,
        language: language.map(str::to_owned),
        width: area.map_or(size.0, |area| area.width),
        height: area.map_or(size.1, |area| area.height),
        area,
        fps,
        least: lengths.0,
        most: lengths.1,
        motion: means.of(Track::Motion),
        speech: means.heard(Track::Speech),
        loudness_peak: means.loudness_peak(),
        cut_rate: cuts.len() as f64 * 60.0 / (end - start).max(1e-9),
        caption_density: means.of(Track::Captions),
        moments: moments(&timeline, own, places),
        endings: endings(own, &said, &lit, &silent_from, &grid),
        pauses: quiet.collect(),
        onsets: onsets(signals, (start, end), &grid),
        keyphrases: texts.keyphrases,
        titles: texts.titles,
        hook_text: texts.hook,
        descriptions: texts.descriptions,
        text_origin: texts.origin,
        hashtags: vec![],
        text_note: None,
        said,
        topic: facts.topic.map(str::to_owned),
        captioned: !inside.is_empty(),
        size: None,
    }
}

/// The clip's own beginning, and the strongest of the `places` where it could begin instead.
fn moments(
    timeline: &Timeline,
    Stretch { start, end }: Stretch,
    places: impl Iterator<Item = f64>,
) -> Vec<Moment> {
    let silence = |t: f64| timeline.means(t, (t + 2.0).min(end)).of(Track::Silence);
    let moment =
        |t: f64| Moment { t, strength: strength(timeline, (start, end), t), silence: silence(t) };
    let mut better: Vec<Moment> =
        places.filter(|t| *t >= start + APART && *t <= end - MOMENT).map(moment).collect();
    better.sort_by(|a, b| b.strength.total_cmp(&a.strength).then(a.t.total_cmp(&b.t)));
    let mut moments = vec![moment(start)];
    for moment in better {
        if moments.len() <= MOMENTS && moments.iter().all(|m| (m.t - moment.t).abs() >= APART) {
            moments.push(moment);
        }
    }
    moments
}

/// How much more is going on from `t` on than is usual in the clip, in [0, 1].
fn strength(timeline: &Timeline, (start, end): (f64, f64), t: f64) -> f64 {
    let (usual, here) = (timeline.means(start, end), timeline.means(t, (t + MOMENT).min(end)));
    let ratio = |here: f64, usual: f64| ((here + 1e-3) / (usual + 1e-3)).ln().clamp(-1.5, 1.5);
    let of = |track| (here.of(track), usual.of(track));
    let (moving, usually_moving) = of(Track::Motion);
    let mut sum = ratio(moving, usually_moving);
    if let (Some(loud), Some(usually_loud)) = (here.loudness(), usual.loudness()) {
        sum += ((loud - usually_loud) / 6.0).clamp(-1.5, 1.5);
        let (onset, usual_onset) = of(Track::Onset);
        sum += ratio(onset, usual_onset);
        let (speech, silence) = (of(Track::Speech), of(Track::Silence));
        sum += 0.5 * (speech.0 - speech.1) - (silence.0 - silence.1);
    }
    1.0 / (1.0 + (-sum).exp())
}

/// Places to end at, the clip's own end first.
fn endings(
    own: Stretch,
    said: &[SentencePart],
    cuts: &[f64],
    silent_from: &[f64],
    grid: &dyn Fn(f64) -> f64,
) -> Vec<Ending> {
    let natural = |t: f64, quality: f64| match is_inside(said, t) {
        true => Ending { t, quality: CUT_SENTENCE },
        false => Ending { t, quality },
    };
    let sentences = closings(said).map(|t| Ending { t: grid(t), quality: 0.9 });
    let shots = cuts.iter().map(|t| natural(*t, 0.7));
    let silences = silent_from.iter().map(|t| natural(grid(*t), 0.6));
    let mut all: Vec<Ending> = sentences.chain(shots).chain(silences).collect();
    all.retain(|e| e.t > own.start && e.t < own.end);
    all.sort_by(|a, b| a.t.total_cmp(&b.t).then(b.quality.total_cmp(&a.quality)));
    all.dedup_by(|next, kept| {
        let is_one = next.t - kept.t < ONE_ENDING;
        // A sentence is heard to its end.
        if is_one && kept.quality <= CUT_SENTENCE && next.quality > CUT_SENTENCE {
            *kept = *next;
        }
        is_one
    });
    // What the selection ends at is the best place near it.
    std::iter::once(Ending { t: own.end, quality: 0.8 }).chain(all).collect()
}

/// The strongest onsets that are far enough from each other.
fn onsets(signals: &[Signal], (start, end): (f64, f64), grid: &dyn Fn(f64) -> f64) -> Vec<f64> {
    let strong = |s: &&Signal| s.onset.is_some_and(|onset| onset >= STRONG_ONSET);
    let mut found: Vec<&Signal> =
        signals.iter().filter(strong).filter(|s| s.t > start + 0.5 && s.t < end - 1.0).collect();
    found.sort_by(|a, b| {
        b.onset.unwrap_or(0.0).total_cmp(&a.onset.unwrap_or(0.0)).then(a.t.total_cmp(&b.t))
    });
    let mut chosen: Vec<f64> = vec![];
    for t in found.iter().map(|s| grid(s.t)) {
        if chosen.iter().all(|other| (other - t).abs() >= ACCENTS_APART) {
            chosen.push(t);
        }
    }
    chosen.sort_by(f64::total_cmp);
    chosen
}
