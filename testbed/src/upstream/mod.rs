//! Servers that record every byte they receive.
//!
//! Bytes off the socket and bytes of the application are kept apart: what Envoy sends
//! to a plaintext server from a TLS cluster is a ClientHello, and no request.
//!
//! ```no_run
//! # async fn example() -> hopguard_testbed::Result<()> {
//! use hopguard_testbed::pki::Pki;
//! use hopguard_testbed::upstream::Upstream;
//!
//! let pki = Pki::new();
//! let upstream = Upstream::tls(&pki.server("api.test").issue()).http1().start().await?;
//! // … point something at upstream.addr() …
//! let seen = upstream.wait_for(|seen| seen.requests.len() == 1).await?;
//! assert_eq!(seen.requests[0].path, "/");
//! # Ok(())
//! # }
//! ```

mod builder;
mod fault;
mod full_backlog;
mod gate;
mod http;
mod openssl;
mod recorder;
mod recording;
mod reply;
mod seen;
mod serve;
mod tcp;
mod termination;
pub(crate) mod tls;

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;

pub use self::builder::UpstreamBuilder;
pub use self::fault::Fault;
pub use self::full_backlog::FullBacklog;
use self::gate::Gate;
use self::recorder::Recorder;
use self::reply::Handler;
pub use self::reply::Reply;
pub use self::seen::{ClientCertificate, Handshake, Seen, SeenConnection, SeenRequest};
use self::tcp::Tcp;
use self::termination::Termination;
pub use self::tls::ClientAuth;
use crate::client::RawConnection;
use crate::error::{Error, Result};
use crate::pki::Issued;
use crate::runtime::TaskGuard;

/// How long [`Upstream::wait_for`] waits.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A running server; it stops, and its connections with it, when dropped.
#[derive(Debug)]
pub struct Upstream {
    addr: SocketAddr,
    shared: Arc<Shared>,
    _task: TaskGuard,
}

/// What is spoken above TCP or TLS.
#[derive(Debug)]
enum Protocol {
    Http1,
    Http2,
    HttpByAlpn,
    Tcp(Tcp),
}

/// What all connections of an upstream share.
struct Shared {
    recorder: Arc<Recorder>,
    handler: Arc<Handler>,
    protocol: Protocol,
    fault: RwLock<Option<Fault>>,
    close_after: Option<u64>,
    gate: Gate,
    response_gate: Gate,
    hang_up: watch::Sender<u64>,
    tls: Option<Termination>,
}

impl Upstream {
    /// Starts to describe a server without TLS.
    pub fn plaintext() -> UpstreamBuilder {
        UpstreamBuilder::new(None)
    }

    /// Starts to describe a server that presents this certificate.
    pub fn tls(certificate: &Issued) -> UpstreamBuilder {
        UpstreamBuilder::new(Some(certificate.clone()))
    }

    /// Like [`tls`](Self::tls), but `openssl s_server` does the TLS: for versions before 1.2
    /// and keys that rustls cannot serve. Slower, a process for each connection, and it tells
    /// only the version of the handshake.
    pub fn openssl(certificate: &Issued) -> UpstreamBuilder {
        UpstreamBuilder::new(Some(certificate.clone())).by_openssl()
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// All that it saw so far.
    pub fn seen(&self) -> Seen {
        self.shared.recorder.snapshot()
    }

    /// Application bytes of all connections: decrypted ones with TLS.
    pub fn received(&self) -> Vec<u8> {
        self.seen().application()
    }

    /// Bytes off the sockets of all connections.
    pub fn raw_received(&self) -> Vec<u8> {
        self.seen().raw()
    }

    /// The HTTP requests read to their end.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.seen().requests
    }

    /// How many TCP connections it accepted.
    pub fn connections(&self) -> usize {
        self.seen().connections.len()
    }

    /// How many TLS handshakes it completed.
    pub fn handshakes(&self) -> usize {
        self.seen().handshakes().len()
    }

    /// Waits up to [`PATIENCE`] until the condition holds, and returns what was seen then.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] with what was seen instead.
    pub async fn wait_for(&self, condition: impl FnMut(&Seen) -> bool) -> Result<Seen> {
        self.shared.recorder.wait_for(condition, PATIENCE).await
    }

    /// Forgets bytes and requests; connections stay in the record.
    pub fn clear(&self) {
        self.shared.recorder.clear();
    }

    /// From now on, new connections wait before anything is read from them.
    pub fn hold(&self) {
        self.shared.gate.close();
    }

    /// Lets the connections that wait go on, and new ones too.
    pub fn release(&self) {
        self.shared.gate.open();
    }

    /// From now on, requests are read and recorded but wait for their answer.
    pub fn hold_responses(&self) {
        self.shared.response_gate.close();
    }

    /// Answers the requests that wait, and new ones too.
    pub fn release_responses(&self) {
        self.shared.response_gate.open();
    }

    /// From now on, new connections fail like this; `None`: no longer.
    pub fn set_fault(&self, fault: Option<Fault>) {
        *self
            .shared
            .fault
            .write()
            .unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// The next connection of an upstream that is [by hand](UpstreamBuilder::by_hand), once
    /// its TLS handshake is complete. What is read from it is recorded as ever; it is over
    /// when it is dropped.
    ///
    /// # Errors
    ///
    /// When none comes within [`PATIENCE`], or the upstream is not by hand.
    pub async fn accept(&self) -> Result<RawConnection> {
        let Protocol::Tcp(Tcp::ByHand(handover)) = &self.shared.protocol else {
            return Err(Error::Client("this upstream serves by itself".into()));
        };
        let taken = tokio::time::timeout(PATIENCE, handover.take()).await;
        taken.unwrap_or_else(|_| {
            Err(Error::TimedOut {
                waiting_for: "a connection to the upstream".into(),
                waited: PATIENCE,
                seen: format!("{:?}", self.seen()),
            })
        })
    }

    /// Serves this certificate on new connections, and forgets the sessions of the old one.
    ///
    /// # Errors
    ///
    /// When its key cannot be served.
    ///
    /// # Panics
    ///
    /// When the server speaks no TLS.
    pub fn rotate(&self, certificate: &Issued) -> Result<()> {
        self.tls_side().rotate(certificate, false)
    }

    /// Like [`rotate`](Self::rotate), but clients may resume sessions begun under the old
    /// certificate, and then never see the new one.
    ///
    /// # Errors
    ///
    /// When its key cannot be served.
    ///
    /// # Panics
    ///
    /// When the server speaks no TLS.
    pub fn rotate_keeping_sessions(&self, certificate: &Issued) -> Result<()> {
        self.tls_side().rotate(certificate, true)
    }

    /// Ends all connections; the server goes on accepting.
    pub fn hang_up(&self) {
        self.shared.hang_up.send_modify(|times| *times += 1);
    }

    fn tls_side(&self) -> &Termination {
        self.shared
            .tls
            .as_ref()
            .expect("a plaintext upstream has no certificate")
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("protocol", &self.protocol)
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}
