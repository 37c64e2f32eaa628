//! Tables of upstreams: one Envoy, and for each row a cluster, a server with a
//! certificate of its own, a rule about it, and what must come of it.

use hopguard_testbed::TlsVersion;
use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener, Route, UpstreamTls, Wasm};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::{Issued, Pki};
use hopguard_testbed::upstream::{Upstream, UpstreamBuilder};
use serde_json::{Value, json};

use super::{ACCESS_LOG, exactly_events, gist, merge, plugin, policy};

/// What must come of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The upstream gets it.
    Served,
    /// The rule denies it for this cause, and for no other besides.
    Denied(&'static str),
    /// Envoy's own TLS, or the peer's, ends the handshake: hopguard has nothing
    /// to judge, and tells of the failure with this code.
    NoHandshake(&'static str),
}

/// The control that a cause belongs to.
pub fn control_of(cause: &str) -> &'static str {
    match cause {
        "client_certificate_missing" | "credential_missing" => "V9.2.3",
        "plaintext" | "tls_version_too_old" => "V9.2.2",
        cause if is_failure(cause) => "V9.2.5",
        _ => "V9.2.1",
    }
}

/// Whether a code is one of a failed connection.
fn is_failure(cause: &str) -> bool {
    cause.starts_with("connection_") || cause.starts_with("tls_") && cause != "tls_version_too_old"
}

/// One row.
pub struct Row {
    name: String,
    certificate: Option<Issued>,
    server: UpstreamBuilder,
    tls: Option<UpstreamTls>,
    cluster: fn(Cluster) -> Cluster,
    stores: Vec<Value>,
    peer: Value,
    require: Value,
    has_rule: bool,
    route: Value,
    action: Value,
    asks: Vec<(Request, Outcome)>,
    outcome: Outcome,
}

/// Towards `api.test`, in TLS 1.2 and 1.3, with every kind of key.
pub fn any_key() -> UpstreamTls {
    UpstreamTls::new()
        .sni("api.test")
        .tls_versions(TlsVersion::V1_2, TlsVersion::V1_3)
        .every_key()
}

impl Row {
    /// A server with this certificate, that the rule wants to be trusted by the
    /// store `ca` and to be named `api.test`.
    pub fn new(name: &str, certificate: &Issued) -> Self {
        Self {
            certificate: Some(certificate.clone()),
            ..Self::of(name, Upstream::tls(certificate), Some(any_key()))
        }
    }

    /// Like `new`, for certificates that rustls does not serve.
    pub fn openssl(name: &str, certificate: &Issued) -> Self {
        Self {
            certificate: Some(certificate.clone()),
            ..Self::of(name, Upstream::openssl(certificate), Some(any_key()))
        }
    }

    /// A server without TLS.
    pub fn plaintext(name: &str) -> Self {
        Self::of(name, Upstream::plaintext(), None)
    }

    fn of(name: &str, server: UpstreamBuilder, tls: Option<UpstreamTls>) -> Self {
        Self {
            name: name.to_owned(),
            certificate: None,
            server,
            tls,
            cluster: |cluster| cluster,
            stores: Vec::new(),
            peer: json!({ "names": { "dns": ["api.test"] } }),
            require: json!({}),
            has_rule: true,
            route: json!({}),
            action: json!({}),
            asks: Vec::new(),
            outcome: Outcome::Served,
        }
    }

    /// Trusts this store in place of `ca`; more than once: any of these.
    pub fn store(mut self, fields: Value) -> Self {
        self.stores.push(fields);
        self
    }

    /// Changes the server.
    pub fn server(mut self, change: impl FnOnce(UpstreamBuilder) -> UpstreamBuilder) -> Self {
        self.server = change(self.server);
        self
    }

    /// Changes Envoy's side of the handshake.
    pub fn tls(mut self, tls: UpstreamTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Changes the cluster.
    pub fn cluster(mut self, change: fn(Cluster) -> Cluster) -> Self {
        self.cluster = change;
        self
    }

    /// No rule is about this server, so that the strict default is.
    pub fn without_rule(mut self) -> Self {
        self.has_rule = false;
        self
    }

    /// The rule demands no certificate of its own, so that the default's demand
    /// holds.
    pub fn undemanding(mut self) -> Self {
        self.peer = Value::Null;
        self
    }

    /// Sets `names` of the peer's certificate.
    pub fn names(self, names: Value) -> Self {
        self.peer(json!({ "names": names }))
    }

    /// Any name will do.
    pub fn any_name(self) -> Self {
        self.names(json!("any"))
    }

    /// Sets fields of `peer_certificate`.
    pub fn peer(mut self, fields: Value) -> Self {
        merge(&mut self.peer, fields);
        self
    }

    /// Sets fields of `require`.
    pub fn require(mut self, fields: Value) -> Self {
        merge(&mut self.require, fields);
        self
    }

    /// Sets fields of the route.
    pub fn route(mut self, fields: Value) -> Self {
        self.route = fields;
        self
    }

    /// Sets fields of the route's action.
    pub fn action(mut self, fields: Value) -> Self {
        self.action = fields;
        self
    }

    /// What must come of it; `Served` unless told.
    pub fn denied(mut self, cause: &'static str) -> Self {
        self.outcome = Outcome::Denied(cause);
        self
    }

    /// What must come of it; `Served` unless told.
    pub fn no_handshake(mut self, cause: &'static str) -> Self {
        self.outcome = Outcome::NoHandshake(cause);
        self
    }

    /// In place of two ordinary requests (one on a new connection, one on
    /// whatever the first one left): this one, changed like this, and others
    /// that are added so. Says what must come of it.
    pub fn ask(mut self, change: impl FnOnce(Request) -> Request, outcome: Outcome) -> Self {
        let request = Request::post(&format!("/{}", self.name), body(outcome));
        self.asks.push((change(request), outcome));
        self
    }

    fn rule(&self) -> Value {
        let stores: Vec<_> = match self.stores.len() {
            0 => vec!["ca".to_owned()],
            count => (0..count).map(|n| format!("{}-{n}", self.name)).collect(),
        };
        let mut require = self.require.clone();
        if !self.peer.is_null() {
            let mut peer = self.peer.clone();
            peer["trust_stores"] = json!(stores);
            if peer["names"].is_null() {
                peer.as_object_mut().unwrap().remove("names");
            }
            require["peer_certificate"] = peer;
        }
        json!({ "name": self.name, "match": { "clusters": [self.name] }, "require": require })
    }

    fn named_stores(&self) -> impl Iterator<Item = Value> {
        self.stores.iter().enumerate().map(|(n, fields)| {
            let mut store = fields.clone();
            store["name"] = json!(format!("{}-{n}", self.name));
            store
        })
    }
}

fn body(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Served => "for the upstream",
        Outcome::Denied(_) | Outcome::NoHandshake(_) => "a secret",
    }
}

/// Where and how a table is walked through.
pub struct Table {
    rows: Vec<Row>,
    policy: Value,
    version: Option<String>,
    plugin: Box<dyn Fn(Wasm) -> Wasm>,
}

impl Table {
    /// Rows about the certificates of this PKI.
    pub fn new(pki: &Pki, rows: impl IntoIterator<Item = Row>) -> Self {
        Self {
            rows: rows.into_iter().collect(),
            policy: policy(pki, json!({})),
            version: None,
            plugin: Box::new(|wasm| wasm),
        }
    }

    /// In this version of Envoy.
    pub fn version(mut self, version: &str) -> Self {
        self.version = Some(version.to_owned());
        self
    }

    /// With this change to the plugin's configuration.
    pub fn plugin(mut self, change: impl Fn(Wasm) -> Wasm + 'static) -> Self {
        self.plugin = Box::new(change);
        self
    }

    /// With these fields in the policy besides.
    pub fn policy(mut self, fields: Value) -> Self {
        merge(&mut self.policy, fields);
        self
    }

    /// Asks every row and asserts what came of it: the status, what the server
    /// received, and exactly the events that there had to be.
    pub async fn walk(self) -> Envoy {
        let Self {
            rows,
            mut policy,
            version,
            plugin: change,
        } = self;
        let stores = rows.iter().flat_map(Row::named_stores);
        policy["trust_stores"]
            .as_array_mut()
            .unwrap()
            .extend(stores);
        policy["upstream"] = rows.iter().filter(|r| r.has_rule).map(Row::rule).collect();
        let guard = change(plugin("upstream", &policy)).http_filter();
        let mut running = Vec::new();
        let mut listener = HttpListener::new("front").access_log(ACCESS_LOG);
        let mut bootstrap = Bootstrap::new();
        for row in rows {
            let server = row.server.start().await.unwrap();
            let mut cluster = Cluster::new(&row.name).endpoint(server.addr());
            if let Some(tls) = row.tls {
                cluster = cluster.tls(tls);
            }
            let cluster = (row.cluster)(cluster.filter(guard.clone()));
            bootstrap = bootstrap.cluster(cluster);
            let mut fields = row.route;
            fields["match"] = json!({ "path_separated_prefix": format!("/{}", row.name) });
            let route = Route::all(&row.name).option(row.action);
            listener = listener.route(route.patch(move |route| merge(route, fields.clone())));
            let asks = match row.asks.len() {
                0 => {
                    let path = format!("/{}", row.name);
                    let ask = (Request::post(&path, body(row.outcome)), row.outcome);
                    vec![ask.clone(), ask]
                }
                _ => row.asks,
            };
            let rule = if row.has_rule {
                row.name.clone()
            } else {
                "default".to_owned()
            };
            running.push((row.name, rule, row.certificate, server, asks));
        }
        let mut envoy = Envoy::builder().config(bootstrap.http(listener));
        if let Some(version) = version {
            envoy = envoy.version(&version);
        }
        let envoy = envoy.start().await.unwrap();
        let client = Client::plaintext(envoy.listener("front").await.unwrap());

        let mut findings = Vec::new();
        for (name, rule, certificate, server, asks) in &running {
            let mut served = 0;
            for (number, (request, outcome)) in asks.iter().enumerate() {
                let response = client.send(request.clone()).await.unwrap();
                let status = match outcome {
                    Outcome::Served => 200,
                    Outcome::Denied(_) | Outcome::NoHandshake(_) => 503,
                };
                let case = format!("{name}, request {number}");
                assert_eq!(response.status, status, "{case}: {}", response.text());
                served += usize::from(*outcome == Outcome::Served);
                assert_eq!(server.requests().len(), served, "{case}");
                findings.extend(match outcome {
                    Outcome::Served => None,
                    Outcome::Denied(cause) => Some((case, name, rule, certificate, *cause)),
                    Outcome::NoHandshake(cause) => Some((case, name, rule, &None, *cause)),
                });
            }
        }

        let events = exactly_events(&envoy, findings.len()).await;
        for (event, (case, name, rule, certificate, cause)) in events.iter().zip(&findings) {
            let kind = match *cause {
                cause if is_failure(cause) => "hopguard.tls_failure",
                _ => "hopguard.denied",
            };
            let expected = [kind, cause, control_of(cause), rule];
            assert_eq!(gist(event), expected, "{case}: {event}");
            assert_eq!(event["hopguard.cluster"], **name, "{case}");
            let others: Vec<_> = event["hopguard.findings"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|other| other["cause"].as_str().unwrap())
                .collect();
            let expected: &[&str] = match *cause {
                "plaintext" => &["certificate_missing"],
                _ => &[],
            };
            assert_eq!(others, expected, "{case}: {event}");
            if let Some(certificate) = certificate {
                let sha256 = certificate.sha256_hex().to_uppercase();
                assert_eq!(event["tls.server.hash.sha256"], sha256, "{case}");
            }
        }
        // By now also what came late.
        for (name, _, _, server, asks) in &running {
            let received = server.received();
            let received = String::from_utf8_lossy(&received);
            let served = asks.iter().filter(|(_, o)| *o == Outcome::Served).count();
            assert!(!received.contains("secret"), "{name}");
            assert_eq!(server.requests().len(), served, "{name}");
            assert_eq!(received.is_empty(), served == 0, "{name}");
        }
        envoy
    }
}
