//! Lengths of time on which all parts of the selection agree.

/// Shortest run of another shot that a window may begin or end with, in seconds. Less is seen as a
/// flash, so a place so close to a shot boundary moves onto it.
pub(super) const FLASH: f64 = 0.35;

/// How far a length may be off for rounding, in seconds.
pub(super) const TOLERANCE: f64 = 1e-6;
