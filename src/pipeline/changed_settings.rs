//! Settings that differ from those of the last run into the same results.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::RunConfig;
use crate::kernels::ids::stable_id;
use crate::store::Dataset;
use crate::telemetry::Event;

/// Longest value that is kept as it is; a longer one is kept as its hash.
const LONGEST_VALUE: usize = 60;
/// Differences that the sentence shows.
const SHOWN: usize = 4;

/// The settings that results depend on, by name.
pub(super) fn settings(config: &RunConfig) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut render = json!(config.render);
    if let Some(render) = render.as_object_mut() {
        // They decide how the work is done and not what comes of it.
        for name in ["max_outputs", "memory_bytes"] {
            render.remove(name);
        }
    }
    let text_model = config.text_model.as_ref().map(|model| model.identity());
    let settings = json!({
        "analyze": config.analyze,
        "render": render,
        "variants": config.variants,
        "weights": config.weights,
        "max_clips": config.max_clips,
        "text_model": text_model,
        "transcription": config.transcription().ok().flatten(),
        "faces": config.faces().ok().flatten().map(|faces| faces.identity),
    });
    flatten("", &settings, &mut all);
    all
}

fn flatten(name: &str, value: &Value, all: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) if name != "weights" && name != "variants.models" => {
            for (field, value) in fields.iter().filter(|(field, _)| *field != "limits") {
                let name = if name.is_empty() { field.clone() } else { format!("{name}.{field}") };
                flatten(&name, value, all);
            }
        }
        Value::Null => {}
        value => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let text = match text.len() > LONGEST_VALUE {
                true => format!("#{}", stable_id([Some(text.as_str())])),
                false => text,
            };
            all.insert(name.to_owned(), text);
        }
    }
}

/// Tell the observer which settings differ from those of the newest results.
pub(super) fn notice(config: &RunConfig, dataset: &Dataset, now: &BTreeMap<String, String>) {
    let Some(before) = dataset.settings() else { return };
    let names = before.keys().chain(now.keys().filter(|name| !before.contains_key(*name)));
    let differing: Vec<&String> =
        names.filter(|name| before.get(*name) != now.get(*name)).collect();
    if differing.is_empty() {
        return;
    }
    let shown = |value: Option<&String>| match value {
        Some(hash) if hash.starts_with('#') => "another one".to_owned(),
        Some(value) => value.clone(),
        None => "not set".to_owned(),
    };
    let mut parts: Vec<String> = differing
        .iter()
        .take(SHOWN)
        .map(|name| {
            format!("{name} is {}, was {}", shown(now.get(*name)), shown(before.get(*name)))
        })
        .collect();
    if differing.len() > SHOWN {
        parts.push(format!("and {} more", differing.len() - SHOWN));
    }
    let sentence = format!(
        "the settings are not those of the last run into {}: {}; requests of this run follow the new ones, others stay as they are",
        config.out,
        parts.join("; ")
    );
    config.observer.event(&Event::Note { sentence: &sentence });
}
