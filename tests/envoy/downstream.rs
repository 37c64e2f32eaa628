//! V9.2.2 downstream: TLS, and new enough, before the request goes anywhere.

mod selectors;

use hopguard_testbed::TlsVersion;
use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{Bootstrap, Cluster, DownstreamTls, HttpListener, Route};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
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
