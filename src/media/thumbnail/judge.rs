//! Scores frames as stills.

/// Size at which frames are scored, whatever their aspect ratio.
pub(super) const WIDTH: usize = 160;
pub(super) const HEIGHT: usize = 90;

/// Share of the best captioned score from which a frame without captions is preferred.
///
/// Letters count as detail. Black and faded frames score 0 to 0.7, others 3 to 8.
const GOOD_ENOUGH: f64 = 0.1;

/// The best frames so far, by score and number.
#[derive(Debug, Default)]
pub(super) struct BestFrame {
    clear: Option<(f64, usize)>,
    captioned: Option<(f64, usize)>,
    looked_at: usize,
}

impl BestFrame {
    /// Scores the next frame.
    pub(super) fn look(&mut self, picture: &[u8], captioned: bool) {
        let found = score(picture);
        let best = if captioned { &mut self.captioned } else { &mut self.clear };
        if best.is_none_or(|(most, _)| found > most) {
            *best = Some((found, self.looked_at));
        }
        self.looked_at += 1;
    }

    /// The number of the chosen frame.
    pub(super) fn frame(&self) -> Option<usize> {
        let clear = self.clear.filter(|(clear, _)| {
            self.captioned.is_none_or(|(captioned, _)| *clear >= GOOD_ENOUGH * captioned)
        });
        clear.or(self.captioned).map(|(_, number)| number)
    }
}

/// Sharpness times exposure: log of the mean squared Laplacian, weighted towards the middle.
///
/// Dark, pale and flat frames score less.
fn score(picture: &[u8]) -> f64 {
    let at = |x: usize, y: usize| f64::from(picture[y * WIDTH + x]);
    let (mut detail, mut weights) = (0.0, 0.0);
    for y in 1..HEIGHT - 1 {
        for x in 1..WIDTH - 1 {
            let around = at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1);
            let laplacian = around - 4.0 * at(x, y);
            let (across, down) = (x as f64 / WIDTH as f64 - 0.5, y as f64 / HEIGHT as f64 - 0.5);
            let weight = 1.0 - 1.2 * (across * across + down * down);
            detail += weight * laplacian * laplacian;
            weights += weight;
        }
    }
    let pixels = picture.len() as f64;
    let mean = picture.iter().map(|v| f64::from(*v)).sum::<f64>() / pixels;
    let variance = picture.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / pixels;
    let clipped = picture.iter().filter(|v| **v < 8 || **v > 247).count() as f64 / pixels;
    let exposure = (1.0 - ((mean - 118.0) / 118.0).abs().powi(2)).max(0.02);
    let contrast = (variance.sqrt() / 45.0).min(1.0);
    (1.0 + detail / weights).ln() * exposure * (0.3 + 0.7 * contrast) * (1.0 - 0.7 * clipped)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(value: impl Fn(usize, usize) -> f64) -> Vec<u8> {
        (0..WIDTH * HEIGHT).map(|i| value(i % WIDTH, i / WIDTH).clamp(0.0, 255.0) as u8).collect()
    }

    #[test]
    fn sharp_and_well_lit_wins() {
        let stripes = |x: usize, period: f64, light: f64| {
            light + 60.0 * (x as f64 * std::f64::consts::TAU / period).sin()
        };
        let sharp = score(&picture(|x, _| stripes(x, 6.0, 118.0)));
        let soft = score(&picture(|x, _| stripes(x, 60.0, 118.0)));
        let dark = score(&picture(|x, _| stripes(x, 6.0, -20.0)));
        let pale = score(&picture(|x, _| stripes(x, 6.0, 260.0)));
        let plain = score(&picture(|_, _| 118.0));
        assert!(sharp > soft && soft > plain, "{sharp} {soft} {plain}");
        assert!(sharp > 2.0 * dark && sharp > 2.0 * pale, "{sharp} {dark} {pale}");
    }

    #[test]
    fn a_frame_without_captions_is_taken_if_it_shows_something() {
        let stripes = |period: usize| picture(|x, _| 60.0 + 120.0 * (x / period % 2) as f64);
        let (black, soft, sharp) = (picture(|_, _| 0.0), stripes(20), stripes(2));
        let best = |frames: &[(&[u8], bool)]| {
            let mut best = BestFrame::default();
            frames.iter().for_each(|(picture, captioned)| best.look(picture, *captioned));
            best.frame()
        };
        assert_eq!(best(&[(&sharp, true), (&soft, false), (&black, false)]), Some(1));
        assert_eq!(best(&[(&soft, true), (&sharp, true), (&black, false)]), Some(1));
        assert_eq!(best(&[(&black, false), (&soft, false), (&sharp, false)]), Some(2));
        assert_eq!(best(&[(&soft, true), (&soft, true)]), Some(0));
        assert_eq!(best(&[]), None);
    }
}
