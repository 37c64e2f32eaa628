//! One case: who asks, through which listener, for which server, and what
//! should come of it.

use hopguard_testbed::TlsVersion;
use hopguard_testbed::config::UpstreamTls;
use hopguard_testbed::pki::{Authority, Issued};
use hopguard_testbed::upstream::{ClientAuth, Fault, Upstream, UpstreamBuilder};

use crate::outcome::BY_ENVOY;
use crate::pki::HOST;

/// Which side of Envoy a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Client,
    Server,
}

/// How the client speaks.
pub enum Caller {
    Plaintext,
    /// TLS 1.2 or 1.3.
    Tls,
    /// The same, presenting this certificate; it has a name for its files.
    Certificate(&'static str, Issued),
    /// TLS 1.1.
    OldTls,
}

/// A server, and how Envoy is configured to speak with it.
pub struct Server {
    pub upstream: UpstreamBuilder,
    pub tls: Option<UpstreamTls>,
}

/// What should come of a case.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    pub status: u16,
    pub verdict: &'static str,
    /// Whether the request reaches the server.
    pub arrives: bool,
    pub cause: Option<&'static str>,
}

/// One line of the table.
pub struct Case {
    pub side: Side,
    pub words: &'static str,
    pub control: &'static str,
    pub listener: &'static str,
    pub caller: Caller,
    pub header: Option<(&'static str, &'static str)>,
    /// The cluster's name, where the policy matches it.
    pub cluster: Option<&'static str>,
    /// Empty: one that nothing is wrong with.
    pub servers: Vec<Server>,
    /// The one of them that the request goes to.
    pub endpoint: usize,
    pub expected: Expected,
}

/// A case about the client; the server is one that nothing is wrong with.
pub fn client(words: &'static str, control: &'static str) -> Case {
    Case {
        caller: Caller::Plaintext,
        ..case(Side::Client, words, control)
    }
}

/// A case about the server; the client is one that nothing is wrong with.
pub fn server(words: &'static str, control: &'static str) -> Case {
    case(Side::Server, words, control)
}

fn case(side: Side, words: &'static str, control: &'static str) -> Case {
    Case {
        side,
        words,
        control,
        listener: "public",
        caller: Caller::Tls,
        header: None,
        cluster: None,
        servers: Vec::new(),
        endpoint: 0,
        expected: ALLOWED,
    }
}

const ALLOWED: Expected = Expected {
    status: 200,
    verdict: "permit",
    arrives: true,
    cause: None,
};

impl Case {
    pub fn at(mut self, listener: &'static str) -> Self {
        self.listener = listener;
        self
    }

    pub fn tls(mut self) -> Self {
        self.caller = Caller::Tls;
        self
    }

    pub fn old_tls(mut self) -> Self {
        self.caller = Caller::OldTls;
        self
    }

    pub fn certificate(mut self, name: &'static str, certificate: Issued) -> Self {
        self.caller = Caller::Certificate(name, certificate);
        self
    }

    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    pub fn cluster<const N: usize>(mut self, name: &'static str, servers: [Server; N]) -> Self {
        self.cluster = Some(name);
        self.servers = servers.into();
        self
    }

    pub fn sends_to_endpoint(mut self, index: usize) -> Self {
        self.endpoint = index;
        self
    }

    /// The request arrives, and nothing is said of it.
    pub fn allowed(mut self) -> Self {
        self.expected = ALLOWED;
        self
    }

    /// The client gets hopguard's answer, the server not a byte.
    pub fn denied(mut self, cause: &'static str) -> Self {
        self.expected = Expected {
            status: match self.side {
                Side::Client => 403,
                Side::Server => 503,
            },
            verdict: "deny",
            arrives: false,
            cause: Some(cause),
        };
        self
    }

    /// The request arrives, and the event says that it would not have.
    pub fn reported(mut self, cause: &'static str) -> Self {
        self.expected = Expected {
            verdict: "would_deny",
            cause: Some(cause),
            ..ALLOWED
        };
        self
    }

    /// The request arrives by a waiver.
    pub fn waived(mut self) -> Self {
        self.expected = Expected {
            verdict: "waived",
            ..ALLOWED
        };
        self
    }

    /// An event says this besides.
    pub fn event(mut self, cause: &'static str) -> Self {
        self.expected.cause = Some(cause);
        self
    }

    /// Envoy itself finds no way to the server, and an event says so.
    pub fn failed(mut self, cause: &'static str) -> Self {
        self.expected = Expected {
            status: 503,
            verdict: BY_ENVOY,
            arrives: false,
            cause: Some(cause),
        };
        self
    }
}

impl Server {
    pub fn plaintext() -> Self {
        Self {
            upstream: Upstream::plaintext(),
            tls: None,
        }
    }

    /// Presents this certificate. Envoy is told to verify nothing, its default.
    pub fn tls(certificate: &Issued) -> Self {
        Self {
            upstream: Upstream::tls(certificate),
            tls: Some(UpstreamTls::new().sni(HOST)),
        }
    }

    /// The same with these versions, which only `openssl` still speaks.
    pub fn openssl(certificate: &Issued, min: TlsVersion, max: TlsVersion) -> Self {
        Self {
            upstream: Upstream::openssl(certificate).tls_versions(min, max),
            tls: Some(
                UpstreamTls::new()
                    .sni(HOST)
                    .tls_versions(min, TlsVersion::V1_3),
            ),
        }
    }

    pub fn demands(mut self, client_auth: ClientAuth) -> Self {
        self.upstream = self.upstream.client_auth(client_auth);
        self
    }

    pub fn presenting(mut self, certificate: &Issued) -> Self {
        self.tls = self.tls.map(|tls| tls.certificate(certificate));
        self
    }

    pub fn breaks_off(mut self, fault: Fault) -> Self {
        self.upstream = self.upstream.fault(fault);
        self
    }

    pub fn speaks_only(mut self, version: TlsVersion) -> Self {
        self.upstream = self.upstream.tls_versions(version, version);
        self
    }

    pub fn envoy_trusts(mut self, authority: &Authority) -> Self {
        self.tls = self.tls.map(|tls| tls.trusted_ca(authority));
        self
    }
}
