//! `audience_reach(viewer_id)`, `reach_sketch(viewer_id)` and `reach_merge(sketch)`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};

use super::aggregate::{Aggregate, GroupStates};
use crate::kernels::sketch::Sketch;
use crate::kernels::tally::ViewerSets;
use crate::query::arguments::{About, Argument, ArgumentKind, FunctionArguments, section};

/// The name of the aggregate that counts distinct viewers.
pub(super) const AUDIENCE_REACH: &str = "audience_reach";

const VIEWER: Argument = Argument::new(
    "viewer_id",
    ArgumentKind::Any,
    "Who it is, of any simple type; NULL counts as none",
);

/// The exact number of distinct viewers; NULLs are skipped.
pub(super) fn audience_reach() -> Aggregate {
    Aggregate {
        name: AUDIENCE_REACH.to_owned(),
        arguments: FunctionArguments::new([VIEWER]),
        about: About::new(
            section::EVENTS,
            "The number of distinct viewers, exactly.",
            "SELECT audience_reach(v) FROM (VALUES ('u1'), ('u2'), ('u1')) AS t(v)",
        ),
        return_type: DataType::Int64,
        of: "",
        make: |types, _| {
            let viewers = types.first().cloned().unwrap_or(DataType::Utf8);
            Ok(Box::new(ExactReach(ViewerSets::new(viewers))))
        },
    }
}

/// A sketch of the viewers, which can be stored and merged; see [`Sketch`].
pub(super) fn reach_sketch() -> Aggregate {
    let about = About::new(
        section::EVENTS,
        "A sketch of the distinct viewers, to store and to merge: an HLL sketch of Apache DataSketches.",
        "SELECT reach_sketch(v) FROM (VALUES ('u1'), ('u2'), ('u1')) AS t(v)",
    );
    sketches("reach_sketch", VIEWER, about, "viewers")
}

/// The union of sketches.
pub(super) fn reach_merge() -> Aggregate {
    let sketch =
        Argument::new("sketch", ArgumentKind::Bytes, "A sketch of reach_sketch or reach_merge");
    let about = About::new(
        section::EVENTS,
        "The sketch of all viewers that the sketches have counted.",
        "SELECT reach_estimate(reach_merge(s)) FROM (SELECT reach_sketch('u1') AS s UNION ALL SELECT reach_sketch('u2'))",
    );
    sketches("reach_merge", sketch, about, "sketches")
}

fn sketches(name: &str, argument: Argument, about: About, of: &'static str) -> Aggregate {
    Aggregate {
        name: name.to_owned(),
        arguments: FunctionArguments::new([argument]),
        about,
        return_type: DataType::Binary,
        of,
        make: |_, of| {
            Ok(Box::new(ReachSketches { of_sketches: of == "sketches", sketches: vec![] }))
        },
    }
}

struct ExactReach(ViewerSets);

impl GroupStates for ExactReach {
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

struct ReachSketches {
    of_sketches: bool,
    sketches: Vec<Option<Sketch>>,
}

fn external(error: crate::error::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

impl ReachSketches {
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

impl GroupStates for ReachSketches {
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
            // As text, so that the number 1 and the text 1 are the same viewer.
            let viewers = cast(values, &DataType::Utf8)?;
            let viewers = viewers.as_string::<i32>();
            for (row, group) in rows {
                // Empty text is no viewer.
                if !viewers.value(row).trim().is_empty() {
                    self.with(group, |sketch| {
                        sketch.add(viewers.value(row));
                        Ok(())
                    })?;
                }
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
