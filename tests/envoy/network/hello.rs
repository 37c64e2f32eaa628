//! What comes in place of a whole ClientHello: pieces of one, too much of one,
//! and everything else.

use std::net::SocketAddr;

use hopguard_testbed::TlsVersion;
use hopguard_testbed::client::{Client, RawConnection};
use hopguard_testbed::config::{Bootstrap, Cluster, TcpListener};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use super::metric_is;
use super::records::{HANDSHAKE, longer, message, records};
use crate::support::{exactly_events, gist, merge, pending, plugin, policy, start, tls_inspector};

/// An Envoy that passes TLS on for `api.test`, with the listeners `front` and
/// `inspected`, in front of a server that keeps what it gets.
async fn passes_tls_on(fields: Value) -> (Envoy, Upstream) {
    let pki = Pki::new();
    let server = Upstream::plaintext().tcp_sink().start().await.unwrap();
    let mut policy = policy(
        &pki,
        json!({
            "downstream": [{
                "name": "named",
                "require": { "passthrough": { "server_names": ["api.test"] } },
            }],
            "upstream": [{ "name": "named", "require": { "passthrough": {} } }],
        }),
    );
    merge(&mut policy, fields);
    let guard = plugin("network", &policy).network_filter();
    let listener = |name: &str| TcpListener::new(name, "backend").filter(guard.clone());
    let envoy = start(
        Bootstrap::new()
            .tcp(listener("front"))
            .tcp(listener("inspected").merge(tls_inspector()))
            .cluster(Cluster::new("backend").endpoint(server.addr())),
    )
    .await;
    (envoy, server)
}

async fn doors(envoy: &Envoy) -> [SocketAddr; 2] {
    [
        envoy.listener("front").await.unwrap(),
        envoy.listener("inspected").await.unwrap(),
    ]
}

async fn connect(door: SocketAddr) -> RawConnection {
    Client::plaintext(door).raw().await.unwrap()
}

async fn hello(door: SocketAddr) -> Vec<u8> {
    Client::tls(door).client_hello().await.unwrap()
}

#[tokio::test]
async fn a_hello_in_pieces_leaves_as_one_and_as_it_came() {
    let (envoy, server) = passes_tls_on(json!({})).await;
    let mut sent = 0;

    for (door, is_inspected) in doors(&envoy).await.into_iter().zip([false, true]) {
        let hello = hello(door).await;
        let message = message(&hello);
        let long = |size| records(&longer(&hello, 16_000), size);
        let longest = longer(&hello, 16 * 1024 + 4);
        let mut cases = vec![
            (hello.clone(), 1),
            (hello.clone(), 30),
            (records(&message, 1), 90),
            (records(&message, 16), hello.len() * 2),
            (long(1 << 14), 1_000),
        ];
        // Envoy's own filter for listeners looks at 16 KiB, and then hangs.
        if !is_inspected {
            cases.push((long(64), 5_000));
            cases.push((records(&longest, 1 << 14), 8_000));
        }
        for (number, (mut bytes, size)) in cases.into_iter().enumerate() {
            // What follows comes with it.
            bytes.extend_from_slice(b"and more");
            server.clear();
            let mut connection = connect(door).await;
            // The head of two dozen bytes, if it is one by one: each takes a while.
            let (head, rest) = match size {
                1 => bytes.split_at(24),
                _ => bytes.split_at(0),
            };
            let pieces = head.chunks(1).chain(rest.chunks(size.max(50)));
            connection.write_segments(pieces).await.unwrap();
            let came = server
                .wait_for(|seen| seen.raw().len() == bytes.len())
                .await;
            let came = came.is_ok_and(|seen| seen.raw() == bytes);
            assert!(came, "{number}, {is_inspected}");
            sent += 1;
        }
    }

    exactly_events(&envoy, 0).await;
    metric_is(&envoy, &["decisions", "verdict.=.permit;"], 2 * sent).await;
    metric_is(&envoy, &["gate_pending"], 0).await;
}

#[tokio::test]
async fn what_is_no_client_hello_goes_nowhere() {
    let (envoy, server) = passes_tls_on(json!({})).await;
    let mut total = 0;

    for (door, is_inspected) in doors(&envoy).await.into_iter().zip([false, true]) {
        let hello = hello(door).await;
        let too_long = longer(&hello, 16 * 1024 + 5);
        let mut malformed = hello.clone();
        // The length of the session id.
        malformed[5 + 4 + 2 + 32] = 33;
        let mut server_hello = hello.clone();
        server_hello[5] = 2;
        let mut cases = vec![
            ("http", b"GET / HTTP/1.1\r\nHost: api.test\r\n\r\n".to_vec()),
            // SSLRequest, which a server answers before TLS begins.
            ("postgresql", vec![0, 0, 0, 8, 4, 210, 22, 47]),
            ("alert", vec![21, 3, 3, 0, 2, 2, 40]),
            ("garbage", vec![0xff; 100]),
            ("ssl-2", vec![0x80, 0x2e, 1, 0, 2]),
            ("other-major", vec![HANDSHAKE, 4, 1, 0, 5]),
            ("server-hello", server_hello),
            ("malformed", malformed),
        ];
        // Envoy's own filter for listeners keeps these until its time-out: too
        // short, or longer than it looks at.
        if !is_inspected {
            cases.push(("too-long", records(&too_long, 1 << 14)));
            cases.push(("one-byte", vec![0]));
            cases.push(("empty-record", vec![HANDSHAKE, 3, 1, 0, 0]));
        }
        for (name, bytes) in cases {
            let mut connection = connect(door).await;
            // It may be closed by now.
            let _ = connection.write(&bytes).await;
            let tail = connection.read_to_end().await.unwrap();
            assert_eq!(tail.bytes, b"", "{name}, {is_inspected}");
            total += 1;
            metric_is(&envoy, &["decisions", "cause.=.plaintext;"], total).await;
        }
    }
    // Half of one, and then no more.
    let [front, _] = doors(&envoy).await;
    let hello = hello(front).await;
    for length in [1, 5, 6, hello.len() - 1] {
        let mut connection = connect(front).await;
        connection.write(&hello[..length]).await.unwrap();
        connection.half_close().await.unwrap();
        assert_eq!(connection.read_to_end().await.unwrap().bytes, b"");
        total += 1;
        metric_is(&envoy, &["decisions", "cause.=.plaintext;"], total).await;
    }

    let seen = server
        .wait_for(|s| s.open_connections() == 0)
        .await
        .unwrap();
    assert_eq!(seen.raw(), b"");
    metric_is(&envoy, &["decisions"], total).await;
    metric_is(&envoy, &["gate_pending"], 0).await;
}

#[tokio::test]
async fn half_a_hello_is_not_waited_for_longer_than_the_gate_allows() {
    let (envoy, server) = passes_tls_on(json!({ "gate": { "timeout_ms": 300 } })).await;
    let [front, inspected] = doors(&envoy).await;
    let hello = hello(front).await;
    let half = &hello[..hello.len() / 2];

    // Envoy's own filter for listeners keeps the other one.
    let mut waits = connect(front).await;
    waits.write(half).await.unwrap();
    let mut whole = connect(inspected).await;
    whole.write(&hello).await.unwrap();
    assert_eq!(waits.read_to_end().await.unwrap().bytes, b"");

    let events = exactly_events(&envoy, 1).await;
    let expected = ["hopguard.denied", "gate_timeout", "V9.2.2", "named"];
    assert_eq!(gist(&events[0]), expected);
    assert_eq!(events[0]["hopguard.direction"], "downstream");
    assert_eq!(events[0]["hopguard.filter_chain"], "front");
    pending(&envoy, 0).await;
    metric_is(&envoy, &["gate_waits", "result.=.timeout;"], 1).await;
    let came = server.wait_for(|seen| !seen.raw().is_empty()).await;
    assert!(came.unwrap().raw() == hello);
}

#[tokio::test]
async fn a_client_that_leaves_within_its_hello_is_forgotten() {
    let (envoy, server) = passes_tls_on(json!({})).await;
    let [front, _] = doors(&envoy).await;
    let old = Client::openssl(front).tls_versions(TlsVersion::V1_2, TlsVersion::V1_2);
    let hello = old.client_hello().await.unwrap();

    for n in 1..=3 {
        let mut connection = connect(front).await;
        connection.write(&hello[..50]).await.unwrap();
        pending(&envoy, 1).await;
        connection.reset();
        pending(&envoy, 0).await;
        metric_is(&envoy, &["gate_waits", "result.=.gone;"], n).await;
    }

    let seen = server
        .wait_for(|s| s.open_connections() == 0)
        .await
        .unwrap();
    assert_eq!(seen.raw(), b"");
    exactly_events(&envoy, 0).await;
}

/// A server that speaks while the client's opening is incomplete has nothing to
/// rely on.
#[tokio::test]
async fn a_server_that_speaks_into_half_a_hello_is_not_heard() {
    let pki = Pki::new();
    let server = Upstream::plaintext().by_hand().start().await.unwrap();
    let rule = json!([{ "name": "any", "require": { "passthrough": {} } }]);
    let policy = policy(&pki, json!({ "downstream": rule, "upstream": rule }));
    let envoy = super::guarded(Cluster::new("backend").endpoint(server.addr()), &policy).await;
    let door = envoy.listener("front").await.unwrap();
    let hello = hello(door).await;
    let mut near = connect(door).await;
    near.write(&hello[..50]).await.unwrap();
    pending(&envoy, 1).await;
    let mut far = server.accept().await.unwrap();

    far.write(b"220 ready\r\n").await.unwrap();

    assert_eq!(near.read_to_end().await.unwrap().bytes, b"");
    assert_eq!(far.read_to_end().await.unwrap().bytes, b"");
    let events = exactly_events(&envoy, 1).await;
    assert_eq!(
        gist(&events[0]),
        ["hopguard.denied", "plaintext", "V9.2.2", "any"]
    );
    pending(&envoy, 0).await;
}
