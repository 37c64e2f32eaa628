//! How an upstream is described and started.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, RwLock};

use tokio::net::TcpListener;
use tokio::sync::watch;

use super::fault::Fault;
use super::gate::Gate;
use super::recorder::Recorder;
use super::reply::{Handler, Reply};
use super::seen::SeenRequest;
use super::tcp::Tcp;
use super::termination::{Backend, Termination};
use super::tls::{ClientAuth, TlsSettings};
use super::{Protocol, Shared, Upstream, serve};
use crate::error::{Error, Result};
use crate::pki::Issued;
use crate::runtime::{runtime, spawn};
use crate::tls::{TlsVersion, TlsVersions};

/// An upstream in the making.
#[must_use = "nothing listens before `start`"]
pub struct UpstreamBuilder {
    certificate: Option<Issued>,
    tls: TlsSettings,
    backend: Backend,
    protocol: Protocol,
    alpn: Option<Vec<Vec<u8>>>,
    fault: Option<Fault>,
    receive_buffer: Option<usize>,
    handler: Arc<Handler>,
    close_after: Option<u64>,
    held: bool,
    keep: bool,
}

impl UpstreamBuilder {
    pub(super) fn new(certificate: Option<Issued>) -> Self {
        Self {
            certificate,
            tls: TlsSettings {
                versions: TlsVersions::default(),
                client_auth: ClientAuth::None,
                alpn: Vec::new(),
                staple: None,
                resumption: true,
                ciphers: None,
            },
            backend: Backend::Rustls,
            protocol: Protocol::Http1,
            alpn: None,
            fault: None,
            receive_buffer: None,
            handler: Arc::new(|request| Reply::ok(format!("hello {}\n", request.path))),
            close_after: None,
            held: false,
            keep: true,
        }
    }

    pub(super) fn by_openssl(mut self) -> Self {
        self.backend = Backend::Openssl;
        self
    }

    /// Speaks HTTP/1.1, with `Upgrade` to an echo of bytes. The default.
    pub fn http1(mut self) -> Self {
        self.protocol = Protocol::Http1;
        self
    }

    /// Speaks HTTP/2: with prior knowledge in plaintext, by ALPN `h2` or without ALPN over TLS.
    pub fn http2(mut self) -> Self {
        self.protocol = Protocol::Http2;
        self
    }

    /// Speaks what ALPN agrees upon: HTTP/2 or HTTP/1.1.
    pub fn http_by_alpn(mut self) -> Self {
        self.protocol = Protocol::HttpByAlpn;
        self
    }

    /// Speaks no HTTP: sends back whatever comes.
    pub fn tcp_echo(self) -> Self {
        self.tcp_banner(b"")
    }

    /// Speaks first, as databases and mail servers do, then sends back whatever comes.
    pub fn tcp_banner(mut self, banner: &[u8]) -> Self {
        self.protocol = Protocol::Tcp(Tcp::Echo {
            banner: banner.to_vec(),
        });
        self
    }

    /// Speaks no HTTP: reads to the end and says nothing. With
    /// [`counting_only`](Self::counting_only), for any amount.
    pub fn tcp_sink(mut self) -> Self {
        self.protocol = Protocol::Tcp(Tcp::Sink);
        self
    }

    /// Does nothing by itself: the test takes each connection with [`Upstream::accept`], and
    /// reads and writes as slowly, and ends either direction, as it likes.
    pub fn by_hand(mut self) -> Self {
        self.protocol = Protocol::Tcp(Tcp::by_hand());
        self
    }

    /// About how many bytes the kernel takes in that nobody reads: few, to have a peer feel
    /// a slow reader soon.
    pub fn receive_buffer(mut self, bytes: usize) -> Self {
        self.receive_buffer = Some(bytes);
        self
    }

    /// The TLS versions it speaks: 1.2 to 1.3 unless told. Those before need
    /// [`Upstream::openssl`].
    pub fn tls_versions(mut self, min: TlsVersion, max: TlsVersion) -> Self {
        self.tls.versions = TlsVersions { min, max };
        self
    }

    /// The ciphers it speaks, in OpenSSL's names, with `:` between them: `AES256-SHA256` for
    /// TLS 1.2 and before, `TLS_AES_128_CCM_SHA256` for 1.3. Needs [`Upstream::openssl`].
    pub fn ciphers(mut self, names: &str) -> Self {
        self.tls.ciphers = Some(names.to_owned());
        self
    }

    /// Whether it asks for a client certificate. What it accepts is recorded.
    pub fn client_auth(mut self, client_auth: ClientAuth) -> Self {
        self.tls.client_auth = client_auth;
        self
    }

    /// The ALPN protocols it offers, in place of those that go with its kind.
    pub fn alpn(mut self, protocols: &[&str]) -> Self {
        self.alpn = Some(
            protocols
                .iter()
                .map(|name| name.as_bytes().to_vec())
                .collect(),
        );
        self
    }

    /// Staples this OCSP response (DER), whatever it says.
    pub fn staple(mut self, response: Vec<u8>) -> Self {
        self.tls.staple = Some(response);
        self
    }

    /// Every connection does a full handshake.
    pub fn no_resumption(mut self) -> Self {
        self.tls.resumption = false;
        self
    }

    /// Holds connections from the start, until [`Upstream::release`]: TCP connects, but
    /// nothing is read, so no handshake goes on.
    pub fn held(mut self) -> Self {
        self.held = true;
        self
    }

    /// Every connection fails like this.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// Closes a connection after that many answers.
    pub fn close_after(mut self, answers: u64) -> Self {
        self.close_after = Some(answers);
        self
    }

    /// Answers every request alike.
    pub fn respond(self, status: u16, body: impl Into<Vec<u8>>) -> Self {
        let reply = Reply::status(status).body(body);
        self.handler(move |_| reply.clone())
    }

    /// Chooses the answer to each request.
    pub fn handler(
        mut self,
        handler: impl Fn(&SeenRequest) -> Reply + Send + Sync + 'static,
    ) -> Self {
        self.handler = Arc::new(handler);
        self
    }

    /// Counts, but keeps no bytes and no requests: for load.
    pub fn counting_only(mut self) -> Self {
        self.keep = false;
        self
    }

    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// When rustls cannot serve the certificate's key or speak the versions or ciphers asked
    /// for, or `openssl` cannot do what it is asked to.
    pub async fn start(mut self) -> Result<Upstream> {
        self.check()?;
        self.tls.alpn = match (self.alpn.take(), &self.protocol) {
            (Some(asked), _) => asked,
            (None, Protocol::Http1) => vec![b"http/1.1".to_vec()],
            (None, Protocol::Http2) => vec![b"h2".to_vec()],
            (None, Protocol::HttpByAlpn) => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            (None, Protocol::Tcp(_)) => Vec::new(),
        };
        let tls = match &self.certificate {
            None => None,
            Some(certificate) => Some(Termination::new(self.backend, self.tls, certificate)?),
        };
        let shared = Arc::new(Shared {
            recorder: Arc::new(Recorder::new(self.keep)),
            handler: self.handler,
            protocol: self.protocol,
            fault: RwLock::new(self.fault),
            close_after: self.close_after,
            gate: Gate::new(!self.held),
            response_gate: Gate::new(true),
            hang_up: watch::Sender::new(0),
            tls,
        });
        let receive_buffer = self.receive_buffer;
        // Registered with the runtime that serves it, not with the caller's.
        let listener = {
            let _runtime = runtime().enter();
            std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                .and_then(|socket| {
                    if let Some(bytes) = receive_buffer {
                        // Those of the connections are made like it.
                        socket2::SockRef::from(&socket).set_recv_buffer_size(bytes)?;
                    }
                    socket.set_nonblocking(true)?;
                    TcpListener::from_std(socket)
                })
                .map_err(Error::io("listening on 127.0.0.1"))?
        };
        let addr: SocketAddr = listener.local_addr().map_err(Error::io("own address"))?;
        let task = spawn(serve::accept(listener, Arc::clone(&shared)));
        Ok(Upstream {
            addr,
            shared,
            _task: task,
        })
    }

    /// What the chosen backend cannot do.
    fn check(&self) -> Result<()> {
        let refused = match self.backend {
            Backend::Openssl if matches!(self.protocol, Protocol::HttpByAlpn) => {
                "openssl does not tell what ALPN agreed upon"
            }
            Backend::Openssl if self.tls.client_auth == ClientAuth::Refused => {
                "openssl closes before its alert is read"
            }
            Backend::Rustls if self.tls.ciphers.is_some() => {
                "rustls knows no cipher names; use `openssl()`"
            }
            _ => return Ok(()),
        };
        Err(Error::Tls(refused.into()))
    }
}
