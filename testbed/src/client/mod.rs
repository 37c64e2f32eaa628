//! A small client that trusts everybody and can say anything.
//!
//! ```no_run
//! # async fn example(addr: std::net::SocketAddr) -> hopguard_testbed::Result<()> {
//! use hopguard_testbed::client::{Client, Request};
//!
//! let response = Client::plaintext(addr).get("/hello").await?;
//! assert_eq!(response.status, 200);
//!
//! let connection = Client::tls(addr).sni("api.test").http2().connect().await?;
//! let (a, b) = tokio::join!(
//!     connection.send(Request::get("/a")),
//!     connection.send(Request::post("/b", "body").header("x-odd", b"\xff\xfe")),
//! );
//! # let _ = (a?, b?);
//! # Ok(())
//! # }
//! ```

mod connection;
mod hello;
mod openssl;
mod raw;
mod request;
mod stream;
mod tls;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::ClientConfig;

pub use self::connection::Connection;
pub use self::raw::{RawConnection, Tail};
pub use self::request::{Request, Response};
use self::stream::Security;
pub use self::stream::ServerHandshake;
pub(crate) use self::stream::{Connected, Io};
use self::tls::ClientTls;
use crate::error::{Error, Result};
use crate::pki::Issued;
use crate::runtime::runtime;
use crate::tls::{TlsVersion, TlsVersions};

/// How long the client waits for any one thing.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How to reach a server. Cheap to clone; every `connect` is a new connection.
#[derive(Clone, Debug)]
pub struct Client {
    addr: SocketAddr,
    tls: Option<ClientTls>,
    http2: bool,
    openssl: bool,
    /// Made once, for resumption needs the same configuration again.
    config: Arc<OnceLock<Arc<ClientConfig>>>,
}

impl Client {
    /// Without TLS, in HTTP/1.1.
    pub fn plaintext(addr: SocketAddr) -> Self {
        Self {
            addr,
            tls: None,
            http2: false,
            openssl: false,
            config: Arc::default(),
        }
    }

    /// With TLS 1.2 or 1.3, SNI `api.test`, no certificate, in HTTP/1.1.
    pub fn tls(addr: SocketAddr) -> Self {
        let tls = ClientTls {
            versions: TlsVersions::default(),
            sni: Some("api.test".to_owned()),
            certificate: None,
            alpn: None,
            resumption: false,
        };
        Self {
            tls: Some(tls),
            ..Self::plaintext(addr)
        }
    }

    /// Like [`tls`](Self::tls), but `openssl s_client` does the TLS: for versions before 1.2
    /// and keys that rustls cannot use. It tells only the version of the handshake.
    pub fn openssl(addr: SocketAddr) -> Self {
        Self {
            openssl: true,
            ..Self::tls(addr)
        }
    }

    /// In HTTP/2, with prior knowledge or ALPN `h2`.
    pub fn http2(mut self) -> Self {
        self.http2 = true;
        self.with_tls(|_| ())
    }

    /// Asks for this server name.
    pub fn sni(self, name: &str) -> Self {
        self.with_tls(|tls| tls.sni = Some(name.to_owned()))
    }

    /// Asks for no server name.
    pub fn no_sni(self) -> Self {
        self.with_tls(|tls| tls.sni = None)
    }

    /// Presents this certificate, also when the server asks for others.
    pub fn certificate(self, certificate: &Issued) -> Self {
        self.with_tls(|tls| tls.certificate = Some(certificate.clone()))
    }

    /// The TLS versions it speaks: 1.2 to 1.3 unless told. Those before need
    /// [`Client::openssl`].
    pub fn tls_versions(self, min: TlsVersion, max: TlsVersion) -> Self {
        self.with_tls(|tls| tls.versions = TlsVersions { min, max })
    }

    /// The ALPN protocols it offers, in place of the one that goes with its HTTP version.
    pub fn alpn(self, protocols: &[&str]) -> Self {
        let protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        self.with_tls(|tls| tls.alpn = Some(protocols))
    }

    /// Resumes the session of an earlier connection of this client where the server agrees.
    pub fn resumption(self) -> Self {
        self.with_tls(|tls| tls.resumption = true)
    }

    /// Opens a connection, for as many requests as wanted.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached or the handshake fails. Note that a TLS 1.3 server
    /// refuses a client's certificate only after the client's side of the handshake is done.
    pub async fn connect(&self) -> Result<Connection> {
        let connecting = self.connecting()?;
        let http2 = self.http2;
        on_runtime(async move { Connection::open(connecting.await?, http2).await }).await
    }

    /// Opens a connection for raw bytes.
    ///
    /// # Errors
    ///
    /// As for [`connect`](Self::connect).
    pub async fn raw(&self) -> Result<RawConnection> {
        let connecting = self.connecting()?;
        on_runtime(async move { connecting.await.map(RawConnection::new) }).await
    }

    /// Sends one request on a connection of its own.
    ///
    /// # Errors
    ///
    /// When there is no response.
    pub async fn send(&self, request: Request) -> Result<Response> {
        self.connect().await?.send(request).await
    }

    /// GETs one path on a connection of its own.
    ///
    /// # Errors
    ///
    /// When there is no response.
    pub async fn get(&self, path: &str) -> Result<Response> {
        self.send(Request::get(path)).await
    }

    fn with_tls(mut self, change: impl FnOnce(&mut ClientTls)) -> Self {
        self.tls.as_mut().map(change);
        self.config = Arc::default();
        self
    }

    fn connecting(
        &self,
    ) -> Result<impl Future<Output = Result<stream::Connected>> + Send + 'static> {
        let security = match &self.tls {
            None => Security::Plaintext,
            Some(tls) if self.openssl => Security::Openssl {
                tls: tls.clone(),
                http2: self.http2,
            },
            Some(tls) => {
                let config = self.rustls(tls)?;
                let name = tls.server_name()?;
                Security::Rustls { config, name }
            }
        };
        Ok(stream::connect(self.addr, security))
    }

    fn rustls(&self, tls: &ClientTls) -> Result<Arc<ClientConfig>> {
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let config = tls.config(self.http2)?;
        Ok(Arc::clone(self.config.get_or_init(|| config)))
    }
}

/// The connection belongs to the testbed's runtime, and outlives the caller's.
pub(crate) async fn on_runtime<T: Send + 'static>(
    task: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let task = runtime().spawn(async { in_time("a connection", task).await? });
    task.await
        .map_err(|error| Error::Client(format!("connecting: {error}")))?
}

pub(crate) async fn in_time<T>(waiting_for: &str, task: impl Future<Output = T>) -> Result<T> {
    tokio::time::timeout(PATIENCE, task)
        .await
        .map_err(|_| Error::TimedOut {
            waiting_for: waiting_for.to_owned(),
            waited: PATIENCE,
            seen: "nothing".to_owned(),
        })
}
