//! A real container registry: `docker-registry` of the Distribution project.
//!
//! Without [`fetch.sh`](../registry/fetch.sh) it is looked for on the `PATH`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::error::{Error, Result};
use crate::pki::Issued;
use crate::process::{Logs, Process, describe};
use crate::target;

/// How long it may take to be ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is looked at whether it ended.
const POLL: Duration = Duration::from_millis(50);

const NAME: &str = "docker-registry";

/// What it logs when it is ready; the address follows.
const READY: &str = "listening on ";

/// A registry in the making.
#[must_use = "nothing runs before `start`"]
#[derive(Clone, Debug, Default)]
pub struct RegistryBuilder {
    certificate: Option<Issued>,
    htpasswd: Option<String>,
}

/// A running registry, which keeps what it gets in a directory that goes with it; killed when
/// dropped.
#[derive(Debug)]
pub struct Registry {
    addr: SocketAddr,
    logs: Arc<Logs>,
    _process: Process,
    _directory: TempDir,
}

impl Registry {
    /// Starts to describe one without TLS that takes and gives everything.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::default()
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Everything it logged: each request, too.
    pub fn log(&self) -> String {
        self.logs.text()
    }
}

impl RegistryBuilder {
    /// With TLS.
    pub fn tls(mut self, certificate: &Issued) -> Self {
        self.certificate = Some(certificate.clone());
        self
    }

    /// Demands a login of those in this file of htpasswd, with bcrypt.
    pub fn htpasswd(mut self, file: &str) -> Self {
        self.htpasswd = Some(file.to_owned());
        self
    }

    /// Starts it on a free port of 127.0.0.1, and waits until it listens.
    ///
    /// # Errors
    ///
    /// [`Error::ServerMissing`] when it is not here, [`Error::ServerRefused`] with its log when
    /// it exits, [`Error::TimedOut`] when it gets nowhere.
    pub async fn start(self) -> Result<Registry> {
        let program = program()?;
        let directory = TempDir::new().map_err(Error::io("temporary directory"))?;
        let config = self.config(directory.path())?;
        let logs = Logs::new(&directory.path().join("registry.log"))?;
        let mut command = Command::new(program);
        command.arg("serve").arg(config);
        // Of the environment, what could change its configuration.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("REGISTRY_") {
                command.env_remove(name);
            }
        }
        let mut process = Process::start(command, &logs)?;
        let started = Instant::now();
        loop {
            let is_ready = |line: &str| line.contains(READY);
            match logs.wait_for(0, is_ready, POLL).await {
                Ok(line) => {
                    return Ok(Registry {
                        addr: address(&line)?,
                        logs,
                        _process: process,
                        _directory: directory,
                    });
                }
                Err(error) if started.elapsed() > PATIENCE => return Err(error),
                Err(_) => {}
            }
            if let Some(status) = process.ended() {
                process.drain();
                return Err(Error::ServerRefused {
                    server: "the registry",
                    status: describe(status),
                    log: logs.text(),
                });
            }
        }
    }

    /// Writes its files into a directory; the path of its configuration.
    fn config(&self, directory: &Path) -> Result<PathBuf> {
        let write = |name: &str, content: &str| {
            let path = directory.join(name);
            std::fs::write(&path, content).map_err(Error::io(name))?;
            Ok::<_, Error>(path)
        };
        let mut http = json!({ "addr": "127.0.0.1:0", "secret": "of this registry alone" });
        if let Some(certificate) = &self.certificate {
            http["tls"] = json!({
                "certificate": write("registry.pem", &certificate.chain_pem())?,
                "key": write("registry.key", certificate.key_pem())?,
            });
        }
        let mut config = json!({
            "version": "0.1",
            "log": { "level": "info" },
            "storage": { "filesystem": { "rootdirectory": directory.join("data") } },
            "http": http,
        });
        if let Some(users) = &self.htpasswd {
            let path = write("htpasswd", users)?;
            config["auth"] = json!({ "htpasswd": { "realm": "registry", "path": path } });
        }
        // JSON is YAML.
        let text = Value::to_string(&config);
        write("config.yml", &text)
    }
}

/// What follows [`READY`] in a line of the log.
fn address(line: &str) -> Result<SocketAddr> {
    let rest = line.split(READY).nth(1).unwrap_or_default();
    let digits = |c: char| c.is_ascii_digit() || c == '.' || c == ':';
    let end = rest.find(|c| !digits(c)).unwrap_or(rest.len());
    let strange = |_| Error::Client(format!("the registry logs {line:?}"));
    rest.get(..end).unwrap_or_default().parse().map_err(strange)
}

fn program() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut all = std::env::split_paths(&path).map(|directory| directory.join(NAME));
    all.find(|path| path.is_file())
        .or_else(|| {
            let fetched = target::directory().join("registry").join(NAME);
            fetched.is_file().then_some(fetched)
        })
        .ok_or_else(|| {
            let text = "no docker-registry: run testbed/registry/fetch.sh, or install it";
            Error::ServerMissing(text.into())
        })
}
