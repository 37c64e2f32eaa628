//! Filters whose first configuration cannot be, or is missing: nothing goes
//! through.

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Bootstrap, TcpListener};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;

use super::watched::{HTTP_FILTER, NETWORK_FILTER, Watched};
use super::{Way, backend, broken, configured, front, named, start};
use crate::support::{filter, plugin};

#[tokio::test]
async fn where_the_first_policy_cannot_be_no_request_goes_through() {
    let pki = Pki::new();
    let certificate = pki.server("api.test").issue();
    for (role, kind) in [
        ("downstream", "http_filter"),
        ("upstream", "upstream_http_filter"),
    ] {
        let upstream = Upstream::tls(&certificate).start().await.unwrap();
        let watched = Watched::new();
        let put = |policy: &_| watched.put_filter(&filter(role, policy));
        let mut good = named(&pki, "good", false);
        // Clients in plaintext.
        good["mode"] = "report".into();
        put(&broken(&good));
        let guard = watched.discovered(HTTP_FILTER);
        let (mut listener, mut cluster) = (front(), backend(&upstream));
        if role == "downstream" {
            listener = listener.filter(guard);
        } else {
            cluster = cluster.filter(guard);
        }
        let envoy = start(Bootstrap::new().http(listener).cluster(cluster)).await;
        let client = Client::plaintext(envoy.listener("front").await.unwrap());

        assert_eq!(client.get("/").await.unwrap().status, 500, "{role}");
        assert_eq!(upstream.received(), b"", "{role}");

        let way = Way {
            put: &put,
            stats: &format!("extension_config_discovery.{kind}.hopguard"),
            denial: 500,
        };
        assert_eq!(way.updates(&envoy, "rejected").await, 1);
        way.accepted(&envoy, &good).await;
        configured(&envoy, 1).await;
        assert_eq!(client.get("/").await.unwrap().status, 200, "{role}");
    }
}

#[tokio::test]
async fn where_the_first_policy_cannot_be_no_connection_goes_through() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let certificate = pki.server("api.test").issue();
    let upstream = Upstream::tls(&certificate).tcp_echo().start().await;
    let upstream = upstream.unwrap();
    let watched = Watched::new();
    let put = |policy: &_| watched.put_filter(&plugin("network", policy).network_filter());
    let good = named(&pki, "good", false);
    put(&broken(&good));
    let listener = TcpListener::new("front", "backend").filter(watched.discovered(NETWORK_FILTER));
    let bootstrap = Bootstrap::new().tcp(listener).cluster(backend(&upstream));
    let envoy = start(bootstrap).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    let mut raw = client.raw().await.unwrap();
    // Envoy may have closed it already.
    let _ = raw.write(b"secret").await;
    assert_eq!(raw.read_to_end().await.unwrap().bytes, b"");
    assert_eq!(upstream.connections(), 0);

    let way = Way::network_filter(&put);
    way.accepted(&envoy, &good).await;
    configured(&envoy, 1).await;
    let mut raw = client.raw().await.unwrap();
    raw.write(b"hello").await.unwrap();
    assert_eq!(raw.read_exact(5).await.unwrap(), b"hello");
}

#[tokio::test]
async fn without_the_file_envoy_does_not_start() {
    let watched = Watched::new();
    let listener = front().filter(watched.discovered(HTTP_FILTER));
    let refused = Envoy::validate(Bootstrap::new().http(listener)).await;
    let reason = refused.unwrap_err();
    assert!(
        reason.contains("must refer to an existing path"),
        "{reason}"
    );
}
