//! Answers of OCSP: made by `openssl ocsp`, and by the testbed where OpenSSL
//! cannot make them.

use std::time::{Duration, SystemTime};

use hopguard_testbed::config::Cluster;
use hopguard_testbed::pki::{ExtendedKeyUsagePurpose, Issued, LeafBuilder};
use hopguard_testbed::revocation::{
    Answer, Database, Known, OpensslResponder, Question, Signing, Status, response,
};
use hopguard_testbed::upstream::Reply;
use serde_json::json;

use super::row::Row;
use super::table::Table;
use super::{World, status, tls};
use crate::support::{exactly_events, gist, start};

const REVOKED: &str = "certificate_revoked";
const INVALID: &str = "revocation_invalid";
const STALE: &str = "revocation_stale";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// A certificate to sign answers with (RFC 6960 section 4.2.2.2), in the name of
/// the world's issuing CA.
fn delegate(world: &World) -> LeafBuilder {
    const OCSP_NOCHECK: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 48, 1, 5];
    world
        .pki
        .client("responder")
        .no_extended_key_usage()
        .extended_key_usage(ExtendedKeyUsagePurpose::OcspSigning)
        .extension(OCSP_NOCHECK, false, &[5, 0])
}

/// Who signs.
fn signers() -> Vec<Row> {
    let by = |name: &str, signing: fn(&World) -> Signing| Row::good(name).signing(signing);
    vec![
        by("ca", |_| Signing::default()),
        by("ca-by-key", |_| Signing::default().by_key()),
        by("delegate", |w| Signing::delegate(&delegate(w).issue())),
        by("delegate-by-key", |w| {
            Signing::delegate(&delegate(w).issue()).by_key()
        }),
        by("delegate-revokes", |w| {
            Signing::delegate(&delegate(w).issue())
        })
        .known(Known::Revoked)
        .denied(REVOKED, "")
        .by("ocsp_responder"),
        by("stranger", |w| Signing::authority(&w.pki.other)).denied(INVALID, "may not answer"),
        // The root, too, is a stranger to what the intermediate issued.
        by("root", |w| Signing::authority(&w.pki.root)).denied(INVALID, "may not answer"),
        by("delegate-without-purpose", |w| {
            let certificate = delegate(w).no_extended_key_usage();
            Signing::delegate(&certificate.issue())
        })
        .denied(INVALID, "its purposes lack OCSPSigning: []"),
        by("delegate-for-any-purpose", |w| {
            Signing::delegate(&delegate(w).any_extended_key_usage().issue())
        })
        .denied(INVALID, "its purposes lack OCSPSigning"),
        by("delegate-for-servers", |w| {
            Signing::delegate(&w.pki.server("ocsp.test").issue())
        })
        .denied(INVALID, "its purposes lack OCSPSigning"),
        by("delegate-expired", |w| {
            Signing::delegate(&delegate(w).expired().issue())
        })
        .denied(INVALID, "the certificate expired"),
        by("delegate-of-another-ca", |w| {
            Signing::delegate(&delegate(w).issuer(&w.pki.other).issue())
        })
        .denied(INVALID, "its certificate is of"),
        by("sha1", |_| Signing::default().sha1()).denied(INVALID, "SHA-1"),
        Row::good("itself")
            .evidence(|world, certificate| {
                let own = Signing::delegate(&certificate.with_chain::<[u8; 0]>([]));
                world.responder.sign(certificate, own);
            })
            .denied(INVALID, "vouches for itself"),
    ]
}

/// Another certificate of the same CA, of which this is known.
fn other(world: &World, known: Known) -> Issued {
    let certificate = world.pki.server("other.test").issue();
    world.responder.set(&certificate, known);
    certificate
}

/// The answer of `openssl ocsp` to what it was not asked.
fn answer_about(world: &World, issuer_pem: &str, asked: &[&Issued]) -> Vec<u8> {
    let database = world.responder.database();
    let question = Question::about(database, issuer_pem, asked).unwrap();
    database.answer(&question.der, &Signing::default()).unwrap()
}

fn always(answer: Vec<u8>) -> impl Fn(&Database, &Question) -> Reply + Clone {
    move |_, _| response(answer.clone())
}

/// Whom an answer is about.
fn subjects() -> Vec<Row> {
    /// About the right one in the middle of these two.
    fn between(world: &World, certificate: &Issued, others: Known) -> Vec<u8> {
        let (before, after) = (other(world, others), other(world, others));
        let issuer = world.pki.intermediate.pem();
        answer_about(world, &issuer, &[&before, certificate, &after])
    }
    let about = |name: &str, answer: fn(&World, &Issued) -> Vec<u8>| {
        Row::good(name).evidence(move |world, certificate| {
            let answer = answer(world, certificate);
            world.responder.reply(certificate, always(answer));
        })
    };
    vec![
        about("another-serial", |world, _| {
            let another = other(world, Known::Good);
            answer_about(world, &world.pki.intermediate.pem(), &[&another])
        })
        .denied(INVALID, "about other certificates"),
        about("another-issuer", |world, certificate| {
            answer_about(world, &world.pki.root.pem(), &[certificate])
        })
        .denied(INVALID, "about other certificates"),
        about("between-revoked", |world, certificate| {
            between(world, certificate, Known::Revoked)
        }),
        about("revoked-between-good", |world, certificate| {
            world.responder.set(certificate, Known::Revoked);
            between(world, certificate, Known::Good)
        })
        .denied(REVOKED, "")
        .by("ocsp_responder"),
        about("good-and-revoked", |world, certificate| {
            Answer::new(&world.pki.intermediate, certificate, Status::Good)
                .and(certificate, Status::Revoked)
                .and(certificate, Status::Good)
                .sign()
                .unwrap()
        })
        .denied(REVOKED, "")
        .by("ocsp_responder"),
        about("good-and-unknown", |world, certificate| {
            Answer::new(&world.pki.intermediate, certificate, Status::Good)
                .and(certificate, Status::Unknown)
                .sign()
                .unwrap()
        })
        .denied("revocation_unknown", "does not know it"),
    ]
}

/// From when until when an answer is good. The policy's clock skew is 300 s.
fn times() -> Vec<Row> {
    let now = SystemTime::now();
    let dated = |name: &str, this: SystemTime, next: SystemTime| {
        made(name, move |answer| answer.validity(this, next))
    };
    let undated =
        |name: &str, this: SystemTime| made(name, move |answer| answer.without_next_update(this));
    vec![
        dated("now", now - HOUR, now + HOUR),
        dated("expired", now - 2 * HOUR, now - HOUR).denied(STALE, "was valid until"),
        dated("expired-within-skew", now - 2 * HOUR, now - MINUTE),
        dated("not-yet", now + HOUR, now + 2 * HOUR).denied(INVALID, "thisUpdate"),
        dated("not-yet-within-skew", now + MINUTE, now + HOUR),
        dated("backwards", now - HOUR, now - 2 * HOUR).denied(INVALID, "is before its thisUpdate"),
        undated("no-next", now - HOUR),
        undated("no-next-and-old", now - DAY - HOUR).denied(STALE, "was valid until"),
        Row::good("no-next-of-openssl").signing(|_| Signing::default().without_next_update()),
    ]
}

fn made(name: &str, change: impl Fn(Answer) -> Answer + 'static) -> Row {
    Row::new(name).evidence(move |world, certificate| {
        let answer = Answer::new(&world.pki.intermediate, certificate, Status::Good);
        let answer = change(answer).sign().unwrap();
        world.responder.reply(certificate, always(answer));
    })
}

#[tokio::test]
async fn by_whom() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    Table::new(&world, signers()).walk_servers().await;
    Table::new(&world, signers()).walk_clients().await;
}

#[tokio::test]
async fn about_whom() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    Table::new(&world, subjects()).walk_servers().await;
    Table::new(&world, subjects()).walk_clients().await;
}

#[tokio::test]
async fn of_which_time() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    Table::new(&world, times()).walk_servers().await;
    Table::new(&world, times()).walk_clients().await;
}

/// `openssl ocsp` as the server itself, by GET; and by POST, where the URL is
/// too long for a GET (RFC 5019 section 5).
#[tokio::test]
async fn openssl_as_the_server() {
    crate::support::needs!(PeerCertificate);
    let world = World::new().await;
    let database = world.responder.database();
    let responder = OpensslResponder::start(database, &Signing::default())
        .await
        .unwrap();
    let long = format!("http://ocsp.test/?{}", "a".repeat(200));
    for url in ["http://ocsp.test/", &long] {
        let server = |known| {
            let certificate = world.pki.server("api.test").ocsp_url(url).issue();
            if let Some(known) = known {
                database.set(&certificate, known);
            }
            certificate
        };
        for (known, cause) in [
            (Some(Known::Good), None),
            (Some(Known::Revoked), Some(REVOKED)),
            (None, Some("revocation_unknown")),
        ] {
            let server = tls(&server(known)).await;
            responder.read_index().await.unwrap();
            let ocsp = Cluster::new("ocsp").endpoint(responder.addr());
            let policy = world.policy(&json!({}));
            let bootstrap = world.before_with(&server, &policy, ocsp);
            let envoy = start(bootstrap).await;
            let expected = if cause.is_none() { 200 } else { 503 };
            assert_eq!(status(&envoy, "/").await, expected, "{url} {known:?}");
            assert_eq!(server.received().is_empty(), cause.is_some());
            let events = exactly_events(&envoy, usize::from(cause.is_some())).await;
            for (event, cause) in events.iter().zip(cause) {
                assert_eq!(gist(event), ["hopguard.denied", cause, "V9.2.4", "live"]);
            }
        }
    }
}
