//! Events as an OpenTelemetry collector writes them down: OTLP logs in JSON, a batch on
//! each line, as its file exporter has them.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::events::Event;
use crate::moment;

/// The scope of the plugin's records.
const SCOPE: &str = "hopguard";
const NANOS: i64 = 1_000_000_000;

/// A batch; of what it says, that which is needed here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    resource_logs: Vec<ResourceLogs>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ResourceLogs {
    scope_logs: Vec<ScopeLogs>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ScopeLogs {
    scope: Scope,
    log_records: Vec<Record>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Scope {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Record {
    event_name: String,
    time_unix_nano: Value,
    attributes: Vec<KeyValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct KeyValue {
    key: String,
    value: Value,
}

/// Whether a line is a batch.
pub fn is_batch(line: &str) -> bool {
    line.trim_start().starts_with("{\"resourceLogs\"")
}

/// hopguard's events in a batch; an error for what cannot be read.
pub fn events(line: &str) -> Vec<Result<Event, ()>> {
    let Ok(batch) = serde_json::from_str::<Batch>(line) else {
        return vec![Err(())];
    };
    let scopes = batch.resource_logs.into_iter().flat_map(|r| r.scope_logs);
    let ours = scopes.filter(|scope| scope.scope.name == SCOPE);
    let records = ours.flat_map(|scope| scope.log_records);
    records.map(|record| event(record).ok_or(())).collect()
}

/// The event that the plugin made a record of.
fn event(record: Record) -> Option<Event> {
    let nanos = integer(&record.time_unix_nano)?;
    let mut fields = key_values(record.attributes);
    let time = moment::text(nanos.div_euclid(NANOS));
    fields.insert("timestamp".to_owned(), time.into());
    fields.insert("event.name".to_owned(), record.event_name.into());
    let event = serde_json::from_value::<Event>(fields.into()).ok()?;
    event.is_whole().then_some(event)
}

fn key_values(list: Vec<KeyValue>) -> Map<String, Value> {
    let fields = list.into_iter();
    fields
        .map(|field| (field.key, plain(field.value)))
        .collect()
}

/// An `AnyValue` as plain JSON.
fn plain(value: Value) -> Value {
    let Value::Object(fields) = value else {
        return Value::Null;
    };
    let Some((kind, value)) = fields.into_iter().next() else {
        return Value::Null;
    };
    match (kind.as_str(), value) {
        // 64-bit integers are strings in the JSON of protobuf.
        ("intValue", value) => integer(&value).into(),
        ("stringValue" | "boolValue" | "doubleValue", value) => value,
        ("arrayValue", value) => match value.get("values") {
            Some(Value::Array(values)) => values.iter().cloned().map(plain).collect(),
            _ => Value::Array(Vec::new()),
        },
        ("kvlistValue", value) => {
            let values = value.get("values").cloned().unwrap_or_default();
            let values = serde_json::from_value(values).unwrap_or_default();
            Value::Object(key_values(values))
        }
        _ => Value::Null,
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64(),
    }
}
