//! The answer of CenterFace as faces.
//!
//! The network states for each point of a grid of 4 × 4 pixels how likely the middle of a face is there, and for the face
//! there its size (as a logarithm), the offset of its middle, and five points relative to its box. See Xu et al.,
//! "CenterFace: Joint Face Detection and Alignment Using Face as Point", <https://arxiv.org/abs/1911.03599>.

use super::FaceDetection;
use crate::model::FacePoint;

/// Pixels of the picture by a point of the maps.
pub(crate) const CENTERFACE_STRIDE: usize = 4;
/// Least confidence of a face.
const SURE: f32 = 0.4;
/// Most overlap of two faces.
const OVERLAP: f64 = 0.3;
/// Most faces of a picture.
const MOST: usize = 64;

/// What the network answers for one picture: maps of `columns` × `rows` points, row by row, one behind the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CenterFaceMaps<'a> {
    /// Likelihood of a face: 1 map.
    pub(crate) heat: &'a [f32],
    /// Logarithm of height and width in fours of pixels: 2 maps.
    pub(crate) scale: &'a [f32],
    /// Offset of the middle in y and x, in points: 2 maps.
    pub(crate) offset: &'a [f32],
    /// Five points as pairs of y and x in shares of the box: 10 maps.
    pub(crate) points: &'a [f32],
    /// Points in a row.
    pub(crate) columns: usize,
    /// Rows.
    pub(crate) rows: usize,
}

/// The faces of a picture that fills the upper left `size` pixels (width, height) of what the network saw, surest first.
///
/// Maps of another size than stated have no faces.
pub(crate) fn detections(maps: &CenterFaceMaps<'_>, size: (usize, usize)) -> Vec<FaceDetection> {
    let area = maps.columns * maps.rows;
    let lengths = [(maps.heat, 1), (maps.scale, 2), (maps.offset, 2), (maps.points, 10)];
    if area == 0 || lengths.iter().any(|(map, count)| map.len() != count * area) {
        return Vec::new();
    }
    let mut found: Vec<FaceDetection> = (0..area)
        .filter(|at| maps.heat[*at] >= SURE && maps.heat[*at] <= 1.0)
        .filter_map(|at| detection(maps, at, area, size))
        .collect();
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<FaceDetection> = Vec::new();
    for face in found {
        if kept.len() < MOST && kept.iter().all(|other| other.overlap(&face) <= OVERLAP) {
            kept.push(face);
        }
    }
    kept
}

/// The face whose middle is at point `at`; `None` where it is no face of this picture.
fn detection(
    maps: &CenterFaceMaps<'_>,
    at: usize,
    area: usize,
    (wide, high): (usize, usize),
) -> Option<FaceDetection> {
    let stride = CENTERFACE_STRIDE as f64;
    let map = |values: &[f32], n: usize| f64::from(values[n * area + at]);
    let (row, column) = ((at / maps.columns) as f64, (at % maps.columns) as f64);
    let (height, width) = (map(maps.scale, 0).exp() * stride, map(maps.scale, 1).exp() * stride);
    let middle = |place: f64, offset: f64| (place + offset + 0.5) * stride;
    let y = middle(row, map(maps.offset, 0)) - 0.5 * height;
    let x = middle(column, map(maps.offset, 1)) - 0.5 * width;
    let (wide, high) = (wide as f64, high as f64);
    let point = |n: usize| FacePoint {
        x: (x + map(maps.points, 2 * n + 1) * width) / wide,
        y: (y + map(maps.points, 2 * n) * height) / high,
    };
    let points = [0, 1, 2, 3, 4].map(point);
    let is_sound = [x, y, width, height].iter().all(|v| v.is_finite())
        && points.iter().all(|p| p.x.is_finite() && p.y.is_finite());
    let in_picture = x + 0.5 * width < wide && y + 0.5 * height < high;
    let is_possible = width <= 1.5 * wide && height <= 1.5 * high && width > 2.0 && height > 2.0;
    (is_sound && in_picture && is_possible).then(|| FaceDetection {
        x: x / wide,
        y: y / high,
        width: width / wide,
        height: height / high,
        points,
        score: map(maps.heat, 0),
    })
}
