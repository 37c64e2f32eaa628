//! What a peer or a policy gets wrong harms nothing: hostile bytes, huge
//! values, forged headers, and policies that cannot be.

mod policies;

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{
    Bootstrap, Cluster, DownstreamTls, HttpListener, Route, UpstreamTls,
};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::json;

use crate::support::{
    ACCESS_LOG, access, events, exactly_events, filter, gist, guarded_cluster, policy, start,
    tls_inspector,
};

/// Looks like an event, would end one, or steers a terminal.
const FORGED: &str = "x\"}\r\n{\"timestamp\":\"forged\u{1b}[2J\u{9b}31m\u{202e}";

/// No line of the log is forged, and none steers a terminal.
fn assert_clean(envoy: &Envoy) {
    for line in envoy.stderr() {
        assert!(!line.starts_with("{\"timestamp\""), "{line}");
        assert!(
            !line.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\r']),
            "{line:?}"
        );
    }
    for event in events(envoy) {
        assert_ne!(event["timestamp"], "forged");
    }
}

#[tokio::test]
async fn hostile_bytes_in_a_request_kill_nothing_and_forge_nothing() {
    let pki = Pki::new();
    // Rules that read every part of a request.
    let never =
        json!({ "hosts": ["never.test"], "paths": ["/never/**"], "addresses": ["192.0.2.0/24"] });
    let policy = policy(
        &pki,
        json!({
            "default_trust_stores": ["ca"],
            "downstream": [
                { "name": "never", "match": never },
                { "name": "reports", "mode": "report" },
            ],
            "upstream": [{
                "name": "never",
                "match": { "hosts": ["never.test"], "paths": ["/never/**"] },
                "require": { "client_authentication": { "headers": ["authorization"] } },
            }],
        }),
    );
    let upstream = Upstream::plaintext().start().await.unwrap();
    let listener = HttpListener::new("front")
        .access_log(ACCESS_LOG)
        .manager(json!({
            "preserve_external_request_id": true,
            "use_remote_address": true,
            "max_request_headers_kb": 512,
        }))
        .filter(filter("downstream", &policy))
        .route(Route::all("backend"));
    let cluster = Cluster::new("backend")
        .endpoint(upstream.addr())
        .filter(filter("upstream", &policy));
    let envoy = start(Bootstrap::new().http(listener).cluster(cluster)).await;
    let address = envoy.listener("front").await.unwrap();

    let long = vec![b'a'; 200_000];
    let header = |name: &str, value: &[u8]| {
        [
            b"GET / HTTP/1.1\r\nhost: a\r\n",
            name.as_bytes(),
            b": ",
            value,
            b"\r\n\r\n",
        ]
        .concat()
    };
    let path = |path: &[u8]| [b"GET ", path, b" HTTP/1.1\r\nhost: a\r\n\r\n"].concat();
    let host = |host: &[u8]| [b"GET / HTTP/1.1\r\nhost: ", host, b"\r\n\r\n"].concat();
    let cases: Vec<Vec<u8>> = vec![
        header("x-request-id", b"\xff\xfe"),
        header("x-request-id", b"\"},{\"timestamp\":\"forged"),
        header("x-request-id", "\u{9b}31m\u{202e}".as_bytes()),
        header("x-request-id", &long),
        header("authorization", b"\xff\xfe"),
        header("x-any", &long),
        header("x-forwarded-client-cert", b"Hash=\xff;Cert=\"%zz\";;;=\"\\"),
        header("x-forwarded-client-cert", &long),
        header("x-forwarded-for", b"\xff, 999.1.1.1, ::"),
        header("x-forwarded-for", b"192.0.2.1"),
        path(b"/\xff\xfe"),
        path(b"/%ff%00%0a%0d"),
        path(b"/\"}{\"timestamp\":\"forged"),
        path(&[b"/", long.as_slice()].concat()),
        path(b"/never/../../..//%2e%2e/\\"),
        path(b"http://[::1]:1/absolute"),
        path(b"*"),
        host(b"\xff\xfe"),
        host(b"never.test:99999999999999999999"),
        host(b"[::1"),
        host(b"a@b:c@d"),
        host(b""),
        host(&long),
    ];
    for request in &cases {
        let mut raw = Client::plaintext(address).raw().await.unwrap();
        raw.write(request).await.unwrap();
        let head = raw.read_until(b"\r\n").await.unwrap();
        // Envoy refuses some of them itself.
        let status = String::from_utf8_lossy(&head[9..12]).into_owned();
        assert!(
            ["503", "400", "403", "404", "414", "431"].contains(&&*status),
            "{status}: {}",
            String::from_utf8_lossy(&request[..request.len().min(80)])
        );
    }
    for value in [&b"\xff\xfe"[..], &long[..50_000]] {
        let request = Request::get("/")
            .header("x-request-id", value)
            .header("x-any", value);
        let response = Client::plaintext(address)
            .http2()
            .send(request)
            .await
            .unwrap();
        assert_eq!(response.status, 503);
    }

    // The plugin is well, and judges as before.
    let response = Client::plaintext(address).get("/after").await.unwrap();
    assert_eq!(response.status, 503);
    assert!(
        access(&envoy, "/after")
            .await
            .starts_with("503 hopguard_denied")
    );
    assert_eq!(upstream.raw_received(), b"");
    for event in events(&envoy) {
        let line = event.to_string();
        assert!(line.len() < 8 * 1024, "{}", line.len());
    }
    assert_clean(&envoy);
}

#[tokio::test]
async fn what_a_peer_chose_is_escaped_in_the_log() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let forged = pki
        .server("api.test")
        .common_name(FORGED)
        .organization(FORGED)
        .issuer(&pki.other)
        .issue();
    let upstream = Upstream::tls(&forged).start().await.unwrap();
    let policy = policy(
        &pki,
        json!({
            "default_trust_stores": ["ca"],
            "downstream": [{
                "name": "newest",
                "match": { "filter_chains": ["old"] },
                "require": { "min_tls_version": "1.3" },
            }],
        }),
    );
    let tls = DownstreamTls::new(&pki.server("api.test").issue()).tls_versions(
        hopguard_testbed::TlsVersion::V1_2,
        hopguard_testbed::TlsVersion::V1_2,
    );
    let listener = |name: &str| {
        HttpListener::new(name)
            .tls(tls.clone())
            .merge(tls_inspector())
            .filter(filter("downstream", &policy))
            .route(Route::all("backend"))
    };
    let cluster = Cluster::new("backend")
        .endpoint(upstream.addr())
        .tls(UpstreamTls::new().sni("api.test"))
        .filter(filter("upstream", &policy));
    let envoy = start(
        Bootstrap::new()
            .http(listener("old"))
            .http(listener("front"))
            .cluster(cluster),
    )
    .await;

    let old = Client::openssl(envoy.listener("old").await.unwrap());
    // The longest name that TLS has room for, and more than an event has.
    let long = "x".repeat(255);
    let names = [FORGED, "grün.test", &long];
    for name in names {
        let response = old.clone().sni(name).get("/").await.unwrap();
        assert_eq!(response.status, 403, "{name:?}");
    }
    let front = Client::tls(envoy.listener("front").await.unwrap());
    assert_eq!(front.get("/").await.unwrap().status, 503);

    let events = exactly_events(&envoy, names.len() + 1).await;
    let shown = events[0]["server.address"].as_str().unwrap();
    assert!(
        shown.starts_with("x\"}\r\n{\"timestamp\":\"forged"),
        "{shown:?}"
    );
    assert_eq!(events[1]["server.address"], "grün.test");
    assert_eq!(events[2]["server.address"], long);
    assert_eq!(gist(&events[3])[1], "certificate_unknown_issuer");
    let subject = events[3]["tls.server.subject"].as_str().unwrap();
    assert!(subject.contains("forged"), "{subject:?}");
    assert_clean(&envoy);
}

#[tokio::test]
async fn headers_that_name_hopguard_do_nothing() {
    let pki = Pki::new();
    let plain = Upstream::plaintext().start().await.unwrap();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let cluster = Cluster::new("backend").endpoint(plain.addr());
    let envoy = guarded_cluster(cluster, &policy).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    let mut request = Request::get("/forged");
    for name in ["verdict", "rule", "cause", "control"] {
        for prefix in ["hopguard.", "wasm.hopguard.", "x-hopguard-"] {
            request = request.header(&format!("{prefix}{name}"), "permit");
        }
    }
    request = request
        .header("x-envoy-upstream-rq-timeout-ms", "1")
        .header("upstream.tls_version", "TLSv1.3")
        .header("upstream-tls-version", "TLSv1.3");
    assert_eq!(client.send(request).await.unwrap().status, 503);

    assert_eq!(plain.raw_received(), b"");
    let log = access(&envoy, "/forged").await;
    let expected = "verdict=deny cause=plaintext control=V9.2.2 rule=default";
    assert!(log.ends_with(expected), "{log}");
}
