//! Experiments from the command line and in Polars.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::super::support::{clipflow, query, stderr, stdout};
use super::super::variants::finished;

/// Daily aggregates: experiment, variant, impressions, views of 3 s, likes, views.
fn days(rows: &[(&str, &str, u32, u32, u32, u32)]) -> String {
    let mut text =
        "experiment_id,variant_id,day,impressions,views_3s,likes,comments,views\n".to_owned();
    for (experiment, variant, impressions, views_3s, likes, views) in rows {
        // In two days, which are added up.
        for day in [1, 2] {
            let part = |n: u32| if day == 1 { n / 3 } else { n - n / 3 };
            let _ = writeln!(
                text,
                "{experiment},{variant},2026-05-0{day},{},{},{},,{}",
                part(*impressions),
                part(*views_3s),
                part(*likes),
                part(*views)
            );
        }
    }
    text
}

fn experiment(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = clipflow(folder, &[&["experiment"], args].concat());
    (output.status.code(), stdout(&output), stderr(&output))
}

#[test]
fn one_experiment_has_a_winner_and_another_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let rows = [
        ("hooks", "a", 1000, 300, 10, 500),
        ("hooks", "b", 1000, 400, 10, 500),
        ("hooks", "c", 1000, 310, 10, 500),
        ("lengths", "d", 1000, 380, 10, 500),
        ("lengths", "e", 1000, 400, 10, 500),
        ("", "f", 1000, 400, 10, 500),
    ];
    fs::write(folder.join("events.csv"), days(&rows)).unwrap();
    let asked = ["--events", "events.csv", "--metric", "hook_rate"];
    let (code, rows, notice) =
        experiment(folder, &[asked.as_slice(), &["--format", "json"]].concat());
    assert_eq!(code, Some(0), "{notice}");
    let rows: Vec<serde_json::Value> =
        rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let column = |name: &str| rows.iter().map(|r| r[name].clone()).collect::<Vec<_>>();
    assert_eq!(column("variant_id"), ["b", "c", "a", "e", "d"]);
    assert_eq!(column("winner"), [true, false, false, false, false]);
    assert_eq!(column("successes"), [400, 310, 300, 400, 380]);
    assert_eq!(column("trials"), [1000; 5]);
    let near = |row: usize, name: &str, expected: f64| {
        let found = rows[row][name].as_f64().unwrap();
        assert!((found - expected).abs() < 1e-9, "{name}: {found}, not {expected}");
    };
    // By statsmodels: proportion_confint(400, 1000, method="wilson"), confint_proportions_2indep(400, 1000,
    // 310, 1000, method="newcomb"), proportions_ztest and multipletests(method="holm").
    near(0, "rate", 0.4);
    near(0, "low", WILSON[0]);
    near(0, "high", WILSON[1]);
    near(0, "difference_low", NEWCOMBE[0]);
    near(0, "difference_high", NEWCOMBE[1]);
    near(0, "p", HOLM);
    near(3, "p", ALONE);
    near(3, "min_detectable_effect", DETECTABLE);
    assert_eq!(rows[0]["verdict"], rows[2]["verdict"]);
    assert!(rows[0]["verdict"].as_str().unwrap().starts_with(
        "b (40.00 %) wins over c (31.00 %), +4.81 to +13.15 points; p < 0.0001 after"
    ));
    let says = rows[4]["verdict"].as_str().unwrap();
    assert!(
        says.starts_with("no winner: e (40.00 %) cannot be told from d (38.00 %): p = 0.3592"),
        "{says}"
    );
    for group in [0..3, 3..5] {
        let shares: f64 = rows[group].iter().map(|r| r["share"].as_f64().unwrap()).sum();
        assert!((shares - 1.0).abs() < 1e-9);
    }
    // The same again, to the last digit; as a table the verdicts stand beneath.
    let (_, table, notice) =
        experiment(folder, &[asked.as_slice(), &["--experiment", "lengths"]].concat());
    assert!(table.contains("| lengths ") && !table.contains("hooks"), "{table}");
    assert!(notice.contains("lengths: no winner: ") && !notice.contains("hooks"), "{notice}");
}

const WILSON: [f64; 2] = [0.37007478121137727, 0.4306905704857338];
const NEWCOMBE: [f64; 2] = [0.04808655178722127, 0.13147161174281885];
const HOLM: f64 = 5.206578947539993e-05;
const ALONE: f64 = 0.35919968642903977;
const DETECTABLE: f64 = 0.061110530824100166;

#[test]
fn metrics_that_are_no_proportions_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let rows = [("x", "a", 1000, 300, 60, 50), ("x", "b", 1000, 300, 10, 50)];
    fs::write(folder.join("events.csv"), days(&rows)).unwrap();
    let error = |args: &[&str]| {
        let (code, rows, error) = experiment(folder, &[&["--events", "events.csv"], args].concat());
        assert_eq!((code, rows.as_str()), (Some(2), ""), "{error}");
        error
    };
    let says = error(&["--metric", "engagement_rate"]);
    assert!(
        says.contains("the variant a has 60 successes in 50 trials of engagement_rate"),
        "{says}"
    );
    assert!(says.contains("take one that is: hook_rate, "), "{says}");
    assert!(error(&["--metric", "velocity"]).contains("velocity is no proportion of trials"));
    let says = error(&["--metric", "hook_rate", "--confidence", "95"]);
    assert!(says.contains("give a share between 0 and 1"), "{says}");
    let says = error(&["--metric", "hook_rate", "--experiment", "y"]);
    assert!(says.contains("no event in") && says.contains("the experiment y"), "{says}");
}

#[test]
fn variants_of_results_belong_to_the_experiment_of_their_request() {
    let folder = finished();
    let variants = query(
        folder,
        "SELECT variant_id FROM variants WHERE experiment_id = 'hooks' ORDER BY variant_id LIMIT 2",
    );
    let mut text = "variant_id,day,impressions,views_3s\n".to_owned();
    for (variant, hooked) in variants.iter().zip([10, 90]) {
        let _ = writeln!(text, "{variant},2026-05-01,100,{hooked}");
    }
    fs::write(folder.join("experiment.csv"), text).unwrap();
    let args = ["out", "--events", "experiment.csv", "--metric", "hook_rate", "--format", "csv"];
    let (code, rows, error) = experiment(folder, &args);
    assert_eq!(code, Some(0), "{error}");
    let rows: Vec<&str> = rows.lines().skip(1).collect();
    assert_eq!(rows.len(), 2);
    assert!(rows[0].starts_with(&format!("hooks,{},100,90,0.9,", variants[1])), "{rows:?}");
    assert!(rows[0].contains(&format!("{} (90.00 %) wins over ", variants[1])));
}

#[test]
fn columns_of_variants_are_compared_as_variants_are() {
    let folder = finished();
    let rows = query(folder, "SELECT variant_id, platform FROM variants ORDER BY variant_id");
    let rows: Vec<(&str, &str)> = rows.iter().filter_map(|row| row.split_once(',')).collect();
    let first = rows[0].1;
    // Those of one platform hook 60 of 100, the others 30; some rows are of no known kind.
    let mut text = "variant_id,event,ts,viewer_id\n".to_owned();
    let mut counts = std::collections::BTreeMap::<&str, (i64, i64)>::new();
    for (variant, platform) in &rows {
        let hooked = if *platform == first { 60 } else { 30 };
        for n in 0..100 {
            let _ = writeln!(text, "{variant},impression,2026-05-01T00:00:00,v{n}");
            if n < hooked {
                let _ = writeln!(text, "{variant},view_3s,2026-05-01T00:00:01,v{n}");
            }
        }
        let _ = writeln!(text, "{variant},impresion,2026-05-01T00:00:00,v");
        let count = counts.entry(platform).or_default();
        *count = (count.0 + hooked, count.1 + 100);
    }
    assert!(counts.len() > 1, "{counts:?}");
    fs::write(folder.join("by.csv"), text).unwrap();
    let args = ["out", "--events", "by.csv", "--metric", "hook_rate", "--by", "platform"];
    let (code, rows_found, notices) =
        experiment(folder, &[&args[..], &["--format", "csv"]].concat());
    assert_eq!(code, Some(0), "{notices}");
    let unknown = format!("{0} rows are of event kinds that are not known", rows.len());
    assert!(notices.contains(&unknown) && notices.contains("impresion"), "{notices}");
    assert!(notices.contains("the same platform are added up"), "{notices}");
    assert!(rows_found.starts_with("experiment_id,platform,trials,successes,rate"), "{rows_found}");
    let found = rows_found.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    let mut sums = std::collections::BTreeMap::<String, (i64, i64)>::new();
    for row in found {
        let sum = sums.entry(row[1].to_owned()).or_default();
        let number = |n: usize| row[n].parse::<i64>().unwrap();
        *sum = (sum.0 + number(3), sum.1 + number(2));
    }
    let counts: std::collections::BTreeMap<String, _> =
        counts.into_iter().map(|(platform, count)| (platform.to_owned(), count)).collect();
    assert_eq!(sums, counts);
    // The same as a table.
    let sql =
        "SELECT platform, sum(successes) AS s FROM experiment('by.csv', 'hook_rate', 'platform', 'out')
               GROUP BY platform ORDER BY platform";
    let table = clipflow(folder, &["sql", "out", sql, "--format", "csv"]);
    let wanted: Vec<String> =
        sums.iter().map(|(platform, s)| format!("{platform},{}", s.0)).collect();
    assert_eq!(stdout(&table).lines().skip(1).collect::<Vec<_>>(), wanted, "{}", stderr(&table));
    let (code, _, error) = experiment(folder, &[&args[..6], &["no_such"]].concat());
    assert_eq!(code, Some(2), "{error}");
    for (arguments, said) in [
        ("'by.csv'", "experiment() takes events, a metric, what is compared"),
        ("'by.csv', 'velocity', 'platform', 'out'", "velocity is no proportion of trials"),
    ] {
        let sql = format!("SELECT * FROM experiment({arguments})");
        let answer = clipflow(folder, &["sql", "out", &sql]);
        assert!(!answer.status.success() && stderr(&answer).contains(said), "{}", stderr(&answer));
    }
}

#[tokio::test]
async fn the_processor_of_analytics_compares_and_learns() {
    let folder = tempfile::tempdir().unwrap();
    let events = folder.path().join("events.csv");
    let rows = [("hooks", "a", 1000, 300, 10, 500), ("hooks", "b", 1000, 400, 10, 500)];
    fs::write(&events, days(&rows)).unwrap();
    let analytics = clipflow::processors::ViralAnalyticsProcessor::new(events.as_path());
    let found = analytics.experiment(None, "hook_rate", None).await.unwrap();
    assert_eq!((found.rows[0].variant_id.as_str(), found.rows[0].winner), ("b", true));
    // No results, so nothing to learn from: the processor says so as the command does.
    let missing = clipflow::location::Location::from(folder.path().join("none"));
    let error = analytics.train(missing.clone(), "hook_rate").await.unwrap_err();
    assert_eq!(error.code().as_str(), "store.read");
    let error = analytics.train_selection(missing).await.unwrap_err();
    assert_eq!(error.code().as_str(), "store.read");
}
