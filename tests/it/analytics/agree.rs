//! The roll-up, the aggregate, plain SQL and Polars count the same, on random events.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Float64Type};
use clipflow::kernels::metrics::METRICS;
use clipflow::model::event::{EventKind, rolled_fields};
use clipflow::query::{SessionOptions, session};
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use proptest::prelude::*;

use super::{context, rows};

/// Variant, platform, event, viewer, seconds.
type Row = (Option<u16>, Option<u8>, u8, Option<u16>, Option<f32>);

fn events(max_variants: u16) -> impl Strategy<Value = Vec<Row>> {
    let row = (
        proptest::option::weighted(0.95, 0..max_variants),
        proptest::option::weighted(0.9, 0..3_u8),
        0..20_u8,
        proptest::option::weighted(0.8, 0..40_u16),
        proptest::option::weighted(0.9, 0.0..60.0_f32),
    );
    proptest::collection::vec(row, 0..400)
}

/// Ids of ours, other texts and NULL; viewers that are numbers, hexadecimal digits and other texts.
fn batch(events: &[Row]) -> RecordBatch {
    let variant = |v: u16| match v % 3 {
        0 => format!("{:016x}", u64::from(v) << 40),
        1 => format!("variant {v}"),
        _ => v.to_string(),
    };
    let viewer = |v: u16| match v % 4 {
        0 => format!("{:016x}", u64::from(v / 4)),
        1 => format!("viewer {}", v / 4),
        2 => format!("{:016X}", u64::from(v / 4) + 0xab00),
        _ => (v / 4).to_string(),
    };
    let kinds: Vec<&str> = EventKind::ALL.iter().map(|k| k.as_str()).collect();
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        (
            "variant_id",
            Arc::new(events.iter().map(|e| e.0.map(variant)).collect::<StringArray>()),
            true,
        ),
        (
            "platform",
            Arc::new(events.iter().map(|e| e.1.map(|p| format!("p{p}"))).collect::<StringArray>()),
            true,
        ),
        (
            "event",
            Arc::new(
                events
                    .iter()
                    .map(|e| kinds.get(usize::from(e.2)).copied())
                    .collect::<StringArray>(),
            ),
            true,
        ),
        (
            "viewer_id",
            Arc::new(events.iter().map(|e| e.3.map(viewer)).collect::<StringArray>()),
            true,
        ),
        (
            "value",
            Arc::new(events.iter().map(|e| e.4.map(f64::from)).collect::<Float64Array>()),
            true,
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// `events` as a table in three partitions.
fn register(ctx: &SessionContext, events: &[Row]) {
    let batch = batch(events);
    let third = batch.num_rows() / 3;
    let parts = vec![
        vec![batch.slice(0, third)],
        vec![batch.slice(third, third)],
        vec![batch.slice(2 * third, batch.num_rows() - 2 * third)],
    ];
    let table = MemTable::try_new(batch.schema(), parts).unwrap();
    ctx.register_table("events", Arc::new(table)).unwrap();
}

fn names() -> Vec<String> {
    rolled_fields().iter().map(|f| f.name().clone()).collect()
}

/// What the roll-up is, in SQL that has nothing of ours.
fn plain_sql(keys: &str) -> String {
    let count = |kind: EventKind| {
        let (name, figure) = (kind.as_str(), kind.figure());
        let what = match kind {
            EventKind::WatchSeconds => {
                "coalesce(sum(value) FILTER (WHERE event = 'watch_seconds'), 0.0)".to_owned()
            }
            _ => format!("count(*) FILTER (WHERE event = '{name}')"),
        };
        format!(
            "CASE WHEN (SELECT count(*) FROM events WHERE event = '{name}') > 0 THEN {what} END AS {figure}"
        )
    };
    let figures: Vec<String> = EventKind::ALL.into_iter().map(count).collect();
    let distinct = |name: &str, kind: &str| {
        format!(
            "CASE WHEN count(viewer_id) > 0 AND (SELECT count(*) FROM events WHERE event = '{kind}') > 0
                THEN count(DISTINCT viewer_id) FILTER (WHERE event = '{kind}') END AS {name}"
        )
    };
    let anonymous = |name: &str, kind: &str| {
        format!(
            "CASE WHEN (SELECT count(*) FROM events WHERE event = '{kind}') > 0
                THEN count(*) FILTER (WHERE event = '{kind}' AND viewer_id IS NULL) END AS {name}"
        )
    };
    let kinds: Vec<String> = EventKind::ALL.iter().map(|k| format!("'{}'", k.as_str())).collect();
    format!(
        "SELECT {keys}, {}, nullif(count(DISTINCT viewer_id), 0) AS audience_reach, {},
            CASE WHEN count(viewer_id) > 0 AND (SELECT count(*) FROM events WHERE event = 'view') > 0
                AND (SELECT count(*) FROM events WHERE event = 'view_100') > 0
                THEN count(DISTINCT viewer_id) FILTER (WHERE event = 'view_100' AND began = 1) END AS first_completions, {},
            {}, {},
            count(*) FILTER (WHERE event IS NULL OR event NOT IN ({})) AS other_events
        FROM (SELECT *, max(CASE WHEN event = 'view' THEN 1 ELSE 0 END) OVER (PARTITION BY {keys}, viewer_id) AS began FROM events)
        GROUP BY {keys} ORDER BY {keys}",
        figures.join(", "),
        distinct("first_views", "view"),
        distinct("new_viewers", "referral_view"),
        anonymous("anonymous_views", "view"),
        anonymous("anonymous_completions", "view_100"),
        kinds.join(", ")
    )
}

/// Whether two answers are the same: counts exactly, sums of floats to 1e-12.
fn assert_same(left: &RecordBatch, right: &RecordBatch, what: &str) {
    assert_eq!(left.num_rows(), right.num_rows(), "{what}");
    for (i, field) in left.schema().fields().iter().enumerate() {
        let (a, b) = (left.column(i), right.column(i));
        if *field.data_type() != DataType::Float64 {
            let cast = arrow::compute::cast(b, a.data_type()).unwrap();
            assert_eq!(a, &cast, "{what}: {}", field.name());
            continue;
        }
        for (a, b) in a.as_primitive::<Float64Type>().iter().zip(b.as_primitive::<Float64Type>()) {
            let same = match (a, b) {
                (Some(a), Some(b)) => (a - b).abs() <= 1e-12 * a.abs().max(1.0),
                (a, b) => a == b,
            };
            assert!(same, "{what}: {}: {a:?} and {b:?}", field.name());
        }
    }
}

/// In Polars, as a batch in the order of the keys.
#[cfg(feature = "polars")]
fn in_polars(events: &[Row], keys: &[&str], schema: &arrow::datatypes::SchemaRef) -> RecordBatch {
    use clipflow::query::polars::{roll_up_events, to_frame, to_record_batch};
    use polars::prelude::{IntoLazy, SortMultipleOptions};
    let batch = batch(events);
    let frame = to_frame(&batch.schema(), &[batch]).unwrap().lazy();
    let order = SortMultipleOptions::default().with_nulls_last(true);
    let frame = roll_up_events(frame, keys).sort(keys.to_vec(), order).collect().unwrap();
    to_record_batch(&frame, Some(schema)).unwrap()
}

async fn compare(events: &[Row], keys: &[&str]) {
    let ctx = context(3, 16);
    register(&ctx, events);
    let (list, figures) = (keys.join(", "), names().join(", "));
    let expected = rows(&ctx, &plain_sql(&list)).await;
    let sql = format!(
        "SELECT {list}, {figures} FROM rollup_events((SELECT {list}, event, viewer_id, value FROM events)) ORDER BY {list}"
    );
    let rolled = rows(&ctx, &sql).await;
    assert_same(&rolled, &expected, "the roll-up and plain SQL");
    #[cfg(feature = "polars")]
    assert_same(&in_polars(events, keys, rolled.schema_ref()), &rolled, "Polars and the roll-up");
    // The aggregate knows its group alone: what it calls 0 may be tracked nowhere.
    let of: Vec<String> = names().iter().map(|n| format!("c.{n} AS {n}")).collect();
    let sql = format!(
        "SELECT {list}, {} FROM (SELECT {list}, event_counts(event, viewer_id, value) AS c FROM events GROUP BY {list}) ORDER BY {list}",
        of.join(", ")
    );
    let counted = rows(&ctx, &sql).await;
    for name in ["views", "likes", "audience_reach", "other_events", "watch_seconds"] {
        let sql = format!(
            "SELECT count(*) FROM ({sql}) a JOIN rolled r ON {} WHERE a.{name} <> r.{name}",
            on(keys)
        );
        if rolled.num_rows() > 0 {
            let _ = ctx.deregister_table("rolled").unwrap();
            ctx.register_batch("rolled", rolled.clone()).unwrap();
            let sql = sql.replace(
                &format!("a.{name} <> r.{name}"),
                &format!("abs(coalesce(a.{name}, 0) - coalesce(r.{name}, 0)) > 1e-9"),
            );
            let differ = rows(&ctx, &sql).await;
            assert_eq!(
                differ.column(0).as_ref(),
                &Int64Array::from(vec![0]) as &dyn arrow::array::Array,
                "{name}"
            );
        }
    }
    assert_eq!(counted.num_rows(), rolled.num_rows());
}

fn on(keys: &[&str]) -> String {
    let same = |k: &&str| format!("(a.{k} IS NOT DISTINCT FROM r.{k})");
    keys.iter().map(same).collect::<Vec<_>>().join(" AND ")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn engines_count_the_same(few in events(6), keys in 0..3_usize) {
        let keys: &[&str] = [&["variant_id", "platform"][..], &["platform"], &["platform", "variant_id"]][keys];
        runtime().block_on(compare(&few, keys));
    }

    #[test]
    fn metrics_of_groups_are_the_same_in_sql_and_polars(
        table in proptest::collection::vec((0..4_u8, proptest::collection::vec(proptest::option::of(0..9_i32), 5)), 1..60)
    ) {
        runtime().block_on(compare_metrics(&table));
    }
}

/// Each metric pooled, by row and as the mean of rows.
async fn compare_metrics(table: &[(u8, Vec<Option<i32>>)]) {
    let ctx = context(2, 8);
    let mut columns: Vec<(String, ArrayRef)> = vec![(
        "g".to_owned(),
        Arc::new(Int64Array::from_iter_values(table.iter().map(|r| i64::from(r.0)))),
    )];
    for i in 0..5 {
        let column: Float64Array = table.iter().map(|r| r.1[i].map(f64::from)).collect();
        columns.push((format!("c{i}"), Arc::new(column)));
    }
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    ctx.register_batch("counts", batch.clone()).unwrap();
    for metric in METRICS {
        let args: Vec<String> = (0..metric.inputs.len()).map(|i| format!("c{i}")).collect();
        let sums: Vec<String> = args.iter().map(|a| format!("sum({a})")).collect();
        let (name, list) = (metric.name, args.join(", "));
        let pooled = match metric.is_additive() {
            false => format!("{name}({})", sums.join(", ")),
            true => format!("pooled_{name}({list})"),
        };
        let sql = format!(
            "SELECT g, {pooled} AS pooled, {name}({}) AS of_sums, mean_{name}({list}) AS mean FROM counts GROUP BY g ORDER BY g",
            sums.join(", ")
        );
        let got = rows(&ctx, &sql).await;
        let expected = brute_force(table, metric);
        assert_same(&got, &expected, name);
        #[cfg(feature = "polars")]
        assert_same(&metrics_in_polars(&batch, metric, got.schema_ref()), &got, name);
    }
}

/// From the Rust function alone.
fn brute_force(
    table: &[(u8, Vec<Option<i32>>)],
    metric: &clipflow::kernels::metrics::Metric,
) -> RecordBatch {
    let mut groups: Vec<u8> = table.iter().map(|r| r.0).collect();
    groups.sort_unstable();
    groups.dedup();
    let n = metric.inputs.len();
    let (mut pooled, mut of_sums, mut means) = (vec![], vec![], vec![]);
    for group in &groups {
        let rows: Vec<Vec<Option<f64>>> = table
            .iter()
            .filter(|r| r.0 == *group)
            .map(|r| r.1.iter().take(n).map(|c| c.map(f64::from)).collect())
            .collect();
        let sums = |is: &dyn Fn(&[Option<f64>]) -> bool| -> Vec<Option<f64>> {
            let sum = |i: usize| {
                let known = rows.iter().filter(|r| is(r)).filter_map(|r| r[i]);
                known.fold(None, |sum: Option<f64>, v| Some(sum.unwrap_or(0.0) + v))
            };
            (0..n).map(sum).collect()
        };
        // A part that is an alternative may be missing; of the others none.
        let any = n > 4 && metric.inputs[0] == "likes";
        let is_complete = |r: &[Option<f64>]| match any {
            true => r[..4].iter().any(Option::is_some) && r[4].is_some(),
            false => r.iter().all(Option::is_some),
        };
        of_sums.push((metric.of)(&sums(&|_| true)));
        pooled.push(match metric.is_additive() {
            true => (metric.of)(&sums(&is_complete)),
            false => (metric.of)(&sums(&|_| true)),
        });
        let each: Vec<f64> = rows.iter().filter_map(|r| (metric.of)(r)).collect();
        means.push((!each.is_empty()).then(|| each.iter().sum::<f64>() / each.len() as f64));
    }
    RecordBatch::try_from_iter_with_nullable([
        (
            "g",
            Arc::new(Int64Array::from_iter_values(groups.iter().map(|g| i64::from(*g))))
                as ArrayRef,
            true,
        ),
        ("pooled", Arc::new(Float64Array::from(pooled)), true),
        ("of_sums", Arc::new(Float64Array::from(of_sums)), true),
        ("mean", Arc::new(Float64Array::from(means)), true),
    ])
    .unwrap()
}

#[cfg(feature = "polars")]
fn metrics_in_polars(
    batch: &RecordBatch,
    metric: &clipflow::kernels::metrics::Metric,
    schema: &arrow::datatypes::SchemaRef,
) -> RecordBatch {
    use clipflow::query::polars::{
        mean_metric, metric as row_metric, pooled_metric, to_frame, to_record_batch,
    };
    use polars::prelude::{IntoLazy, NULL, SortMultipleOptions, col, lit, when};
    let inputs: Vec<_> = (0..metric.inputs.len()).map(|i| col(format!("c{i}"))).collect();
    let sum = |c: &polars::prelude::Expr| {
        when(c.clone().count().gt(lit(0))).then(c.clone().sum()).otherwise(lit(NULL))
    };
    let sums: Vec<_> = inputs.iter().map(sum).collect();
    let of_sums = row_metric(metric.name, &sums).unwrap();
    let pooled = match !metric.is_additive() {
        true => {
            assert!(pooled_metric(metric.name, &inputs).is_err());
            of_sums.clone()
        }
        false => pooled_metric(metric.name, &inputs).unwrap(),
    };
    let mean = mean_metric(metric.name, &inputs).unwrap();
    let frame = to_frame(&batch.schema(), std::slice::from_ref(batch)).unwrap().lazy();
    let frame = frame
        .group_by([col("g")])
        .agg([pooled.alias("pooled"), of_sums.alias("of_sums"), mean.alias("mean")])
        .sort(["g"], SortMultipleOptions::default())
        .collect()
        .unwrap();
    to_record_batch(&frame, Some(schema)).unwrap()
}

/// Many variants (dealt by group) and few (dealt by viewer), with room and without: the same figures.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_into_memory_is_put_aside_and_counted_all_the_same() {
    for variants in [3000_u64, 40] {
        let options = |memory| SessionOptions {
            memory_bytes: Some(memory),
            partitions: 2,
            ..SessionOptions::default()
        };
        let mut answers = vec![];
        for memory in [1 << 30, 48 << 20] {
            let ctx = session(&options(memory), None).unwrap();
            let events = format!(
                "SELECT 'variant ' || (value * 7919 % {variants}) AS variant_id,
                    CASE value % 3 WHEN 0 THEN 'view' WHEN 1 THEN 'like' ELSE 'share' END AS event,
                    value * 31 % 1499977 AS viewer_id FROM generate_series(1, 3000000)"
            );
            let sql = format!(
                "SELECT variant_id, views, likes, shares, audience_reach, first_views FROM rollup_events(({events})) ORDER BY variant_id"
            );
            let plan = ctx.sql(&sql).await.unwrap().create_physical_plan().await.unwrap();
            let batches = datafusion::physical_plan::collect(Arc::clone(&plan), ctx.task_ctx())
                .await
                .unwrap();
            answers.push(arrow::compute::concat_batches(&plan.schema(), &batches).unwrap());
            let mut spills = 0;
            let mut nodes = vec![plan];
            while let Some(node) = nodes.pop() {
                if node.name() == "RollupExec" {
                    spills += node.metrics().and_then(|m| m.spill_count()).unwrap_or(0);
                }
                nodes.extend(node.children().into_iter().map(Arc::clone));
            }
            assert_eq!(
                spills > 0,
                memory == 48 << 20,
                "{variants} variants, {memory} bytes, {spills} spills"
            );
        }
        assert_eq!(answers[0].num_rows() as u64, variants);
        assert_eq!(answers[0], answers[1]);
    }
}
