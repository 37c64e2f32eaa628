//! A door that connections wait at.

use tokio::sync::watch;

/// Open or closed; who waits goes on as soon as it is opened.
#[derive(Debug)]
pub(super) struct Gate(watch::Sender<bool>);

impl Gate {
    pub(super) fn new(open: bool) -> Self {
        Self(watch::Sender::new(open))
    }

    pub(super) fn open(&self) {
        self.0.send_replace(true);
    }

    pub(super) fn close(&self) {
        self.0.send_replace(false);
    }

    pub(super) async fn pass(&self) {
        // It fails only without a sender, and `self` is one.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}
