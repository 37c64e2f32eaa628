//! Logs of an OpenTelemetry collector: OTLP in JSON.

use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use crate::run::{fixtures, folder, run_in};
use crate::site::site;

fn any_value(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(value) => json!({ "boolValue": value }),
        Value::Number(value) => json!({ "intValue": value.to_string() }),
        Value::String(value) => json!({ "stringValue": value }),
        Value::Array(values) => {
            json!({ "arrayValue": { "values": values.iter().map(any_value).collect::<Vec<_>>() } })
        }
        Value::Object(_) => json!({ "kvlistValue": { "values": attributes(value) } }),
    }
}

fn attributes(object: &Value) -> Vec<Value> {
    let fields = object.as_object().unwrap().iter();
    fields
        .map(|(key, value)| json!({ "key": key, "value": any_value(value) }))
        .collect()
}

/// An event as a record, as a collector writes it.
fn record(event: &Value) -> Value {
    let mut fields = event.clone();
    let all = fields.as_object_mut().unwrap();
    all.remove("timestamp");
    let name = all.remove("event.name").unwrap();
    let time = event["timestamp"].as_str().unwrap();
    let time = time::OffsetDateTime::parse(time, &time::format_description::well_known::Rfc3339);
    json!({
        "timeUnixNano": time.unwrap().unix_timestamp_nanos().to_string(),
        "severityText": "ERROR", "body": { "stringValue": "d" }, "eventName": name,
        "attributes": attributes(&fields), "traceId": "", "spanId": ""
    })
}

fn batch(scope: &str, records: &[Value]) -> String {
    let logs = json!([{
        "resource": { "attributes": attributes(&json!({ "service.name": "gateway" })) },
        "scopeLogs": [{ "scope": { "name": scope, "version": "0.1.0" }, "logRecords": records }]
    }]);
    // The order in which a collector writes it.
    format!("{{\"resourceLogs\":{logs}}}\n")
}

/// What the report says of logs, but for their names and digests.
fn said(folder: &std::path::Path, logs: &[&str]) -> Value {
    let arguments = [&["report", "--at", "2027-02-01", "--format", "json"], logs].concat();
    let run = run_in(folder, &arguments, b"");
    assert_eq!(run.code, 0, "{run:?}");
    run.json()
}

#[test]
fn it_says_the_same_as_envoys_log() {
    let log = std::fs::read_to_string(fixtures().join("envoy.log")).unwrap();
    let events: Vec<Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str(line.get(line.find('{')?..)?).ok())
        .filter(|event: &Value| event.get("event.name").is_some())
        .collect();
    assert!(events.len() > 8, "{}", events.len());
    let records: Vec<Value> = events.iter().map(record).collect();
    let (first, rest) = records.split_at(3);
    // Of others, and one of ours that lost its name on the way.
    let mut nameless = records[0].clone();
    nameless.as_object_mut().unwrap().remove("eventName");
    let otlp = [
        batch("hopguard", first),
        batch("another", first),
        batch("hopguard", rest),
        batch("hopguard", &[nameless]),
        "{\"resourceLogs\":17}\n".to_owned(),
    ]
    .concat();
    let folder = folder(&[
        ("otlp.jsonl", otlp.as_bytes()),
        ("envoy.log", log.as_bytes()),
    ]);

    let mut of_envoy = said(folder.path(), &["envoy.log"]);
    let mut of_collector = said(folder.path(), &["otlp.jsonl"]);
    let both = said(folder.path(), &["envoy.log", "otlp.jsonl"]);

    let logs = of_collector["logs"].take();
    assert_eq!(logs[0]["lines"], 5);
    assert_eq!(logs[0]["unreadable"], 2);
    let new = of_envoy["logs"].take()[0]["events"].clone();
    assert_eq!(logs[0]["events"], new);
    assert_eq!(of_collector, of_envoy);
    assert_eq!(both["causes"], of_envoy["causes"]);
    assert_eq!(both["logs"][1]["events"], 0);
}

#[tokio::test]
async fn what_the_plugin_sends_is_read() {
    let site = site().await;
    let policy = "version: 1\n\
        trust_stores: [{ name: internal, ca_certificates: { file: root.pem } }]\n\
        default_trust_stores: [internal]\n\
        collector: { cluster: otel }\n";
    std::fs::write(site.folder.path().join("policy.yaml"), policy).unwrap();
    let collector = Upstream::tls(&site.root.server("otel").issue())
        .start()
        .await
        .unwrap();
    let cluster = format!("otel={}", collector.addr());
    let envoy = site.start_with(&["--cluster", &cluster], 0).await;
    site.assert_guarded(&envoy, "https", "orders").await;
    let cause = "certificate_unknown_issuer";
    let seen = collector
        .wait_for(|seen| {
            let mut bodies = seen
                .requests
                .iter()
                .map(|r| String::from_utf8_lossy(&r.body));
            bodies.any(|body| body.contains(cause))
        })
        .await
        .unwrap();
    let mut log = Vec::new();
    for request in seen.requests {
        log.extend(request.body);
        log.push(b'\n');
    }
    let folder = folder(&[("otlp.jsonl", &log)]);

    let said = said(folder.path(), &["otlp.jsonl"]);

    assert_eq!(said["logs"][0]["unreadable"], 0);
    let causes = said["causes"].as_array().unwrap();
    let found = causes.iter().find(|kind| kind["cause"] == cause);
    let found = found.unwrap_or_else(|| panic!("{said}"));
    assert_eq!(found["class"], "denied");
    assert_eq!(found["count"], 1);
}
