//! The classes of failure, of TCP connections.

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Bootstrap, TcpListener};
use hopguard_testbed::pki::Pki;
use serde_json::{Value, json};

use crate::support::failing::{Failing, alerts, broken, ending, refused};
use crate::support::logs::{assert_told, exactly_failures, logs_connections, start_version};
use crate::support::{plugin, policy};

/// Connects to each of these servers through the role `network` and the role
/// `log` (of the TCP proxy and of the listener), and asserts that each failure
/// is told of once, as what it is.
pub(super) async fn each_is_told_of_once(pki: &Pki, rows: Vec<Failing>, version: Option<&str>) {
    let policy = policy(
        pki,
        json!({
            "default_trust_stores": ["ca"],
            "upstream": [{ "name": "of-one", "match": { "clusters": [rows[0].name] } }],
            "downstream": [{
                "name": "local",
                "waive": [{ "controls": ["V9.2.2"], "reason": "same host", "until": "2099-12-31" }],
            }],
        }),
    );
    let guard = plugin("network", &policy).network_filter();
    let mut bootstrap = Bootstrap::new();
    for row in &rows {
        let listener = TcpListener::new(row.name, row.name).filter(guard.clone());
        bootstrap = bootstrap
            .tcp(logs_connections(listener, &policy))
            .cluster(row.cluster());
    }
    let envoy = start_version(bootstrap, version).await;
    let version = envoy.version().await.unwrap();

    let mut clients = Vec::new();
    for row in &rows {
        let client = Client::plaintext(envoy.listener(row.name).await.unwrap());
        let mut connection = client.raw().await.unwrap();
        clients.push(connection.local_addr());
        connection.write(b"a secret").await.unwrap();
        let tail = connection.read_to_end().await.unwrap();
        assert_eq!(tail.bytes, b"", "{}", row.name);
    }

    let told = rows.iter().filter(|r| r.told_over_tcp(&version).is_some());
    let events = exactly_failures(&envoy, told.count()).await;
    for (index, row) in rows.iter().enumerate() {
        let rule = if index == 0 { "of-one" } else { "default" };
        let events: Vec<_> = events
            .iter()
            .filter(|e| e["hopguard.cluster"] == row.name)
            .collect();
        let told = row.told_over_tcp(&version);
        assert_eq!(
            events.len(),
            usize::from(told.is_some()),
            "{}: {events:#?}",
            row.name
        );
        if let (Some(told), Some(event)) = (told, events.first()) {
            assert_told(event, told, rule, row.name);
            assert_event(row, event);
            let client = clients[index].ip().to_string();
            assert_eq!(event["client.address"], client, "{}", row.name);
        }
        row.assert_nothing_received();
    }
}

fn assert_event(row: &Failing, event: &Value) {
    let name = row.name;
    assert_eq!(event["hopguard.direction"], "upstream", "{name}");
    assert_eq!(event["hopguard.attempt"], 1, "{name}: {event:#}");
    assert_eq!(
        event["server.address"], event["network.peer.address"],
        "{name}"
    );
    assert!(
        event["hopguard.connection.id"].is_u64(),
        "{name}: {event:#}"
    );
    assert!(event["hopguard.request.id"].is_null(), "{name}: {event:#}");
    row.assert_address(event);
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

/// Envoy shows the same of it as of a connection that both sides wanted to end.
#[tokio::test]
async fn a_server_that_ends_the_connection_after_the_handshake_is_no_failure() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let rows = ending(&pki).await;

    each_is_told_of_once(&pki, rows, None).await;
}
