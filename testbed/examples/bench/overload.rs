//! What a burst beyond the bound of waiting requests costs others: requests for a
//! server that never completes a handshake fill the gate, more of them come and are
//! denied, and requests for a good server in the same worker are timed, with all that
//! and without. The same without the plugin, where Envoy's own bound
//! (`max_pending_requests`) turns them away.

use std::time::Duration;

use hopguard_testbed::client::{Client, RawConnection};
use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route, UpstreamTls, Wasm};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::policy::trust_store;
use hopguard_testbed::upstream::{Reply, Upstream};
use hopguard_testbed::wasm;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::Result;
use crate::load::Load;
use crate::statistics::{median, ratio};

/// Requests that may wait.
const BOUND: usize = 200;
/// Clients that ask again as soon as they are turned away.
const TURNED_AWAY: usize = 4;
/// Connections of the good peer's clients, and requests on each in one round.
const CONNECTIONS: usize = 2;
const EACH: usize = 300;
const ROWS: [&str; 2] = ["none", "hopguard"];

/// For each row and round: p50 and p99 alone and beside the burst, in milliseconds,
/// and how many requests were turned away meanwhile.
pub struct Overload([Vec<Round>; ROWS.len()]);

#[derive(Clone, Copy)]
struct Round {
    alone: [f64; 2],
    beside: [f64; 2],
    denied: u64,
}

/// Both rows, in one Envoy.
pub async fn measure(rounds: usize) -> Result<Overload> {
    let pki = Pki::new();
    let certificate = pki.server("api.test").issue();
    let good = Upstream::tls(&certificate)
        .counting_only()
        .handler(|_| Reply::ok("ok"))
        .start()
        .await?;
    let silent = Upstream::tls(&certificate).held().start().await?;
    let bootstrap = bootstrap(&pki, &good, &silent)?;
    let envoy = Envoy::builder().config(bootstrap).start().await?;
    let mut loads = Vec::new();
    let mut bursts = Vec::new();
    for name in ROWS {
        let client = async |kind: &str| -> Result<Client> {
            let address = envoy.listener(&format!("{name}_{kind}")).await?;
            Ok(Client::plaintext(address))
        };
        loads.push(Load::open(&client("good").await?, CONNECTIONS).await?);
        bursts.push(client("silent").await?);
    }
    let mut samples = ROWS.map(|_| Vec::new());
    for round in 0..=rounds {
        crate::progress("overload", round, rounds);
        for turn in 0..ROWS.len() {
            let row = (turn + round) % ROWS.len();
            let alone = percentiles(loads[row].burst(EACH).await?);
            let burst = Burst::begin(&bursts[row]).await?;
            let beside = percentiles(loads[row].burst(EACH).await?);
            let denied = burst.end().await?;
            if denied == 0 {
                return Err(format!("{}: nobody was turned away", ROWS[row]).into());
            }
            // The first round is not kept.
            if round > 0 {
                samples[row].push(Round {
                    alone,
                    beside,
                    denied,
                });
            }
        }
    }
    let gate = envoy.stat("wasmcustom.hopguard.gate_pending").await?;
    if gate.is_none() {
        return Err("no request ever waited at the gate".into());
    }
    Ok(Overload(samples))
}

fn bootstrap(pki: &Pki, good: &Upstream, silent: &Upstream) -> Result<Bootstrap> {
    let policy = json!({
        "version": 1,
        "trust_stores": [trust_store("ca", &pki.root, &[&pki.intermediate])],
        "default_trust_stores": ["ca"],
        "gate": { "timeout_ms": 600_000, "max_pending": BOUND },
    });
    let guard = Wasm::new(&wasm::plugin_path()?, "upstream")
        .configuration(&policy)
        .http_filter();
    let mut bootstrap = Bootstrap::new().merge(json!({ "stats_flush_interval": "60s" }));
    for name in ROWS {
        for (kind, upstream) in [("good", good), ("silent", silent)] {
            let name = format!("{name}_{kind}");
            // The bound is the plugin's, where there is one.
            let bound = if name.starts_with("hopguard") {
                4 * BOUND
            } else {
                BOUND
            };
            let mut cluster = Cluster::new(&name)
                .endpoint(upstream.addr())
                .tls(UpstreamTls::new().sni("api.test"))
                .connect_timeout(Duration::from_secs(600))
                .merge(json!({ "circuit_breakers": { "thresholds": [{
                    "max_connections": 4 * BOUND, "max_pending_requests": bound,
                }]}}));
            if name.starts_with("hopguard") {
                cluster = cluster.filter(guard.clone());
            }
            let route = Route::all(&name).timeout(Duration::from_secs(600));
            bootstrap = bootstrap
                .http(HttpListener::new(&name).route(route))
                .cluster(cluster);
        }
    }
    Ok(bootstrap)
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: api.test\r\n\r\n";

/// As many requests as may wait, and clients that are turned away.
struct Burst {
    waiting: Vec<RawConnection>,
    over: watch::Sender<bool>,
    clients: JoinSet<Result<u64>>,
}

impl Burst {
    async fn begin(client: &Client) -> Result<Self> {
        let mut waiting = Vec::new();
        for _ in 0..BOUND {
            let mut connection = client.raw().await?;
            connection.write(REQUEST).await?;
            waiting.push(connection);
        }
        let over = watch::Sender::new(false);
        let mut clients = JoinSet::new();
        for _ in 0..TURNED_AWAY {
            clients.spawn(turned_away(client.clone(), over.subscribe()));
        }
        Ok(Self {
            waiting,
            over,
            clients,
        })
    }

    /// Ends it; how many requests were turned away.
    async fn end(mut self) -> Result<u64> {
        self.over.send_replace(true);
        let mut denied = 0;
        while let Some(one) = self.clients.join_next().await {
            denied += one??;
        }
        drop(self.waiting);
        Ok(denied)
    }
}

/// Asks until it is over. The first may still find room, and then waits for nothing.
async fn turned_away(client: Client, mut over: watch::Receiver<bool>) -> Result<u64> {
    let mut denied = 0;
    while !*over.borrow_and_update() {
        let mut connection = client.raw().await?;
        connection.write(REQUEST).await?;
        tokio::select! {
            head = connection.read_until(b"\r\n\r\n") => {
                let head = head?;
                if !head.starts_with(b"HTTP/1.1 503 ") {
                    return Err(format!("not turned away: {}", String::from_utf8_lossy(&head)).into());
                }
                denied += 1;
            }
            _ = over.changed() => {}
        }
    }
    Ok(denied)
}

/// p50 and p99, in milliseconds.
fn percentiles(times: Vec<Duration>) -> [f64; 2] {
    let mut times: Vec<f64> = times.iter().map(|t| t.as_secs_f64() * 1e3).collect();
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times.get(times.len() * share / 100).copied();
    [50, 99].map(|share| at(share).unwrap_or(f64::NAN))
}

impl Overload {
    /// Medians of the rounds: p50 and p99 alone, beside the burst, and their ratios.
    fn of(rounds: &[Round]) -> [[f64; 3]; 2] {
        [0, 1].map(|which| {
            let alone: Vec<f64> = rounds.iter().map(|r| r.alone[which]).collect();
            let beside: Vec<f64> = rounds.iter().map(|r| r.beside[which]).collect();
            [
                median(alone.clone()),
                median(beside.clone()),
                ratio(&beside, &alone),
            ]
        })
    }

    /// Prints it.
    pub fn print(&self) {
        println!(
            "Requests for a good server, milliseconds, while {BOUND} wait for another and more are turned away\n\n\
             {:<12} {:>9} {:>9} {:>7} {:>9} {:>9} {:>7} {:>12}",
            "row", "p50", "beside", "ratio", "p99", "beside", "ratio", "turned away"
        );
        for (name, rounds) in ROWS.iter().zip(&self.0) {
            let [p50, p99] = Self::of(rounds);
            let denied: u64 = rounds.iter().map(|r| r.denied).sum();
            println!(
                "{name:<12} {:>9.2} {:>9.2} {:>7.2} {:>9.2} {:>9.2} {:>7.2} {denied:>12}",
                p50[0], p50[1], p50[2], p99[0], p99[1], p99[2]
            );
        }
        println!();
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        let rows = ROWS.iter().zip(&self.0).map(|(name, rounds)| {
            let [p50, p99] = Self::of(rounds);
            json!({
                "name": name,
                "p50_ms": p50[0], "p50_ms_beside": p50[1], "p50_ratio": p50[2],
                "p99_ms": p99[0], "p99_ms_beside": p99[1], "p99_ratio": p99[2],
                "turned_away": rounds.iter().map(|r| r.denied).sum::<u64>(),
            })
        });
        rows.collect()
    }
}
