#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;
use std::f64::consts::PI;

const RATE: u32 = 8000;

fn tone(hertz: f64, amplitude: f64, seconds: f64, rate: u32) -> Vec<f32> {
    (0..(seconds * f64::from(rate)) as usize)
        .map(|n| (amplitude * (2.0 * PI * hertz * n as f64 / f64::from(rate)).sin()) as f32)
        .collect()
}

fn hear(samples: &[f32], rate: u32, channels: u32) -> Audio {
    let mut analyzer = AudioAnalyzer::new(rate, channels, None, 4.0).unwrap();
    analyzer.push(samples);
    analyzer.finish()
}

#[test]
fn a_reference_tone_has_its_loudness() {
    // EBU Tech 3341, case 1: stereo 1 kHz at −23 dBFS is −23 LUFS (±0.1).
    let amplitude = 10_f64.powf(-23.0 / 20.0);
    let stereo: Vec<f32> =
        tone(1000.0, amplitude, 20.0, 48_000).into_iter().flat_map(|s| [s, s]).collect();
    let heard = hear(&stereo, 48_000, 2);
    assert!((heard.loudness.unwrap() + 23.0).abs() < 0.1, "{:?}", heard.loudness);
    assert_eq!(heard.buckets.len(), 80);
    assert!((heard.seconds - 20.0).abs() < 1e-9);
    for bucket in &heard.buckets[2..] {
        assert!((bucket.loudness + 23.0).abs() < 0.1, "{bucket:?}");
        assert!(bucket.silence == 0.0 && bucket.speech < 0.05 && bucket.onset < 0.05, "{bucket:?}");
    }
}

#[test]
fn silence_has_no_loudness() {
    let heard = hear(&vec![0.0; 8000], RATE, 1);
    assert_eq!(heard.loudness, None);
    let wanted: Vec<_> = (0..4).map(|k| AudioBucket::silent(f64::from(k) / 4.0)).collect();
    assert_eq!(heard.buckets, wanted);
    assert_eq!(hear(&[], RATE, 1).buckets, []);
}

#[test]
fn an_onset_lies_in_its_bucket() {
    let mut samples = tone(440.0, 0.001, 2.0, RATE);
    samples.extend(tone(440.0, 0.5, 2.0, RATE));
    let heard = hear(&samples, RATE, 1);
    for (k, bucket) in heard.buckets.iter().enumerate() {
        if k == 8 {
            assert!(bucket.onset > 0.9, "{bucket:?}");
        } else {
            assert!(bucket.onset < 0.1, "{k} {bucket:?}");
        }
    }
}

#[test]
fn pauses_are_found_by_what_is_loud_around_them() {
    // A pause of noise at −46 dB under a tone at −13 dB, and a quiet tone without a pause.
    let mut noisy = tone(440.0, 0.3, 2.0, RATE);
    noisy.extend(tone(440.0, 0.005, 1.0, RATE));
    noisy.extend(tone(440.0, 0.3, 1.0, RATE));
    let silent: Vec<f64> = hear(&noisy, RATE, 1).buckets.iter().map(|b| b.silence).collect();
    let wanted: Vec<f64> = (0..16).map(|k| if (8..12).contains(&k) { 1.0 } else { 0.0 }).collect();
    assert_eq!(silent, wanted);
    let quiet = hear(&tone(440.0, 0.005, 2.0, RATE), RATE, 1);
    assert!(quiet.buckets.iter().all(|b| b.silence == 0.0), "{quiet:?}");
}

#[test]
fn a_voice_is_told_from_steady_sounds_at_every_rate() {
    let mean = |samples: &[f32], rate: u32| {
        let heard = hear(samples, rate, 1);
        heard.buckets.iter().map(|b| b.speech).sum::<f64>() / heard.buckets.len() as f64
    };
    let mut state = 1_u32;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 23) - 1.0
    };
    let hiss: Vec<f32> = (0..96_000).map(|_| (0.2 * noise()) as f32).collect();
    for rate in [8000, 16_000, 44_100, 48_000] {
        let said = mean(&super::voice::vowels(f64::from(rate), 2.2), rate);
        assert!(said > 0.2, "{rate} Hz: {said}");
        let chord: Vec<f32> = (1..6)
            .map(|h| tone(220.0 * f64::from(h), 0.1, 3.0, rate))
            .reduce(|a, b| a.iter().zip(&b).map(|(a, b)| a + b).collect())
            .unwrap();
        assert!(mean(&chord, rate) < 0.05, "{rate} Hz: {}", mean(&chord, rate));
        assert!(mean(&hiss, rate) < 0.05, "{rate} Hz: {}", mean(&hiss, rate));
    }
}

#[test]
fn damaged_samples_do_not_spread() {
    let mut samples = tone(440.0, 0.3, 2.0, RATE);
    samples[100] = f32::NAN;
    samples[200] = f32::INFINITY;
    samples[300] = 1e30;
    let heard = hear(&samples, RATE, 1);
    let clean = hear(&tone(440.0, 0.3, 2.0, RATE), RATE, 1);
    assert!((heard.loudness.unwrap() - clean.loudness.unwrap()).abs() < 0.1);
    assert_eq!(heard.buckets.last(), clean.buckets.last());
}

#[test]
fn impossible_streams_are_refused() {
    assert!(AudioAnalyzer::new(48_000, 0, None, 4.0).is_none());
    assert!(AudioAnalyzer::new(0, 2, None, 4.0).is_none());
    assert!(AudioAnalyzer::new(48_000, 2, None, f64::NAN).is_some());
}

/// Share of hops below a level by definition, hop by hop.
fn silent_hops(samples: &[f32], hop: usize, threshold: f64) -> usize {
    let level = |hop: &[f32]| {
        let power = hop.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / hop.len() as f64;
        (-2.0 * (10.0 * power.log10()).clamp(-90.0, 0.0)).round() / -2.0
    };
    samples.chunks(hop).filter(|hop| level(hop) < threshold).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_way_of_cutting_gives_the_same(
        samples in proptest::collection::vec(-1.0_f32..1.0, 0..6000),
        cuts in proptest::collection::vec(1_usize..700, 1..40),
        channels in 1_u32..7,
        buckets in prop_oneof![Just(4.0), Just(1.0), Just(7.3), Just(150.0)],
    ) {
        let analyzer = || AudioAnalyzer::new(RATE, channels, None, buckets).unwrap();
        let mut whole = analyzer();
        whole.push(&samples);
        let mut pieces = analyzer();
        let (mut rest, mut cut) = (samples.as_slice(), cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, next) = rest.split_at((*cut.next().unwrap()).min(rest.len()));
            pieces.push(piece);
            rest = next;
        }
        let (whole, pieces) = (whole.finish(), pieces.finish());
        prop_assert_eq!(&whole.buckets, &pieces.buckets);
        prop_assert_eq!(whole.loudness, pieces.loudness);
        let frames = samples.len() / channels as usize;
        let wanted = (frames as f64 / f64::from(RATE) * buckets - 1e-9).ceil().max(0.0) as usize;
        prop_assert!(whole.buckets.len().abs_diff(wanted) <= 1);
        for bucket in &whole.buckets {
            prop_assert!((0.0..=1.0).contains(&bucket.onset));
            prop_assert!((0.0..=1.0).contains(&bucket.speech));
            prop_assert!((0.0..=1.0).contains(&bucket.silence));
            prop_assert!((FLOOR_LUFS..20.0).contains(&bucket.loudness));
        }
    }

    #[test]
    fn silence_agrees_with_its_definition(
        levels in proptest::collection::vec(-80.0_f64..0.0, 4..40),
    ) {
        // Each level for 250 ms: 25 hops, one bucket.
        let samples: Vec<f32> = levels
            .iter()
            .flat_map(|level| tone(400.0, 10_f64.powf(level / 20.0), 0.25, RATE))
            .collect();
        let heard = hear(&samples, RATE, 1);
        let threshold = heard.loudness.map_or(-60.0, |l| (l - 25.0).clamp(-60.0, -35.0));
        for (bucket, part) in heard.buckets.iter().zip(samples.chunks(2000)) {
            let wanted = silent_hops(part, 80, threshold) as f64 / 25.0;
            prop_assert!((bucket.silence - wanted).abs() < 1e-9, "{} {}", bucket.silence, wanted);
        }
    }
}
