//! A certificate that ends soon is accepted, and somebody is told.

use std::time::{Duration, SystemTime};

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{
    Bootstrap, Cluster, DownstreamTls, HttpListener, Route, UpstreamTls,
};
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use crate::support::{exactly_events, filter, gist, metric_is, policy, start};

const WARNING: [&str; 3] = ["hopguard.warning", "certificate_near_expiry", "V9.2.1"];

/// A policy with the rule `front-door`, upstream and downstream.
fn trusting(pki: &Pki, fields: Value) -> Value {
    let mut policy = policy(pki, fields);
    let any = json!({ "peer_certificate": { "trust_stores": ["ca"], "names": "any" } });
    for direction in ["upstream", "downstream"] {
        policy[direction] = json!([{ "name": "front-door", "require": any.clone() }]);
    }
    policy
}

#[tokio::test]
async fn a_server_certificate_that_ends_soon_is_told_of_once() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let ends_in = |days| pki.server("api.test").ends_in_days(days).issue();
    let now = SystemTime::now();
    let ended = pki
        .server("api.test")
        .validity(
            now - Duration::from_secs(7200),
            now - Duration::from_secs(60),
        )
        .issue();
    let mut listener = HttpListener::new("front");
    let mut bootstrap = Bootstrap::new();
    let mut rows = Vec::new();
    for (name, certificate, fields, warns) in [
        ("soon", ends_in(13), json!({}), true),
        ("later", ends_in(16), json!({}), false),
        (
            "later-of-30",
            ends_in(16),
            json!({ "expiry_warning_days": 30 }),
            true,
        ),
        (
            "soon-of-0",
            ends_in(1),
            json!({ "expiry_warning_days": 0 }),
            false,
        ),
        ("ended", ended, json!({ "clock_skew_seconds": 3600 }), true),
    ] {
        let upstream = Upstream::tls(&certificate).start().await.unwrap();
        let cluster = Cluster::new(name)
            .endpoint(upstream.addr())
            .tls(UpstreamTls::new().sni("api.test"))
            .filter(filter("upstream", &trusting(&pki, fields)));
        bootstrap = bootstrap.cluster(cluster);
        listener = listener.route(Route::prefix(&format!("/{name}/"), name));
        rows.push((name, certificate, upstream, warns));
    }
    let envoy = start(bootstrap.http(listener)).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    let mut warned = Vec::new();
    for (name, certificate, upstream, warns) in &rows {
        for connection in 1..=3 {
            let response = client.get(&format!("/{name}/")).await.unwrap();
            assert_eq!(response.status, 200, "{name}");
            assert_eq!(upstream.connections(), connection, "{name}");
            upstream.hang_up();
            upstream
                .wait_for(|seen| seen.open_connections() == 0)
                .await
                .unwrap();
            envoy
                .wait_for_stat(&format!("cluster.{name}.upstream_cx_active"), |n| n == 0)
                .await
                .unwrap();
        }
        warned.extend(warns.then_some((*name, certificate.clone())));
    }
    // Another certificate is another matter.
    let (_, _, upstream, _) = &rows[0];
    let renewed_too_shortly = ends_in(2);
    upstream.rotate(&renewed_too_shortly).unwrap();
    assert_eq!(client.get("/soon/").await.unwrap().status, 200);
    warned.push(("soon", renewed_too_shortly));

    let events = exactly_events(&envoy, warned.len()).await;
    for (event, (name, certificate)) in events.iter().zip(warned) {
        assert_eq!(gist(event)[..3], WARNING, "{name}");
        assert_eq!(event["hopguard.rule"], "front-door", "{name}");
        assert_eq!(event["hopguard.cluster"], name);
        assert_eq!(event["hopguard.verdict"], "permit", "{name}");
        let sha256 = certificate.sha256_hex().to_uppercase();
        assert_eq!(event["tls.server.hash.sha256"], sha256, "{name}");
        assert!(event["tls.server.not_after"].is_string(), "{name}");
    }
}

#[tokio::test]
async fn a_client_certificate_that_ends_soon_is_told_of_once() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let upstream = Upstream::plaintext().start().await.unwrap();
    let listener = HttpListener::new("front")
        .tls(DownstreamTls::new(&pki.server("api.test").issue()).accept_any_client())
        .filter(filter("downstream", &trusting(&pki, json!({}))))
        .route(Route::all("backend"));
    let cluster = Cluster::new("backend").endpoint(upstream.addr());
    let envoy = start(Bootstrap::new().http(listener).cluster(cluster)).await;
    let client = Client::tls(envoy.listener("front").await.unwrap());
    let soon = pki.client("web").ends_in_days(13).issue();
    let later = pki.client("web").ends_in_days(16).issue();

    for certificate in [&soon, &later] {
        let client = client.clone().certificate(certificate);
        for _ in 0..3 {
            let connection = client.connect().await.unwrap();
            for _ in 0..2 {
                let response = connection.send(Request::get("/")).await.unwrap();
                assert_eq!(response.status, 200);
            }
        }
    }

    let events = exactly_events(&envoy, 1).await;
    assert_eq!(gist(&events[0])[..3], WARNING);
    let sha256 = soon.sha256_hex().to_uppercase();
    assert_eq!(events[0]["tls.client.hash.sha256"], sha256);
    // Each request with it counts.
    metric_is(&envoy, &[".warnings", "certificate_near_expiry;"], 6).await;
    assert_eq!(upstream.requests().len(), 12);
}
