//! Scores that learn, from the command line: trained on generated events, applied, refused.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use super::support::{HEAD, clipflow, query, show, stderr, stdout};

/// A folder with many planned variants, made once.
fn planned() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            show::make(&folder.path().join("show.mp4"));
            let mut requests = HEAD.to_owned();
            for i in 0..12 {
                let _ = writeln!(requests, "r{i},show.mp4,{},{},3", 4 + i / 3, 8 + i);
            }
            fs::write(folder.path().join("requests.csv"), requests).unwrap();
            run(folder.path(), "out", &[]);
            folder
        })
        .path()
}

fn run(folder: &Path, out: &str, more: &[&str]) {
    let asked = ["run", "requests.csv", "--out", out, "--variants", "6", "--plan-only", "--quiet"];
    let output = clipflow(folder, &[&asked, more].concat());
    assert!(output.status.success(), "{}", stderr(&output));
}

/// Of each variant its features.
fn features(folder: &Path) -> BTreeMap<String, BTreeMap<String, f64>> {
    let rows = query(
        folder,
        "SELECT variant_id, p['feature'], p['value'] FROM (SELECT variant_id, unnest(score_parts) AS p FROM variants)
         WHERE p['value'] IS NOT NULL",
    );
    let mut all: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.split(',').collect();
        let features = all.entry(cells[0].to_owned()).or_default();
        features.insert(cells[1].to_owned(), cells[2].parse().unwrap());
    }
    all
}

/// A rate that two features make.
fn known_rate(features: &BTreeMap<String, f64>) -> f64 {
    let sum = -1.0 + 2.0 * (features["length_fit"] - 0.6) - 2.5 * (features["picture_fill"] - 0.7);
    1.0 / (1.0 + (-sum).exp())
}

/// Days with 2000 impressions of each variant.
fn write_events(folder: &Path, name: &str, rates: impl Iterator<Item = (String, f64)>) {
    let mut text = "variant_id,day,impressions,views_3s,likes,views\n".to_owned();
    for (variant, rate) in rates {
        let hooked = (2000.0 * rate).round();
        let _ = writeln!(text, "{variant},2026-05-01,2000,{hooked},{},100", 3.0 * hooked);
    }
    fs::write(folder.join(name), text).unwrap();
}

fn train(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = clipflow(folder, &[&["train", "out"], args].concat());
    (output.status.code(), stdout(&output), stderr(&output))
}

#[test]
fn the_model_in_the_documents_scores_and_a_wrong_one_is_told_by_its_field() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/user/learning.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, after) = page.split_once("```json\n").unwrap();
    let (json, documented) = after.split_once("```").unwrap();
    for feature in clipflow::kernels::variants::FEATURE_NAMES {
        assert!(documented.contains(&format!("`{feature}`")), "{feature} is not on the page");
    }
    let folder = planned();
    let score = |model: &str| {
        fs::write(folder.join("ours.json"), model).unwrap();
        clipflow(folder, &["score", "out", "--model", "ours.json", "--format", "csv"])
    };
    let scored = score(json);
    assert!(scored.status.success(), "{}", stderr(&scored));
    let rows = stdout(&scored).lines().count() - 1;
    assert_eq!(query(folder, "SELECT count(*) FROM variants"), [rows.to_string()]);
    for (from, to, said) in [
        ("0.2}", "\"0.2\"}", "in ours.json: the score model cannot be read (features[0].scale: "),
        (", \"mean\": 0.6", "", "features[1]: missing field `mean`"),
        ("logistic", "cubic", "link: unknown variant `cubic`"),
        ("length_fit", "lenght_fit", "uses the feature lenght_fit, which is not measured"),
    ] {
        let output = score(&json.replacen(from, to, 1));
        assert_eq!(output.status.code(), Some(2), "{from}");
        let error = stderr(&output);
        assert!(error.starts_with("error[config.invalid]") && error.contains(said), "{error}");
    }
}

#[test]
fn a_score_learns_what_goes_along_with_the_rate_and_is_applied() {
    let folder = planned();
    let features = features(folder);
    assert!(features.len() > 100, "{}", features.len());
    let rates = features.iter().map(|(id, of)| (id.clone(), known_rate(of)));
    write_events(folder, "known.csv", rates);
    let asked = ["--events", "known.csv", "--target", "hook_rate", "-o", "model.json"];
    let (code, said, error) = train(folder, &asked);
    assert_eq!(code, Some(0), "{error}");
    let rho = said.split("rho ").nth(1).unwrap().split(';').next().unwrap();
    assert!(rho.parse::<f64>().unwrap() > 0.9, "{said}");
    assert!(
        said.contains("calibration, held out") && said.contains("written to model.json"),
        "{said}"
    );

    let model = fs::read_to_string(folder.join("model.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&model).unwrap();
    let training = &json["training"];
    assert_eq!(training["rows"], features.len());
    assert_eq!(training["definition"], "views_3s / impressions");
    assert_eq!(training["data_hash"].as_str().unwrap().len(), 64);
    assert!(
        training["trained_at"].is_null()
            && training["cv_loss"].as_f64() < training["baseline_loss"].as_f64()
    );
    // The same data, the same file; a time only if it is said.
    train(folder, &asked);
    assert_eq!(fs::read_to_string(folder.join("model.json")).unwrap(), model);
    let timed = [&asked[..5], &["timed.json", "--trained-at", "2026-05-02T03:04:05Z"]].concat();
    assert_eq!(train(folder, &timed).0, Some(0));
    let timed = fs::read_to_string(folder.join("timed.json")).unwrap();
    assert!(timed.contains(r#""trained_at": "2026-05-02T03:04:05Z""#), "{timed}");

    let linear = [&asked[..5], &["linear.json", "--link", "linear"]].concat();
    assert_eq!(train(folder, &linear).0, Some(0));
    let linear = fs::read_to_string(folder.join("linear.json")).unwrap();
    assert!(linear.contains(r#""link": "identity""#), "{linear}");

    // The scores are the rates again.
    let scored = clipflow(folder, &["score", "out", "--model", "model.json", "--format", "json"]);
    assert!(scored.status.success(), "{}", stderr(&scored));
    let label = format!("{} v1", json["name"].as_str().unwrap());
    let mut seen = 0;
    for line in stdout(&scored).lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let rate = known_rate(&features[row["variant_id"].as_str().unwrap()]);
        let score = row["viral_score"].as_f64().unwrap();
        assert!((score - rate).abs() < 0.02, "{score} and not {rate}");
        assert_eq!(row["score_model"], label.as_str());
        seen += 1;
    }
    assert_eq!(seen, features.len());
    let best = query(folder, "SELECT DISTINCT score_model FROM variants");
    assert_eq!(best, ["built-in viral v1"], "the results stay as they are");

    // A run scores with it.
    run(folder, "learnt", &["--model", "model.json"]);
    let sql = "SELECT DISTINCT score_model, viral_score = predicted_hook_rate FROM variants";
    let output = clipflow(folder, &["sql", "learnt", sql, "--format", "csv"]);
    assert_eq!(stdout(&output).lines().nth(1), Some(format!("{label},true").as_str()));
}

#[test]
fn what_cannot_be_learnt_is_refused_and_writes_nothing() {
    let folder = planned();
    let features = features(folder);
    let by_chance =
        |(i, id): (usize, &String)| (id.clone(), 0.1 + 0.5 * ((i * 7919) % 1000) as f64 / 1000.0);
    write_events(folder, "random.csv", features.keys().enumerate().map(by_chance));
    write_events(folder, "few.csv", features.keys().take(20).map(|id| (id.clone(), 0.2)));
    let refused = |args: &[&str]| {
        let (code, _, error) = train(folder, &[args, &["-o", "refused.json"]].concat());
        assert_eq!(code, Some(2), "{error}");
        assert!(!folder.join("refused.json").exists());
        error
    };
    let error = refused(&["--events", "random.csv", "--target", "hook_rate"]);
    assert!(
        error.starts_with("error[fit.no_better]: the features do not predict hook_rate"),
        "{error}"
    );
    let error = refused(&["--events", "few.csv", "--target", "hook_rate"]);
    assert!(error.starts_with("error[fit.too_few]: 20 variants of "), "{error}");
    let error = refused(&["--events", "few.csv", "--target", "engagement_rate"]);
    assert!(error.contains("successes in 100 trials of engagement_rate"), "{error}");
    let error = refused(&["--events", "few.csv", "--target", "velocity"]);
    assert!(error.contains("velocity is no proportion of trials"), "{error}");
    let error = refused(&["--events", "few.csv", "--target", "hook_rate", "--trained-at", "noon"]);
    assert!(error.contains("give a time such as"), "{error}");
    // One source says nothing of others, and these events nothing of when people leave.
    let error = refused(&["--events", "random.csv", "--selection"]);
    assert!(
        error.starts_with("error[fit.too_few]: 0 quarters of variants of 0 sources"),
        "{error}"
    );
}

#[test]
fn weights_of_a_file_choose_the_clips() {
    let folder = planned();
    fs::write(folder.join("weights.json"), r#"{"weights":{"hook":0,"motion":1,"loudness":0,"loudness_peak":0,
        "onset":0,"speech":0,"sound":0,"cut_rate":0,"light":0,"chroma":0,"captions":0,"start":0,"end":0,"length":0}}"#)
        .unwrap();
    let candidates = "SELECT request_id, candidate_id, motion, score FROM candidates ORDER BY request_id, candidate_id";
    let asked = ["run", "requests.csv", "--out", "weighed", "--plan-only"];
    let output = clipflow(folder, &asked);
    assert!(output.status.success(), "{}", stderr(&output));
    let rows = |folder: &Path| {
        let output = clipflow(folder, &["sql", "weighed", candidates, "--format", "csv"]);
        stdout(&output)
    };
    let by_hand = rows(folder);
    let output = clipflow(folder, &[&asked[..], &["--weights", "weights.json"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(!stdout(&output).contains("nothing to do"), "other weights are another run");
    assert_ne!(rows(folder), by_hand);
    let output = clipflow(folder, &[&asked[..], &["--weights", "weights.json"]].concat());
    assert!(stdout(&output).contains("nothing to do"));
    // By motion alone: the more of it, the higher the score.
    let sql = "SELECT count(*) FROM candidates a JOIN candidates b ON a.request_id = b.request_id
        WHERE a.motion > b.motion AND a.score < b.score";
    let output = clipflow(folder, &["sql", "weighed", sql, "--format", "csv"]);
    assert_eq!(stdout(&output).lines().nth(1), Some("0"));
    fs::write(folder.join("wrong.json"), r#"{"weights":{"hook":-1}}"#).unwrap();
    let output = clipflow(folder, &[&asked[..], &["--weights", "wrong.json"]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("each must be at least 0"), "{}", stderr(&output));
}
