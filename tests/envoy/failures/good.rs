//! What went well is no failure, and the logs harm nothing: in no version of
//! Envoy, not even in those that crash when they are asked too much.

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{
    Bootstrap, Cluster, DownstreamTls, HttpListener, Route, TcpListener,
};
use hopguard_testbed::envoy::pinned_versions;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::{Fault, Reply, Upstream};
use serde_json::json;

use crate::support::failing::tls;
use crate::support::logs::{
    exactly_failures, logger, logs_connections, logs_requests, start_version,
};
use crate::support::policy;

#[tokio::test]
async fn logs_of_good_and_failing_traffic_harm_no_envoy() {
    let pki = Pki::new();
    let certificate = pki.server("api.test").issue();
    let good = Upstream::tls(&certificate).start().await.unwrap();
    let bad = Upstream::tls(&certificate)
        .fault(Fault::Reset)
        .start()
        .await
        .unwrap();
    // Rules that look at all there is to look at.
    let policy = policy(
        &pki,
        json!({
            "default_trust_stores": ["ca"],
            "downstream": [{ "name": "near", "match": {
                "addresses": ["127.0.0.0/8"], "listeners": ["*"], "server_names": ["*.test"],
            } }],
            "upstream": [{ "name": "near", "match": {
                "addresses": ["127.0.0.0/8"], "server_names": ["api.test"], "paths": ["/x/**"],
            } }],
        }),
    );
    for version in pinned_versions() {
        let listener_log = json!({ "access_log": [logger(&policy)] });
        let server = DownstreamTls::new(&certificate);
        let http = logs_requests(HttpListener::new("http"), &policy)
            .route(Route::prefix("/good", "good"))
            .route(Route::prefix("/bad", "bad"))
            .tls(server.clone())
            .merge(listener_log);
        let cluster = |name: &str, upstream: &Upstream| {
            Cluster::new(name).endpoint(upstream.addr()).tls(tls())
        };
        let tcp = |name: &str| {
            logs_connections(TcpListener::new(&format!("tcp-{name}"), name), &policy)
                .tls(server.clone())
        };
        let bootstrap = Bootstrap::new()
            .http(http)
            .tcp(tcp("good"))
            .tcp(tcp("bad"))
            .cluster(cluster("good", &good))
            .cluster(cluster("bad", &bad));
        let envoy = start_version(bootstrap, Some(version)).await;
        let client = async |listener: &str| {
            let address = envoy.listener(listener).await.unwrap();
            Client::tls(address).connect().await.unwrap()
        };

        for _ in 0..3 {
            let http = client("http").await;
            let ask = async |path| http.send(Request::get(path)).await.unwrap().status;
            assert_eq!(ask("/good").await, 200, "{version}");
            assert_eq!(ask("/bad").await, 503, "{version}");
            assert_eq!(ask("/nowhere").await, 404, "{version}");
            let tcp = client("tcp-good").await;
            assert_eq!(tcp.send(Request::get("/")).await.unwrap().status, 200);
            // It may be too early for a handshake, too.
            let tcp = Client::tls(envoy.listener("tcp-bad").await.unwrap());
            assert!(tcp.get("/").await.is_err());
        }

        let events = exactly_failures(&envoy, 6).await;
        assert!(
            events.iter().all(|e| e["hopguard.cluster"] == "bad"),
            "{version}"
        );
    }
}

/// Its next request comes on another connection: nothing has failed.
#[tokio::test]
async fn a_server_that_closes_an_idle_connection_has_not_failed() {
    let pki = Pki::new();
    let certificate = pki.server("api.test").issue();
    let closes = Upstream::tls(&certificate)
        .close_after(1)
        .start()
        .await
        .unwrap();
    let empty = Upstream::tls(&certificate)
        .handler(|_| Reply::status(204))
        .close_after(1)
        .start()
        .await
        .unwrap();
    let refuses = Upstream::tls(&certificate)
        .respond(503, "")
        .start()
        .await
        .unwrap();
    let dies = Upstream::tls(&certificate)
        .handler(|_| Reply::close())
        .start()
        .await
        .unwrap();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let upstreams = [
        ("closes", &closes, 200),
        ("empty", &empty, 204),
        ("refuses", &refuses, 503),
        // The nearest that is a failure.
        ("dies", &dies, 503),
    ];
    let mut listener = logs_requests(HttpListener::new("front"), &policy);
    let mut bootstrap = Bootstrap::new();
    for (name, upstream, _) in &upstreams {
        listener = listener.route(Route::prefix(&format!("/{name}"), name));
        let cluster = Cluster::new(name).endpoint(upstream.addr()).tls(tls());
        bootstrap = bootstrap.cluster(cluster);
    }
    let envoy = start_version(bootstrap.http(listener), None).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    for (name, upstream, status) in &upstreams {
        for times in 1..=2 {
            let response = client.get(&format!("/{name}")).await.unwrap();
            assert_eq!(response.status, *status, "{name}");
            upstream
                .wait_for(|s| s.requests.len() == times)
                .await
                .unwrap();
            if *name == "closes" || *name == "empty" {
                upstream
                    .wait_for(|s| s.open_connections() == 0)
                    .await
                    .unwrap();
            }
        }
    }

    for event in exactly_failures(&envoy, 2).await {
        assert_eq!(event["hopguard.cluster"], "dies");
        assert_eq!(event["error.type"], "tls_closed_after_handshake");
    }
}
