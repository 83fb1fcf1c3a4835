//! The statistics of experiments: `wilson(k, n, confidence)`, `two_proportion_z(k1, n1, k2, n2)`, …

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Float64Builder, ListArray, ListBuilder, StructArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Fields, Float64Type, UInt64Type};

use super::columns::{float_lists, misused, numbers};
use super::function::Function;
use crate::error::{Error, ErrorCode, Result};
use crate::kernels::experiment as kernel;
use crate::model::float;
use crate::query::arguments::{
    About, Argument, ArgumentKind, FunctionArguments, list_type, section,
};

const CONFIDENCE: Argument =
    Argument::new("confidence", ArgumentKind::Number, "Confidence as a share, such as 0.95");
const K1: Argument = Argument::new("k1", ArgumentKind::Number, "Successes of the first");
const N1: Argument = Argument::new("n1", ArgumentKind::Number, "Trials of the first");
const K2: Argument = Argument::new("k2", ArgumentKind::Number, "Successes of the second");
const N2: Argument = Argument::new("n2", ArgumentKind::Number, "Trials of the second");

fn about(description: &'static str, example: &'static str) -> About {
    About::new(section::EXPERIMENTS, description, example)
}

/// All functions of experiments.
pub fn all() -> Vec<Function> {
    vec![
        wilson(),
        two_proportion_z(),
        difference_interval(),
        holm(),
        min_detectable_effect(),
        thompson_split(),
    ]
}

/// `wilson(successes, trials, confidence)`: struct of `low` and `high`; see [`kernel::wilson`].
pub fn wilson() -> Function {
    let arguments = [
        Argument::new("successes", ArgumentKind::Number, "Successes"),
        Argument::new("trials", ArgumentKind::Number, "Trials"),
        CONFIDENCE,
    ];
    let about = about(
        "The Wilson score interval of a rate: a struct of `low` and `high`; NULL without trials.",
        "SELECT wilson(30, 100, 0.95)",
    );
    pairs("wilson", FunctionArguments::new(arguments), about, ["low", "high"], |a| {
        let Some(confidence) = a[2] else { return Ok(None) };
        let interval = kernel::wilson(a[0], a[1], kernel::checked_confidence(confidence)?);
        Ok(interval.map(|i| [i.low, i.high]))
    })
}

/// `two_proportion_z(successes1, trials1, successes2, trials2)`: struct of `z` and `p`; see
/// [`kernel::two_proportion_z`].
pub fn two_proportion_z() -> Function {
    let about = about(
        "Whether two rates differ: a struct of the statistic `z` and its two-sided `p`.",
        "SELECT two_proportion_z(300, 1000, 350, 1000)",
    );
    pairs("two_proportion_z", FunctionArguments::new([K1, N1, K2, N2]), about, ["z", "p"], |a| {
        Ok(kernel::two_proportion_z((a[0], a[1]), (a[2], a[3])).map(|t| [t.z, t.p]))
    })
}

/// `difference_interval(successes1, trials1, successes2, trials2, confidence)`: struct of `low` and
/// `high`; see [`kernel::difference_interval`].
pub fn difference_interval() -> Function {
    let arguments = FunctionArguments::new([K1, N1, K2, N2, CONFIDENCE]);
    let about = about(
        "The interval of the first rate less the second: a struct of `low` and `high`.",
        "SELECT difference_interval(300, 1000, 350, 1000, 0.95)",
    );
    pairs("difference_interval", arguments, about, ["low", "high"], |a| {
        let Some(confidence) = a[4] else { return Ok(None) };
        let confidence = kernel::checked_confidence(confidence)?;
        let interval = kernel::difference_interval((a[0], a[1]), (a[2], a[3]), confidence);
        Ok(interval.map(|i| [i.low, i.high]))
    })
}

/// `min_detectable_effect(rate, trials1, trials2)`; see [`kernel::min_detectable_effect`].
pub fn min_detectable_effect() -> Function {
    let arguments = FunctionArguments::new([
        Argument::new("rate", ArgumentKind::Number, "The rate of the first"),
        N1,
        N2,
    ]);
    let about = about(
        "The smallest difference from a rate that a test at 5 % with 80 % power finds in so many trials.",
        "SELECT min_detectable_effect(0.3, 1000, 1000)",
    );
    Function::new("min_detectable_effect", arguments, DataType::Float64, about, |args| {
        let columns = args.iter().map(numbers::<Float64Type>).collect::<Result<Vec<_>>>()?;
        let effect = |row| {
            let [rate, n1, n2] = [0, 1, 2].map(|i| value(&columns[i], row));
            kernel::min_detectable_effect(rate, n1, n2)
        };
        Ok(Arc::new((0..columns[0].len()).map(effect).collect::<Float64Array>()))
    })
}

/// `holm(p_values)`: the list, corrected; see [`kernel::holm`].
pub fn holm() -> Function {
    let arguments = FunctionArguments::new([Argument::new(
        "p_values",
        ArgumentKind::Numbers,
        "p-values of tests that belong together",
    )]);
    let about = about(
        "The p-values, corrected for their number by Holm's method, in the same order.",
        "SELECT holm([0.01, 0.04, 0.03])",
    );
    Function::new("holm", arguments, list_type(DataType::Float64), about, |args| {
        let lists = float_lists(&args[0])?;
        lists_of(lists.len(), |row| Ok(list(&lists, row).map(|p| kernel::holm(&p))))
    })
}

/// `thompson_split(successes, trials, seed)`: a list of shares, for parallel lists of at most
/// [`kernel::MAX_ARMS`] arms; see [`kernel::thompson_split`].
pub fn thompson_split() -> Function {
    let arguments = FunctionArguments::new([
        Argument::new("successes", ArgumentKind::Numbers, "Successes of each arm"),
        Argument::new("trials", ArgumentKind::Numbers, "Trials of each arm"),
        Argument::new("seed", ArgumentKind::Whole, "The same seed gives the same shares"),
    ]);
    let about = about(
        "How to share out the next trials among arms: the chance of each to be the best.",
        "SELECT thompson_split([30, 40], [100, 100], 7)",
    );
    Function::new("thompson_split", arguments, list_type(DataType::Float64), about, |args| {
        let (successes, trials) = (float_lists(&args[0])?, float_lists(&args[1])?);
        let seeds = numbers::<UInt64Type>(&args[2])?;
        lists_of(successes.len(), |row| {
            let (Some(k), Some(n)) = (list(&successes, row), list(&trials, row)) else {
                return Ok(None);
            };
            if k.len() != n.len() {
                return Err(misused("thompson_split takes two lists of the same length"));
            }
            if k.len() > kernel::MAX_ARMS {
                let (arms, most) = (k.len(), kernel::MAX_ARMS);
                return Err(misused(format!(
                    "thompson_split takes at most {most} arms, not {arms}"
                )));
            }
            let arms: Vec<_> = k.into_iter().zip(n).collect();
            Ok(seeds.is_valid(row).then(|| kernel::thompson_split(&arms, seeds.value(row))))
        })
    })
}

/// A function of numbers that returns two numbers or NULL.
fn pairs(
    name: &'static str,
    arguments: FunctionArguments,
    about: About,
    names: [&'static str; 2],
    of: impl Fn(&[Option<f64>]) -> Result<Option<[f64; 2]>> + Send + Sync + 'static,
) -> Function {
    let fields: Fields = names.map(|name| float(name, true)).to_vec().into();
    let return_type = DataType::Struct(fields.clone());
    Function::new(name, arguments, return_type, about, move |args| {
        let columns = args.iter().map(numbers::<Float64Type>).collect::<Result<Vec<_>>>()?;
        let rows = columns[0].len();
        let (mut both, mut valid) = ([vec![], vec![]], Vec::with_capacity(rows));
        for row in 0..rows {
            let found = of(&columns.iter().map(|c| value(c, row)).collect::<Vec<_>>())?;
            valid.push(found.is_some());
            for (column, value) in both.iter_mut().zip(found.unwrap_or_default()) {
                column.push(value);
            }
        }
        let columns = both.map(|c| Arc::new(Float64Array::from(c)) as ArrayRef).to_vec();
        let structs = StructArray::try_new(fields.clone(), columns, Some(NullBuffer::from(valid)));
        Ok(Arc::new(structs.map_err(|e| {
            Error::new(ErrorCode::Internal, format!("two numbers do not make a struct: {e}"))
        })?))
    })
}

fn value(column: &Float64Array, row: usize) -> Option<f64> {
    column.is_valid(row).then(|| column.value(row))
}

fn list(lists: &ListArray, row: usize) -> Option<Vec<Option<f64>>> {
    lists.is_valid(row).then(|| lists.value(row).as_primitive::<Float64Type>().iter().collect())
}

fn lists_of(
    rows: usize,
    of: impl Fn(usize) -> Result<Option<Vec<Option<f64>>>>,
) -> Result<ArrayRef> {
    let mut lists = ListBuilder::new(Float64Builder::new());
    for row in 0..rows {
        lists.append_option(of(row)?);
    }
    Ok(Arc::new(lists.finish()))
}
