//! Where clients must have a certificate: by listener, server name, host and
//! path.

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{Bootstrap, Cluster, DownstreamTls, HttpListener, Route};
use hopguard_testbed::free_port;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use crate::support::doors::MISSING;
use crate::support::table::control_of;
use crate::support::{ACCESS_LOG, exactly_events, filter, gist, policy, start, tls_inspector};

const DENIED: &str = "hopguard.denied";

#[tokio::test]
async fn clients_must_have_a_certificate_where_a_rule_says_so() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let port = free_port().unwrap();
    let rule = |name: &str, matches: Value| {
        json!({
            "name": name,
            "match": matches,
            "require": { "peer_certificate": {
                "trust_stores": ["ca"], "names": { "dns": ["web.test"] },
            }},
        })
    };
    let policy = policy(
        &pki,
        json!({ "downstream": [
            rule("listener", json!({ "listeners": [format!("127.0.0.1:{port}")] })),
            rule("chain", json!({ "filter_chains": ["partners"] })),
            rule("sni", json!({ "server_names": ["admin.test"] })),
            rule("host", json!({ "hosts": ["*.admin.test"] })),
            rule("path", json!({ "paths": ["/admin/**"] })),
        ]}),
    );
    let upstream = Upstream::plaintext().start().await.unwrap();
    let mut bootstrap = Bootstrap::new().cluster(Cluster::new("backend").endpoint(upstream.addr()));
    let server = DownstreamTls::new(&pki.server("api.test").issue()).accept_any_client();
    for (name, port) in [("front", 0), ("partners", 0), ("by-address", port)] {
        bootstrap = bootstrap.http(
            HttpListener::new(name)
                .port(port)
                .tls(server.clone())
                .merge(tls_inspector())
                .access_log(ACCESS_LOG)
                .filter(filter("downstream", &policy))
                .route(Route::all("backend")),
        );
    }
    let envoy = start(bootstrap).await;
    let good = pki.client("web").dns("web.test").issue();
    let other = pki.client("web").dns("db.test").issue();

    let mut served = 0;
    let mut denied = Vec::new();
    // Listener, server name, host, path; the rule that demands a certificate.
    for (listener, sni, host, path, demanded_by) in [
        ("front", "api.test", "api.test", "/", None),
        ("front", "api.test", "api.test", "/administration", None),
        ("front", "api.test", "api.test", "/admin/x", Some("path")),
        ("front", "api.test", "x.admin.test", "/", Some("host")),
        ("front", "api.test", "X.Admin.test:443", "/", Some("host")),
        ("front", "api.test", "admin.test", "/", None),
        ("front", "admin.test", "api.test", "/", Some("sni")),
        ("front", "x.admin.test", "api.test", "/", None),
        ("partners", "api.test", "api.test", "/", Some("chain")),
        ("by-address", "api.test", "api.test", "/", Some("listener")),
    ] {
        let client = Client::tls(envoy.listener(listener).await.unwrap()).sni(sni);
        for (who, client, cause) in [
            ("good", client.clone().certificate(&good), None),
            (
                "other",
                client.clone().certificate(&other),
                Some("name_mismatch"),
            ),
            ("none", client, Some(MISSING)),
        ] {
            let case = format!("{who}: {listener} {sni} {host} {path}");
            let finding = demanded_by.zip(cause);
            let response = client.send(Request::get(path).host(host)).await.unwrap();
            let status = if finding.is_some() { 403 } else { 200 };
            assert_eq!(response.status, status, "{case}");
            served += usize::from(finding.is_none());
            assert_eq!(upstream.requests().len(), served, "{case}");
            denied.extend(finding.map(|finding| (finding, case)));
        }
    }

    let events = exactly_events(&envoy, denied.len()).await;
    for (event, ((rule, cause), case)) in events.iter().zip(denied) {
        let expected = [DENIED, cause, control_of(cause), rule];
        assert_eq!(gist(event), expected, "{case}");
    }
}

#[tokio::test]
async fn a_client_without_a_certificate_is_denied_request_by_request() {
    let pki = Pki::new();
    let policy = policy(
        &pki,
        json!({ "downstream": [{
            "name": "admin",
            "match": { "paths": ["/admin/**"] },
            "require": { "peer_certificate": { "trust_stores": ["ca"], "names": "any" } },
        }]}),
    );
    let upstream = Upstream::plaintext().start().await.unwrap();
    let listener = HttpListener::new("front")
        .tls(
            DownstreamTls::new(&pki.server("api.test").issue())
                .accept_any_client()
                .alpn(&["h2", "http/1.1"]),
        )
        .filter(filter("downstream", &policy))
        .route(Route::all("backend"));
    let cluster = Cluster::new("backend").endpoint(upstream.addr());
    let envoy = start(Bootstrap::new().http(listener).cluster(cluster)).await;
    let client = Client::tls(envoy.listener("front").await.unwrap());

    for client in [client.clone(), client.http2()] {
        let connection = client.connect().await.unwrap();
        for (path, status) in [
            ("/open", 200),
            ("/admin/x", 403),
            ("/open", 200),
            ("/admin/x", 403),
        ] {
            let response = connection.send(Request::get(path)).await.unwrap();
            assert_eq!(response.status, status, "{path}");
        }
    }

    assert_eq!(upstream.requests().len(), 4);
    assert!(upstream.requests().iter().all(|r| r.path == "/open"));
    for event in exactly_events(&envoy, 4).await {
        assert_eq!(gist(&event), [DENIED, MISSING, "V9.2.3", "admin"]);
    }
}
