//! `openssl ocsp` as a server of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use super::database::Database;
use super::question::Question;
use super::signing::Signing;
use crate::client::{Client, Request};
use crate::error::{Error, Result};
use crate::process::{Logs, Process};

/// How long it may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running `openssl ocsp -port`; killed when dropped. It answers one request at a time;
/// [`read_index`](Self::read_index) says when it has to look at its [`Database`] again.
#[derive(Debug)]
pub struct OpensslResponder {
    addr: SocketAddr,
    _process: Process,
    _logs: Arc<Logs>,
}

impl OpensslResponder {
    /// Starts one that answers from this database.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] with its log when it does not listen.
    pub async fn start(database: &Database, signing: &Signing) -> Result<Self> {
        Self::start_on(database, signing, 0).await
    }

    /// The same on the port of one that was stopped.
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start); also when somebody else took the port.
    pub async fn start_again(
        database: &Database,
        signing: &Signing,
        addr: SocketAddr,
    ) -> Result<Self> {
        Self::start_on(database, signing, addr.port()).await
    }

    async fn start_on(database: &Database, signing: &Signing, port: u16) -> Result<Self> {
        let mut command = Command::new("openssl");
        command.args(database.responder_arguments(signing)?);
        command.args(["-port", &port.to_string()]);
        let logs = Logs::new(&database.new_file())?;
        let process = Process::start(command, &logs)?;
        // `ACCEPT [::]:33099 PID=9727`, or 0.0.0.0 where there is no IPv6.
        let line = logs
            .wait_for(0, |line| line.starts_with("ACCEPT "), PATIENCE)
            .await?;
        let port = line
            .split(' ')
            .nth(1)
            .and_then(|address| address.rsplit(':').next()?.parse().ok())
            .ok_or_else(|| Error::Client(format!("no port in {line:?}")))?;
        Ok(Self {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            _process: process,
            _logs: logs,
        })
    }

    /// Has it look at the index of its database, by a question about nothing: it looks whether
    /// that has changed before it waits for a connection, not after (OpenSSL 3.0).
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub async fn read_index(&self) -> Result<()> {
        let question = Question::about_nothing().der;
        let client = Client::plaintext(self.addr);
        client.send(Request::post("/", question)).await.map(drop)
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}
