//! The role `posture` watches the proxy's own certificates and staples through
//! the real admin interface, and through what may stand in its place.

mod admin;
mod certificates;
mod misplaced;
mod staples;

use hopguard_testbed::config::{Bootstrap, Cluster};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::free_port;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::support::{merge, metric, plugin};

/// A policy that looks each second, with these fields of `posture` besides.
fn watching(fields: Value) -> Value {
    let mut posture = json!({ "cluster": "admin", "interval_seconds": 1 });
    merge(&mut posture, fields);
    json!({ "version": 1, "posture": posture })
}

/// Starts an Envoy whose `posture` role, under this policy, sees its own admin
/// interface.
async fn start(bootstrap: Bootstrap, policy: &Value, version: Option<&str>) -> Envoy {
    let port = free_port().unwrap();
    let admin = Cluster::new("admin").endpoint(([127, 0, 0, 1], port).into());
    let bootstrap = bootstrap
        .cluster(admin)
        .extension(plugin("posture", policy).singleton());
    let mut envoy = Envoy::builder().config(bootstrap).admin_port(port);
    if let Some(version) = version {
        envoy = envoy.version(version);
    }
    envoy.start().await.unwrap()
}

/// Waits for this many more answers of this kind: two for each look that succeeds.
async fn looks(envoy: &Envoy, result: &str, more: u64) {
    let parts = ["posture_looks", result];
    let before = metric(envoy, &parts).await;
    let patience = tokio::time::Duration::from_secs(30);
    let wait = async {
        while metric(envoy, &parts).await < before + more {
            tokio::time::sleep(tokio::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(patience, wait).await.unwrap();
}

/// Answers on a connection as the admin interface of an Envoy without TLS does.
pub async fn answer_as_admin(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut request = [0; 4_096];
    while let Ok(read @ 1..) = stream.read(&mut request).await {
        let is_certs = request[..read].starts_with(b"GET /certs ");
        let kind = if is_certs { "certificates" } else { "stats" };
        let body = format!("{{\"{kind}\":[]}}");
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

/// How many conditions of this cause there are now.
async fn conditions(envoy: &Envoy, cause: &str) -> u64 {
    let cause = format!("cause.=.{cause};");
    metric(envoy, &["posture_conditions", &cause]).await
}

/// How many conditions there are in all.
async fn all_conditions(envoy: &Envoy) -> u64 {
    metric(envoy, &["posture_conditions"]).await
}

/// What an event says in short: its name, cause, control, and whom it is about.
fn about(event: &Value) -> [String; 4] {
    let whom = [
        &event["hopguard.certificate.names"][0],
        &event["hopguard.listener.stat_prefix"],
        &event["hopguard.certificate.path"],
        &event["hopguard.cluster"],
    ];
    let whom = whom.iter().find_map(|v| v.as_str()).unwrap_or_default();
    let field = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    [
        field("event.name"),
        field("error.type"),
        field("hopguard.control"),
        whom.to_owned(),
    ]
}

fn began(cause: &str, control: &str, whom: &str) -> [String; 4] {
    ["hopguard.posture", cause, control, whom].map(str::to_owned)
}

fn ended(cause: &str, control: &str, whom: &str) -> [String; 4] {
    ["hopguard.posture_ended", cause, control, whom].map(str::to_owned)
}

/// These events in short, in a stable order: within one look it is that of paths
/// and serial numbers.
fn sorted(events: &[Value]) -> Vec<[String; 4]> {
    let mut all: Vec<_> = events.iter().map(about).collect();
    all.sort_unstable();
    all
}
