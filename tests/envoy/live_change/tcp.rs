//! The filter of a TCP listener by ECDS.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use hopguard_testbed::client::{Client, RawConnection};
use hopguard_testbed::config::{Bootstrap, TcpListener};
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::json;

use super::watched::{NETWORK_FILTER, Watched};
use super::{WHY_BROKEN, Way, backend, broken, configured, named, start};
use crate::support::{metric, metric_is, plugin};

async fn echoes(connection: &mut RawConnection) {
    connection.write(b"hello").await.unwrap();
    assert_eq!(connection.read_exact(5).await.unwrap(), b"hello");
}

/// Clients come one after another, each with a connection of its own, until they
/// are told to stop; the answer is how many came.
fn clients(
    client: &Client,
    over: &Arc<AtomicBool>,
    served: &Arc<AtomicUsize>,
) -> Vec<tokio::task::JoinHandle<()>> {
    (0..4)
        .map(|_| {
            let (client, over, served) = (client.clone(), Arc::clone(over), Arc::clone(served));
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    echoes(&mut client.raw().await.unwrap()).await;
                    served.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect()
}

#[tokio::test]
async fn a_tcp_listeners_filter_changes_under_load() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let certificate = pki.server("api.test").issue();
    let upstream = Upstream::tls(&certificate)
        .tcp_echo()
        .start()
        .await
        .unwrap();
    let watched = Watched::new();
    let put = |policy: &_| watched.put_filter(&plugin("network", policy).network_filter());
    // Clients in plaintext, and a server with TLS 1.2: all waived, by name.
    let waiving = |rule: &str| named(&pki, rule, false);
    put(&waiving("before"));
    let listener = TcpListener::new("front", "backend")
        .merge(json!({ "connection_balance_config": { "exact_balance": {} } }))
        .filter(watched.discovered(NETWORK_FILTER));
    let envoy = start(Bootstrap::new().tcp(listener).cluster(backend(&upstream))).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    let way = Way::network_filter(&put);
    let (over, served) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let mut open = client.raw().await.unwrap();
    echoes(&mut open).await;
    let load = clients(&client, &over, &served);
    let judged_by = async |rule: &str| {
        let labels = format!(
            "direction.=.upstream;.verdict.=.waived;.control.=.V9.2.2;.cause.=.tls_version_too_old;.rule.=.{rule};"
        );
        let name = format!("wasmcustom.hopguard.{labels}.decisions");
        envoy.wait_for_stat(&name, |n| n >= 20).await.unwrap();
    };
    judged_by("before").await;

    way.accepted(&envoy, &waiving("after")).await;
    judged_by("after").await;
    way.rejected(&envoy, &broken(&waiving("never"))).await;
    let why = envoy.wait_for_log(|line| line.contains(WHY_BROKEN)).await;
    assert!(why.unwrap().contains("[error]"));
    metric_is(&envoy, &["configurations", "rejected"], 1).await;
    way.accepted(&envoy, &waiving("again")).await;
    judged_by("again").await;

    over.store(true, Ordering::Relaxed);
    for client in load {
        client.await.unwrap();
    }
    let served = served.load(Ordering::Relaxed);
    let waived = ["decisions", "direction.=.upstream", "verdict.=.waived"];
    metric_is(&envoy, &waived, served as u64 + 1).await;
    assert_eq!(metric(&envoy, &["decisions", "verdict.=.deny"]).await, 0);

    // One that denies: new connections get nothing, the one that was judged stays.
    let mut denying = waiving("clients");
    denying["upstream"] = json!([{ "name": "newest", "require": { "min_tls_version": "1.3" } }]);
    way.accepted(&envoy, &denying).await;
    configured(&envoy, 4).await;
    let mut denied = client.raw().await.unwrap();
    denied.write(b"secret").await.unwrap();
    assert_eq!(denied.read_to_end().await.unwrap().bytes, b"");
    echoes(&mut open).await;
    assert_eq!(upstream.received().len(), 5 * (served + 2));
}
