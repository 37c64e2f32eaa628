//! Servers that no connection comes up to, or that end it right after: each in
//! its way, with the code and Envoy's words for it.
//!
//! Of the rows of `decision::tls_failure::TABLE` that have no server here:
//! - `PEER_DID_NOT_RETURN_A_CERTIFICATE`, `HTTP_REQUEST`, `HTTPS_PROXY_REQUEST`,
//!   `NO_SHARED_CIPHER`, `NO_SHARED_GROUP` and `DECRYPTION_FAILED_OR_BAD_RECORD_MAC`
//!   are what Envoy says of clients (`failures/inbound.rs`); `BAD_PACKET_LENGTH`
//!   comes only before the last of them;
//! - `delayed connect error: Connection reset by peer` is a race
//!   (`failures/races.rs`), and so is `Broken pipe`, with and without it;
//! - other delayed connect errors need a network with a router that refuses;
//! - `unable to get issuer certificate` and `unable to verify the first
//!   certificate` do not come where partial chains are allowed, as in Envoy;
//! - `verify SAN list` is of a setting that Envoy 1.36 no longer has;
//! - the words of revocation without a prefix are those of Envoy 1.37
//!   (`failures/versions.rs`).

mod alerts;
mod certificates;
mod handshakes;

pub use alerts::alerts;
pub use certificates::refused;
pub use handshakes::{broken, ending};

use hopguard_testbed::config::{Cluster, UpstreamTls};
use hopguard_testbed::pki::Issued;
use hopguard_testbed::upstream::{FullBacklog, Upstream, UpstreamBuilder};
use serde_json::{Value, json};
use tokio::net::TcpSocket;

/// A socket file that is not there.
const NOWHERE: &str = "/nonexistent";

/// What must be told of a failure: the code, and Envoy's words (part of them;
/// none where empty).
pub type Told = (&'static str, &'static str);

/// How a failure differs in an older Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Older {
    Same,
    /// A certificate that Envoy refuses: 1.36 never says why.
    Refused {
        /// The words of 1.37, if others.
        in_1_37: &'static str,
    },
}

/// A server, and how a connection to it fails.
pub struct Failing {
    /// Of the cluster, too.
    pub name: &'static str,
    told: Told,
    older: Older,
    /// Over TCP, where it is another. `None`: nothing is told.
    over_tcp: Option<Option<Told>>,
    /// The handshake is complete before the connection ends: the event has what
    /// it shows, and a request may have been let through.
    pub connects: bool,
    cluster: Cluster,
    server: Server,
}

/// What lives as long as the row.
enum Server {
    Upstream(Upstream),
    Backlog(FullBacklog),
    Nobody(TcpSocket),
    None,
}

impl Failing {
    fn new(name: &'static str, told: Told, server: Server, cluster: Cluster) -> Self {
        let cluster = cluster.merge(json!({
            "name": name, "load_assignment": { "cluster_name": name },
        }));
        Self {
            name,
            told,
            older: Older::Same,
            over_tcp: None,
            connects: false,
            cluster,
            server,
        }
    }

    async fn of(
        name: &'static str,
        told: Told,
        server: UpstreamBuilder,
        tls: &UpstreamTls,
    ) -> Self {
        let server = server.start().await.unwrap();
        let cluster = Cluster::new("").endpoint(server.addr()).tls(tls.clone());
        Self::new(name, told, Server::Upstream(server), cluster)
    }

    /// A server whose certificate Envoy refuses.
    async fn refused(
        name: &'static str,
        (code, words): Told,
        certificate: &Issued,
        tls: &UpstreamTls,
    ) -> Self {
        Self {
            older: Older::Refused { in_1_37: words },
            ..Self::of(name, (code, words), Upstream::tls(certificate), tls).await
        }
    }

    fn in_1_37(mut self, words: &'static str) -> Self {
        self.older = Older::Refused { in_1_37: words };
        self
    }

    fn over_tcp(mut self, told: Option<Told>) -> Self {
        self.over_tcp = Some(told);
        self
    }

    fn cluster_with(mut self, change: impl FnOnce(Cluster) -> Cluster) -> Self {
        self.cluster = change(self.cluster);
        self
    }

    /// Its cluster.
    pub fn cluster(&self) -> Cluster {
        self.cluster.clone()
    }

    /// What must be told of it, of a request in this Envoy.
    pub fn told(&self, version: &str) -> Told {
        match self.older {
            Older::Refused { .. } if version.starts_with("1.36.") => (
                "tls_certificate_refused",
                "CERTIFICATE_VERIFY_FAILED:TLS_error_end",
            ),
            Older::Refused { in_1_37 } if version.starts_with("1.37.") => (self.told.0, in_1_37),
            Older::Refused { .. } | Older::Same => self.told,
        }
    }

    /// What must be told of it, of a TCP connection.
    pub fn told_over_tcp(&self, version: &str) -> Option<Told> {
        self.over_tcp.unwrap_or_else(|| Some(self.told(version)))
    }

    /// The event names the server.
    pub fn assert_address(&self, event: &Value) {
        let name = self.name;
        let address = match &self.server {
            Server::Upstream(server) => server.addr(),
            Server::Backlog(backlog) => backlog.addr(),
            Server::Nobody(socket) => socket.local_addr().unwrap(),
            Server::None => {
                assert_eq!(event["network.peer.address"], NOWHERE, "{name}: {event:#}");
                return;
            }
        };
        assert_eq!(
            event["network.peer.address"],
            address.ip().to_string(),
            "{name}: {event:#}"
        );
        assert_eq!(
            event["network.peer.port"],
            address.port(),
            "{name}: {event:#}"
        );
    }

    /// Nothing of the application has come to it.
    pub fn assert_nothing_received(&self) {
        if let Server::Upstream(server) = &self.server {
            assert!(server.requests().is_empty(), "{}", self.name);
            if server.handshakes() > 0 && !self.connects {
                assert_eq!(server.received(), b"", "{}", self.name);
            }
        }
    }
}

/// Towards `api.test`, with Envoy's defaults.
pub fn tls() -> UpstreamTls {
    UpstreamTls::new().sni("api.test")
}
