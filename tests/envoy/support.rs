//! What the tests share: policies, guarded Envoys, and the events they write.

pub mod crl;
pub mod doors;
pub mod failing;
pub mod hello;
pub mod logs;
pub mod needs;
pub mod staple;
pub mod table;

pub(crate) use self::needs::needs;

use std::time::{Duration, Instant};

use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route, Wasm};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
pub use hopguard_testbed::policy::trust_store as store;
use hopguard_testbed::upstream::PATIENCE;
use hopguard_testbed::wasm;
use serde_json::{Value, json};

/// What an access log prints of each request.
pub const ACCESS_LOG: &str = "ACCESS %REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% \
    verdict=%FILTER_STATE(wasm.hopguard.verdict:PLAIN)% \
    cause=%FILTER_STATE(wasm.hopguard.cause:PLAIN)% \
    control=%FILTER_STATE(wasm.hopguard.control:PLAIN)% \
    rule=%FILTER_STATE(wasm.hopguard.rule:PLAIN)%\n";

/// A policy with one store `ca` (this root, with the intermediate that signs
/// the leaves of [`Pki`]), and these fields besides.
pub fn policy(pki: &Pki, fields: Value) -> Value {
    let mut policy = json!({
        "version": 1,
        "trust_stores": [store("ca", &pki.root, &[&pki.intermediate])],
    });
    merge(&mut policy, fields);
    policy
}

pub fn merge(into: &mut Value, fields: Value) {
    let (Some(into), Value::Object(fields)) = (into.as_object_mut(), fields) else {
        panic!("a policy is an object");
    };
    into.extend(fields);
}

/// The plugin in a role, under a policy.
pub fn plugin(role: &str, policy: &Value) -> Wasm {
    let path = wasm::plugin_path().unwrap();
    Wasm::new(&path, role).configuration(policy)
}

/// The filter of a role, under a policy.
pub fn filter(role: &str, policy: &Value) -> Value {
    plugin(role, policy).http_filter()
}

/// An Envoy whose one listener `front` (plaintext, unguarded) sends all to this
/// cluster, guarded by the `upstream` role.
pub async fn guarded_cluster(cluster: Cluster, policy: &Value) -> Envoy {
    let listener = HttpListener::new("front")
        .access_log(ACCESS_LOG)
        .route(Route::all("backend"));
    start(
        Bootstrap::new()
            .http(listener)
            .cluster(cluster.filter(filter("upstream", policy))),
    )
    .await
}

/// An Envoy whose listener `front` leads to these clusters by the first part of
/// the path, `/name`, and each cluster is guarded by the `upstream` role.
/// `route` says what else holds for the routes.
pub async fn guarded_clusters(
    clusters: impl IntoIterator<Item = (String, Cluster)>,
    policy: &Value,
    route: impl Fn(Route) -> Route,
) -> Envoy {
    let guard = filter("upstream", policy);
    let mut listener = HttpListener::new("front").access_log(ACCESS_LOG);
    let mut bootstrap = Bootstrap::new();
    for (name, cluster) in clusters {
        let whole_segment = json!({ "match": { "path_separated_prefix": format!("/{name}") } });
        listener = listener.route(route(Route::all(&name)).patch(move |route| {
            route["match"] = whole_segment["match"].clone();
        }));
        bootstrap = bootstrap.cluster(cluster.filter(guard.clone()));
    }
    start(bootstrap.http(listener)).await
}

/// Starts an Envoy with one worker.
pub async fn start(bootstrap: Bootstrap) -> Envoy {
    Envoy::builder()
        .config(bootstrap)
        .concurrency(1)
        .start()
        .await
        .unwrap()
}

/// Envoy knows the server name that a client asked for only where this listener
/// filter reads it (Envoy 1.40); Envoy adds it by itself where filter chains are
/// chosen by server name.
pub fn tls_inspector() -> Value {
    json!({ "listener_filters": [{
        "name": "envoy.filters.listener.tls_inspector",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
        },
    }]})
}

/// The events that Envoy's log holds so far.
pub fn events(envoy: &Envoy) -> Vec<Value> {
    envoy.logs().iter().filter_map(|line| event(line)).collect()
}

/// The event in a line of Envoy's log, if it has one.
pub fn event(line: &str) -> Option<Value> {
    let json = line.get(line.find("{\"timestamp\"")?..)?;
    serde_json::from_str(json).ok()
}

/// Waits until this many events were written, and returns them: neither fewer
/// nor, as far as the counters know by then, more. Summaries do not count.
pub async fn exactly_events(envoy: &Envoy, count: usize) -> Vec<Value> {
    let mut seen = 0;
    if count > 0 {
        let nth = |line: &str| {
            seen += usize::from(event(line).is_some_and(|e| e["event.name"] != SUMMARY));
            seen == count
        };
        envoy.wait_for_log(nth).await.unwrap();
    }
    let logged = metric(envoy, &["events", "logged"]).await;
    let mut events = events(envoy);
    events.retain(|e| e["event.name"] != SUMMARY);
    assert_eq!(logged, count as u64, "{events:#?}");
    events
}

/// What `event.name` is in the sum of events that were not printed.
pub const SUMMARY: &str = "hopguard.summary";

/// What an event says of itself in short: name, cause, control and rule.
pub fn gist(event: &Value) -> [&str; 4] {
    [
        "event.name",
        "error.type",
        "hopguard.control",
        "hopguard.rule",
    ]
    .map(|field| event[field].as_str().unwrap_or_default())
}

/// What an access log of [`ACCESS_LOG`] says of a path: all after it.
pub async fn access(envoy: &Envoy, path: &str) -> String {
    let start = format!("ACCESS {path} ");
    let line = envoy
        .wait_for_log(|line| line.starts_with(&start))
        .await
        .unwrap();
    line.strip_prefix(&start).unwrap().to_owned()
}

/// The day that lies so many days after today, `YYYY-MM-DD` in UTC.
pub fn day(days_from_now: i64) -> String {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let mut days = i64::try_from(now / 86_400).unwrap() + days_from_now;
    let mut year = 1970;
    let length = |year: i64| {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        [
            31,
            28 + i64::from(leap),
            31,
            30,
            31,
            30,
            31,
            31,
            30,
            31,
            30,
            31,
        ]
    };
    while days >= length(year).iter().sum() {
        days -= length(year).iter().sum::<i64>();
        year += 1;
    }
    let mut month = 1;
    for of_month in length(year) {
        if days < of_month {
            break;
        }
        days -= of_month;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", days + 1)
}

/// Waits for an event with this cause.
pub async fn wait_for_event(envoy: &Envoy, cause: &str) -> Value {
    let line = envoy
        .wait_for_log(|line| event(line).is_some_and(|e| e["error.type"] == cause))
        .await
        .unwrap();
    event(&line).unwrap()
}

/// An address where nobody listens, for as long as the socket is kept.
pub fn nobody() -> (tokio::net::TcpSocket, std::net::SocketAddr) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Waits until this many requests wait at the upstream gate.
pub async fn pending(envoy: &Envoy, count: u64) {
    metric_is(envoy, &["gate_pending"], count).await;
}

/// The sum of hopguard's metrics whose names hold all of these texts.
pub async fn metric(envoy: &Envoy, parts: &[&str]) -> u64 {
    let mut stats = envoy.stats("wasmcustom.hopguard").await.unwrap();
    if stats.is_empty() {
        // Envoy 1.36 names a plugin's metrics after the cluster that was the
        // first to load it.
        stats = envoy.stats("cluster.").await.unwrap();
        stats.retain(|name, _| name.contains(".wasmcustom.hopguard."));
    }
    stats
        .iter()
        .filter(|(name, _)| parts.iter().all(|p| name.contains(p)))
        .map(|(_, value)| value)
        .sum()
}

/// Waits until hopguard's metrics whose names hold all of these texts have this
/// sum: permits are told to Envoy in batches.
pub async fn metric_is(envoy: &Envoy, parts: &[&str], expected: u64) {
    let started = Instant::now();
    loop {
        let value = metric(envoy, parts).await;
        if value == expected {
            return;
        }
        let late = started.elapsed() > PATIENCE;
        assert!(!late, "{parts:?}: {value}, not {expected}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
