//! What was seen at both ends, and what the plugin counted.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::time::{Duration, Instant};

use hopguard_testbed::envoy::Envoy;

use crate::Result;

/// How long the last batch of counters may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// What clients and servers saw.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub certificates: u64,
    pub connections: u64,
    /// Clients that were let through, HTTP and TCP.
    pub permitted: u64,
    /// Clients that were denied.
    pub denied: u64,
    /// Requests and connections that servers got.
    pub served: u64,
    /// Requests whose server failed in the handshake.
    pub failed: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.certificates += other.certificates;
        self.connections += other.connections;
        self.permitted += other.permitted;
        self.denied += other.denied;
        self.served += other.served;
        self.failed += other.failed;
    }
}

/// What the plugin says besides.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// Certificates and connections that were forgotten for want of room.
    pub evicted: u64,
    /// Events that were summed up.
    pub folded: u64,
}

impl Counts {
    /// Reads the plugin's counters until they are what was seen: permits are told
    /// in batches.
    pub async fn of_plugin(envoy: &Envoy, seen: &Self) -> Result<Counted> {
        let expected = [
            ("clients let through", seen.permitted),
            ("clients denied", seen.denied),
            ("servers let through", seen.served),
            ("servers that failed", seen.failed),
            ("events", seen.denied + seen.failed),
            ("waiting", 0),
        ];
        let started = Instant::now();
        loop {
            let stats = envoy.stats("wasmcustom.hopguard").await?;
            let counted = [
                sum(&stats, &["decisions", "=.downstream;", "=.permit;"]),
                sum(&stats, &["decisions", "=.downstream;", "=.deny;"]),
                sum(&stats, &["decisions", "=.upstream;", "=.permit;"]),
                sum(&stats, &["tls_failures"]),
                sum(&stats, &[".events"]),
                sum(&stats, &["gate_pending"]),
            ];
            if expected.iter().map(|(_, n)| *n).eq(counted) {
                return Ok(Counted {
                    evicted: sum(&stats, &["eviction"]),
                    folded: sum(&stats, &[".events", "=.folded;"]),
                });
            }
            if started.elapsed() > PATIENCE {
                return Err(format!("seen: {expected:?}; counted: {counted:?}").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn sum(stats: &BTreeMap<String, u64>, parts: &[&str]) -> u64 {
    let is_it = |name: &&String| parts.iter().all(|part| name.contains(part));
    stats.keys().filter(is_it).map(|name| stats[name]).sum()
}
