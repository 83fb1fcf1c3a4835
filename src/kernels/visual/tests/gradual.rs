//! Tests of fades and dissolves, and of what must not be taken for one.

use super::*;

#[test]
fn dissolves_of_any_usual_length_are_found_in_their_middle() {
    for (length, fps) in [(6, 25.0), (12, 25.0), (25, 25.0), (50, 25.0), (30, 60.0), (12, 12.5)] {
        let (a, b) = (Scene::new(5).frame(0.0), Scene::new(6).frame(0.0));
        let lead = (2.0 * fps) as usize;
        let mut frames = still(5, lead);
        frames.extend((1..=length).map(|n| blend(&a, &b, n as f64 / (length + 1) as f64)));
        frames.extend(still(6, lead));
        let found = boundaries(&analyze(fps, &frames));
        let middle = (lead + length / 2) as f64;
        assert!(
            matches!(found[..], [(frame, Transition::Dissolve)]
                if (frame as f64 - middle).abs() <= 0.3 * length as f64 + 1.0),
            "{length} frames at {fps} fps: {found:?}, middle {middle}"
        );
    }
}

/// Out of `a` and into `b` through `colour`, `ramp` frames each way.
fn fade(a: u64, b: u64, colour: u8, ramp: usize, hold: usize) -> Vec<Vec<u8>> {
    let (from, to, through) = (Scene::new(a).frame(0.0), Scene::new(b).frame(0.0), plain(colour));
    let mut frames = still(a, 50);
    frames.extend((1..=ramp).map(|n| blend(&from, &through, n as f64 / ramp as f64)));
    frames.extend(std::iter::repeat_n(through.clone(), hold));
    frames.extend((0..ramp).map(|n| blend(&through, &to, n as f64 / ramp as f64)));
    frames.extend(still(b, 50));
    frames
}

#[test]
fn a_fade_through_a_plain_colour_is_one_boundary() {
    for colour in [16, 110, 235] {
        for (ramp, hold) in [(4, 0), (8, 3), (12, 12), (25, 5)] {
            let frames = fade(7, 8, colour, ramp, hold);
            let found = boundaries(&analyze(25.0, &frames));
            let middle = (50 + ramp) as f64 + hold as f64 / 2.0;
            assert!(
                matches!(found[..], [(frame, Transition::Fade)]
                    if (frame as f64 - middle).abs() <= ramp as f64 * 0.5 + 2.0),
                "colour {colour}, ramp {ramp}, hold {hold}: {found:?}, middle {middle}"
            );
        }
    }
}

#[test]
fn fading_in_at_the_start_and_out_at_the_end_makes_no_extra_shot() {
    let (scene, black) = (Scene::new(9).frame(0.0), plain(16));
    let mut frames = vec![black.clone(); 5];
    frames.extend((0..25).map(|n| blend(&black, &scene, f64::from(n) / 25.0)));
    frames.extend(still(9, 50));
    frames.extend((0..25).map(|n| blend(&scene, &black, f64::from(n) / 25.0)));
    frames.extend(vec![black; 5]);
    assert_eq!(boundaries(&analyze(25.0, &frames)), []);
}

/// A scene of so little contrast that it is nearly plain, like an empty road from above.
fn road(seed: u64) -> Vec<u8> {
    blend(&plain(110), &Scene::new(seed).frame(0.0), 0.12)
}

fn ramp(from: &[u8], to: &[u8], count: usize) -> Vec<Vec<u8>> {
    (1..=count).map(|n| blend(from, to, n as f64 / (count + 1) as f64)).collect()
}

#[test]
fn a_fade_from_or_to_a_nearly_plain_scene_is_a_fade() {
    for colour in [16, 235] {
        let (full, faint, through) = (Scene::new(31).frame(0.0), road(32), plain(colour));
        for (from, to) in [(&full, &faint), (&faint, &full)] {
            let frames = [
                vec![from.clone(); 50],
                ramp(from, &through, 11),
                vec![through.clone(); 2],
                ramp(&through, to, 11),
                vec![to.clone(); 50],
            ];
            let found = boundaries(&analyze(25.0, &frames.concat()));
            assert!(
                matches!(found[..], [(50..=74, Transition::Fade)]),
                "colour {colour}: {found:?}"
            );
        }
    }
}

#[test]
fn a_nearly_plain_shot_is_a_shot_and_no_fade() {
    let (full, faint) = (Scene::new(33).frame(0.0), road(34));
    let frames = [vec![full.clone(); 40], vec![faint; 30], still(35, 40)].concat();
    let found = boundaries(&analyze(25.0, &frames));
    assert_eq!(found, [(40, Transition::Cut), (70, Transition::Cut)]);
}

#[test]
fn a_closing_fade_under_a_caption_is_no_boundary() {
    let caption = |mut frame: Vec<u8>| {
        for row in 57..60 {
            for column in (8..60).chain(84..120).filter(|c| c % 3 != 0) {
                frame[row * WIDTH + column] = 110;
            }
        }
        frame
    };
    let (scene, black) = (Scene::new(36).frame(0.0), plain(16));
    let mut frames = vec![scene.clone(); 50];
    frames.extend(ramp(&scene, &black, 20));
    frames.extend(vec![black.clone(); 20]);
    let closing: Vec<_> = frames.iter().cloned().map(caption).collect();
    assert_eq!(boundaries(&analyze(25.0, &closing)), [], "closing");
    let opening: Vec<_> = closing.into_iter().rev().collect();
    assert_eq!(boundaries(&analyze(25.0, &opening)), [], "opening");
}

#[test]
fn a_cut_into_a_picture_that_still_fades_in_is_one_cut() {
    let black = plain(16);
    for (seed, begin) in [(38, 0.3), (53, 0.4), (54, 0.3), (55, 0.5)] {
        // Bright and of little contrast, like a sky.
        let next = blend(&plain(220), &Scene::new(seed).frame(0.0), 0.35);
        let mut frames = still(37, 50);
        frames.extend(ramp(&blend(&black, &next, begin), &next, 15));
        frames.extend(vec![next; 50]);
        let found = boundaries(&analyze(25.0, &frames));
        assert_eq!(found, [(50, Transition::Cut)], "scene {seed} from {begin}");
    }
}

#[test]
fn light_that_is_turned_up_or_down_is_no_dissolve() {
    let scene = Scene::new(39).frame(0.0);
    let dim = blend(&plain(16), &scene, 0.35);
    for length in [8, 15, 30] {
        let lit = [vec![dim.clone(); 50], ramp(&dim, &scene, length), vec![scene.clone(); 50]];
        assert_eq!(boundaries(&analyze(25.0, &lit.concat())), [], "up in {length}");
        let out = [vec![scene.clone(); 50], ramp(&scene, &dim, length), vec![dim.clone(); 50]];
        assert_eq!(boundaries(&analyze(25.0, &out.concat())), [], "down in {length}");
    }
}

#[test]
fn a_dissolve_between_moving_shots_is_found() {
    let (a, b) = (Scene::new(41), Scene::new(42));
    for speed in [0.5, 1.0, 2.0, 3.0] {
        let frames: Vec<_> = (0..112)
            .map(|n| {
                let share = ((f64::from(n) - 49.0) / 13.0).clamp(0.0, 1.0);
                let left = speed * f64::from(n);
                blend(&a.frame(left), &b.frame(100.0 - left), share)
            })
            .collect();
        let found = boundaries(&analyze(25.0, &frames));
        assert!(
            matches!(found[..], [(50..=62, Transition::Dissolve)]),
            "{speed} pixels a frame: {found:?}"
        );
    }
}

#[test]
fn a_dissolve_soon_after_a_cut_or_another_dissolve_is_found() {
    let scene = |seed| Scene::new(seed).frame(0.0);
    let frames = [
        still(43, 40),
        still(44, 6),
        ramp(&scene(44), &scene(45), 12),
        still(45, 6),
        ramp(&scene(45), &scene(46), 12),
        still(46, 40),
    ];
    let found = boundaries(&analyze(25.0, &frames.concat()));
    assert!(
        matches!(
            found[..],
            [
                (40, Transition::Cut),
                (48..=56, Transition::Dissolve),
                (66..=74, Transition::Dissolve)
            ]
        ),
        "{found:?}"
    );
}

/// Waves of light and colour that run through each other: every frame is nearly a blend of the
/// ones before and after it, and a second later the picture is another one.
fn waves(seconds: f64) -> Vec<u8> {
    let wave = |x: f64, y: f64| {
        let sum = 40.0 * (x / 18.0 + 2.0 * seconds).sin()
            + 40.0 * (y / 14.0 - 3.0 * seconds).sin()
            + 30.0 * ((x + y) / 22.0 + 1.7 * seconds).sin();
        (128.0 + sum) as u8
    };
    let mut frame: Vec<u8> =
        (0..WIDTH * HEIGHT).map(|at| wave((at % WIDTH) as f64, (at / WIDTH) as f64)).collect();
    let chroma = |at: usize| ((2 * (at % (WIDTH / 2))) as f64, (2 * (at / (WIDTH / 2))) as f64);
    let quarter = WIDTH * HEIGHT / 4;
    frame.extend(
        (0..quarter).map(|at| (128.0 + 60.0 * (chroma(at).0 / 26.0 - 1.3 * seconds).sin()) as u8),
    );
    frame.extend(
        (0..quarter).map(|at| (128.0 + 60.0 * (chroma(at).1 / 18.0 + 1.9 * seconds).cos()) as u8),
    );
    frame
}

#[test]
fn a_picture_that_keeps_changing_is_no_dissolve() {
    for speed in [0.5, 0.75, 1.0, 1.5] {
        let frames: Vec<_> = (0..200).map(|n| waves(speed * f64::from(n) / 25.0)).collect();
        assert_eq!(boundaries(&analyze(25.0, &frames)), [], "speed {speed}");
    }
    let shots: Vec<_> = [still(61, 50), (0..75).map(|n| waves(f64::from(n) / 25.0)).collect()]
        .concat()
        .into_iter()
        .chain(still(62, 50))
        .collect();
    let found = boundaries(&analyze(25.0, &shots));
    assert_eq!(found, [(50, Transition::Cut), (125, Transition::Cut)], "between cuts");
}

#[test]
fn a_dissolve_into_a_picture_that_keeps_changing_is_one_boundary() {
    for length in [10, 15, 20, 25] {
        let scene = Scene::new(63).frame(0.0);
        let mut frames = still(63, 50);
        frames.extend((1..=length).map(|n| {
            let share = f64::from(n) / f64::from(length + 1);
            blend(&scene, &waves(0.5 * f64::from(n) / 25.0), share)
        }));
        let rest = length + 1..length + 100;
        frames.extend(rest.map(|n| waves(0.5 * f64::from(n) / 25.0)));
        let found = boundaries(&analyze(25.0, &frames));
        let span = 50..=50 + i64::from(length);
        assert!(
            matches!(found[..], [(frame, Transition::Dissolve)] if span.contains(&frame)),
            "{length} frames: {found:?}"
        );
    }
}
