//! Envoy as a process: whether it runs, what it uses, how it ends.

use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::builder::POLL;
use super::{Envoy, PATIENCE};
use crate::error::{Error, Result};

impl Envoy {
    /// Asks it to end, and waits until it did.
    ///
    /// # Errors
    ///
    /// When it does not within [`PATIENCE`].
    pub async fn quit(&self) -> Result<ExitStatus> {
        self.admin_post("/quitquitquit").await?;
        self.wait_for_exit().await
    }

    /// Waits up to [`PATIENCE`] until it ended.
    ///
    /// # Errors
    ///
    /// When it did not.
    pub async fn wait_for_exit(&self) -> Result<ExitStatus> {
        let started = Instant::now();
        loop {
            match self.process.ended() {
                Some(status) => return Ok(status),
                None if started.elapsed() > PATIENCE => {
                    return Err(Error::TimedOut {
                        waiting_for: "Envoy to end".into(),
                        waited: PATIENCE,
                        seen: "it runs".into(),
                    });
                }
                None => tokio::time::sleep(POLL).await,
            }
        }
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.process.ended().is_none()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// CPU time of all its threads since it started, to the nanosecond.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn cpu_time(&self) -> Result<Duration> {
        self.process.cpu_time()
    }

    /// Its resident memory.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn rss_bytes(&self) -> Result<u64> {
        self.process.rss_bytes()
    }
}
