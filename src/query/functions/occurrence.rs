//! `occurrence(text) OVER (ORDER BY …)`.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash, RandomState};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    Documentation, LimitEffect, PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl,
};
use datafusion::physical_expr::PhysicalExpr;

use crate::query::arguments::{About, Argument, ArgumentKind, FunctionArguments, section};

const NAME: &str = "occurrence";

/// `occurrence(text) OVER (ORDER BY x)`: 1 at the first row with this text, 2 at the second, and so
/// on in the order of `x`; NULL for NULL. The same as `row_number() OVER (PARTITION BY text ORDER BY x)`
/// without the sort by `text`: rows in order of `x` stream through, at 10 to 21 bytes for each id of
/// `stable_id` and 19 to 39 for each other text.
pub fn occurrence() -> WindowUDF {
    let (arguments, documentation) = described();
    let signature = arguments.signature(Volatility::Immutable);
    WindowUDF::from(Occurrence { arguments, signature, documentation })
}

/// Its arguments, and what it does.
pub(in crate::query) fn described() -> (FunctionArguments, Documentation) {
    let arguments =
        FunctionArguments::new([Argument::new("text", ArgumentKind::Text, "What is counted")]);
    let about = About::new(
        section::REQUESTS,
        "1 at the first row with a text, 2 at the second, in the order of the window; NULL for NULL. Like row_number() over a partition of the text, without a sort by it.",
        "SELECT t, occurrence(t) OVER (ORDER BY n) FROM (VALUES (1, 'a'), (2, 'b'), (3, 'a')) AS rows(n, t)",
    );
    let documentation = arguments.documentation(NAME, &about);
    (arguments, documentation)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Occurrence {
    arguments: FunctionArguments,
    signature: Signature,
    documentation: Documentation,
}

impl WindowUDFImpl for Occurrence {
    fn name(&self) -> &'static str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        self.arguments.plan(NAME, given)
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }

    fn partition_evaluator(
        &self,
        _: PartitionEvaluatorArgs<'_>,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::<OccurrenceCounter>::default())
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Field::new(args.name(), DataType::Int64, true).into())
    }

    fn limit_effect(&self, _: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        // Later rows do not change the result.
        LimitEffect::None
    }
}

/// Counts occurrences of texts. A text that has occurred once costs only its key in a set; counts are kept
/// for repeated texts alone.
#[derive(Debug, Default)]
struct OccurrenceCounter {
    /// Texts of sixteen hexadecimal digits, as of `stable_id`, by their numeric value.
    ids: ShardedSet<u64>,
    ids_again: HashMap<u64, i64>,
    /// Other texts by the first 128 bits of their BLAKE3 hash: among a billion texts the chance that
    /// two share them is one in 10²⁰.
    others: ShardedSet<u128>,
    others_again: HashMap<u128, i64>,
}

impl OccurrenceCounter {
    /// How often `text` has occurred, this time included.
    fn count(&mut self, text: &str) -> i64 {
        match id(text) {
            Some(id) => count(&mut self.ids, &mut self.ids_again, id),
            None => {
                let [key @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
                    *blake3::hash(text.as_bytes()).as_bytes();
                count(&mut self.others, &mut self.others_again, u128::from_le_bytes(key))
            }
        }
    }
}

/// The value of sixteen lower-case hexadecimal digits.
fn id(text: &str) -> Option<u64> {
    let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if text.len() != 16 || !text.bytes().all(is_digit) {
        return None;
    }
    u64::from_str_radix(text, 16).ok()
}

fn count<K: Copy + Eq + Hash>(
    seen: &mut ShardedSet<K>,
    again: &mut HashMap<K, i64>,
    key: K,
) -> i64 {
    if seen.insert(key) {
        return 1;
    }
    let count = again.entry(key).or_insert(1);
    *count += 1;
    *count
}

/// A set in shards that grow one at a time: a growing set is in memory twice.
#[derive(Debug)]
struct ShardedSet<K> {
    hasher: RandomState,
    parts: [HashSet<K>; SHARDS],
}

const SHARDS: usize = 64;

impl<K> Default for ShardedSet<K> {
    fn default() -> Self {
        Self { hasher: RandomState::new(), parts: std::array::from_fn(|_| HashSet::new()) }
    }
}

impl<K: Copy + Eq + Hash> ShardedSet<K> {
    /// Adds a key; whether it is new.
    fn insert(&mut self, key: K) -> bool {
        // A separate hasher: keys of one shard must differ in the bits that its set uses.
        let shard = self.hasher.hash_one(key) as usize % SHARDS;
        self.parts.get_mut(shard).is_some_and(|part| part.insert(key))
    }
}

impl PartitionEvaluator for OccurrenceCounter {
    fn is_causal(&self) -> bool {
        true
    }

    fn supports_bounded_execution(&self) -> bool {
        true
    }

    fn evaluate(&mut self, values: &[ArrayRef], range: &Range<usize>) -> Result<ScalarValue> {
        let texts = values.first().and_then(|v| v.as_string_opt::<i32>());
        let text = texts.filter(|t| t.is_valid(range.start)).map(|t| t.value(range.start));
        Ok(ScalarValue::Int64(text.map(|text| self.count(text))))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use arrow::array::{Int64Array, RecordBatch, StringArray};
    use arrow::datatypes::Int64Type;
    use datafusion::datasource::MemTable;
    use datafusion::prelude::SessionContext;

    use super::*;
    use crate::query::{SessionOptions, session};

    /// 600 rows in batches of 7, of 40 texts and NULL.
    fn context() -> SessionContext {
        let options = SessionOptions { partitions: 1, batch_size: 64, ..SessionOptions::default() };
        let ctx = session(&options, None).unwrap();
        let text = |i: i64| (i % 11 > 0).then(|| format!("text {}", i * i * 31 % 40));
        let batches: Vec<RecordBatch> = (0..600_i64)
            .step_by(7)
            .map(|start| {
                let rows = start..(start + 7).min(600);
                let texts: ArrayRef = Arc::new(rows.clone().map(text).collect::<StringArray>());
                let marks: ArrayRef = Arc::new(rows.map(|i| i * 377 % 601).collect::<Int64Array>());
                RecordBatch::try_from_iter_with_nullable([
                    ("t", texts, true),
                    ("mark", marks, true),
                ])
                .unwrap()
            })
            .collect();
        let table = MemTable::try_new(batches[0].schema(), vec![batches]).unwrap();
        ctx.register_table("x", Arc::new(table)).unwrap();
        ctx
    }

    #[test]
    fn ids_and_other_texts_are_told_apart() {
        let mut counter = OccurrenceCounter::default();
        let texts = [
            ("00000000000000ff", 1),
            ("00000000000000ff", 2),
            ("00000000000000FF", 1),
            ("+0000000000000ff", 1),
            ("ff", 1),
            ("", 1),
            ("00000000000000ff", 3),
            ("00000000000000FF", 2),
            ("", 2),
        ];
        for (text, expected) in texts {
            assert_eq!(counter.count(text), expected, "{text:?}");
        }
    }

    #[test]
    fn every_text_among_many_is_met_once() {
        let mut counter = OccurrenceCounter::default();
        for number in 0..100_000_u64 {
            assert_eq!(counter.count(&format!("{number:016x}")), 1);
            assert_eq!(counter.count(&format!("request {number}")), 1);
        }
        assert_eq!(counter.count("request 99999"), 2);
        assert_eq!(counter.count(&format!("{:016x}", 7)), 2);
    }

    #[tokio::test]
    async fn counts_as_row_number_does() {
        let sql = "SELECT count(*), count(o), count(*) FILTER (WHERE o IS DISTINCT FROM n), max(o) FROM (
            SELECT occurrence(t) OVER (ORDER BY mark) AS o,
                CASE WHEN t IS NOT NULL THEN row_number() OVER (PARTITION BY t ORDER BY mark) END AS n
            FROM x)";
        let batches = context().sql(sql).await.unwrap().collect().await.unwrap();
        let value = |c: usize| batches[0].column(c).as_primitive::<Int64Type>().value(0);
        assert_eq!((value(0), value(1), value(2)), (600, 545, 0));
        assert!(value(3) > 10);
    }

    #[tokio::test]
    async fn rows_in_order_are_not_sorted() {
        let sql = "SELECT n, occurrence(t) OVER (ORDER BY n) FROM (SELECT row_number() OVER () AS n, t FROM x) ORDER BY n";
        let plan = context().sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        let plan = datafusion::physical_plan::displayable(plan.as_ref()).indent(false).to_string();
        assert!(plan.contains("BoundedWindowAggExec") && !plan.contains("SortExec"), "{plan}");
    }
}
