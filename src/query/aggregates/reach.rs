//! `audience_reach(viewer_id)`, `reach_sketch(viewer_id)` and `reach_merge(sketch)`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Signature, Volatility};

use super::{Aggregate, GroupStates};
use crate::kernels::sketch::Sketch;
use crate::kernels::tally::ViewerSets;

/// How many different viewers there are, exactly; NULL is nobody.
pub(super) fn audience_reach() -> Aggregate {
    Aggregate {
        name: "audience_reach".to_owned(),
        signature: Signature::any(1, Volatility::Immutable),
        return_type: DataType::Int64,
        of: "",
        make: |types, _| {
            let viewers = types.first().cloned().unwrap_or(DataType::Utf8);
            Ok(Box::new(Exact(ViewerSets::new(viewers))))
        },
    }
}

/// A sketch of the viewers, to be stored and merged; see [`Sketch`].
pub(super) fn reach_sketch() -> Aggregate {
    sketches("reach_sketch", "viewers")
}

/// The sketch of all that the sketches have counted.
pub(super) fn reach_merge() -> Aggregate {
    sketches("reach_merge", "sketches")
}

fn sketches(name: &str, of: &'static str) -> Aggregate {
    Aggregate {
        name: name.to_owned(),
        signature: Signature::any(1, Volatility::Immutable),
        return_type: DataType::Binary,
        of,
        make: |_, of| Ok(Box::new(Sketches { of_sketches: of == "sketches", sketches: vec![] })),
    }
}

struct Exact(ViewerSets);

impl GroupStates for Exact {
    fn resize(&mut self, groups: usize) -> Result<()> {
        Ok(self.0.resize(groups)?)
    }

    fn update(&mut self, values: &[ArrayRef], groups: &[Option<usize>]) -> Result<()> {
        let Some(viewers) = values.first() else { return Ok(()) };
        let codes = self.0.encode(viewers)?;
        for (row, group) in groups.iter().enumerate() {
            if let Some(group) = group {
                self.0.add(*group, &codes, row, 0);
            }
        }
        Ok(())
    }

    fn to_bytes(&self) -> Result<BinaryArray> {
        Ok(self.0.to_bytes().into_iter().map(Some).collect())
    }

    fn merge(&mut self, group: usize, state: &[u8]) -> Result<()> {
        Ok(self.0.merge(group, state)?)
    }

    fn evaluate(&self) -> Result<ArrayRef> {
        let reach = self.0.counts().iter().map(|counts| counts[0] as i64);
        Ok(Arc::new(Int64Array::from_iter_values(reach)))
    }

    fn forget(&mut self, n: usize) {
        self.0.forget(n);
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}

struct Sketches {
    of_sketches: bool,
    sketches: Vec<Option<Sketch>>,
}

fn external(error: crate::error::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

impl Sketches {
    fn with(
        &mut self,
        group: usize,
        f: impl FnOnce(&mut Sketch) -> crate::error::Result<()>,
    ) -> Result<()> {
        let Some(slot) = self.sketches.get_mut(group) else { return Ok(()) };
        if slot.is_none() {
            *slot = Some(Sketch::new().map_err(external)?);
        }
        slot.as_mut().map_or(Ok(()), f).map_err(external)
    }
}

impl GroupStates for Sketches {
    fn resize(&mut self, groups: usize) -> Result<()> {
        self.sketches.resize_with(groups.max(self.sketches.len()), || None);
        Ok(())
    }

    fn update(&mut self, values: &[ArrayRef], groups: &[Option<usize>]) -> Result<()> {
        let Some(values) = values.first() else { return Ok(()) };
        let rows = groups.iter().enumerate().filter(|(row, _)| values.is_valid(*row));
        let rows = rows.filter_map(|(row, group)| Some((row, (*group)?)));
        if self.of_sketches {
            let sketches = cast(values, &DataType::Binary)?;
            let sketches = sketches.as_binary::<i32>();
            for (row, group) in rows {
                self.with(group, |sketch| sketch.merge(sketches.value(row)))?;
            }
        } else {
            // As text, so that a number and the text of it are the same viewer.
            let viewers = cast(values, &DataType::Utf8)?;
            let viewers = viewers.as_string::<i32>();
            for (row, group) in rows {
                self.with(group, |sketch| {
                    sketch.add(viewers.value(row));
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    fn to_bytes(&self) -> Result<BinaryArray> {
        Ok(self.sketches.iter().map(|s| s.as_ref().map(Sketch::to_bytes)).collect())
    }

    fn merge(&mut self, group: usize, state: &[u8]) -> Result<()> {
        self.with(group, |sketch| sketch.merge(state))
    }

    fn evaluate(&self) -> Result<ArrayRef> {
        Ok(Arc::new(self.to_bytes()?))
    }

    fn forget(&mut self, n: usize) {
        self.sketches.drain(..n.min(self.sketches.len()));
    }

    fn size(&self) -> usize {
        self.sketches.iter().flatten().map(Sketch::size).sum::<usize>()
            + self.sketches.capacity() * 8
    }
}
