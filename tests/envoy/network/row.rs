//! A row of a table: a listener, a cluster behind it, a server, rules about
//! both hops, and a client that comes.

use std::net::SocketAddr;

use hopguard_testbed::client::{Client, Tail};
use hopguard_testbed::config::{Cluster, DownstreamTls, TcpListener, UpstreamTls};
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::{Seen, Upstream, UpstreamBuilder};
use serde_json::{Value, json};

use super::outcome::{Outcome, Side};
use super::waive_plaintext;
use crate::support::merge;

/// What a server says where it speaks first.
const BANNER: &[u8] = b"220 ready\r\n";
/// What a client says.
const SECRET: &[u8] = b"a secret";

/// One row.
pub struct Row {
    pub name: String,
    door: Option<DownstreamTls>,
    listener: Box<dyn Fn(TcpListener) -> TcpListener>,
    server: UpstreamBuilder,
    speaks_first: bool,
    tls: Option<UpstreamTls>,
    client: Box<dyn Fn(SocketAddr) -> Client>,
    downstream: Value,
    upstream: Value,
    pub outcome: Outcome,
    pub fields: Value,
}

/// Who the servers and listeners of a table are.
pub struct Cast<'a>(pub &'a Pki);

impl Cast<'_> {
    /// A client of TLS without a certificate, a listener of TLS, and a server
    /// named `api.test` that the default trusts. Bytes pass.
    pub fn row(&self, name: &str) -> Row {
        let Self(pki) = self;
        let certificate = pki.server("api.test").issue();
        Row {
            name: name.to_owned(),
            door: Some(DownstreamTls::new(&certificate)),
            listener: Box::new(|listener| listener),
            server: Upstream::tls(&certificate),
            speaks_first: false,
            tls: Some(UpstreamTls::new().sni("api.test")),
            client: Box::new(Client::tls),
            downstream: Value::Null,
            upstream: Value::Null,
            outcome: Outcome::Served("permit"),
            fields: json!({}),
        }
    }
}

impl Row {
    /// Changes the listener's TLS.
    pub fn door(mut self, change: impl FnOnce(DownstreamTls) -> DownstreamTls) -> Self {
        self.door = self.door.map(change);
        self
    }

    /// Neither the listener nor the client speaks TLS, and that is waived.
    pub fn plaintext_client(mut self) -> Self {
        self.door = None;
        self.client = Box::new(Client::plaintext);
        if self.outcome == Outcome::Served("permit") {
            self.outcome = Outcome::Served("waived");
        }
        self.downstream(json!({ "waive": waive_plaintext() }))
    }

    /// Changes the listener.
    pub fn listener(mut self, change: impl Fn(TcpListener) -> TcpListener + 'static) -> Self {
        self.listener = Box::new(change);
        self
    }

    /// Another client.
    pub fn client(mut self, client: impl Fn(SocketAddr) -> Client + 'static) -> Self {
        self.client = Box::new(client);
        self
    }

    /// Another server.
    pub fn server(mut self, server: UpstreamBuilder) -> Self {
        self.server = server;
        self
    }

    /// The server speaks before the client does.
    pub fn server_first(mut self) -> Self {
        self.speaks_first = true;
        self
    }

    /// Another TLS of the cluster, or none.
    pub fn tls(mut self, tls: impl Into<Option<UpstreamTls>>) -> Self {
        self.tls = tls.into();
        self
    }

    /// A rule with these fields about the listener's filter chain.
    pub fn downstream(mut self, rule: Value) -> Self {
        self.downstream = rule;
        self
    }

    /// A rule with these fields about the cluster.
    pub fn upstream(mut self, rule: Value) -> Self {
        self.upstream = rule;
        self
    }

    /// What must come of it; by default, bytes pass.
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// Bytes pass, without a waiver.
    pub fn permits(self) -> Self {
        self.outcome(Outcome::Served("permit"))
    }

    /// The client's hop is denied.
    pub fn denies_client(self, cause: &'static str) -> Self {
        self.outcome(Outcome::Denied(Side::Client, cause))
    }

    /// The server's hop is denied.
    pub fn denies_server(self, cause: &'static str) -> Self {
        self.outcome(Outcome::Denied(Side::Server, cause))
    }

    /// Fields that the event must have besides those that all have.
    pub fn fields(mut self, fields: Value) -> Self {
        merge(&mut self.fields, fields);
        self
    }

    /// Its rule about this side.
    pub fn rule(&self, side: Side) -> Option<Value> {
        let (fields, matches) = match side {
            Side::Client => (&self.downstream, "filter_chains"),
            Side::Server => (&self.upstream, "clusters"),
        };
        let mut rule = fields.as_object()?.clone();
        rule.insert("name".into(), json!(self.name));
        rule.entry("match")
            .or_insert_with(|| json!({ matches: [self.name] }));
        Some(Value::Object(rule))
    }

    /// Its server, begun.
    pub async fn start(&mut self) -> Upstream {
        let server = std::mem::replace(&mut self.server, Upstream::plaintext());
        let server = match self.speaks_first {
            true => server.tcp_banner(BANNER),
            false => server.tcp_echo(),
        };
        server.start().await.unwrap()
    }

    /// The cluster of its server.
    pub fn cluster(&self, server: &Upstream) -> Cluster {
        let cluster = Cluster::new(&self.name).endpoint(server.addr());
        match &self.tls {
            Some(tls) => cluster.tls(tls.clone()),
            None => cluster,
        }
    }

    /// Its listener, but for the guard.
    pub fn door_to_cluster(&self) -> TcpListener {
        let listener = TcpListener::new(&self.name, &self.name);
        (self.listener)(match &self.door {
            Some(door) => listener.tls(door.clone()),
            None => listener,
        })
    }

    /// Asserts what its server got: also where Envoy passes TLS on unopened.
    pub fn check_received(&self, seen: &Seen) {
        let name = &self.name;
        if let Outcome::NoHandshake(Side::Server, _) = self.outcome {
            let raw = seen.raw();
            assert!(!raw.windows(SECRET.len()).any(|w| w == SECRET), "{name}");
            return;
        }
        match (self.outcome.is_served(), &self.tls) {
            (true, _) => assert_eq!(seen.application(), SECRET, "{name}"),
            (false, Some(_)) => assert_eq!(seen.application(), b"", "{name}"),
            (false, None) => assert_eq!(seen.raw(), b"", "{name}"),
        }
    }

    /// The client comes: asserts what it gets.
    pub async fn visit(&self, door: SocketAddr) {
        let name = &self.name;
        let mut connection = match (self.client)(door).raw().await {
            Ok(connection) => connection,
            Err(error) => {
                // Its end may overtake that of the handshake.
                assert!(!self.outcome.is_served(), "{name}: {error}");
                return;
            }
        };
        if self.outcome.is_served() {
            if self.speaks_first {
                let banner = connection.read_exact(BANNER.len()).await;
                assert_eq!(banner.unwrap(), BANNER, "{name}");
            }
            connection.write(SECRET).await.unwrap();
            let echo = connection.read_exact(SECRET.len()).await;
            assert_eq!(echo.unwrap(), SECRET, "{name}");
            return;
        }
        if !self.speaks_first {
            // It may be closed by now.
            let _ = connection.write(SECRET).await;
        }
        if let Ok(Tail { mut bytes, .. }) = connection.read_to_end().await {
            if self.outcome == Outcome::NoHandshake(Side::Client, "tls_plaintext_peer") {
                // Envoy's alert, to a client that does not know what that is.
                assert_eq!(bytes.drain(..7).next(), Some(21), "{name}");
            }
            assert_eq!(bytes, b"", "{name}");
        }
    }

    /// The rule that its hop of this side is judged by.
    pub fn rule_name(&self, side: Side) -> &str {
        let fields = match side {
            Side::Client => &self.downstream,
            Side::Server => &self.upstream,
        };
        if fields.is_null() {
            "default"
        } else {
            &self.name
        }
    }
}
