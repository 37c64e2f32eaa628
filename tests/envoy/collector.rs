//! Events go to an OpenTelemetry collector, too: a real one takes them, and one
//! that is away costs no more than events.

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route, UpstreamTls};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::otlp::OtlpReceiver;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use crate::support::{event, events, filter, metric, nobody, plugin, policy};

/// An Envoy whose plaintext clients are denied, and whose events go to this
/// cluster. Its events are those of the role `downstream`.
async fn denying(collector: Cluster, fields: Value) -> Envoy {
    let mut exporter = json!({ "cluster": "collector" });
    crate::support::merge(&mut exporter, fields);
    let policy = policy(&Pki::new(), json!({ "collector": exporter }));
    let listener = HttpListener::new("front")
        .filter(filter("downstream", &policy))
        .route(Route::all("backend"));
    let bootstrap = Bootstrap::new()
        .http(listener)
        .cluster(Cluster::new("backend"))
        .cluster(collector.merge(json!({
            "name": "collector", "load_assignment": { "cluster_name": "collector" },
        })));

    crate::support::start(bootstrap).await
}

async fn deny(envoy: &Envoy, times: usize) {
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    for _ in 0..times {
        assert_eq!(client.get("/").await.unwrap().status, 403);
    }
}

async fn exported(envoy: &Envoy, result: &str, count: u64) {
    let name = format!("wasmcustom.hopguard.result.=.{result};.exports");
    envoy.wait_for_stat(&name, |n| n == count).await.unwrap();
}

#[tokio::test]
async fn a_collector_gets_every_event_that_the_log_has() {
    let receiver = OtlpReceiver::start().await.unwrap();
    let envoy = denying(Cluster::new("").endpoint(receiver.addr()), json!({})).await;

    deny(&envoy, 3).await;
    let records = receiver.wait_for(|r| r.len() == 3).await.unwrap();
    exported(&envoy, "exported", 3).await;

    assert_eq!(receiver.refused().unwrap(), [""; 0]);
    for (record, event) in records.iter().zip(events(&envoy)) {
        assert_eq!(record["eventName"], "hopguard.denied");
        assert_eq!(record["severityText"], "ERROR");
        assert_eq!(record["body"], event["hopguard.detail"]);
        assert_eq!(record["resource"]["service.name"], "testbed");
        assert_eq!(record["resource"]["service.instance.id"], "testbed");
        assert_eq!(record["scope"]["name"], "hopguard");
        let attributes = record["attributes"].as_object().unwrap();
        for (field, value) in event.as_object().unwrap() {
            if !["timestamp", "event.name"].contains(&field.as_str()) {
                assert_eq!(attributes.get(field), Some(value), "{field}");
            }
        }
    }
}

#[tokio::test]
async fn a_collector_that_comes_back_gets_what_waited() {
    let server = Upstream::plaintext()
        .respond(503, "")
        .start()
        .await
        .unwrap();
    let envoy = denying(Cluster::new("").endpoint(server.addr()), json!({})).await;
    deny(&envoy, 2).await;
    let first = server.wait_for(|s| s.requests.len() >= 2).await.unwrap();
    let bodies: Vec<_> = first.requests.iter().map(|r| r.body.clone()).collect();
    assert_eq!(bodies[0], bodies[1], "the same batch again");
    assert_eq!(metric(&envoy, &["exports"]).await, 0);
}

#[tokio::test]
async fn one_that_refuses_gets_a_batch_once() {
    let server = Upstream::plaintext()
        .respond(400, "")
        .start()
        .await
        .unwrap();
    let envoy = denying(
        Cluster::new("").endpoint(server.addr()),
        json!({ "authority": "otel.test", "path": "/logs" }),
    )
    .await;
    deny(&envoy, 2).await;
    exported(&envoy, "failed", 2).await;
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].path, "/logs");
    assert_eq!(requests[0].authority, "otel.test");
}

/// OTLP's partial success: the collector says how many records it left out.
#[tokio::test]
async fn what_a_collector_leaves_out_is_counted() {
    let server = Upstream::plaintext()
        .respond(200, r#"{"partialSuccess":{"rejectedLogRecords":"1"}}"#)
        .start()
        .await
        .unwrap();
    let envoy = denying(Cluster::new("").endpoint(server.addr()), json!({})).await;
    deny(&envoy, 1).await;
    exported(&envoy, "failed", 1).await;
    assert_eq!(metric(&envoy, &["exports", "exported"]).await, 0);
}

/// Whatever is wrong with the way to the collector, requests are judged as
/// before, and no callback that Envoy makes kills the VM.
#[tokio::test]
async fn no_way_to_the_collector_is_no_harm() {
    let pki = Pki::new();
    let (_port, nobody) = nobody();
    let plain = Upstream::plaintext().start().await.unwrap();
    let tls = UpstreamTls::new()
        .sni("collector.test")
        .trusted_ca(&pki.root);
    for (what, cluster, tries) in [
        ("no server", Cluster::new(""), "upstream_cx_none_healthy"),
        (
            "refused",
            Cluster::new("").endpoint(nobody),
            "upstream_cx_connect_fail",
        ),
        (
            "no TLS",
            Cluster::new("").endpoint(plain.addr()).tls(tls),
            "upstream_cx_connect_fail",
        ),
    ] {
        let envoy = denying(cluster, json!({})).await;
        deny(&envoy, 2).await;
        // A second try is the proof that the first one did no harm.
        let tries = format!("cluster.collector.{tries}");
        envoy.wait_for_stat(&tries, |n| n >= 2).await.unwrap();
        deny(&envoy, 2).await;
        assert_eq!(metric(&envoy, &["exports", "exported"]).await, 0, "{what}");
    }
}

#[tokio::test]
async fn a_failed_call_of_our_own_is_a_failure_too() {
    crate::support::needs!(CallFailureReason);
    let pki = Pki::new();
    let plain = Upstream::plaintext().start().await.unwrap();
    let tls = UpstreamTls::new().sni("collector.test");
    let policy = policy(&pki, json!({ "collector": { "cluster": "collector" } }));
    let listener = HttpListener::new("front")
        .filter(plugin("downstream", &policy).http_filter())
        .route(Route::all("collector"));
    let envoy = crate::support::start(
        Bootstrap::new()
            .http(listener)
            .cluster(Cluster::new("collector").endpoint(plain.addr()).tls(tls)),
    )
    .await;
    deny(&envoy, 1).await;
    let event = crate::support::wait_for_event(&envoy, "connection_unestablished").await;
    assert_eq!(event["event.name"], "hopguard.tls_failure");
    assert_eq!(event["hopguard.direction"], "upstream");
    assert_eq!(event["hopguard.cluster"], "collector");
}

/// The way to the collector is a connection like any other: its cluster may be
/// guarded, by the very VM that calls.
#[tokio::test]
async fn the_way_to_the_collector_is_guarded_like_any_other() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    for waived in [true, false] {
        let server = Upstream::plaintext().start().await.unwrap();
        let mut rule = json!({ "name": "telemetry", "match": { "clusters": ["collector"] } });
        if waived {
            rule["waive"] = json!([{
                "controls": ["V9.2.1", "V9.2.2"], "reason": "same host", "until": "2099-12-31",
            }]);
        }
        let fields = json!({ "collector": { "cluster": "collector" }, "upstream": [rule] });
        let policy = policy(&pki, fields);
        let listener = HttpListener::new("front")
            .filter(filter("downstream", &policy))
            .route(Route::all("collector"));
        let collector = Cluster::new("collector")
            .endpoint(server.addr())
            .filter(filter("upstream", &policy));
        let envoy = crate::support::start(Bootstrap::new().http(listener).cluster(collector)).await;
        deny(&envoy, 1).await;
        if waived {
            exported(&envoy, "exported", 1).await;
            assert_eq!(server.requests().len(), 1);
        } else {
            // Each try is denied, before a byte is sent.
            let of_collector =
                |line: &str| event(line).is_some_and(|e| e["hopguard.cluster"] == "collector");
            let line = envoy.wait_for_log(of_collector).await.unwrap();
            assert_eq!(event(&line).unwrap()["error.type"], "plaintext");
            deny(&envoy, 1).await;
            assert_eq!(server.raw_received(), b"");
        }
    }
}
