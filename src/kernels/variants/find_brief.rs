//! Finds out what making variants needs to know of a clip: its [`ClipBrief`].

use super::brief::{CUT_SENTENCE, ClipBrief, ClipFacts, Ending, MIN_FPS, MOMENTS, Moment, Stretch};
use super::sentences::{around, closings, is_inside, openings, own_span};
use super::texts::{TextFacts, Texts};
use crate::kernels::select::{Blacks, CueSpan, FrameGrid, OwnedColumns, Timeline, Track, pauses};
use crate::kernels::text::{SentencePart, fillers, sentence_parts};
use crate::model::{Cue, PictureArea, Shot, Signal};

/// A moment is judged by so many seconds from it on.
const MOMENT: f64 = 3.0;
/// Least time between two moments, and between a moment and the clip's start, in seconds.
const APART: f64 = 1.5;
/// A pause that tight pacing cuts out is longer than this, in seconds.
const LONG_PAUSE: f64 = 0.6;
/// What is left of it on either side, in seconds.
const BREATH: f64 = 0.12;
/// What is left before the word after a filler word, in seconds: times of words are no more exact.
const NEXT_WORD: f64 = 0.04;
/// Onsets that an accent may stand on are at least this strong.
const STRONG_ONSET: f64 = 0.45;
/// Least time between two accents, in seconds.
const ACCENTS_APART: f64 = 2.0;
/// Endings so near to each other are one, the better, in seconds.
const ONE_ENDING: f64 = 0.35;

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
    let fillers = filler_words(&inside, language, (start, end));
    let unsaid = fillers
        .iter()
        .map(|f| Stretch { start: grid(f.start), end: grid(f.end - NEXT_WORD) })
        .filter(|f| f.end > f.start && f.start > start && f.end < end)
        .collect::<Vec<_>>();
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
        pauses: cut_out(quiet.collect(), &fillers, &inside, &unsaid),
        fillers,
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

/// The filler words that are said wholly in the clip.
fn filler_words(cues: &[Cue], language: Option<&str>, (start, end): (f64, f64)) -> Vec<Stretch> {
    let mut found: Vec<Stretch> = fillers(cues, language)
        .into_iter()
        .map(|(start, end)| Stretch { start, end })
        .filter(|filler| filler.start > start && filler.end < end)
        .collect();
    found.sort_by(|a, b| a.start.total_cmp(&b.start));
    found
}

/// `pauses` and the stretches of filler words as what can be cut out, in order of time: those that meet, or have
/// nothing but a breath between them, as one.
fn cut_out(
    pauses: Vec<Stretch>,
    fillers: &[Stretch],
    said: &[Cue],
    unsaid: &[Stretch],
) -> Vec<Stretch> {
    if unsaid.is_empty() {
        return pauses;
    }
    let mut at = f64::NEG_INFINITY;
    let apart = |pause: &Stretch| {
        let is_new = pause.start >= at;
        at = at.max(pause.end);
        is_new
    };
    let mut all: Vec<Stretch> =
        pauses.into_iter().filter(apart).chain(unsaid.iter().copied()).collect();
    all.sort_by(|a, b| a.start.total_cmp(&b.start));
    let mut merged: Vec<Stretch> = Vec::with_capacity(all.len());
    for next in all {
        match merged.last_mut() {
            Some(last)
                if next.start <= last.end || is_breath((last.end, next.start), said, fillers) =>
            {
                last.end = last.end.max(next.end);
            }
            _ => merged.push(next),
        }
    }
    merged
}

/// Whether no word but fillers begins in a short stretch between two that are cut out.
fn is_breath((from, to): (f64, f64), said: &[Cue], fillers: &[Stretch]) -> bool {
    let is_filler = |t: f64| fillers.iter().any(|filler| filler.start == t);
    let mut words = said.iter().flat_map(|cue| cue.words.iter().flatten());
    to - from <= 2.0 * BREATH + NEXT_WORD
        && !words.any(|word| (from..to).contains(&word.start) && !is_filler(word.start))
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
