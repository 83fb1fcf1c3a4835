//! One coordinate of a path: held if possible, following if necessary, and eased.

/// Tolerated distance of the salient point from the middle, as a share of the window.
const STILL: f64 = 0.14;
/// Largest speed, as a share of the picture per second.
pub(super) const FASTEST: f64 = 0.45;
/// Seconds over which a change of speed is spread.
const EASE: f64 = 0.5;
/// Largest deviation of a straight piece from the path, as a share of the picture.
const STRAIGHT: f64 = 0.002;

/// The middle of a window at each of `times`, following `points` of time and position.
///
/// The size `window` is a share of the picture; `times` are evenly spaced.
pub(super) fn follow(points: &[(f64, f64)], times: &[f64], window: f64) -> Vec<f64> {
    let (least, most) = (0.5 * window, 1.0 - 0.5 * window);
    if points.is_empty() || least >= most {
        return vec![0.5; times.len()];
    }
    let wanted = without_flicker(points);
    let wish = |t: &f64| {
        let place = between(&wanted, *t);
        let middle = place.clamp(least, most);
        // A point nearer to the edge than the window's middle can go is off its middle already.
        (middle, (STILL * window - (place - middle).abs()).max(0.0))
    };
    let wanted: Vec<(f64, f64)> = times.iter().map(wish).collect();
    let held = hold(&wanted);
    let step = times.get(1).map_or(1.0, |t| (t - times[0]).max(1e-9));
    let limited = limit(&held, FASTEST * step);
    let eased = ease(&limited, (0.5 * EASE / step).round() as usize);
    eased.into_iter().map(|at| at.clamp(least, most)).collect()
}

/// Medians of three, which remove single outliers.
fn without_flicker(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let at = |i: usize| points[i].1;
    let last = points.len() - 1;
    let median = |i: usize| {
        if i == 0 || i == last {
            return at(i);
        }
        let (a, b, c) = (at(i - 1), at(i), at(i + 1));
        a.min(b).max(a.max(b).min(c))
    };
    (0..points.len()).map(|i| (points[i].0, median(i))).collect()
}

/// The value at `t` on the line through `points`, constant beyond its ends.
pub(super) fn between(points: &[(f64, f64)], t: f64) -> f64 {
    let next = points.partition_point(|p| p.0 <= t);
    match (next.checked_sub(1).and_then(|i| points.get(i)), points.get(next)) {
        (Some(a), Some(b)) => a.1 + (b.1 - a.1) * (t - a.0) / (b.0 - a.0),
        (Some(only), None) | (None, Some(only)) => only.1,
        (None, None) => 0.5,
    }
}

/// The path that moves least while staying within the slack of the wanted positions.
///
/// If it need not move at all, it stands halfway between the middle of the allowed range and its point
/// nearest to the picture's middle: what belongs to the subject, such as a title or a person it faces, is
/// mostly on that side.
fn hold(wanted: &[(f64, f64)]) -> Vec<f64> {
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    let mut at = None;
    for (value, slack) in wanted {
        let (next_low, next_high) = (low.max(value - slack), high.min(value + slack));
        if next_low > next_high {
            // It waits on the side to which it will have to move.
            at = Some(if value - slack > high { high } else { low });
            break;
        }
        (low, high) = (next_low, next_high);
    }
    let still = || 0.5 * (0.5 * (low + high) + 0.5_f64.clamp(low, high));
    let mut at = at.unwrap_or_else(still);
    wanted
        .iter()
        .map(|(value, slack)| {
            at = at.clamp(value - slack, value + slack);
            at
        })
        .collect()
}

/// Limits steps to `step`: the mean of the lowest such path above and the highest one below.
///
/// The result starts to move before the path that it follows.
pub(super) fn limit(path: &[f64], step: f64) -> Vec<f64> {
    let mut above = path.to_vec();
    let mut below = path.to_vec();
    for i in 1..path.len() {
        above[i] = above[i].max(above[i - 1] - step);
        below[i] = below[i].min(below[i - 1] + step);
    }
    for i in (1..path.len()).rev() {
        above[i - 1] = above[i - 1].max(above[i] - step);
        below[i - 1] = below[i - 1].min(below[i] + step);
    }
    above.iter().zip(&below).map(|(a, b)| 0.5 * (a + b)).collect()
}

/// Moving average over `reach` steps on both sides, constant beyond the ends.
pub(super) fn ease(path: &[f64], reach: usize) -> Vec<f64> {
    let last = path.len() as isize - 1;
    let width = 2 * reach as isize + 1;
    let at = |i: isize| path[i.clamp(0, last) as usize];
    (0..=last)
        .map(|i| {
            let sum: f64 = (i - reach as isize..=i + reach as isize).map(at).sum();
            sum / width as f64
        })
        .collect()
}

/// The steps between which straight lines stay near the path, with the first and the last.
///
/// Only the first if the window does not move.
pub(super) fn turns(times: &[f64], x: &[f64], y: &[f64]) -> Vec<usize> {
    let last = times.len().saturating_sub(1);
    let mut kept = vec![0];
    let mut open = vec![(0, last)];
    while let Some((from, to)) = open.pop() {
        let away = |i: usize| {
            let share = (times[i] - times[from]) / (times[to] - times[from]).max(1e-12);
            let off = |v: &[f64]| (v[from] + (v[to] - v[from]) * share - v[i]).abs();
            off(x).max(off(y))
        };
        let worst = (from + 1..to).max_by(|a, b| away(*a).total_cmp(&away(*b)));
        match worst.filter(|i| away(*i) > STRAIGHT) {
            Some(middle) => {
                open.push((middle, to));
                open.push((from, middle));
            }
            None => kept.push(to),
        }
    }
    kept.dedup();
    kept
}
