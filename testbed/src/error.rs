//! What can go wrong in the testbed itself, as opposed to what a test looks at.

use std::fmt;
use std::io;
use std::time::Duration;

/// A failure of the testbed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// An operation on a file, a socket or a process failed.
    Io {
        /// What was being done.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
    /// A certificate or key could not be made as asked.
    Certificate(String),
    /// An `openssl` command ended with an error.
    Openssl {
        /// Its arguments.
        arguments: String,
        /// What it wrote to stderr.
        stderr: String,
    },
    /// A TLS configuration was refused, or a handshake of the client failed.
    Tls(String),
    /// The HTTP exchange of a client broke off.
    Http(hyper::Error),
    /// The client closed its connection before, or was told to use it for something it cannot do.
    Client(String),
    /// No Envoy binary; the text says how to get one.
    EnvoyMissing(String),
    /// Envoy ended while it was starting, or refused a configuration.
    EnvoyRefused {
        /// Its exit code, or the signal that ended it.
        status: String,
        /// Everything it logged.
        log: String,
    },
    /// Envoy runs but did not become ready in time.
    EnvoyNotReady {
        /// How long the testbed waited.
        waited: Duration,
        /// Everything it logged.
        log: String,
    },
    /// The admin interface answered with something else than 200, or not as expected.
    Admin {
        /// The path that was asked for.
        path: String,
        /// Status and body.
        answer: String,
    },
    /// A condition did not come true in time.
    TimedOut {
        /// What was waited for.
        waiting_for: String,
        /// How long.
        waited: Duration,
        /// What there was instead.
        seen: String,
    },
    /// A server that is not installed; the text says how to install it.
    ServerMissing(String),
    /// A server ended while it was starting.
    ServerRefused {
        /// Which one.
        server: &'static str,
        /// Its exit code, or the signal that ended it.
        status: String,
        /// Everything it logged.
        log: String,
    },
    /// No plugin to load; the text says how to build it.
    PluginMissing(String),
}

impl Error {
    /// An I/O error together with what was being done.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, source } => write!(f, "{doing}: {source}"),
            Self::Openssl { arguments, stderr } => {
                write!(f, "`openssl {arguments}` failed: {stderr}")
            }
            Self::Certificate(text)
            | Self::Tls(text)
            | Self::Client(text)
            | Self::EnvoyMissing(text)
            | Self::ServerMissing(text)
            | Self::PluginMissing(text) => f.write_str(text),
            Self::Http(error) => write!(f, "HTTP exchange: {error}"),
            Self::EnvoyRefused { status, log } => write!(f, "Envoy ended ({status}):\n{log}"),
            Self::ServerRefused {
                server,
                status,
                log,
            } => write!(f, "{server} ended ({status}):\n{log}"),
            Self::EnvoyNotReady { waited, log } => {
                write!(f, "Envoy was not ready after {waited:?}:\n{log}")
            }
            Self::Admin { path, answer } => write!(f, "admin {path} answered {answer}"),
            Self::TimedOut {
                waiting_for,
                waited,
                seen,
            } => {
                write!(
                    f,
                    "waited {waited:?} in vain for {waiting_for}; seen instead: {seen}"
                )
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Http(source) => Some(source),
            _ => None,
        }
    }
}

impl From<hyper::Error> for Error {
    fn from(error: hyper::Error) -> Self {
        Self::Http(error)
    }
}

/// Result of a testbed operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;
