#![allow(clippy::unwrap_used)]
use std::f64::consts::PI;

use super::*;

/// Vowels of a voice whose pitch and formants move, in syllables, for `seconds` of 3 seconds.
pub(in super::super) fn vowels(rate: f64, seconds: f64) -> Vec<f32> {
    let mut phase = 0.0;
    let count = (3.0 * rate) as usize;
    let sample = |n: usize| {
        let t = n as f64 / rate;
        let wave = |hertz: f64, shift: f64| (2.0 * PI * hertz * t + shift).sin();
        let pitch = 120.0 + 20.0 * wave(1.3, 0.0);
        phase += 2.0 * PI * pitch / rate;
        let formants = [500.0 + 250.0 * wave(2.0, 0.0), 1500.0 + 600.0 * wave(1.7, 1.0)];
        let near =
            |hertz: f64, formant: f64, width: f64| (-((hertz - formant) / width).powi(2)).exp();
        let harmonic = |n: i32| {
            let hertz = f64::from(n) * pitch;
            let level =
                near(hertz, formants[0], 150.0) + 0.6 * near(hertz, formants[1], 200.0) + 0.02;
            level * (f64::from(n) * phase).sin()
        };
        let loud = if t > seconds { 0.0 } else { wave(2.2, 0.0).max(0.0).sqrt() };
        (0.2 * loud * (1..30).map(harmonic).sum::<f64>()) as f32
    };
    (0..count).map(sample).collect()
}

/// What onnxruntime 1.32 says of the same samples with the package's `silero_vad.onnx`.
const WANTED: [f32; 94] = [
    0.38, 0.484, 0.559, 0.74, 0.786, 0.787, 0.933, 0.751, 0.672, 0.421, 0.155, 0.063, 0.034, 0.024,
    0.733, 0.776, 0.798, 0.654, 0.818, 0.686, 0.654, 0.826, 0.678, 0.414, 0.172, 0.069, 0.036,
    0.024, 0.448, 0.458, 0.235, 0.336, 0.537, 0.5, 0.585, 0.822, 0.595, 0.217, 0.085, 0.039, 0.021,
    0.014, 0.132, 0.816, 0.811, 0.595, 0.487, 0.416, 0.53, 0.562, 0.431, 0.294, 0.11, 0.045, 0.027,
    0.018, 0.148, 0.732, 0.764, 0.679, 0.651, 0.821, 0.715, 0.617, 0.141, 0.08, 0.072, 0.033,
    0.015, 0.009, 0.006, 0.005, 0.004, 0.004, 0.004, 0.004, 0.005, 0.006, 0.006, 0.007, 0.007,
    0.008, 0.008, 0.008, 0.008, 0.009, 0.009, 0.009, 0.009, 0.009, 0.008, 0.008, 0.008, 0.008,
];

fn likelihoods(samples: &[f32], piece: usize) -> Vec<f32> {
    let mut detector = VoiceDetector::new();
    samples.chunks(piece).for_each(|piece| detector.push(piece));
    detector.finish()
}

#[test]
fn the_likelihoods_are_those_of_the_reference() {
    let found = likelihoods(&vowels(16_000.0, 2.2), 16_000);
    assert_eq!(found.len(), WANTED.len());
    for (n, (found, wanted)) in found.iter().zip(WANTED).enumerate() {
        assert!((found - wanted).abs() < 0.002, "frame {n}: {found}, not {wanted}");
    }
}

#[test]
fn pieces_of_any_size_are_heard_alike() {
    let samples = vowels(16_000.0, 1.0);
    assert_eq!(likelihoods(&samples, 7), likelihoods(&samples, 100_000));
}

#[test]
fn every_tensor_is_read_from_the_file() {
    let network = weights::read(include_bytes!("silero_vad_16k.safetensors")).unwrap();
    assert_eq!(network.transform.rows.len(), 258 * 256);
    assert_eq!(network.gates.rows.len(), 512 * 256);
    assert!(weights::read(b"damaged").is_none());
}

#[test]
fn rates_are_brought_to_the_detectors() {
    for rate in [8000.0, 16_000.0, 44_100.0, 48_000.0] {
        let mut to_voice_rate = ToVoiceRate::new(rate);
        let mut out = vec![];
        (0..rate as usize).for_each(|n| {
            let t = n as f64 / rate;
            to_voice_rate.step((2.0 * PI * 500.0 * t).sin() as f32, &mut out);
        });
        assert!((out.len() as f64 - 16_000.0).abs() <= 2.0, "{rate} Hz: {}", out.len());
        let rises = out.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
        assert!((499..=501).contains(&rises), "{rate} Hz: {rises}");
    }
}
