//! What a CRL of a million entries costs while it is loaded and used: memory of
//! Envoy, and how long a turn of an event loop takes.

use std::time::{Duration, Instant};

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route, UpstreamTls, Wasm};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::policy::trust_store;
use hopguard_testbed::revocation::{Database, Known, List};
use hopguard_testbed::upstream::{Reply, Upstream};
use hopguard_testbed::wasm;
use serde_json::{Value, json};

use crate::Result;

const ENTRIES: u64 = 1_000_000;
const WORKERS: u32 = 2;
/// From one merge of Envoy's histograms to the next.
const FLUSH: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(60);

/// What was measured.
pub struct Large {
    bytes: usize,
    load: Duration,
    /// Resident memory of Envoy before the answer, at its highest, and once the
    /// list is in use.
    memory: [u64; 3],
    /// The longest turn, in milliseconds: of the main thread, and of a worker.
    turns: [f64; 2],
}

/// Loads the list into an Envoy with two workers.
pub async fn measure() -> Result<Large> {
    eprintln!("bench: making a CRL of {ENTRIES} entries");
    let pki = Pki::new();
    let certificate = pki.server("api.test").issue();
    let database = Database::new(&pki.intermediate)?;
    database.set(&certificate, Known::Good);
    database.revoke_others(ENTRIES);
    let list = List::default().der(&database)?;
    let bytes = list.len();
    let place = Upstream::plaintext()
        .handler(move |_| Reply::ok(list.clone()))
        .start()
        .await?;
    place.hold_responses();
    let server = Upstream::tls(&certificate).start().await?;
    let envoy = Envoy::builder()
        .config(bootstrap(&pki, &server, &place)?)
        .concurrency(WORKERS)
        .start()
        .await?;
    place.wait_for(|seen| seen.requests.len() == 1).await?;
    let before = envoy.rss_bytes()?;
    eprintln!("bench: loading it");
    let started = Instant::now();
    place.release_responses();
    let (mut peak, mut load) = (before, None);
    while load.is_none() {
        if started.elapsed() > PATIENCE {
            let told = envoy
                .logs()
                .into_iter()
                .filter(|line| line.contains("hopguard: CRL"));
            return Err(format!("the list was not loaded: {:?}", told.collect::<Vec<_>>()).into());
        }
        peak = peak.max(envoy.rss_bytes()?);
        let loaded = format!("loaded: {ENTRIES} entries");
        if envoy.logs().iter().any(|line| line.contains(&loaded)) {
            load = Some(started.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let client = Client::plaintext(envoy.listener("front").await?);
    let status = client.get("/").await?.status;
    if status != 200 {
        return Err(format!("a good server was answered with {status}").into());
    }
    let turns = [
        longest(&envoy, "server.dispatcher").await?,
        longest(&envoy, "listener_manager.worker_").await?,
    ];
    Ok(Large {
        bytes,
        load: load.unwrap_or_default(),
        memory: [before, peak, envoy.rss_bytes()?],
        turns,
    })
}

fn bootstrap(pki: &Pki, server: &Upstream, place: &Upstream) -> Result<Bootstrap> {
    let policy = json!({
        "version": 1,
        "trust_stores": [trust_store("ca", &pki.root, &[&pki.intermediate])],
        "revocation": { "crl_sources": [
            { "url": "http://crl.test/ca.crl", "cluster": "crl", "max_bytes": 64 << 20 },
        ]},
        "upstream": [{ "name": "live", "require": { "peer_certificate": {
            "trust_stores": ["ca"], "names": "any", "revocation": {},
        }}}],
    });
    let guard = Wasm::new(&wasm::plugin_path()?, "upstream").configuration(&policy);
    let cluster = Cluster::new("backend")
        .endpoint(server.addr())
        .tls(UpstreamTls::new().sni("api.test"))
        .filter(guard.http_filter());
    Ok(Bootstrap::new()
        .http(HttpListener::new("front").route(Route::all("backend")))
        .cluster(cluster)
        .cluster(Cluster::new("crl").endpoint(place.addr()))
        // Envoy takes 32 MiB of an answer, unless told otherwise.
        .merge(json!({
            "enable_dispatcher_stats": true,
            "stats_flush_interval": format!("{}s", FLUSH.as_secs()),
            "layered_runtime": { "layers": [{
                "name": "bench",
                "static_layer": { "http.async_response_buffer_limit": 64 << 20 },
            }]},
        })))
}

/// The longest turn of the event loops of this name, in milliseconds: once the
/// histogram has been merged.
async fn longest(envoy: &Envoy, name: &str) -> Result<f64> {
    tokio::time::sleep(2 * FLUSH).await;
    let text = envoy
        .admin_get("/stats?filter=dispatcher.loop_duration_us&usedonly")
        .await?;
    // `….loop_duration_us: P0(nan,0) … P100(nan,5200)`
    let of_line = |line: &str| -> Option<f64> {
        let (_, last) = line.rsplit_once("P100(")?;
        last.trim_end_matches(')')
            .split(',')
            .next_back()?
            .parse()
            .ok()
    };
    let lines = text.lines().filter(|line| line.starts_with(name));
    let longest = lines.filter_map(of_line).fold(f64::NAN, f64::max);
    Ok(longest / 1e3)
}

impl Large {
    /// Prints it.
    pub fn print(&self) {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let [before, peak, after] = self.memory.map(mib);
        println!(
            "A CRL of {ENTRIES} entries, {:.1} MB; {WORKERS} workers\n\n\
             loaded after                   {:>8.1} s\n\
             memory of Envoy before         {before:>8.0} MiB\n\
             \x20 at most, while it is loaded  {peak:>8.0} MiB\n\
             \x20 once it is in use            {after:>8.0} MiB\n\
             longest turn, main thread      {:>8.1} ms\n\
             longest turn, workers          {:>8.1} ms\n",
            self.bytes as f64 / 1e6,
            self.load.as_secs_f64(),
            self.turns[0],
            self.turns[1],
        );
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        json!({
            "entries": ENTRIES,
            "bytes": self.bytes,
            "load_seconds": self.load.as_secs_f64(),
            "rss_before": self.memory[0],
            "rss_peak": self.memory[1],
            "rss_after": self.memory[2],
            "longest_turn_main_ms": self.turns[0],
            "longest_turn_worker_ms": self.turns[1],
        })
    }
}
