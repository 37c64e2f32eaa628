//! An admin interface that is not there, refuses, or answers nonsense.

use hopguard_testbed::config::{Bootstrap, Cluster};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::upstream::{Reply, Upstream};
use serde_json::{Value, json};

use super::{about, all_conditions, answer_as_admin, began, conditions, ended, looks, watching};
use crate::support::{exactly_events, metric, nobody, plugin};

/// Starts an Envoy whose `posture` role takes this server for the admin interface.
pub async fn start(admin: &Upstream, policy: &Value) -> Envoy {
    start_with(Cluster::new("admin").endpoint(admin.addr()), policy).await
}

async fn start_with(admin: Cluster, policy: &Value) -> Envoy {
    let bootstrap = Bootstrap::new()
        .cluster(admin)
        .extension(plugin("posture", policy).singleton());
    crate::support::start(bootstrap).await
}

#[tokio::test]
async fn one_that_is_not_there_is_told_once_and_when_it_is_back() {
    let (port, address) = nobody();
    let reached = Cluster::new("admin").endpoint(address);
    let envoy = start_with(reached, &watching(json!({}))).await;
    looks(&envoy, "unreachable", 6).await;
    let lost = began("admin_unreachable", "V9.2.4", "admin");
    let told = exactly_events(&envoy, 1).await;
    assert_eq!(about(&told[0]), lost);
    let detail = told[0]["hopguard.detail"].as_str().unwrap();
    assert!(
        detail.starts_with("GET /certs: HTTP status 503"),
        "{detail}"
    );
    assert_eq!(conditions(&envoy, "admin_unreachable").await, 1);

    // Somebody listens there, after all.
    let listener = port.listen(64).unwrap();
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer_as_admin(stream));
        }
    });
    looks(&envoy, "read", 4).await;
    let told = exactly_events(&envoy, 2).await;
    assert_eq!(
        about(&told[1]),
        ended("admin_unreachable", "V9.2.4", "admin")
    );
    assert_eq!(all_conditions(&envoy).await, 0);
    server.abort();
}

/// Whatever answers, each page of it is told once, and nothing else happens.
#[tokio::test]
async fn one_that_answers_nonsense_is_told_once_for_each_page() {
    // Of these bytes, the same entry over and over is good JSON.
    let entry = r#"{"ca_cert":[{"path":"a","serial_number":"1","valid_from":"2020-01-01T00:00:00Z","expiration_time":"2120-01-01T00:00:00Z"}]}"#;
    let list = |bytes: usize| {
        let entries = vec![entry; bytes / entry.len() + 1].join(",");
        format!(r#"{{"certificates":[{entries}],"stats":[]}}"#)
    };
    const MIB: usize = 1_024 * 1_024;
    type Answer = Box<dyn Fn() -> Reply + Send + Sync>;
    let of = |body: Vec<u8>| -> Answer { Box::new(move || Reply::ok(body.clone())) };
    let rows: [(&str, Answer, &str); 8] = [
        ("403", Box::new(|| Reply::status(403)), "HTTP status 403"),
        ("302", Box::new(|| Reply::status(302)), "HTTP status 302"),
        ("html", of(b"<html>no</html>".to_vec()), "expected value"),
        ("empty", of(Vec::new()), "EOF"),
        ("binary", of(vec![0xff; 1_000]), "expected value"),
        (
            "another",
            of(br#"{"certificates":7,"stats":7}"#.to_vec()),
            "invalid type",
        ),
        (
            "10 MiB of nothing",
            of(vec![b'['; 10 * MIB]),
            "invalid type",
        ),
        (
            "17 MiB of certificates",
            of(list(17 * MIB).into_bytes()),
            "more than 16777216 bytes",
        ),
    ];
    for (name, answer, why) in rows {
        let admin = Upstream::plaintext()
            .handler(move |_| answer())
            .start()
            .await
            .unwrap();
        let envoy = start(&admin, &watching(json!({}))).await;
        looks(&envoy, "invalid", 4).await;
        let told = exactly_events(&envoy, 2).await;
        let wrong = began("admin_answer_invalid", "V9.2.4", "admin");
        for (event, path) in told.iter().zip(["/certs", "/stats?filter="]) {
            assert_eq!(about(event), wrong, "{name}");
            let detail = event["hopguard.detail"].as_str().unwrap();
            assert!(
                detail.starts_with(&format!("GET {path}")),
                "{name}: {detail}"
            );
            assert!(detail.contains(why), "{name}: {detail}");
        }
        assert_eq!(metric(&envoy, &["posture_looks", "read"]).await, 0);
        assert_eq!(conditions(&envoy, "admin_answer_invalid").await, 2);
    }

    // Ten of them are read.
    let admin = Upstream::plaintext().respond(200, list(10 * MIB));
    let admin = admin.start().await.unwrap();
    let envoy = start(&admin, &watching(json!({}))).await;
    looks(&envoy, "read", 4).await;
    exactly_events(&envoy, 0).await;
    let trusted = ["posture_certificates", "trusted"];
    assert_eq!(metric(&envoy, &trusted).await, 1);
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_none() {
    let admin = Upstream::plaintext().held().start().await.unwrap();
    let policy = watching(json!({ "timeout_ms": 50 }));
    let envoy = start(&admin, &policy).await;
    looks(&envoy, "unreachable", 5).await;
    let told = exactly_events(&envoy, 1).await;
    assert_eq!(
        about(&told[0]),
        began("admin_unreachable", "V9.2.4", "admin")
    );
    let detail = told[0]["hopguard.detail"].as_str().unwrap();
    assert!(detail.contains("HTTP status 504"), "{detail}");
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_as_one_that_does_not_answer() {
    let policy = watching(json!({ "cluster": "nobody" }));
    let envoy = start_with(Cluster::new("admin"), &policy).await;
    looks(&envoy, "unreachable", 5).await;
    let told = exactly_events(&envoy, 1).await;
    assert_eq!(
        about(&told[0]),
        began("admin_unreachable", "V9.2.4", "nobody")
    );
}
