//! Traces, metrics and logs as the messages of OTLP, OpenTelemetry's protocol, version 1.
//!
//! Attributes have the names of OpenTelemetry's semantic conventions where there are any; the others begin with
//! `clipflow.`.

mod logs;
mod metrics;
mod traces;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
pub use opentelemetry_proto::tonic::resource::v1::Resource;

pub use logs::logs;
pub use metrics::metrics;
pub use traces::traces;

/// The program that reports. `variable` gives the value of an environment variable: `OTEL_SERVICE_NAME` and
/// `OTEL_RESOURCE_ATTRIBUTES` (`name=value,…`, values percent-encoded) win over what clipflow says of itself.
pub fn resource(variable: impl Fn(&str) -> Option<String>) -> Resource {
    let mut attributes = vec![
        ("service.name".to_owned(), "clipflow".to_owned()),
        ("service.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("process.pid".to_owned(), std::process::id().to_string()),
    ];
    let mut set = |name: String, value: String| {
        attributes.retain(|(given, _)| *given != name);
        attributes.push((name, value));
    };
    for (name, value) in pairs(&variable("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default()) {
        set(name, value);
    }
    if let Some(name) = variable("OTEL_SERVICE_NAME").filter(|name| !name.trim().is_empty()) {
        set("service.name".to_owned(), name);
    }
    let attributes = attributes.iter().map(|(name, value)| attribute(name, value)).collect();
    Resource { attributes, ..Default::default() }
}

/// The pairs of a list as OpenTelemetry's variables have it: `name=value,name=value`, values percent-encoded.
pub fn pairs(list: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        let value = value.trim().replace('+', "%2B");
        let decoded = url::form_urlencoded::parse(value.as_bytes()).next();
        let value = decoded.map_or_else(String::new, |(value, _)| value.into_owned());
        Some((name.trim().to_owned(), value)).filter(|(name, _)| !name.is_empty())
    };
    list.split(',').filter_map(pair).collect()
}

/// What made the records.
fn scope() -> Option<InstrumentationScope> {
    Some(InstrumentationScope {
        name: "clipflow".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Default::default()
    })
}

/// An attribute; its value is a number where the text is one.
fn attribute(name: &str, value: &str) -> KeyValue {
    let whole = || value.parse().ok().map(Value::IntValue);
    let number = || value.parse().ok().filter(|n: &f64| n.is_finite()).map(Value::DoubleValue);
    let text = || Value::StringValue(value.to_owned());
    let value = whole().or_else(number).unwrap_or_else(text);
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: conventional(name), value, ..Default::default() }
}

/// A name by the semantic conventions; one of our own has our prefix.
fn conventional(name: &str) -> String {
    match name {
        "host" => "server.address".to_owned(),
        "code" | "error_code" => "error.type".to_owned(),
        name if name.contains('.') => name.to_owned(),
        name => format!("clipflow.{name}"),
    }
}

/// Seconds since 1970 as nanoseconds.
fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9).max(0.0) as u64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn text(resource: &Resource, name: &str) -> Option<Value> {
        let found = resource.attributes.iter().find(|attribute| attribute.key == name)?;
        found.value.clone()?.value
    }

    #[test]
    fn the_environment_wins_over_what_clipflow_says_of_itself() {
        let said = resource(|_| None);
        assert_eq!(text(&said, "service.name"), Some(Value::StringValue("clipflow".into())));
        let pid = i64::from(std::process::id());
        assert_eq!(text(&said, "process.pid"), Some(Value::IntValue(pid)));
        let said = resource(|name| match name {
            "OTEL_RESOURCE_ATTRIBUTES" => {
                Some("service.name=a, deployment.environment=t%20st+1,x,=y".into())
            }
            "OTEL_SERVICE_NAME" => Some("cuts".into()),
            _ => None,
        });
        assert_eq!(text(&said, "service.name"), Some(Value::StringValue("cuts".into())));
        let environment = text(&said, "deployment.environment");
        assert_eq!(environment, Some(Value::StringValue("t st+1".into())));
        assert_eq!(said.attributes.len(), 4);
    }
}
