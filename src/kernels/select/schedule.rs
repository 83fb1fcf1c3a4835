//! Weighted interval scheduling with a limit on the number of intervals.

/// The intervals `(start, end, score)` that do not overlap, at most `k` of them, with the greatest
/// sum of scores, as indices in order of time. Touching intervals do not overlap.
///
/// Exact: dynamic programming over the intervals by end, one layer a pick (Kleinberg and Tardos,
/// *Algorithm Design*, 6.1, with a count). O(n log n + n·k) time, n·k bits for the way back.
/// Deterministic: of equal sums, the one whose last interval ends earlier is taken.
/// Intervals whose score is not above 0 or whose end is not after their start are never taken.
pub fn schedule(intervals: &[(f64, f64, f64)], k: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..intervals.len())
        .filter(|i| intervals[*i].2 > 0.0 && intervals[*i].0 < intervals[*i].1)
        .collect();
    order.sort_by(|a, b| {
        let ((a_start, a_end, _), (b_start, b_end, _)) = (intervals[*a], intervals[*b]);
        a_end.total_cmp(&b_end).then(a_start.total_cmp(&b_start)).then(a.cmp(b))
    });
    let ends: Vec<f64> = order.iter().map(|i| intervals[*i].1).collect();
    // How many intervals end by the time that each one starts.
    let before: Vec<usize> =
        order.iter().map(|i| ends.partition_point(|end| *end <= intervals[*i].0)).collect();

    // best[j]: the greatest sum from the first j intervals with the picks of the layer.
    let mut best = vec![0.0; order.len() + 1];
    let mut layers: Vec<Vec<bool>> = Vec::new();
    for _ in 0..k {
        let mut next = vec![0.0; order.len() + 1];
        let mut taken = vec![false; order.len()];
        for (j, i) in order.iter().enumerate() {
            let with = best[before[j]] + intervals[*i].2;
            taken[j] = with > next[j];
            next[j + 1] = if taken[j] { with } else { next[j] };
        }
        // Not before every prefix has settled: three picks can be better where two are not.
        if next == best {
            break;
        }
        best = next;
        layers.push(taken);
    }

    let mut picks = Vec::new();
    let mut j = order.len();
    while let Some(taken) = layers.pop() {
        while j > 0 && !taken[j - 1] {
            j -= 1;
        }
        if j == 0 {
            break;
        }
        picks.push(order[j - 1]);
        j = before[j - 1];
    }
    picks.reverse();
    picks
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The greatest sum over all subsets.
    fn brute_force(intervals: &[(f64, f64, f64)], k: usize) -> f64 {
        let mut best = 0.0f64;
        for set in 0u32..1 << intervals.len() {
            let picked: Vec<_> =
                (0..intervals.len()).filter(|i| set >> i & 1 == 1).map(|i| intervals[i]).collect();
            let apart = |a: &(f64, f64, f64), b: &(f64, f64, f64)| a.1 <= b.0 || b.1 <= a.0;
            let fits = picked.len() <= k
                && (0..picked.len()).all(|i| (0..i).all(|j| apart(&picked[i], &picked[j])));
            if fits {
                best = best.max(picked.iter().map(|p| p.2).sum());
            }
        }
        best
    }

    fn instance() -> impl Strategy<Value = Vec<(f64, f64, f64)>> {
        // Whole numbers make touching and equal intervals and equal scores common.
        let whole = (0..20i32, 1..8i32, 0..6i32)
            .prop_map(|(s, l, w)| (f64::from(s), f64::from(s + l), f64::from(w)));
        let real = (0.0..20.0f64, 0.1..8.0f64, -0.2..1.0f64).prop_map(|(s, l, w)| (s, s + l, w));
        prop_oneof![prop::collection::vec(whole, 0..11), prop::collection::vec(real, 0..11),]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(600))]

        #[test]
        fn the_sum_is_the_greatest_there_is(intervals in instance(), k in 0..6usize) {
            let picks = schedule(&intervals, k);
            prop_assert!(picks.len() <= k);
            prop_assert!(picks.windows(2).all(|p| intervals[p[0]].1 <= intervals[p[1]].0));
            prop_assert!(picks.iter().all(|i| intervals[*i].2 > 0.0));
            let sum: f64 = picks.iter().map(|i| intervals[*i].2).sum();
            prop_assert!((sum - brute_force(&intervals, k)).abs() < 1e-9, "{} {:?}", sum, picks);
            prop_assert_eq!(schedule(&intervals, k), picks);
        }
    }

    #[test]
    fn greed_would_lose() {
        // The best single interval blocks two that are better together.
        let intervals = [(0.0, 10.0, 0.6), (5.0, 15.0, 1.0), (10.0, 20.0, 0.6)];
        assert_eq!(schedule(&intervals, 1), [1]);
        assert_eq!(schedule(&intervals, 2), [0, 2]);
    }

    #[test]
    fn one_more_pick_may_help_where_the_one_before_did_not() {
        let intervals = [(0.0, 1.0, 0.3), (0.5, 4.0, 0.8), (2.0, 2.5, 0.1), (3.0, 4.0, 0.45)];
        assert_eq!(schedule(&intervals, 2), [1]);
        assert_eq!(schedule(&intervals, 3), [0, 2, 3]);
    }

    #[test]
    fn what_is_no_interval_is_passed_over() {
        let odd = [
            (0.0, 1.0, f64::NAN),
            (1.0, 1.0, 1.0),
            (f64::NAN, 2.0, 1.0),
            (2.0, 3.0, 0.0),
            (3.0, 4.0, 0.1),
        ];
        assert_eq!(schedule(&odd, 10), [4]);
        assert!(schedule(&[], 3).is_empty());
        assert!(schedule(&odd, 0).is_empty());
    }
}
