//! One failed attempt of a TCP connection is told of once, whichever places see
//! it. Of those before the last one Envoy keeps no reason.

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Bootstrap, Cluster, TcpListener};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::upstream::{Fault, Upstream};
use serde_json::{Value, json};

use crate::support::failing::{Told, tls};
use crate::support::logs::{assert_told, exactly_failures, logger};
use crate::support::{plugin, policy};

/// Where the module is installed.
#[derive(Clone, Copy, Debug)]
struct Places {
    filter: bool,
    proxy_log: bool,
    listener_log: bool,
}

const ALL: [Places; 7] = {
    let mut all = [Places {
        filter: true,
        proxy_log: true,
        listener_log: true,
    }; 7];
    let mut bits = 1;
    while bits <= 7 {
        all[bits - 1] = Places {
            filter: bits & 1 != 0,
            proxy_log: bits & 2 != 0,
            listener_log: bits & 4 != 0,
        };
        bits += 1;
    }
    all
};

const EARLIER: Told = ("attempt_failed", "");
const CLOSED: Told = ("connection_unestablished", "");
const RESET: Told = ("tls_handshake_reset", "Connection reset by peer");
const EXPIRED: Told = ("tls_certificate_expired", "certificate has expired");

/// A listener and its cluster of the same name: which servers, how many
/// attempts, and what must be told of each that fails.
struct Case<'a> {
    name: &'static str,
    servers: Vec<&'a Upstream>,
    attempts: u32,
    told: Vec<Told>,
    succeeds: bool,
}

struct Servers {
    good: Upstream,
    closes: Upstream,
    resets: Upstream,
    expired: Upstream,
}

impl Servers {
    async fn start(pki: &Pki) -> Self {
        let good = pki.server("api.test").issue();
        let server = || Upstream::tls(&good).tcp_echo();
        let expired = pki.server("api.test").expired().issue();
        Self {
            good: server().start().await.unwrap(),
            closes: server().fault(Fault::Close).start().await.unwrap(),
            resets: server().fault(Fault::Reset).start().await.unwrap(),
            expired: Upstream::tls(&expired).start().await.unwrap(),
        }
    }

    /// Endpoints are taken in turn.
    fn cases(&self) -> Vec<Case<'_>> {
        let Self {
            good,
            closes,
            resets,
            expired,
        } = self;
        let case = |name, servers, attempts, told, succeeds| Case {
            name,
            servers,
            attempts,
            told,
            succeeds,
        };
        vec![
            case("good", vec![good], 1, vec![], true),
            case("alone", vec![expired], 1, vec![EXPIRED], false),
            case(
                "thrice-alike",
                vec![resets],
                3,
                vec![EARLIER, EARLIER, RESET],
                false,
            ),
            case(
                "last-without-reason",
                vec![expired, closes],
                2,
                vec![EARLIER, CLOSED],
                false,
            ),
            case(
                "last-with-reason",
                vec![closes, expired],
                2,
                vec![EARLIER, EXPIRED],
                false,
            ),
            case(
                "at-last",
                vec![closes, expired, good],
                3,
                vec![EARLIER, EXPIRED],
                true,
            ),
            case(
                "given-up",
                vec![closes, expired, good],
                2,
                vec![EARLIER, EXPIRED],
                false,
            ),
        ]
    }
}

async fn start(places: Places, cases: &[Case<'_>], pki: &Pki, workers: u32) -> Envoy {
    let policy = policy(
        pki,
        json!({
            "default_trust_stores": ["ca"],
            "downstream": [{
                "name": "local",
                "waive": [{ "controls": ["V9.2.2"], "reason": "same host", "until": "2099-12-31" }],
            }],
        }),
    );
    let mut bootstrap = Bootstrap::new();
    for case in cases {
        for (name, attempts) in [(case.name.to_owned(), case.attempts), (first(case), 1)] {
            let mut listener = TcpListener::new(&name, case.name)
                .proxy(json!({ "max_connect_attempts": attempts }));
            if places.filter {
                listener = listener.filter(plugin("network", &policy).network_filter());
            }
            if places.proxy_log {
                listener = listener.access_logger(logger(&policy));
            }
            if places.listener_log {
                listener = listener.merge(json!({ "access_log": [logger(&policy)] }));
            }
            bootstrap = bootstrap.tcp(listener);
        }
        let cluster = Cluster::new(case.name).tls(tls().trusted_ca(&pki.root));
        let servers = case.servers.iter().map(|server| server.addr());
        bootstrap = bootstrap.cluster(servers.fold(cluster, Cluster::endpoint));
    }
    Envoy::builder()
        .config(bootstrap)
        .concurrency(workers)
        .start()
        .await
        .unwrap()
}

/// A listener to the same cluster whose connections have one attempt.
fn first(case: &Case<'_>) -> String {
    format!("{}-first", case.name)
}

async fn connect(envoy: &Envoy, listener: &str) -> bool {
    let client = Client::plaintext(envoy.listener(listener).await.unwrap());
    let mut connection = client.raw().await.unwrap();
    connection.write(b"hello").await.unwrap();
    connection.read_exact(5).await.is_ok()
}

impl Servers {
    /// Where Envoy begins its turns is a matter of chance: connects until the
    /// first server of the case is next. Returns how each of these failed.
    async fn begin_turns(&self, envoy: &Envoy, case: &Case<'_>) -> Vec<Vec<Told>> {
        let mut told = Vec::new();
        loop {
            let before: Vec<_> = case.servers.iter().map(|s| s.connections()).collect();
            connect(envoy, &first(case)).await;
            let went_to = |(server, before): (&&Upstream, &usize)| server.connections() > *before;
            let index = case.servers.iter().zip(&before).position(went_to).unwrap();
            let of_server = [
                (&self.closes, CLOSED),
                (&self.resets, RESET),
                (&self.expired, EXPIRED),
            ];
            let address = case.servers[index].addr();
            let failed = of_server.iter().find(|(s, _)| s.addr() == address);
            told.extend(failed.map(|(_, told)| vec![*told]));
            if index + 1 == case.servers.len() {
                return told;
            }
        }
    }
}

/// What Envoy knows of it.
async fn failed_attempts(envoy: &Envoy, cluster: &str) -> usize {
    let name = format!("cluster.{cluster}.upstream_cx_connect_fail");
    usize::try_from(envoy.stat(&name).await.unwrap().unwrap()).unwrap()
}

/// What was told of the connections to a cluster, one after the other.
fn assert_all_told(case: &Case<'_>, told: &[Vec<Told>], events: &[Value], places: Places) {
    let context = format!("{} in {places:?}", case.name);
    let mut of_case: Vec<_> = events
        .iter()
        .filter(|e| e["hopguard.cluster"] == case.name)
        .collect();
    let number = |event: &Value, field| event[field].as_u64().unwrap();
    of_case.sort_by_key(|e| {
        (
            number(e, "hopguard.connection.id"),
            number(e, "hopguard.attempt"),
        )
    });
    let expected: Vec<_> = told
        .iter()
        .flat_map(|told| {
            let fails = told.len();
            (1..)
                .zip(told)
                .map(move |(attempt, told)| (attempt, attempt == fails, *told))
        })
        .collect();
    assert_eq!(of_case.len(), expected.len(), "{context}: {of_case:#?}");
    for (event, (attempt, is_last_failed, told)) in of_case.into_iter().zip(expected) {
        assert_told(event, told, "default", &context);
        assert_eq!(event["hopguard.attempt"], attempt, "{context}: {event:#}");
        // Of an attempt that another one followed there is no address.
        let is_last = is_last_failed && !(case.succeeds && attempt > 1);
        let address = &event["network.peer.address"];
        assert_eq!(address.is_string(), is_last, "{context}: {event:#}");
    }
}

#[tokio::test]
async fn a_failed_attempt_is_told_of_once_whichever_places_see_it() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let servers = Servers::start(&pki).await;
    let cases = servers.cases();
    for places in ALL {
        let envoy = start(places, &cases, &pki, 1).await;
        let mut all = Vec::new();
        for case in &cases {
            let mut told = servers.begin_turns(&envoy, case).await;
            assert_eq!(
                connect(&envoy, case.name).await,
                case.succeeds,
                "{}",
                case.name
            );
            told.push(case.told.clone());
            let count = told.iter().flatten().count();
            assert_eq!(
                failed_attempts(&envoy, case.name).await,
                count,
                "{}",
                case.name
            );
            all.push(told);
        }
        let count = all.iter().flatten().flatten().count();
        let events = exactly_failures(&envoy, count).await;
        for (case, told) in cases.iter().zip(&all) {
            assert_all_told(case, told, &events, places);
        }
    }
    for server in [&servers.closes, &servers.resets, &servers.expired] {
        assert_eq!(server.received(), b"");
    }
}

#[tokio::test]
async fn it_is_told_of_once_by_any_worker() {
    let pki = Pki::new();
    let servers = Servers::start(&pki).await;
    let case = servers.cases().remove(2);
    let envoy = start(ALL[6], std::slice::from_ref(&case), &pki, 2).await;

    for _ in 0..5 {
        assert!(!connect(&envoy, case.name).await);
    }

    let count = failed_attempts(&envoy, case.name).await;
    assert_eq!(count, 15);
    let events = exactly_failures(&envoy, count).await;
    let of_last = events.iter().filter(|e| e["error.type"] == RESET.0);
    assert_eq!(of_last.count(), 5);
}
