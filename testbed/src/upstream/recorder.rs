//! Collects what an upstream sees and wakes those who wait for it.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::watch;

use super::seen::{Handshake, Seen, SeenConnection, SeenRequest};
use crate::error::{Error, Result};

/// Collects what happens and wakes those who wait for it.
#[derive(Debug)]
pub(super) struct Recorder {
    seen: watch::Sender<Seen>,
    keep: bool,
}

impl Recorder {
    pub(super) fn new(keep: bool) -> Self {
        Self {
            seen: watch::Sender::new(Seen::default()),
            keep,
        }
    }

    pub(super) fn snapshot(&self) -> Seen {
        self.seen.borrow().clone()
    }

    pub(super) fn clear(&self) {
        self.seen.send_modify(|seen| {
            seen.requests.clear();
            seen.request_count = 0;
            for connection in &mut seen.connections {
                connection.raw.clear();
                connection.application.clear();
                connection.application_count = 0;
            }
        });
    }

    pub(super) fn opened(&self, peer: SocketAddr) -> usize {
        let mut index = 0;
        self.seen.send_modify(|seen| {
            index = seen.connections.len();
            seen.connections.push(SeenConnection {
                peer,
                raw: Vec::new(),
                application: Vec::new(),
                application_count: 0,
                handshake: None,
                handshake_error: None,
                closed: false,
            });
        });
        index
    }

    pub(super) fn connection(&self, index: usize, change: impl FnOnce(&mut SeenConnection)) {
        self.seen
            .send_modify(|seen| seen.connections.get_mut(index).map(change).unwrap_or(()));
    }

    pub(super) fn handshake_done(&self, index: usize, handshake: Handshake) {
        self.connection(index, |connection| connection.handshake = Some(handshake));
    }

    pub(super) fn handshake_failed(&self, index: usize, error: String) {
        self.connection(index, |connection| connection.handshake_error = Some(error));
    }

    pub(super) fn raw(&self, index: usize, bytes: &[u8]) {
        if self.keep {
            self.connection(index, |c| c.raw.extend_from_slice(bytes));
        }
    }

    pub(super) fn application(&self, index: usize, bytes: &[u8]) {
        self.connection(index, |c| {
            c.application_count += bytes.len() as u64;
            if self.keep {
                c.application.extend_from_slice(bytes);
            }
        });
    }

    pub(super) fn request(&self, request: &SeenRequest) {
        self.seen.send_modify(|seen| {
            seen.request_count += 1;
            if self.keep {
                seen.requests.push(request.clone());
            }
        });
    }

    pub(super) async fn wait_for(
        &self,
        mut condition: impl FnMut(&Seen) -> bool,
        patience: Duration,
    ) -> Result<Seen> {
        let mut watch = self.seen.subscribe();
        let found = tokio::time::timeout(patience, watch.wait_for(|seen| condition(seen))).await;
        match found {
            Ok(Ok(seen)) => Ok(seen.clone()),
            Ok(Err(_)) | Err(_) => Err(Error::TimedOut {
                waiting_for: "the upstream to see something".into(),
                waited: patience,
                seen: format!("{:?}", self.snapshot()),
            }),
        }
    }
}
