//! The world that requests meet, and how it changes.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{
    Bootstrap, Cluster, DownstreamTls, HttpListener, Route, TcpListener, UpstreamTls,
};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::free_port;
use hopguard_testbed::pki::Issued;
use hopguard_testbed::upstream::Reply;
use serde_json::{Value, json};

use super::action::{Action, Answers};
use super::model::{Class, ClientKind, PLAINTEXT, PolicyKind, Role, State, Way};
use super::servers::{Certificates, RESPONDER, SECOND_NAME, Servers};
use super::switch::Switch;
use crate::live_change::watched::{HTTP_FILTER, NETWORK_FILTER, Watched};
use crate::support::{ACCESS_LOG, metric, metric_is, plugin, policy};

/// Workers of Envoy.
const WORKERS: u32 = 2;
/// The longest that hopguard does not ask a responder that failed, and a second
/// more for the clocks (docs/revocation.md).
const LONGEST_BACK_OFF: Duration = Duration::from_secs(31);
const ROLES: [Role; 3] = [Role::Downstream, Role::Upstream, Role::Network];
/// What is never a policy.
const BROKEN: &str = "repot";

/// Where Envoy listens.
pub struct Addresses {
    pub http: SocketAddr,
    pub tcp: SocketAddr,
}

/// The certificates of clients.
pub struct Clients {
    good: Issued,
    expired: Issued,
    stranger: Issued,
}

impl Clients {
    /// A client of this kind.
    pub fn client(&self, address: SocketAddr, kind: ClientKind) -> Client {
        let client = Client::tls(address);
        match kind {
            ClientKind::Good => client.certificate(&self.good),
            ClientKind::Without => client,
            ClientKind::Expired => client.certificate(&self.expired),
            ClientKind::Stranger => client.certificate(&self.stranger),
        }
    }
}

/// The world.
pub struct World {
    certificates: Certificates,
    clients: Rc<Clients>,
    pub http: Servers,
    pub tcp: Servers,
    switches: Vec<Switch>,
    servers: [Class; 4],
    policies: [PolicyKind; 3],
    watched: [Watched; 3],
    /// The roles whose file has a policy that was refused.
    broken: [bool; 3],
    versions: u64,
    /// That the responder last misbehaved.
    misbehaved: Option<Instant>,
    answers: Answers,
    is_known: bool,
    bootstrap: Value,
    /// The one before, too, until there is another.
    envoys: Vec<Envoy>,
    restarts: u32,
}

impl World {
    pub async fn new() -> Self {
        let certificates = Certificates::new().await;
        let pki = &certificates.pki;
        let clients = Rc::new(Clients {
            good: pki.client("client").issue(),
            expired: pki.client("client").expired().issue(),
            stranger: pki.other.client("client").issue(),
        });
        let http = Servers::new(&certificates, |server| server.http1()).await;
        let tcp = Servers::new(&certificates, |server| server.tcp_echo()).await;
        let servers = [Class::Good, Class::Plaintext, Class::Good, Class::Good];
        let mut switches = Vec::new();
        for (class, of_protocol) in servers.into_iter().zip([&http, &http, &http, &tcp]) {
            switches.push(Switch::new(of_protocol.address(class)).await);
        }
        let watched = [Watched::new(), Watched::new(), Watched::new()];
        let bootstrap = bootstrap(&certificates, &switches, &watched);
        let mut world = Self {
            certificates,
            clients,
            http,
            tcp,
            switches,
            servers,
            policies: [PolicyKind::Strict; 3],
            watched,
            broken: [false; 3],
            versions: 0,
            misbehaved: None,
            answers: Answers::Good,
            is_known: false,
            bootstrap,
            envoys: Vec::new(),
            restarts: 0,
        };
        for role in ROLES {
            world.put(role, PolicyKind::Strict);
        }
        world.start().await;
        world
    }

    /// What is true of it now.
    pub fn state(&self) -> State {
        State {
            servers: self.servers,
            policies: self.policies,
            is_known: self.is_known,
            responder_is_trusted: self.answers == Answers::Good
                && self
                    .misbehaved
                    .is_none_or(|at| at.elapsed() > LONGEST_BACK_OFF),
        }
    }

    /// A request was served under a policy that demands the responder's word.
    pub fn learn_word(&mut self) {
        self.is_known = true;
    }

    pub fn clients(&self) -> Rc<Clients> {
        Rc::clone(&self.clients)
    }

    /// Where Envoy listens.
    pub async fn addresses(&self) -> Addresses {
        let envoy = self.envoy();
        Addresses {
            http: envoy.listener("front").await.unwrap(),
            tcp: envoy.listener("tcp").await.unwrap(),
        }
    }

    /// The Envoy of now.
    pub fn envoy(&self) -> &Envoy {
        self.envoys.last().unwrap()
    }

    /// The lines that this Envoy, and the one before, wrote.
    pub fn lines(&self) -> Vec<String> {
        self.envoys.iter().flat_map(Envoy::logs).collect()
    }

    /// Lets something happen. When it returns, it has.
    pub async fn apply(&mut self, action: &Action) {
        match *action {
            Action::Nothing => {}
            Action::Switch(index, class) => {
                let target = self.of(index).address(class);
                self.servers[index] = class;
                self.switches[index].turn(target).await;
            }
            Action::Rotate => {
                let certificate = self.certificates.of(Class::Asked);
                for server in [&self.http, &self.tcp] {
                    let server = server.of(Class::Asked).unwrap();
                    server.rotate(&certificate).unwrap();
                }
                self.is_known = false;
                for (index, class) in self.servers.into_iter().enumerate() {
                    if class == Class::Asked {
                        let target = self.of(index).address(class);
                        self.switches[index].turn(target).await;
                    }
                }
            }
            Action::Respond(answers) => self.respond(answers),
            Action::Policy(role, kind) => self.change(role, kind).await,
            Action::Break(role) => {
                let before = metric(self.envoy(), &["configurations", "rejected"]).await;
                let mut policy = self.policy(self.policies[role as usize]);
                policy["mode"] = json!(BROKEN);
                self.put_policy(role, &policy);
                self.broken[role as usize] = true;
                metric_is(self.envoy(), &["configurations", "rejected"], before + 1).await;
            }
            Action::Drain => {
                for path in ["/healthcheck/fail", "/healthcheck/ok"] {
                    self.envoy().admin_post(path).await.unwrap();
                }
            }
            Action::Restart => self.restart().await,
        }
    }

    /// What must be true at the end, whatever happened.
    pub async fn is_whole(&self) {
        metric_is(self.envoy(), &["gate_pending"], 0).await;
        for line in self.lines() {
            let is_trap = ["panicked", "Uncaught", "in-VM backtrace"];
            assert!(!is_trap.iter().any(|words| line.contains(words)), "{line}");
        }
    }

    fn of(&self, index: usize) -> &Servers {
        if Way::Tcp.servers().contains(&index) {
            &self.tcp
        } else {
            &self.http
        }
    }

    fn respond(&mut self, answers: Answers) {
        if self.answers != Answers::Good || answers != Answers::Good {
            self.misbehaved = Some(Instant::now());
        }
        self.answers = answers;
        self.certificates
            .responder
            .spoil(move |answer| match answers {
                Answers::Good => hopguard_testbed::revocation::response(answer),
                Answers::Garbage => hopguard_testbed::revocation::response(b"garbage".to_vec()),
                Answers::Failure => Reply::status(500),
                Answers::Reset => Reply::reset(),
            });
    }

    fn put(&mut self, role: Role, kind: PolicyKind) {
        let policy = self.policy(kind);
        self.policies[role as usize] = kind;
        self.broken[role as usize] = false;
        self.put_policy(role, &policy);
    }

    fn put_policy(&self, role: Role, policy: &Value) {
        let name = ["downstream", "upstream", "network"][role as usize];
        let plugin = plugin(name, policy);
        self.watched[role as usize].put_filter(&match role {
            Role::Network => plugin.network_filter(),
            Role::Downstream | Role::Upstream => plugin.http_filter(),
        });
    }

    /// A policy that no other is equal to: Envoy asks a plugin once about each.
    fn policy(&mut self, kind: PolicyKind) -> Value {
        self.versions += 1;
        let version = format!("version-{}", self.versions);
        let revocation = json!({ "name": "revocation", "match": { "clusters": ["revocation"] },
            "require": { "peer_certificate": { "trust_stores": ["ca"], "names": { "dns": ["api.test"] }, "revocation": {} } } });
        let mut upstream = vec![
            json!({ "name": version, "match": { "clusters": ["none"] } }),
            revocation,
            json!({ "name": "all", "match": {} }),
        ];
        match kind {
            PolicyKind::Strict | PolicyKind::Report => {}
            PolicyKind::SecondName => {
                for rule in &mut upstream {
                    rule["require"]["peer_certificate"]["trust_stores"] = json!(["ca"]);
                    rule["require"]["peer_certificate"]["names"] = json!({ "dns": [SECOND_NAME] });
                }
            }
            PolicyKind::Waived => {
                for rule in &mut upstream {
                    rule["waive"] = json!([{
                        "controls": ["V9.2.1", "V9.2.2", "V9.2.4"],
                        "reason": "a test",
                        "until": "2099-12-31",
                    }]);
                }
            }
        }
        let mut policy = policy(
            &self.certificates.pki,
            json!({
                "default_trust_stores": ["ca"],
                "revocation": {
                    "responders": [{ "host": RESPONDER, "cluster": "responder" }],
                    "max_wait_ms": 2000,
                },
                "downstream": [{ "name": "clients", "match": {}, "require": {
                    "peer_certificate": { "trust_stores": ["ca"], "names": "any" },
                }}],
                "upstream": upstream,
            }),
        );
        if kind == PolicyKind::Report {
            policy["mode"] = json!("report");
        }
        policy
    }

    async fn change(&mut self, role: Role, kind: PolicyKind) {
        let before = metric(self.envoy(), &["configurations", "accepted"]).await;
        self.put(role, kind);
        // Once in each worker; in the main thread for trial, and for good.
        let accepted = before + u64::from(WORKERS) + 2;
        metric_is(self.envoy(), &["configurations", "accepted"], accepted).await;
    }

    async fn restart(&mut self) {
        // A new Envoy has no old policy to go on with.
        for role in ROLES {
            if self.broken[role as usize] {
                self.change(role, self.policies[role as usize]).await;
            }
        }
        self.restarts += 1;
        // Only the last two are of interest.
        if self.envoys.len() > 1 {
            self.envoys.remove(0);
        }
        self.start().await;
        // What it knew, it knows no more.
        self.is_known = false;
        let parent = &self.envoys[self.envoys.len() - 2];
        parent.wait_for_exit().await.unwrap();
    }

    async fn start(&mut self) {
        // Of this process and test alone.
        let base_id = std::process::id() + 1_000_000;
        let envoy = Envoy::builder()
            .config(self.bootstrap.clone())
            .concurrency(WORKERS)
            .hot_restart(base_id, self.restarts)
            .arg("--drain-strategy")
            .arg("immediate")
            .parent_lives(2)
            .start()
            .await;
        self.envoys.push(envoy.unwrap());
    }
}

fn bootstrap(
    certificates: &Certificates,
    switches: &[Switch],
    [downstream, upstream, network]: &[Watched; 3],
) -> Value {
    let pki = &certificates.pki;
    let tls = DownstreamTls::new(&pki.server("front.test").issue()).accept_any_client();
    let port = || free_port().unwrap();
    let mut http = HttpListener::new("front")
        .port(port())
        .tls(tls.clone())
        .filter(downstream.discovered(HTTP_FILTER))
        .access_log(ACCESS_LOG);
    let mut bootstrap = Bootstrap::new();
    for way in [Way::One, Way::Mixed, Way::Revocation, Way::Tcp] {
        let tls = UpstreamTls::new().sni("api.test");
        let mut cluster = Cluster::new(way.name()).tls(tls);
        for index in way.servers() {
            let address = switches[*index].address();
            cluster = match *index {
                PLAINTEXT => cluster
                    .endpoint_of_kind(address, "plaintext")
                    .socket_match("plaintext", None),
                _ => cluster.endpoint(address),
            };
        }
        if way != Way::Tcp {
            http = http.route(Route::prefix(&format!("/{}/", way.name()), way.name()));
            cluster = cluster.filter(upstream.discovered(HTTP_FILTER));
        }
        bootstrap = bootstrap.cluster(cluster);
    }
    let tcp = TcpListener::new("tcp", Way::Tcp.name())
        .port(port())
        .tls(tls)
        .filter(network.discovered(NETWORK_FILTER));
    let responder = Cluster::new("responder").endpoint(certificates.responder.addr());
    bootstrap.http(http).tcp(tcp).cluster(responder).build()
}
