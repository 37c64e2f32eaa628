//! A real Envoy.
//!
//! ```no_run
//! # async fn example(config: serde_json::Value) -> hopguard_testbed::Result<()> {
//! use hopguard_testbed::client::Client;
//! use hopguard_testbed::envoy::Envoy;
//!
//! let envoy = Envoy::builder().config(config).component_log("wasm:debug").start().await?;
//! let response = Client::plaintext(envoy.listener("ingress").await?).get("/").await?;
//! assert_eq!(response.status, 200);
//! assert_eq!(envoy.stat("cluster.backend.upstream_cx_total").await?, Some(1));
//! # Ok(())
//! # }
//! ```

mod admin;
mod binary;
mod builder;
mod lifetime;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use self::admin::Admin;
pub use self::binary::{binary, default_version, pinned_versions};
pub use self::builder::EnvoyBuilder;
use self::builder::POLL;
use crate::error::{Error, Result};
pub use crate::process::Source;
use crate::process::{Logs, Process};

/// How long [`Envoy::wait_for_log`] and [`Envoy::wait_for_stat`] wait.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A running Envoy; killed when dropped. When that is because a test panics, configuration
/// and log go to stderr.
#[derive(Debug)]
pub struct Envoy {
    process: Process,
    admin: Arc<Admin>,
    logs: Arc<Logs>,
    directory: TempDir,
    config: String,
    /// What the epochs of a hot restart share.
    shared_memory: Option<PathBuf>,
}

impl Envoy {
    /// Starts to describe an Envoy.
    pub fn builder() -> EnvoyBuilder {
        EnvoyBuilder::default()
    }

    /// Asks Envoy whether it would take a configuration, without running it.
    ///
    /// # Errors
    ///
    /// The log, when it would not.
    pub async fn validate(config: impl Into<Value>) -> Result<(), String> {
        let outcome = Self::builder().config(config).validate().await;
        outcome.map_err(|error| error.to_string())
    }

    /// Where a listener listens.
    ///
    /// # Errors
    ///
    /// When there is no listener of that name.
    pub async fn listener(&self, name: &str) -> Result<SocketAddr> {
        self.admin
            .listener(name)
            .await?
            .ok_or_else(|| Error::Admin {
                path: "/listeners".into(),
                answer: format!("without a listener {name:?}"),
            })
    }

    /// Where the admin interface listens, for those who ask it by themselves.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.addr()
    }

    /// Every line it wrote so far, to stdout and stderr.
    pub fn logs(&self) -> Vec<String> {
        self.logs.all()
    }

    /// The lines it wrote to stdout: access logs.
    pub fn stdout(&self) -> Vec<String> {
        self.logs.of(Source::Stdout)
    }

    /// The lines it wrote to stderr: its own log.
    pub fn stderr(&self) -> Vec<String> {
        self.logs.of(Source::Stderr)
    }

    /// Waits up to [`PATIENCE`] for a line that fits, past ones included.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] with the whole log.
    pub async fn wait_for_log(&self, fits: impl FnMut(&str) -> bool) -> Result<String> {
        self.logs.wait_for(0, fits, PATIENCE).await
    }

    /// Waits for a line that fits at or after line number `from`: what [`logs`](Self::logs)
    /// had as its length at some moment.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] with the whole log.
    pub async fn wait_for_log_from(
        &self,
        from: usize,
        fits: impl FnMut(&str) -> bool,
        patience: Duration,
    ) -> Result<String> {
        self.logs.wait_for(from, fits, patience).await
    }

    /// Counters and gauges whose name begins with `prefix`.
    ///
    /// # Errors
    ///
    /// When the admin interface does not answer.
    pub async fn stats(&self, prefix: &str) -> Result<BTreeMap<String, u64>> {
        self.admin.stats(prefix).await
    }

    /// One counter or gauge; `None` where it does not exist.
    ///
    /// # Errors
    ///
    /// When the admin interface does not answer.
    pub async fn stat(&self, name: &str) -> Result<Option<u64>> {
        Ok(self.stats(name).await?.remove(name))
    }

    /// Waits up to [`PATIENCE`] until a counter or gauge fits.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] with its last value.
    pub async fn wait_for_stat(&self, name: &str, fits: impl Fn(u64) -> bool) -> Result<u64> {
        let started = Instant::now();
        loop {
            let value = self.stat(name).await?;
            match value {
                Some(value) if fits(value) => return Ok(value),
                _ if started.elapsed() > PATIENCE => {
                    return Err(Error::TimedOut {
                        waiting_for: format!("the statistic {name}"),
                        waited: PATIENCE,
                        seen: format!("{value:?}"),
                    });
                }
                _ => tokio::time::sleep(POLL).await,
            }
        }
    }

    /// What it runs with.
    ///
    /// # Errors
    ///
    /// When the admin interface does not answer.
    pub async fn config_dump(&self) -> Result<Value> {
        self.admin.json("/config_dump?include_eds").await
    }

    /// GETs a path of the admin interface.
    ///
    /// # Errors
    ///
    /// When it does not answer with 200.
    pub async fn admin_get(&self, path: &str) -> Result<String> {
        self.admin.get(path).await
    }

    /// POSTs to a path of the admin interface: `/drain_listeners?graceful`,
    /// `/healthcheck/fail`, `/logging?wasm=trace`, …
    ///
    /// # Errors
    ///
    /// When it does not answer with 200.
    pub async fn admin_post(&self, path: &str) -> Result<String> {
        self.admin.post(path).await
    }

    /// Its version: `1.40.0`.
    ///
    /// # Errors
    ///
    /// When the admin interface does not answer.
    pub async fn version(&self) -> Result<String> {
        let info = self.admin.json("/server_info").await?;
        // Commit, version, state of the source, kind of build, TLS library.
        let version = info["version"]
            .as_str()
            .and_then(|text| text.split('/').nth(1));
        Ok(version.unwrap_or_default().to_owned())
    }

    /// A directory that goes with it: for files that its configuration names.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        // One that runs to the end was the last epoch; Envoy itself never removes it.
        if let Some(path) = self.shared_memory.as_ref().filter(|_| self.is_running()) {
            let _ = std::fs::remove_file(path);
        }
        if !std::thread::panicking() {
            return;
        }
        let log = self.logs.text();
        let mut last: Vec<_> = log.lines().rev().take(200).collect();
        last.reverse();
        eprintln!("--- Envoy's configuration ---\n{}", self.config);
        eprintln!("--- Envoy's last log lines ---\n{}", last.join("\n"));
    }
}
