#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// A combination as variants are compared, and its value; its offer is known.
type Candidate = ([u8; AXES], f64);

fn offer() -> impl Strategy<Value = Offer> {
    let axis = || prop::collection::vec((0_u8..4, -1.0..1.0_f64), 1..4);
    // Now and then a timing has no accents, not even none.
    let accents = prop::collection::vec(prop::array::uniform4(prop::option::of(-1.0..1.0_f64)), 3);
    (-1.0..1.0_f64, [axis(), axis(), axis(), axis()], accents).prop_map(
        |(gain, axes, mut accents)| {
            accents.truncate(axes[0].len());
            let choice = |(key, gain)| Choice { key, gain };
            Offer { gain, axes: axes.map(|axis| axis.into_iter().map(choice).collect()), accents }
        },
    )
}

fn keys(offers: &[Offer], pick: &Pick) -> [u8; AXES] {
    std::array::from_fn(|axis| match axis {
        LAST => pick.options[LAST],
        _ => offers[pick.offer].axes[axis][usize::from(pick.options[axis])].key,
    })
}

/// The value of one combination, from the definition.
fn value(offer: &Offer, options: [u8; AXES], taken: &Taken) -> f64 {
    let accents = offer.accents[usize::from(options[0])][usize::from(options[LAST])];
    let independent = (0..LAST).map(|axis| {
        let choice = offer.axes[axis][usize::from(options[axis])];
        taken.value(axis, choice.key, choice.gain)
    });
    LAMBDA * offer.gain
        + independent.sum::<f64>()
        + taken.value(LAST, options[LAST], accents.unwrap())
}

/// All of an offer.
fn combinations(offer: &Offer, number: usize, taken: &Taken) -> Vec<Candidate> {
    let numbers = |axis: usize| 0..offer.axes[axis].len() as u8;
    let mut all = vec![];
    for (a, b) in numbers(0).flat_map(|a| numbers(1).map(move |b| (a, b))) {
        for (c, d) in numbers(2).flat_map(|c| numbers(3).map(move |d| (c, d))) {
            for e in 0..ACCENTS as u8 {
                if offer.accents[usize::from(a)][usize::from(e)].is_some() {
                    let pick = Pick { offer: 0, options: [a, b, c, d, e] };
                    let keys = keys(std::slice::from_ref(offer), &pick);
                    if taken.differs(number, &keys, 1) {
                        all.push((keys, value(offer, pick.options, taken)));
                    }
                }
            }
        }
    }
    all
}

/// The value of what is to be taken next, of all combinations of the offers whose turn it is; `None` if
/// there is nothing left.
fn best(offers: &[Offer], counts: &[usize], taken: &Taken) -> Option<f64> {
    let left: Vec<(usize, Vec<Candidate>)> = offers
        .iter()
        .enumerate()
        .map(|(i, offer)| (i, combinations(offer, i, taken)))
        .filter(|(_, all)| !all.is_empty())
        .collect();
    let turn = left.iter().map(|(i, _)| counts[*i]).min()?;
    let best_of = |(i, all): &(usize, Vec<Candidate>)| {
        let greatest = |least: usize| {
            let some = all.iter().filter(|(keys, _)| taken.differs(*i, keys, least));
            some.map(|(_, value)| *value).max_by(f64::total_cmp)
        };
        greatest(DIFFERENCES).or_else(|| greatest(1))
    };
    let on_turn = left.iter().filter(|(i, _)| counts[*i] == turn);
    on_turn.filter_map(best_of).max_by(f64::total_cmp)
}

proptest! {
    #[test]
    fn each_pick_is_the_best_of_all_combinations(
        offers in prop::collection::vec(offer(), 1..3), most in 1..12_usize,
    ) {
        let picks = choose(&offers, most);
        let (mut taken, mut counts) = (Taken::default(), vec![0; offers.len()]);
        for pick in &picks {
            let keys = keys(&offers, pick);
            let (found, wanted) = (value(&offers[pick.offer], pick.options, &taken), best(&offers, &counts, &taken));
            prop_assert!(wanted.is_some_and(|wanted| (found - wanted).abs() < 1e-9), "{found} is not {wanted:?}");
            prop_assert!(taken.differs(pick.offer, &keys, 1));
            counts[pick.offer] += 1;
            taken.add(pick.offer, keys);
        }
        // Fewer only if there are no more.
        prop_assert!(picks.len() == most || best(&offers, &counts, &taken).is_none());
    }
}

#[test]
fn all_are_taken_however_many_there_are() {
    let axis =
        |n: u8| (0..n).map(|key| Choice { key, gain: f64::from(key) / 7.0 }).collect::<Vec<_>>();
    let accents = |i: usize| std::array::from_fn(|key| (key <= i).then_some(0.1 * key as f64));
    let offer = Offer {
        gain: 0.0,
        axes: [axis(5), axis(4), axis(3), axis(3)],
        accents: (0..5).map(accents).collect(),
    };
    let all = 4 * 3 * 3 * (1 + 2 + 3 + 4 + 4);
    assert!(all > LOOKS);
    let offers = [offer];
    let picks = choose(&offers, all + 1);
    assert_eq!(picks.len(), all);
    let different: BTreeSet<_> = picks.iter().map(|pick| keys(&offers, pick)).collect();
    assert_eq!(different.len(), all);
}
