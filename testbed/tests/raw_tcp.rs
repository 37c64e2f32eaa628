//! Connections without HTTP, with both ends in the hands of the test.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Bootstrap, Cluster, TcpListener};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use hopguard_testbed::{Error, Result, TlsVersion};

/// How a ClientHello is found in bytes: a record of type 22 whose message is of type 1.
const HANDSHAKE_RECORD: u8 = 22;
const CLIENT_HELLO: u8 = 1;

#[tokio::test]
async fn hellos_of_two_implementations() -> Result<()> {
    let pki = Pki::new();
    let upstream = Upstream::tls(&pki.server("api.test").issue())
        .start()
        .await?;
    let addr = upstream.addr();
    for client in [Client::tls(addr), Client::openssl(addr)] {
        let hello = client.clone().sni("one.test").client_hello().await?;
        assert_eq!((hello[0], hello[5]), (HANDSHAKE_RECORD, CLIENT_HELLO));
        let holds = |hello: &[u8], text: &[u8]| hello.windows(text.len()).any(|w| w == text);
        assert!(holds(&hello, b"one.test"));
        // The extension supported_versions (43), with TLS 1.3 in its list.
        let versions = [0, 43];
        assert!(holds(&hello, &versions) && holds(&hello, &[3, 4]));
        let nameless = client.clone().no_sni().client_hello().await?;
        assert!(!holds(&nameless, b".test"));

        // A server takes it for real, in however many pieces.
        upstream.clear();
        let mut raw = Client::plaintext(addr).raw().await?;
        raw.write_segments(hello.chunks(7)).await?;
        let answer = raw.read_exact(6).await?;
        assert_eq!((answer[0], answer[5]), (HANDSHAKE_RECORD, 2));
        assert_eq!(upstream.raw_received(), hello);
        // It leaves in the middle of the handshake.
        raw.reset();
        upstream
            .wait_for(|seen| {
                let last = seen.connections.last();
                last.is_some_and(|last| last.closed && last.handshake_error.is_some())
            })
            .await?;
    }
    let old = Client::tls(addr).tls_versions(TlsVersion::V1_1, TlsVersion::V1_1);
    assert!(matches!(old.client_hello().await, Err(Error::Tls(_))));
    let old = Client::openssl(addr).tls_versions(TlsVersion::V1_1, TlsVersion::V1_1);
    assert_eq!(old.client_hello().await?[9..11], [3, 2]);
    let none = Client::plaintext(addr).client_hello().await;
    assert!(matches!(none, Err(Error::Client(_))));
    Ok(())
}

#[tokio::test]
async fn by_hand_each_direction_ends_on_its_own() -> Result<()> {
    let pki = Pki::new();
    let cert = pki.server("api.test").issue();
    for tls in [false, true] {
        let builder = if tls {
            Upstream::tls(&cert)
        } else {
            Upstream::plaintext()
        };
        let upstream = builder.by_hand().start().await?;
        let client = if tls {
            Client::tls(upstream.addr())
        } else {
            Client::plaintext(upstream.addr())
        };

        // The client ends first and is answered all the same.
        let mut near = client.raw().await?;
        let mut far = upstream.accept().await?;
        near.write(b"question").await?;
        near.half_close().await?;
        let tail = far.read_to_end().await?;
        assert_eq!(
            (tail.bytes.as_slice(), tail.reset),
            (&b"question"[..], false)
        );
        far.write(b"answer").await?;
        assert_eq!(upstream.seen().open_connections(), 1);
        drop(far);
        assert_eq!(near.read_to_end().await?.bytes, b"answer");
        let seen = upstream
            .wait_for(|seen| seen.open_connections() == 0)
            .await?;
        assert_eq!(seen.application(), b"question");
        assert_eq!(seen.handshakes().len(), usize::from(tls));

        // The server speaks first, and ends first.
        let mut near = client.raw().await?;
        let mut far = upstream.accept().await?;
        far.write(b"banner").await?;
        far.half_close().await?;
        assert_eq!(near.read_to_end().await?.bytes, b"banner");
        near.write(b"thanks").await?;
        assert_eq!(far.read_exact(6).await?, b"thanks");
        far.reset();
        assert!(
            near.read_to_end()
                .await
                .is_ok_and(|tail| tail.bytes.is_empty())
        );
    }
    let by_itself = Upstream::plaintext().start().await?;
    assert!(matches!(by_itself.accept().await, Err(Error::Client(_))));
    Ok(())
}

#[tokio::test]
async fn a_sink_counts_what_it_does_not_keep() -> Result<()> {
    const AMOUNT: usize = 32 << 20;
    let pki = Pki::new();
    let cert = pki.server("api.test").issue();
    for tls in [false, true] {
        let (upstream, client): (_, fn(_) -> _) = match tls {
            false => (Upstream::plaintext(), Client::plaintext),
            true => (Upstream::tls(&cert), Client::tls),
        };
        let upstream = upstream.tcp_sink().counting_only().start().await?;
        let mut raw = client(upstream.addr()).raw().await?;
        for _ in 0..AMOUNT >> 16 {
            raw.write(&[7; 1 << 16]).await?;
        }
        raw.half_close().await?;
        assert!(raw.read_to_end().await?.bytes.is_empty());
        let seen = upstream.seen();
        assert_eq!(seen.connections[0].application_count, AMOUNT as u64);
        assert!(seen.raw().is_empty() && seen.application().is_empty());
    }
    Ok(())
}

/// A reader that takes its time, through Envoy: the writer has to wait for it.
#[tokio::test]
async fn a_slow_reader_holds_the_writer() -> Result<()> {
    const CHUNK: usize = 1 << 16;
    let upstream = Upstream::plaintext()
        .by_hand()
        .receive_buffer(4096)
        .start()
        .await?;
    let listener = TcpListener::new("tcp", "slow");
    let config = Bootstrap::new()
        .tcp(listener.merge(serde_json::json!({ "per_connection_buffer_limit_bytes": CHUNK })))
        .cluster(
            Cluster::new("slow")
                .endpoint(upstream.addr())
                .merge(serde_json::json!({ "per_connection_buffer_limit_bytes": CHUNK })),
        );
    let envoy = Envoy::builder().config(config).start().await?;
    let mut near = Client::plaintext(envoy.listener("tcp").await?)
        .raw()
        .await?;
    let mut far = upstream.accept().await?;
    let taken = Arc::new(AtomicUsize::new(0));
    let writing = tokio::spawn({
        let taken = Arc::clone(&taken);
        async move {
            while near.write(&[7; CHUNK]).await.is_ok() {
                taken.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    // Envoy has stopped reading: that is back-pressure, not a pause of ours.
    envoy
        .wait_for_stat(
            "tcp.tcp.downstream_flow_control_paused_reading_total",
            |paused| paused > 0,
        )
        .await?;
    let before = taken.load(Ordering::SeqCst);
    assert!(!writing.is_finished());
    // Whatever is under way, and then some: it goes on as soon as somebody reads.
    let read = far.read_exact((before + 100) * CHUNK).await?;
    assert!(read.iter().all(|byte| *byte == 7));
    assert!(taken.load(Ordering::SeqCst) > before + 90);
    far.reset();
    writing.await.expect("no panic");
    Ok(())
}
