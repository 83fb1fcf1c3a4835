//! Every SQL function, with its arguments and what it gives.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use arrow::datatypes::DataType;
use clipflow::kernels::metrics::METRICS;
use clipflow::model::table::TABLES;
use clipflow::query::sql::VIEWS;
use datafusion::logical_expr::Signature;
use datafusion::prelude::SessionContext;

use super::{MADE, hold, root, session};

/// Call and meaning of each function that is not a metric's. Arguments in brackets may be left out.
const GIVES: &[(&str, &str)] = &[
    ("audience_error(audience_profile)", "what is wrong with a profile, or NULL"),
    ("audience_language(audience_profile)", "the language that a profile names, or NULL"),
    (
        "audience_platforms(audience_profile)",
        "the platforms that a profile names, with commas between, or NULL",
    ),
    ("audience_reach(viewer_id)", "distinct viewers of the group, exactly; NULL counts for none"),
    (
        "clip_brief(signals, shots, cues, language, topic, width, height, fps, start, end, min, max)",
        "what making variants needs to know of a clip",
    ),
    ("clip_title(text, language, most_chars)", "the sentence that says most, cut between words"),
    ("cues_in(cues, language)", "the cues of a language"),
    (
        "cumulative_reach(k, seeds, n)",
        "people reached after `k` steps of sharing: `seeds` · (1 + k + … + kⁿ)",
    ),
    (
        "difference_interval(k1, n1, k2, n2, confidence)",
        "interval of the first rate less the second (Newcombe)",
    ),
    (
        "event_counts(event, viewer_id, value)",
        "the events of the group by kind; over many events `rollup_events` is faster",
    ),
    (
        "half_life(hours, views)",
        "hours until half of the views of the first 7 days; NULL if there are none",
    ),
    ("half_life_of(hours, views)", "the half-life of two lists that belong together"),
    (
        "hashtags(keyphrases, interests, n)",
        "hashtags, those of the interests (a list, or JSON) first",
    ),
    ("holm(p_values)", "the p values, corrected for their number of tests (Holm)"),
    ("json_text(value)", "a nested value as JSON"),
    ("keyphrases(text, language, n)", "what the text is about, strongest first"),
    (
        "make_variants(brief, n, audience, platforms, captions)",
        "variants, best first, at most 50; platforms NULL: those of the audience, else all",
    ),
    ("may_change(error_code)", "whether a retry in the same run can help"),
    (
        "min_detectable_effect(rate, n1, n2)",
        "the difference that so many trials show (α 0.05, power 0.8)",
    ),
    ("no_candidate_message(duration, min, max)", "why a source has no window of these lengths"),
    ("no_variant_message(audience, platforms, min, max)", "why a clip has no variant"),
    ("occurrence(text)", "1 at the first row with this text, 2 at the second, and so on"),
    (
        "reach_estimate(sketch)",
        "distinct viewers of a sketch, within 1.6 % nineteen times out of twenty",
    ),
    ("reach_merge(sketch)", "the sketch of all viewers of the group's sketches"),
    (
        "reach_sketch(viewer_id)",
        "a DataSketches HLL sketch of the group's viewers, to be stored and merged",
    ),
    (
        "reframe_path(signals, shots, start, end, source_width, source_height, width, height[, layout])",
        "points that a cropped window follows; of the window that the layout moves, if one is named",
    ),
    ("safe_ratio(a, b)", "`a / b`; NULL where `b` is NULL or not above 0"),
    ("same_language(a, b)", "whether two tags name one language"),
    (
        "select_clips(signals, shots, cues, min, max, n)",
        "candidates: every window, scored, chosen or not",
    ),
    ("source_location(url)", "the source as one absolute path or URL"),
    ("stable_id(value, …)", "16 hexadecimal digits, the same for the same values"),
    ("thompson_split(successes, trials, seed)", "shares of the next trials, by Thompson sampling"),
    ("two_proportion_z(k1, n1, k2, n2)", "z-test of two rates (pooled, two-sided)"),
    (
        "validate_request(source_url, language, min, max, n)",
        "what is wrong with a request, or NULLs",
    ),
    ("wilson(successes, trials, confidence)", "interval of a rate"),
    ("with_texts(brief, texts)", "the brief with a struct of texts in place of its own"),
    ("without_signature(url)", "the URL without its query"),
];

/// Functions that stand where a table stands, beside those of tables and views.
const RELATIONS: &[(&str, &str)] = &[
    (
        "shots('VIDEO')",
        "the shots of a video, analysed when the query runs; of a results folder, the table",
    ),
    ("signals('VIDEO')", "likewise its signals"),
    ("cues('VIDEO')", "likewise its captions"),
    (
        "performance('EVENTS', 'METRICS', 'COLUMNS'[, 'DIR'])",
        "metrics by columns, as `clipflow performance`",
    ),
    (
        "experiment('EVENTS', 'METRIC', 'COLUMN'[, 'DIR'])",
        "a comparison of variants, as `clipflow experiment`",
    ),
    ("platforms()", "the [platforms](platforms.md)"),
    ("platform_metrics()", "what platforms mean by their figures"),
];

fn name(call: &str) -> &str {
    call.split('(').next().unwrap()
}

/// Names of the arguments of a call, without brackets.
fn arguments(call: &str) -> Vec<String> {
    let inner = call[name(call).len()..].trim_start_matches('(').trim_end_matches(')');
    inner.split(", ").map(|a| a.replace(['[', ']'], "").replace(", ", "")).collect()
}

fn type_name(of: &DataType) -> String {
    match of {
        DataType::List(item) => format!("list of {}", type_name(item.data_type())),
        DataType::Struct(fields) if fields.len() <= 4 => {
            let names: Vec<_> = fields.iter().map(|f| f.name().as_str()).collect();
            format!("struct ({})", names.join(", "))
        }
        DataType::Struct(_) => "struct".to_owned(),
        DataType::Utf8 => "text".to_owned(),
        other => other.to_string(),
    }
}

/// What the session of an embedding program has that DataFusion's own has not: calls with what they return.
fn added() -> BTreeMap<String, (Option<Vec<String>>, String)> {
    let names = |signature: &Signature| signature.parameter_names.clone();
    let (plain, ours) = (SessionContext::new().state(), session().state());
    let mut found = BTreeMap::new();
    let nulls = |call: &str| vec![DataType::Null; call.split(", ").count()];
    let call = |name: &str| {
        GIVES.iter().find(|(call, _)| self::name(call) == name).map_or("", |(call, _)| call)
    };
    for (name, f) in ours.scalar_functions() {
        if !plain.scalar_functions().contains_key(name) {
            let gives = f.return_type(&nulls(call(name))).map_or(String::new(), |t| type_name(&t));
            found.insert(name.clone(), (names(f.signature()), gives));
        }
    }
    for (name, f) in ours.aggregate_functions() {
        if !plain.aggregate_functions().contains_key(name) {
            let gives = f.return_type(&nulls(call(name))).map_or(String::new(), |t| type_name(&t));
            found.insert(name.clone(), (names(f.signature()), format!("{gives} (aggregate)")));
        }
    }
    for (name, f) in ours.window_functions() {
        if !plain.window_functions().contains_key(name) {
            found.insert(name.clone(), (names(f.signature()), "(window)".to_owned()));
        }
    }
    found
}

#[test]
fn functions() {
    let mut text = format!(
        "# Functions\n\n{MADE} All work in `clipflow sql` and in a session that `register_all` was given;\n\
         those marked are Polars expressions of that name, too. Functions of metrics: [metrics](metrics.md). Examples: [SQL](../user/sql.md).\n\n\
         | function | returns | Polars | |\n|---|---|---|---|\n"
    );
    let of_metrics: BTreeSet<String> = METRICS
        .iter()
        .flat_map(|m| ["", "pooled_", "mean_"].map(|how| format!("{how}{}", m.name)))
        .collect();
    let mut added = added();
    added.retain(|name, _| !of_metrics.contains(name));
    let described: BTreeSet<String> = GIVES.iter().map(|(call, _)| name(call).to_owned()).collect();
    assert_eq!(described, added.keys().cloned().collect(), "GIVES describes every function");
    let expressions = fs::read_to_string(root().join("src/query/polars/exprs.rs")).unwrap();
    for (call, meaning) in GIVES {
        let (parameters, returns) = &added[name(call)];
        if let Some(parameters) = parameters {
            assert_eq!(&arguments(call), parameters, "{call}");
        }
        let is_expression = expressions.contains(&format!("pub fn {}(", name(call)));
        let polars = if is_expression { "yes" } else { "" };
        let _ = writeln!(text, "| `{call}` | {returns} | {polars} | {meaning} |");
    }

    text += "\n## Relations\n\nThey stand where a table stands. `DIR` is a results folder or its URL.\n\n| relation | is |\n|---|---|\n";
    let tables = TABLES.iter().map(|t| t.name).chain(VIEWS.iter().map(|v| v.0));
    let mut expected: BTreeSet<String> = tables.map(str::to_owned).collect();
    let calls: Vec<String> = expected.iter().map(|table| format!("`{table}('DIR')`")).collect();
    let _ = writeln!(text, "| {} | that table or view of the results |", calls.join(", "));
    for (call, meaning) in RELATIONS {
        expected.insert(name(call).to_owned());
        let _ = writeln!(text, "| `{call}` | {meaning} |");
    }
    let plain = SessionContext::new().state();
    let ours: BTreeSet<String> = session()
        .state()
        .table_functions()
        .keys()
        .filter(|name| !plain.table_functions().contains_key(*name))
        .cloned()
        .collect();
    assert_eq!(
        expected, ours,
        "RELATIONS describes every function that stands where a table stands"
    );
    text += "| `rollup_events((SELECT keys…, event, viewer_id, value …))` | [counts by key](../internals/rollup.md), in one pass |\n\
        | `analyze_media((SELECT …))`, `render_media((SELECT …))` | media work on rows, in sessions that run it |\n";
    hold("reference/functions.md", &text);
}
