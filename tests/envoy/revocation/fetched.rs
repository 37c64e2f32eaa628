//! CRLs that are fetched: one worker of the process loads them, all of them look
//! them up, and what goes wrong with one is told and bounded.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use hopguard_testbed::client::{Client, Connection, Request};
use hopguard_testbed::config::{Bootstrap, Cluster};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Issued;
use hopguard_testbed::revocation::{Extension, Known, List};
use hopguard_testbed::upstream::{Fault, PATIENCE, Reply, SeenRequest, Upstream};
use serde_json::{Value, json};

use super::row::Row;
use super::table::Table;
use super::{MAX_WAIT_MS, World, all_wait, status, tls};
use crate::support::{
    events, exactly_events, gist, merge, metric, metric_is, plugin, start, wait_for_event,
};

const REVOKED: &str = "certificate_revoked";
const HOUR: Duration = Duration::from_secs(3_600);

type Answering = Box<dyn Fn(&SeenRequest) -> Reply + Send>;

/// A server of lists.
struct Distribution {
    server: Upstream,
    answering: Arc<Mutex<Answering>>,
}

impl Distribution {
    async fn start() -> Self {
        let answering: Arc<Mutex<Answering>> =
            Arc::new(Mutex::new(Box::new(|_| Reply::status(404))));
        let chosen = Arc::clone(&answering);
        let server = Upstream::plaintext()
            .handler(move |request| chosen.lock().unwrap()(request))
            .start()
            .await
            .unwrap();
        Self { server, answering }
    }

    /// Answers like this from now on.
    fn answer(&self, answer: impl Fn(&SeenRequest) -> Reply + Send + 'static) {
        *self.answering.lock().unwrap() = Box::new(answer);
    }

    /// Publishes a list from now on.
    fn publish(&self, list: Vec<u8>) {
        self.answer(move |_| {
            Reply::ok(list.clone()).header("content-type", "application/pkix-crl")
        });
    }

    fn cluster(&self) -> Cluster {
        Cluster::new("crl").endpoint(self.server.addr())
    }
}

/// The place of the list, for a policy.
fn source() -> Value {
    json!({ "url": "http://crl.test/ca.crl", "cluster": "crl", "timeout_ms": 30_000 })
}

/// That, looked at each second.
fn each_second() -> Value {
    let mut source = source();
    source["refresh_seconds"] = json!(1);
    source
}

fn der(world: &World, list: List) -> Vec<u8> {
    list.der(world.responder.database()).unwrap()
}

/// A policy whose only evidence is the list of this source.
fn policy(world: &World, source: &Value) -> Value {
    let mut policy = world.policy(&json!({}));
    policy["clock_skew_seconds"] = json!(0);
    policy["revocation"] = json!({ "crl_sources": [source], "max_wait_ms": MAX_WAIT_MS });
    policy
}

/// A server with a certificate that the CA knows to be this.
async fn server(world: &World, known: Known) -> (Issued, Upstream) {
    let certificate = world.pki.server("api.test").issue();
    world.responder.set(&certificate, known);
    let server = tls(&certificate).await;
    (certificate, server)
}

fn before(world: &World, server: &Upstream, source: &Value, from: &Distribution) -> Bootstrap {
    world.before_with(server, &policy(world, source), from.cluster())
}

async fn connect(envoy: &Envoy) -> Connection {
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    client.connect().await.unwrap()
}

async fn ask(connection: &Connection) -> u16 {
    connection.send(Request::get("/")).await.unwrap().status
}

/// Asks on a connection until the answer is this; how often it was another.
async fn until(connection: &Connection, status: u16) -> usize {
    let started = Instant::now();
    let mut others = 0;
    while ask(connection).await != status {
        assert!(started.elapsed() < 6 * PATIENCE, "never {status}");
        others += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    others
}

async fn fetched(envoy: &Envoy, result: &str, count: u64) {
    metric_is(envoy, &["revocation_fetches", "crl", result], count).await;
}

async fn log_line(envoy: &Envoy, words: &str) {
    let is_it = |line: &str| line.contains("hopguard: CRL http://crl.test/ca.crl: ");
    let found = envoy.wait_for_log(|line| is_it(line) && line.contains(words));
    found
        .await
        .unwrap_or_else(|_| panic!("no line with {words:?}"));
}

#[tokio::test]
async fn of_servers_and_clients() {
    crate::support::needs!(PeerCertificate);
    let rows = || {
        vec![
            Row::new("good").no_url().known(Known::Good),
            Row::new("revoked")
                .no_url()
                .known(Known::Revoked)
                .denied(REVOKED, "")
                .by("crl_fetched"),
            Row::new("hold")
                .no_url()
                .known(Known::OnHold)
                .denied(REVOKED, "")
                .by("crl_fetched"),
        ]
    };
    for walk in 0..4 {
        let world = World::new().await;
        let from = Arc::new(Distribution::start().await);
        let publishing = Arc::clone(&from);
        let table = Table::new(&world, rows())
            .source(source(), from.cluster())
            .crls(move |world| {
                // All certificates are there now.
                publishing.publish(der(world, List::default()));
                Vec::new()
            });
        match walk {
            0 => table.walk_servers().await,
            1 => table.walk_clients().await,
            2 => table.walk_tcp_servers().await,
            _ => table.walk_tcp_clients().await,
        };
        let requests = from.server.requests();
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].authority, "crl.test");
        assert_eq!(requests[0].path, "/ca.crl");
    }
}

/// A list in PEM is as good: some places publish such.
#[tokio::test]
async fn in_pem() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let from = Distribution::start().await;
    let (_, server) = server(&world, Known::Good).await;
    let pem = List::default().pem(world.responder.database()).unwrap();
    from.publish(pem.into_bytes());
    let envoy = start(before(&world, &server, &source(), &from)).await;
    assert_eq!(status(&envoy, "/").await, 200);
}

/// The main thread loads the list, where the role `posture` came to its VM first, too.
#[tokio::test]
async fn beside_the_role_posture() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let from = Distribution::start().await;
    let (_, server) = server(&world, Known::Revoked).await;
    from.publish(der(&world, List::default()));
    let mut policy = policy(&world, &source());
    policy["posture"] = json!({ "cluster": "nobody" });
    let posture = plugin("posture", &policy).singleton();
    let bootstrap = world.before_with(&server, &policy, from.cluster());
    let envoy = start(bootstrap.extension(posture)).await;
    // Before any worker asks for it.
    fetched(&envoy, "loaded", 1).await;
    assert_eq!(status(&envoy, "/").await, 503);
    wait_for_event(&envoy, REVOKED).await;
    assert_eq!(from.server.requests().len(), 1);
}

/// Of all workers: one request for the list, and all who come before it wait.
#[tokio::test]
async fn workers_fetch_as_one() {
    crate::support::needs!(PeerCertificate);
    const CLIENTS: u64 = 80;
    let world = World::new().await;
    let from = Distribution::start().await;
    let (_, server) = server(&world, Known::Good).await;
    from.publish(der(&world, List::default()));
    from.server.hold_responses();
    let envoy = Envoy::builder()
        .config(before(&world, &server, &source(), &from))
        .concurrency(4)
        .start()
        .await
        .unwrap();
    all_wait(&envoy, &server, CLIENTS, || from.server.release_responses()).await;
    assert_eq!(from.server.requests().len(), 1);
    fetched(&envoy, "loaded", 1).await;
    exactly_events(&envoy, 0).await;
}

/// A newer list counts at once, on connections that are there; an older one
/// never takes its place, and certificates may come off hold.
#[tokio::test]
async fn a_newer_list_takes_the_place_of_the_one_before() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let from = Distribution::start().await;
    let (certificate, server) = server(&world, Known::Good).await;
    let first = der(&world, List::default());
    from.publish(first.clone());
    let envoy = start(before(&world, &server, &each_second(), &from)).await;
    let connection = connect(&envoy).await;
    assert_eq!(ask(&connection).await, 200);

    world.responder.set(&certificate, Known::OnHold);
    from.publish(der(&world, List::default().number(0x1001)));
    let served = 1 + until(&connection, 503).await;
    assert_eq!(server.requests().len(), served);
    assert_eq!(server.connections(), 1);
    fetched(&envoy, "loaded", 2).await;

    // Whoever brings back the first list does not bring back what it says.
    from.publish(first);
    log_line(&envoy, "after number 0x1001").await;
    assert_eq!(ask(&connection).await, 503);
    assert_eq!(server.requests().len(), served);

    world.responder.set(&certificate, Known::Good);
    from.publish(der(&world, List::default().number(0x1002)));
    let denied = 2 + until(&connection, 200).await;
    metric_is(&envoy, &["certificate_revoked"], denied as u64).await;
    let denials: Vec<_> = events(&envoy)
        .into_iter()
        .filter(|event| event["event.name"] == "hopguard.denied")
        .collect();
    assert!(!denials.is_empty());
    for event in denials {
        assert_eq!(gist(&event)[1], REVOKED);
        assert_eq!(event["hopguard.revocation.source"], "crl_fetched");
    }
}

/// With an entity tag, a list that is still the newest is not sent again.
#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let from = Distribution::start().await;
    let (_, server) = server(&world, Known::Good).await;
    let list = der(&world, List::default());
    from.answer(move |request| match request.header("if-none-match") {
        Some(tag) if tag == "\"one\"" => Reply::status(304),
        _ => Reply::ok(list.clone()).header("etag", "\"one\""),
    });
    let envoy = start(before(&world, &server, &each_second(), &from)).await;
    let connection = connect(&envoy).await;
    assert_eq!(ask(&connection).await, 200);
    let seen = from.server.wait_for(|seen| seen.requests.len() >= 3).await;
    let requests = seen.unwrap().requests;
    assert_eq!(requests[0].header("if-none-match"), None);
    for request in &requests[1..] {
        assert_eq!(request.header("if-none-match").as_deref(), Some("\"one\""));
    }
    assert_eq!(ask(&connection).await, 200);
    fetched(&envoy, "loaded", 1).await;
    assert!(metric(&envoy, &["revocation_fetches", "crl", "unchanged"]).await > 0);
    exactly_events(&envoy, 0).await;
}

/// What goes wrong with the first list: how it is answered, and the cause, kind
/// and words.
struct Wrong {
    answer: fn(&World) -> Reply,
    source: Value,
    cause: &'static str,
    words: &'static str,
}

impl Wrong {
    fn new(answer: fn(&World) -> Reply, cause: &'static str, words: &'static str) -> Self {
        Self {
            answer,
            source: each_second(),
            cause,
            words,
        }
    }

    /// Of a list that does not hold.
    fn list(make: fn(&World) -> Reply, words: &'static str) -> Self {
        Self::new(make, "revocation_invalid", words)
    }

    fn at(mut self, fields: Value) -> Self {
        merge(&mut self.source, fields);
        self
    }
}

fn spoilt(world: &World, list: List) -> Reply {
    Reply::ok(der(world, list))
}

fn wrongs() -> Vec<Wrong> {
    const UNREACHABLE: &str = "revocation_unreachable";
    const STALE: &str = "revocation_stale";
    vec![
        Wrong::new(
            |_| Reply::status(500).body("no"),
            UNREACHABLE,
            "HTTP status 500",
        ),
        Wrong::new(|_| Reply::status(404), UNREACHABLE, "HTTP status 404"),
        Wrong::new(
            |_| Reply::status(302).header("location", "http://crl.test/b.crl"),
            UNREACHABLE,
            "HTTP status 302",
        ),
        // Nothing was asked for that could be unchanged.
        Wrong::new(|_| Reply::status(304), UNREACHABLE, "HTTP status 304"),
        Wrong::new(|_| Reply::close(), UNREACHABLE, "HTTP status 503"),
        Wrong::new(
            |_| Reply::status(200),
            UNREACHABLE,
            "the cluster \"nowhere\"",
        )
        .at(json!({ "cluster": "nowhere" })),
        Wrong::list(|_| Reply::ok(b"<html>".to_vec()), "malformed"),
        Wrong::list(|_| Reply::ok(Vec::new()), "malformed"),
        Wrong::list(
            |world| {
                let mut list = der(world, List::default());
                list.truncate(list.len() - 1);
                Reply::ok(list)
            },
            "malformed",
        ),
        Wrong::list(
            |world| {
                let mut list = der(world, List::default());
                // The last octet is of the signature.
                *list.last_mut().unwrap() ^= 1;
                Reply::ok(list)
            },
            "signature",
        ),
        Wrong::list(|world| spoilt(world, List::default()), "100").at(json!({ "max_bytes": 100 })),
        Wrong::list(
            |world| spoilt(world, List::default().signed_by(&world.pki.other)),
            "issuer",
        ),
        Wrong::list(
            |world| spoilt(world, List::default().extension(Extension::DeltaTo(1))),
            "delta",
        ),
        Wrong::list(
            |world| spoilt(world, List::default().extension(Extension::Indirect)),
            "indirect",
        ),
        Wrong::new(
            |world| {
                let now = SystemTime::now();
                spoilt(world, List::default().validity(now - 2 * HOUR, now - HOUR))
            },
            STALE,
            "expired",
        ),
        Wrong::new(
            |world| {
                let now = SystemTime::now();
                spoilt(world, List::default().validity(now + HOUR, now + 2 * HOUR))
            },
            STALE,
            "the CRL is of",
        ),
    ]
}

/// No list, no permit; and as soon as there is a good one, all is well.
#[tokio::test]
async fn a_list_that_does_not_hold_permits_nothing() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let (_, server) = server(&world, Known::Good).await;
    for wrong in wrongs() {
        let from = Distribution::start().await;
        let answer = (wrong.answer)(&world);
        let is_sent = wrong.source["cluster"] == "crl";
        from.answer(move |_| answer.clone());
        server.clear();
        let envoy = start(before(&world, &server, &wrong.source, &from)).await;
        let connection = connect(&envoy).await;
        assert_eq!(ask(&connection).await, 503, "{}", wrong.words);
        assert_eq!(server.received(), b"", "{}", wrong.words);
        let events = exactly_events(&envoy, 1).await;
        let expected = ["hopguard.denied", wrong.cause, "V9.2.4", "live"];
        assert_eq!(gist(&events[0]), expected, "{}", wrong.words);
        let detail = events[0]["hopguard.detail"].as_str().unwrap();
        assert!(detail.starts_with("http://crl.test/ca.crl: "), "{detail}");
        assert!(detail.contains(wrong.words), "{}: {detail}", wrong.words);
        log_line(&envoy, wrong.words).await;
        if is_sent && wrong.source.get("max_bytes").is_none() {
            from.publish(der(&world, List::default()));
            until(&connection, 200).await;
            fetched(&envoy, "loaded", 1).await;
        }
    }
}

/// A place that never answers costs a peer no longer than the policy says, and
/// is no obstacle when it answers at last.
#[tokio::test]
async fn a_place_that_hangs() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let (_, server) = server(&world, Known::Good).await;
    let from = Distribution::start().await;
    from.publish(der(&world, List::default()));
    from.server.set_fault(Some(Fault::Hang));
    let mut policy = policy(&world, &each_second());
    policy["revocation"]["max_wait_ms"] = json!(200);
    policy["revocation"]["crl_sources"][0]["timeout_ms"] = json!(500);
    let envoy = start(world.before_with(&server, &policy, from.cluster())).await;
    let connection = connect(&envoy).await;
    assert_eq!(ask(&connection).await, 503);
    let events = exactly_events(&envoy, 1).await;
    assert_eq!(gist(&events[0])[1], "revocation_unreachable");
    from.server.set_fault(None);
    until(&connection, 200).await;
}

/// A list that is known serves on while its place is away: to its end.
#[tokio::test]
async fn a_list_serves_to_its_end() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let (_, server) = server(&world, Known::Good).await;
    let from = Distribution::start().await;
    let database = Arc::clone(world.responder.database());
    let is_first = Mutex::new(true);
    from.answer(move |_| {
        if !std::mem::take(&mut *is_first.lock().unwrap()) {
            return Reply::status(500);
        }
        let now = SystemTime::now();
        let list = List::default().validity(now - HOUR, now + Duration::from_secs(4));
        Reply::ok(list.der(&database).unwrap())
    });
    let envoy = start(before(&world, &server, &each_second(), &from)).await;
    let connection = connect(&envoy).await;
    let served = until(&connection, 503).await;
    assert!(served > 0, "the list was never good");
    assert_eq!(server.requests().len(), served);
    let events = exactly_events(&envoy, 1).await;
    let expected = ["hopguard.denied", "revocation_stale", "V9.2.4", "live"];
    assert_eq!(gist(&events[0]), expected);
    assert!(from.server.requests().len() > 1);
    log_line(&envoy, "HTTP status 500").await;
}

/// A list of many: one that fills several parts of what is shared.
#[tokio::test]
async fn a_long_list() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let from = Distribution::start().await;
    world.responder.database().revoke_others(50_000);
    let (_, good) = server(&world, Known::Good).await;
    let (_, revoked) = server(&world, Known::Revoked).await;
    from.publish(der(&world, List::default()));
    for (server, expected) in [(&good, 200), (&revoked, 503)] {
        let envoy = start(before(&world, server, &source(), &from)).await;
        assert_eq!(status(&envoy, "/").await, expected);
        fetched(&envoy, "loaded", 1).await;
        log_line(&envoy, "50001 entries").await;
    }
}
