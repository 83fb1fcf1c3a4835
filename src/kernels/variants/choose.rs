//! Which variants are taken: the best that differ from those taken already.
//!
//! Maximal marginal relevance (Carbonell and Goldstein, 1998), greedily: each time the combination of
//! options with the greatest `LAMBDA · gain − (1 − LAMBDA) · redundancy`. A gain is what an option adds
//! to the score, before its link; the redundancy of an option is its axis's weight times the share of
//! the variants taken so far that have it. Both are sums over the axes, so that the best combination
//! is found exactly, without going through all of them.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Number of axes beside the platform.
pub(super) const AXES: usize = 5;
/// Weight of the score against difference.
pub(super) const LAMBDA: f64 = 0.6;
/// How much a difference on each axis is worth: timing, layout, captions, title, accents.
pub(super) const WEIGHTS: [f64; AXES] = [1.0, 1.0, 0.6, 0.4, 0.5];
/// On how many axes two variants differ at least, the platform being one of them, while there are such.
pub(super) const DIFFERENCES: usize = 2;
/// Combinations that are looked at for one that differs enough.
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
    pub(super) axes: [Vec<Choice>; AXES],
}

/// A combination: number of the offer, and of the option on each axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pick {
    pub(super) offer: usize,
    pub(super) options: [u8; AXES],
}

/// The variants taken so far.
#[derive(Debug, Default)]
struct Taken {
    picks: Vec<(usize, [u8; AXES])>,
}

impl Taken {
    fn differs(&self, offer: usize, keys: &[u8; AXES], least: usize) -> bool {
        self.picks.iter().all(|(other, taken)| {
            let axes = keys.iter().zip(taken).filter(|(a, b)| a != b).count();
            axes + usize::from(*other != offer) >= least
        })
    }

    /// The value of an option.
    fn value(&self, axis: usize, choice: &Choice) -> f64 {
        let same = self.picks.iter().filter(|(_, keys)| keys[axis] == choice.key).count();
        let share = same as f64 / self.picks.len().max(1) as f64;
        LAMBDA * choice.gain - (1.0 - LAMBDA) * WEIGHTS[axis] * share
    }
}

/// At most `most` combinations, spread evenly over the offers; fewer if there are no more.
pub(super) fn choose(offers: &[Offer], most: usize) -> Vec<Pick> {
    let mut taken = Taken::default();
    let mut counts = vec![0_usize; offers.len()];
    let mut open: Vec<bool> = offers.iter().map(|o| o.axes.iter().all(|a| !a.is_empty())).collect();
    let mut picks = Vec::with_capacity(most);
    while picks.len() < most {
        let turn = (0..offers.len()).filter(|i| open[*i]).map(|i| counts[i]).min();
        let Some(turn) = turn else { break };
        let mut best: Option<(f64, Pick, [u8; AXES])> = None;
        for i in (0..offers.len()).filter(|i| open[*i] && counts[*i] == turn).collect::<Vec<_>>() {
            match next(&offers[i], i, &taken) {
                None => open[i] = false,
                Some(found) if best.as_ref().is_none_or(|best| found.0 > best.0) => {
                    best = Some(found)
                }
                Some(_) => {}
            }
        }
        if let Some((_, pick, keys)) = best {
            counts[pick.offer] += 1;
            taken.picks.push((pick.offer, keys));
            picks.push(pick);
        }
    }
    picks
}

/// The best combination of an offer that is not taken and differs enough, else one that differs at
/// all; `None` if there is none.
fn next(offer: &Offer, number: usize, taken: &Taken) -> Option<(f64, Pick, [u8; AXES])> {
    let ranked: [Vec<(f64, u8)>; AXES] = std::array::from_fn(|axis| {
        let options = offer.axes[axis].iter().enumerate();
        let mut values: Vec<(f64, u8)> =
            options.map(|(i, choice)| (taken.value(axis, choice), i as u8)).collect();
        values.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        values
    });
    let step = |places: [u8; AXES], from: usize| {
        let value = (0..AXES).map(|axis| ranked[axis][usize::from(places[axis])].0).sum::<f64>();
        Step { value: LAMBDA * offer.gain + value, places, from }
    };
    let mut heap = BinaryHeap::from([step([0; AXES], 0)]);
    let mut second = None;
    for _ in 0..LOOKS {
        let Some(best) = heap.pop() else { break };
        let options: [u8; AXES] =
            std::array::from_fn(|axis| ranked[axis][usize::from(best.places[axis])].1);
        let keys: [u8; AXES] =
            std::array::from_fn(|axis| offer.axes[axis][usize::from(options[axis])].key);
        let found = (best.value, Pick { offer: number, options }, keys);
        if taken.differs(number, &keys, DIFFERENCES) {
            return Some(found);
        }
        if second.is_none() && taken.differs(number, &keys, 1) {
            second = Some(found);
        }
        // Each combination is reached in one way: places go up from the axis that went up last.
        for axis in best.from..AXES {
            if usize::from(best.places[axis]) + 1 < ranked[axis].len() {
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn offer() -> impl Strategy<Value = Offer> {
        let axis = || prop::collection::vec((0_u8..4, -1.0..1.0_f64), 1..4);
        (-1.0..1.0_f64, [axis(), axis(), axis(), axis(), axis()]).prop_map(|(gain, axes)| Offer {
            gain,
            axes: axes
                .map(|axis| axis.into_iter().map(|(key, gain)| Choice { key, gain }).collect()),
        })
    }

    /// Every combination of every offer whose turn it is, looked at.
    fn greedy(offers: &[Offer], most: usize) -> Vec<(f64, usize, [u8; AXES])> {
        let mut taken = Taken::default();
        let mut counts = vec![0; offers.len()];
        let mut all = vec![];
        while all.len() < most {
            let mut best: Option<(f64, usize, [u8; AXES])> = None;
            // An offer without anything new leaves its turn to the others.
            let mut turns: Vec<usize> = counts.clone();
            turns.sort_unstable();
            turns.dedup();
            for least in [DIFFERENCES, 1] {
                for turn in &turns {
                    for (i, offer) in offers.iter().enumerate().filter(|(i, _)| counts[*i] == *turn)
                    {
                        for keys in combinations(offer) {
                            let (keys, gain) = keys;
                            if !taken.differs(i, &keys.map(|c| c.key), least) {
                                continue;
                            }
                            let value = LAMBDA * gain
                                + (0..AXES).map(|a| taken.value(a, &keys[a])).sum::<f64>();
                            if best.as_ref().is_none_or(|b| value > b.0 + 1e-12) {
                                best = Some((value, i, keys.map(|c| c.key)));
                            }
                        }
                    }
                    if best.is_some() {
                        break;
                    }
                }
                if best.is_some() {
                    break;
                }
            }
            let Some(found) = best else { break };
            counts[found.1] += 1;
            taken.picks.push((found.1, found.2));
            all.push(found);
        }
        all
    }

    fn combinations(offer: &Offer) -> Vec<([Choice; AXES], f64)> {
        let [a, b, c, d, e] = &offer.axes;
        let mut all = vec![];
        for a in a {
            for b in b {
                for c in c {
                    for d in d {
                        for e in e {
                            all.push(([*a, *b, *c, *d, *e], offer.gain));
                        }
                    }
                }
            }
        }
        all
    }

    proptest! {
        #[test]
        fn each_pick_is_the_best_of_all_combinations(offers in prop::collection::vec(offer(), 1..3)) {
            // The first three: later ones may fall back to fewer differences offer by offer.
            let picks = choose(&offers, 3);
            let brute = greedy(&offers, 3);
            let mut taken = Taken::default();
            for (pick, wanted) in picks.iter().zip(&brute) {
                let keys: [u8; AXES] = std::array::from_fn(|a| {
                    offers[pick.offer].axes[a][usize::from(pick.options[a])].key
                });
                let value = LAMBDA * offers[pick.offer].gain
                    + (0..AXES)
                        .map(|a| taken.value(a, &offers[pick.offer].axes[a][usize::from(pick.options[a])]))
                        .sum::<f64>();
                if !taken.differs(pick.offer, &keys, DIFFERENCES) {
                    break;
                }
                prop_assert!((value - wanted.0).abs() < 1e-9, "{value} is not {}", wanted.0);
                taken.picks.push((pick.offer, keys));
                if (pick.offer, keys) != (wanted.1, wanted.2) {
                    break;
                }
            }
        }

        #[test]
        fn no_two_picks_are_the_same(offers in prop::collection::vec(offer(), 1..3), most in 1..40_usize) {
            let picks = choose(&offers, most);
            let keys = |pick: &Pick| -> (usize, Vec<u8>) {
                let of = |a: usize| offers[pick.offer].axes[a][usize::from(pick.options[a])].key;
                (pick.offer, (0..AXES).map(of).collect())
            };
            let mut seen: Vec<_> = picks.iter().map(keys).collect();
            let count = seen.len();
            seen.sort();
            seen.dedup();
            prop_assert_eq!(seen.len(), count);
            prop_assert!(count <= most && count > 0);
        }
    }
}
