//! Several tests at a time.

/// The p-values of tests of one family, corrected for their number by Holm's step-down method ("A simple
/// sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979), in the order
/// given. A missing one, or one outside [0, 1], is no test and stays missing.
pub fn holm(p: &[Option<f64>]) -> Vec<Option<f64>> {
    let known = |i: &usize| p[*i].filter(|p| (0.0..=1.0).contains(p));
    let mut order: Vec<(usize, f64)> = (0..p.len()).filter_map(|i| Some((i, known(&i)?))).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut corrected = vec![None; p.len()];
    let mut least = 0.0_f64;
    for (place, (i, p)) in order.iter().enumerate() {
        least = least.max(p * (order.len() - place) as f64).min(1.0);
        corrected[*i] = Some(least);
    }
    corrected
}
