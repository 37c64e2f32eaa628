//! Events as OTLP log records (opentelemetry-proto 1.x), in the JSON encoding
//! that every OTLP/HTTP receiver takes.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::event::Event;
use crate::host::Level;

/// Who sends the records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// `service.name`: the Envoy node's cluster.
    pub service_name: String,
    /// `service.instance.id`: the Envoy node's id; empty where it has none.
    pub instance_id: String,
}

/// One record, encoded.
pub fn record(event: &Event, level: Level, nanos: u64) -> String {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(event) else {
        // A struct of strings and numbers always serialises.
        return String::new();
    };
    fields.remove("timestamp");
    let name = fields.remove("event.name").unwrap_or_default();
    let detail = fields.get("hopguard.detail").cloned().unwrap_or_default();
    // Numbers of the logs data model.
    let (number, text) = match level {
        Level::Info => (9, "INFO"),
        Level::Warn => (13, "WARN"),
        Level::Error => (17, "ERROR"),
    };
    json!({
        "timeUnixNano": nanos.to_string(),
        "observedTimeUnixNano": nanos.to_string(),
        "severityNumber": number,
        "severityText": text,
        "eventName": name,
        "body": any_value(detail),
        "attributes": key_values(fields),
    })
    .to_string()
}

/// A request of `/v1/logs` with these records.
pub fn request<'a>(resource: &Resource, records: impl Iterator<Item = &'a str>) -> String {
    #[derive(Serialize)]
    struct Attributes {
        attributes: Value,
    }
    let mut attributes = Map::new();
    attributes.insert("service.name".into(), json!(resource.service_name));
    if !resource.instance_id.is_empty() {
        attributes.insert("service.instance.id".into(), json!(resource.instance_id));
    }
    let resource = json!(Attributes {
        attributes: key_values(attributes)
    });
    let scope = json!({ "name": "hopguard", "version": env!("CARGO_PKG_VERSION") });
    let mut body = format!(
        "{{\"resourceLogs\":[{{\"resource\":{resource},\"scopeLogs\":[{{\"scope\":{scope},\"logRecords\":["
    );
    for (index, record) in records.enumerate() {
        if index > 0 {
            body.push(',');
        }
        body.push_str(record);
    }
    body.push_str("]}]}]}");
    body
}

fn key_values(fields: Map<String, Value>) -> Value {
    fields
        .into_iter()
        .map(|(key, value)| json!({ "key": key, "value": any_value(value) }))
        .collect()
}

fn any_value(value: Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(value) => json!({ "boolValue": value }),
        // 64-bit integers are strings in the JSON of protobuf.
        Value::Number(value) => json!({ "intValue": value.to_string() }),
        Value::String(value) => json!({ "stringValue": value }),
        Value::Array(values) => {
            let values: Vec<Value> = values.into_iter().map(any_value).collect();
            json!({ "arrayValue": { "values": values } })
        }
        Value::Object(fields) => json!({ "kvlistValue": { "values": key_values(fields) } }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_has_its_form() {
        assert_eq!(
            any_value(json!({"a": [true, 7, "x", null]})),
            json!({"kvlistValue": {"values": [{"key": "a", "value": {"arrayValue": {"values": [
                {"boolValue": true}, {"intValue": "7"}, {"stringValue": "x"}, {}
            ]}}}]}})
        );
    }

    #[test]
    fn a_request_is_json_of_one_resource_and_scope() {
        let resource = Resource {
            service_name: "edge".into(),
            instance_id: String::new(),
        };
        let records = [r#"{"eventName":"a"}"#, r#"{"eventName":"b"}"#];
        let body = request(&resource, records.into_iter());
        let body: Value = serde_json::from_str(&body).unwrap_or_default();
        let logs = &body["resourceLogs"][0];
        assert_eq!(
            logs["resource"]["attributes"],
            json!([{"key": "service.name", "value": {"stringValue": "edge"}}])
        );
        assert_eq!(
            logs["scopeLogs"][0]["logRecords"],
            json!([{"eventName": "a"}, {"eventName": "b"}])
        );
    }

    #[test]
    fn a_record_has_its_time_name_and_attributes() {
        let record = record(&Event::default(), Level::Error, 1_500_000_000_123_456_789);
        let record: Value = serde_json::from_str(&record).unwrap_or_default();
        assert_eq!(record["timeUnixNano"], "1500000000123456789");
        assert_eq!(record["severityNumber"], 17);
        assert_eq!(record["eventName"], "");
        let attributes = record["attributes"].as_array().cloned().unwrap_or_default();
        let has = |key: &str| attributes.iter().any(|a| a["key"] == key);
        assert!(has("error.type") && !has("timestamp") && !has("event.name"));
    }
}
