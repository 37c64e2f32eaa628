//! After the verdict nothing of the bytes is touched, and an end of one
//! direction is an end of that one alone.

use hopguard_testbed::client::{Client, RawConnection};
use hopguard_testbed::config::{Bootstrap, Cluster, DownstreamTls, TcpListener, UpstreamTls};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::{Upstream, UpstreamBuilder};
use serde_json::json;

use super::{metric_is, waive_plaintext};
use crate::support::{exactly_events, gist, plugin, policy, start};

const MIB: usize = 1024 * 1024;

/// An Envoy with a listener `tls` and one `plain`, both guarded, and a server
/// of the same kind behind each. Plaintext is waived.
async fn both(
    pki: &Pki,
    change: fn(UpstreamBuilder) -> UpstreamBuilder,
) -> (Envoy, [(Client, Upstream); 2]) {
    let waive = json!([{ "name": "local", "match": {}, "waive": waive_plaintext() }]);
    let policy = policy(
        pki,
        json!({ "default_trust_stores": ["ca"], "downstream": waive, "upstream": [{
            "name": "local", "match": { "clusters": ["plain"] }, "waive": waive_plaintext(),
        }]}),
    );
    let guard = plugin("network", &policy).network_filter();
    let certificate = pki.server("api.test").issue();
    let secure = change(Upstream::tls(&certificate)).start().await.unwrap();
    let plain = change(Upstream::plaintext()).start().await.unwrap();
    let listener = |name: &str| TcpListener::new(name, name).filter(guard.clone());
    let envoy = start(
        Bootstrap::new()
            .tcp(listener("tls").tls(DownstreamTls::new(&certificate)))
            .tcp(listener("plain"))
            .cluster(
                Cluster::new("tls")
                    .endpoint(secure.addr())
                    .tls(UpstreamTls::new().sni("api.test")),
            )
            .cluster(Cluster::new("plain").endpoint(plain.addr())),
    )
    .await;
    let clients = [
        Client::tls(envoy.listener("tls").await.unwrap()),
        Client::plaintext(envoy.listener("plain").await.unwrap()),
    ];
    let [over_tls, in_plaintext] = clients;
    (envoy, [(over_tls, secure), (in_plaintext, plain)])
}

/// A connection, seen from both of its ends.
async fn connected((client, server): &(Client, Upstream)) -> (RawConnection, RawConnection) {
    let near = client.raw().await.unwrap();
    let far = server.accept().await.unwrap();
    (near, far)
}

/// So many hops of TLS were judged, and of plaintext, and none was denied.
async fn all_were_judged(envoy: &Envoy, count: u64) {
    for verdict in ["permit", "waived"] {
        let verdict = format!("verdict.=.{verdict};");
        metric_is(envoy, &["decisions", &verdict], count).await;
    }
    exactly_events(envoy, 0).await;
}

/// Bytes that are not like each other.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()
    };
    (0..count / 4).flat_map(next).collect()
}

#[tokio::test]
async fn either_end_may_be_done_before_the_other() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let (envoy, ends) = both(&pki, UpstreamBuilder::by_hand).await;

    for pair in &ends {
        // The client asks, is done, and gets its answer.
        let (mut near, mut far) = connected(pair).await;
        near.write(b"a question").await.unwrap();
        near.half_close().await.unwrap();
        assert_eq!(far.read_to_end().await.unwrap().bytes, b"a question");
        let answer = noise(200_000);
        far.write(&answer).await.unwrap();
        far.half_close().await.unwrap();
        assert!(near.read_to_end().await.unwrap().bytes == answer);

        // The server is done first, and the client goes on.
        let (mut near, mut far) = connected(pair).await;
        near.write(b"hello").await.unwrap();
        assert_eq!(far.read_exact(5).await.unwrap(), b"hello");
        far.write(b"bye").await.unwrap();
        far.half_close().await.unwrap();
        assert_eq!(near.read_to_end().await.unwrap().bytes, b"bye");
        near.write(&answer).await.unwrap();
        near.half_close().await.unwrap();
        assert!(far.read_to_end().await.unwrap().bytes == answer);
    }
    all_were_judged(&envoy, 4).await;
}

#[tokio::test]
async fn many_bytes_pass_either_way_as_they_are() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let by_hand = |server: UpstreamBuilder| server.by_hand().counting_only();
    let (envoy, ends) = both(&pki, by_hand).await;
    let bytes = noise(32 * MIB);

    for pair in &ends {
        let (mut near, mut far) = connected(pair).await;
        let (sent, came) = tokio::join!(near.write(&bytes), far.read_exact(bytes.len()));
        sent.unwrap();
        assert!(came.unwrap() == bytes);
        let (sent, came) = tokio::join!(far.write(&bytes), near.read_exact(bytes.len()));
        sent.unwrap();
        assert!(came.unwrap() == bytes);
    }
    all_were_judged(&envoy, 2).await;
}

#[tokio::test]
async fn a_slow_reader_gets_all_that_was_sent() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let slow = |server: UpstreamBuilder| server.by_hand().receive_buffer(4096).counting_only();
    let (envoy, ends) = both(&pki, slow).await;
    let bytes = noise(6 * MIB);

    for pair in &ends {
        let (near, mut far) = connected(pair).await;
        let all = bytes.clone();
        // More than there are buffers on the way: the end has to wait.
        let sending = tokio::spawn(async move {
            let mut near = near;
            near.write(&all).await.unwrap();
            near.half_close().await.unwrap();
            near
        });
        for piece in bytes.chunks(3 * MIB) {
            assert!(far.read_exact(piece.len()).await.unwrap() == piece);
        }
        assert_eq!(far.read_to_end().await.unwrap().bytes, b"");
        drop(sending.await.unwrap());
    }
    all_were_judged(&envoy, 2).await;
}

#[tokio::test]
async fn what_comes_with_the_first_bytes_passes_with_them() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let (envoy, ends) = both(&pki, UpstreamBuilder::by_hand).await;
    let bytes = noise(300_000);

    for pair in &ends {
        let (mut near, mut far) = connected(pair).await;
        near.write(&bytes).await.unwrap();
        near.half_close().await.unwrap();
        assert!(far.read_to_end().await.unwrap().bytes == bytes);

        // The server's, too, and both at a time. It waits for the client's first
        // byte: behind a TLS listener one that speaks first is another matter, see
        // `server_first`.
        let (mut near, mut far) = connected(pair).await;
        let (wrote, first) = tokio::join!(near.write(&bytes), async {
            let first = far.read_exact(1).await?;
            far.write(&bytes).await.map(|()| first)
        });
        wrote.unwrap();
        let mut got = first.unwrap();
        let (a, b) = tokio::join!(
            near.read_exact(bytes.len()),
            far.read_exact(bytes.len() - 1)
        );
        got.extend(b.unwrap());
        assert!(a.unwrap() == bytes && got == bytes);
    }
    all_were_judged(&envoy, 4).await;
}

/// Also where nobody said anything, a verdict is due: an end is something that
/// passes.
#[tokio::test]
async fn an_end_without_a_byte_is_judged_like_a_byte() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let (envoy, ends) = both(&pki, UpstreamBuilder::by_hand).await;
    for pair in &ends {
        let (mut near, mut far) = connected(pair).await;
        near.half_close().await.unwrap();
        assert_eq!(far.read_to_end().await.unwrap().bytes, b"");
        drop(far);
        assert_eq!(near.read_to_end().await.unwrap().bytes, b"");
    }
    // The server's end, in plaintext: over TLS see `server_first`.
    let (mut near, far) = connected(&ends[1]).await;
    drop(far);
    assert_eq!(near.read_to_end().await.unwrap().bytes, b"");
    drop(near);
    metric_is(&envoy, &["decisions", "direction.=.upstream;"], 3).await;
    exactly_events(&envoy, 0).await;

    // And where the server is none that may be spoken to.
    let server = Upstream::plaintext().by_hand().start().await.unwrap();
    let policy = policy(&pki, json!({ "downstream": super::waived_clients() }));
    let envoy = super::guarded(Cluster::new("backend").endpoint(server.addr()), &policy).await;
    let pair = (
        Client::plaintext(envoy.listener("front").await.unwrap()),
        server,
    );
    for clients_end in [true, false] {
        let (mut near, far) = connected(&pair).await;
        let mut far = Some(far);
        if clients_end {
            near.half_close().await.unwrap();
        } else {
            far = None;
        }
        assert_eq!(near.read_to_end().await.unwrap().bytes, b"");
        if let Some(mut far) = far {
            assert_eq!(far.read_to_end().await.unwrap().bytes, b"");
        }
    }
    for event in exactly_events(&envoy, 2).await {
        let expected = ["hopguard.denied", "plaintext", "V9.2.2", "default"];
        assert_eq!(gist(&event), expected);
        assert_eq!(event["hopguard.direction"], "upstream");
    }
}
