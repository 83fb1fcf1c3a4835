#![allow(clippy::unwrap_used)]
use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::kernels::tally::counts::OTHER;

type Row = (u8, u8, Option<u8>, u8);
/// Events of each kind, unknown ones, reach and the three distinct counts, seconds.
type Answer = BTreeMap<(u64, u32), (Vec<u64>, f64)>;

fn brute_force(rows: &[Row]) -> Answer {
    let mut seen = HashSet::new();
    let mut answer = Answer::new();
    for (i, (key, rest, viewer, kind)) in rows.iter().enumerate() {
        let (counts, seconds) = answer
            .entry((u64::from(*key), u32::from(*rest)))
            .or_insert_with(|| (vec![0; COUNTS], 0.0));
        counts[usize::from(*kind).min(OTHER)] += 1;
        if *kind == EventKind::WatchSeconds as u8 {
            *seconds += i as f64;
        }
        let mut distinct = |what: usize| {
            if viewer.is_some() && seen.insert((*key, *rest, *viewer, what)) {
                counts[what] += 1;
            }
        };
        distinct(REACH);
        match usize::from(*kind) {
            1 => distinct(REACH + 1),
            17 => distinct(REACH + 3),
            _ => {}
        }
        match (viewer, usize::from(*kind)) {
            (None, 1) => counts[ANONYMOUS_VIEWS] += 1,
            (None, 9) => counts[ANONYMOUS_COMPLETIONS] += 1,
            _ => {}
        }
    }
    // Of those who began, those who saw the end.
    let of = |kind: u8| -> HashSet<(u8, u8, u8)> {
        let rows = rows.iter().filter(|row| row.3 == kind);
        rows.filter_map(|(key, rest, viewer, _)| Some((*key, *rest, (*viewer)?))).collect()
    };
    for (key, rest, _) in of(1).intersection(&of(9)) {
        if let Some((counts, _)) = answer.get_mut(&(u64::from(*key), u32::from(*rest))) {
            counts[REACH + 2] += 1;
        }
    }
    answer
}

fn records(rows: &[Row]) -> (Vec<Record>, Vec<f64>) {
    let record = |(key, rest, viewer, kind): &Row| {
        let viewer = viewer.map_or((class::NULL, 7), |v| (class::NUMBER, u64::from(v)));
        Record::new((class::NUMBER, u64::from(*key)), u32::from(*rest), viewer, *kind)
    };
    let watched = rows.iter().enumerate().filter(|(_, r)| r.3 == EventKind::WatchSeconds as u8);
    (rows.iter().map(record).collect(), watched.map(|(i, _)| i as f64).collect())
}

fn answer(part: &Part) -> Answer {
    let counts = |c: Counts<'_>| ((0..COUNTS).map(|i| c.at(i)).collect(), c.seconds);
    part.iter().map(|((key, _, rest), c)| ((key, rest), counts(c))).collect()
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (0..30_u8, 0..3_u8, proptest::option::of(0..9_u8), 0..22_u8);
    proptest::collection::vec(row, 0..600)
}

proptest! {
    #[test]
    fn counts_what_brute_force_counts(rows in rows()) {
        let (records, seconds) = records(&rows);
        let mut part = Part::default();
        part.add(&records, &seconds, ViewerScope::All).unwrap();
        prop_assert_eq!(answer(&part), brute_force(&rows));
    }

    #[test]
    fn marked_viewers_are_counted_without_the_others(rows in rows()) {
        let (records, seconds) = records(&rows);
        let [mut all, mut marked] = [Part::default(), Part::default()];
        all.add(&records, &seconds, ViewerScope::All).unwrap();
        marked.add(&records, &seconds, ViewerScope::Marked).unwrap();
        let figures = |part: &Part| -> Vec<_> {
            let of = |c: Counts<'_>| {
                let marks = [c.first_views(), c.first_completions(), c.new_viewers()];
                (c.knows_viewers(), marks, c.anonymous_views(), c.anonymous_completions())
            };
            part.iter().map(|(key, counts)| (key, of(counts))).collect()
        };
        prop_assert_eq!(figures(&marked), figures(&all));
        prop_assert!(marked.size() <= all.size());
    }

    #[test]
    fn what_was_put_aside_adds_up(first in rows(), second in rows()) {
        let mut aside = vec![];
        let mut part = Part::default();
        let (records, seconds) = records(&first);
        part.add(&records, &seconds, ViewerScope::All).unwrap();
        part.put_aside(&mut aside).unwrap();
        let mut part = Part::default();
        let (records, _) = super::tests::records(&second);
        let all = [first.clone(), second.clone()].concat();
        // The seconds are numbered over both.
        let offset = first.len();
        let watched: Vec<f64> = second.iter().enumerate()
            .filter(|(_, r)| r.3 == EventKind::WatchSeconds as u8)
            .map(|(i, _)| (offset + i) as f64).collect();
        part.add(&records, &watched, ViewerScope::All).unwrap();
        part.take_back(&mut aside.as_slice()).unwrap();
        prop_assert_eq!(answer(&part), brute_force(&all));
    }

    #[test]
    fn parts_without_a_common_viewer_add_up(rows in rows()) {
        let mut whole = Part::default();
        for half in [true, false] {
            let mut part = Part::default();
            let mut mine = vec![];
            let mut seconds = vec![];
            for (i, row) in rows.iter().enumerate() {
                if row.2.unwrap_or(0).is_multiple_of(2) == half {
                    mine.extend(records(&[*row]).0);
                    if row.3 == EventKind::WatchSeconds as u8 {
                        seconds.push(i as f64);
                    }
                }
            }
            part.add(&mine, &seconds, ViewerScope::All).unwrap();
            whole.absorb(&part).unwrap();
        }
        prop_assert_eq!(answer(&whole), brute_force(&rows));
    }
}

#[test]
fn counts_go_on_beyond_32_bits() {
    let mut part = Part::default();
    let record = Record::new((class::NUMBER, 1), 0, (class::NULL, 0), EventKind::View as u8);
    part.add(&[record], &[], ViewerScope::All).unwrap();
    part.bump(0, EventKind::View as usize, u32::MAX);
    part.bump(0, EventKind::View as usize, 5);
    let mut aside = vec![];
    part.put_aside(&mut aside).unwrap();
    part.take_back(&mut aside.as_slice()).unwrap();
    let (_, counts) = part.iter().next().unwrap();
    assert_eq!(counts.events(EventKind::View), 2 * ((1 << 32) + 5));
}
