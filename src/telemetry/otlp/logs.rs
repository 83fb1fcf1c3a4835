//! Log events, with the trace that they happened in.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::{attribute, nanoseconds, scope};
use crate::telemetry::logs::LogEntry;
use crate::telemetry::trace::TraceId;

/// The request with `entries`.
pub fn logs(resource: &Resource, entries: &[LogEntry]) -> ExportLogsServiceRequest {
    let log_records = entries.iter().map(record).collect();
    let scope_logs = vec![ScopeLogs { scope: scope(), log_records, ..Default::default() }];
    let resource = Some(resource.clone());
    let of_resource = ResourceLogs { resource, scope_logs, ..Default::default() };
    ExportLogsServiceRequest { resource_logs: vec![of_resource] }
}

fn record(entry: &LogEntry) -> LogRecord {
    let severity = match entry.level {
        "ERROR" => SeverityNumber::Error,
        "WARN" => SeverityNumber::Warn,
        "INFO" => SeverityNumber::Info,
        "DEBUG" => SeverityNumber::Debug,
        _ => SeverityNumber::Trace,
    };
    let trace = entry.fields.iter().find(|(name, _)| name == "trace_id");
    let trace: Option<TraceId> = trace.and_then(|(_, id)| id.parse().ok());
    // Names of attributes are unique; what the event says is nearer than what its spans say.
    let mut fields: BTreeMap<&str, &str> =
        entry.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    fields.remove("trace_id");
    fields.insert("code.namespace", &entry.target);
    let time = nanoseconds(entry.timestamp);
    LogRecord {
        time_unix_nano: time,
        observed_time_unix_nano: time,
        severity_number: severity as i32,
        severity_text: entry.level.to_owned(),
        body: Some(AnyValue { value: Some(Value::StringValue(entry.message.clone())) }),
        attributes: fields.into_iter().map(|(name, value)| attribute(name, value)).collect(),
        trace_id: trace.map_or_else(Vec::new, |id| id.0.to_be_bytes().to_vec()),
        ..Default::default()
    }
}
