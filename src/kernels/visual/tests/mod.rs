//! Tests on drawn pictures: seeded textures of blobs that can be moved, blended and lit.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

mod gradual;

/// xorshift64*: the same numbers everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A scene: soft blobs of many sizes on a coloured ground, wider than the frame so that a camera
/// can pan over it.
struct Scene {
    blobs: Vec<[f64; 4]>,
    ground: f64,
    colour: (u8, u8),
}

impl Scene {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..16 {
            random.next();
        }
        let blobs = (0..60)
            .map(|_| {
                let size = 3.0 + 14.0 * random.next();
                let [x, y] = [4.0 * random.next() - 1.0, 1.6 * random.next() - 0.3];
                [x * WIDTH as f64, y * HEIGHT as f64, size, 160.0 * random.next() - 80.0]
            })
            .collect();
        let colour = (90 + (random.next() * 76.0) as u8, 90 + (random.next() * 76.0) as u8);
        Self { blobs, ground: 70.0 + 90.0 * random.next(), colour }
    }

    /// The frame seen from `left` pixels further right.
    fn frame(&self, left: f64) -> Vec<u8> {
        let mut luma = vec![self.ground; WIDTH * HEIGHT];
        for [x, y, size, level] in &self.blobs {
            let (x, reach) = (x - left, 3.0 * size);
            let columns = (x - reach).max(0.0) as usize..((x + reach).max(0.0) as usize).min(WIDTH);
            let rows = (y - reach).max(0.0) as usize..((y + reach).max(0.0) as usize).min(HEIGHT);
            for row in rows {
                for column in columns.clone() {
                    let d = (column as f64 - x).powi(2) + (row as f64 - y).powi(2);
                    luma[row * WIDTH + column] += level * (-d / (2.0 * size * size)).exp();
                }
            }
        }
        let mut frame: Vec<u8> = luma.iter().map(|v| v.clamp(16.0, 235.0) as u8).collect();
        frame.resize(WIDTH * HEIGHT * 5 / 4, self.colour.0);
        frame.resize(FRAME_BYTES, self.colour.1);
        frame
    }
}

fn plain(luma: u8) -> Vec<u8> {
    let mut frame = vec![luma; WIDTH * HEIGHT];
    frame.resize(FRAME_BYTES, 128);
    frame
}

fn blend(a: &[u8], b: &[u8], share: f64) -> Vec<u8> {
    let mix = |(&x, &y): (&u8, &u8)| (f64::from(x) * (1.0 - share) + f64::from(y) * share) as u8;
    a.iter().zip(b).map(mix).collect()
}

fn grain(frame: &mut [u8], random: &mut Random, levels: f64) {
    for value in &mut frame[..WIDTH * HEIGHT] {
        let noisy = f64::from(*value) + levels * (random.next() + random.next() - 1.0);
        *value = noisy.clamp(0.0, 255.0) as u8;
    }
}

fn analyze_at(times: &[f64], frames: &[Vec<u8>], end: f64) -> Visual {
    let mut analyzer = VisualAnalyzer::new(4.0);
    for (&at, frame) in times.iter().zip(frames) {
        analyzer.push(at, frame);
    }
    analyzer.finish(end)
}

fn analyze(fps: f64, frames: &[Vec<u8>]) -> Visual {
    let times: Vec<f64> = (0..frames.len()).map(|n| n as f64 / fps).collect();
    analyze_at(&times, frames, frames.len() as f64 / fps)
}

/// The boundaries: first frame and kind of every shot but the first.
fn boundaries(seen: &Visual) -> Vec<(i64, Transition)> {
    seen.shots.iter().skip(1).map(|s| (s.first_frame, s.transition)).collect()
}

fn still(seed: u64, count: usize) -> Vec<Vec<u8>> {
    vec![Scene::new(seed).frame(0.0); count]
}

#[test]
fn a_cut_is_found_at_its_frame_at_any_frame_rate() {
    for fps in [5.0, 12.5, 24.0, 25.0, 30_000.0 / 1001.0, 60.0, 120.0] {
        let half = (2.0 * fps) as usize;
        let frames = [still(1, half), still(2, half)].concat();
        let seen = analyze(fps, &frames);
        assert_eq!(boundaries(&seen), [(half as i64, Transition::Cut)], "at {fps} fps");
        assert_eq!(seen.shots[1].start, half as f64 / fps);
    }
}

#[test]
fn a_shot_of_eight_frames_between_two_views_of_the_same_scene_is_a_shot() {
    let frames = [still(1, 40), still(2, 8), still(1, 40)].concat();
    let found = boundaries(&analyze(25.0, &frames));
    assert_eq!(found, [(40, Transition::Cut), (48, Transition::Cut)]);
}

#[test]
fn a_flash_is_not_a_cut() {
    for length in 1..=5 {
        let scene = Scene::new(3).frame(0.0);
        let mut frames = still(3, 80);
        for (n, frame) in frames[30..30 + length].iter_mut().enumerate() {
            *frame = blend(&scene, &plain(235), 0.95 - 0.1 * n as f64);
        }
        assert_eq!(boundaries(&analyze(25.0, &frames)), [], "{length} frames");
    }
}

#[test]
fn an_explosion_that_dies_down_is_not_a_cut() {
    let scene = Scene::new(4).frame(0.0);
    let mut frames = still(4, 100);
    for (n, frame) in frames[40..56].iter_mut().enumerate() {
        *frame = blend(&scene, &plain(235), 0.9 - 0.055 * n as f64);
    }
    assert_eq!(boundaries(&analyze(25.0, &frames)), []);
}

#[test]
fn pans_shake_grain_and_repeated_frames_are_not_cuts() {
    let scene = Scene::new(10);
    let pan: Vec<_> = (0..100).map(|n| scene.frame(f64::from(n) * 2.0)).collect();
    assert_eq!(boundaries(&analyze(25.0, &pan)), [], "pan");
    let on_twos: Vec<_> = (0..100).map(|n| scene.frame(f64::from(n / 2) * 3.0)).collect();
    assert_eq!(boundaries(&analyze(24.0, &on_twos)), [], "on twos");
    let shake = |n: i32| 6.0 * (f64::from(n) * 1.3).sin() + 4.0 * (f64::from(n) * 2.9).sin();
    let shaken: Vec<_> = (0..100).map(|n| scene.frame(60.0 + shake(n))).collect();
    assert_eq!(boundaries(&analyze(25.0, &shaken)), [], "shake");
    let mut random = Random(77);
    let mut grainy = still(10, 100);
    grainy.iter_mut().for_each(|f| grain(f, &mut random, 24.0));
    assert_eq!(boundaries(&analyze(25.0, &grainy)), [], "grain");
}

#[test]
fn a_cut_between_shots_that_move_fast_is_found() {
    let (a, b) = (Scene::new(51), Scene::new(52));
    let shake = |n: usize| 40.0 + 9.0 * (n as f64 * 1.7).sin() + 6.0 * (n as f64 * 2.9).sin();
    let frames: Vec<_> =
        (0..100).map(|n| if n < 50 { a.frame(shake(n)) } else { b.frame(shake(n)) }).collect();
    assert_eq!(boundaries(&analyze(25.0, &frames)), [(50, Transition::Cut)]);
}

#[test]
fn letterboxed_cuts_count_as_cuts() {
    let boxed = |seed: u64| {
        let mut frame = Scene::new(seed).frame(0.0);
        frame[..WIDTH * 10].fill(16);
        frame[WIDTH * (HEIGHT - 10)..WIDTH * HEIGHT].fill(16);
        vec![frame; 40]
    };
    let found = boundaries(&analyze(25.0, &[boxed(11), boxed(12)].concat()));
    assert_eq!(found, [(40, Transition::Cut)]);
}

#[test]
fn a_low_contrast_cut_is_found() {
    let dim = |seed: u64| vec![blend(&plain(30), &Scene::new(seed).frame(0.0), 0.15); 40];
    let found = boundaries(&analyze(25.0, &[dim(13), dim(14)].concat()));
    assert_eq!(found, [(40, Transition::Cut)]);
}

#[test]
fn one_frame_is_one_shot_and_no_frame_is_none() {
    let seen = analyze(25.0, &still(1, 1));
    assert_eq!((seen.frames, seen.shots.len(), seen.buckets.len()), (1, 1, 1));
    assert_eq!((seen.shots[0].start, seen.shots[0].end), (0.0, 0.04));
    assert_eq!((seen.min_frame_interval, seen.max_frame_interval), (0.0, 0.0));
    assert_eq!(VisualAnalyzer::new(4.0).finish(3.0), Visual::default());
}

#[test]
fn a_variable_frame_rate_is_measured_and_its_cut_found() {
    let mut random = Random(5);
    let mut times = vec![10.5];
    for _ in 1..120 {
        times.push(times[times.len() - 1] + 0.015 + 0.06 * random.next());
    }
    let frames = [still(1, 60), still(2, 60)].concat();
    let end = times[119] + 0.04;
    let seen = analyze_at(&times, &frames, end);
    assert_eq!(boundaries(&seen), [(60, Transition::Cut)]);
    assert_eq!((seen.shots[0].start, seen.shots[1].start), (times[0], times[60]));
    assert!(seen.max_frame_interval > 2.0 * seen.min_frame_interval);
    assert_eq!(seen.buckets[0].t, 10.5);
}

#[test]
fn frames_that_cannot_be_placed_are_left_out() {
    let frame = Scene::new(1).frame(0.0);
    let mut analyzer = VisualAnalyzer::new(f64::NAN);
    analyzer.push(f64::NAN, &frame);
    analyzer.push(1.0, &frame);
    analyzer.push(1.0, &frame);
    analyzer.push(0.5, &frame);
    analyzer.push(2.0, &frame[1..]);
    assert_eq!(analyzer.finish(f64::INFINITY).frames, 1);
}

#[test]
fn memory_of_the_window_is_bounded() {
    let frame = Scene::new(1).frame(0.0);
    let mut analyzer = VisualAnalyzer::new(4.0);
    for n in 0..4000 {
        analyzer.push(f64::from(n) * 1e-4, &frame);
        assert!(analyzer.window.kept() <= 480);
    }
    assert_eq!(analyzer.finish(1.0).frames, 4000);
}

#[test]
fn levels_are_scaled_from_video_range() {
    let seen = analyze(25.0, &vec![plain(235); 25]);
    assert_eq!(seen.buckets.len(), 4);
    assert!(seen.buckets.iter().all(|b| b.luma == 1.0 && b.chroma == 0.0 && b.motion == 0.0));
    assert_eq!(seen.buckets.iter().map(|b| b.t).collect::<Vec<_>>(), [0.0, 0.25, 0.5, 0.75]);
}

#[test]
fn saliency_follows_a_subject_on_a_still_background() {
    let background = Scene::new(21).frame(0.0);
    let at = |n: usize| (20.0 + 0.8 * n as f64, 36.0 + 14.0 * (n as f64 * 0.06).sin());
    let frames: Vec<_> = (0..110)
        .map(|n| {
            let mut frame = background.clone();
            let (x, y) = at(n);
            for row in (y as usize - 8)..(y as usize + 8) {
                frame[row * WIDTH + x as usize - 6..][..12].fill(if row % 4 < 2 {
                    230
                } else {
                    20
                });
            }
            frame
        })
        .collect();
    let seen = analyze(25.0, &frames);
    assert_eq!(boundaries(&seen), []);
    for bucket in &seen.buckets[1..] {
        let (x, y) = at(((bucket.t + 0.11) * 25.0) as usize);
        let (dx, dy) =
            (bucket.saliency_x - x / WIDTH as f64, bucket.saliency_y - y / HEIGHT as f64);
        assert!(dx.abs() < 0.05 && dy.abs() < 0.08, "at {}: off by {dx:.3}, {dy:.3}", bucket.t);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever is pushed: shots tile the time, boundaries are PTS that were pushed, frame
    /// numbers tile too, buckets have no gaps, and a second run says the same.
    #[test]
    fn shots_tile_the_video(
        seed in 1_u64..1000,
        pieces in prop::collection::vec((0_u64..6, 1_usize..30, 0_u8..4), 1..8),
        start in -2.0_f64..5.0,
        step in 0.01_f64..0.2,
    ) {
        let mut random = Random(seed);
        let (mut times, mut frames, mut at) = (Vec::new(), Vec::new(), start);
        for (scene, count, kind) in pieces {
            let scene = Scene::new(scene);
            for n in 0..count {
                let mut frame = scene.frame(if kind == 1 { n as f64 * 3.0 } else { 0.0 });
                match kind {
                    2 => grain(&mut frame, &mut random, 30.0),
                    3 => frame = blend(&frame, &plain(16), n as f64 / count as f64),
                    _ => {}
                }
                times.push(at);
                frames.push(frame);
                at += step * (0.3 + random.next());
            }
        }
        let seen = analyze_at(&times, &frames, at);
        prop_assert_eq!(&seen, &analyze_at(&times, &frames, at));
        prop_assert_eq!(seen.frames, times.len() as i64);
        prop_assert_eq!(seen.shots[0].start, times[0]);
        prop_assert_eq!(seen.shots[seen.shots.len() - 1].end, at);
        prop_assert_eq!(seen.shots[0].transition, Transition::Start);
        let mut next_frame = 0;
        for (n, shot) in seen.shots.iter().enumerate() {
            prop_assert_eq!(shot.shot_id, n as i64);
            prop_assert_eq!(shot.first_frame, next_frame);
            prop_assert_eq!(shot.start, times[shot.first_frame as usize]);
            prop_assert!(shot.last_frame >= shot.first_frame && shot.start < shot.end);
            prop_assert!((0.0..=1.0).contains(&shot.score));
            if n > 0 {
                prop_assert_eq!(seen.shots[n - 1].end, shot.start);
            }
            next_frame = shot.last_frame + 1;
        }
        prop_assert_eq!(next_frame, seen.frames);
        for pair in seen.buckets.windows(2) {
            prop_assert!((pair[1].t - pair[0].t - 0.25).abs() < 1e-9);
        }
        for b in &seen.buckets {
            for v in [b.shot_score, b.motion, b.luma, b.chroma, b.saliency_x, b.saliency_y] {
                prop_assert!((0.0..=1.0).contains(&v), "{:?}", b);
            }
        }
    }
}
