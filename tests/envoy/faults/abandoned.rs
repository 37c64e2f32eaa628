//! Clients that leave while their requests wait, thousands of them.

use std::sync::Arc;
use std::time::Duration;

use hopguard_testbed::client::Request;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::Upstream;
use serde_json::json;

use super::{Memory, backend, client};
use crate::support::{exactly_events, guarded_cluster, metric_is, pending, policy};

/// Streams of an HTTP/2 connection, as Envoy allows them at once by default.
const STREAMS: usize = 100;
/// With as many streams each: together less than Envoy's default of 1,024 requests
/// that wait for a connection.
const CONNECTIONS: usize = 10;
const WAVES: usize = 10;

/// 10,000 of them, a thousand at a time.
#[tokio::test]
async fn ten_thousand_requests_whose_clients_left_leave_nothing_behind() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let certificate = pki.server("api.test").issue();
    let upstream = Upstream::tls(&certificate).held().start().await.unwrap();
    let fields = json!({ "default_trust_stores": ["ca"], "gate": { "timeout_ms": 600_000 } });
    let cluster = backend(&upstream).connect_timeout(Duration::from_secs(600));
    let envoy = guarded_cluster(cluster, &policy(&pki, fields)).await;
    let client = client(&envoy).await;

    let mut memory = None;
    for wave in 0..WAVES {
        let mut streams = Vec::new();
        for _ in 0..CONNECTIONS {
            let connection = Arc::new(client.clone().http2().connect().await.unwrap());
            streams.extend((0..STREAMS).map(|_| {
                let connection = Arc::clone(&connection);
                tokio::spawn(async move { connection.send(Request::get("/gone")).await })
            }));
        }
        pending(&envoy, (CONNECTIONS * STREAMS) as u64).await;
        // By a reset of each stream, or by the end of their connection.
        streams.iter().for_each(tokio::task::JoinHandle::abort);
        drop(streams);
        pending(&envoy, 0).await;
        // What a full gate takes is there after the first wave, and kept.
        if wave == 0 {
            memory = Some(Memory::of(&envoy));
        }
    }
    memory.unwrap().has_grown_by_at_most(&envoy, 16);

    let all = (CONNECTIONS * STREAMS * WAVES) as u64;
    metric_is(&envoy, &["gate_waits", "gone"], all).await;
    upstream.release();
    assert_eq!(client.get("/stays").await.unwrap().status, 200);
    let paths: Vec<_> = upstream.requests().into_iter().map(|r| r.path).collect();
    assert_eq!(paths, ["/stays"]);
    exactly_events(&envoy, 0).await;
}
