//! Distinct counts that can be stored and merged: HyperLogLog of Apache DataSketches.
//!
//! A sketch of any number of values takes at most 16 KiB. Its estimate is within 0.8 % of the true count
//! in 68 % of cases and within 1.6 % in 95 %. The libraries for Java, C++ and Python read the same bytes.

use datasketches::hash::value::raw_bytes;
use datasketches::hll::{HllSketch, HllType, HllUnion};

use crate::error::{Error, ErrorCode, Result};

/// Binary logarithm of the number of registers.
const LG_K: u8 = 14;

/// Relative standard error of [`Sketch::estimate`]: 1.04 / √2¹⁴.
#[cfg(test)]
const STANDARD_ERROR: f64 = 1.04 / 128.0;

/// A HyperLogLog sketch that counts distinct strings.
#[derive(Debug, Clone)]
pub struct Sketch(HllUnion);

impl Sketch {
    /// Creates an empty sketch.
    ///
    /// # Errors
    /// `internal` if the library rejects the size.
    pub fn new() -> Result<Self> {
        HllUnion::new(LG_K).map(Self).map_err(|e| {
            Error::new(ErrorCode::Internal, format!("a sketch cannot be created ({e})"))
        })
    }

    /// Counts a value; repeated values change nothing.
    pub fn add(&mut self, value: &str) {
        self.0.update_value(raw_bytes::from_str(value));
    }

    /// Merges a serialised sketch into this one.
    ///
    /// # Errors
    /// `query.invalid` if the bytes are not a sketch.
    pub fn merge(&mut self, bytes: &[u8]) -> Result<()> {
        let other = HllSketch::deserialize(bytes).map_err(|e| {
            Error::new(
                ErrorCode::QueryInvalid,
                format!("the value is not a sketch made by reach_sketch or reach_merge ({e})"),
            )
        })?;
        self.0.update(&other);
        Ok(())
    }

    /// Serialises the sketch.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_sketch(HllType::Hll8).serialize()
    }

    /// Estimated number of distinct values.
    pub fn estimate(&self) -> f64 {
        self.0.estimate()
    }

    /// Memory in bytes.
    pub fn size(&self) -> usize {
        self.0.estimated_size()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(range: std::ops::Range<u32>) -> Sketch {
        let mut sketch = Sketch::new().unwrap();
        range.for_each(|i| sketch.add(&format!("viewer {i}")));
        sketch
    }

    #[test]
    fn the_sketch_of_two_sets_is_that_of_their_union_within_the_stated_error() {
        let mut merged = of(0..60_000);
        merged.merge(&of(40_000..100_000).to_bytes()).unwrap();
        assert!((merged.estimate() / 100_000.0 - 1.0).abs() < 4.0 * STANDARD_ERROR);
        let again = merged.estimate();
        merged.merge(&of(0..60_000).to_bytes()).unwrap();
        assert!((merged.estimate() / again - 1.0).abs() < 1e-9, "nothing new");
        assert!(merged.to_bytes().len() <= 17_000);
    }

    #[test]
    fn few_values_are_counted_exactly_and_other_bytes_rejected() {
        assert!((of(0..20).estimate() - 20.0).abs() < 0.01);
        assert!(of(0..0).estimate() < 0.01);
        let error = Sketch::new().unwrap().merge(b"no sketch").unwrap_err();
        assert!(error.message().contains("not a sketch made by reach_sketch"), "{error}");
    }
}
