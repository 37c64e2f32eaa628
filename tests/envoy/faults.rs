//! Faults that no single capability owns: each row of docs/reliability.md names the
//! tests that show it, and every test here has a row there. What each asserts:
//! the client's status, the bytes that the upstream received, exactly the events
//! that there had to be, that the next request is well, and memory.

mod abandoned;
mod clocks;
mod hot_restart;
mod large_configuration;
mod neighbours;

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Cluster, UpstreamTls};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::upstream::Upstream;

/// A cluster `backend` of this server, in TLS.
fn backend(upstream: &Upstream) -> Cluster {
    Cluster::new("backend")
        .endpoint(upstream.addr())
        .tls(UpstreamTls::new().sni("api.test"))
}

/// A client of the listener `front`.
async fn client(envoy: &Envoy) -> Client {
    Client::plaintext(envoy.listener("front").await.unwrap())
}

/// Resident memory of Envoy, and with it that of every VM.
struct Memory(u64);

impl Memory {
    fn of(envoy: &Envoy) -> Self {
        Self(envoy.rss_bytes().unwrap())
    }

    /// It has grown by no more than this since.
    fn has_grown_by_at_most(&self, envoy: &Envoy, mebibytes: u64) {
        let grown = envoy.rss_bytes().unwrap().saturating_sub(self.0);
        assert!(grown <= mebibytes << 20, "by {} KiB", grown >> 10);
    }
}
