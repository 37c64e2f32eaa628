//! Answers of a responder that nobody here wrote: `openssl ocsp`.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::responder::*;
use crate::revocation::ocsp::{
    Answer, CertIdHash, CertStatus, Demands, Nonce, NonceDemand, OcspError, RevocationReason,
    Signer, request,
};
use crate::trust::tests::pki;

/// A directory of its own that goes when the test does.
pub struct Workshop {
    dir: PathBuf,
}

impl Workshop {
    pub fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let dir = std::env::temp_dir().join(format!(
            "hopguard-ocsp-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        ));
        std::fs::create_dir_all(&dir).unwrap();
        Self { dir }
    }

    /// What `openssl` prints; the arguments are separated by spaces.
    pub fn output(&self, arguments: &str) -> String {
        let output = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(&self.dir)
            .output()
            .expect("these tests need the openssl command: install the openssl package");
        assert!(
            output.status.success(),
            "openssl {arguments} failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn run(&self, arguments: &str) {
        self.output(arguments);
    }

    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.join(name)).unwrap()
    }

    pub fn write(&self, name: &str, content: &[u8]) {
        std::fs::write(self.dir.join(name), content).unwrap();
    }

    /// A response to this request from a CA whose index has this line.
    fn respond(&self, index: &str, request: &[u8], more: &str) -> Vec<u8> {
        self.write("index.txt", index.as_bytes());
        self.write("index.txt.attr", b"unique_subject = no\n");
        self.write("request.der", request);
        self.write("ca.pem", pki::pem(&WORLD.ca.der).as_bytes());
        self.write("ca.key", WORLD.ca.key.serialize_pem().as_bytes());
        self.run(&format!(
            "ocsp -index index.txt -CA ca.pem -reqin request.der -respout response.der {more}"
        ));
        std::fs::read(self.dir.join("response.der")).unwrap()
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // Nothing depends on it: the directory is under the system's temporary one.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

const BY_CA: &str = "-rsigner ca.pem -rkey ca.key -ndays 1";
const VALID: &str = "V\t301231000000Z\t\tFE010203\tunknown\t/CN=peer\n";

/// The responder takes the time from the system.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

fn ask(index: &str, more: &str) -> Result<Answer, OcspError> {
    let asked = request(&WORLD.question(), CertIdHash::Sha1, None);
    let response = Workshop::new().respond(index, &asked, more);
    judge_at(&response, at(now()))
}

#[test]
fn good() {
    let answer = ask(VALID, BY_CA).unwrap();
    assert_eq!(answer.status, CertStatus::Good);
    assert_eq!(answer.signed_by, Signer::Issuer);
    assert!(answer.next_update.unwrap() > now() + DAY - HOUR);
    let by_key = ask(VALID, &format!("{BY_CA} -resp_key_id"));
    assert_eq!(by_key.unwrap().status, CertStatus::Good);
}

#[test]
fn revoked() {
    let status = |reason: &str| {
        let line =
            format!("R\t301231000000Z\t260501000000Z{reason}\tFE010203\tunknown\t/CN=peer\n");
        ask(&line, BY_CA).unwrap().status
    };
    // 2026-05-01
    let at = 1_777_593_600;
    for (written, reason) in [
        ("", None),
        (",keyCompromise", Some(RevocationReason::KeyCompromise)),
        (
            ",holdInstruction,holdInstructionReject",
            Some(RevocationReason::CertificateHold),
        ),
    ] {
        assert_eq!(status(written), CertStatus::Revoked { at, reason });
    }
}

#[test]
fn unknown() {
    let other = VALID.replace("FE010203", "FE010204");
    assert_eq!(ask(&other, BY_CA).unwrap().status, CertStatus::Unknown);
}

#[test]
fn without_next_update() {
    let answer = ask(VALID, "-rsigner ca.pem -rkey ca.key").unwrap();
    assert_eq!(answer.next_update, None);
}

#[test]
fn a_request_with_sha_256_and_a_nonce() {
    let nonce = Nonce::new([0x5a; 32]);
    let asked = request(&WORLD.question(), CertIdHash::Sha256, Some(&nonce));
    let response = Workshop::new().respond(VALID, &asked, BY_CA);
    let judged = |nonce| {
        let demands = Demands {
            nonce,
            ..Demands::default()
        };
        judge_by(&response, &demands, at(now()))
    };
    let answer = judged(NonceDemand::Required(nonce)).unwrap();
    assert_eq!(answer.status, CertStatus::Good);
    let other = NonceDemand::Required(Nonce::new([0x5b; 32]));
    assert_eq!(judged(other).unwrap_err().code(), "ocsp_nonce_mismatch");
}

#[test]
fn by_a_delegate() {
    let by = |delegate: &Delegate| {
        let workshop = Workshop::new();
        workshop.write("delegate.pem", pki::pem(&delegate.der).as_bytes());
        workshop.write("delegate.key", delegate.key.serialize_pem().as_bytes());
        let asked = request(&WORLD.question(), CertIdHash::Sha1, None);
        let signer = "-rsigner delegate.pem -rkey delegate.key -rother ca.pem -ndays 1";
        let response = workshop.respond(VALID, &asked, signer);
        judge_at(&response, at(now()))
    };
    let lasting = |params: &mut rcgen::CertificateParams| {
        pki::valid(params, now() - DAY, now() + DAY);
    };
    let answer = by(&delegate(lasting)).unwrap();
    assert!(matches!(
        answer.signed_by,
        Signer::Delegate { nocheck: true, .. }
    ));
    // openssl signs with anything; a server's certificate is not enough.
    let server = delegate(|params| {
        lasting(params);
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    });
    let error = by(&server).unwrap_err();
    assert_eq!(error.code(), "ocsp_delegate_not_entitled");
}

#[test]
fn replayed_a_day_later() {
    let asked = request(&WORLD.question(), CertIdHash::Sha1, None);
    let response = Workshop::new().respond(VALID, &asked, BY_CA);
    let later = judge_at(&response, at(now() + DAY + HOUR));
    assert_eq!(later.unwrap_err().code(), "ocsp_stale");
}
