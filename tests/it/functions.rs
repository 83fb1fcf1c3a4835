//! The SQL functions: documented, described by the session, the same in every session with the same
//! settings.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use arrow::array::RecordBatch;
use clipflow::config::ParallelConfig;
use clipflow::kernels::score::ScoreModels;
use clipflow::kernels::select::Weights;
use clipflow::query::{
    FunctionKind, SessionOptions, register_media_relations, session, sql_functions,
};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::prelude::SessionContext;

use super::support::{rows, show, tiny_detector};

const EVENTS: &str = "variant_id,platform,ts,event,viewer_id,value
a,tiktok,2026-05-01T00:00:00,view,u1,
a,tiktok,2026-05-01T00:00:00,like,u1,
b,shorts,2026-05-02T00:00:00,view,u2,
";

/// Rows as text, cells with commas between.
fn text_of(batches: &[RecordBatch]) -> Vec<String> {
    let cell = |column: &arrow::array::ArrayRef, row| {
        arrow::util::display::array_value_to_string(column, row).unwrap()
    };
    let row = |batch: &RecordBatch, row| {
        batch.columns().iter().map(|c| cell(c, row)).collect::<Vec<_>>().join(",")
    };
    batches.iter().flat_map(|b| (0..b.num_rows()).map(move |r| row(b, r))).collect()
}

async fn lines(ctx: &SessionContext, sql: &str) -> Vec<String> {
    text_of(&[rows(ctx, sql).await])
}

/// The functions that a session has beside those of DataFusion.
fn registered() -> BTreeSet<String> {
    let (ours, plain) = (SessionContext::new(), SessionContext::new());
    clipflow::register_all(&ours).unwrap();
    let names = |ctx: &SessionContext| -> BTreeSet<String> {
        let state = ctx.state();
        let scalar = state.scalar_functions().keys();
        let aggregate = state.aggregate_functions().keys();
        let window = state.window_functions().keys();
        let table = state.table_functions().keys();
        scalar.chain(aggregate).chain(window).chain(table).cloned().collect()
    };
    names(&ours).difference(&names(&plain)).cloned().collect()
}

#[test]
fn every_function_is_documented() {
    let documented: BTreeSet<String> = sql_functions()
        .into_iter()
        .filter(|f| f.kind != FunctionKind::Relation)
        .map(|f| f.name)
        .collect();
    assert_eq!(documented, registered());
    for function in sql_functions() {
        let (name, doc) = (&function.name, &function.documentation);
        assert!(doc.description.len() > 20 && doc.description.ends_with('.'), "{name}");
        assert!(!doc.doc_section.label.is_empty(), "{name}");
        assert!(doc.syntax_example.starts_with(&format!("{name}(")), "{name}");
        assert!(doc.sql_example.as_ref().is_some_and(|e| e.contains(name.as_str())), "{name}");
        let arguments = doc.arguments.clone().unwrap_or_default();
        assert_eq!(arguments.is_empty(), doc.syntax_example.ends_with("()"), "{name}");
        for (argument, meaning) in arguments {
            assert!(doc.syntax_example.contains(&argument), "{name}: {argument}");
            assert!(meaning.len() > 5, "{name}: {argument}");
        }
    }
}

#[tokio::test]
async fn a_session_describes_every_function() {
    let ctx = session(&SessionOptions::default(), None).unwrap();
    let missing = "SELECT count(*) FROM information_schema.routines WHERE description IS NULL AND routine_name IN
        ('select_clips', 'engagement_rate', 'pooled_hook_rate', 'occurrence', 'clips', 'platforms', 'rollup_events')";
    assert_eq!(lines(&ctx, missing).await, ["0"]);
    let described = lines(
        &ctx,
        "SELECT DISTINCT routine_name FROM information_schema.routines WHERE description IS NOT NULL AND data_type IS NOT NULL",
    )
    .await;
    let shown = lines(&ctx, "SHOW FUNCTIONS").await;
    let named = lines(
        &ctx,
        "SELECT DISTINCT specific_name FROM information_schema.parameters WHERE parameter_mode = 'OUT'",
    )
    .await;
    for function in sql_functions() {
        let of_events = ["performance", "experiment"].contains(&function.name.as_str());
        if of_events || function.kind == FunctionKind::Relation {
            continue;
        }
        let name = &function.name;
        assert!(described.contains(name), "{name} is not described");
        assert!(named.contains(name), "{name} has no parameters");
        assert!(
            shown.iter().any(|row| row.starts_with(&format!("{name},"))),
            "{name} is not shown"
        );
    }
    let arguments = "SELECT parameter_name, data_type FROM information_schema.parameters
        WHERE specific_name = 'validate_request' AND parameter_mode = 'IN' ORDER BY ordinal_position";
    assert_eq!(
        lines(&ctx, arguments).await,
        ["source_url,String", "language,String", "min,Float64", "max,Float64", "n,Int64"]
    );
    let clips = "SELECT data_type, function_type, syntax_example FROM information_schema.routines WHERE routine_name = 'clips'";
    assert_eq!(lines(&ctx, clips).await, ["TABLE,TABLE,clips(results)"]);
    assert_eq!(lines(&ctx, "SHOW FUNCTIONS LIKE 'wilson'").await.len(), 1);
    // Those of DataFusion are listed as before.
    assert!(shown.iter().any(|row| row.starts_with("to_char,")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_documentation_run() {
    let finished = show::finished();
    let folder = tempfile::tempdir().unwrap();
    let link = |from: &str, to: &str| {
        std::os::unix::fs::symlink(finished.join(from), folder.path().join(to)).unwrap();
    };
    link("show.mp4", "talk.mp4");
    link("out", "results");
    link("trace.json", "trace.json");
    // Without results, events belong to an experiment by a column of their own.
    let mut events = String::new();
    for (n, line) in EVENTS.lines().enumerate() {
        events += &format!("{line},{}\n", if n == 0 { "experiment_id" } else { "hooks" });
    }
    fs::write(folder.path().join("events.csv"), events).unwrap();
    let transcriber = "sh -c 'printf \"WEBVTT\\n\\n00:01.000 --> 00:02.000\\nHello.\\n\"' {input}";
    let parallel = ParallelConfig {
        transcribe_command: transcriber.into(),
        face_model: tiny_detector::write(folder.path()).to_str().unwrap().to_owned(),
        ..Default::default()
    };
    let base = folder.path().into();
    let options = SessionOptions { base, parallel, ..SessionOptions::default() };
    let runtime = Arc::new(clipflow::exec::MediaRuntime::for_reading(None).unwrap());
    let ctx = session(&options, Some(runtime)).unwrap();
    clipflow::register_all_with(&ctx, &options).unwrap();
    register_media_relations(&ctx, &options).unwrap();
    for function in sql_functions() {
        // Rendering writes files, for a plan that a run makes.
        if function.name == "render_media" {
            continue;
        }
        let example = function.documentation.sql_example.unwrap();
        let found = rows(&ctx, &example).await;
        assert!(found.num_columns() > 0, "{example}");
    }
}

/// Statements with `$` for a function that casts text.
const OF_TEXT: &[&str] = &[
    "SELECT audience_error($('{\"age\":\"35-18\"}')), audience_language($('{\"language\":\"es\"}'))",
    "SELECT audience_platforms($('{\"platforms\":[\"tiktok\"]}'))",
    "SELECT stable_id($('a'), 1, $('b')), source_location($('a.mp4'), $('/videos'))",
    "SELECT without_signature($('https://h/a?X-Amz-Signature=1')), same_language($('en'), $('eng'))",
    "SELECT may_change($('source.unreachable')), json_text(named_struct('a', $('b')))",
    "SELECT validate_request($('a.mp4'), $('english'), 1, 2, 3)",
    "SELECT no_variant_message($('{\"age\":\"18+\"}'), $('tiktok'), 1, 2)",
    "SELECT keyphrases($('A solar panel lasts. A solar panel pays.'), $('en'), 3)",
    "SELECT hashtags(make_array($('solar')), make_array($('tech')), 3), hashtags(make_array('a'), $('[\"b\"]'), 3)",
    "SELECT clip_title($('A solar panel lasts.'), $('en'), 40)",
    "SELECT audience_reach($(v)), reach_estimate(reach_sketch($(v))) FROM (VALUES ('u1'), ('u2')) AS t(v)",
    "SELECT event_counts($(e), $(v), 1)['likes'] FROM (VALUES ('like', 'u1'), ('view', 'u2')) AS t(e, v)",
    "SELECT occurrence($(t)) OVER (ORDER BY n) AS o, n FROM (VALUES (1, 'a'), (2, 'b'), (3, 'a')) AS t(n, t) ORDER BY n",
];

#[tokio::test]
async fn text_of_every_type_is_taken() {
    let ctx = session(&SessionOptions::default(), None).unwrap();
    for statement in OF_TEXT {
        let plain = lines(&ctx, &statement.replace('$', "")).await;
        for kind in ["LargeUtf8", "Utf8View", "Dictionary(Int32, Utf8)"] {
            let mut cast = String::new();
            let mut rest = *statement;
            while let Some((before, after)) = rest.split_once("$(") {
                let (argument, after) = after.split_once(')').unwrap();
                cast += &format!("{before}arrow_cast({argument}, '{kind}')");
                rest = after;
            }
            cast += rest;
            assert_eq!(lines(&ctx, &cast).await, plain, "{cast}");
        }
    }
}

/// The windows of the first source of a folder of results, scored.
fn windows(weights: &str) -> String {
    format!(
        "WITH s AS (SELECT array_agg(named_struct('t', t, 'shot_score', shot_score, 'motion', motion, 'luma', luma,
             'chroma', chroma, 'saliency_x', saliency_x, 'saliency_y', saliency_y, 'loudness', loudness, 'onset', onset,
             'speech', speech, 'silence', silence, 'caption_density', caption_density) ORDER BY t) AS signals FROM signals('out'))
         SELECT round(w['score'], 12), w['start'] FROM (SELECT unnest(select_clips(signals, NULL, NULL, 4, 9, 2{weights})) AS w FROM s)
         ORDER BY 2, 1"
    )
}

fn options(weights: Option<Weights>, models: Option<ScoreModels>) -> SessionOptions {
    SessionOptions { base: show::finished().into(), weights, models, ..SessionOptions::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_are_an_argument_or_a_setting_and_stand_in_the_plan() {
    const TEXT: &str = r#"{"motion":0.7,"hook":0.0}"#;
    let plain = session(&options(None, None), None).unwrap();
    let as_argument = lines(&plain, &windows(&format!(", '{TEXT}'"))).await;
    let defaults = lines(&plain, &windows("")).await;
    assert_ne!(as_argument, defaults);
    assert_eq!(lines(&plain, &windows(", NULL")).await, defaults);
    assert_eq!(lines(&plain, &windows(", '{}'")).await, defaults);
    let weights = Weights { motion: 0.7, hook: 0.0, ..Weights::default() };
    let made = session(&options(Some(weights), None), None).unwrap();
    assert_eq!(lines(&made, &windows("")).await, as_argument, "as an option");
    plain.sql(&format!("SET clipflow.weights = '{TEXT}'")).await.unwrap();
    assert_eq!(lines(&plain, &windows("")).await, as_argument, "as a setting");
    for ctx in [&made, &plain] {
        let plan = lines(ctx, &format!("EXPLAIN {}", windows(""))).await.join("\n");
        assert!(plan.contains("\"motion\":0.7") && plan.contains("\"hook\":0.0"), "{plan}");
    }
    plain.sql("SET clipflow.weights = ''").await.unwrap();
    assert_eq!(lines(&plain, &windows("")).await, defaults, "set back");
    let plan = lines(&plain, &format!("EXPLAIN {}", windows(""))).await.join("\n");
    assert!(plan.contains("Int64(2))") && !plan.contains("hook"), "{plan}");
    // A session of another program, with the same options.
    let foreign = SessionContext::new();
    clipflow::register_all_with(&foreign, &options(Some(weights), None)).unwrap();
    assert_eq!(lines(&foreign, &windows("")).await, as_argument, "in a foreign session");
    // Each row may have weights of its own.
    let both =
        windows(&format!(", x)) AS w FROM s CROSS JOIN (VALUES ('{TEXT}'), (NULL)) AS v(x)) --"));
    let both = both.replace("ORDER BY 2, 1", "");
    let mut found = lines(&plain, &both).await;
    let mut expected = [as_argument, defaults].concat();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

/// A plan as another process reads it: its functions are those that a session has by their names.
fn by_name(plan: LogicalPlan, ctx: &SessionContext) -> LogicalPlan {
    let state = ctx.state();
    plan.transform_up_with_subqueries(|node| {
        node.map_expressions(|expression| {
            expression.transform_up(|e| match e {
                Expr::ScalarFunction(mut call) => {
                    call.func = Arc::clone(&state.scalar_functions()[call.func.name()]);
                    Ok(Transformed::yes(Expr::ScalarFunction(call)))
                }
                e => Ok(Transformed::no(e)),
            })
        })
    })
    .unwrap()
    .data
}

async fn lines_of(ctx: &SessionContext, plan: LogicalPlan) -> Vec<String> {
    text_of(&ctx.execute_logical_plan(plan).await.unwrap().collect().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_gives_the_same_in_a_session_that_finds_functions_by_name() {
    let weights = Weights { motion: 0.7, hook: 0.0, ..Weights::default() };
    let mut model = ScoreModels::built_in().unwrap().engagement_rate.clone();
    model.name = "mine".to_owned();
    model.intercept = 0.1 + 0.2;
    let models = ScoreModels::with(&model).unwrap();
    let options = options(Some(weights), Some(models));
    let here = session(&options, None).unwrap();
    let variants = windows("").replace(
        "SELECT round(w['score'], 12), w['start'] FROM (SELECT unnest(select_clips(signals, NULL, NULL, 4, 9, 2)) AS w FROM s)",
        "SELECT v['viral_score'], v['score_model'] FROM (SELECT unnest(make_variants(clip_brief(signals, NULL, NULL, 'en', NULL,
             640, 360, 25, 1, 11, NULL, NULL), 3, NULL, NULL, NULL)) AS v FROM s)",
    );
    assert!(variants.contains("make_variants"));
    for statement in [windows(""), variants, "SELECT source_location('a.mp4')".to_owned()] {
        let expected = lines(&here, &statement).await;
        let frame = here.sql(&statement).await.unwrap();
        let planned = frame.logical_plan().clone();
        let optimized = frame.into_optimized_plan().unwrap();
        // The same settings, and a plan as it was written.
        let same = session(&options, None).unwrap();
        let read = by_name(planned, &same);
        assert_eq!(lines_of(&same, read).await, expected, "{statement}");
        // Other settings, and an optimised plan: it has the settings of the session that made it.
        let other =
            session(&SessionOptions { base: "/other".into(), ..SessionOptions::default() }, None);
        let other = other.unwrap();
        let read = by_name(optimized, &other);
        assert_eq!(lines_of(&other, read).await, expected, "{statement}");
    }
    let plan = lines(&here, "EXPLAIN SELECT make_variants(b, 3, NULL, NULL, NULL) FROM (SELECT NULL AS b UNION ALL SELECT NULL) t").await;
    assert!(plan.join("\n").contains("\"name\":\"mine\""), "{plan:?}");
}
