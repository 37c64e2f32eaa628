//! Upstreams that fail, as a client and as Envoy see them.

use std::time::Duration;

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route, UpstreamTls};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::{KeyKind, Pki};
use hopguard_testbed::upstream::{ClientAuth, Fault, FullBacklog, Upstream};
use hopguard_testbed::{Error, Result, TlsVersion};

/// A ClientHello is a TLS record of type 22.
const HANDSHAKE_RECORD: u8 = 22;

async fn tls_upstream(pki: &Pki) -> Result<Upstream> {
    Upstream::tls(&pki.server("api.test").issue()).start().await
}

#[tokio::test]
async fn each_fault_reads_the_hello_and_does_what_it_says() -> Result<()> {
    let upstream = tls_upstream(&Pki::new()).await?;
    let client = Client::tls(upstream.addr());
    let hello = client.client_hello().await?;
    for (fault, bytes, reset) in [
        (Fault::Close, &b""[..], false),
        (Fault::Reset, b"", true),
        (Fault::Alert(112), &[21, 3, 3, 0, 2, 2, 112], false),
        (
            Fault::Answer(b"220 mail.test ESMTP\r\n"),
            b"220 mail",
            false,
        ),
    ] {
        upstream.set_fault(Some(fault));
        upstream.clear();
        let mut raw = Client::plaintext(upstream.addr()).raw().await?;
        // In pieces: the fault waits for the last of them.
        let (last, first) = hello.split_last().expect("a ClientHello has bytes");
        raw.write_segments(first.chunks(100)).await?;
        let so_far = upstream.wait_for(|seen| seen.raw() == first).await?;
        assert_eq!(so_far.open_connections(), 1, "{fault:?}");
        raw.write(&[*last]).await?;
        if let Fault::Answer(_) = fault {
            assert_eq!(raw.read_exact(bytes.len()).await?, bytes);
            raw.half_close().await?;
            raw.read_to_end().await?;
        } else {
            let tail = raw.read_to_end().await?;
            assert_eq!((tail.bytes.as_slice(), tail.reset), (bytes, reset));
        }
        drop(raw);
        let seen = upstream
            .wait_for(|seen| seen.open_connections() == 0)
            .await?;
        assert_eq!(seen.raw(), hello, "{fault:?}");
        assert!(seen.application().is_empty() && seen.handshakes().is_empty());
    }
    upstream.set_fault(None);
    assert_eq!(client.get("/").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_hanging_upstream_says_nothing_until_the_peer_leaves() -> Result<()> {
    let upstream = tls_upstream(&Pki::new()).await?;
    upstream.set_fault(Some(Fault::Hang));
    let client = Client::tls(upstream.addr());
    let (mut handshake, hello) = (Box::pin(client.connect()), client.client_hello().await?);
    let heard = upstream.wait_for(|seen| seen.raw().len() >= hello.len());
    tokio::select! {
        outcome = &mut handshake => panic!("it answered: {outcome:?}"),
        seen = heard => assert_eq!(seen?.open_connections(), 1),
    }
    let mut raw = Client::plaintext(upstream.addr()).raw().await?;
    raw.write(&hello).await?;
    raw.half_close().await?;
    assert!(raw.read_to_end().await?.bytes.is_empty());
    Ok(())
}

#[tokio::test]
async fn alerts_reach_clients_as_what_they_are() -> Result<()> {
    let upstream = tls_upstream(&Pki::new()).await?;
    for (description, name) in [
        (40, "HandshakeFailure"),
        (48, "UnknownCA"),
        (70, "ProtocolVersion"),
        (80, "InternalError"),
        (112, "UnrecognisedName"),
        (116, "CertificateRequired"),
    ] {
        upstream.set_fault(Some(Fault::Alert(description)));
        let error = Client::tls(upstream.addr()).connect().await;
        let error = error.expect_err("refused").to_string();
        assert!(error.contains(name), "{description}: {error}");
    }
    Ok(())
}

#[tokio::test]
async fn after_the_handshake() -> Result<()> {
    let pki = Pki::new();
    let certificate = pki.server("api.test").issue();
    for openssl in [false, true] {
        let builder = match openssl {
            false => Upstream::tls(&certificate),
            true => Upstream::openssl(&certificate),
        };
        let upstream = builder.start().await?;
        for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
            for fault in [Fault::CloseAfterHandshake, Fault::ResetAfterHandshake] {
                upstream.set_fault(Some(fault));
                let client = Client::tls(upstream.addr()).tls_versions(version, version);
                let handshakes = upstream.handshakes();
                // A reset may overtake the last message of the handshake.
                if let Ok(mut raw) = client.raw().await {
                    let tail = raw.read_to_end().await?;
                    assert!(tail.bytes.is_empty());
                    let reset = fault == Fault::ResetAfterHandshake;
                    assert_eq!(tail.reset, reset, "{openssl} {version:?} {fault:?}");
                }
                let seen = upstream
                    .wait_for(|seen| seen.open_connections() == 0)
                    .await?;
                assert_eq!(seen.handshakes().len(), handshakes + 1);
                assert!(seen.application().is_empty());
            }
        }
        upstream.set_fault(None);
        assert_eq!(Client::tls(upstream.addr()).get("/").await?.status, 200);
    }
    Ok(())
}

#[tokio::test]
async fn a_client_certificate_that_is_refused() -> Result<()> {
    let pki = Pki::new();
    let cert = pki.server("api.test").issue();
    for (asked, accepted) in [(ClientAuth::Required, true), (ClientAuth::Refused, false)] {
        let upstream = Upstream::tls(&cert).client_auth(asked).start().await?;
        for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
            let client = Client::tls(upstream.addr())
                .tls_versions(version, version)
                .certificate(&pki.client("alice").issue());
            if accepted {
                assert_eq!(client.get("/").await?.status, 200);
                continue;
            }
            // In TLS 1.3 the alert comes after the client's side of the handshake.
            let refused = match client.raw().await {
                Ok(mut raw) => raw
                    .read_to_end()
                    .await
                    .expect_err("no data before an alert"),
                Err(error) => error,
            };
            assert!(refused.to_string().contains("UnknownCA"), "{refused}");
        }
        assert_eq!(upstream.requests().len(), if accepted { 2 } else { 0 });
    }
    let by_openssl = Upstream::openssl(&cert).client_auth(ClientAuth::Refused);
    assert!(matches!(by_openssl.start().await, Err(Error::Tls(_))));
    Ok(())
}

#[tokio::test]
async fn ciphers_that_both_speak_or_do_not() -> Result<()> {
    let pki = Pki::with_keys(KeyKind::Rsa2048);
    let cert = pki.server("api.test").key(KeyKind::Rsa2048).issue();
    for (ciphers, spoken) in [
        ("ECDHE-RSA-AES128-GCM-SHA256", [true, false]),
        ("AES256-SHA256", [false, false]),
        ("TLS_AES_128_GCM_SHA256", [true, true]),
        ("TLS_AES_128_CCM_SHA256", [true, false]),
    ] {
        let upstream = Upstream::openssl(&cert).ciphers(ciphers).start().await?;
        for (version, spoken) in [TlsVersion::V1_2, TlsVersion::V1_3].into_iter().zip(spoken) {
            let old_only = version == TlsVersion::V1_3 && !ciphers.starts_with("TLS_");
            if old_only {
                continue;
            }
            let client = Client::tls(upstream.addr()).tls_versions(version, version);
            assert_eq!(
                client.get("/").await.is_ok(),
                spoken,
                "{ciphers} {version:?}"
            );
        }
    }
    let by_rustls = Upstream::tls(&cert).ciphers("AES256-SHA256").start().await;
    assert!(matches!(by_rustls, Err(Error::Tls(_))));
    Ok(())
}

#[tokio::test]
async fn nobody_connects_to_a_full_backlog() -> Result<()> {
    const GIVE_UP: Duration = Duration::from_millis(300);
    let full = FullBacklog::start().await?;
    let config = Bootstrap::new()
        .cluster(
            Cluster::new("full")
                .endpoint(full.addr())
                .connect_timeout(GIVE_UP),
        )
        .http(
            HttpListener::new("ingress")
                .route(Route::prefix("/", "full"))
                .access_log("%RESPONSE_FLAGS%"),
        );
    let envoy = Envoy::builder().config(config).start().await?;
    let client = Client::plaintext(envoy.listener("ingress").await?);
    assert_eq!(client.get("/").await?.status, 503);
    envoy.wait_for_log(|line| line == "UF").await?;
    let timeouts = envoy
        .stat("cluster.full.upstream_cx_connect_timeout")
        .await?;
    assert_eq!(timeouts, Some(1));

    let nobody = Client::plaintext(([127, 0, 0, 1], hopguard_testbed::free_port()?).into());
    let refused = nobody.raw().await.expect_err("nobody listens").to_string();
    assert!(refused.contains("refused"), "{refused}");
    Ok(())
}

/// What tests of failure classification stand on: each fault is told apart by what Envoy says.
#[tokio::test]
async fn what_envoy_says_of_each_fault() -> Result<()> {
    let pki = Pki::new();
    let tls = UpstreamTls::new().sni("api.test").trusted_ca(&pki.root);
    let both = tls
        .clone()
        .certificate(&pki.client("envoy").issue())
        .tls_versions(TlsVersion::V1_2, TlsVersion::V1_3);
    let only_1_2 = tls.clone().certificate(&pki.client("envoy").issue());
    let cert = pki.server("api.test").issue();
    let fault = |fault| Upstream::tls(&cert).fault(fault);
    let rows = [
        ("healthy", Upstream::tls(&cert), &tls, "200 - -"),
        (
            "close",
            fault(Fault::Close),
            &tls,
            "503 UF - upstream_reset_before_response_started{remote_connection_failure}",
        ),
        ("reset", fault(Fault::Reset), &tls, "Connection_reset"),
        (
            "alert-40",
            fault(Fault::Alert(40)),
            &tls,
            "HANDSHAKE_FAILURE",
        ),
        (
            "alert-70",
            fault(Fault::Alert(70)),
            &tls,
            "PROTOCOL_VERSION",
        ),
        ("alert-80", fault(Fault::Alert(80)), &tls, "INTERNAL_ERROR"),
        (
            "alert-112",
            fault(Fault::Alert(112)),
            &tls,
            "UNRECOGNIZED_NAME",
        ),
        (
            "banner",
            fault(Fault::Answer(b"220 mail.test\r\n")),
            &tls,
            "WRONG_VERSION",
        ),
        (
            "http",
            fault(Fault::Answer(b"HTTP/1.1 400 Bad\r\n\r\n")),
            &tls,
            "WRONG_VERSION",
        ),
        (
            "hang",
            fault(Fault::Hang),
            &tls,
            "503 UF - upstream_reset_before_response_started{connection_timeout}",
        ),
        (
            "refused-1.2",
            Upstream::tls(&cert).client_auth(ClientAuth::Refused),
            &only_1_2,
            "UNKNOWN_CA",
        ),
        (
            "refused-1.3",
            Upstream::tls(&cert).client_auth(ClientAuth::Refused),
            &both,
            "503 UC -",
        ),
        (
            "none-1.2",
            Upstream::tls(&cert).client_auth(ClientAuth::Required),
            &tls,
            "CERTIFICATE_REQUIRED",
        ),
        (
            "cipher",
            Upstream::openssl(&cert).ciphers("ECDHE-ECDSA-AES256-CCM"),
            &tls,
            "ALERT_HANDSHAKE_FAILURE",
        ),
        (
            "version",
            Upstream::tls(&cert).tls_versions(TlsVersion::V1_3, TlsVersion::V1_3),
            &tls,
            "PROTOCOL_VERSION",
        ),
        (
            "close-after",
            fault(Fault::CloseAfterHandshake),
            &tls,
            "503 UC -",
        ),
        (
            "reset-after",
            fault(Fault::ResetAfterHandshake),
            &tls,
            "503 U",
        ),
    ];
    let format = "%UPSTREAM_CLUSTER% %RESPONSE_CODE% %RESPONSE_FLAGS% %UPSTREAM_TRANSPORT_FAILURE_REASON% %RESPONSE_CODE_DETAILS%";
    let mut listener = HttpListener::new("ingress").access_log(format);
    let (mut bootstrap, mut upstreams) = (Bootstrap::new(), Vec::new());
    for (name, builder, tls, said) in rows {
        let upstream = builder.start().await?;
        let cluster = Cluster::new(name)
            .endpoint(upstream.addr())
            .tls(tls.clone())
            .connect_timeout(Duration::from_secs(1));
        bootstrap = bootstrap.cluster(cluster);
        listener = listener.route(Route::prefix(&format!("/{name}/"), name));
        upstreams.push((name, upstream, said));
    }
    let envoy = Envoy::builder()
        .config(bootstrap.http(listener))
        .start()
        .await?;
    let connection = Client::plaintext(envoy.listener("ingress").await?)
        .connect()
        .await?;
    for (name, upstream, said) in upstreams {
        connection.send(Request::get(&format!("/{name}/"))).await?;
        let line = envoy
            .wait_for_log(|line| line.starts_with(&format!("{name} ")))
            .await?;
        assert!(line.contains(said), "{line}");
        let seen = upstream.seen();
        assert_eq!(seen.raw()[0], HANDSHAKE_RECORD);
        assert_eq!(
            seen.requests.len(),
            usize::from(name == "healthy"),
            "{line}"
        );
    }
    Ok(())
}
