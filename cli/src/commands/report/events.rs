//! hopguard's events in a log.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use hopguard::decision::{Cause, Requirement};
use hopguard_engine::text::hex;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::otlp;
use crate::moment;
use crate::reply::Failure;

/// The longest line that is read, in bytes. A collector's batch has 8,192 records unless
/// it is told otherwise, each under 8 KiB; a line of Envoy's log is far shorter.
const MAX_LINE: u64 = 64 * 1024 * 1024;
/// What the name of each event begins with.
const NAME: &str = "hopguard.";

/// One event, as far as the report needs it.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    pub timestamp: String,
    #[serde(rename = "event.name")]
    pub name: String,
    #[serde(rename = "hopguard.event.id", default)]
    pub id: String,
    #[serde(rename = "error.type", default)]
    pub cause: String,
    #[serde(rename = "hopguard.control", default)]
    pub control: String,
    #[serde(rename = "hopguard.verdict", default)]
    pub verdict: String,
    #[serde(rename = "hopguard.rule", default)]
    pub rule: String,
    #[serde(rename = "hopguard.detail", default)]
    pub detail: String,
    #[serde(rename = "hopguard.cluster", default)]
    pub cluster: String,
    #[serde(rename = "hopguard.listener", default)]
    pub listener: String,
    #[serde(rename = "hopguard.findings", default)]
    pub findings: Vec<Other>,
    #[serde(rename = "hopguard.waiver.until", default)]
    pub waiver_until: String,
    #[serde(rename = "hopguard.waiver.state", default)]
    pub waiver_state: String,
    #[serde(rename = "hopguard.waiver.reason", default)]
    pub waiver_reason: String,
    #[serde(rename = "hopguard.certificate.path", default)]
    pub certificate_path: String,
    #[serde(rename = "hopguard.listener.stat_prefix", default)]
    pub stat_prefix: String,
    #[serde(rename = "hopguard.folded.count", default)]
    pub folded: u64,
    #[serde(rename = "hopguard.folded.first", default)]
    pub folded_first: String,
}

/// Another finding of the same event.
#[derive(Clone, Debug, Deserialize)]
pub struct Other {
    #[serde(default)]
    pub control: String,
    #[serde(default)]
    pub waived: bool,
}

/// A log that was read.
#[derive(Debug)]
pub struct Log {
    pub name: String,
    /// Of all its bytes.
    pub sha256: String,
    pub lines: u64,
    pub events: u64,
    /// Events that are in an earlier place, too.
    pub repeated: u64,
    /// Lines or records that look like events, and cannot be read.
    pub unreadable: u64,
}

impl Event {
    /// When it was, in seconds since the Unix epoch; of a summary, when the first of
    /// its events was.
    pub fn time(&self) -> Option<i64> {
        let first = (!self.folded_first.is_empty()).then_some(&self.folded_first);
        moment::parse(first.unwrap_or(&self.timestamp)).ok()
    }

    /// Its cause, if this release knows it.
    pub fn known_cause(&self) -> Option<Cause> {
        Cause::ALL.iter().copied().find(|c| c.code() == self.cause)
    }

    pub fn control(&self) -> Option<Requirement> {
        Requirement::parse(&self.control)
    }

    /// Whether it is one of hopguard's, with its time.
    pub fn is_whole(&self) -> bool {
        self.name.starts_with(NAME) && self.time().is_some()
    }

    fn of(line: &str) -> Option<Result<Self, ()>> {
        let json = line.get(line.find('{')?..)?;
        // Other JSON in the log is none of ours.
        if !json.contains("\"event.name\":\"hopguard.") {
            return None;
        }
        let mut values = serde_json::Deserializer::from_str(json).into_iter::<Self>();
        match values.next() {
            Some(Ok(event)) if event.is_whole() => Some(Ok(event)),
            _ => Some(Err(())),
        }
    }
}

impl Log {
    fn add(
        &mut self,
        event: Result<Event, ()>,
        seen: &mut HashSet<(String, String)>,
        take: &mut dyn FnMut(Event),
    ) {
        let Ok(event) = event else {
            self.unreadable += 1;
            return;
        };
        let is_new = event.id.is_empty() || seen.insert((event.id.clone(), event.name.clone()));
        if is_new {
            self.events += 1;
            take(event);
        } else {
            self.repeated += 1;
        }
    }
}

/// Reads a log; `-` is the standard input. `seen` has the ids of the events that
/// were read before, so that logs may overlap.
///
/// # Errors
/// It cannot be read.
pub fn read(
    path: &Path,
    seen: &mut HashSet<(String, String)>,
    take: &mut dyn FnMut(Event),
) -> Result<Log, Failure> {
    let failure = |error: io::Error| Failure(format!("{}: {error}", path.display()));
    let mut input: Box<dyn BufRead> = if path.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(path).map_err(failure)?))
    };
    let mut log = Log {
        name: path.display().to_string(),
        sha256: String::new(),
        lines: 0,
        events: 0,
        repeated: 0,
        unreadable: 0,
    };
    let mut digest = Sha256::new();
    let mut line = Vec::new();
    let mut is_rest = false;
    loop {
        line.clear();
        let read = Read::take(&mut input, MAX_LINE).read_until(b'\n', &mut line);
        if read.map_err(failure)? == 0 {
            break;
        }
        digest.update(&line);
        let was_rest = is_rest;
        is_rest = line.last() != Some(&b'\n');
        if was_rest {
            continue;
        }
        log.lines += 1;
        let text = String::from_utf8_lossy(&line);
        let events = if otlp::is_batch(&text) {
            otlp::events(&text)
        } else {
            Event::of(&text).into_iter().collect()
        };
        for event in events {
            log.add(event, seen, take);
        }
    }
    log.sha256 = hex(&digest.finalize().into());
    Ok(log)
}
