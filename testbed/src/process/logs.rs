//! What a server writes to stdout and stderr, line by line.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

use crate::error::{Error, Result};

/// Where a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Access logs, where they are told to go to stdout.
    Stdout,
    /// The server's own log.
    Stderr,
}

/// All lines so far, in memory and in a file.
#[derive(Debug)]
pub(crate) struct Logs {
    lines: watch::Sender<Vec<(Source, String)>>,
    file: Mutex<File>,
}

impl Logs {
    pub(crate) fn new(file: &Path) -> Result<Arc<Self>> {
        let file = File::create(file).map_err(Error::io("log file"))?;
        Ok(Arc::new(Self {
            lines: watch::Sender::new(Vec::new()),
            file: Mutex::new(file),
        }))
    }

    /// Reads a pipe to its end, in a thread of its own: a server blocks on a full pipe,
    /// whatever the test is doing.
    pub(crate) fn follow(
        self: &Arc<Self>,
        pipe: impl Read + Send + 'static,
        source: Source,
    ) -> JoinHandle<()> {
        let logs = Arc::clone(self);
        std::thread::spawn(move || {
            let mut reader = BufReader::new(pipe);
            let mut line = Vec::new();
            while reader
                .read_until(b'\n', &mut line)
                .is_ok_and(|read| read > 0)
            {
                let text = String::from_utf8_lossy(&line)
                    .trim_end_matches('\n')
                    .to_owned();
                line.clear();
                let mut file = logs.file.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = writeln!(file, "{text}");
                drop(file);
                logs.lines.send_modify(|lines| lines.push((source, text)));
            }
        })
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.lines
            .borrow()
            .iter()
            .map(|(_, line)| line.clone())
            .collect()
    }

    pub(crate) fn of(&self, source: Source) -> Vec<String> {
        let lines = self.lines.borrow();
        lines
            .iter()
            .filter(|(from, _)| *from == source)
            .map(|(_, line)| line.clone())
            .collect()
    }

    /// What a person needs to see of it: without Envoy's list of linked extensions and of
    /// header maps, some 30 KB at every start.
    pub(crate) fn text(&self) -> String {
        let lines = self.lines.borrow();
        let told: Vec<_> = lines
            .iter()
            .map(|(_, line)| line.as_str())
            .filter(|line| {
                !(line.contains("][main] [source/server/server.cc:") && line.contains("]   "))
            })
            .collect();
        told.join("\n")
    }

    /// The first line at or after `from` that fits.
    pub(crate) async fn wait_for(
        &self,
        from: usize,
        mut fits: impl FnMut(&str) -> bool,
        patience: Duration,
    ) -> Result<String> {
        let mut watch = self.lines.subscribe();
        let (mut looked_at, mut found) = (from, None);
        let looking = watch.wait_for(|lines| {
            found = lines
                .iter()
                .skip(looked_at)
                .find(|(_, line)| fits(line))
                .cloned();
            looked_at = lines.len().max(from);
            found.is_some()
        });
        let outcome = tokio::time::timeout(patience, looking).await.is_ok();
        match found {
            Some((_, line)) if outcome => Ok(line),
            _ => Err(Error::TimedOut {
                waiting_for: "a line in the log".into(),
                waited: patience,
                seen: self.text(),
            }),
        }
    }
}
