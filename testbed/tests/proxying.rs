//! Envoy between the client and every kind of upstream.

use std::time::Duration;

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{
    Bootstrap, Cluster, DownstreamTls, HttpListener, Route, TcpListener, UpstreamTls, lua,
    native_no_op,
};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::{ClientAuth, Fault, Reply, Upstream};
use hopguard_testbed::{Error, Result, TlsVersion};

/// A ClientHello is a TLS record of type 22.
const HANDSHAKE_RECORD: u8 = 22;

#[tokio::test]
async fn proxies_to_each_kind_of_upstream() -> Result<()> {
    let pki = Pki::new();
    let cert = pki.server("api.test").issue();
    let tls = || UpstreamTls::new().sni("api.test").trusted_ca(&pki.root);
    let plain1 = Upstream::plaintext().http1().start().await?;
    let plain2 = Upstream::plaintext().http2().start().await?;
    let tls1 = Upstream::tls(&cert).http1().start().await?;
    let tls2 = Upstream::tls(&cert).http2().start().await?;
    let by_alpn = Upstream::tls(&cert).http_by_alpn().start().await?;
    let mutual = Upstream::tls(&cert)
        .client_auth(ClientAuth::Required)
        .start()
        .await?;
    let client_cert = pki.client("envoy").issue();

    let mut listener = HttpListener::new("ingress").access_log("access %PROTOCOL% %RESPONSE_CODE%");
    for name in ["plain1", "plain2", "tls1", "tls2", "by_alpn", "mutual"] {
        listener = listener.route(Route::prefix(&format!("/{name}"), name));
    }
    let config = Bootstrap::new()
        .http(listener.filter(native_no_op()))
        .cluster(Cluster::new("plain1").endpoint(plain1.addr()))
        .cluster(Cluster::new("plain2").endpoint(plain2.addr()).http2())
        .cluster(Cluster::new("tls1").endpoint(tls1.addr()).tls(tls()))
        .cluster(
            Cluster::new("tls2")
                .endpoint(tls2.addr())
                .tls(tls())
                .http2(),
        )
        .cluster(
            Cluster::new("by_alpn")
                .endpoint(by_alpn.addr())
                .tls(tls())
                .http_by_alpn(),
        )
        .cluster(
            Cluster::new("mutual")
                .endpoint(mutual.addr())
                .tls(tls().certificate(&client_cert)),
        );
    let envoy = Envoy::builder().config(config).start().await?;
    let client = Client::plaintext(envoy.listener("ingress").await?);
    let connection = client.connect().await?;
    for (name, upstream) in [
        ("plain1", &plain1),
        ("plain2", &plain2),
        ("tls1", &tls1),
        ("tls2", &tls2),
        ("by_alpn", &by_alpn),
        ("mutual", &mutual),
    ] {
        let request = Request::post(&format!("/{name}?q"), name).header("x-odd", b"\xff\xfe");
        let response = connection.send(request).await?;
        assert_eq!(
            (response.status, response.text()),
            (200, format!("hello /{name}?q\n"))
        );
        let seen = upstream.seen();
        assert_eq!(seen.requests.len(), 1, "{name}");
        assert_eq!(seen.requests[0].body, name.as_bytes());
        assert_eq!(seen.requests[0].authority, "api.test");
        assert!(
            seen.requests[0]
                .headers
                .contains(&("x-odd".into(), b"\xff\xfe".to_vec()))
        );
        assert_eq!(seen.connections.len(), 1);
        if name.starts_with("plain") {
            assert_eq!(seen.raw(), seen.application());
            assert!(seen.handshakes().is_empty());
        } else {
            assert_eq!(seen.raw()[0], HANDSHAKE_RECORD);
            assert_eq!(seen.handshakes()[0].sni.as_deref(), Some("api.test"));
        }
        let start: &[u8] = match name {
            "plain2" | "tls2" | "by_alpn" => b"PRI * HTTP/2.0",
            _ => b"POST /",
        };
        assert!(seen.application().starts_with(start), "{name}");
    }
    let seen = mutual.seen();
    assert_eq!(
        seen.client_certificates()[0].sha256_hex,
        client_cert.sha256_hex()
    );
    assert_eq!(
        seen.client_certificates()[0].common_name.as_deref(),
        Some("envoy")
    );
    envoy
        .wait_for_log(|line| line == "access HTTP/1.1 200")
        .await?;
    assert!(
        envoy
            .stdout()
            .iter()
            .all(|line| line.starts_with("access "))
    );
    assert_eq!(envoy.stat("cluster.tls1.ssl.handshake").await?, Some(1));
    assert!(envoy.cpu_time()? > Duration::ZERO);
    assert!(envoy.rss_bytes()? > 1 << 20);
    Ok(())
}

#[tokio::test]
async fn a_tls_cluster_sends_a_plaintext_server_no_request() -> Result<()> {
    let upstream = Upstream::plaintext().start().await?;
    let config = Bootstrap::new()
        .http(HttpListener::new("ingress").route(Route::all("backend")))
        .cluster(
            Cluster::new("backend")
                .endpoint(upstream.addr())
                .tls(UpstreamTls::new()),
        );
    let envoy = Envoy::builder().config(config).start().await?;
    let response = Client::plaintext(envoy.listener("ingress").await?)
        .get("/")
        .await?;
    assert_eq!(response.status, 503);
    let seen = upstream.seen();
    assert_eq!(seen.raw()[0], HANDSHAKE_RECORD);
    assert!(seen.requests.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_held_upstream_gets_nothing_before_it_is_released() -> Result<()> {
    let pki = Pki::new();
    let upstream = Upstream::tls(&pki.server("api.test").issue())
        .held()
        .start()
        .await?;
    let config = Bootstrap::new()
        .http(HttpListener::new("ingress").route(Route::all("backend")))
        .cluster(
            Cluster::new("backend")
                .endpoint(upstream.addr())
                .tls(UpstreamTls::new()),
        );
    let envoy = Envoy::builder().config(config).start().await?;
    let addr = envoy.listener("ingress").await?;
    let request = tokio::spawn(async move { Client::plaintext(addr).get("/").await });
    upstream
        .wait_for(|seen| seen.connections.len() == 1)
        .await?;
    assert!(upstream.raw_received().is_empty());
    assert!(!request.is_finished());
    upstream.release();
    assert_eq!(request.await.expect("no panic")?.status, 200);
    Ok(())
}

#[tokio::test]
async fn faults_and_replies() -> Result<()> {
    let pki = Pki::new();
    let cert = pki.server("api.test").issue();
    let resets = Upstream::tls(&cert).fault(Fault::Reset).start().await?;
    let drops = Upstream::plaintext()
        .handler(|_| Reply::reset())
        .start()
        .await?;
    let closes = Upstream::plaintext()
        .handler(|_| Reply::close())
        .start()
        .await?;
    let limited = Upstream::plaintext().close_after(2).start().await?;
    let mut listener = HttpListener::new("ingress");
    for name in ["resets", "drops", "closes", "limited"] {
        listener = listener.route(Route::prefix(&format!("/{name}"), name).retry("reset", 1));
    }
    let config = Bootstrap::new()
        .http(listener)
        .cluster(
            Cluster::new("resets")
                .endpoint(resets.addr())
                .tls(UpstreamTls::new()),
        )
        .cluster(Cluster::new("drops").endpoint(drops.addr()))
        .cluster(Cluster::new("closes").endpoint(closes.addr()))
        .cluster(Cluster::new("limited").endpoint(limited.addr()));
    let envoy = Envoy::builder().config(config).start().await?;
    let connection = Client::plaintext(envoy.listener("ingress").await?)
        .connect()
        .await?;
    let reset = connection.send(Request::get("/resets")).await?;
    assert_eq!(reset.status, 503, "{}", reset.text());
    assert!(reset.text().contains("TLS_error") || reset.text().contains("reset"));
    assert!(resets.received().is_empty());
    for (path, upstream) in [("/drops", &drops), ("/closes", &closes)] {
        assert_eq!(connection.send(Request::get(path)).await?.status, 503);
        assert_eq!(
            upstream.requests().len(),
            2,
            "{path}: once more after the first attempt"
        );
    }
    for _ in 0..4 {
        assert_eq!(connection.send(Request::get("/limited")).await?.status, 200);
    }
    assert_eq!(limited.connections(), 2);
    Ok(())
}

#[tokio::test]
async fn downstream_tls_http2_and_client_certificates() -> Result<()> {
    let pki = Pki::new();
    let upstream = Upstream::plaintext().start().await?;
    let tls = DownstreamTls::new(&pki.server("edge.test").issue())
        .accept_any_client()
        .alpn(&["h2", "http/1.1"]);
    let config = Bootstrap::new()
        .http(
            HttpListener::new("ingress")
                .tls(tls)
                .forward_client_cert("SANITIZE_SET")
                .route(Route::all("backend").host("edge.test"))
                .route(Route::direct("/", 421, "elsewhere")),
        )
        .cluster(Cluster::new("backend").endpoint(upstream.addr()));
    let envoy = Envoy::builder()
        .config(config)
        .concurrency(2)
        .start()
        .await?;
    let client = Client::tls(envoy.listener("ingress").await?)
        .http2()
        .sni("edge.test");

    let self_signed = pki.client("alice").self_signed().issue();
    let connection = client.clone().certificate(&self_signed).connect().await?;
    let request = |path| connection.send(Request::get(path).host("edge.test"));
    let (a, b) = tokio::join!(request("/a"), request("/b"));
    assert_eq!((a?.status, b?.status), (200, 200));
    assert_eq!(
        connection.handshake().and_then(|tls| tls.alpn.as_deref()),
        Some("h2")
    );
    let forwarded = upstream.requests()[0]
        .header("x-forwarded-client-cert")
        .unwrap_or_default();
    assert!(
        forwarded.contains(&format!("Hash={}", self_signed.sha256_hex())),
        "{forwarded}"
    );

    let anonymous = client
        .tls_versions(TlsVersion::V1_2, TlsVersion::V1_2)
        .connect()
        .await?;
    let response = anonymous.send(Request::get("/").host("other.test")).await?;
    assert_eq!(
        (response.status, response.text()),
        (421, "elsewhere".into())
    );
    Ok(())
}

#[tokio::test]
async fn websocket_and_raw_tcp() -> Result<()> {
    let pki = Pki::new();
    let web = Upstream::tls(&pki.server("ws.test").issue())
        .start()
        .await?;
    let database = Upstream::plaintext()
        .tcp_banner(b"220 hello\r\n")
        .start()
        .await?;
    let config = Bootstrap::new()
        .http(
            HttpListener::new("web")
                .websocket()
                .route(Route::all("web")),
        )
        .tcp(TcpListener::new("database", "database"))
        .cluster(
            Cluster::new("web")
                .endpoint(web.addr())
                .tls(UpstreamTls::new()),
        )
        .cluster(Cluster::new("database").endpoint(database.addr()));
    let envoy = Envoy::builder().config(config).start().await?;

    let mut socket = Client::plaintext(envoy.listener("web").await?)
        .raw()
        .await?;
    let (status, _) = socket.upgrade("/chat", "ws.test", "websocket").await?;
    assert_eq!(status, 101);
    socket.write(b"\x81\x05frame").await?;
    assert_eq!(socket.read_exact(7).await?, b"\x81\x05frame");
    assert!(web.received().ends_with(b"\x81\x05frame"));

    let mut socket = Client::plaintext(envoy.listener("database").await?)
        .raw()
        .await?;
    assert_eq!(socket.read_until(b"\r\n").await?, b"220 hello\r\n");
    socket.write(b"QUIT\r\n").await?;
    assert_eq!(socket.read_until(b"\r\n").await?, b"QUIT\r\n");
    assert_eq!(database.received(), b"QUIT\r\n");
    drop(database);
    assert!(socket.read_to_end().await?.bytes.is_empty());
    Ok(())
}

#[tokio::test]
async fn mixed_endpoints_and_rotation() -> Result<()> {
    let pki = Pki::new();
    let old = pki.server("old.test").issue();
    let secure = Upstream::tls(&old).start().await?;
    let plain = Upstream::plaintext().start().await?;
    let tls = UpstreamTls::new();
    let config = Bootstrap::new()
        .http(
            HttpListener::new("ingress")
                .filter(lua(
                    "function envoy_on_response(h) h:headers():add('x-lua', '1') end",
                ))
                .route(Route::all("mixed"))
                .access_log("%UPSTREAM_TLS_VERSION% %UPSTREAM_PEER_SUBJECT%"),
        )
        .cluster(
            Cluster::new("mixed")
                .endpoint_of_kind(secure.addr(), "tls")
                .endpoint_of_kind(plain.addr(), "plain")
                .socket_match("tls", Some(&tls))
                .socket_match("plain", None),
        );
    let envoy = Envoy::builder().config(config).start().await?;
    let connection = Client::plaintext(envoy.listener("ingress").await?)
        .connect()
        .await?;
    let twice = || async {
        for _ in 0..2 {
            let response = connection.send(Request::get("/")).await?;
            assert_eq!(
                (response.status, response.header("x-lua")),
                (200, Some("1".into()))
            );
        }
        Ok::<_, Error>(())
    };
    twice().await?;
    assert_eq!((secure.requests().len(), plain.requests().len()), (1, 1));
    envoy
        .wait_for_log(|line| line.contains("CN=old.test"))
        .await?;

    secure.rotate(&pki.server("new.test").issue())?;
    secure.hang_up();
    envoy
        .wait_for_stat("cluster.mixed.upstream_cx_destroy", |count| count >= 1)
        .await?;
    twice().await?;
    envoy
        .wait_for_log(|line| line.contains("CN=new.test"))
        .await?;

    secure.rotate_keeping_sessions(&pki.server("newest.test").issue())?;
    secure.hang_up();
    envoy
        .wait_for_stat("cluster.mixed.upstream_cx_destroy", |count| count >= 2)
        .await?;
    twice().await?;
    let resumed: Vec<_> = secure
        .seen()
        .handshakes()
        .iter()
        .map(|tls| tls.resumed)
        .collect();
    assert_eq!(resumed, [false, false, true]);
    Ok(())
}

#[tokio::test]
async fn hedging_and_preconnecting() -> Result<()> {
    let upstream = Upstream::plaintext().start().await?;
    upstream.hold_responses();
    let route = Route::all("backend")
        .retry("5xx", 1)
        .per_try_timeout(Duration::from_millis(20))
        .hedge();
    let config = Bootstrap::new()
        .http(HttpListener::new("ingress").route(route))
        .cluster(
            Cluster::new("backend")
                .endpoint(upstream.addr())
                .preconnect(2.0),
        );
    let envoy = Envoy::builder().config(config).start().await?;
    let addr = envoy.listener("ingress").await?;
    let request = tokio::spawn(async move { Client::plaintext(addr).get("/").await });
    let seen = upstream.wait_for(|seen| seen.requests.len() == 2).await?;
    assert!(seen.connections.len() > 2, "{seen:?}");
    upstream.release_responses();
    assert_eq!(request.await.expect("no panic")?.status, 200);
    Ok(())
}
