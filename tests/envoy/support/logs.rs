//! The places where a failure is seen, and what must be told of it.

use hopguard_testbed::config::{Bootstrap, HttpListener, TcpListener};
use hopguard_testbed::envoy::Envoy;
use serde_json::{Value, json};

use super::failing::Told;
use super::{SUMMARY, events, exactly_events, gist, metric, plugin};

/// The logger of the role `log`, under a policy.
pub fn logger(policy: &Value) -> Value {
    plugin("log", policy).access_logger()
}

/// Logs in the router's `upstream_log`, and of requests.
pub fn logs_requests(listener: HttpListener, policy: &Value) -> HttpListener {
    let logger = logger(policy);
    listener
        .upstream_logger(logger.clone())
        .access_logger(logger)
}

/// Logs in the TCP proxy and in its listener.
pub fn logs_connections(listener: TcpListener, policy: &Value) -> TcpListener {
    let logger = logger(policy);
    listener
        .access_logger(logger.clone())
        .merge(json!({ "access_log": [logger] }))
}

/// Starts an Envoy of this version, else of the newest.
pub async fn start_version(bootstrap: Bootstrap, version: Option<&str>) -> Envoy {
    let mut envoy = Envoy::builder().config(bootstrap);
    if let Some(version) = version {
        envoy = envoy.version(version);
    }
    envoy.start().await.unwrap()
}

/// Waits for this many failures, asserts that there are no more, neither in the
/// counters nor among what comes at the end, and ends Envoy.
pub async fn exactly_failures(envoy: &Envoy, count: usize) -> Vec<Value> {
    let events = exactly_events(envoy, count).await;
    assert_eq!(metric(envoy, &["tls_failures"]).await, count as u64);
    assert!(envoy.quit().await.unwrap().success());
    assert_eq!(printed(envoy), events);
    events
}

fn printed(envoy: &Envoy) -> Vec<Value> {
    let mut events = events(envoy);
    events.retain(|e| e["event.name"] != SUMMARY);
    events
}

/// What the event of a failure says of why.
pub fn assert_told(event: &Value, (code, words): Told, rule: &str, case: &str) {
    let expected = ["hopguard.tls_failure", code, "V9.2.5", rule];
    assert_eq!(gist(event), expected, "{case}: {event:#}");
    if words.is_empty() {
        assert!(event["error.message"].is_null(), "{case}: {event:#}");
    } else {
        let said = event["error.message"].as_str().unwrap_or_default();
        assert!(said.contains(words), "{case}: {event:#}");
    }
}
