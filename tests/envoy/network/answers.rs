//! What a server answers to a ClientHello that was passed on: nothing of it
//! passes before it shows the version that it chose.

use hopguard_testbed::TlsVersion;
use hopguard_testbed::client::{Client, RawConnection};
use hopguard_testbed::config::Cluster;
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::{Upstream, UpstreamBuilder};
use serde_json::{Value, json};

use super::metric_is;
use super::records::{HANDSHAKE, HELLO_RETRY_REQUEST, records, server_hello};
use crate::support::{exactly_events, gist, merge, pending, policy};

/// An Envoy that passes TLS on to this server.
struct Passing {
    envoy: Envoy,
    server: Upstream,
    client: Client,
}

async fn passing(server: UpstreamBuilder, fields: Value) -> Passing {
    let pki = Pki::new();
    let server = server.start().await.unwrap();
    let rule = json!([{ "name": "any", "require": { "passthrough": {} } }]);
    let mut policy = policy(&pki, json!({ "downstream": rule, "upstream": rule }));
    merge(&mut policy, fields);
    let cluster = Cluster::new("backend").endpoint(server.addr());
    let envoy = super::guarded(cluster, &policy).await;
    let client = Client::tls(envoy.listener("front").await.unwrap());
    Passing {
        envoy,
        server,
        client,
    }
}

impl Passing {
    /// A client that has said its hello, and its server, which has heard it.
    async fn greeted(&self) -> (RawConnection, RawConnection) {
        let hello = self.client.client_hello().await.unwrap();
        let door = self.envoy.listener("front").await.unwrap();
        let mut near = Client::plaintext(door).raw().await.unwrap();
        near.write(&hello).await.unwrap();
        let mut far = self.server.accept().await.unwrap();
        assert!(far.read_exact(hello.len()).await.unwrap() == hello);
        (near, far)
    }
}

fn of(version: TlsVersion) -> Vec<u8> {
    records(&server_hello(version, [7; 32]), 1 << 14)
}

const ALERT: [u8; 7] = [21, 3, 3, 0, 2, 1, 112];

#[tokio::test]
async fn a_server_hello_passes_as_it_came() {
    let passing = passing(Upstream::plaintext().by_hand(), json!({})).await;
    let new = of(TlsVersion::V1_3);
    let retry = server_hello(TlsVersion::V1_3, HELLO_RETRY_REQUEST);
    let with_more = [&new[..], b"and what follows"].concat();
    let after_alert = [&ALERT[..], &new].concat();
    let cases = [
        (new.clone(), 1_000),
        (of(TlsVersion::V1_2), 1_000),
        (with_more, 1_000),
        (after_alert.clone(), 1_000),
        (new.clone(), 4),
        (records(&server_hello(TlsVersion::V1_2, [7; 32]), 3), 1_000),
        (records(&server_hello(TlsVersion::V1_3, [7; 32]), 9), 10),
        (after_alert, 7),
        (records(&retry, 1 << 14), 1_000),
    ];

    for (number, (bytes, size)) in cases.iter().enumerate() {
        let (mut near, mut far) = passing.greeted().await;
        far.write_segments(bytes.chunks(*size)).await.unwrap();
        let came = near.read_exact(bytes.len()).await;
        assert!(came.is_ok_and(|came| came == *bytes), "case {number}");
        // From there on nobody looks.
        near.write(b"GET / HTTP/1.1").await.unwrap();
        assert_eq!(far.read_exact(14).await.unwrap(), b"GET / HTTP/1.1");
        far.write(b"HTTP/1.1 200 OK").await.unwrap();
        assert_eq!(near.read_exact(15).await.unwrap(), b"HTTP/1.1 200 OK");
    }
    // An alert may be all there is.
    let (mut near, mut far) = passing.greeted().await;
    far.write(&ALERT).await.unwrap();
    drop(far);
    assert_eq!(near.read_to_end().await.unwrap().bytes, ALERT);
    // Or nothing.
    let (mut near, far) = passing.greeted().await;
    drop(far);
    assert_eq!(near.read_to_end().await.unwrap().bytes, b"");

    exactly_events(&passing.envoy, 0).await;
    let judged = 2 * (cases.len() as u64 + 2);
    metric_is(&passing.envoy, &["decisions"], judged).await;
    metric_is(&passing.envoy, &["gate_pending"], 0).await;
}

#[tokio::test]
async fn no_byte_of_a_server_passes_that_chose_too_old_a_version_or_no_tls() {
    let passing = passing(Upstream::plaintext().by_hand(), json!({})).await;
    let new = of(TlsVersion::V1_3);
    let mut malformed = new.clone();
    // The length of the session id.
    malformed[5 + 4 + 2 + 32] = 33;
    let hello = passing.client.client_hello().await.unwrap();
    const TOO_OLD: &str = "tls_version_too_old";
    let cases: [(&str, &str, &str, Vec<u8>); 10] = [
        ("1.1", TOO_OLD, "passthrough", of(TlsVersion::V1_1)),
        ("1.0", TOO_OLD, "passthrough", of(TlsVersion::V1_0)),
        (
            "banner",
            "plaintext",
            "plaintext",
            b"220 ready\r\n".to_vec(),
        ),
        (
            "http",
            "plaintext",
            "plaintext",
            b"HTTP/1.1 400 Bad Request\r\n".to_vec(),
        ),
        ("postgresql", "plaintext", "plaintext", b"N".to_vec()),
        ("client-hello", "plaintext", "plaintext", hello),
        ("malformed", "plaintext", "plaintext", malformed),
        (
            "empty-record",
            "plaintext",
            "plaintext",
            vec![HANDSHAKE, 3, 3, 0, 0],
        ),
        (
            "application-data",
            "plaintext",
            "plaintext",
            vec![23, 3, 3, 0, 1, 0],
        ),
        (
            "text-as-alert",
            "plaintext",
            "plaintext",
            [&[21, 3, 3, 0, 11], &b"220 ready\r\n"[..]].concat(),
        ),
    ];

    for (number, (name, cause, transport, bytes)) in cases.iter().enumerate() {
        let (mut near, mut far) = passing.greeted().await;
        far.write(bytes).await.unwrap();
        assert_eq!(near.read_to_end().await.unwrap().bytes, b"", "{name}");
        assert_eq!(far.read_to_end().await.unwrap().bytes, b"", "{name}");
        let events = exactly_events(&passing.envoy, number + 1).await;
        let event = &events[number];
        assert_eq!(
            gist(event),
            ["hopguard.denied", cause, "V9.2.2", "any"],
            "{name}"
        );
        assert_eq!(event["hopguard.transport"], **transport, "{name}: {event}");
        assert_eq!(event["client.address"], "127.0.0.1");
    }
    let count = cases.len() as u64;
    metric_is(&passing.envoy, &["decisions", "verdict.=.deny;"], count).await;
    // That they had been permitted before does not count.
    metric_is(&passing.envoy, &["decisions"], count).await;
}

#[tokio::test]
async fn half_a_server_hello_is_none() {
    let fields = json!({ "gate": { "timeout_ms": 300 } });
    let passing = passing(Upstream::plaintext().by_hand(), fields).await;
    let hello = of(TlsVersion::V1_3);

    // It ends there.
    let (mut near, mut far) = passing.greeted().await;
    far.write(&hello[..20]).await.unwrap();
    far.half_close().await.unwrap();
    assert_eq!(near.read_to_end().await.unwrap().bytes, b"");
    // It never ends.
    let (mut near, mut far) = passing.greeted().await;
    far.write(&hello[..20]).await.unwrap();
    pending(&passing.envoy, 1).await;
    assert_eq!(near.read_to_end().await.unwrap().bytes, b"");
    assert_eq!(far.read_to_end().await.unwrap().bytes, b"");
    // The client leaves.
    let (near, mut far) = passing.greeted().await;
    far.write(&hello[..20]).await.unwrap();
    pending(&passing.envoy, 1).await;
    near.reset();
    pending(&passing.envoy, 0).await;
    // Alerts, and then plaintext, or more of them than any client takes.
    for (alerts, rest) in [(1, &b"220 ready\r\n"[..]), (5, &ALERT)] {
        let (mut near, mut far) = passing.greeted().await;
        for _ in 0..alerts {
            far.write(&ALERT).await.unwrap();
            assert_eq!(near.read_exact(7).await.unwrap(), ALERT);
        }
        far.write(rest).await.unwrap();
        assert_eq!(near.read_to_end().await.unwrap().bytes, b"");
    }

    let events = exactly_events(&passing.envoy, 4).await;
    let causes = events.iter().map(|event| gist(event)[1]);
    let expected = ["plaintext", "gate_timeout", "plaintext", "plaintext"];
    assert_eq!(causes.collect::<Vec<_>>(), expected);
    pending(&passing.envoy, 0).await;
    for (result, count) in [("timeout", 1), ("gone", 1)] {
        let result = format!("result.=.{result};");
        metric_is(&passing.envoy, &["gate_waits", &result], count).await;
    }
}

#[tokio::test]
async fn the_version_that_a_server_chose_is_a_matter_of_both_sides() {
    let rule = |min: &str, mode: &str| {
        json!([{ "name": "any", "mode": mode,
            "require": { "passthrough": {}, "min_tls_version": min } }])
    };
    let chosen = of(TlsVersion::V1_2);
    let cases = [
        ("1.2", "1.3", "enforce", Some("upstream")),
        ("1.3", "1.2", "enforce", Some("downstream")),
        ("1.2", "1.2", "enforce", None),
        ("1.3", "1.2", "report", Some("downstream")),
    ];
    for (client, server, mode, told) in cases {
        let fields = json!({ "downstream": rule(client, mode), "upstream": rule(server, mode) });
        let passing = passing(Upstream::plaintext().by_hand(), fields).await;
        let (mut near, mut far) = passing.greeted().await;
        far.write(&chosen).await.unwrap();
        let denied = told.filter(|_| mode == "enforce").is_some();
        if denied {
            assert_eq!(near.read_to_end().await.unwrap().bytes, b"");
        } else {
            assert!(near.read_exact(chosen.len()).await.unwrap() == chosen);
        }
        let events = exactly_events(&passing.envoy, usize::from(told.is_some())).await;
        for event in &events {
            assert_eq!(event["hopguard.direction"], told.unwrap(), "{event}");
            assert_eq!(event["error.type"], "tls_version_too_old");
            let name = if denied { "denied" } else { "would_deny" };
            assert_eq!(event["event.name"], format!("hopguard.{name}"));
        }
    }
}

/// Real ones on both ends, that would agree upon TLS 1.1.
#[tokio::test]
async fn a_handshake_of_tls_1_1_ends_before_its_client_hears_of_it() {
    let pki = Pki::new();
    let certificate = pki.server("api.test").issue();
    for (newest, is_served) in [(TlsVersion::V1_1, false), (TlsVersion::V1_2, true)] {
        let server = Upstream::openssl(&certificate).tls_versions(TlsVersion::V1_0, newest);
        let passing = passing(server.tcp_echo(), json!({})).await;
        let door = passing.envoy.listener("front").await.unwrap();
        let client = Client::openssl(door).tls_versions(TlsVersion::V1_0, TlsVersion::V1_3);

        let connection = client.raw().await;

        assert_eq!(connection.is_ok(), is_served, "{newest:?}");
        match connection {
            Ok(mut connection) => {
                connection.write(b"hello").await.unwrap();
                assert_eq!(connection.read_exact(5).await.unwrap(), b"hello");
                exactly_events(&passing.envoy, 0).await;
            }
            Err(_) => {
                let events = exactly_events(&passing.envoy, 1).await;
                let expected = ["hopguard.denied", "tls_version_too_old", "V9.2.2", "any"];
                assert_eq!(gist(&events[0]), expected);
                assert_eq!(events[0]["server.address"], "api.test");
                assert_eq!(passing.server.received(), b"");
            }
        }
    }
}
