//! A flood of failures: all are counted, few are printed, and the summaries
//! account for the rest.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route, TcpListener};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::{Fault, Upstream};
use serde_json::{Value, json};

use crate::support::failing::tls;
use crate::support::logs::{logs_connections, logs_requests};
use crate::support::{SUMMARY, event, events, filter, metric, plugin, policy};

const BURST: u64 = 10;
const AT_ONCE: u64 = 20;

/// Asks this often for a path, on some connections.
async fn ask(to: SocketAddr, path: &'static str, times: u64) {
    let all: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            tokio::spawn(async move {
                let connection = Client::plaintext(to).connect().await.unwrap();
                for _ in 0..times / AT_ONCE {
                    let response = connection.send(Request::get(path)).await.unwrap();
                    assert_eq!(response.status, 503);
                }
            })
        })
        .collect();
    for one in all {
        one.await.unwrap();
    }
}

/// Connects this often, and waits each time until Envoy gave up.
async fn connect(to: SocketAddr, times: u64) {
    let all: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            tokio::spawn(async move {
                for _ in 0..times / AT_ONCE {
                    let mut connection = Client::plaintext(to).raw().await.unwrap();
                    assert_eq!(connection.read_to_end().await.unwrap().bytes, b"");
                }
            })
        })
        .collect();
    for one in all {
        one.await.unwrap();
    }
}

/// Events that were printed, and those that summaries tell of.
fn accounted(envoy: &Envoy) -> (u64, u64) {
    let (summaries, printed): (Vec<_>, Vec<_>) = events(envoy)
        .into_iter()
        .partition(|e| e["event.name"] == SUMMARY);
    let folded = summaries
        .iter()
        .map(|e| e["hopguard.folded.count"].as_u64().unwrap())
        .sum();
    (printed.len() as u64, folded)
}

fn all_that_there_is(cluster: Cluster) -> Cluster {
    let most = json!({
        "max_connections": 100_000, "max_pending_requests": 100_000, "max_requests": 100_000,
    });
    cluster.merge(json!({ "circuit_breakers": { "thresholds": [most] } }))
}

#[tokio::test]
async fn ten_thousand_failures_are_all_counted_and_few_of_them_printed() {
    const RESETS: u64 = 5_000;
    const CLOSES: u64 = 1_000;
    const CONNECTIONS: u64 = 4_000;
    const ALL: u64 = RESETS + CLOSES + CONNECTIONS;
    const WORKERS: u64 = 2;
    let pki = Pki::new();
    let good = pki.server("api.test").issue();
    let faulty = |fault| Upstream::tls(&good).counting_only().fault(fault).start();
    let resets = faulty(Fault::Reset).await.unwrap();
    let closes = faulty(Fault::Close).await.unwrap();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let cluster = |name: &str, upstream: &Upstream| {
        let cluster = Cluster::new(name).endpoint(upstream.addr()).tls(tls());
        all_that_there_is(cluster.filter(filter("upstream", &policy)))
    };
    let http = HttpListener::new("http")
        .route(Route::prefix("/resets", "resets"))
        .route(Route::prefix("/closes", "closes"));
    let tcp = TcpListener::new("tcp", "resets").filter(plugin("network", &policy).network_filter());
    let bootstrap = Bootstrap::new()
        .http(logs_requests(http, &policy))
        .tcp(logs_connections(tcp, &policy))
        .cluster(cluster("resets", &resets))
        .cluster(cluster("closes", &closes));
    let envoy = Envoy::builder()
        .config(bootstrap)
        .concurrency(u32::try_from(WORKERS).unwrap())
        .start()
        .await
        .unwrap();
    let http = envoy.listener("http").await.unwrap();
    let before = envoy.logs().len();
    let started = Instant::now();

    ask(http, "/resets", RESETS).await;
    ask(http, "/closes", CLOSES).await;
    connect(envoy.listener("tcp").await.unwrap(), CONNECTIONS).await;

    let counted = async || {
        let all = metric(&envoy, &["tls_failures"]).await;
        let events = metric(&envoy, &["hopguard", "events"]).await;
        (all, events)
    };
    let patience = Instant::now() + hopguard_testbed::envoy::PATIENCE;
    // Those without a reason wait for one.
    while counted().await.0 < ALL && Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(counted().await, (ALL, ALL));
    let logged = metric(&envoy, &["logged", "events"]).await;
    assert!(envoy.quit().await.unwrap().success());
    let (printed, folded) = accounted(&envoy);
    assert_eq!(printed, logged);
    assert_eq!(printed + folded, ALL);
    // Two clusters, and three roles each of which prints what it is the first to
    // tell of.
    let minutes = started.elapsed().as_secs() / 60 + 1;
    assert!(printed <= 2 * 3 * WORKERS * BURST * minutes, "{printed}");
    let lines = envoy.logs().len() - before;
    assert!(lines < 200, "{lines} lines");
}

/// Replaces a file at once.
fn replace(file: &Path, content: &Value) {
    let next = file.with_extension("next");
    std::fs::write(&next, content.to_string()).unwrap();
    std::fs::rename(&next, file).unwrap();
}

/// What was folded by the loggers of a listener is printed when it goes.
#[tokio::test]
async fn nothing_is_lost_when_a_listener_is_replaced() {
    const ALL: u64 = 400;
    let pki = Pki::new();
    let resets = Upstream::tls(&pki.server("api.test").issue())
        .fault(Fault::Reset)
        .start()
        .await
        .unwrap();
    let policy = policy(&pki, json!({ "default_trust_stores": ["ca"] }));
    let directory = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = directory.join(format!("listeners-{}.json", std::process::id()));
    let port = hopguard_testbed::free_port().unwrap();
    let listeners = |http: HttpListener| {
        let mut listener =
            Bootstrap::new().http(http).build()["static_resources"]["listeners"][0].take();
        listener["@type"] = json!("type.googleapis.com/envoy.config.listener.v3.Listener");
        json!({ "resources": [listener] })
    };
    let front = HttpListener::new("front").port(port);
    let logging = logs_requests(front.clone(), &policy).route(Route::all("backend"));
    replace(&file, &listeners(logging));
    let bootstrap = Bootstrap::new()
        .cluster(Cluster::new("backend").endpoint(resets.addr()).tls(tls()))
        .merge(json!({ "dynamic_resources": {
            "lds_config": { "path_config_source": { "path": file } },
        } }));
    let envoy = Envoy::builder()
        .config(bootstrap)
        .concurrency(2)
        .arg("--drain-time-s")
        .arg("1")
        .start()
        .await
        .unwrap();

    ask(envoy.listener("front").await.unwrap(), "/", ALL).await;
    assert_eq!(metric(&envoy, &["tls_failures"]).await, ALL);
    let direct = front.route(Route::direct("/", 200, "no longer"));
    replace(&file, &listeners(direct));
    envoy
        .wait_for_stat("listener_manager.total_listeners_draining", |n| n == 0)
        .await
        .unwrap();
    let mut folded = 0;
    let logged = metric(&envoy, &["logged", "events"]).await;
    envoy
        .wait_for_log(|line| {
            let count = event(line).and_then(|e| e["hopguard.folded.count"].as_u64());
            folded += count.unwrap_or(0);
            logged + folded == ALL
        })
        .await
        .unwrap();

    assert!(envoy.quit().await.unwrap().success());
    assert_eq!(accounted(&envoy), (logged, ALL - logged));
    std::fs::remove_file(file).unwrap();
}
