//! How an Envoy is described and started.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::admin::Admin;
use super::{Envoy, binary};
use crate::error::{Error, Result};
use crate::process::{Logs, Process, describe};

/// How long Envoy may take to become ready.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition is looked at that nobody announces.
pub(super) const POLL: Duration = Duration::from_millis(5);

/// An Envoy in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing runs before `start`"]
pub struct EnvoyBuilder {
    config: Config,
    concurrency: u32,
    log_level: String,
    component_logs: Vec<String>,
    version: Option<String>,
    restart: Option<(u32, u32)>,
    admin_port: u16,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
enum Config {
    Json(Value),
    Yaml(String),
}

impl Default for EnvoyBuilder {
    fn default() -> Self {
        Self {
            config: Config::Json(json!({})),
            concurrency: 1,
            log_level: "info".into(),
            component_logs: Vec::new(),
            version: None,
            restart: None,
            admin_port: 0,
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }
}

impl EnvoyBuilder {
    /// The bootstrap configuration. Its admin address is replaced by a free port.
    pub fn config(mut self, config: impl Into<Value>) -> Self {
        self.config = Config::Json(config.into());
        self
    }

    /// The bootstrap configuration as YAML text. Its admin address is replaced by a free port.
    pub fn config_yaml(mut self, yaml: impl Into<String>) -> Self {
        self.config = Config::Yaml(yaml.into());
        self
    }

    /// How many workers; one unless told.
    pub fn concurrency(mut self, workers: u32) -> Self {
        self.concurrency = workers;
        self
    }

    /// What is logged: `info` unless told.
    pub fn log_level(mut self, level: &str) -> Self {
        self.log_level = level.to_owned();
        self
    }

    /// Another level for one component: `wasm:debug`.
    pub fn component_log(mut self, level: &str) -> Self {
        self.component_logs.push(level.to_owned());
        self
    }

    /// One of the pinned versions, in place of `ENVOY_VERSION` or the default.
    pub fn version(mut self, version: &str) -> Self {
        self.version = Some(version.to_owned());
        self
    }

    /// Takes part in hot restarts: epoch 0 comes first, epoch 1 takes over from it, and so on,
    /// all with the same base id. Without this, hot restart is off.
    pub fn hot_restart(mut self, base_id: u32, epoch: u32) -> Self {
        self.restart = Some((base_id, epoch));
        self
    }

    /// In a hot restart, the epoch before drains for half of this, and ends after it.
    pub fn parent_lives(self, seconds: u32) -> Self {
        self.arg("--drain-time-s")
            .arg(&(seconds / 2).to_string())
            .arg("--parent-shutdown-time-s")
            .arg(&seconds.to_string())
    }

    /// The port of the admin interface, for configurations that name it: one of
    /// [`free_port`](crate::free_port). A free one unless told.
    pub fn admin_port(mut self, port: u16) -> Self {
        self.admin_port = port;
        self
    }

    /// Any other argument.
    pub fn arg(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// A variable in Envoy's environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts Envoy and waits until it is ready.
    ///
    /// # Errors
    ///
    /// [`Error::EnvoyRefused`] with the log as soon as it exits, [`Error::EnvoyNotReady`] when
    /// it runs but gets nowhere.
    pub async fn start(self) -> Result<Envoy> {
        let directory = TempDir::new().map_err(Error::io("temporary directory"))?;
        let mut command = self.command(directory.path())?;
        let address_file = directory.path().join("admin-address");
        command.arg("--admin-address-path").arg(&address_file);
        command.args(["--concurrency", &self.concurrency.to_string()]);
        match self.restart {
            None => {
                command.arg("--disable-hot-restart");
            }
            Some((base_id, epoch)) => {
                command.args(["--base-id", &base_id.to_string()]);
                command.args(["--restart-epoch", &epoch.to_string()]);
            }
        }
        let logs = Logs::new(&directory.path().join("envoy.log"))?;
        let mut process = Process::start(command, &logs)?;

        let started = Instant::now();
        loop {
            if let Some(status) = process.ended() {
                process.drain();
                return Err(Error::EnvoyRefused {
                    status: describe(status),
                    log: logs.text(),
                });
            }
            if let Some(admin) = ready(&address_file).await {
                return Ok(Envoy {
                    process,
                    admin,
                    logs,
                    directory,
                    config: self.config_text(),
                    shared_memory: self.restart.map(|(base_id, _)| shared_memory(base_id)),
                });
            }
            if started.elapsed() > PATIENCE {
                let log = logs.text();
                return Err(Error::EnvoyNotReady {
                    waited: PATIENCE,
                    log,
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Asks Envoy whether it would take the configuration, without running it.
    ///
    /// # Errors
    ///
    /// [`Error::EnvoyRefused`] with the log when it would not.
    pub async fn validate(self) -> Result<()> {
        let directory = TempDir::new().map_err(Error::io("temporary directory"))?;
        let mut command = self.command(directory.path())?;
        command.args(["--mode", "validate"]);
        let logs = Logs::new(&directory.path().join("envoy.log"))?;
        let mut process = Process::start(command, &logs)?;
        let started = Instant::now();
        loop {
            match process.ended() {
                Some(status) if status.success() => return Ok(()),
                Some(status) => {
                    process.drain();
                    return Err(Error::EnvoyRefused {
                        status: describe(status),
                        log: logs.text(),
                    });
                }
                None if started.elapsed() > PATIENCE => {
                    let log = logs.text();
                    return Err(Error::EnvoyNotReady {
                        waited: PATIENCE,
                        log,
                    });
                }
                None => tokio::time::sleep(POLL).await,
            }
        }
    }

    fn command(&self, directory: &Path) -> Result<Command> {
        let file = directory.join(match self.config {
            Config::Json(_) => "envoy.json",
            Config::Yaml(_) => "envoy.yaml",
        });
        std::fs::write(&file, self.config_text()).map_err(Error::io("Envoy's configuration"))?;
        let mut command = Command::new(binary::find(self.version.as_deref())?);
        command.arg("--config-path").arg(&file);
        // Merged over the file: where the admin interface is, whatever the file says.
        let admin = json!({ "admin": { "address": { "socket_address": {
            "address": "127.0.0.1", "port_value": self.admin_port,
        }}}});
        command.arg("--config-yaml").arg(admin.to_string());
        command.args(["--service-cluster", "testbed", "--service-node", "testbed"]);
        // Access logs are buffered, for ten seconds by default.
        command.args(["--file-flush-interval-msec", "10"]);
        command.args(["--log-level", &self.log_level]);
        if !self.component_logs.is_empty() {
            command.args(["--component-log-level", &self.component_logs.join(",")]);
        }
        command.args(&self.arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }

    fn config_text(&self) -> String {
        match &self.config {
            Config::Json(config) => format!("{config:#}"),
            Config::Yaml(yaml) => yaml.clone(),
        }
    }
}

/// Envoy multiplies the base id by ten (1.36 to 1.40).
fn shared_memory(base_id: u32) -> PathBuf {
    PathBuf::from(format!(
        "/dev/shm/envoy_shared_memory_{}",
        u64::from(base_id) * 10
    ))
}

/// The admin interface, once it says that the workers run.
async fn ready(address_file: &Path) -> Option<Arc<Admin>> {
    let address = std::fs::read_to_string(address_file).ok()?;
    let admin = Admin::new(address.trim().parse().ok()?);
    let answer = admin.get("/ready").await.ok()?;
    (answer.trim() == "LIVE").then(|| Arc::new(admin))
}
