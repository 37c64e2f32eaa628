//! A receiver of OTLP/HTTP logs, in JSON and in protobuf, that decodes with OpenTelemetry's own
//! Python packages and refuses what is not right in every detail.
//!
//! ```no_run
//! # async fn example() -> hopguard_testbed::Result<()> {
//! use hopguard_testbed::config::Cluster;
//! use hopguard_testbed::otlp::OtlpReceiver;
//!
//! let otlp = OtlpReceiver::start().await?;
//! let cluster = Cluster::new("telemetry").endpoint(otlp.addr());
//! // … have something POST to /v1/logs …
//! let records = otlp.wait_for(|records| records.len() == 1).await?;
//! assert_eq!(records[0]["severityText"], "ERROR");
//! assert_eq!(records[0]["attributes"]["error.type"], "plaintext");
//! assert_eq!(records[0]["resource"]["service.name"], "edge");
//! assert!(otlp.refused()?.is_empty());
//! # let _ = cluster;
//! # Ok(())
//! # }
//! ```

mod packages;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::error::{Error, Result};
use crate::process::{Logs, Process, describe};

/// How long [`OtlpReceiver::wait_for`] waits, and how long a start may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How often a condition is looked at that nobody announces.
const POLL: Duration = Duration::from_millis(5);

/// What the receiver writes of each request, before it answers.
const JOURNAL: &str = "journal";

/// A running receiver; killed when dropped.
#[derive(Debug)]
pub struct OtlpReceiver {
    addr: SocketAddr,
    process: Process,
    directory: TempDir,
}

impl OtlpReceiver {
    /// Starts it on a free port of 127.0.0.1, without TLS. The first time, its packages are
    /// fetched.
    ///
    /// # Errors
    ///
    /// [`Error::ServerMissing`] without Python or the packages, [`Error::ServerRefused`] with
    /// what Python said when it ends, [`Error::TimedOut`] when it gets nowhere.
    pub async fn start() -> Result<Self> {
        let packages = packages::find()?;
        let directory = TempDir::new().map_err(Error::io("temporary directory"))?;
        let logs = Logs::new(&directory.path().join("otlp.log"))?;
        let mut command = Command::new("python3");
        // Isolated: nothing but what is pinned, whatever the environment says.
        command.arg("-I").arg(script("receiver.py"));
        command.arg(packages).arg(directory.path().join(JOURNAL));
        let mut process = Process::start(command, &logs)?;
        let started = Instant::now();
        loop {
            if let Some(port) = logs.all().iter().find_map(|line| port(line)) {
                return Ok(Self {
                    addr: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
                    process,
                    directory,
                });
            }
            if let Some(status) = process.ended() {
                process.drain();
                return Err(Error::ServerRefused {
                    server: "the OTLP receiver",
                    status: describe(status),
                    log: logs.text(),
                });
            }
            if started.elapsed() > PATIENCE {
                return Err(Error::TimedOut {
                    waiting_for: "the OTLP receiver to listen".into(),
                    waited: PATIENCE,
                    seen: logs.text(),
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The records of all requests that it has answered with 200, in order: each as in OTLP/JSON
    /// (`timeUnixNano`, `severityNumber`, `severityText`, `eventName`, …; fields with their
    /// default value are absent), but with a plain `body`, `attributes` as an object of plain
    /// values, the attributes of its resource as `resource`, and `scope` with `name`, `version`
    /// and `attributes`.
    ///
    /// # Errors
    ///
    /// When what it wrote cannot be read.
    pub fn records(&self) -> Result<Vec<Value>> {
        let requests = self.journal("records")?.into_iter();
        Ok(requests.filter_map(into_array).flatten().collect())
    }

    /// How many requests it has answered with 200.
    ///
    /// # Errors
    ///
    /// When what it wrote cannot be read.
    pub fn requests(&self) -> Result<usize> {
        Ok(self.journal("records")?.len())
    }

    /// Why it refused requests, one text for each.
    ///
    /// # Errors
    ///
    /// When what it wrote cannot be read.
    pub fn refused(&self) -> Result<Vec<String>> {
        let refused = self.journal("refused")?;
        let texts = refused.iter().filter_map(Value::as_str);
        Ok(texts.map(ToOwned::to_owned).collect())
    }

    /// Waits up to [`PATIENCE`] until the condition holds for the records.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] with all that it took and refused instead.
    pub async fn wait_for(&self, condition: impl Fn(&[Value]) -> bool) -> Result<Vec<Value>> {
        let started = Instant::now();
        loop {
            let records = self.records()?;
            if condition(&records) {
                return Ok(records);
            }
            if started.elapsed() > PATIENCE {
                return Err(Error::TimedOut {
                    waiting_for: "log records".into(),
                    waited: PATIENCE,
                    seen: format!("{records:?}; refused: {:?}", self.refused()?),
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// What the lines of that kind hold.
    fn journal(&self, kind: &str) -> Result<Vec<Value>> {
        let text = std::fs::read_to_string(self.directory.path().join(JOURNAL))
            .map_err(Error::io("the journal of the OTLP receiver"))?;
        let mut found = Vec::new();
        // The last line may be on its way.
        for line in text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
        {
            let mut line: Value = serde_json::from_str(line)
                .map_err(|error| Error::Client(format!("not JSON ({error}): {line}")))?;
            if let Some(content) = line.get_mut(kind) {
                found.push(content.take());
            }
        }
        Ok(found)
    }
}

fn into_array(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(items) => Some(items),
        _ => None,
    }
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("otlp")
        .join(name)
}

fn port(line: &str) -> Option<u16> {
    let told: Value = serde_json::from_str(line).ok()?;
    u16::try_from(told["port"].as_u64()?).ok()
}
