//! How a Redis is described and started.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use tempfile::TempDir;
use tokio::sync::Mutex;

use super::{PATIENCE, POLL, Redis, RedisClient, binary};
use crate::error::{Error, Result};
use crate::pki::{Authority, Issued};
use crate::port::free_port;
use crate::process::{Logs, Process, describe};
use crate::tls::{TlsVersion, TlsVersions};

/// How often another port is tried when somebody else took the free one first.
const TRIES: u32 = 5;

/// A Redis in the making.
#[must_use = "nothing runs before `start`"]
#[derive(Clone, Debug)]
pub struct RedisBuilder {
    certificate: Option<Issued>,
    client_ca: Option<String>,
    versions: TlsVersions,
}

impl RedisBuilder {
    pub(super) fn new(certificate: Option<Issued>) -> Self {
        Self {
            certificate,
            client_ca: None,
            versions: TlsVersions::default(),
        }
    }

    /// Demands a client certificate that leads to this authority. Without this, it asks for none.
    pub fn client_ca(mut self, authority: &Authority) -> Self {
        self.client_ca = Some(authority.pem());
        self
    }

    /// The TLS versions it speaks: 1.2 to 1.3 unless told.
    pub fn tls_versions(mut self, min: TlsVersion, max: TlsVersion) -> Self {
        self.versions = TlsVersions { min, max };
        self
    }

    /// Starts it on a free port of 127.0.0.1, and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`Error::ServerMissing`] when it is not installed, [`Error::ServerRefused`] with its log
    /// when it exits, [`Error::TimedOut`] when it gets nowhere.
    pub async fn start(self) -> Result<Redis> {
        let mut tries = 1;
        loop {
            match self.start_on(free_port()?).await {
                Err(Error::ServerRefused { log, .. })
                    if log.contains("Address already in use") && tries < TRIES =>
                {
                    tries += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn start_on(&self, port: u16) -> Result<Redis> {
        let directory = TempDir::new().map_err(Error::io("temporary directory"))?;
        let socket = directory.path().join("redis.sock");
        let mut command = self.command(directory.path(), port)?;
        command.arg("--unixsocket").arg(&socket);
        let logs = Logs::new(&directory.path().join("redis.log"))?;
        let mut process = Process::start(command, &logs)?;
        let started = Instant::now();
        loop {
            if let Some(status) = process.ended() {
                process.drain();
                return Err(Error::ServerRefused {
                    server: "Redis",
                    status: describe(status),
                    log: logs.text(),
                });
            }
            // All its sockets listen before it answers on one.
            if let Ok(mut own) = RedisClient::by_unix_socket(&socket).await
                && own.ping().await.is_ok()
            {
                return Ok(Redis {
                    addr: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
                    own: Mutex::new(own),
                    process,
                    logs,
                    _directory: directory,
                });
            }
            if started.elapsed() > PATIENCE {
                return Err(Error::TimedOut {
                    waiting_for: "Redis to be ready".into(),
                    waited: PATIENCE,
                    seen: logs.text(),
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn command(&self, directory: &Path, port: u16) -> Result<Command> {
        let mut command = binary::command()?;
        command.current_dir(directory);
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        let port = port.to_string();
        let Some(certificate) = &self.certificate else {
            command.args(["--port", &port]);
            return Ok(command);
        };
        let files = certificate.write_to(directory, "redis")?;
        command.args(["--port", "0", "--tls-port", &port]);
        command.arg("--tls-cert-file").arg(files.certificate);
        command.arg("--tls-key-file").arg(files.key);
        let protocols: Vec<_> = [
            TlsVersion::V1_0,
            TlsVersion::V1_1,
            TlsVersion::V1_2,
            TlsVersion::V1_3,
        ]
        .into_iter()
        .filter(|version| (self.versions.min..=self.versions.max).contains(version))
        .map(TlsVersion::name)
        .collect();
        command.args(["--tls-protocols", &protocols.join(" ")]);
        match &self.client_ca {
            None => command.args(["--tls-auth-clients", "no"]),
            Some(pem) => {
                let file = directory.join("client-ca.pem");
                std::fs::write(&file, pem).map_err(Error::io("the CA of Redis's clients"))?;
                command.arg("--tls-ca-cert-file").arg(file);
                command.args(["--tls-auth-clients", "yes"])
            }
        };
        Ok(command)
    }
}
