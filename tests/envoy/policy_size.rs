//! A large policy: 1,000 rules and 200 CA certificates.

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{
    Bootstrap, Cluster, DownstreamTls, HttpListener, Route, UpstreamTls,
};
use hopguard_testbed::pki::{Authority, Pki};
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use crate::support::doors::MISSING;
use crate::support::table::control_of;
use crate::support::{exactly_events, filter, gist, metric, start};

const RULES: usize = 1_000;
const STORES: usize = 20;
const CAS_OF_A_STORE: usize = 10;

/// Stores `store-0` and so on, and all their CA certificates.
fn stores() -> (Vec<Value>, Vec<Authority>) {
    let authorities: Vec<_> = (0..STORES * CAS_OF_A_STORE)
        .map(|n| Authority::root(&format!("CA {n}")).issue())
        .collect();
    let stores = authorities
        .chunks(CAS_OF_A_STORE)
        .enumerate()
        .map(|(n, of_store)| {
            let pem: String = of_store.iter().map(Authority::pem).collect();
            json!({ "name": format!("store-{n}"), "ca_certificates": pem })
        })
        .collect();
    (stores, authorities)
}

/// Rule number `n` demands a certificate of store number `n`, modulo their
/// count.
fn rule(n: usize, matches: Value) -> Value {
    json!({
        "name": format!("rule-{n}"),
        "match": matches,
        "require": { "peer_certificate": {
            "trust_stores": [format!("store-{}", n % STORES)],
            "names": { "dns": ["api.test"] },
        }},
    })
}

#[tokio::test]
async fn a_thousand_rules_decide_like_one_and_are_walked_once() {
    crate::support::needs!(PeerCertificate);
    const REQUESTS: usize = 100;
    let (stores, authorities) = stores();
    let of_store = |n: usize| &authorities[n * CAS_OF_A_STORE + 3];
    let rules: Vec<_> = (0..RULES)
        .map(|n| {
            let clusters = [format!("service-{n}"), format!("service-{n}.*")];
            rule(n, json!({ "clusters": clusters }))
        })
        .collect();
    let policy = json!({
        "version": 1,
        "trust_stores": stores,
        "default_trust_stores": ["store-0"],
        "upstream": rules,
    });
    assert!(policy.to_string().len() > 250_000);
    // Cluster, the store whose CA signed its certificate; the cause and rule of
    // a denial.
    let rows = [
        ("service-0", 0, None),
        ("service-999", 19, None),
        ("service-999.blue", 19, None),
        ("service-500", 0, None),
        ("service-501", 0, Some("rule-501")),
        ("service-1000", 0, None),
        ("service-1001", 1, Some("default")),
    ];
    let guard = filter("upstream", &policy);
    let mut listener = HttpListener::new("front");
    let mut bootstrap = Bootstrap::new();
    let mut upstreams = Vec::new();
    for (name, signed_by, _) in rows {
        let certificate = of_store(signed_by).server("api.test").issue();
        let upstream = Upstream::tls(&certificate).start().await.unwrap();
        let cluster = Cluster::new(name)
            .endpoint(upstream.addr())
            .tls(UpstreamTls::new().sni("api.test"))
            .filter(guard.clone());
        bootstrap = bootstrap.cluster(cluster);
        listener = listener.route(Route::prefix(&format!("/{name}/"), name));
        upstreams.push(upstream);
    }
    let envoy = start(bootstrap.http(listener)).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    let mut denied = Vec::new();
    for ((name, _, denied_by), upstream) in rows.iter().zip(&upstreams) {
        let response = client.get(&format!("/{name}/")).await.unwrap();
        let status = if denied_by.is_some() { 503 } else { 200 };
        assert_eq!(response.status, status, "{name}");
        assert_eq!(
            upstream.received().is_empty(),
            denied_by.is_some(),
            "{name}"
        );
        denied.extend(*denied_by);
    }
    let misses = metric(&envoy, &["flow_cache", "miss"]).await;
    let connection = client.connect().await.unwrap();
    for _ in 0..REQUESTS {
        let response = connection
            .send(Request::get("/service-999/"))
            .await
            .unwrap();
        assert_eq!(response.status, 200);
    }

    assert_eq!(metric(&envoy, &["flow_cache", "miss"]).await, misses);
    assert_eq!(misses, rows.len() as u64);
    let events = exactly_events(&envoy, denied.len()).await;
    for (event, rule) in events.iter().zip(denied) {
        let cause = "certificate_unknown_issuer";
        assert_eq!(gist(event), ["hopguard.denied", cause, "V9.2.1", rule]);
    }
}

/// Rules by path are compared with each request, and there is no way around it.
#[tokio::test]
async fn a_thousand_rules_by_path_decide_like_one() {
    crate::support::needs!(PeerCertificate);
    let (stores, authorities) = stores();
    let rules: Vec<_> = (0..RULES)
        .map(|n| rule(n, json!({ "paths": [format!("/service-{n}/**")] })))
        .collect();
    let policy = json!({ "version": 1, "trust_stores": stores, "downstream": rules });
    let pki = Pki::new();
    let listener = HttpListener::new("front")
        .tls(DownstreamTls::new(&pki.server("api.test").issue()).accept_any_client())
        .filter(filter("downstream", &policy))
        .route(Route::all("backend"));
    let upstream = Upstream::plaintext().start().await.unwrap();
    let cluster = Cluster::new("backend").endpoint(upstream.addr());
    let envoy = start(Bootstrap::new().http(listener).cluster(cluster)).await;
    let client = Client::tls(envoy.listener("front").await.unwrap());
    let of_store_19 = authorities.last().unwrap().client("web").dns("api.test");
    let known = client.clone().certificate(&of_store_19.issue());

    let mut served = 0;
    let mut denied = Vec::new();
    for (client, path, finding) in [
        (&known, "/service-999/x", None),
        (&known, "/service-19/x", None),
        (
            &known,
            "/service-18/x",
            Some(("certificate_unknown_issuer", "rule-18")),
        ),
        (
            &known,
            "/service-998/x",
            Some(("certificate_unknown_issuer", "rule-998")),
        ),
        (&client, "/service-999/x", Some((MISSING, "rule-999"))),
        (&client, "/service-1000/x", None),
    ] {
        let response = client.get(path).await.unwrap();
        let status = if finding.is_some() { 403 } else { 200 };
        assert_eq!(response.status, status, "{path}");
        served += usize::from(finding.is_none());
        assert_eq!(upstream.requests().len(), served, "{path}");
        denied.extend(finding);
    }

    let events = exactly_events(&envoy, denied.len()).await;
    for (event, (cause, rule)) in events.iter().zip(denied) {
        let expected = ["hopguard.denied", cause, control_of(cause), rule];
        assert_eq!(gist(event), expected);
    }
}
