//! What is compared of two answers.

use std::collections::BTreeMap;

use serde_json::Value;

/// Leave in a row what was asked; rows that are left out are those of all metrics.
pub fn keep(row: &mut BTreeMap<String, Value>, metrics: &[String], by: &[&str]) {
    let is_all = metrics.len() == super::reference::asked().len();
    row.retain(|name, _| {
        metrics.contains(name)
            || by.contains(&name.as_str())
            || name == "variants"
            || (is_all && name == "left_out")
    });
}

/// Where an answer differs from what is expected; none if it does not.
pub fn difference(
    rows: &[Value],
    expected: &[BTreeMap<String, Value>],
    by: &[&str],
) -> Option<String> {
    if rows.len() != expected.len() {
        return Some(format!("{} rows, not {}: {rows:?}", rows.len(), expected.len()));
    }
    for expected in expected {
        // A value that is missing is left away.
        // A column of numbers alone is one of numbers, which are written as their text.
        let key = |name: &&str, row: &Value| match row.get(*name) {
            Some(Value::Number(number)) => Value::from(number.to_string()),
            value => value.cloned().unwrap_or(Value::Null),
        };
        let found = rows.iter().find(|row| by.iter().all(|name| key(name, row) == expected[*name]));
        let Some(found) = found else {
            let key: Vec<&Value> = by.iter().map(|name| &expected[*name]).collect();
            return Some(format!("there is no row of {key:?}"));
        };
        for (name, expected) in expected.iter().filter(|(name, _)| !by.contains(&name.as_str())) {
            let found = found.get(name).and_then(Value::as_f64);
            let is_same = match (found, expected.as_f64()) {
                (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * b.abs().max(1.0),
                (a, b) => a == b,
            };
            if !is_same {
                return Some(format!("{name} is {found:?}, not {expected}"));
            }
        }
    }
    None
}
