//! Staples: none, fresh, near the end, of the past; and clients that ask for them.

use hopguard_testbed::config::{
    Bootstrap, Cluster, DownstreamTls, HttpListener, Route, UpstreamTls,
};
use hopguard_testbed::envoy::{Envoy, pinned_versions};
use hopguard_testbed::pki::{Authority, Issued, Pki};
use serde_json::json;

use super::{all_conditions, began, conditions, ended, looks, sorted, start, watching};
use crate::support::staple::{Seen, ask, between, fresh, stapled};
use crate::support::{events, exactly_events, metric};

/// A listener that answers by itself, known in the stats by its name.
fn listener(name: &str, tls: DownstreamTls) -> HttpListener {
    HttpListener::new(name)
        .tls(tls)
        .route(Route::direct("/", 200, ""))
        .merge(json!({ "stat_prefix": name }))
}

fn certificate(ca: &Authority, name: &str) -> Issued {
    ca.server(&format!("{name}.test")).issue()
}

/// A client at each listener asks for a staple.
async fn clients(envoy: &Envoy, expected: &[(&str, Seen)]) {
    for (name, seen) in expected {
        let address = envoy.listener(name).await.unwrap();
        assert_eq!(ask(address), *seen, "{name}");
    }
}

#[tokio::test]
async fn nothing_is_told_where_all_is_well() {
    let pki = Pki::new();
    let ca = &pki.root;
    let good = certificate(ca, "good");
    let client = pki.client("envoy").dns("client.test").issue();
    let policy = watching(json!({ "staple_exceptions": [{ "names": ["client.test"] }] }));
    let tls = UpstreamTls::new().trusted_ca(ca).certificate(&client);
    let bootstrap = Bootstrap::new()
        .http(listener(
            "good",
            stapled(&good, &fresh(ca, &good), "MUST_STAPLE"),
        ))
        // A cluster with the same certificate shows no staple: the listener's counts.
        .cluster(Cluster::new("same").tls(tls.clone().certificate(&good)))
        .cluster(Cluster::new("client").tls(tls));
    let envoy = start(bootstrap, &policy, None).await;
    looks(&envoy, "read", 4).await;
    clients(&envoy, &[("good", Seen::Staple)]).await;
    looks(&envoy, "read", 4).await;

    exactly_events(&envoy, 0).await;
    assert_eq!(all_conditions(&envoy).await, 0);
    let certificates = |r#use| ["posture_certificates", r#use];
    assert_eq!(metric(&envoy, &certificates("presented")).await, 2);
    assert_eq!(metric(&envoy, &certificates("trusted")).await, 1);
    // Ninety days, of which some seconds are over.
    let first = ["first_expiry_days", "presented"];
    assert_eq!(metric(&envoy, &first).await, 89);
}

#[tokio::test]
async fn each_staple_that_is_not_as_it_should_be_is_told_once() {
    let pki = Pki::new();
    let ca = &pki.root;
    let [none, good, near, late, strict] =
        ["none", "good", "near", "late", "strict"].map(|name| certificate(ca, name));
    let over = |certificate| between(ca, certificate, -9, -1);
    let lenient = "LENIENT_STAPLING";
    let bootstrap = Bootstrap::new()
        .http(listener("none", DownstreamTls::new(&none)))
        .http(listener("good", stapled(&good, &fresh(ca, &good), lenient)))
        .http(listener(
            "near",
            stapled(&near, &between(ca, &near, -6, 1), lenient),
        ))
        .http(listener("late", stapled(&late, &over(&late), lenient)))
        .http(listener(
            "strict",
            stapled(&strict, &over(&strict), "STRICT_STAPLING"),
        ));
    let policy = watching(json!({ "staple_warning_hours": 48 }));
    let envoy = start(bootstrap, &policy, None).await;
    looks(&envoy, "read", 6).await;

    let mut expected = vec![
        began("staple_expired", "V9.2.4", "late.test"),
        began("staple_expired", "V9.2.4", "strict.test"),
        began("staple_missing", "V9.2.4", "none.test"),
        began("staple_near_expiry", "V9.2.4", "near.test"),
    ];
    let told = exactly_events(&envoy, 4).await;
    assert_eq!(sorted(&told), expected);
    let missing = told.iter().find(|e| e["error.type"] == "staple_missing");
    let missing = missing.unwrap();
    assert_eq!(missing["hopguard.certificate.use"], "presented");
    assert_eq!(missing["hopguard.certificate.path"], "<inline>");
    let serial = none.serial_hex().to_uppercase();
    assert_eq!(missing["hopguard.certificate.serial"], serial);
    assert!(missing["hopguard.direction"].is_null());
    for (cause, count) in [
        ("staple_missing", 1),
        ("staple_expired", 2),
        ("staple_near_expiry", 1),
        ("staple_omitted", 0),
        ("staple_failed", 0),
    ] {
        assert_eq!(conditions(&envoy, cause).await, count, "{cause}");
    }

    // Nobody asked yet. Now some do.
    let seen = [
        ("none", Seen::Nothing),
        ("late", Seen::Nothing),
        ("late", Seen::Nothing),
        ("strict", Seen::Refused),
        ("good", Seen::Staple),
        // Whose signature is broken.
        ("near", Seen::Staple),
    ];
    clients(&envoy, &seen).await;
    expected.extend([
        began("staple_failed", "V9.2.4", "strict"),
        began("staple_omitted", "V9.2.4", "late"),
        began("staple_omitted", "V9.2.4", "none"),
    ]);
    expected.sort_unstable();
    let told = exactly_events(&envoy, 7).await;
    assert_eq!(sorted(&told), expected);
    assert_eq!(conditions(&envoy, "staple_omitted").await, 2);
    assert_eq!(conditions(&envoy, "staple_failed").await, 1);

    // Once nobody asks any more, the sum is told.
    let ends = |line: &str| {
        crate::support::event(line).is_some_and(|e| e["event.name"] == "hopguard.posture_ended")
    };
    let patience = std::time::Duration::from_secs(60);
    envoy.wait_for_log_from(0, ends, patience).await.unwrap();
    looks(&envoy, "read", 4).await;
    let told = events(&envoy);
    assert_eq!(
        sorted(&told[7..]),
        [
            ended("staple_failed", "V9.2.4", "strict"),
            ended("staple_omitted", "V9.2.4", "late"),
            ended("staple_omitted", "V9.2.4", "none"),
        ]
    );
    for event in &told[7..] {
        let of_late = event["hopguard.listener.stat_prefix"] == "late";
        let count = if of_late { 2 } else { 1 };
        assert_eq!(event["hopguard.handshakes"], count, "{event:#}");
    }
    assert_eq!(all_conditions(&envoy).await, 4);
}

#[tokio::test]
async fn every_version_shows_the_same() {
    let pki = Pki::new();
    let ca = &pki.root;
    let [none, late] = ["none", "late"].map(|name| certificate(ca, name));
    for version in pinned_versions() {
        let staple = between(ca, &late, -9, -1);
        let bootstrap = Bootstrap::new()
            .http(listener("none", DownstreamTls::new(&none)))
            .http(listener(
                "late",
                stapled(&late, &staple, "LENIENT_STAPLING"),
            ));
        let envoy = start(bootstrap, &watching(json!({})), Some(version)).await;
        assert_eq!(envoy.version().await.unwrap(), version);
        looks(&envoy, "read", 2).await;
        clients(&envoy, &[("none", Seen::Nothing)]).await;
        let told = exactly_events(&envoy, 3).await;
        assert_eq!(
            sorted(&told),
            [
                began("staple_expired", "V9.2.4", "late.test"),
                began("staple_missing", "V9.2.4", "none.test"),
                began("staple_omitted", "V9.2.4", "none"),
            ],
            "{version}"
        );
        assert_eq!(all_conditions(&envoy).await, 3, "{version}");
    }
}
