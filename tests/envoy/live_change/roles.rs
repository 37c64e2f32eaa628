//! Roles that share a VM, and change one at a time.

use hopguard_testbed::client::Client;
use hopguard_testbed::config::Bootstrap;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;

use super::watched::{HTTP_FILTER, Watched};
use super::{Way, backend, broken, configured, front, named, start};
use crate::support::filter;

/// Envoy marks a VM as failed where a plugin refuses its configuration; that must
/// be nobody else's failure.
#[tokio::test]
async fn a_broken_policy_of_one_role_leaves_the_others_free_to_change() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let upstream = Upstream::tls(&pki.server("api.test").issue())
        .start()
        .await
        .unwrap();
    let (clients, servers) = (Watched::new(), Watched::new());
    let put_clients = |policy: &_| clients.put_filter(&filter("downstream", policy));
    let put_servers = |policy: &_| servers.put_filter(&filter("upstream", policy));
    let [open, guarded] = [false, true].map(|is_guarded| named(&pki, "some", is_guarded));
    put_clients(&open);
    put_servers(&open);
    let listener = front().filter(clients.discovered(HTTP_FILTER));
    let cluster = backend(&upstream).filter(servers.discovered(HTTP_FILTER));
    let envoy = start(Bootstrap::new().http(listener).cluster(cluster)).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    let of_clients = Way {
        put: &put_clients,
        stats: "extension_config_discovery.http_filter.hopguard",
        denial: 403,
    };
    let of_servers = Way {
        put: &put_servers,
        stats: "extension_config_discovery.upstream_http_filter.hopguard",
        denial: 503,
    };
    let secret = async || client.get("/secret").await.unwrap().status;
    assert_eq!(secret().await, 200);

    of_clients.rejected(&envoy, &broken(&open)).await;
    assert_eq!(secret().await, 200);
    of_servers.accepted(&envoy, &guarded).await;
    configured(&envoy, 3).await;
    assert_eq!(secret().await, of_servers.denial);

    of_servers.rejected(&envoy, &broken(&guarded)).await;
    assert_eq!(secret().await, of_servers.denial);
    of_clients.accepted(&envoy, &guarded).await;
    configured(&envoy, 4).await;
    assert_eq!(secret().await, of_clients.denial);
    assert_eq!(client.get("/load").await.unwrap().status, 200);
    // Of all that, the server saw what was allowed.
    let paths: Vec<_> = upstream.requests().into_iter().map(|r| r.path).collect();
    assert_eq!(paths, ["/secret", "/secret", "/load"]);
}
