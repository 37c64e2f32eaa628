//! Revocation as a CA tells of it, read back by OpenSSL.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::{Duration, SystemTime};

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::pki::{Pki, openssl};
use hopguard_testbed::revocation::{
    Answer, Database, Extension, Known, List, OpensslResponder, Question, Responder, Signing,
    Status,
};

/// What `openssl ocsp` makes of an answer about this certificate: its words on stdout, where
/// the answer holds.
fn read(pki: &Pki, certificate: &hopguard_testbed::pki::Issued, answer: &[u8]) -> String {
    let directory = tempfile::TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
    std::fs::write(path("ca.pem"), pki.intermediate.pem()).unwrap();
    std::fs::write(path("leaf.pem"), certificate.pem()).unwrap();
    std::fs::write(path("answer"), answer).unwrap();
    let ca = path("ca.pem");
    let read = openssl::run(
        &[
            "ocsp",
            "-no_nonce",
            "-issuer",
            &ca,
            "-cert",
            &path("leaf.pem"),
            "-respin",
            &path("answer"),
            "-verify_other",
            &ca,
            "-trust_other",
            "-CAfile",
            &ca,
        ],
        b"",
    );
    String::from_utf8(read.unwrap()).unwrap()
}

#[test]
fn answers_made_here_mean_to_openssl_what_they_should() {
    let pki = Pki::new();
    let certificate = pki.server("api.test").issue();
    let about = |status| Answer::new(&pki.intermediate, &certificate, status);
    for (status, word) in [
        (Status::Good, ": good"),
        (Status::Revoked, ": revoked"),
        (Status::Unknown, ": unknown"),
    ] {
        let read = read(&pki, &certificate, &about(status).sign().unwrap());
        assert!(read.contains(word), "{read}");
        assert!(read.contains("Next Update"), "{read}");
        assert!(!read.contains("WARNING"), "{read}");
    }
    let hour = Duration::from_secs(3_600);
    let now = SystemTime::now();
    let past = about(Status::Good).validity(now - 3 * hour, now - 2 * hour);
    let told = read(&pki, &certificate, &past.sign().unwrap());
    assert!(told.contains("WARNING: Status times invalid"), "{told}");
    let endless = about(Status::Good).without_next_update(now - hour);
    let told = read(&pki, &certificate, &endless.sign().unwrap());
    assert!(
        told.contains(": good") && !told.contains("Next Update"),
        "{told}"
    );
    let other = pki.server("other.test").issue();
    let two =
        Answer::new(&pki.intermediate, &other, Status::Revoked).and(&certificate, Status::Good);
    let told = read(&pki, &certificate, &two.sign().unwrap());
    assert!(told.contains(": good"), "{told}");
}

#[tokio::test]
async fn a_responder_tells_what_its_database_knows() {
    let pki = Pki::new();
    let responder = Responder::start(&pki.intermediate).await.unwrap();
    let database = responder.database();
    let server = OpensslResponder::start(database, &Signing::default())
        .await
        .unwrap();
    let certificate = pki.server("api.test").issue();
    let question = Question::about(database, &pki.intermediate.pem(), &[&certificate]).unwrap();
    assert_eq!(question.serial_hex, certificate.serial_hex());
    for (known, word) in [
        (None, ": unknown"),
        (Some(Known::Good), ": good"),
        (Some(Known::Revoked), ": revoked"),
        (Some(Known::OnHold), "certificateHold"),
    ] {
        if let Some(known) = known {
            responder.set(&certificate, known);
            server.read_index().await.unwrap();
        }
        for address in [responder.addr(), server.addr()] {
            let asked = Request::post("/", question.der.clone());
            let answer = Client::plaintext(address).send(asked).await.unwrap();
            let read = read(&pki, &certificate, &answer.body);
            assert!(read.contains(word), "{read}");
        }
    }
    assert_eq!(responder.requests(), 4);
    assert_eq!(responder.requests_about(&certificate), 4);
    assert_eq!(responder.requests_about(&pki.server("b").issue()), 0);
}

#[test]
fn lists_name_what_is_revoked() {
    let pki = Pki::new();
    let database = Database::new(&pki.intermediate).unwrap();
    let certificate = pki.server("api.test").issue();
    let serial = certificate.serial_hex().to_uppercase();
    let text = |list: List| {
        let pem = list.pem(&database).unwrap();
        let read = openssl::run(&["crl", "-noout", "-text"], pem.as_bytes()).unwrap();
        String::from_utf8(read).unwrap()
    };
    database.set(&certificate, Known::Good);
    assert!(text(List::default()).contains("No Revoked Certificates"));
    database.set(&certificate, Known::OnHold);
    let held = text(List::default());
    assert!(
        held.contains(&serial) && held.contains("Certificate Hold"),
        "{held}"
    );
    for (extension, words) in [
        (Extension::OnlyUserCertificates, "Only User Certificates"),
        (Extension::OnlyCaCertificates, "Only CA Certificates"),
        (
            Extension::DistributionPoint("http://crl.test/a"),
            "URI:http://crl.test/a",
        ),
        (Extension::Indirect, "Indirect CRL"),
        (Extension::DeltaTo(1), "Delta CRL Indicator: critical"),
    ] {
        let read = text(List::default().extension(extension));
        assert!(read.contains(words), "{words}: {read}");
    }
    let signed = text(List::default().signed_by(&pki.other));
    assert!(signed.contains("Testbed Other CA"), "{signed}");
}
