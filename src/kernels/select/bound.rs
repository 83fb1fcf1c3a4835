//! A place at which a window may start or end.

use crate::model::BoundKind;

/// A place at which a window may start or end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bound {
    pub t: f64,
    pub quality: f64,
    pub kind: BoundKind,
}
