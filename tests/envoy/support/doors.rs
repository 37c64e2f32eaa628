//! Tables of clients: one Envoy, a listener for each rule, and clients that
//! come to it with what they have.

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{Bootstrap, Cluster, DownstreamTls, HttpListener, Route};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::{Issued, Pki};
use hopguard_testbed::upstream::Upstream;
use serde_json::{Value, json};

use super::table::{Outcome, control_of};
use super::{ACCESS_LOG, exactly_events, filter, gist, merge, policy};

/// A listener, the rule about it, and who comes.
pub struct Door {
    name: String,
    listener: HttpListener,
    tls: fn(DownstreamTls) -> DownstreamTls,
    stores: Vec<Value>,
    peer: Value,
    visits: Vec<Visit>,
}

/// A client, and what must come of its requests.
pub struct Visit {
    name: String,
    certificate: Option<Issued>,
    openssl: bool,
    headers: Vec<(&'static str, Vec<u8>)>,
    outcome: Outcome,
}

impl Door {
    /// A listener that asks clients for certificates and takes any, also none;
    /// its rule wants one that the store `ca` vouches for, with any name.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            listener: HttpListener::new(name),
            tls: DownstreamTls::accept_any_client,
            stores: Vec::new(),
            peer: json!({ "names": "any" }),
            visits: Vec::new(),
        }
    }

    /// Changes the listener.
    pub fn listener(mut self, change: impl FnOnce(HttpListener) -> HttpListener) -> Self {
        self.listener = change(self.listener);
        self
    }

    /// Changes what Envoy itself demands of clients.
    pub fn tls(mut self, change: fn(DownstreamTls) -> DownstreamTls) -> Self {
        self.tls = change;
        self
    }

    /// Trusts this store in place of `ca`; more than once: any of these.
    pub fn store(mut self, fields: Value) -> Self {
        self.stores.push(fields);
        self
    }

    /// Sets fields of `peer_certificate`.
    pub fn peer(mut self, fields: Value) -> Self {
        merge(&mut self.peer, fields);
        self
    }

    /// Sets `names` of `peer_certificate`.
    pub fn names(self, names: Value) -> Self {
        self.peer(json!({ "names": names }))
    }

    /// A client with this certificate that must be served.
    pub fn serves(self, name: &str, certificate: &Issued) -> Self {
        self.visit(Visit::new(name).certificate(certificate))
    }

    /// A client with this certificate that must be denied for this cause.
    pub fn denies(self, name: &str, certificate: &Issued, cause: &'static str) -> Self {
        self.visit(Visit::new(name).certificate(certificate).denied(cause))
    }

    /// Any client.
    pub fn visit(mut self, visit: Visit) -> Self {
        self.visits.push(visit);
        self
    }

    fn rule(&self) -> Value {
        let stores: Vec<_> = match self.stores.len() {
            0 => vec!["ca".to_owned()],
            count => (0..count).map(|n| format!("{}-{n}", self.name)).collect(),
        };
        let mut peer = self.peer.clone();
        peer["trust_stores"] = json!(stores);
        json!({
            "name": self.name,
            "match": { "filter_chains": [self.name] },
            "require": { "peer_certificate": peer },
        })
    }

    fn named_stores(&self) -> impl Iterator<Item = Value> {
        self.stores.iter().enumerate().map(|(n, fields)| {
            let mut store = fields.clone();
            store["name"] = json!(format!("{}-{n}", self.name));
            store
        })
    }
}

impl Visit {
    /// A client without a certificate that must be served.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            certificate: None,
            openssl: false,
            headers: Vec::new(),
            outcome: Outcome::Served,
        }
    }

    /// It has this certificate.
    pub fn certificate(mut self, certificate: &Issued) -> Self {
        self.certificate = Some(certificate.clone());
        self
    }

    /// It is one that uses keys which rustls cannot.
    pub fn openssl(mut self) -> Self {
        self.openssl = true;
        self
    }

    /// It sends this header.
    pub fn header(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name, value.as_ref().to_vec()));
        self
    }

    /// It must be denied for this cause.
    pub fn denied(mut self, cause: &'static str) -> Self {
        self.outcome = Outcome::Denied(cause);
        self
    }

    /// Envoy must refuse it before it is a client.
    pub fn no_handshake(mut self) -> Self {
        self.outcome = Outcome::NoHandshake("");
        self
    }
}

/// Lets everybody come, and asserts what came of it: the status, what the
/// upstream received, and exactly the events that there had to be. Each client
/// sends two requests on a connection.
pub async fn visit(
    pki: &Pki,
    doors: impl IntoIterator<Item = Door>,
    version: Option<&str>,
) -> Envoy {
    let doors: Vec<_> = doors.into_iter().collect();
    let mut policy = policy(pki, json!({}));
    let stores = doors.iter().flat_map(Door::named_stores);
    policy["trust_stores"]
        .as_array_mut()
        .unwrap()
        .extend(stores);
    policy["downstream"] = doors.iter().map(Door::rule).collect();
    let guard = filter("downstream", &policy);
    let server = pki.server("api.test").issue();
    let upstream = Upstream::plaintext().start().await.unwrap();
    let mut bootstrap = Bootstrap::new().cluster(Cluster::new("backend").endpoint(upstream.addr()));
    let mut visits = Vec::new();
    for door in doors {
        bootstrap = bootstrap.http(
            door.listener
                .tls((door.tls)(DownstreamTls::new(&server)))
                .access_log(ACCESS_LOG)
                .filter(guard.clone())
                .route(Route::all("backend")),
        );
        let name = door.name;
        visits.extend(door.visits.into_iter().map(|visit| (name.clone(), visit)));
    }
    let mut envoy = Envoy::builder().config(bootstrap);
    if let Some(version) = version {
        envoy = envoy.version(version);
    }
    let envoy = envoy.start().await.unwrap();

    let mut served = Vec::new();
    let mut denied = Vec::new();
    for (door, visit) in &visits {
        let address = envoy.listener(door).await.unwrap();
        let mut client = if visit.openssl {
            Client::openssl(address)
        } else {
            Client::tls(address)
        };
        if let Some(certificate) = &visit.certificate {
            client = client.certificate(certificate);
        }
        let path = format!("/{door}/{}", visit.name);
        let mut request = Request::get(&path);
        for (name, value) in &visit.headers {
            request = request.header(name, value);
        }
        if matches!(visit.outcome, Outcome::NoHandshake(_)) {
            assert!(client.send(request).await.is_err(), "{path}");
            continue;
        }
        let connection = client.connect().await.unwrap();
        for _ in 0..2 {
            let response = connection.send(request.clone()).await.unwrap();
            match visit.outcome {
                Outcome::Denied(cause) => {
                    assert_eq!(response.status, 403, "{path}: {}", response.text());
                    denied.push((path.clone(), door, &visit.certificate, cause));
                }
                _ => {
                    assert_eq!(response.status, 200, "{path}: {}", response.text());
                    served.push(path.clone());
                }
            }
        }
    }

    let events = exactly_events(&envoy, denied.len()).await;
    for (event, (path, door, certificate, cause)) in events.iter().zip(denied) {
        let expected = ["hopguard.denied", cause, control_of(cause), door];
        assert_eq!(gist(event), expected, "{path}: {event}");
        assert_eq!(event["hopguard.filter_chain"], **door, "{path}");
        assert!(event["hopguard.findings"].is_null(), "{path}: {event}");
        if let Some(certificate) = certificate.as_ref().filter(|_| cause != MISSING) {
            let sha256 = certificate.sha256_hex().to_uppercase();
            assert_eq!(event["tls.client.hash.sha256"], sha256, "{path}");
        }
    }
    let paths: Vec<_> = upstream.requests().into_iter().map(|r| r.path).collect();
    assert_eq!(paths, served);
    envoy
}

/// The cause where no certificate came.
pub const MISSING: &str = "client_certificate_missing";
