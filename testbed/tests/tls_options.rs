//! Envoy's TLS: what it takes of peers before any plugin judges them.

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{
    Bootstrap, Cluster, DownstreamTls, HttpListener, Route, UpstreamTls,
};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::{KeyKind, Pki, Signature};
use hopguard_testbed::upstream::Upstream;
use hopguard_testbed::{Result, TlsVersion};

const OLD: (TlsVersion, TlsVersion) = (TlsVersion::V1_0, TlsVersion::V1_1);
const NEW: (TlsVersion, TlsVersion) = (TlsVersion::V1_2, TlsVersion::V1_3);

#[tokio::test]
async fn weak_and_unusual_servers() -> Result<()> {
    let pki = Pki::with_keys(KeyKind::Rsa2048);
    let usual = UpstreamTls::new().trusted_ca(&pki.root);
    let every = usual.clone().every_key();
    let old = usual.clone().tls_versions(OLD.0, OLD.1);
    let server = || pki.server("api.test");
    let keyed = |kind| server().key(kind).issue();
    let mut rows = Vec::new();
    let mut bootstrap = Bootstrap::new();
    let mut listener = HttpListener::new("ingress");
    for (name, certificate, tls, (min, max), status, version) in [
        (
            "rsa-1024",
            keyed(KeyKind::Rsa1024),
            &usual,
            NEW,
            200,
            "TLSv1.2",
        ),
        (
            "sha-1",
            server().signature(Signature::Sha1).issue(),
            &usual,
            NEW,
            200,
            "TLSv1.2",
        ),
        (
            "md5",
            server().signature(Signature::Md5).issue(),
            &usual,
            NEW,
            503,
            "-",
        ),
        (
            "pss",
            server().signature(Signature::PssSha256).issue(),
            &usual,
            NEW,
            200,
            "TLSv1.2",
        ),
        ("expired", server().expired().issue(), &usual, NEW, 503, "-"),
        ("p-384", keyed(KeyKind::P384), &usual, NEW, 503, "-"),
        (
            "p-384-every",
            keyed(KeyKind::P384),
            &every,
            NEW,
            200,
            "TLSv1.2",
        ),
        ("p-521", keyed(KeyKind::P521), &usual, NEW, 503, "-"),
        (
            "p-521-every",
            keyed(KeyKind::P521),
            &every,
            NEW,
            200,
            "TLSv1.2",
        ),
        ("ed25519", keyed(KeyKind::Ed25519), &usual, NEW, 503, "-"),
        (
            "ed25519-every",
            keyed(KeyKind::Ed25519),
            &every,
            NEW,
            200,
            "TLSv1.2",
        ),
        ("dsa", keyed(KeyKind::Dsa1024), &every, NEW, 503, "-"),
        (
            "tls-1.0",
            server().issue(),
            &old,
            (OLD.0, OLD.0),
            200,
            "TLSv1",
        ),
        (
            "tls-1.1",
            keyed(KeyKind::Rsa2048),
            &old,
            OLD,
            200,
            "TLSv1.1",
        ),
    ] {
        let upstream = Upstream::openssl(&certificate)
            .tls_versions(min, max)
            .start()
            .await?;
        let cluster = Cluster::new(name)
            .endpoint(upstream.addr())
            .tls(tls.clone());
        bootstrap = bootstrap.cluster(cluster);
        listener = listener.route(Route::prefix(&format!("/{name}/"), name));
        rows.push((name, upstream, status, version));
    }
    listener = listener.access_log("%UPSTREAM_CLUSTER% %RESPONSE_CODE% %UPSTREAM_TLS_VERSION%");
    let envoy = Envoy::builder()
        .config(bootstrap.http(listener))
        .start()
        .await?;
    let client = Client::plaintext(envoy.listener("ingress").await?);
    for (name, upstream, status, version) in rows {
        let response = client.get(&format!("/{name}/")).await?;
        assert_eq!(response.status, status, "{name}: {}", response.text());
        assert_eq!(
            upstream.requests().len(),
            usize::from(status == 200),
            "{name}"
        );
        envoy
            .wait_for_log(|line| line == format!("{name} {status} {version}"))
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_a_listener_demands_of_clients() -> Result<()> {
    let pki = Pki::new();
    let tls = DownstreamTls::new(&pki.server("edge.test").issue());
    let demands = [
        ("not-asked", tls.clone(), [true, true, true, true]),
        (
            "any-or-none",
            tls.clone().accept_any_client(),
            [true, true, true, true],
        ),
        (
            "any",
            tls.clone().require_any_client(),
            [false, true, true, true],
        ),
        (
            "verified-or-none",
            tls.clone().verify_client(&pki.root),
            [true, true, false, false],
        ),
        (
            "verified",
            tls.clone().require_client(&pki.root),
            [false, true, false, false],
        ),
    ];
    let mut bootstrap = Bootstrap::new();
    for (name, tls, _) in &demands {
        let listener = HttpListener::new(name).tls(tls.clone());
        bootstrap = bootstrap.http(listener.route(Route::direct("/", 200, "")));
    }
    let envoy = Envoy::builder().config(bootstrap).start().await?;
    for (name, _, accepted) in demands {
        let client = Client::tls(envoy.listener(name).await?);
        let clients = [
            client.clone(),
            client.clone().certificate(&pki.client("good").issue()),
            client
                .clone()
                .certificate(&pki.client("other").issuer(&pki.other).issue()),
            client
                .clone()
                .certificate(&pki.client("expired").expired().issue()),
        ];
        for (index, (client, accepted)) in clients.iter().zip(accepted).enumerate() {
            assert_eq!(
                client.get("/").await.is_ok(),
                accepted,
                "{name}, client {index}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn old_versions_and_weak_keys_of_clients() -> Result<()> {
    let pki = Pki::new();
    let tls = DownstreamTls::new(&pki.server("edge.test").issue()).accept_any_client();
    let direct = |name: &str, tls| {
        HttpListener::new(name)
            .tls(tls)
            .route(Route::direct("/", 200, ""))
            .access_log("%DOWNSTREAM_TLS_VERSION% %DOWNSTREAM_PEER_SUBJECT%")
    };
    let config = Bootstrap::new()
        .http(direct("usual", tls.clone()))
        .http(direct(
            "lenient",
            tls.tls_versions(TlsVersion::V1_0, TlsVersion::V1_3),
        ));
    let envoy = Envoy::builder().config(config).start().await?;
    let weak = pki.client("weak").key(KeyKind::Rsa1024).issue();
    for (version, name) in [(TlsVersion::V1_0, "TLSv1"), (TlsVersion::V1_1, "TLSv1.1")] {
        let client = |addr| {
            Client::openssl(addr)
                .tls_versions(version, version)
                .certificate(&weak)
        };
        assert!(
            client(envoy.listener("usual").await?)
                .get("/")
                .await
                .is_err()
        );
        assert_eq!(
            client(envoy.listener("lenient").await?)
                .get("/")
                .await?
                .status,
            200
        );
        envoy
            .wait_for_log(|line| line == format!("{name} CN=weak"))
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_resumed_session_keeps_the_certificate_of_the_first() -> Result<()> {
    let pki = Pki::new();
    let tls = DownstreamTls::new(&pki.server("edge.test").issue()).accept_any_client();
    let listener = HttpListener::new("ingress")
        .tls(tls)
        .route(Route::direct("/", 200, ""));
    let config = Bootstrap::new().http(listener.access_log("%DOWNSTREAM_PEER_SUBJECT%"));
    let envoy = Envoy::builder().config(config).start().await?;
    let client = Client::tls(envoy.listener("ingress").await?)
        .certificate(&pki.client("alice").issue())
        .resumption();
    for resumed in [false, true] {
        let connection = client.connect().await?;
        assert_eq!(connection.handshake().map(|tls| tls.resumed), Some(resumed));
        connection.send(Request::get("/")).await?;
    }
    envoy.quit().await?;
    assert_eq!(envoy.stdout(), ["CN=alice", "CN=alice"]);
    Ok(())
}
