use proptest::prelude::*;

use super::*;

/// What a cell shows when the gaze is at `gaze`.
fn region(source: (u32, u32), cell: &Cell, gaze: (f64, f64)) -> Region {
    let middle = match cell.place {
        CellView::Follow => gaze,
        CellView::Fixed(x, y) => (x, y),
    };
    Region::new(source, cell.window, 1.0, middle)
}

/// Cells that cover the frame without a gap and show windows of their own shape.
fn sound(source: (u32, u32), frame: (u32, u32), cells: &[Cell]) -> Result<(), TestCaseError> {
    let area: u64 = cells.iter().map(|c| u64::from(c.size.0) * u64::from(c.size.1)).sum();
    prop_assert_eq!(area, u64::from(frame.0) * u64::from(frame.1));
    for (n, a) in cells.iter().enumerate() {
        prop_assert!(a.at.0 + a.size.0 <= frame.0 && a.at.1 + a.size.1 <= frame.1);
        for side in [a.at.0, a.at.1, a.size.0, a.size.1, a.window.0, a.window.1] {
            prop_assert_eq!(side % 2, 0);
        }
        prop_assert!(a.window.0 >= 2 && a.window.0 <= source.0);
        prop_assert!(a.window.1 >= 2 && a.window.1 <= source.1);
        // To the pixels that are lost in rounding.
        let lost = 4.0 / f64::from(a.window.0.min(a.window.1).min(a.size.0).min(a.size.1));
        prop_assert!((ratio(a.window) / ratio(a.size)).ln().abs() <= lost, "{a:?}");
        for b in &cells[n + 1..] {
            let apart = |a: u32, b: u32, long: u32, wide: u32| a + long <= b || b + wide <= a;
            let beside = apart(a.at.0, b.at.0, a.size.0, b.size.0);
            prop_assert!(beside || apart(a.at.1, b.at.1, a.size.1, b.size.1));
        }
    }
    Ok(())
}

fn size(least: u32) -> impl Strategy<Value = (u32, u32)> {
    (least..1100_u32, least..1100_u32).prop_map(|(wide, high)| (2 * wide, 2 * high))
}

proptest! {
    #[test]
    fn the_parts_of_a_split_differ(source in size(80), frame in size(80)) {
        // Slits are neither shot nor posted.
        prop_assume!((0.4..2.6).contains(&ratio(source)) && (0.5..2.0).contains(&ratio(frame)));
        let cells = split(source, frame);
        sound(source, frame, &cells)?;
        let closer = cells[1].enlarges() / cells[0].enlarges();
        prop_assert!(closer > 1.7, "{closer}: {cells:?}");
    }

    #[test]
    fn the_parts_of_a_grid_differ(
        source in size(80), frame in size(80), x in 0.0..=1.0_f64, y in 0.0..=1.0_f64,
    ) {
        prop_assume!((0.4..2.6).contains(&ratio(source)) && (0.5..2.0).contains(&ratio(frame)));
        let cells = grid(source, frame, (x, y));
        sound(source, frame, &cells)?;
        for (n, a) in cells.iter().enumerate() {
            for b in &cells[n + 1..] {
                let common = region(source, a, (x, y)).in_common(region(source, b, (x, y)));
                prop_assert!(common < 0.7, "{common}: {cells:?}");
            }
        }
    }
}

#[test]
fn the_whole_picture_stands_above_a_close_up() {
    let [whole, close] = split((1280, 720), (720, 1280));
    assert_eq!((whole.size, whole.window), ((720, 404), (1280, 720)));
    assert_eq!((close.at, close.size), ((0, 404), (720, 876)));
    // All of the height.
    assert_eq!(close.window, (592, 720));
    // Below it, where captions would stand in a flat close-up.
    let [whole, close] = split((1280, 720), (720, 720));
    assert_eq!((whole.at, close.at, close.size), ((0, 316), (0, 0), (720, 316)));
    // Beside it, if the picture is the taller one.
    let [whole, close] = split((720, 1280), (720, 720));
    assert_eq!((whole.size, close.at), ((404, 720), (404, 0)));
}

#[test]
fn a_frame_of_the_pictures_shape_has_a_window_and_a_close_up() {
    let [one, two] = split((1280, 720), (1280, 720));
    assert_eq!((one.size, one.window), ((640, 720), (640, 720)));
    assert_eq!((two.at, two.window), ((640, 0), (356, 400)));
}

#[test]
fn moving_windows_are_those_that_follow() {
    let share = |layout, frame| moving_window(layout, (1280, 720), frame);
    let near = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).abs() < 0.01 && (a.1 - b.1).abs() < 0.01;
    assert!(near(share(Layout::Crop, (1080, 1920)), (0.316, 1.0)));
    assert!(near(share(Layout::Split, (1080, 1920)), (0.4625, 1.0)));
    assert!(near(share(Layout::Grid, (1080, 1920)), (0.158, 0.5)));
    assert!((enlarges(Layout::Crop, (1280, 720), (540, 960)) - 4.0 / 3.0).abs() < 1e-9);
}

#[test]
fn the_gaze_is_the_paths_mean() {
    let anchor = |x: f64| Anchor { t: 0.0, x, y: 0.25 };
    assert_eq!(gaze(&[anchor(0.25), anchor(0.5), anchor(f64::NAN)]), (0.375, 0.25));
    assert_eq!(gaze(&[]), (0.5, 0.5));
}

const TALL: (u32, u32) = (1080, 1920);
const WIDE: (u32, u32) = (1280, 720);
const ZONE: SafeZone = SafeZone { top: 0.07, right: 0.13, bottom: 0.19, left: 0.05 };

#[test]
fn the_small_picture_covered_the_face() {
    let small = (360, 210);
    // A face in the middle of the upper half: beside and above it.
    assert_eq!(corner((WIDE, TALL), small, ZONE, (0.5, 0.5)), (86, 166));
    // One that is high: above the captions.
    let (_, y) = corner((WIDE, TALL), small, ZONE, (0.5, 0.28));
    assert!(y > 900 && f64::from(y + 210) < 0.66 * 1920.0, "{y}");
    // A window at the picture's right edge shows its subject on the right.
    assert_eq!(corner((WIDE, TALL), small, ZONE, (0.84, 0.5)).0, 86);
    assert_eq!(corner((WIDE, TALL), small, ZONE, (0.16, 0.5)).0, 546);
}

proptest! {
    #[test]
    fn the_small_picture_lies_inside_and_no_other_corner_is_much_farther_from_the_face(
        x in 0.0..=1.0_f64, y in 0.0..=1.0_f64, wide in 20..300_u32, high in 20..300_u32,
        frame in prop::sample::select(vec![TALL, WIDE, (1080, 1080), (540, 676)]),
    ) {
        let small = (2 * (wide * frame.0 / 2000), 2 * (high * frame.1 / 2000));
        let at = corner((WIDE, frame), small, ZONE, (x, y));
        prop_assert!(at.0 + small.0 <= frame.0 && at.1 + small.1 <= frame.1);
        prop_assert_eq!((at.0 % 2, at.1 % 2), (0, 0));
        prop_assert!(f64::from(at.1) + 2.0 >= ZONE.top * f64::from(frame.1));
        // Captions keep their place.
        prop_assert!(f64::from(at.1 + small.1) <= 0.82 * f64::from(frame.1), "{at:?}");
    }
}

#[test]
fn lengths_become_even() {
    assert_eq!((even(1), even(2), even(427)), (2, 2, 426));
}
