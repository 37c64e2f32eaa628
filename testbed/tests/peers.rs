//! Client and upstreams against each other, without Envoy between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::pki::{KeyKind, Pki};
use hopguard_testbed::upstream::{ClientAuth, Fault, Reply, Upstream};
use hopguard_testbed::{Error, Result, TlsVersion};

#[tokio::test]
async fn every_client_speaks_with_every_upstream() -> Result<()> {
    let pki = Pki::new();
    let cert = pki.server("api.test").issue();
    let presented = pki.client("alice").issue();
    let request = || {
        Request::new("PROPFIND", "/p?q=1")
            .header("x-odd", b"\xff\xfe")
            .body("body")
    };
    for http2 in [false, true] {
        let framed = |client: Client| if http2 { client.http2() } else { client };
        let plain = Upstream::plaintext();
        let plain = if http2 { plain.http2() } else { plain };
        let plain = plain.start().await?;
        let client = framed(Client::plaintext(plain.addr()));
        assert_eq!(client.send(request()).await?.text(), "hello /p?q=1\n");

        for openssl in [false, true] {
            let server = match openssl {
                false => Upstream::tls(&cert),
                true => Upstream::openssl(&cert),
            };
            let server = if http2 { server.http2() } else { server };
            let server = server.client_auth(ClientAuth::Optional).start().await?;
            for client in [Client::tls(server.addr()), Client::openssl(server.addr())] {
                let response = framed(client)
                    .certificate(&presented)
                    .send(request())
                    .await?;
                assert_eq!(response.text(), "hello /p?q=1\n");
            }
            let seen = server.seen();
            assert_eq!((seen.requests.len(), seen.handshakes().len()), (2, 2));
            for request in &seen.requests {
                assert_eq!(
                    (request.method.as_str(), request.body.as_slice()),
                    ("PROPFIND", &b"body"[..])
                );
                assert!(
                    request
                        .headers
                        .contains(&("x-odd".into(), b"\xff\xfe".to_vec()))
                );
            }
            if !openssl {
                assert_eq!(seen.client_certificates().len(), 2);
                assert_eq!(seen.client_certificates()[0].der, presented.der());
            }
            assert_eq!(seen.handshakes()[0].version, Some(TlsVersion::V1_3));
        }
    }
    Ok(())
}

#[tokio::test]
async fn old_versions_and_keys_that_rustls_cannot_use() -> Result<()> {
    let pki = Pki::new();
    for (key, version) in [
        (KeyKind::Rsa2048, TlsVersion::V1_0),
        (KeyKind::Rsa1024, TlsVersion::V1_1),
        (KeyKind::P521, TlsVersion::V1_2),
        (KeyKind::P521, TlsVersion::V1_3),
        (KeyKind::Ed25519, TlsVersion::V1_3),
        (KeyKind::Dsa1024, TlsVersion::V1_2),
    ] {
        let server = Upstream::openssl(&pki.server("api.test").key(key).issue())
            .tls_versions(version, version)
            .start()
            .await?;
        let client =
            Client::openssl(server.addr()).tls_versions(TlsVersion::V1_0, TlsVersion::V1_3);
        let connection = client.connect().await?;
        assert_eq!(
            connection.handshake().and_then(|tls| tls.version),
            Some(version),
            "{key:?}"
        );
        assert_eq!(connection.send(Request::get("/a")).await?.status, 200);
        assert_eq!(connection.send(Request::get("/b")).await?.status, 200);
        assert_eq!(server.seen().handshakes()[0].version, Some(version));
    }
    let cert = pki.server("api.test").key(KeyKind::Rsa1024).issue();
    let refused = Upstream::tls(&cert).start().await;
    assert!(matches!(refused, Err(Error::Tls(_))), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn versions_that_do_not_meet_fail_on_both_sides() -> Result<()> {
    let pki = Pki::new();
    let cert = pki.server("api.test").issue();
    for server in [Upstream::tls(&cert), Upstream::openssl(&cert)] {
        let server = server
            .tls_versions(TlsVersion::V1_3, TlsVersion::V1_3)
            .start()
            .await?;
        for client in [Client::tls(server.addr()), Client::openssl(server.addr())] {
            let client = client.tls_versions(TlsVersion::V1_2, TlsVersion::V1_2);
            assert!(matches!(client.connect().await, Err(Error::Tls(_))));
        }
        let failed = |error: &Option<String>| error.is_some();
        let both = server.wait_for(|seen| {
            seen.connections
                .iter()
                .filter(|c| failed(&c.handshake_error))
                .count()
                == 2
        });
        assert!(both.await?.application().is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn a_required_client_certificate() -> Result<()> {
    let pki = Pki::new();
    let cert = pki.server("api.test").issue();
    for server in [Upstream::tls(&cert), Upstream::openssl(&cert)] {
        let server = server.client_auth(ClientAuth::Required).start().await?;
        let client = Client::tls(server.addr());
        assert!(client.get("/").await.is_err());
        let untrusted = pki.client("mallory").issuer(&pki.other).issue();
        assert_eq!(client.certificate(&untrusted).get("/").await?.status, 200);
        assert_eq!(server.requests().len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn resumption_where_both_want_it() -> Result<()> {
    let pki = Pki::new();
    let server = Upstream::tls(&pki.server("api.test").issue())
        .start()
        .await?;
    let resumed = |client: Client| async move {
        client.get("/").await?;
        let connection = client.connect().await?;
        connection.send(Request::get("/")).await?;
        Ok::<_, Error>(connection.handshake().map(|tls| tls.resumed))
    };
    let client = Client::tls(server.addr()).resumption();
    assert_eq!(resumed(client.clone()).await?, Some(true));
    assert_eq!(resumed(Client::tls(server.addr())).await?, Some(false));
    server.rotate(&pki.server("api.test").issue())?;
    let connection = client.connect().await?;
    assert_eq!(connection.handshake().map(|tls| tls.resumed), Some(false));
    let server = Upstream::tls(&pki.server("api.test").issue())
        .no_resumption()
        .start()
        .await?;
    assert_eq!(
        resumed(Client::tls(server.addr()).resumption()).await?,
        Some(false)
    );
    Ok(())
}

#[tokio::test]
async fn gates_hold_bytes_and_answers() -> Result<()> {
    let upstream = Upstream::plaintext().start().await?;
    upstream.hold();
    let addr = upstream.addr();
    let request = tokio::spawn(async move { Client::plaintext(addr).get("/").await });
    upstream
        .wait_for(|seen| seen.connections.len() == 1)
        .await?;
    assert!(upstream.raw_received().is_empty());
    upstream.hold_responses();
    upstream.release();
    upstream.wait_for(|seen| seen.requests.len() == 1).await?;
    assert!(!request.is_finished());
    upstream.release_responses();
    assert_eq!(request.await.expect("no panic")?.status, 200);
    Ok(())
}

#[tokio::test]
async fn faults_and_sudden_ends() -> Result<()> {
    let pki = Pki::new();
    let upstream = Upstream::tls(&pki.server("api.test").issue())
        .start()
        .await?;
    let client = Client::tls(upstream.addr());
    for fault in [Fault::Close, Fault::Reset] {
        upstream.set_fault(Some(fault));
        let error = client.connect().await.expect_err("broken off").to_string();
        assert_eq!(error.contains("reset"), fault == Fault::Reset, "{error}");
    }
    upstream.set_fault(None);
    assert_eq!(client.get("/").await?.status, 200);

    let plain = Upstream::plaintext().start().await?;
    let mut raw = Client::plaintext(plain.addr()).raw().await?;
    raw.write(b"GET /half HTTP/1.1\r\nHost: ").await?;
    plain
        .wait_for(|seen| seen.application().ends_with(b"Host: "))
        .await?;
    raw.reset();
    let seen = plain.wait_for(|seen| seen.open_connections() == 0).await?;
    assert!(seen.requests.is_empty());

    let mut raw = Client::plaintext(plain.addr()).raw().await?;
    raw.write(b"no HTTP\r\n\r\n").await?;
    let tail = raw.read_to_end().await?;
    assert!(tail.bytes.starts_with(b"HTTP/1.1 400"));

    let resets = Upstream::plaintext()
        .handler(|_| Reply::reset())
        .start()
        .await?;
    let mut raw = Client::plaintext(resets.addr()).raw().await?;
    raw.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await?;
    let tail = raw.read_to_end().await?;
    assert!(tail.reset && tail.bytes.is_empty(), "{tail:?}");
    Ok(())
}

#[tokio::test]
async fn answers_by_request_and_streams_side_by_side() -> Result<()> {
    let turn = Arc::new(AtomicU32::new(0));
    let upstream = Upstream::plaintext()
        .http2()
        .handler({
            let turn = Arc::clone(&turn);
            move |request| match request.path.as_str() {
                "/once" if turn.fetch_add(1, Ordering::SeqCst) == 0 => Reply::close(),
                "/teapot" => Reply::status(418)
                    .header("x-kind", "tea")
                    .body("short and stout"),
                path => Reply::ok(path),
            }
        })
        .start()
        .await?;
    let connection = Client::plaintext(upstream.addr()).http2().connect().await?;
    upstream.hold_responses();
    let (mut a, mut b) = (
        Box::pin(connection.send(Request::get("/a"))),
        Box::pin(connection.send(Request::get("/teapot"))),
    );
    let both = upstream.wait_for(|seen| seen.requests.len() == 2);
    tokio::select! {
        _ = &mut a => panic!("held"),
        _ = &mut b => panic!("held"),
        seen = both => assert_eq!(seen?.connections.len(), 1),
    }
    upstream.release_responses();
    assert_eq!(a.await?.text(), "/a");
    let tea = b.await?;
    assert_eq!(
        (tea.status, tea.header("X-Kind")),
        (418, Some("tea".into()))
    );
    assert!(connection.send(Request::get("/once")).await.is_err());
    assert_eq!(connection.send(Request::get("/once")).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn load_is_counted_without_being_kept() -> Result<()> {
    let upstream = Upstream::plaintext().counting_only().start().await?;
    let connection = Client::plaintext(upstream.addr()).connect().await?;
    for _ in 0..100 {
        connection.send(Request::get("/")).await?;
    }
    let seen = upstream.seen();
    assert_eq!(seen.request_count, 100);
    assert!(seen.requests.is_empty() && seen.raw().is_empty());
    assert!(seen.connections[0].application_count > 1000);
    Ok(())
}
