//! Older Envoys. Before 1.38 an Envoy shows the digest of a peer's certificate
//! and not the certificate, before 1.39 not the server name that it asked for:
//! what cannot be judged is denied, and says so.

mod told;

use hopguard_testbed::config::UpstreamTls;
use hopguard_testbed::pki::{Issued, KeyKind, Pki};
use serde_json::{Value, json};

use crate::support::doors::{Door, MISSING, Visit, visit};
use crate::support::store;
use crate::support::table::Outcome::{Denied, Served};
use crate::support::table::{Row, Table, any_key};

/// Shows digests of certificates.
const OLD: &str = "1.36.4";
/// Shows certificates and server names.
const PREVIOUS: &str = "1.39.3";

const UNAVAILABLE: &str = "certificate_unavailable";

/// A self-signed certificate and another one with the same key.
fn neighbours(pki: &Pki) -> [Issued; 2] {
    [(); 2].map(|()| {
        let server = pki.server("api.test").key(KeyKind::Rsa2048);
        server.self_signed().issue()
    })
}

fn pinned(certificate: &Issued) -> Value {
    json!({ "pinned_certificates": certificate.pem() })
}

fn pinned_digest(certificate: &Issued) -> Value {
    json!({ "pinned_certificate_sha256": [certificate.sha256_hex()] })
}

#[tokio::test]
async fn where_only_a_digest_is_shown_pins_work_and_all_else_is_denied() {
    let pki = Pki::new();
    let [ours, neighbour] = neighbours(&pki);
    let by_ca = pki.server("api.test").issue();
    let by_name =
        |name: &str, names: Value| Row::new(name, &ours).store(pinned(&ours)).names(names);

    let envoy = Table::new(
        &pki,
        [
            Row::plaintext("plaintext").denied("plaintext"),
            Row::new("digest", &ours)
                .store(pinned_digest(&ours))
                .any_name(),
            Row::new("digest-of-another", &neighbour)
                .store(pinned_digest(&ours))
                .any_name()
                .denied(UNAVAILABLE),
            // The names are not there to be looked at.
            Row::new("digest-and-name", &ours)
                .store(pinned_digest(&ours))
                .denied(UNAVAILABLE),
            Row::new("key", &ours)
                .store(json!({ "pinned_public_key_sha256": [ours.spki_sha256_hex()] }))
                .any_name()
                .denied(UNAVAILABLE),
            // Of a certificate that the policy holds, everything can be looked at.
            Row::new("whole", &ours).store(pinned(&ours)),
            Row::new("whole-of-another", &neighbour)
                .store(pinned(&ours))
                .denied(UNAVAILABLE),
            by_name("whole-of-another-name", json!({ "dns": ["db.test"] })).denied("name_mismatch"),
            by_name("server-name", json!("server_name")).denied("reference_name_missing"),
            by_name("authority", json!("server_name_or_authority"))
                .ask(|r| r.host("api.test"), Served)
                .ask(|r| r.host("db.test"), Denied("name_mismatch")),
            Row::new("ca", &by_ca).denied(UNAVAILABLE),
            Row::new("ca-beside-a-pin", &by_ca)
                .store(store("", &pki.root, &[&pki.intermediate]))
                .store(pinned(&ours))
                .denied(UNAVAILABLE),
            Row::new("default", &by_ca)
                .without_rule()
                .denied(UNAVAILABLE),
            Row::new("own-certificate", &ours)
                .store(pinned(&ours))
                .tls(any_key().certificate(&pki.client("envoy").issue()))
                .require(json!({ "client_authentication": { "certificate": true } })),
            Row::new("no-own-certificate", &ours)
                .store(pinned(&ours))
                .require(json!({ "client_authentication": { "certificate": true } }))
                .denied("credential_missing"),
        ],
    )
    .policy(json!({ "default_trust_stores": ["ca"] }))
    .version(OLD)
    .walk()
    .await;

    assert_eq!(envoy.version().await.unwrap(), OLD);
}

/// What a client sends that wants to be taken for another.
fn claim(certificate: &Issued) -> String {
    let encoded: String = certificate
        .pem()
        .bytes()
        .map(|byte| match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    format!("By=x;Hash={};Cert=\"{encoded}\"", certificate.sha256_hex())
}

/// Doors where `x-forwarded-client-cert` is evidence, of a kind or another, and
/// those who would like to write it themselves.
fn doors_with_forwarded_certificates(
    pki: &Pki,
    unless_forwarded: Option<&'static str>,
) -> Vec<Door> {
    const XFCC: &str = "x-forwarded-client-cert";
    const STRANGER: &str = "certificate_unknown_issuer";
    let good = pki.client("web").dns("web.test").issue();
    let stranger = pki.other.client("web").dns("web.test").issue();
    let other_name = pki.client("web").dns("db.test").issue();
    let door = |name: &str, details: &str| {
        Door::new(name)
            .listener(|listener| listener.forward_client_cert(details))
            .names(json!({ "dns": ["web.test"] }))
    };
    let evidence = json!({ "forwarded_client_cert": "set_by_this_envoy" });
    let spoofing = |name: &str, certificate: &Issued| {
        Visit::new(name)
            .certificate(certificate)
            .header(XFCC, claim(&good))
    };
    let mut doors = vec![
        door("sanitize-set", "SANITIZE_SET")
            .peer(evidence.clone())
            .serves("good", &good)
            .denies("other-name", &other_name, "name_mismatch")
            .denies("stranger", &stranger, STRANGER)
            .visit(Visit::new("nobody").denied(MISSING))
            .visit(spoofing("spoofing", &stranger).denied(STRANGER))
            .visit(
                Visit::new("spoofing-nobody")
                    .header(XFCC, claim(&good))
                    .denied(MISSING),
            ),
        door("append-forward", "APPEND_FORWARD")
            .peer(evidence.clone())
            .serves("good", &good)
            .visit(
                Visit::new("good-after-another")
                    .certificate(&good)
                    .header(XFCC, claim(&stranger)),
            )
            .visit(spoofing("spoofing", &stranger).denied(STRANGER))
            .visit(
                Visit::new("spoofing-nobody")
                    .header(XFCC, claim(&good))
                    .denied(MISSING),
            ),
    ];
    // Nothing of a header that the rule does not know of.
    let unaware = door("unaware", "SANITIZE_SET");
    doors.push(match unless_forwarded {
        Some(cause) => unaware
            .denies("good", &good, cause)
            .visit(spoofing("spoofing", &stranger).denied(cause)),
        None => unaware
            .serves("good", &good)
            .visit(spoofing("spoofing", &stranger).denied(STRANGER)),
    });
    // Envoy forwards what came: the rule claims what is not so.
    let forwarding = door("forward-only", "FORWARD_ONLY").peer(evidence.clone());
    doors.push(match unless_forwarded {
        Some(cause) => forwarding
            .visit(spoofing("claiming-another", &stranger).denied("certificate_digest_mismatch"))
            .denies("claiming-nothing", &good, cause)
            .visit(
                Visit::new("claiming-garbage")
                    .certificate(&good)
                    .header(XFCC, "Cert=\"garbage\"")
                    .denied("certificate_malformed"),
            )
            // From here on this certificate is known by its digest.
            .visit(spoofing("claiming-itself", &good))
            .serves("known", &good),
        None => forwarding
            .visit(spoofing("claiming-another", &stranger).denied(STRANGER))
            .serves("claiming-nothing", &good),
    });
    // An open quote takes in what Envoy appends.
    let quoting = door("open-quote", "APPEND_FORWARD").peer(evidence);
    let visit = Visit::new("good")
        .certificate(&good)
        .header(XFCC, "By=x;Subject=\"");
    doors.push(match unless_forwarded {
        Some(cause) => quoting.visit(visit.denied(cause)),
        None => quoting.visit(visit),
    });
    doors
}

#[tokio::test]
async fn a_client_certificate_may_come_from_the_header_that_envoy_sets_and_only_from_there() {
    let pki = Pki::new();
    let doors = doors_with_forwarded_certificates(&pki, Some(UNAVAILABLE));

    let envoy = visit(&pki, doors, Some(OLD)).await;

    assert_eq!(envoy.version().await.unwrap(), OLD);
}

#[tokio::test]
async fn where_envoy_shows_client_certificates_the_header_says_nothing() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();

    visit(&pki, doors_with_forwarded_certificates(&pki, None), None).await;
}

#[tokio::test]
async fn pinned_clients_get_through_where_only_a_digest_is_shown() {
    let pki = Pki::new();
    let client = || {
        pki.client("web")
            .key(KeyKind::Rsa2048)
            .self_signed()
            .issue()
    };
    let (ours, neighbour) = (client(), client());

    visit(
        &pki,
        [
            Door::new("digest")
                .store(pinned_digest(&ours))
                .serves("ours", &ours)
                .denies("neighbour", &neighbour, UNAVAILABLE)
                .visit(Visit::new("nobody").denied(MISSING)),
            Door::new("whole")
                .store(pinned(&ours))
                .serves("ours", &ours)
                .denies("neighbour", &neighbour, UNAVAILABLE),
            Door::new("ca").denies("by-a-ca", &pki.client("web").issue(), UNAVAILABLE),
        ],
        Some(OLD),
    )
    .await;
}

/// The tables of the newest Envoy, in short.
#[tokio::test]
async fn the_previous_envoy_judges_like_the_newest() {
    let pki = Pki::new();
    let server = || pki.server("api.test");
    let good = server().issue();
    let [ours, neighbour] = neighbours(&pki);
    let rsa = |kind| server().key(kind).issue();

    let envoy = Table::new(
        &pki,
        [
            Row::plaintext("plaintext").denied("plaintext"),
            Row::new("good", &good),
            Row::new("other-ca", &pki.other.server("api.test").issue())
                .denied("certificate_unknown_issuer"),
            Row::new("tampered", &good.with_broken_signature())
                .denied("certificate_signature_invalid"),
            Row::new("expired", &server().expired().issue()).denied("certificate_expired"),
            Row::new("other-name", &pki.server("db.test").issue()).denied("name_mismatch"),
            Row::new("client-only", &server().only_client_auth().issue())
                .denied("certificate_usage"),
            Row::new("rsa-2048", &rsa(KeyKind::Rsa2048)),
            Row::openssl("rsa-1024", &rsa(KeyKind::Rsa1024)).denied("certificate_key_weak"),
            Row::new("pinned", &ours).store(pinned(&ours)),
            Row::new("neighbour", &neighbour)
                .store(pinned(&ours))
                .denied("certificate_not_pinned"),
            Row::new("server-name", &good).names(json!("server_name")),
            Row::new("other-server-name", &good)
                .names(json!("server_name"))
                .tls(UpstreamTls::new().sni("db.test"))
                .denied("name_mismatch"),
            Row::new("no-own-certificate", &good)
                .require(json!({ "client_authentication": { "certificate": true } }))
                .denied("credential_missing"),
        ],
    )
    .version(PREVIOUS)
    .walk()
    .await;
    assert_eq!(envoy.version().await.unwrap(), PREVIOUS);

    let client = pki.client("web").issue();
    let doors = [Door::new("clients")
        .serves("good", &client)
        .denies(
            "other-ca",
            &pki.other.client("web").issue(),
            "certificate_unknown_issuer",
        )
        .denies(
            "tampered",
            &client.with_broken_signature(),
            "certificate_signature_invalid",
        )
        .visit(Visit::new("nobody").denied(MISSING))];
    visit(&pki, doors, Some(PREVIOUS)).await;
}
