//! Handshakes of clients that fail: told of once by the listener's access log,
//! the network filter and the TCP proxy's log, together and alone.

mod visits;

use hopguard_testbed::config::{
    Bootstrap, Cluster, DownstreamTls, HttpListener, Route, TcpListener,
};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use self::visits::{LISTENERS, tls_of, visits};
use crate::support::logs::{
    assert_told, exactly_failures, logger, logs_connections, start_version,
};
use crate::support::{plugin, policy};

/// The places of TCP: network filter, TCP proxy's log, listener's log.
type Places = [bool; 3];

fn tcp(name: &str, tls: DownstreamTls, policy: &Value, places: Places) -> TcpListener {
    let mut listener = TcpListener::new(name, "backend").tls(tls);
    if places[0] {
        listener = listener.filter(plugin("network", policy).network_filter());
    }
    match places {
        [_, true, true] => listener = logs_connections(listener, policy),
        [_, true, false] => listener = listener.access_logger(logger(policy)),
        [_, false, true] => listener = listener.merge(json!({ "access_log": [logger(policy)] })),
        [_, false, false] => {}
    }
    listener.patch(limit)
}

fn http(name: &str, tls: DownstreamTls, policy: &Value) -> HttpListener {
    HttpListener::new(name)
        .tls(tls)
        .access_logger(logger(policy))
        .upstream_logger(logger(policy))
        .merge(json!({ "access_log": [logger(policy)] }))
        .route(Route::all("backend"))
        .patch(limit)
}

/// How long a handshake may take.
fn limit(listener: &mut Value) {
    listener["filter_chains"][0]["transport_socket_connect_timeout"] = json!("0.2s");
}

async fn each_is_told_of_once(places: Option<Places>, version: Option<&str>) {
    let pki = Pki::new();
    let upstream = Upstream::plaintext().start().await.unwrap();
    let policy = policy(
        &pki,
        json!({
            "default_trust_stores": ["ca"],
            "downstream": [{ "name": "of-one", "match": { "filter_chains": ["rsa"] } }, {
                "name": "clients",
                "waive": [{ "controls": ["V9.2.1", "V9.2.3"], "reason": "other tests", "until": "2099-12-31" }],
            }],
            "upstream": [{
                "name": "backend",
                "waive": [{ "controls": ["V9.2.1", "V9.2.2"], "reason": "other tests", "until": "2099-12-31" }],
            }],
        }),
    );
    let mut bootstrap = Bootstrap::new().cluster(Cluster::new("backend").endpoint(upstream.addr()));
    for name in LISTENERS {
        let tls = tls_of(name, &pki);
        bootstrap = match places {
            Some(places) => bootstrap.tcp(tcp(name, tls, &policy, places)),
            None => bootstrap.http(http(name, tls, &policy)),
        };
    }
    let envoy = start_version(bootstrap, version).await;
    let visits = visits(&pki);
    let mut expected = Vec::new();
    for visit in &visits {
        let listener = envoy.listener(visit.listener).await.unwrap();
        let client = visit.come(listener).await;
        if let Some(told) = visit.told {
            expected.push((visit, told, listener, client));
            wait_for_failures(&envoy, expected.len()).await;
        }
    }

    let events = exactly_failures(&envoy, expected.len()).await;
    for (event, (visit, told, listener, client)) in events.iter().zip(expected) {
        let name = visit.name;
        let rule = if visit.listener == "rsa" {
            "of-one"
        } else {
            "clients"
        };
        let told = match version {
            Some("1.36.4") if told.0.starts_with("tls_certificate_") => {
                ("tls_certificate_refused", "CERTIFICATE_VERIFY_FAILED")
            }
            _ => told,
        };
        assert_told(event, told, rule, name);
        assert_eq!(event["hopguard.direction"], "downstream", "{name}");
        assert_eq!(event["hopguard.listener"], listener.to_string(), "{name}");
        assert_eq!(event["hopguard.filter_chain"], visit.listener, "{name}");
        assert_eq!(event["client.address"], "127.0.0.1", "{name}");
        if client != listener {
            assert_eq!(event["network.peer.port"], client.port(), "{name}");
        }
        assert!(
            event["hopguard.connection.id"].is_u64(),
            "{name}: {event:#}"
        );
        assert!(event["hopguard.cluster"].is_null(), "{name}: {event:#}");
    }
    assert_eq!(upstream.requests().len(), 2);
}

async fn wait_for_failures(envoy: &Envoy, count: usize) {
    let mut seen = 0;
    envoy
        .wait_for_log(|line| {
            seen += usize::from(line.contains("\"hopguard.tls_failure\""));
            seen == count
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_failed_handshake_of_a_client_is_told_of_once_before_http() {
    each_is_told_of_once(None, None).await;
}

#[tokio::test]
async fn a_failed_handshake_of_a_client_is_told_of_once_whichever_places_see_it() {
    for places in [
        [true, true, true],
        [true, false, false],
        [false, true, false],
        [false, false, true],
    ] {
        each_is_told_of_once(Some(places), None).await;
    }
}

#[tokio::test]
async fn older_envoys_tell_of_failed_handshakes_of_clients_too() {
    for version in ["1.36.4", "1.37.0", "1.39.3"] {
        each_is_told_of_once(Some([true, true, true]), Some(version)).await;
        each_is_told_of_once(None, Some(version)).await;
    }
}
