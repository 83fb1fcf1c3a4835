//! Which variants are taken: the best that differ from those taken already.
//!
//! Maximal marginal relevance (Carbonell and Goldstein, 1998), greedily: each time the combination of
//! options with the greatest `LAMBDA · gain − (1 − LAMBDA) · redundancy`. A gain is what an option adds
//! to the score, before its link; the redundancy of an option is its axis's weight times the share of
//! the variants taken so far that have it. Both are sums over the axes, so that the best combination
//! is found exactly, without going through all of them. One axis is not independent: what accents are
//! worth, and whether there are any to be had, is a matter of the timing; so timings are ranked with the
//! best accents for each, and the accents anew for each timing.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Number of axes beside the platform.
pub(super) const AXES: usize = 5;
/// The axis whose options are others for each option of the first.
const LAST: usize = AXES - 1;
/// Most options that it has.
pub(super) const ACCENTS: usize = 4;
/// Weight of the score against difference.
pub(super) const LAMBDA: f64 = 0.6;
/// How much a difference on each axis is worth: timing, layout, captions, title, accents.
pub(super) const WEIGHTS: [f64; AXES] = [1.0, 1.0, 0.6, 0.4, 0.5];
/// On how many axes two variants differ at least, the platform being one of them, while there are such.
pub(super) const DIFFERENCES: usize = 2;
/// Combinations that are looked at for one that differs enough; from then on, one that differs at all
/// will do.
const LOOKS: usize = 400;

/// An option of an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Choice {
    /// Options of one key are the same when variants are compared.
    pub(super) key: u8,
    /// What it adds to the score.
    pub(super) gain: f64,
}

/// What a platform offers: options of each axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Offer {
    /// What the platform itself adds to the score.
    pub(super) gain: f64,
    /// Timing, layout, captions, title.
    pub(super) axes: [Vec<Choice>; LAST],
    /// For each timing, what each of the accents adds, by their numbers, which are their keys; `None`:
    /// there are none of these with that timing.
    pub(super) accents: Vec<[Option<f64>; ACCENTS]>,
}

/// A combination: number of the offer, and of the option on each axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pick {
    pub(super) offer: usize,
    pub(super) options: [u8; AXES],
}

/// The variants taken so far.
#[derive(Debug)]
struct Taken {
    picks: Vec<(usize, [u8; AXES])>,
    /// How many of them have each key on each axis.
    counts: Vec<[u32; AXES]>,
}

impl Default for Taken {
    fn default() -> Self {
        Self { picks: vec![], counts: vec![[0; AXES]; usize::from(u8::MAX) + 1] }
    }
}

impl Taken {
    fn add(&mut self, offer: usize, keys: [u8; AXES]) {
        for (axis, key) in keys.iter().enumerate() {
            self.counts[usize::from(*key)][axis] += 1;
        }
        self.picks.push((offer, keys));
    }

    fn differs(&self, offer: usize, keys: &[u8; AXES], least: usize) -> bool {
        self.picks.iter().all(|(other, taken)| {
            let axes = keys.iter().zip(taken).filter(|(a, b)| a != b).count();
            axes + usize::from(*other != offer) >= least
        })
    }

    /// The value of an option of that key that adds `gain`.
    fn value(&self, axis: usize, key: u8, gain: f64) -> f64 {
        let same = self.counts[usize::from(key)][axis];
        let share = f64::from(same) / self.picks.len().max(1) as f64;
        LAMBDA * gain - (1.0 - LAMBDA) * WEIGHTS[axis] * share
    }
}

/// Options of an axis by what they are worth, best first: value and number.
type Ranking = Vec<(f64, u8)>;

/// The options of an offer, beside what is taken. Its room is used again for the next offer.
#[derive(Default)]
struct Ranked<'a> {
    /// Timings are worth what they are with the best accents for each.
    axes: [Ranking; LAST],
    /// What each of the accents adds to each timing, and is worth by its difference alone.
    gains: &'a [[Option<f64>; ACCENTS]],
    apart: [f64; ACCENTS],
    /// Of each timing.
    best_accents: Vec<Option<(f64, u8)>>,
}

impl<'a> Ranked<'a> {
    fn rank(&mut self, offer: &'a Offer, taken: &Taken) {
        self.gains = &offer.accents;
        self.apart = std::array::from_fn(|i| taken.value(LAST, i as u8, 0.0));
        let mut best_accents = std::mem::take(&mut self.best_accents);
        best_accents.clear();
        let timings = 0..offer.accents.len();
        best_accents.extend(timings.map(|timing| self.accents(timing).min_by(better_first)));
        for (axis, (options, ranking)) in offer.axes.iter().zip(&mut self.axes).enumerate() {
            let value = |(i, choice): (usize, &Choice)| {
                let best = if axis == 0 { best_accents[i]?.0 } else { 0.0 };
                Some((taken.value(axis, choice.key, choice.gain) + best, i as u8))
            };
            ranking.clear();
            ranking.extend(options.iter().enumerate().filter_map(value));
            ranking.sort_unstable_by(better_first);
        }
        self.best_accents = best_accents;
    }

    /// The timing in that place.
    fn timing(&self, place: u8) -> usize {
        usize::from(self.axes[0][usize::from(place)].1)
    }

    /// The accents for a timing, by their numbers.
    fn accents(&self, timing: usize) -> impl Iterator<Item = (f64, u8)> {
        let gains = (0_u8..).zip(&self.gains[timing]).zip(&self.apart);
        gains.filter_map(|((i, gain), apart)| Some((LAMBDA * (*gain)? + apart, i)))
    }

    /// The accents in that place for a timing, and what the best are worth more. Few are asked for: they
    /// are ranked when they are.
    fn accents_at(&self, timing: usize, place: u8) -> (f64, u8) {
        let best = self.best_accents[timing].unwrap_or_default();
        if place == 0 {
            return (0.0, best.1);
        }
        let (mut ranking, mut count) = ([(0.0, 0); ACCENTS], 0);
        for accents in self.accents(timing) {
            ranking[count] = accents;
            count += 1;
        }
        ranking[..count].sort_unstable_by(better_first);
        let (value, i) = ranking[usize::from(place)];
        (best.0 - value, i)
    }

    fn value(&self, places: &[u8; AXES]) -> f64 {
        let independent = self.axes.iter().zip(places).map(|(axis, i)| axis[usize::from(*i)].0);
        independent.sum::<f64>() - self.accents_at(self.timing(places[0]), places[LAST]).0
    }

    /// The options in those places.
    fn options(&self, places: &[u8; AXES]) -> [u8; AXES] {
        std::array::from_fn(|axis| match axis {
            LAST => self.accents_at(self.timing(places[0]), places[LAST]).1,
            _ => self.axes[axis][usize::from(places[axis])].1,
        })
    }

    /// How many places an axis has, beside those of the others.
    fn count(&self, axis: usize, places: &[u8; AXES]) -> usize {
        match axis {
            LAST => self.gains[self.timing(places[0])].iter().flatten().count(),
            _ => self.axes[axis].len(),
        }
    }
}

fn better_first(a: &(f64, u8), b: &(f64, u8)) -> Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}

/// At most `most` combinations, spread evenly over the offers; fewer if there are no more.
pub(super) fn choose(offers: &[Offer], most: usize) -> Vec<Pick> {
    let mut taken = Taken::default();
    let mut counts = vec![0_usize; offers.len()];
    let mut open = vec![true; offers.len()];
    let mut picks = Vec::with_capacity(most);
    let mut ranked = Ranked::default();
    while picks.len() < most {
        let turn = (0..offers.len()).filter(|i| open[*i]).map(|i| counts[i]).min();
        let Some(turn) = turn else { break };
        let mut best: Option<(f64, Pick, [u8; AXES])> = None;
        for i in 0..offers.len() {
            if !open[i] || counts[i] != turn {
                continue;
            }
            match next(&mut ranked, &offers[i], i, &taken) {
                None => open[i] = false,
                Some(found) if best.as_ref().is_none_or(|best| found.0 > best.0) => {
                    best = Some(found)
                }
                Some(_) => {}
            }
        }
        if let Some((_, pick, keys)) = best {
            counts[pick.offer] += 1;
            taken.add(pick.offer, keys);
            picks.push(pick);
        }
    }
    picks
}

/// The best combination of an offer that is not taken and differs enough, else one that differs at
/// all; `None` if there is none.
fn next<'a>(
    ranked: &mut Ranked<'a>,
    offer: &'a Offer,
    number: usize,
    taken: &Taken,
) -> Option<(f64, Pick, [u8; AXES])> {
    ranked.rank(offer, taken);
    if ranked.axes.iter().any(Vec::is_empty) {
        return None;
    }
    let step = |places: [u8; AXES], from: usize| {
        let value = LAMBDA * offer.gain + ranked.value(&places);
        Step { value, places, from }
    };
    // Mostly the first look finds it.
    let mut heap = BinaryHeap::new();
    let mut first = Some(step([0; AXES], 0));
    let mut second = None;
    let mut looks = 0;
    while let Some(best) = first.take().or_else(|| heap.pop()) {
        let options = ranked.options(&best.places);
        let keys = std::array::from_fn(|axis| match axis {
            LAST => options[LAST],
            _ => offer.axes[axis][usize::from(options[axis])].key,
        });
        let found = (best.value, Pick { offer: number, options }, keys);
        let enough = if looks < LOOKS { DIFFERENCES } else { 1 };
        if taken.differs(number, &keys, enough) {
            return Some(found);
        }
        if second.is_none() && taken.differs(number, &keys, 1) {
            second = Some(found);
        }
        looks += 1;
        if looks == LOOKS && second.is_some() {
            break;
        }
        // Each combination is reached in one way: places go up from the axis that went up last. So
        // that of the timing never goes up once that of the accents has.
        for axis in best.from..AXES {
            if usize::from(best.places[axis]) + 1 < ranked.count(axis, &best.places) {
                let mut places = best.places;
                places[axis] += 1;
                heap.push(step(places, axis));
            }
        }
    }
    second
}

/// A combination on its way, by the place of each option in its axis's ranking.
struct Step {
    value: f64,
    places: [u8; AXES],
    from: usize,
}

impl Ord for Step {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.total_cmp(&other.value).then_with(|| other.places.cmp(&self.places))
    }
}

impl PartialOrd for Step {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Step {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Step {}

#[cfg(test)]
mod tests;
