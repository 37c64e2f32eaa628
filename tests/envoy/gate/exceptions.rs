//! Rules that demand more, report, or waive.

use hopguard_testbed::TlsVersion;
use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Cluster, UpstreamTls};
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use crate::support::{access, day, exactly_events, gist, guarded_clusters, policy};

fn plaintext_waiver(until: &str) -> Value {
    json!([{ "controls": ["V9.2.1", "V9.2.2"], "reason": "legacy", "until": until }])
}

#[tokio::test]
async fn a_waiver_holds_until_its_last_day_and_report_mode_denies_nothing() {
    let pki = Pki::new();
    let server = Upstream::plaintext().start().await.unwrap();
    let (soon, today, yesterday) = (day(20), day(0), day(-1));
    let rule = |name: &str, mut fields: Value| {
        fields["name"] = json!(name);
        fields["match"] = json!({ "clusters": [name] });
        fields
    };
    let waived = |name: &str, until: &str| rule(name, json!({ "waive": plaintext_waiver(until) }));
    let half = json!([{ "controls": ["V9.2.2"], "reason": "legacy", "until": "2099-12-31" }]);
    let rules = json!([
        waived("active", "2099-12-31"),
        waived("ends-soon", &soon),
        waived("ends-today", &today),
        waived("ended", &yesterday),
        rule("waived-by-half", json!({ "waive": half })),
        rule("reports", json!({ "mode": "report" })),
        rule(
            "reports-ended",
            json!({ "mode": "report", "waive": plaintext_waiver(&yesterday) })
        ),
    ]);
    let policy = policy(
        &pki,
        json!({ "default_trust_stores": ["ca"], "upstream": rules }),
    );

    // What the client gets; what the access log says; the events.
    let cases: [(&str, u16, &str, &[[&str; 3]]); 8] = [
        ("active", 200, "waived cause=- control=-", &[]),
        (
            "ends-soon",
            200,
            "waived cause=- control=-",
            &[
                ["hopguard.warning", "waiver_near_end", "near_end"],
                ["hopguard.warning", "waiver_near_end", "near_end"],
            ],
        ),
        (
            "ends-today",
            200,
            "waived cause=- control=-",
            &[
                ["hopguard.warning", "waiver_near_end", "near_end"],
                ["hopguard.warning", "waiver_near_end", "near_end"],
            ],
        ),
        (
            "ended",
            503,
            "deny cause=plaintext control=V9.2.2",
            &[["hopguard.denied", "plaintext", "expired"]],
        ),
        (
            "waived-by-half",
            503,
            "deny cause=certificate_missing control=V9.2.1",
            &[["hopguard.denied", "certificate_missing", ""]],
        ),
        (
            "reports",
            200,
            "would_deny cause=plaintext control=V9.2.2",
            &[["hopguard.would_deny", "plaintext", ""]],
        ),
        (
            "reports-ended",
            200,
            "would_deny cause=plaintext control=V9.2.2",
            &[["hopguard.would_deny", "plaintext", "expired"]],
        ),
        (
            "default",
            503,
            "deny cause=plaintext control=V9.2.2",
            &[["hopguard.denied", "plaintext", ""]],
        ),
    ];
    let clusters = cases.map(|(name, ..)| {
        let cluster = Cluster::new(name).endpoint(server.addr());
        (name.to_owned(), cluster)
    });
    let envoy = guarded_clusters(clusters, &policy, |route| route).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    let mut total = 0;
    for (name, status, verdict, expected) in cases {
        server.clear();
        let response = client.get(&format!("/{name}")).await.unwrap();
        assert_eq!(response.status, status, "{name}");
        let received = server.requests().len();
        assert_eq!(received, usize::from(status == 200), "{name}");
        let log = access(&envoy, &format!("/{name}")).await;
        assert!(
            log.ends_with(&format!("verdict={verdict} rule={name}")),
            "{log}"
        );

        total += expected.len();
        let events = exactly_events(&envoy, total).await;
        let new = &events[total - expected.len()..];
        for (event, [kind, cause, state]) in new.iter().zip(expected) {
            let state_of = event["hopguard.waiver.state"].as_str().unwrap_or_default();
            assert_eq!(
                [gist(event)[0], gist(event)[1], state_of],
                [*kind, *cause, *state]
            );
            assert_eq!(event["hopguard.rule"], name);
            if !state.is_empty() {
                assert_eq!(event["hopguard.waiver.reason"], "legacy");
            }
        }
    }

    // A waiver that ends is told of once a day, not with every request.
    assert_eq!(client.get("/ends-soon").await.unwrap().status, 200);
    exactly_events(&envoy, total).await;
}

#[tokio::test]
async fn report_mode_of_the_policy_does_not_reach_a_rule_that_enforces() {
    let pki = Pki::new();
    let server = Upstream::plaintext().start().await.unwrap();
    let policy = policy(
        &pki,
        json!({
            "mode": "report",
            "default_trust_stores": ["ca"],
            "upstream": [{ "name": "enforces", "mode": "enforce", "match": { "clusters": ["enforces"] } }],
        }),
    );
    let clusters = ["enforces", "default"].map(|name| {
        let cluster = Cluster::new(name).endpoint(server.addr());
        (name.to_owned(), cluster)
    });
    let envoy = guarded_clusters(clusters, &policy, |route| route).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    assert_eq!(client.get("/default").await.unwrap().status, 200);
    assert_eq!(client.get("/enforces").await.unwrap().status, 503);

    assert_eq!(server.requests().len(), 1);
    let events = exactly_events(&envoy, 2).await;
    assert_eq!(
        events.iter().map(gist).collect::<Vec<_>>(),
        [
            ["hopguard.would_deny", "plaintext", "V9.2.2", "default"],
            ["hopguard.denied", "plaintext", "V9.2.2", "enforces"],
        ]
    );
    // The same event but for its name and verdict.
    for field in [
        "hopguard.findings",
        "network.peer.address",
        "hopguard.detail",
    ] {
        assert!(!events[0][field].is_null(), "{field}");
        assert_eq!(events[0][field], events[1][field], "{field}");
    }
    assert_eq!(events[0]["hopguard.verdict"], "would_deny");
}

#[tokio::test]
async fn a_rule_can_demand_a_newer_tls_version() {
    crate::support::needs!(PeerCertificate);
    use TlsVersion::{V1_1, V1_2, V1_3};
    let pki = Pki::new();
    let certificate = pki.server("api.test").issue();
    let of = |version| Upstream::tls(&certificate).tls_versions(version, version);
    let old = Upstream::openssl(&certificate)
        .tls_versions(V1_1, V1_1)
        .start()
        .await
        .unwrap();
    let middle = of(V1_2).start().await.unwrap();
    let new = of(V1_3).start().await.unwrap();
    let policy = policy(
        &pki,
        json!({
            "default_trust_stores": ["ca"],
            "upstream": [
                {
                    "name": "newest",
                    "match": { "clusters": ["newest-*"] },
                    "require": { "min_tls_version": "1.3" },
                },
                {
                    "name": "oldest",
                    "match": { "clusters": ["oldest-*"] },
                    "require": { "min_tls_version": "1.1" },
                },
            ],
        }),
    );
    let cases = [
        ("newest-new", &new, None),
        ("newest-middle", &middle, Some(("newest", "1.2"))),
        ("default-new", &new, None),
        ("default-middle", &middle, None),
        ("default-old", &old, Some(("default", "1.1"))),
        ("oldest-old", &old, None),
    ];
    let clusters = cases.map(|(name, upstream, _)| {
        let tls = UpstreamTls::new()
            .sni("api.test")
            .tls_versions(TlsVersion::V1_0, V1_3);
        let cluster = Cluster::new(name).endpoint(upstream.addr()).tls(tls);
        (name.to_owned(), cluster)
    });
    let envoy = guarded_clusters(clusters, &policy, |route| route).await;
    let client = Client::plaintext(envoy.listener("front").await.unwrap());

    for (name, upstream, denied_by) in cases {
        upstream.clear();
        let response = client.get(&format!("/{name}")).await.unwrap();
        let expected = if denied_by.is_some() { 503 } else { 200 };
        assert_eq!(response.status, expected, "{name}");
        assert_eq!(
            upstream.received().is_empty(),
            denied_by.is_some(),
            "{name}"
        );
    }

    let events = exactly_events(&envoy, 2).await;
    for (event, (rule, version)) in events.iter().zip(cases.iter().filter_map(|c| c.2)) {
        assert_eq!(
            gist(event),
            ["hopguard.denied", "tls_version_too_old", "V9.2.2", rule]
        );
        assert_eq!(event["tls.protocol.version"], version);
    }
}
