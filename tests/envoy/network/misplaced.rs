//! A role in a place that is not its own lets nothing through, says so, and
//! does the others in its VM no harm.

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route, TcpListener};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::json;

use super::waive_plaintext;
use crate::support::{exactly_events, plugin, policy, start};

const ROLES: [&str; 4] = ["downstream", "upstream", "network", "log"];

/// An Envoy whose VM has every role in every place: listeners `tcp-ROLE`,
/// `banner-ROLE` (whose server speaks first), `http-ROLE` and `cluster-ROLE`.
/// The policy waives everything.
async fn every_role_everywhere(server: &Upstream, banner: &Upstream) -> Envoy {
    let waive = json!([{ "name": "local", "waive": waive_plaintext() }]);
    let policy = policy(
        &Pki::new(),
        json!({ "downstream": waive, "upstream": waive, "gate": { "timeout_ms": 200 } }),
    );
    let mut bootstrap = Bootstrap::new()
        .cluster(Cluster::new("backend").endpoint(server.addr()))
        .cluster(Cluster::new("banner").endpoint(banner.addr()));
    for role in ROLES {
        let guard = |place: &str| plugin(role, &policy).name(&format!("{place}-{role}"));
        let cluster = format!("cluster-{role}");
        bootstrap = bootstrap
            .tcp(
                TcpListener::new(&format!("tcp-{role}"), "backend")
                    .filter(guard("tcp").network_filter()),
            )
            .tcp(
                TcpListener::new(&format!("banner-{role}"), "banner")
                    .filter(guard("banner").network_filter()),
            )
            .http(
                HttpListener::new(&format!("http-{role}"))
                    .filter(guard("http").http_filter())
                    .route(Route::all("backend")),
            )
            .http(HttpListener::new(&cluster).route(Route::all(&cluster)))
            .cluster(
                Cluster::new(&cluster)
                    .endpoint(server.addr())
                    .filter(guard("cluster").http_filter()),
            );
    }
    start(bootstrap).await
}

/// The status of a request to a listener; `None` where its connection is closed.
async fn status(envoy: &Envoy, listener: &str) -> Option<u16> {
    let client = Client::plaintext(envoy.listener(listener).await.unwrap());
    let answer = client.send(Request::post("/", "a secret")).await;
    answer.ok().map(|answer| answer.status)
}

#[tokio::test]
async fn a_role_in_a_place_of_another_kind_lets_nothing_through() {
    let server = Upstream::plaintext().start().await.unwrap();
    let banner = Upstream::plaintext().tcp_banner(b"220 ready\r\n");
    let banner = banner.start().await.unwrap();
    let envoy = every_role_everywhere(&server, &banner).await;

    for _ in 0..2 {
        for role in ["downstream", "upstream", "log"] {
            assert_eq!(status(&envoy, &format!("tcp-{role}")).await, None);
            let door = envoy.listener(&format!("banner-{role}")).await.unwrap();
            let mut connection = Client::plaintext(door).raw().await.unwrap();
            assert_eq!(connection.read_to_end().await.unwrap().bytes, b"", "{role}");
        }
        for (place, roles) in [
            ("http", ["network", "log", "upstream"]),
            ("cluster", ["network", "log", "downstream"]),
        ] {
            for role in roles {
                let listener = format!("{place}-{role}");
                assert_eq!(status(&envoy, &listener).await, Some(503), "{listener}");
            }
        }
    }
    for server in [&server, &banner] {
        let ended = server.wait_for(|seen| seen.open_connections() == 0).await;
        assert_eq!(ended.unwrap().raw(), b"");
    }
    exactly_events(&envoy, 0).await;
    // One line of each: the places with the roles that do not belong there.
    let misplaced = [
        ("tcp", "L4", &["downstream", "upstream", "log"][..]),
        ("banner", "L4", &["downstream", "upstream", "log"]),
        ("http", "HTTP", &["network", "log", "upstream"]),
        ("cluster", "HTTP", &["network", "log", "downstream"]),
    ];
    let logs = envoy.logs();
    let told = |line: &&String| line.contains("nothing goes through");
    assert_eq!(logs.iter().filter(told).count(), 12);
    for (place, kind, roles) in misplaced {
        for role in roles {
            let plugin = format!("wasm log {place}-{role} {role} ");
            let of = |line: &&String| line.contains(&plugin) && line.contains(kind);
            let lines: Vec<_> = logs.iter().filter(told).filter(of).collect();
            assert_eq!(lines.len(), 1, "{plugin}: {lines:#?}");
        }
    }
    // The others in the same VM go on.
    for listener in ["tcp-network", "http-downstream", "cluster-upstream"] {
        assert_eq!(status(&envoy, listener).await, Some(200), "{listener}");
    }
}

/// Envoy keeps one root context for both, to which both show the client's
/// connection.
#[tokio::test]
async fn one_plugin_in_a_listener_and_in_its_cluster_lets_nothing_through() {
    let server = Upstream::plaintext().start().await.unwrap();
    let waive = json!([{ "name": "local", "waive": waive_plaintext() }]);
    let policy = policy(
        &Pki::new(),
        json!({ "downstream": waive, "upstream": waive }),
    );
    for (role, in_cluster, in_listener) in [
        ("downstream", Some(503), Some(200)),
        ("upstream", Some(200), Some(503)),
    ] {
        let filter = plugin(role, &policy).http_filter();
        let open = Cluster::new("open").endpoint(server.addr());
        let guarded = Cluster::new("guarded").endpoint(server.addr());
        let both = HttpListener::new("both").filter(filter.clone());
        let envoy = start(
            Bootstrap::new()
                .http(both.route(Route::all("guarded")))
                .http(HttpListener::new("cluster").route(Route::all("guarded")))
                .http(
                    HttpListener::new("listener")
                        .filter(filter.clone())
                        .route(Route::all("open")),
                )
                .cluster(open)
                .cluster(guarded.filter(filter)),
        )
        .await;

        let door = Client::plaintext(envoy.listener("both").await.unwrap());
        let connection = door.http2().connect().await.unwrap();
        for _ in 0..3 {
            let answer = connection.send(Request::post("/", "a secret")).await;
            assert_eq!(answer.unwrap().status, 503, "{role}");
        }
        // Alone, each place is seen for what it is.
        assert_eq!(status(&envoy, "cluster").await, in_cluster, "{role}");
        assert_eq!(status(&envoy, "listener").await, in_listener, "{role}");

        assert_eq!(server.requests().len(), 1, "{role}");
        server.clear();
        let told = |line: &&String| line.contains("nothing goes through");
        assert_eq!(envoy.logs().iter().filter(told).count(), 1, "{role}");
        exactly_events(&envoy, 0).await;
    }
}
