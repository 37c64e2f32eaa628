//! Places that show no connection to a server when the client's bytes come:
//! there, nothing passes, and it is said at once.

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{
    Bootstrap, Cluster, DownstreamTls, HttpListener, Route, TcpListener,
};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use super::{metric_is, waive_plaintext};
use crate::support::{exactly_events, gist, plugin, policy, start};

/// A policy that would let plaintext through on both sides, so that nothing but
/// the place is at fault.
fn lenient(pki: &Pki) -> Value {
    let waive = json!([{ "name": "local", "waive": waive_plaintext() }]);
    policy(pki, json!({ "downstream": waive, "upstream": waive }))
}

async fn not_shown(envoy: &Envoy, count: usize) {
    let events = exactly_events(envoy, count).await;
    for event in &events {
        let expected = ["hopguard.denied", "upstream_not_shown", "V9.2.2", "local"];
        assert_eq!(gist(event), expected, "{event}");
        assert_eq!(event["hopguard.direction"], "upstream");
        assert_eq!(event["client.address"], "127.0.0.1");
        for field in [
            "hopguard.cluster",
            "network.peer.address",
            "hopguard.transport",
        ] {
            assert!(event[field].is_null(), "{field}: {event}");
        }
    }
    let count = count as u64;
    metric_is(envoy, &["decisions", "cause.=.upstream_not_shown;"], count).await;
    // It was not waited for.
    metric_is(envoy, &["gate_pending"], 0).await;
    metric_is(envoy, &["gate_waits"], 0).await;
}

#[tokio::test]
async fn a_proxy_that_connects_only_after_the_clients_data_is_not_waited_for() {
    let pki = Pki::new();
    let server = Upstream::plaintext().tcp_echo().start().await.unwrap();
    let guard = plugin("network", &lenient(&pki)).network_filter();
    let certificate = pki.server("api.test").issue();
    let listener = |name: &str, mode: &str| {
        TcpListener::new(name, "backend")
            .filter(guard.clone())
            .proxy(json!({ "upstream_connect_mode": mode, "max_early_data_bytes": 65_536 }))
    };
    let late = "ON_DOWNSTREAM_DATA";
    let envoy = start(
        Bootstrap::new()
            .tcp(listener("plain", late))
            .tcp(listener("tls", late).tls(DownstreamTls::new(&certificate)))
            .tcp(listener("at-once", "IMMEDIATE"))
            .cluster(Cluster::new("backend").endpoint(server.addr())),
    )
    .await;
    let clients = [
        Client::plaintext(envoy.listener("plain").await.unwrap()),
        Client::tls(envoy.listener("tls").await.unwrap()),
    ];

    for client in clients {
        let mut connection = client.raw().await.unwrap();
        connection.write(b"a secret").await.unwrap();
        assert_eq!(connection.read_to_end().await.unwrap().bytes, b"");
    }

    assert_eq!(server.connections(), 0);
    not_shown(&envoy, 2).await;
    let client = Client::plaintext(envoy.listener("at-once").await.unwrap());
    let mut connection = client.raw().await.unwrap();
    connection.write(b"hello").await.unwrap();
    assert_eq!(connection.read_exact(5).await.unwrap(), b"hello");
    exactly_events(&envoy, 2).await;
}

#[tokio::test]
async fn in_front_of_http_and_redis_nothing_passes() {
    let pki = Pki::new();
    let server = Upstream::plaintext().start().await.unwrap();
    let guard = plugin("network", &lenient(&pki)).network_filter();
    let http = |name: &str| HttpListener::new(name).route(Route::all("backend"));
    let kind = "type.googleapis.com/envoy.extensions.filters.network.redis_proxy.v3.RedisProxy";
    let redis = json!({ "name": "envoy.filters.network.redis_proxy", "typed_config": {
        "@type": kind,
        "stat_prefix": "redis",
        "settings": { "op_timeout": "5s" },
        "prefix_routes": { "catch_all_route": { "cluster": "backend" } },
    }});
    let redis = TcpListener::new("redis", "backend")
        .filter(guard.clone())
        .patch(move |listener| listener["filter_chains"][0]["filters"][1] = redis.clone());
    let envoy = start(
        Bootstrap::new()
            .http(http("http").network_filter(guard))
            .http(http("unguarded"))
            .tcp(redis)
            .cluster(Cluster::new("backend").endpoint(server.addr())),
    )
    .await;

    let client = Client::plaintext(envoy.listener("http").await.unwrap());
    let request = Request::post("/", "a secret");
    assert!(client.send(request.clone()).await.is_err());
    let client = Client::plaintext(envoy.listener("redis").await.unwrap());
    let mut connection = client.raw().await.unwrap();
    connection
        .write(b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n")
        .await
        .unwrap();
    assert_eq!(connection.read_to_end().await.unwrap().bytes, b"");

    assert_eq!(server.connections(), 0);
    not_shown(&envoy, 2).await;
    let client = Client::plaintext(envoy.listener("unguarded").await.unwrap());
    assert_eq!(client.send(request).await.unwrap().status, 200);
}
