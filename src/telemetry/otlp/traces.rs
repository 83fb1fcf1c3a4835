//! Spans.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as OtlpSpan, Status};

use super::{attribute, nanoseconds, scope};
use crate::telemetry::trace::Span;

/// The request with `spans`.
pub fn traces(resource: &Resource, spans: &[Span]) -> ExportTraceServiceRequest {
    let spans = spans.iter().map(span).collect();
    let scope_spans = vec![ScopeSpans { scope: scope(), spans, ..Default::default() }];
    let resource = Some(resource.clone());
    let of_resource = ResourceSpans { resource, scope_spans, ..Default::default() };
    ExportTraceServiceRequest { resource_spans: vec![of_resource] }
}

fn span(span: &Span) -> OtlpSpan {
    let given = span.attributes.iter().map(|(name, value)| attribute(name, value));
    let category = attribute("category", &span.category);
    let mut attributes: Vec<_> = given.chain([category]).collect();
    // Of a media process its own number is there; of the others the number of the program that did the work.
    if attributes.iter().all(|attribute| attribute.key != "process.pid") {
        attributes.push(attribute("process.pid", &span.pid.to_string()));
    }
    attributes.extend(span.error.iter().map(|code| attribute("code", code)));
    let status = span
        .error
        .as_ref()
        .map(|code| Status { message: code.clone(), code: StatusCode::Error as i32 });
    let kind = if span.category == "fetch" { SpanKind::Client } else { SpanKind::Internal };
    OtlpSpan {
        trace_id: span.trace.0.to_be_bytes().to_vec(),
        span_id: span.id.to_be_bytes().to_vec(),
        parent_span_id: span.parent.map_or_else(Vec::new, |id| id.to_be_bytes().to_vec()),
        name: span.name.clone(),
        kind: kind as i32,
        start_time_unix_nano: nanoseconds(span.start),
        end_time_unix_nano: nanoseconds(span.start + span.seconds),
        attributes,
        status,
        ..Default::default()
    }
}
