#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

fn face(x: f64, y: f64, size: f64) -> FaceDetection {
    let at = |a: f64, b: f64| FacePoint { x: x + a * size, y: y + b * size };
    let points = [at(0.3, 0.35), at(0.7, 0.35), at(0.5, 0.55), at(0.35, 0.75), at(0.65, 0.75)];
    FaceDetection { x, y, width: size, height: size, points, score: 0.9 }
}

#[test]
fn a_peak_of_the_maps_is_a_face() {
    let (columns, rows) = (16, 8);
    let area = columns * rows;
    let (mut heat, mut scale) = (vec![0.0; area], vec![0.0; 2 * area]);
    let (offset, mut points) = (vec![0.0; 2 * area], vec![0.0; 10 * area]);
    let at = 3 * columns + 5;
    heat[at] = 0.8;
    heat[at + 1] = 0.6; // The same face again, less sure.
    for k in [at, at + 1] {
        scale[k] = 4.0_f32.ln();
        scale[area + k] = 3.0_f32.ln();
        points[4 * area + k] = 0.5;
        points[5 * area + k] = 0.25;
    }
    let maps = CenterFaceMaps {
        heat: &heat,
        scale: &scale,
        offset: &offset,
        points: &points,
        columns,
        rows,
    };
    let found = detections(&maps, (64, 32));
    assert_eq!(found.len(), 1);
    let face = found[0];
    assert!((face.x - (22.0 - 6.0) / 64.0).abs() < 1e-6 && (face.y - 6.0 / 32.0).abs() < 1e-6);
    assert!((face.width - 12.0 / 64.0).abs() < 1e-6 && (face.height - 0.5).abs() < 1e-6);
    let nose = face.points[2];
    assert!((nose.x - (16.0 + 3.0) / 64.0).abs() < 1e-6 && (nose.y - 14.0 / 32.0).abs() < 1e-6);
    assert!(detections(&CenterFaceMaps { rows: 9, ..maps }, (64, 32)).is_empty());
}

#[test]
fn a_face_keeps_its_track_until_the_shot_ends() {
    let mut tracker = FaceTracker::new(vec![0.0, 2.0], 16.0 / 9.0);
    let (left, right) = (face(0.1, 0.2, 0.2), face(0.7, 0.2, 0.2));
    assert_eq!(tracker.look(0.0, &[left, right]), [0, 1]);
    assert_eq!(tracker.look(0.25, &[face(0.72, 0.21, 0.2), left]), [1, 0]);
    assert_eq!(tracker.look(0.5, &[face(0.4, 0.2, 0.2)]), [2]);
    assert_eq!(tracker.look(1.5, &[left]), [0], "it was away for a moment");
    assert_eq!(tracker.look(2.0, &[left]), [3]);
}

/// A face drawn at a place, with a mouth that is `open` rows high.
fn drawn(left: usize, top: usize, open: usize) -> Vec<u8> {
    let mut pixels = vec![90_u8; 200 * 120];
    for y in 0..80 {
        for x in 0..60 {
            let eyes = (20..26).contains(&y) && ((14..22).contains(&x) || (38..46).contains(&x));
            let mouth = (56..58 + open).contains(&y) && (22..38).contains(&x);
            let level = if eyes || mouth { 40 } else { 170 + (x * y % 7) as u8 };
            pixels[(top + y) * 200 + left + x] = level;
        }
    }
    pixels
}

fn drawn_face(left: f64, top: f64) -> FaceDetection {
    let at = |x: f64, y: f64| FacePoint { x: (left + x) / 200.0, y: (top + y) / 120.0 };
    let points = [at(18.0, 23.0), at(42.0, 23.0), at(30.0, 40.0), at(22.0, 57.0), at(38.0, 57.0)];
    let (x, y) = (left / 200.0, top / 120.0);
    FaceDetection { x, y, width: 0.3, height: 80.0 / 120.0, points, score: 0.9 }
}

#[test]
fn a_mouth_moves_when_it_opens_and_not_when_the_head_moves() {
    let picture = |pixels| GrayPicture { pixels, width: 200, height: 120 };
    let (shut, open, moved) = (drawn(40, 20, 0), drawn(40, 20, 9), drawn(47, 23, 0));
    let (here, there) = (drawn_face(40.0, 20.0), drawn_face(47.0, 23.0));
    let opens = mouth_movement((picture(&shut), &here), (picture(&open), &here)).unwrap();
    let moves = mouth_movement((picture(&shut), &here), (picture(&moved), &there)).unwrap();
    assert!(opens > 3.0 && (0.8..1.3).contains(&moves), "{opens} {moves}");
    let outside = drawn_face(-30.0, 20.0);
    assert!(mouth_movement((picture(&shut), &outside), (picture(&shut), &outside)).is_none());
}

#[test]
fn who_moves_the_mouth_while_a_voice_is_heard_speaks() {
    let mut faces = vec![];
    for k in 0..100 {
        let t = f64::from(k) * 0.1;
        let wild = |track| if (t < 5.0) == (track == 0) { 2.5 } else { 1.0 };
        for track in [0, 1] {
            let mouth = Some(wild(track));
            faces.push(Face { mouth, ..face(0.1, 0.1, 0.2).row(t, track) });
        }
    }
    mark_speaking(&mut faces, |t| if t < 8.0 { 0.9 } else { 0.0 });
    let speaks = |t: f64, track: i64| {
        let at = |face: &&Face| face.track == track && (face.t - t).abs() < 0.01;
        faces.iter().find(at).unwrap().speaking.unwrap()
    };
    assert!(speaks(2.0, 0) > 0.8 && speaks(2.0, 1) < 0.1);
    assert!(speaks(7.0, 0) < 0.1 && speaks(7.0, 1) > 0.8);
    assert_eq!(speaks(9.0, 1), 0.0, "no voice is heard");
}

proptest! {
    #[test]
    fn any_maps_give_sound_faces_that_do_not_overlap(
        values in prop::collection::vec(prop_oneof![
            8 => -2.0..2.0f32,
            1 => Just(f32::NAN),
            1 => Just(f32::INFINITY),
            1 => -1e30..1e30f32,
        ], 15 * 12),
    ) {
        let (heat, rest) = values.split_at(12);
        let (scale, rest) = rest.split_at(24);
        let (offset, points) = rest.split_at(24);
        let maps = CenterFaceMaps { heat, scale, offset, points, columns: 4, rows: 3 };
        let found = detections(&maps, (16, 10));
        for (i, face) in found.iter().enumerate() {
            prop_assert!([face.x, face.y, face.width, face.height].iter().all(|v| v.is_finite()));
            prop_assert!((0.0..=1.0).contains(&face.score));
            prop_assert!(found[..i].iter().all(|other| other.overlap(face) <= 0.3 + 1e-9));
        }
    }

    #[test]
    fn each_face_of_a_picture_has_its_own_track(
        pictures in prop::collection::vec(
            prop::collection::vec((0.0..0.9f64, 0.0..0.9f64, 0.02..0.4f64), 0..6), 1..20),
    ) {
        let mut tracker = FaceTracker::new(vec![0.0, 1.0], 1.5);
        for (k, faces) in pictures.iter().enumerate() {
            let faces: Vec<_> = faces.iter().map(|(x, y, size)| face(*x, *y, *size)).collect();
            let mut tracks = tracker.look(k as f64 * 0.25, &faces);
            prop_assert_eq!(tracks.len(), faces.len());
            tracks.sort_unstable();
            tracks.dedup();
            prop_assert_eq!(tracks.len(), faces.len());
        }
    }
}
