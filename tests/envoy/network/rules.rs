//! Which rule a connection is judged by.

use hopguard_testbed::TlsVersion;
use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Bootstrap, Cluster, DownstreamTls, TcpListener};
use hopguard_testbed::free_port;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use super::row::{Cast, Row};
use super::table::walk;
use super::{metric_is, waive_plaintext};
use crate::support::{day, exactly_events, gist, plugin, policy, start, tls_inspector};

/// TLS 1.3 where this fits: what a client of TLS 1.2 has not.
fn strict_where(matches: Value) -> Value {
    json!({ "match": matches, "require": { "min_tls_version": "1.3" } })
}

#[tokio::test]
async fn a_rule_for_clients_is_chosen_by_listener_chain_name_and_address() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let cast = Cast(&pki);
    let row = |name: &str| {
        cast.row(name)
            .client(|door| Client::tls(door).tls_versions(TlsVersion::V1_2, TlsVersion::V1_2))
    };
    let fits = |row: Row| row.denies_client("tls_version_too_old");
    let asks = |name: &str, sni: &'static str| {
        row(name)
            .listener(|listener| listener.merge(tls_inspector()))
            .client(move |door| {
                Client::tls(door)
                    .sni(sni)
                    .tls_versions(TlsVersion::V1_2, TlsVersion::V1_2)
            })
    };
    let [here, there] = [(); 2].map(|()| free_port().unwrap());
    let for_name = |chain: &str| {
        strict_where(json!({ "server_names": ["*.a.test"], "filter_chains": [chain] }))
    };
    let from = |chain: &str, range: &str| {
        strict_where(json!({ "addresses": [range], "filter_chains": [chain] }))
    };

    walk(
        &pki,
        [
            fits(
                row("this-listener")
                    .listener(move |listener| listener.port(here))
                    .downstream(strict_where(
                        json!({ "listeners": [format!("127.0.0.1:{here}")] }),
                    )),
            ),
            row("other-listener")
                .listener(move |listener| listener.port(there))
                .downstream(strict_where(
                    json!({ "listeners": [format!("*:{}", there ^ 1)] }),
                )),
            fits(
                row("this-chain").downstream(strict_where(json!({ "filter_chains": ["this-c*"] }))),
            ),
            row("other-chain").downstream(strict_where(json!({ "filter_chains": ["another"] }))),
            fits(
                asks("this-name", "x.a.test")
                    .downstream(for_name("this-name"))
                    .fields(json!({ "server.address": "x.a.test" })),
            ),
            asks("other-name", "x.b.test").downstream(for_name("other-name")),
            fits(row("this-address").downstream(from("this-address", "127.0.0.0/8"))),
            row("other-address").downstream(from("other-address", "10.0.0.0/8")),
        ],
        vec![],
        None,
    )
    .await;
}

#[tokio::test]
async fn a_rule_for_servers_is_chosen_by_cluster_name_and_address() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let cast = Cast(&pki);
    let fits = |row: Row| row.denies_server("tls_version_too_old");
    let with = |cluster: &str, field: &str, value: &str| {
        strict_where(json!({ "clusters": [cluster], field: [value] }))
    };

    // Envoy's default towards servers is TLS 1.2.
    walk(
        &pki,
        [
            fits(
                cast.row("this-cluster")
                    .upstream(strict_where(json!({ "clusters": ["this-c*"] }))),
            ),
            cast.row("other-cluster")
                .upstream(strict_where(json!({ "clusters": ["another"] }))),
            fits(
                cast.row("this-name")
                    .upstream(with("this-name", "server_names", "api.*")),
            ),
            cast.row("other-name")
                .upstream(with("other-name", "server_names", "db.*")),
            fits(
                cast.row("this-address")
                    .upstream(with("this-address", "addresses", "127.0.0.1")),
            ),
            cast.row("other-address")
                .upstream(with("other-address", "addresses", "127.0.0.2")),
        ],
        vec![],
        None,
    )
    .await;
}

#[tokio::test]
async fn chains_that_are_chosen_by_server_name_have_their_own_rules() {
    let pki = Pki::new();
    let policy = policy(
        &pki,
        json!({
            "downstream": [{
                "name": "strict",
                "match": { "filter_chains": ["a"] },
                "require": { "min_tls_version": "1.3" },
            }],
            "upstream": [{ "name": "local", "waive": waive_plaintext() }],
        }),
    );
    let server = Upstream::plaintext().tcp_echo().start().await.unwrap();
    let certificate = pki.server("a.test").dns("b.test").issue();
    let listener = TcpListener::new("front", "backend")
        .tls(DownstreamTls::new(&certificate))
        .filter(plugin("network", &policy).network_filter())
        .merge(tls_inspector())
        .patch(|listener| {
            let chain = listener["filter_chains"][0].clone();
            let chains = ["a", "b"].map(|name| {
                let mut chain = chain.clone();
                chain["name"] = json!(name);
                chain["filter_chain_match"] = json!({ "server_names": [format!("{name}.test")] });
                chain
            });
            listener["filter_chains"] = json!(chains);
        });
    let cluster = Cluster::new("backend").endpoint(server.addr());
    let envoy = start(Bootstrap::new().tcp(listener).cluster(cluster)).await;
    let door = envoy.listener("front").await.unwrap();
    let old = Client::tls(door).tls_versions(TlsVersion::V1_2, TlsVersion::V1_2);

    let mut denied = old.clone().sni("a.test").raw().await.unwrap();
    denied.write(b"a secret").await.unwrap();
    assert_eq!(denied.read_to_end().await.unwrap().bytes, b"");
    assert_eq!(server.received(), b"");
    let mut served = old.sni("b.test").raw().await.unwrap();
    served.write(b"a secret").await.unwrap();
    assert_eq!(served.read_exact(8).await.unwrap(), b"a secret");

    let events = exactly_events(&envoy, 1).await;
    assert_eq!(
        gist(&events[0]),
        ["hopguard.denied", "tls_version_too_old", "V9.2.2", "strict"]
    );
    assert_eq!(events[0]["hopguard.filter_chain"], "a");
    assert_eq!(events[0]["server.address"], "a.test");
}

#[tokio::test]
async fn waivers_that_end_soon_are_told_of_once_for_each_side() {
    let pki = Pki::new();
    let waive = json!([{
        "name": "local",
        "waive": [{ "controls": ["V9.2.1", "V9.2.2"], "reason": "CHG-1", "until": day(10) }],
    }]);
    let policy = policy(&pki, json!({ "downstream": waive, "upstream": waive }));
    let server = Upstream::plaintext().tcp_echo().start().await.unwrap();
    let envoy = super::guarded(Cluster::new("backend").endpoint(server.addr()), &policy).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    for _ in 0..3 {
        let mut connection = client.raw().await.unwrap();
        connection.write(b"hello").await.unwrap();
        assert_eq!(connection.read_exact(5).await.unwrap(), b"hello");
    }

    let events = exactly_events(&envoy, 3).await;
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            let [name, cause, control, rule] = gist(event);
            assert_eq!(
                [name, cause, rule],
                ["hopguard.warning", "waiver_near_end", "local"]
            );
            (event["hopguard.direction"].as_str().unwrap(), control)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("downstream", "V9.2.2"),
            ("upstream", "V9.2.2"),
            ("upstream", "V9.2.1"),
        ]
    );
    for direction in ["downstream", "upstream"] {
        let of = format!("direction.=.{direction};");
        metric_is(&envoy, &["decisions", &of, "verdict.=.waived;"], 3).await;
        metric_is(&envoy, &["decisions", &of], 3).await;
    }
}

#[tokio::test]
async fn equal_rules_of_both_sides_are_counted_apart() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let certificate = pki.server("api.test").issue();
    let server = Upstream::tls(&certificate)
        .tcp_echo()
        .start()
        .await
        .unwrap();
    let listener = TcpListener::new("front", "backend")
        .tls(DownstreamTls::new(&certificate))
        .filter(plugin("network", &policy).network_filter());
    let tls = hopguard_testbed::config::UpstreamTls::new().sni("api.test");
    let cluster = Cluster::new("backend").endpoint(server.addr()).tls(tls);
    let envoy = start(Bootstrap::new().tcp(listener).cluster(cluster)).await;
    let client = Client::tls(envoy.listener("front").await.unwrap());

    for _ in 0..3 {
        let mut connection = client.raw().await.unwrap();
        connection.write(b"hello").await.unwrap();
        assert_eq!(connection.read_exact(5).await.unwrap(), b"hello");
    }

    for direction in ["downstream", "upstream"] {
        let of = format!("direction.=.{direction};");
        metric_is(&envoy, &["decisions", &of, "verdict.=.permit;"], 3).await;
    }
    exactly_events(&envoy, 0).await;
}
