//! Which rule a request meets: by listener, server name, address, host, path.

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::HttpListener;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::{TlsVersion, free_port};
use serde_json::{Value, json};

use super::{any_version, guarded};
use crate::support::{exactly_events, gist, policy, tls_inspector};

/// Rules that allow (TLS 1.2) or deny (TLS 1.3), each by something else; the
/// client speaks TLS 1.2.
#[tokio::test]
async fn the_first_rule_that_matches_decides() {
    let pki = Pki::new();
    let port = free_port().unwrap();
    let rule = |name: &str, matches: Value, min: &str| json!({ "name": name, "match": matches, "require": { "min_tls_version": min } });
    let policy = policy(
        &pki,
        json!({ "downstream": [
            rule("exact-path", json!({ "paths": ["/admin/open"] }), "1.2"),
            rule("path", json!({ "paths": ["/admin/**", "/segment/*/end"] }), "1.3"),
            rule("host-and-path", json!({ "hosts": ["a.test"], "paths": ["/a"] }), "1.3"),
            rule("host", json!({ "hosts": ["*.deny.test", "deny.test"] }), "1.3"),
            rule("listener", json!({ "listeners": [format!("127.0.0.1:{port}")] }), "1.3"),
            rule("chain", json!({ "filter_chains": ["second-*"] }), "1.3"),
            rule("sni-and-address", json!({ "server_names": ["both.test"], "addresses": ["10.0.0.0/8"] }), "1.3"),
            rule("sni", json!({ "server_names": ["sni.test", "*.sni.test"] }), "1.3"),
            rule("address", json!({ "addresses": ["10.0.0.0/8", "127.0.0.0/8"], "server_names": ["address.test"] }), "1.3"),
            rule("rest", json!({}), "1.2"),
        ]}),
    );
    let real_address = json!({ "use_remote_address": true });
    let listeners = [("first", 0), ("second-x", 0), ("third", port)].map(|(name, port)| {
        HttpListener::new(name)
            .port(port)
            .manager(real_address.clone())
            .tls(any_version(&pki))
            .merge(tls_inspector())
    });
    let (upstream, envoy) = guarded(listeners, &policy).await;

    let mut denied = Vec::new();
    // Listener, SNI, host, path; the rule that denies.
    for (listener, sni, host, path, denied_by) in [
        ("first", "x.test", "x.test", "/", None),
        ("first", "x.test", "x.test", "/admin/open", None),
        (
            "first",
            "x.test",
            "x.test",
            "/admin/open?x=/admin/shut",
            None,
        ),
        ("first", "x.test", "x.test", "/admin/shut", Some("path")),
        ("first", "x.test", "x.test", "/admin/open/", Some("path")),
        ("first", "x.test", "x.test", "/admin/shut?x", Some("path")),
        ("first", "x.test", "x.test", "/segment/a/end", Some("path")),
        ("first", "x.test", "x.test", "/segment/a/b/end", None),
        ("first", "x.test", "x.test", "/Admin/shut", None),
        ("first", "x.test", "a.test", "/a", Some("host-and-path")),
        ("first", "x.test", "a.test", "/b", None),
        ("first", "x.test", "b.test", "/a", None),
        ("first", "x.test", "deny.test", "/", Some("host")),
        ("first", "x.test", "A.Deny.Test:8443", "/", Some("host")),
        ("first", "x.test", "denied.test", "/", None),
        ("first", "deny.test", "x.test", "/", None),
        ("third", "x.test", "x.test", "/", Some("listener")),
        ("third", "x.test", "x.test", "/admin/open", None),
        ("second-x", "x.test", "x.test", "/", Some("chain")),
        ("first", "both.test", "x.test", "/", None),
        ("first", "sni.test", "x.test", "/", Some("sni")),
        ("first", "a.SNI.test", "x.test", "/", Some("sni")),
        ("first", "address.test", "x.test", "/", Some("address")),
        ("first", "", "sni.test", "/", None),
    ] {
        let case = format!("{listener} {sni} {host} {path}");
        upstream.clear();
        let client = Client::tls(envoy.listener(listener).await.unwrap())
            .tls_versions(TlsVersion::V1_2, TlsVersion::V1_2);
        let client = match sni {
            "" => client.no_sni(),
            sni => client.sni(sni),
        };
        let request = Request::get(path).host(host);
        let response = client.send(request).await.unwrap();
        let expected = if denied_by.is_some() { 403 } else { 200 };
        assert_eq!(response.status, expected, "{case}");
        assert_eq!(
            upstream.requests().len(),
            usize::from(denied_by.is_none()),
            "{case}"
        );
        denied.extend(denied_by.map(|rule| (rule, case)));
    }

    let events = exactly_events(&envoy, denied.len()).await;
    for (event, (rule, case)) in events.iter().zip(denied) {
        assert_eq!(event["hopguard.rule"], rule, "{case}");
        assert_eq!(gist(event)[1], "tls_version_too_old", "{case}");
    }
}

#[tokio::test]
async fn a_client_cannot_choose_its_address() {
    let pki = Pki::new();
    let policy = policy(
        &pki,
        json!({ "downstream": [
            {
                "name": "inside",
                "match": { "addresses": ["10.0.0.0/8"] },
                "waive": [{ "controls": ["V9.2.2"], "reason": "inside", "until": "2099-12-31" }],
            },
        ]}),
    );
    let (upstream, envoy) = guarded(
        [
            HttpListener::new("by-header"),
            HttpListener::new("by-socket").manager(json!({ "use_remote_address": true })),
        ],
        &policy,
    )
    .await;

    for listener in ["by-header", "by-socket"] {
        let client = Client::plaintext(envoy.listener(listener).await.unwrap());
        let claiming = || Request::get("/").header("x-forwarded-for", "10.1.2.3");
        for requests in [
            [claiming(), Request::get("/")],
            [Request::get("/"), claiming()],
        ] {
            let connection = client.connect().await.unwrap();
            for request in requests {
                let response = connection.send(request).await.unwrap();
                assert_eq!(response.status, 403, "{listener}");
            }
        }
    }

    assert_eq!(upstream.connections(), 0);
    let events = exactly_events(&envoy, 8).await;
    let causes: Vec<_> = events.iter().map(|e| gist(e)[1]).collect();
    assert_eq!(causes[0], "address_from_header");
    assert_eq!(causes[1..], ["plaintext"; 7]);
    for event in events {
        assert_ne!(event["client.address"], "10.1.2.3", "{event}");
        assert_ne!(event["network.peer.address"], "10.1.2.3", "{event}");
    }
}

#[tokio::test]
async fn a_path_that_can_be_read_in_two_ways_escapes_no_rule() {
    let pki = Pki::new();
    let policy = policy(
        &pki,
        json!({ "downstream": [
            {
                "name": "public",
                "match": { "paths": ["/public/**"] },
                "waive": [{ "controls": ["V9.2.2"], "reason": "public", "until": "2099-12-31" }],
            },
        ]}),
    );
    let listener = HttpListener::new("front");
    let normalizing = HttpListener::new("normalizing").manager(json!({
        "normalize_path": true,
        "merge_slashes": true,
        "path_with_escaped_slashes_action": "UNESCAPE_AND_FORWARD",
    }));
    let (upstream, envoy) = guarded([listener, normalizing], &policy).await;

    for (path, as_it_is, normalized) in [
        ("/public/a", 200, 200),
        ("/public/a%20b?x=/../y", 200, 200),
        ("/secret", 403, 403),
        ("/public/../secret", 403, 403),
        ("/public/%2e%2E/secret", 403, 403),
        ("/public/..%2fsecret", 403, 403),
        ("/public/..\\secret", 403, 403),
        ("/x/../public/a", 403, 200),
        ("//public/a", 403, 200),
    ] {
        for (name, expected) in [("front", as_it_is), ("normalizing", normalized)] {
            upstream.clear();
            let client = Client::plaintext(envoy.listener(name).await.unwrap());
            let mut raw = client.raw().await.unwrap();
            raw.write(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes())
                .await
                .unwrap();
            let head = raw.read_until(b"\r\n\r\n").await.unwrap();
            let head = String::from_utf8_lossy(&head);
            let start = format!("HTTP/1.1 {expected} ");
            assert!(head.starts_with(&start), "{name}, {path}: {head}");
            assert_eq!(upstream.requests().len(), usize::from(expected == 200));
        }
    }
}
