//! What it costs to wait for a new upstream connection: each request gets one.

use std::time::Duration;

use hopguard_testbed::client::Client;
use hopguard_testbed::config::Bootstrap;
use hopguard_testbed::envoy::Envoy;

use crate::Result;
use crate::distance::far;
use crate::load::Load;
use crate::statistics::median;
use crate::variants::Parts;
use crate::warm::Servers;

/// What the far server's bytes take, each way.
const DELAY: Duration = Duration::from_millis(10);
/// Requests that are under way at once.
const CONNECTIONS: usize = 2;

/// A row: its name, whether it has the gate, whether its server is far.
const ROWS: [(&str, bool, bool); 4] = [
    ("wake_near_no_gate", false, false),
    ("wake_near_gate", true, false),
    ("wake_far_no_gate", false, true),
    ("wake_far_gate", true, true),
];

/// The rounds of one row.
pub struct Samples {
    pub name: &'static str,
    /// The median latency of each round, in milliseconds.
    pub p50_ms: Vec<f64>,
    /// Microseconds of CPU per request, of each round.
    pub cpu_us: Vec<f64>,
}

/// Both rows for a near and for a far server.
pub async fn measure(parts: &Parts, servers: &Servers, rounds: usize) -> Result<Vec<Samples>> {
    let far = far(servers.tls, DELAY).await?;
    let mut bootstrap = Bootstrap::new();
    for (name, gate, is_far) in ROWS {
        let server = if is_far { far } else { servers.tls };
        bootstrap = parts.add_wake(bootstrap, name, server, gate);
    }
    let envoy = Envoy::builder().config(bootstrap).start().await?;
    let mut loads = Vec::new();
    for (name, ..) in ROWS {
        let client = Client::plaintext(envoy.listener(name).await?);
        loads.push(Load::open(&client, CONNECTIONS).await?);
    }
    let mut samples = ROWS.map(|(name, ..)| Samples {
        name,
        p50_ms: Vec::new(),
        cpu_us: Vec::new(),
    });
    for round in 0..=rounds {
        crate::progress("new connections", round, rounds);
        for turn in 0..ROWS.len() {
            let row = (turn + round) % ROWS.len();
            let each = if ROWS[row].2 { 8 } else { 40 };
            let before = envoy.cpu_time()?;
            let times = loads[row].burst(each).await?;
            let spent = envoy.cpu_time()? - before;
            if round > 0 {
                let times = times.iter().map(|t| t.as_secs_f64() * 1e3).collect();
                let requests = (CONNECTIONS * each) as f64;
                samples[row].p50_ms.push(median(times));
                samples[row]
                    .cpu_us
                    .push(spent.as_secs_f64() * 1e6 / requests);
            }
        }
    }
    Ok(samples.into())
}
