//! NIST PKITS sections 4.4, 4.5, 4.14 and 4.15, and x509-limbo's cases of
//! revocation lists, where the shared vectors are at hand.

use serde::Deserialize;

use crate::revocation::crl::{Crl, CrlStatus, Limits, status, time};
use crate::trust::der::{self, Reader, tag, wrap};
use crate::trust::tests::vectors;
use crate::trust::{Certificate, Instant, NoHost, pem, signature};

#[derive(Deserialize)]
struct Suite {
    testcases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    trusted_certs: Vec<String>,
    untrusted_intermediates: Vec<String>,
    peer_certificate: String,
    validation_time: Option<String>,
    expected_result: String,
    crls: Vec<String>,
}

const OTHER_KEY: &str = "The list is signed with another key of the CA than the certificate. Section 5.1.1.3 \
    allows that, but whose key it is would need a path of its own, with its own revocation: \
    there is no verdict from it.";

const INDIRECT: &str = "The list is an indirect one, of another issuer than the certificate's, and refused by name: \
    no verdict from it.";

const DELTA: &str = "The delta is refused by name, so what is newer than its base is not known. Section 6.3.1 (b) \
    leaves the use of deltas to whoever verifies.";

/// Where we differ, and why. All but the first delta err towards no verdict, or
/// towards revoked.
const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "Section4ValidSeparateCertificateandCRLKeysTest19",
        OTHER_KEY,
    ),
    ("Section5ValidBasicSelfIssuedOldWithNewTest1", OTHER_KEY),
    ("Section5ValidBasicSelfIssuedNewWithOldTest4", OTHER_KEY),
    ("Section5ValidBasicSelfIssuedCRLSigningKeyTest6", OTHER_KEY),
    ("Section14ValidIDPwithindirectCRLTest22", INDIRECT),
    ("Section14ValidIDPwithindirectCRLTest24", INDIRECT),
    ("Section14ValidIDPwithindirectCRLTest25", INDIRECT),
    ("Section14ValidcRLIssuerTest28", INDIRECT),
    ("Section14ValidcRLIssuerTest29", INDIRECT),
    ("Section14ValidcRLIssuerTest30", INDIRECT),
    ("Section14ValidcRLIssuerTest33", INDIRECT),
    // Revoked in the delta alone.
    ("Section15InvaliddeltaCRLTest4", DELTA),
    // Taken off hold by the delta.
    ("Section15ValiddeltaCRLTest5", DELTA),
];

fn suite(name: &str) -> Option<Suite> {
    let text = vectors::read(name)?;
    Some(serde_json::from_slice(&text).expect("the vectors are JSON"))
}

/// `2011-04-15T00:00:00Z`, as a GeneralizedTime.
fn moment(text: &str) -> i64 {
    let digits: String = text.chars().filter(char::is_ascii_digit).take(14).collect();
    let der = wrap(0x18, format!("{digits}Z").as_bytes());
    time::read(&mut Reader::new(&der)).expect("a time")
}

/// Whether `issuer` signed `certificate`: what the path verifier finds out
/// before revocation is asked for.
fn signed(certificate: &Certificate, issuer: &Certificate) -> bool {
    let mut fields = Reader::new(der::single(certificate.der(), tag::SEQUENCE).unwrap());
    let tbs = wrap(tag::SEQUENCE, fields.expect(tag::SEQUENCE).unwrap());
    let algorithm = wrap(tag::SEQUENCE, fields.expect(tag::SEQUENCE).unwrap());
    let bits = fields.expect(tag::BIT_STRING).unwrap();
    signature::check(&NoHost, issuer.spki(), &algorithm, &tbs, &bits[1..]).is_ok()
}

fn issues(issuer: &Certificate, certificate: &Certificate) -> bool {
    let usage = issuer.extensions().key_usage;
    issuer.subject_der() == certificate.issuer_der()
        && issuer.der() != certificate.der()
        && usage.is_none_or(|usage| usage.key_cert_sign())
        && signed(certificate, issuer)
}

/// Whether every certificate of the path is good, or why not.
fn judge(case: &Case) -> Result<(), String> {
    let parse = |text: &String| -> Result<Certificate, String> {
        let der = pem::single_certificate(text.as_bytes()).map_err(|error| error.to_string())?;
        Certificate::parse(&der).map_err(|error| error.to_string())
    };
    let parse_all = |texts: &[String]| texts.iter().map(parse).collect::<Result<Vec<_>, _>>();
    let anchors = parse_all(&case.trusted_certs)?;
    let intermediates = parse_all(&case.untrusted_intermediates)?;
    let at = Instant {
        now: moment(case.validation_time.as_deref().expect("a time")),
        skew: 0,
    };
    let authorities: Vec<&Certificate> = anchors.iter().chain(&intermediates).collect();
    let mut lists = Vec::new();
    let mut refused = Vec::new();
    for text in &case.crls {
        let bytes = text.clone().into_bytes();
        match Crl::load(bytes, &authorities, at, Limits::default(), &NoHost) {
            Ok(list) => lists.push(list),
            Err(error) => refused.push(error),
        }
    }
    let lists: Vec<&Crl> = lists.iter().collect();
    let leaf = parse(&case.peer_certificate)?;
    let mut current = &leaf;
    for _ in 0..8 {
        let anchor = anchors.iter().find(|anchor| issues(anchor, current));
        let issuer = anchor
            .or_else(|| intermediates.iter().find(|issuer| issues(issuer, current)))
            .ok_or("no path")?;
        match status(&lists, current, issuer, at) {
            CrlStatus::Good { .. } => {}
            CrlStatus::Revoked { .. } => return Err("revoked".into()),
            CrlStatus::Stale { error, .. } => return Err(error.code().into()),
            CrlStatus::Gone => return Err("gone".into()),
            CrlStatus::NotCovered(why) => {
                return Err(format!("{why:?}, refused lists: {refused:?}"));
            }
        }
        if anchor.is_some() {
            return Ok(());
        }
        current = issuer;
    }
    Err("too deep".into())
}

/// Runs the cases and fails on each that differs without a written reason, or
/// no longer differs.
fn run(suite: &Suite, wanted: impl Fn(&str) -> bool) -> usize {
    let mut failures = Vec::new();
    let mut count = 0;
    for case in suite.testcases.iter().filter(|case| wanted(&case.id)) {
        count += 1;
        let result = judge(case);
        let agrees = result.is_ok() == (case.expected_result == "SUCCESS");
        let reason = EXCEPTIONS.iter().find(|(id, _)| case.id.ends_with(id));
        match (agrees, reason) {
            (true, None) | (false, Some(_)) => {}
            (true, Some(_)) => failures.push(format!("{}: agrees, drop the reason", case.id)),
            (false, None) => failures.push(format!(
                "{}: expected {}, was {result:?}",
                case.id, case.expected_result
            )),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    count
}

#[test]
fn pkits() {
    let Some(suite) = suite("pkits.json") else {
        return;
    };
    let sections = ["PkitsTest04", "PkitsTest05", "PkitsTest14", "PkitsTest15"];
    let count = run(&suite, |id| {
        sections.iter().any(|section| id.contains(section))
    });
    assert_eq!(count, 74);
}

#[test]
fn limbo() {
    let Some(suite) = suite("limbo-core.json") else {
        return;
    };
    let count = run(&suite, |id| id.starts_with("crl::"));
    assert_eq!(count, 8);
}
