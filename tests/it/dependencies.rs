//! What is linked: `deny.toml` holds, and a build without default features has no part of the command.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use figment::providers::{Format, Toml};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

/// A crate that is not linked at all, or in one version only.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    #[serde(default)]
    deny_multiple_versions: bool,
}

fn deny() -> Deny {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deny.toml");
    Toml::from_path(&path).unwrap()
}

/// `cargo metadata` of the workspace with all features on this platform.
fn metadata() -> Value {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let fixed = ["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform"];
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(fixed).arg(platform);
    let output = command.arg("--all-features").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The packages that are built for the program and for the Python package, tests left out.
fn linked(metadata: &Value) -> Vec<&Value> {
    let nodes: BTreeMap<&str, &Value> =
        list(&metadata["resolve"]["nodes"]).iter().map(|n| (text(&n["id"]), n)).collect();
    let mut found = BTreeSet::new();
    let mut next: Vec<&str> = list(&metadata["workspace_members"]).iter().map(text).collect();
    assert_eq!(next.len(), 2, "clipflow and the Python package");
    while let Some(id) = next.pop() {
        if !found.insert(id) {
            continue;
        }
        let is_linked = |dependency: &&Value| {
            list(&dependency["dep_kinds"]).iter().any(|kind| text(&kind["kind"]) != "dev")
        };
        next.extend(list(&nodes[id]["deps"]).iter().filter(is_linked).map(|d| text(&d["pkg"])));
    }
    list(&metadata["packages"]).iter().filter(|p| found.contains(text(&p["id"]))).collect()
}

/// Whether an SPDX expression is met by the licences that are allowed: `AND` binds closer than `OR`, and the
/// old `/` is an `OR`.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut words = words.as_slice();
    let met = any(&mut words, allowed);
    assert!(words.is_empty(), "{expression} is not understood");
    met
}

fn any(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut met = all(words, allowed);
    while let [first, rest @ ..] = words
        && *first == "OR"
    {
        *words = rest;
        met |= all(words, allowed);
    }
    met
}

fn all(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut met = one(words, allowed);
    while let [first, rest @ ..] = words
        && *first == "AND"
    {
        *words = rest;
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let met = any(words, allowed);
            assert_eq!(words.first(), Some(&")"));
            *words = &words[1..];
            met
        }
        [license, "WITH", exception, rest @ ..] => {
            *words = rest;
            allowed.contains(&format!("{license} WITH {exception}"))
        }
        [license, rest @ ..] => {
            *words = rest;
            allowed.contains(*license)
        }
        [] => panic!("an expression ends too early"),
    }
}

#[test]
fn licences_are_read_as_spdx_says() {
    let allowed = BTreeSet::from(["MIT".to_owned(), "Apache-2.0 WITH LLVM-exception".to_owned()]);
    for (expression, met) in [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("GPL-3.0-only OR MIT", true),
        ("GPL-3.0-only/MIT", true),
        ("GPL-3.0-only AND MIT", false),
        ("(GPL-3.0-only OR MIT) AND MIT", true),
        ("GPL-3.0-only AND MIT OR MIT", true),
        ("Apache-2.0", false),
        ("Apache-2.0 WITH LLVM-exception", true),
    ] {
        assert_eq!(is_allowed(expression, &allowed), met, "{expression}");
    }
}

#[test]
fn what_is_linked_is_allowed() {
    let deny = deny();
    let metadata = metadata();
    let packages = linked(&metadata);
    assert!(packages.len() > 300, "{} packages", packages.len());
    let mut wrong = vec![];
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in &packages {
        let (name, version) = (text(&package["name"]), text(&package["version"]));
        versions.entry(name).or_default().insert(version);
        let license = text(&package["license"]);
        if license.is_empty() || !is_allowed(license, &deny.licenses.allow) {
            wrong.push(format!("{name} {version} has the licence {license:?}"));
        }
        let source = text(&package["source"]);
        if !source.is_empty() && !source.starts_with("registry+") {
            wrong.push(format!("{name} {version} comes from {source}"));
        }
    }
    for Ban { name, deny_multiple_versions } in &deny.bans.deny {
        let most = usize::from(*deny_multiple_versions);
        if let Some(found) = versions.get(name.as_str()).filter(|found| found.len() > most) {
            wrong.push(format!("{name} is linked as {found:?}, and {most} may be"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Crates that serve the command, DataFusion, clouds, HTTP and statistics.
const OPTIONAL: [&str; 12] = [
    "clap",
    "datafusion",
    "figment",
    "hyper-util",
    "indicatif",
    "nalgebra",
    "parquet",
    "polars",
    "reqwest",
    "statrs",
    "toml",
    "tracing-subscriber",
];

#[test]
fn a_library_without_default_features_is_small() {
    // `cargo metadata` would add what the Python package asks for.
    let tree = tree(&["-e", "normal,build", "--no-default-features", "-f", "{p}"]);
    let names: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    let wrong: Vec<_> = OPTIONAL.iter().filter(|name| names.contains(*name)).collect();
    assert!(wrong.is_empty(), "{wrong:?} are linked");
    assert!(names.contains("arrow") && names.len() < 210, "{} crates", names.len());
}

/// `cargo tree` of this package, a line for each crate.
fn tree(arguments: &[&str]) -> String {
    let fixed = ["tree", "--locked", "--offline", "--prefix", "none"];
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(fixed);
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The features of a crate, as `cargo tree` prints them, in a build with `features` of this package.
fn features_of(name: &str, features: &str) -> String {
    let format = ["-e", "normal", "-f", "{p} [{f}]", "--no-default-features", "--features"];
    let tree = tree(&[&format[..], &[features]].concat());
    let line = tree.lines().find(|line| line.starts_with(&format!("{name} v")));
    line.unwrap_or_default().trim_end_matches(" (*)").to_owned()
}

/// `tracing-subscriber`, which a program adds to see its logs, asks for features of crates below DataFusion:
/// unless they are asked for already, DataFusion is compiled again.
#[test]
fn a_subscriber_of_logs_changes_nothing_below_datafusion() {
    for name in ["regex-automata", "tracing-core"] {
        let without = features_of(name, "datafusion");
        assert!(without.contains('['), "{name} is below DataFusion");
        assert_eq!(without, features_of(name, "cli"), "{name}");
    }
}
