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
    /// Takes the options of `offer`: the best of each axis in front, the others in any order.
    fn take(&mut self, offer: &'a Offer, taken: &Taken) {
        self.gains = &offer.accents;
        self.apart = std::array::from_fn(|i| taken.value(LAST, i as u8, 0.0));
        self.best_accents.clear();
        for gains in self.gains {
            let best = accents(gains, &self.apart).reduce(better);
            self.best_accents.push(best);
        }
        for (axis, (options, ranking)) in offer.axes.iter().zip(&mut self.axes).enumerate() {
            ranking.clear();
            let mut first = 0;
            for (i, choice) in options.iter().enumerate() {
                let accents = match axis {
                    0 => self.best_accents[i].map(|best| best.0),
                    _ => Some(0.0),
                };
                let Some(accents) = accents else { continue };
                let value = taken.value(axis, choice.key, choice.gain) + accents;
                ranking.push((value, i as u8));
                if value > ranking[first].0 {
                    first = ranking.len() - 1;
                }
            }
            if first > 0 {
                ranking.swap(0, first);
            }
        }
    }

    /// Ranks the others too.
    fn sort(&mut self) {
        self.axes.iter_mut().for_each(|ranking| ranking.sort_unstable_by(better_first));
    }

    /// The timing in that place.
    fn timing(&self, place: u8) -> usize {
        usize::from(self.axes[0][usize::from(place)].1)
    }

    /// The accents in that place for a timing, and what the best are worth more. Few are asked for: they
    /// are ranked when they are.
    fn accents_at(&self, timing: usize, place: u8) -> (f64, u8) {
        let best = self.best_accents[timing].unwrap_or_default();
        if place == 0 {
            return (0.0, best.1);
        }
        let (mut ranking, mut count) = ([(0.0, 0); ACCENTS], 0);
        for accents in accents(&self.gains[timing], &self.apart) {
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

    fn step(&self, offer: &Offer, places: [u8; AXES], from: usize) -> Step {
        Step { value: LAMBDA * offer.gain + self.value(&places), places, from }
    }

    /// The combination of a step, with its keys.
    fn found(&self, offer: &Offer, number: usize, step: &Step) -> (f64, Pick, [u8; AXES]) {
        let options = self.options(&step.places);
        let keys = std::array::from_fn(|axis| match axis {
            LAST => options[LAST],
            _ => offer.axes[axis][usize::from(options[axis])].key,
        });
        (step.value, Pick { offer: number, options }, keys)
    }

    /// How many places an axis has, beside those of the others.
    fn count(&self, axis: usize, places: &[u8; AXES]) -> usize {
        match axis {
            LAST => self.gains[self.timing(places[0])].iter().flatten().count(),
            _ => self.axes[axis].len(),
        }
    }
}

/// What accents are worth that add `gains` and are worth `apart` by their difference, by their numbers.
fn accents(
    gains: &[Option<f64>; ACCENTS],
    apart: &[f64; ACCENTS],
) -> impl Iterator<Item = (f64, u8)> {
    let each = (0_u8..).zip(gains.iter().zip(apart));
    each.filter_map(|(i, (gain, apart))| gain.map(|gain| (LAMBDA * gain + apart, i)))
}

/// The first of equals.
fn better(a: (f64, u8), b: (f64, u8)) -> (f64, u8) {
    if b.0 > a.0 { b } else { a }
}

fn better_first(a: &(f64, u8), b: &(f64, u8)) -> Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}

/// At most `most` combinations, spread evenly over the offers; fewer if there are no more.
pub(super) fn choose(offers: &[Offer], most: usize) -> Vec<Pick> {
    let mut taken = Taken::default();
    let mut counts = vec![0_usize; offers.len()];
    let mut open = vec![true; offers.len()];
    let mut picks = vec![];
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
    ranked.take(offer, taken);
    if ranked.axes.iter().any(Vec::is_empty) {
        return None;
    }
    // Mostly the best of each axis will do, and nothing need be ranked.
    let best = ranked.step(offer, [0; AXES], 0);
    let found = ranked.found(offer, number, &best);
    if taken.differs(number, &found.2, DIFFERENCES) {
        return Some(found);
    }
    ranked.sort();
    let mut heap = BinaryHeap::from([best]);
    let mut second = None;
    let mut looks = 0;
    while let Some(best) = heap.pop() {
        let found = ranked.found(offer, number, &best);
        let enough = if looks < LOOKS { DIFFERENCES } else { 1 };
        if taken.differs(number, &found.2, enough) {
            return Some(found);
        }
        if second.is_none() && taken.differs(number, &found.2, 1) {
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
                heap.push(ranked.step(offer, places, axis));
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
