//! CRLs of the policy, made by `openssl ca -gencrl`.

use std::time::{Duration, Instant, SystemTime};

use hopguard_testbed::client::{Client, Connection, Request};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::revocation::{Extension, Known, List};
use hopguard_testbed::upstream::{PATIENCE, Upstream};
use serde_json::{Value, json};

use super::row::Row;
use super::table::Table;
use super::{World, tls};
use crate::support::{exactly_events, gist, store};

const REVOKED: &str = "certificate_revoked";
const NO_SOURCE: &str = "revocation_no_source";
const PLACE: &str = "http://crl.test/a.crl";

fn pem(world: &World, list: List) -> String {
    list.pem(world.responder.database()).unwrap()
}

/// Certificates that name no responder.
fn listed(name: &str, known: Known) -> Row {
    Row::new(name).no_url().known(known)
}

fn rows() -> Vec<Row> {
    vec![
        listed("good", Known::Good),
        listed("revoked", Known::Revoked)
            .denied(REVOKED, "")
            .by("crl_policy"),
        listed("hold", Known::OnHold)
            .denied(REVOKED, "")
            .by("crl_policy"),
        // All sources are asked: a fresher answer may revoke.
        Row::good("good-for-both"),
        Row::new("good-for-the-list-alone"),
        Row::good("revoked-by-the-list-alone")
            .reply(|_, _| panic!("a list that revokes spares the question"))
            .known(Known::Revoked)
            .denied(REVOKED, "")
            .by("crl_policy"),
    ]
}

#[tokio::test]
async fn of_servers_and_clients() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let table = || Table::new(&world, rows()).crls(|world| vec![pem(world, List::default())]);
    table().walk_servers().await;
    table().walk_clients().await;
    // Twice, about what is good by the list and names a responder.
    assert_eq!(world.responder.requests(), 2 * 2);
}

#[tokio::test]
async fn over_tcp() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let table = || Table::new(&world, rows()).crls(|world| vec![pem(world, List::default())]);
    table().walk_tcp_servers().await;
    table().walk_tcp_clients().await;
    // Twice, about what is good by the list and names a responder.
    assert_eq!(world.responder.requests(), 2 * 2);
}

/// A list of one partition says nothing of the others, and what it does not
/// cover is asked about as if it were not there.
#[tokio::test]
async fn by_partition() {
    crate::support::needs!(PeerCertificate);
    let partition = |extension: Extension<'static>, rows: Vec<Row>| async move {
        let world = World::new().await;
        Table::new(&world, rows)
            .crls(move |world| vec![pem(world, List::default().extension(extension))])
            .walk_servers()
            .await;
    };
    let rows = vec![
        listed("good", Known::Good),
        listed("revoked", Known::Revoked)
            .denied(REVOKED, "")
            .by("crl_policy"),
    ];
    partition(Extension::OnlyUserCertificates, rows).await;

    let rows = vec![
        listed("not-covered", Known::Revoked).denied(NO_SOURCE, ""),
        Row::good("asked-about"),
        Row::new("asked-about-and-revoked")
            .known(Known::Revoked)
            .denied(REVOKED, "")
            .by("ocsp_responder"),
    ];
    partition(Extension::OnlyCaCertificates, rows).await;

    let rows = vec![
        listed("good", Known::Good).certificate(|leaf| leaf.crl_url(PLACE)),
        listed("revoked", Known::Revoked)
            .certificate(|leaf| leaf.crl_url(PLACE))
            .denied(REVOKED, "")
            .by("crl_policy"),
        listed("elsewhere", Known::Good)
            .certificate(|leaf| leaf.crl_url("http://crl.test/b.crl"))
            .denied(NO_SOURCE, ""),
        listed("nowhere", Known::Good).denied(NO_SOURCE, ""),
    ];
    partition(Extension::DistributionPoint(PLACE), rows).await;
}

/// Whatever else says otherwise: the responder, or another list.
#[tokio::test]
async fn revoked_wins() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let certificate = world.server();
    let database = world.responder.database();
    // A list that revokes, and after it a responder that does not.
    world.responder.set(&certificate, Known::Revoked);
    let revoking = List::default().pem(database).unwrap();
    world.responder.set(&certificate, Known::Good);
    let clean = List::default().pem(database).unwrap();
    let server = tls(&certificate).await;
    for crls in [
        vec![&revoking],
        vec![&clean, &revoking],
        vec![&revoking, &clean],
    ] {
        let mut policy = world.policy(&json!({}));
        policy["revocation"]["crls"] = json!(crls);
        let envoy = world.envoy_before(&server, &policy).await;
        assert_eq!(super::status(&envoy, "/").await, 503);
        let events = exactly_events(&envoy, 1).await;
        assert_eq!(gist(&events[0])[1], REVOKED);
    }
    assert_eq!(server.received(), b"");
}

#[tokio::test]
async fn lists_that_do_not_hold_are_refused_with_the_policy() {
    let world = World::new().await;
    let now = SystemTime::now();
    let hours = |n: u64| Duration::from_secs(n * 3_600);
    let list = List::default;
    let server = Upstream::plaintext().start().await.unwrap();
    let base = world.policy(&json!({}));
    let mut broken = pem(&world, list());
    let middle = broken.len() / 2;
    let other = match broken.as_bytes()[middle] {
        b'A' => "B",
        _ => "A",
    };
    broken.replace_range(middle..=middle, other);
    for (text, words) in [
        (
            pem(&world, list().validity(now - hours(3), now - hours(2))),
            "expired",
        ),
        (
            pem(&world, list().validity(now + hours(2), now + hours(3))),
            "the CRL is of",
        ),
        (
            pem(&world, list().extension(Extension::DeltaTo(1))),
            "delta",
        ),
        (
            pem(&world, list().extension(Extension::Indirect)),
            "indirect",
        ),
        (pem(&world, list().signed_by(&world.pki.other)), "issuer"),
        (broken, ""),
    ] {
        let mut policy = base.clone();
        policy["revocation"]["crls"] = json!([text]);
        let refused = Envoy::validate(world.before(&server, &policy)).await;
        let log = refused.expect_err(words);
        let line = log
            .lines()
            .find(|line| line.contains("revocation.crls[0]"))
            .unwrap_or_else(|| panic!("{words}: {log}"));
        assert!(line.contains(words), "{words}: {line}");
    }
    // A store that knows the stranger takes its list.
    let mut policy = base;
    policy["trust_stores"]
        .as_array_mut()
        .unwrap()
        .push(store("other", &world.pki.other, &[]));
    let list = pem(&world, list().signed_by(&world.pki.other));
    policy["revocation"]["crls"] = json!([list]);
    Envoy::validate(world.before(&server, &policy))
        .await
        .unwrap();
}

/// A list that ends while Envoy runs says nothing any more of what it does not
/// name, and revokes what it does.
#[tokio::test]
async fn a_list_that_expires_while_it_serves() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let good = world.pki.server("api.test").issue();
    let revoked = world.pki.server("api.test").issue();
    world.responder.set(&good, Known::Good);
    world.responder.set(&revoked, Known::Revoked);
    let (good, revoked) = (tls(&good).await, tls(&revoked).await);
    let [serving, denying] = short_list(&world, [&good, &revoked]).await;

    let connection = connect(&serving).await;
    let mut served = 0;
    let started = Instant::now();
    while ask(&connection).await == 200 {
        served += 1;
        assert!(started.elapsed() < PATIENCE * 6, "it never ends");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(ask(&connection).await, 503);
    // And one that showed that the list had not ended before Envoy began.
    assert_eq!(good.requests().len(), served + 1);
    let events = exactly_events(&serving, 2).await;
    for event in &events {
        let expected = ["hopguard.denied", "revocation_stale", "V9.2.4", "live"];
        assert_eq!(gist(event), expected);
    }

    // It ended for this one, too: they have the same list.
    let connection = connect(&denying).await;
    assert_eq!(ask(&connection).await, 503);
    let events = exactly_events(&denying, 1).await;
    let expected = ["hopguard.denied", REVOKED, "V9.2.4", "live"];
    assert_eq!(gist(&events[0]), expected);
    assert_eq!(revoked.received(), b"");
}

/// An Envoy for each of these servers, with a list that ends soon: as soon as
/// this machine can start them before it does.
async fn short_list<const N: usize>(world: &World, servers: [&Upstream; N]) -> [Envoy; N] {
    for seconds in [4, 8, 16, 32] {
        let now = SystemTime::now();
        let list = List::default().validity(
            now - Duration::from_secs(3_600),
            now + Duration::from_secs(seconds),
        );
        let mut policy = world.policy(&json!({}));
        policy["clock_skew_seconds"] = json!(0);
        policy["revocation"] = json!({ "crls": [pem(world, list)] });
        let mut envoys = Vec::new();
        for server in servers {
            if let Ok(envoy) = start_unless_late(world, server, &policy).await {
                envoys.push(envoy);
            }
        }
        let mut in_time = envoys.len() == N;
        if let Some(first) = envoys.first() {
            in_time &= ask(&connect(first).await).await == 200;
        }
        if in_time {
            return envoys.try_into().unwrap();
        }
        servers[0].clear();
    }
    panic!("this machine does not start Envoy within 32 seconds");
}

async fn start_unless_late(
    world: &World,
    server: &Upstream,
    policy: &Value,
) -> hopguard_testbed::Result<Envoy> {
    let bootstrap = world.before(server, policy);
    Envoy::builder().config(bootstrap).start().await
}

async fn connect(envoy: &Envoy) -> Connection {
    let client = Client::plaintext(envoy.listener("front").await.unwrap());
    client.connect().await.unwrap()
}

async fn ask(connection: &Connection) -> u16 {
    connection.send(Request::get("/")).await.unwrap().status
}
