//! DataFusion aggregates made from states of groups.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, EmitTo, GroupsAccumulator,
    Signature, Volatility,
};

use crate::query::arguments::{About, FunctionArguments};

/// The states of numbered groups.
pub(in crate::query) trait GroupStates: Send + Sync + 'static {
    /// Make room for `groups` groups.
    fn resize(&mut self, groups: usize) -> Result<()>;

    /// Add rows to their `groups`; `None` skips a row.
    fn update(&mut self, values: &[ArrayRef], groups: &[Option<usize>]) -> Result<()>;

    /// The states as bytes; NULL for an empty one.
    fn to_bytes(&self) -> Result<BinaryArray>;

    /// Merge a state into a group.
    fn merge(&mut self, group: usize, state: &[u8]) -> Result<()>;

    /// The results.
    fn evaluate(&self) -> Result<ArrayRef>;

    /// Remove the first `n` groups; those after them are renumbered from 0.
    fn forget(&mut self, n: usize);

    /// Bytes of memory.
    fn size(&self) -> usize;
}

/// Creates states from argument types and [`Aggregate::of`].
type Make = fn(&[DataType], &'static str) -> Result<Box<dyn GroupStates>>;

/// An aggregate, its name and its types.
pub(in crate::query) struct Aggregate {
    /// Its name in SQL.
    pub(in crate::query) name: String,
    /// What it takes.
    pub(in crate::query) arguments: FunctionArguments,
    /// What it does.
    pub(in crate::query) about: About,
    /// The type of the result.
    pub(in crate::query) return_type: DataType,
    /// The metric that it aggregates, if any; passed to `make`.
    pub(in crate::query) of: &'static str,
    /// Creates the states.
    pub(in crate::query) make: Make,
}

impl Aggregate {
    /// What it does and how it is called.
    pub(in crate::query) fn documentation(&self) -> Documentation {
        self.arguments.documentation(&self.name, &self.about)
    }

    /// The aggregate for a DataFusion session.
    pub(in crate::query) fn into_udaf(self) -> AggregateUDF {
        let signature = self.arguments.signature(Volatility::Immutable);
        let documentation = self.documentation();
        AggregateUDF::from(SqlAggregate { aggregate: self, signature, documentation })
    }
}

impl fmt::Debug for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aggregate").field("name", &self.name).finish_non_exhaustive()
    }
}

impl PartialEq for Aggregate {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Aggregate {}

impl Hash for Aggregate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl Aggregate {
    fn states(&self, args: &AccumulatorArgs<'_>) -> Result<Box<dyn GroupStates>> {
        let types: Vec<DataType> = args.expr_fields.iter().map(|f| f.data_type().clone()).collect();
        (self.make)(&types, self.of)
    }
}

/// An [`Aggregate`] in a DataFusion session.
#[derive(Debug, PartialEq, Eq, Hash)]
struct SqlAggregate {
    aggregate: Aggregate,
    signature: Signature,
    documentation: Documentation,
}

impl AggregateUDFImpl for SqlAggregate {
    fn name(&self) -> &str {
        &self.aggregate.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.aggregate.return_type.clone())
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        self.aggregate.arguments.plan(&self.aggregate.name, given)
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let mut states = self.aggregate.states(&args)?;
        states.resize(1)?;
        Ok(Box::new(SingleGroup(states)))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let name = format_state_name(args.name, "state");
        Ok(vec![Arc::new(Field::new(name, DataType::Binary, true))])
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        let types: Vec<DataType> = args.expr_fields.iter().map(|f| f.data_type().clone()).collect();
        let make = (self.aggregate.make, types, self.aggregate.of);
        Ok(Box::new(AggregateGroups { states: self.aggregate.states(&args)?, make }))
    }
}

struct AggregateGroups {
    states: Box<dyn GroupStates>,
    make: (Make, Vec<DataType>, &'static str),
}

impl AggregateGroups {
    /// Results of the groups to emit, which are then removed.
    fn emit(
        &mut self,
        emit_to: EmitTo,
        of: impl Fn(&dyn GroupStates) -> Result<ArrayRef>,
    ) -> Result<ArrayRef> {
        let all = of(self.states.as_ref())?;
        let n = match emit_to {
            EmitTo::All => all.len(),
            EmitTo::First(n) => n.min(all.len()),
        };
        self.states.forget(n);
        Ok(all.slice(0, n))
    }
}

/// The group of each row; `None` where the filter excludes it.
fn kept(groups: &[usize], filter: Option<&BooleanArray>) -> Vec<Option<usize>> {
    let passes = |row: usize| filter.is_none_or(|f| f.is_valid(row) && f.value(row));
    groups.iter().enumerate().map(|(row, group)| passes(row).then_some(*group)).collect()
}

impl GroupsAccumulator for AggregateGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.states.resize(total_num_groups)?;
        self.states.update(values, &kept(group_indices, opt_filter))
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.emit(emit_to, |states| states.evaluate())
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.emit(emit_to, |states| Ok(Arc::new(states.to_bytes()?)))?])
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.states.resize(total_num_groups)?;
        merge(self.states.as_mut(), values, group_indices)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |v| v.len());
        let (make, types, of) = &self.make;
        let mut states = make(types, of)?;
        states.resize(rows)?;
        let groups: Vec<usize> = (0..rows).collect();
        states.update(values, &kept(&groups, opt_filter))?;
        Ok(vec![Arc::new(states.to_bytes()?)])
    }

    fn size(&self) -> usize {
        self.states.size()
    }
}

fn merge(states: &mut dyn GroupStates, values: &[ArrayRef], groups: &[usize]) -> Result<()> {
    let Some(bytes) = values.first().and_then(|v| v.as_binary_opt::<i32>()) else { return Ok(()) };
    for (state, group) in bytes.iter().zip(groups) {
        if let Some(state) = state {
            states.merge(*group, state)?;
        }
    }
    Ok(())
}

/// The accumulator of a query without GROUP BY, which has one group.
struct SingleGroup(Box<dyn GroupStates>);

impl fmt::Debug for SingleGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SingleGroup")
    }
}

impl Accumulator for SingleGroup {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = values.first().map_or(0, |v| v.len());
        self.0.update(values, &vec![Some(0); rows])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&self.0.evaluate()?, 0)
    }

    fn size(&self) -> usize {
        self.0.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::try_from_array(&self.0.to_bytes()?, 0)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let rows = states.first().map_or(0, |v| v.len());
        merge(self.0.as_mut(), states, &vec![0; rows])
    }
}
