//! V9.2.2 downstream: TLS, and new enough, before the request goes anywhere.

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{Bootstrap, Cluster, DownstreamTls, HttpListener, Route};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use hopguard_testbed::{TlsVersion, free_port};
use serde_json::{Value, json};

use crate::support::{ACCESS_LOG, exactly_events, filter, gist, policy, start, wait_for_event};

/// Listeners that this role guards, in front of one plaintext upstream.
async fn guarded(
    listeners: impl IntoIterator<Item = HttpListener>,
    policy: &Value,
) -> (Upstream, Envoy) {
    let upstream = Upstream::plaintext().start().await.unwrap();
    let guard = filter("downstream", policy);
    let mut bootstrap = Bootstrap::new().cluster(Cluster::new("backend").endpoint(upstream.addr()));
    for listener in listeners {
        bootstrap = bootstrap.http(
            listener
                .access_log(ACCESS_LOG)
                .filter(guard.clone())
                .route(Route::all("backend")),
        );
    }
    let envoy = start(bootstrap).await;
    (upstream, envoy)
}

/// What all versions are spoken with.
fn any_version(pki: &Pki) -> DownstreamTls {
    DownstreamTls::new(&pki.server("api.test").issue())
        .tls_versions(TlsVersion::V1_0, TlsVersion::V1_3)
        .alpn(&["h2", "http/1.1"])
}

/// Envoy knows the server name that a client asked for only where this listener
/// filter reads it (Envoy 1.40); Envoy adds it by itself where filter chains are
/// chosen by server name.
fn tls_inspector() -> Value {
    json!({ "listener_filters": [{
        "name": "envoy.filters.listener.tls_inspector",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
        },
    }]})
}

#[tokio::test]
async fn a_plaintext_client_is_refused() {
    let policy = policy(&Pki::new(), json!({}));
    let (upstream, envoy) = guarded([HttpListener::new("front")], &policy).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    let response = client.get("/").await.unwrap();

    assert_eq!(response.status, 403);
    assert_eq!(upstream.connections(), 0);
    let event = wait_for_event(&envoy, "plaintext").await;
    assert_eq!(event["hopguard.direction"], "downstream");
    assert_eq!(event["client.address"], "127.0.0.1");
    assert_eq!(event["tls.established"], false);
    envoy
        .wait_for_log(|line| {
            line.contains(
                "ACCESS / 403 hopguard_denied verdict=deny cause=plaintext control=V9.2.2",
            )
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_client_with_an_older_tls_version_than_demanded_is_refused() {
    use TlsVersion::{V1_0, V1_1, V1_2, V1_3};
    let pki = Pki::new();
    let policy = policy(
        &pki,
        json!({ "downstream": [
            { "name": "newest", "match": { "filter_chains": ["newest"] }, "require": { "min_tls_version": "1.3" } },
            { "name": "older", "match": { "filter_chains": ["older"] }, "require": { "min_tls_version": "1.1" } },
        ]}),
    );
    let listeners =
        ["newest", "older", "default"].map(|name| HttpListener::new(name).tls(any_version(&pki)));
    let (upstream, envoy) = guarded(listeners, &policy).await;

    let mut denied = Vec::new();
    for (listener, version, too_old) in [
        ("newest", V1_3, None),
        ("newest", V1_2, Some("1.2")),
        ("default", V1_3, None),
        ("default", V1_2, None),
        ("default", V1_1, Some("1.1")),
        ("older", V1_1, None),
        ("older", V1_0, Some("1.0")),
    ] {
        upstream.clear();
        let address = envoy.listener(listener).await.unwrap();
        let client = match version {
            V1_0 | V1_1 => Client::openssl(address),
            V1_2 | V1_3 => Client::tls(address),
        };
        let client = client.tls_versions(version, version);
        let response = client.get("/").await.unwrap();
        let expected = if too_old.is_some() { 403 } else { 200 };
        assert_eq!(response.status, expected, "{listener}, {version:?}");
        assert_eq!(upstream.requests().len(), usize::from(too_old.is_none()));
        denied.extend(too_old.map(|version| (listener, version)));
    }

    let events = exactly_events(&envoy, denied.len()).await;
    for (event, (rule, version)) in events.iter().zip(denied) {
        assert_eq!(
            gist(event),
            ["hopguard.denied", "tls_version_too_old", "V9.2.2", rule]
        );
        assert_eq!(event["tls.protocol.version"], version);
        assert_eq!(event["tls.established"], true);
    }
}

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
async fn each_request_of_a_connection_is_judged() {
    let pki = Pki::new();
    let policy = policy(
        &pki,
        json!({ "downstream": [
            { "name": "admin", "match": { "paths": ["/admin/**"] }, "require": { "min_tls_version": "1.3" } },
        ]}),
    );
    let listener = HttpListener::new("front").tls(any_version(&pki));
    let (upstream, envoy) = guarded([listener], &policy).await;
    let client = Client::tls(envoy.listener("front").await.unwrap())
        .tls_versions(TlsVersion::V1_2, TlsVersion::V1_2);

    let mut served = 0;
    for client in [client.clone(), client.http2()] {
        let connection = client.connect().await.unwrap();
        for _ in 0..2 {
            let admin = connection.send(Request::get("/admin/x"));
            assert_eq!(admin.await.unwrap().status, 403);
            let open = connection.send(Request::get("/open"));
            assert_eq!(open.await.unwrap().status, 200);
            served += 1;
        }
        // At once, where the protocol can.
        let both = tokio::join!(
            connection.send(Request::get("/admin/x")),
            connection.send(Request::get("/open")),
        );
        assert_eq!((both.0.unwrap().status, both.1.unwrap().status), (403, 200));
        served += 1;
    }

    let requests = upstream.requests();
    assert_eq!(requests.len(), served);
    assert!(requests.iter().all(|r| r.path == "/open"));
    exactly_events(&envoy, 6).await;
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
    for event in exactly_events(&envoy, 8).await {
        assert_ne!(event["client.address"], "10.1.2.3", "{event}");
        assert_ne!(event["network.peer.address"], "10.1.2.3", "{event}");
    }
}

#[tokio::test]
async fn websockets_are_judged_as_well() {
    let pki = Pki::new();
    let policy = policy(&pki, json!({}));
    let (upstream, envoy) = guarded(
        [
            HttpListener::new("plaintext").websocket(),
            HttpListener::new("tls").websocket().tls(any_version(&pki)),
        ],
        &policy,
    )
    .await;

    let plaintext = Client::plaintext(envoy.listener("plaintext").await.unwrap());
    let mut socket = plaintext.raw().await.unwrap();
    let (status, _) = socket.upgrade("/", "api.test", "websocket").await.unwrap();
    assert_eq!(status, 403);
    assert_eq!(upstream.connections(), 0);

    let tls = Client::tls(envoy.listener("tls").await.unwrap()).alpn(&["http/1.1"]);
    let mut socket = tls.raw().await.unwrap();
    let (status, _) = socket.upgrade("/", "api.test", "websocket").await.unwrap();
    assert_eq!(status, 101);
    socket.write(b"frame").await.unwrap();
    assert_eq!(socket.read_exact(5).await.unwrap(), b"frame");
}

#[tokio::test]
async fn report_mode_lets_through_and_tells_the_same() {
    let pki = Pki::new();
    let policy = policy(&pki, json!({ "mode": "report" }));
    let (upstream, envoy) = guarded([HttpListener::new("front")], &policy).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    assert_eq!(client.get("/").await.unwrap().status, 200);

    assert_eq!(upstream.requests().len(), 1);
    let events = exactly_events(&envoy, 1).await;
    assert_eq!(
        gist(&events[0]),
        ["hopguard.would_deny", "plaintext", "V9.2.2", "default"]
    );
    assert_eq!(events[0]["hopguard.verdict"], "would_deny");
}
