//! A whole listener by LDS.

use hopguard_testbed::TlsVersion;
use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{Bootstrap, DownstreamTls};
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::Value;

use super::watched::Watched;
use super::{Way, backend, change_under_load, configured, front, named, start};
use crate::support::filter;

#[tokio::test]
async fn a_listener_changes_under_load() {
    let pki = Pki::new();
    let certificate = pki.server("api.test").issue();
    let upstream = Upstream::tls(&certificate).start().await.unwrap();
    let watched = Watched::new();
    let port = hopguard_testbed::free_port().unwrap();
    let put = |policy: &Value| {
        let listener = front()
            .port(port)
            .tls(DownstreamTls::new(&certificate))
            .filter(filter("downstream", policy));
        watched.put_listener(listener);
    };
    put(&named(&pki, "before", false));
    let envoy = start(watched.lds(Bootstrap::new().cluster(backend(&upstream)))).await;
    let client = Client::tls(envoy.listener("front").await.unwrap())
        .tls_versions(TlsVersion::V1_2, TlsVersion::V1_2);

    let way = Way::listener(&put);
    change_under_load(&pki, &envoy, &client, way).await;
}

#[tokio::test]
async fn an_open_connection_keeps_its_policy_until_it_is_drained() {
    let pki = Pki::new();
    let certificate = pki.server("api.test").issue();
    let upstream = Upstream::tls(&certificate).start().await.unwrap();
    let watched = Watched::new();
    let port = hopguard_testbed::free_port().unwrap();
    let put = |policy: &Value| {
        let listener = front().port(port).filter(filter("downstream", policy));
        watched.put_listener(listener);
    };
    put(&named(&pki, "before", false));
    let envoy = start(watched.lds(Bootstrap::new().cluster(backend(&upstream)))).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    let open = client.connect().await.unwrap();
    let first = open.send(Request::get("/secret")).await.unwrap();
    assert_eq!((first.status, first.header("connection")), (200, None));

    let way = Way::listener(&put);
    way.accepted(&envoy, &named(&pki, "after", true)).await;
    configured(&envoy, 2).await;
    envoy
        .wait_for_stat("listener_manager.total_filter_chains_draining", |n| n > 0)
        .await
        .unwrap();

    assert_eq!(client.get("/secret").await.unwrap().status, way.denial);
    let last = open.send(Request::get("/secret")).await.unwrap();
    assert_eq!(last.status, 200);
    assert_eq!(last.header("connection").as_deref(), Some("close"));
}
