//! `sum`, which refuses to overflow: the engine's own gives two views of 2⁶³ − 1 as −2.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array};
use arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, Signature,
};

/// The engine's `sum`, with sums of whole numbers of 64 bits made in 128 and checked at the end.
struct CheckedSum(Arc<AggregateUDF>);

/// Checked sums of whole numbers; any others as the engine makes them.
pub fn checked_sum() -> AggregateUDF {
    AggregateUDF::from(CheckedSum(sum_udaf()))
}

impl fmt::Debug for CheckedSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckedSum")
    }
}

impl PartialEq for CheckedSum {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for CheckedSum {}

impl Hash for CheckedSum {
    fn hash<H: Hasher>(&self, state: &mut H) {
        "checked sum".hash(state);
    }
}

fn is_whole(args: &AccumulatorArgs<'_>) -> bool {
    *args.return_field.data_type() == DataType::Int64 && !args.is_distinct
}

impl AggregateUDFImpl for CheckedSum {
    fn name(&self) -> &str {
        "sum"
    }

    fn signature(&self) -> &Signature {
        self.0.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.0.return_type(types)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if is_whole(&args) { Ok(Box::new(One::default())) } else { self.0.accumulator(args) }
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.0.state_fields(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.0.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        if is_whole(&args) {
            Ok(Box::new(Sums::default()))
        } else {
            self.0.create_groups_accumulator(args)
        }
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        if is_whole(&args) {
            Ok(Box::new(One::default()))
        } else {
            self.0.create_sliding_accumulator(args)
        }
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// A sum, if it is one of 64 bits.
fn checked(sum: i128) -> Result<i64> {
    match i64::try_from(sum) {
        Ok(sum) => Ok(sum),
        Err(_) => exec_err!(
            "a sum is {sum}, which is beyond what a whole number can be (2^63 - 1); sum less at a time, or cast the numbers to DOUBLE"
        ),
    }
}

/// Sums of numbered groups, and how many values are in each.
#[derive(Default)]
struct Sums(Vec<(i128, bool)>);

impl Sums {
    fn add(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.0.resize(total.max(self.0.len()), (0, false));
        let Some(values) = values.first().and_then(|v| v.as_primitive_opt::<Int64Type>()) else {
            return exec_err!("a sum of whole numbers was given others");
        };
        for (row, group) in groups.iter().enumerate() {
            let passes = filter.is_none_or(|f| f.is_valid(row) && f.value(row));
            if passes
                && values.is_valid(row)
                && let Some(sum) = self.0.get_mut(*group)
            {
                *sum = (sum.0 + i128::from(values.value(row)), true);
            }
        }
        Ok(())
    }

    fn emit(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let sums = emit_to.take_needed(&mut self.0);
        let sum = |(sum, known): (i128, bool)| known.then(|| checked(sum)).transpose();
        Ok(Arc::new(sums.into_iter().map(sum).collect::<Result<Int64Array>>()?))
    }
}

impl GroupsAccumulator for Sums {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.add(values, groups, filter, total)
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.add(values, groups, None, total)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.emit(emit_to)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.emit(emit_to)?])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let mut sums = Self::default();
        let rows = values.first().map_or(0, |v| v.len());
        sums.add(values, &(0..rows).collect::<Vec<_>>(), filter, rows)?;
        Ok(vec![sums.emit(EmitTo::All)?])
    }

    fn size(&self) -> usize {
        self.0.capacity() * size_of::<(i128, bool)>()
    }
}

/// The sum of one group, from which values can be taken away again.
#[derive(Debug, Default)]
struct One {
    sum: i128,
    count: u64,
}

impl One {
    fn values(values: &[ArrayRef]) -> Result<(i128, u64)> {
        let Some(values) = values.first().and_then(|v| v.as_primitive_opt::<Int64Type>()) else {
            return exec_err!("a sum of whole numbers was given others");
        };
        let known = values.iter().flatten();
        Ok(known.fold((0, 0), |(sum, count), value| (sum + i128::from(value), count + 1)))
    }
}

impl Accumulator for One {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (sum, count) = Self::values(values)?;
        self.sum += sum;
        self.count += count;
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (sum, count) = Self::values(values)?;
        self.sum -= sum;
        self.count = self.count.saturating_sub(count);
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let sum = (self.count > 0).then(|| checked(self.sum)).transpose()?;
        Ok(ScalarValue::Int64(sum))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}
