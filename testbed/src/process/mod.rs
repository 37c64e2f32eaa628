//! A server as a child process that never outlives its owner: Envoy, Redis, a receiver of telemetry.

mod logs;

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

pub(crate) use self::logs::Logs;
pub use self::logs::Source;
use crate::error::{Error, Result};
use crate::parent_death;

/// A running server; killed and waited for when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Mutex<Child>,
    pid: libc::pid_t,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    pub(crate) fn start(mut command: Command, logs: &Arc<Logs>) -> Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child =
            parent_death::spawn(command).map_err(Error::io(format!("starting {program}")))?;
        let mut readers = Vec::new();
        if let Some(pipe) = child.stdout.take() {
            readers.push(logs.follow(pipe, Source::Stdout));
        }
        if let Some(pipe) = child.stderr.take() {
            readers.push(logs.follow(pipe, Source::Stderr));
        }
        let pid = child.id() as libc::pid_t;
        Ok(Self {
            child: Mutex::new(child),
            pid,
            readers,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid as u32
    }

    /// How it ended; `None` while it runs.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        self.child().try_wait().ok().flatten()
    }

    /// Waits until both pipes are read to their end, which they are soon after it ended.
    pub(crate) fn drain(&mut self) {
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
    }

    /// CPU time of all threads, those that ended included.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        let mut clock: libc::clockid_t = 0;
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: both calls write to a local of the type they are documented to write.
        let failed = unsafe {
            libc::clock_getcpuclockid(self.pid, &mut clock) != 0
                || libc::clock_gettime(clock, &mut time) != 0
        };
        if failed {
            return Err(Error::Io {
                doing: "CPU time".into(),
                source: io::Error::last_os_error(),
            });
        }
        Ok(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
    }

    /// Resident memory.
    pub(crate) fn rss_bytes(&self) -> Result<u64> {
        let path = format!("/proc/{}/status", self.pid);
        let status = std::fs::read_to_string(Path::new(&path)).map_err(Error::io(path))?;
        status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB"))
            .and_then(|kilobytes| kilobytes.trim().parse::<u64>().ok())
            .map(|kilobytes| kilobytes * 1024)
            .ok_or_else(|| Error::Client("no VmRSS in the status of the process".into()))
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut child = self.child();
        let _ = child.kill();
        let _ = child.wait();
        drop(child);
        self.drain();
    }
}

/// `exit code 1` or `signal 9`.
pub(crate) fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}
