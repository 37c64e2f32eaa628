//! The role `log` without any filter: it needs no guard to tell of failures, and
//! its policy only says whose they are.

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route, TcpListener};
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::{Fault, Upstream};
use serde_json::json;

use crate::support::failing::tls;
use crate::support::logs::{
    assert_told, exactly_failures, logger, logs_connections, logs_requests, start_version,
};
use crate::support::policy;

const CLUSTERS: [&str; 3] = ["orders", "billing", "other"];

#[tokio::test]
async fn an_event_names_the_rule_of_the_cluster_whatever_its_mode() {
    let pki = Pki::new();
    let resets = Upstream::tls(&pki.server("api.test").issue())
        .fault(Fault::Reset)
        .start()
        .await
        .unwrap();
    let policy = policy(
        &pki,
        json!({
            "mode": "report",
            "default_trust_stores": ["ca"],
            "upstream": [
                { "name": "orders", "match": { "clusters": ["orders"] }, "mode": "enforce" },
                { "name": "billing", "match": { "clusters": ["bill*"] }, "mode": "report" },
            ],
        }),
    );
    let mut listener = logs_requests(HttpListener::new("front"), &policy);
    let mut bootstrap = Bootstrap::new();
    for name in CLUSTERS {
        listener = listener.route(Route::prefix(&format!("/{name}"), name));
        bootstrap = bootstrap
            .cluster(Cluster::new(name).endpoint(resets.addr()).tls(tls()))
            .tcp(logs_connections(TcpListener::new(name, name), &policy));
    }
    let envoy = start_version(bootstrap.http(listener), None).await;

    let http = Client::plaintext(envoy.listener("front").await.unwrap());
    for name in CLUSTERS {
        assert_eq!(http.get(&format!("/{name}")).await.unwrap().status, 503);
        let tcp = Client::plaintext(envoy.listener(name).await.unwrap());
        let mut tcp = tcp.raw().await.unwrap();
        assert_eq!(tcp.read_to_end().await.unwrap().bytes, b"");
    }

    let events = exactly_failures(&envoy, 6).await;
    let told = ("tls_handshake_reset", "Connection reset by peer");
    for name in CLUSTERS {
        let rule = if name == "other" { "default" } else { name };
        let of = |field: &str| {
            let mut events = events
                .iter()
                .filter(|e| e["hopguard.cluster"] == name && !e[field].is_null());
            let event = events.next().unwrap();
            assert!(events.next().is_none(), "{name}");
            event
        };
        assert_told(of("hopguard.request.id"), told, rule, name);
        assert_told(of("client.address"), told, rule, name);
    }
}

/// Where no log of requests says that it was a time-out.
#[tokio::test]
async fn what_ended_a_connection_without_a_reason_is_known_only_to_the_log_of_requests() {
    let pki = Pki::new();
    let good = pki.server("api.test").issue();
    let held = Upstream::tls(&good).held().start().await.unwrap();
    let closes = Upstream::tls(&good)
        .fault(Fault::Close)
        .start()
        .await
        .unwrap();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    for (attempts, requests, timeout) in [
        (true, false, "connection_unestablished"),
        (false, true, "connection_timeout"),
        (true, true, "connection_timeout"),
    ] {
        let mut listener = HttpListener::new("front")
            .route(Route::prefix("/held", "held"))
            .route(Route::prefix("/closes", "closes"));
        if attempts {
            listener = listener.upstream_logger(logger(&policy));
        }
        if requests {
            listener = listener.access_logger(logger(&policy));
        }
        let cluster = |name: &str, upstream: &Upstream| {
            Cluster::new(name)
                .endpoint(upstream.addr())
                .tls(tls())
                .connect_timeout(std::time::Duration::from_millis(100))
        };
        let bootstrap = Bootstrap::new()
            .http(listener)
            .cluster(cluster("held", &held))
            .cluster(cluster("closes", &closes));
        let envoy = start_version(bootstrap, None).await;
        let client = Client::plaintext(envoy.listener("front").await.unwrap());

        assert_eq!(client.get("/held").await.unwrap().status, 503);
        assert_eq!(client.get("/closes").await.unwrap().status, 503);

        let events = exactly_failures(&envoy, 2).await;
        for (cluster, code) in [("held", timeout), ("closes", "connection_unestablished")] {
            let event = events.iter().find(|e| e["hopguard.cluster"] == cluster);
            assert_told(event.unwrap(), (code, ""), "default", cluster);
        }
    }
}
