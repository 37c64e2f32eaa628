//! A real Redis.
//!
//! ```no_run
//! # async fn example(listener: std::net::SocketAddr) -> hopguard_testbed::Result<()> {
//! use hopguard_testbed::client::Client;
//! use hopguard_testbed::pki::Pki;
//! use hopguard_testbed::redis::{Redis, RedisClient};
//!
//! let pki = Pki::new();
//! let redis = Redis::tls(&pki.server("redis.test").issue()).client_ca(&pki.root).start().await?;
//! // … have a TCP listener of Envoy proxy to redis.addr() …
//! let mut client = RedisClient::connect(&Client::plaintext(listener)).await?;
//! client.set("key", "value").await?;
//! assert_eq!(client.get("key").await?.as_deref(), Some(&b"value"[..]));
//! assert_eq!(redis.traffic().await?.commands, 2);
//! # Ok(())
//! # }
//! ```

mod binary;
mod builder;
mod client;
mod traffic;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::sync::Mutex;

pub use self::builder::RedisBuilder;
pub use self::client::{RedisClient, RedisValue};
pub use self::traffic::Traffic;
use crate::error::{Error, Result};
use crate::pki::Issued;
use crate::process::{Logs, Process};

/// How long a Redis may take to be ready, and how long [`Redis::wait_for`] waits.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How often a condition is looked at that nobody announces.
const POLL: Duration = Duration::from_millis(5);

/// A running Redis; killed when dropped.
#[derive(Debug)]
pub struct Redis {
    addr: SocketAddr,
    /// By its UNIX socket, past everything that is tested.
    own: Mutex<RedisClient>,
    process: Process,
    logs: Arc<Logs>,
    _directory: TempDir,
}

impl Redis {
    /// Starts to describe a Redis without TLS.
    pub fn plaintext() -> RedisBuilder {
        RedisBuilder::new(None)
    }

    /// Starts to describe a Redis that presents this certificate, and speaks TLS only.
    pub fn tls(certificate: &Issued) -> RedisBuilder {
        RedisBuilder::new(Some(certificate.clone()))
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What it has seen so far of others than this fixture.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub async fn traffic(&self) -> Result<Traffic> {
        Traffic::of_others(&mut *self.own.lock().await).await
    }

    /// Waits up to [`PATIENCE`] until it has seen that much.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] with what it saw instead.
    pub async fn wait_for(&self, condition: impl Fn(&Traffic) -> bool) -> Result<Traffic> {
        let started = Instant::now();
        loop {
            let traffic = self.traffic().await?;
            if condition(&traffic) {
                return Ok(traffic);
            }
            if started.elapsed() > PATIENCE {
                return Err(Error::TimedOut {
                    waiting_for: "Redis to see something".into(),
                    waited: PATIENCE,
                    seen: format!("{traffic:?}"),
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Everything it logged so far.
    pub fn log(&self) -> Vec<String> {
        self.logs.all()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }
}
