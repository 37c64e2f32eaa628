//! The receiver of OTLP logs, against payloads that none of its own packages made.

use std::path::Path;

use hopguard_testbed::Result;
use hopguard_testbed::client::{Client, Request, Response};
use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::otlp::OtlpReceiver;
use serde_json::{Value, json};

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";

async fn post(
    otlp: &OtlpReceiver,
    content_type: &str,
    body: impl Into<Vec<u8>>,
) -> Result<Response> {
    let request = Request::post("/v1/logs", body).header("content-type", content_type);
    Client::plaintext(otlp.addr()).send(request).await
}

/// A request with this record in it.
fn with_record(record: Value) -> Value {
    json!({ "resourceLogs": [{
        "resource": { "attributes": [
            { "key": "service.name", "value": { "stringValue": "edge" } },
        ]},
        "scopeLogs": [{
            "scope": { "name": "probe", "version": "1.2" },
            "logRecords": [record],
        }],
    }]})
}

fn record() -> Value {
    json!({
        "timeUnixNano": "1544712660300000000",
        "observedTimeUnixNano": "1544712660300000001",
        "severityNumber": 17,
        "severityText": "ERROR",
        "eventName": "denied",
        "traceId": "5B8EFFF798038103D269B633813FC60C",
        "spanId": "eee19b7ec3c1b174",
        "body": { "stringValue": "no TLS" },
        "attributes": [
            { "key": "text", "value": { "stringValue": "a\"\n\u{1b}" } },
            { "key": "yes", "value": { "boolValue": true } },
            { "key": "count", "value": { "intValue": "9007199254740993" } },
            { "key": "zero", "value": { "intValue": "0" } },
            { "key": "ratio", "value": { "doubleValue": 0.5 } },
            { "key": "none", "value": {} },
            { "key": "list", "value": { "arrayValue": { "values": [{ "stringValue": "x" }, {}] } } },
            { "key": "map", "value": { "kvlistValue": { "values": [
                { "key": "k", "value": { "stringValue": "v" } },
            ]}}},
        ],
    })
}

#[tokio::test]
async fn json_in_every_kind_of_value() -> Result<()> {
    let otlp = OtlpReceiver::start().await?;
    let answer = post(&otlp, JSON, with_record(record()).to_string()).await?;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, "{}"),
        "{:?}",
        otlp.refused()?
    );
    let records = otlp.wait_for(|records| !records.is_empty()).await?;
    assert_eq!(
        records,
        [json!({
            "timeUnixNano": "1544712660300000000",
            "observedTimeUnixNano": "1544712660300000001",
            "severityNumber": 17,
            "severityText": "ERROR",
            "eventName": "denied",
            "traceId": "5b8efff798038103d269b633813fc60c",
            "spanId": "eee19b7ec3c1b174",
            "body": "no TLS",
            "attributes": {
                "text": "a\"\n\u{1b}", "yes": true, "count": 9_007_199_254_740_993_i64, "zero": 0,
                "ratio": 0.5, "none": null, "list": ["x", null], "map": { "k": "v" },
            },
            "resource": { "service.name": "edge" },
            "scope": { "name": "probe", "version": "1.2", "attributes": {} },
        })]
    );
    assert_eq!((otlp.requests()?, otlp.refused()?), (1, vec![]));
    Ok(())
}

#[tokio::test]
async fn json_that_is_nearly_right() -> Result<()> {
    let otlp = OtlpReceiver::start().await?;
    let changed = |name: &str, value: Value| {
        let mut record = record();
        record[name] = value;
        with_record(record).to_string()
    };
    let attribute = |value: Value| changed("attributes", json!([{ "key": "a", "value": value }]));
    let good = with_record(record()).to_string();
    for (why, body) in [
        ("cut off", good[..good.len() - 1].to_owned()),
        ("an unknown field", changed("severity", json!("ERROR"))),
        (
            "a name in snake case",
            changed("time_unix_nano", json!("1")),
        ),
        (
            "a time that is no number",
            changed("timeUnixNano", json!("today")),
        ),
        ("a time before 1970", changed("timeUnixNano", json!("-1"))),
        (
            "an enumerator by name",
            changed("severityNumber", json!("SEVERITY_NUMBER_ERROR")),
        ),
        (
            "a severity that is none",
            changed("severityNumber", json!(25)),
        ),
        (
            "an id in base64",
            changed("traceId", json!("W47/95gDgQPSabYzgT/GDA==")),
        ),
        (
            "an id that is too short",
            changed("spanId", json!("eee19b7e")),
        ),
        (
            "a body that is no AnyValue",
            changed("body", json!("no TLS")),
        ),
        (
            "attributes as an object",
            changed("attributes", json!({ "a": "b" })),
        ),
        (
            "an attribute twice",
            changed("attributes", json!([{ "key": "a" }, { "key": "a" }])),
        ),
        (
            "an integer that is none",
            attribute(json!({ "intValue": "1.5" })),
        ),
        (
            "an integer of 65 bits",
            attribute(json!({ "intValue": "9223372036854775808" })),
        ),
        (
            "two values in one",
            attribute(json!({ "intValue": "1", "boolValue": true })),
        ),
        (
            "a text that is a number",
            attribute(json!({ "stringValue": 1 })),
        ),
        (
            "an unknown kind of value",
            attribute(json!({ "nullValue": null })),
        ),
        (
            "a field twice",
            good.replacen(
                "{\"resourceLogs\"",
                "{\"resourceLogs\":[],\"resourceLogs\"",
                1,
            ),
        ),
        ("records at the top", json!([record()]).to_string()),
        (
            "protobuf",
            String::from_utf8_lossy(&protobuf()).into_owned(),
        ),
    ] {
        let answer = post(&otlp, JSON, body).await?;
        assert_eq!(answer.status, 400, "{why}: {}", answer.text());
    }
    assert!(otlp.records()?.is_empty());
    assert_eq!(otlp.refused()?.len(), 20);
    assert_eq!(post(&otlp, JSON, good).await?.status, 200);
    assert_eq!(otlp.records()?.len(), 1);
    Ok(())
}

/// A field of wire type 2, with a length under 128.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).expect("short");
    assert!(length < 128);
    [&[number << 3 | 2, length], content].concat()
}

/// By hand, after opentelemetry/proto/logs/v1/logs.proto.
fn protobuf() -> Vec<u8> {
    let time = [&[1 << 3 | 1][..], &7_u64.to_le_bytes()].concat();
    let severity = [2 << 3, 17];
    let body = field(5, &field(1, b"denied"));
    let attribute = field(6, &[field(1, b"a"), field(2, &field(1, b"b"))].concat());
    let record = [&time[..], &severity, &body, &attribute].concat();
    let scope = field(1, &field(1, b"probe"));
    let scope_logs = field(2, &[scope, field(2, &record)].concat());
    field(1, &scope_logs)
}

#[tokio::test]
async fn protobuf_and_what_nearly_is() -> Result<()> {
    let otlp = OtlpReceiver::start().await?;
    let answer = post(&otlp, PROTOBUF, protobuf()).await?;
    assert_eq!(
        (answer.status, answer.body.len()),
        (200, 0),
        "{:?}",
        otlp.refused()?
    );
    assert_eq!(
        otlp.wait_for(|records| records.len() == 1).await?,
        [json!({
            "timeUnixNano": "7", "severityNumber": 17, "body": "denied",
            "attributes": { "a": "b" }, "resource": {},
            "scope": { "name": "probe", "attributes": {} },
        })]
    );
    let mut cut_off = protobuf();
    cut_off.pop();
    let unknown = [protobuf(), field(9, b"?")].concat();
    let within = field(1, &field(2, &field(2, &field(14, b"?"))));
    for body in [cut_off, unknown, within, b"{}".to_vec()] {
        assert_eq!(post(&otlp, PROTOBUF, body).await?.status, 400);
    }
    assert_eq!((otlp.records()?.len(), otlp.refused()?.len()), (1, 4));
    Ok(())
}

#[tokio::test]
async fn the_request_around_it() -> Result<()> {
    let otlp = OtlpReceiver::start().await?;
    let body = || with_record(record()).to_string();
    let client = Client::plaintext(otlp.addr());
    for (request, status) in [
        (Request::post("/v1/logs", body()), 415),
        (
            Request::post("/v1/logs", body()).header("content-type", "text/json"),
            415,
        ),
        (
            Request::post("/v1/traces", body()).header("content-type", JSON),
            404,
        ),
        (
            Request::post("/v1/logs", body())
                .header("content-type", JSON)
                .header("content-encoding", "br"),
            415,
        ),
        (
            Request::post("/v1/logs", body())
                .header("content-type", JSON)
                .header("content-encoding", "gzip"),
            400,
        ),
        (Request::get("/v1/logs"), 405),
        (
            Request::post("/v1/logs", body())
                .header("content-type", "application/json; charset=utf-8"),
            200,
        ),
    ] {
        let told = format!("{request:?}");
        assert_eq!(client.send(request).await?.status, status, "{told}");
    }
    assert_eq!((otlp.requests()?, otlp.refused()?.len()), (1, 6));

    // Several on one connection, and in chunks.
    let mut raw = client.raw().await?;
    for _ in 0..2 {
        let body = body();
        let (first, second) = body.split_at(100);
        let request = format!(
            "POST /v1/logs HTTP/1.1\r\nHost: o\r\nContent-Type: {JSON}\r\nTransfer-Encoding: chunked\r\n\r\n\
             {:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
            first.len(),
            second.len(),
        );
        raw.write(request.as_bytes()).await?;
        let head = raw.read_until(b"\r\n\r\n{}").await?;
        assert!(head.starts_with(b"HTTP/1.1 200"));
    }
    assert_eq!(otlp.records()?.len(), 3);
    Ok(())
}

#[tokio::test]
async fn through_envoy_and_ends_with_its_owner() -> Result<()> {
    let otlp = OtlpReceiver::start().await?;
    let config = Bootstrap::new()
        .cluster(Cluster::new("telemetry").endpoint(otlp.addr()))
        .http(HttpListener::new("ingress").route(Route::prefix("/", "telemetry")));
    let envoy = Envoy::builder().config(config).start().await?;
    let client = Client::plaintext(envoy.listener("ingress").await?);
    let connection = client.connect().await?;
    for (record, status) in [(record(), 200), (json!({ "no": 1 }), 400), (record(), 200)] {
        let request = Request::post("/v1/logs", with_record(record).to_string());
        let answer = connection
            .send(request.header("content-type", JSON))
            .await?;
        assert_eq!(answer.status, status);
    }
    assert_eq!(otlp.records()?.len(), 2);
    let process = format!("/proc/{}", otlp.pid());
    assert!(Path::new(&process).exists());
    drop(otlp);
    assert!(!Path::new(&process).exists());
    Ok(())
}
