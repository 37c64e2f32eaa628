//! The classes of failure, over HTTP.

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{Bootstrap, HttpListener, Route};
use hopguard_testbed::pki::Pki;
use serde_json::{Value, json};

use crate::support::failing::{Failing, alerts, broken, ending, refused};
use crate::support::logs::{assert_told, exactly_failures, logs_requests, start_version};
use crate::support::{filter, policy};

/// Asks each of these servers, without a body and with one, through the role
/// `upstream` and the role `log` (of attempts and of requests), and asserts that
/// each failure is told of once, as what it is.
pub(super) async fn each_is_told_of_once(pki: &Pki, rows: Vec<Failing>, version: Option<&str>) {
    // Before 1.38 Envoy shows no certificate to judge, where one comes so far.
    let waived =
        json!([{ "controls": ["V9.2.1"], "reason": "other tests", "until": "2099-12-31" }]);
    let policy = policy(
        pki,
        json!({
            "default_trust_stores": ["ca"],
            "upstream": [
                { "name": "of-one", "match": { "clusters": [rows[0].name] }, "waive": waived },
                { "name": "of-the-rest", "waive": waived },
            ],
        }),
    );
    let envoy = start_version(bootstrap(&rows, &policy), version).await;
    let version = envoy.version().await.unwrap();
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    for row in &rows {
        let path = format!("/{}", row.name);
        let requests = [Request::get(&path), Request::post(&path, "a secret")];
        for (number, request) in (0..).zip(requests) {
            let request = request.header("x-request-id", id(row, number));
            let response = client.send(request).await.unwrap();
            assert_eq!(response.status, 503, "{path}");
        }
    }

    let events = exactly_failures(&envoy, 2 * rows.len()).await;
    for (index, row) in rows.iter().enumerate() {
        let rule = if index == 0 { "of-one" } else { "of-the-rest" };
        let mut ids = Vec::new();
        for event in events.iter().filter(|e| e["hopguard.cluster"] == row.name) {
            assert_event(row, event, rule, &version);
            ids.push(event["hopguard.request.id"].as_str().unwrap());
        }
        ids.sort_unstable();
        assert_eq!(ids, [id(row, 0), id(row, 1)], "{events:#?}");
        row.assert_nothing_received();
    }
}

fn bootstrap(rows: &[Failing], policy: &Value) -> Bootstrap {
    let guard = filter("upstream", policy);
    let listener =
        HttpListener::new("front").manager(json!({ "preserve_external_request_id": true }));
    let mut listener = logs_requests(listener, policy);
    let mut bootstrap = Bootstrap::new();
    for row in rows {
        let (name, path) = (format!("to-{}", row.name), format!("/{}", row.name));
        listener = listener.route(Route::all(row.name).patch(move |route| {
            route["name"] = json!(name);
            route["match"] = json!({ "path_separated_prefix": path });
        }));
        bootstrap = bootstrap.cluster(row.cluster().filter(guard.clone()));
    }
    bootstrap.http(listener)
}

fn id(row: &Failing, number: usize) -> String {
    format!("{number}-of-{}", row.name)
}

fn assert_event(row: &Failing, event: &Value, rule: &str, version: &str) {
    let name = row.name;
    assert_told(event, row.told(version), rule, name);
    assert_eq!(event["hopguard.direction"], "upstream", "{name}");
    let route = format!("to-{name}");
    assert_eq!(event["hopguard.route"], route, "{name}: {event:#}");
    assert!(event["hopguard.verdict"].is_null(), "{name}: {event:#}");
    row.assert_address(event);
    // Envoy shows the server name only of a connection that is up (from 1.39
    // on), and no attempt where only `upstream_log` saw it.
    let is_shown = row.connects && !version.starts_with("1.3") || version.starts_with("1.39");
    let server = match row.connects && is_shown {
        true => json!("api.test"),
        false => event["network.peer.address"].clone(),
    };
    assert_eq!(event["server.address"], server, "{name}: {event:#}");
    let attempt = if row.connects { json!(null) } else { json!(1) };
    assert_eq!(event["hopguard.attempt"], attempt, "{name}: {event:#}");
}

#[tokio::test]
async fn a_handshake_that_breaks_off_is_told_of_once_with_its_code() {
    let pki = Pki::new();
    let rows = broken(&pki).await;

    each_is_told_of_once(&pki, rows, None).await;
}

#[tokio::test]
async fn a_certificate_that_envoy_refuses_is_told_of_once_with_its_code() {
    let pki = Pki::new();
    let rows = refused(&pki).await;

    each_is_told_of_once(&pki, rows, None).await;
}

#[tokio::test]
async fn every_alert_of_a_server_is_told_of_once_with_its_code() {
    let pki = Pki::new();
    let rows = alerts(&pki).await;

    each_is_told_of_once(&pki, rows, None).await;
}

#[tokio::test]
async fn a_server_that_ends_the_connection_before_any_answer_is_told_of_once() {
    let pki = Pki::new();
    let rows = ending(&pki).await;

    each_is_told_of_once(&pki, rows, None).await;
}
