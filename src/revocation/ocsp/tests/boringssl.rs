//! BoringSSL's OCSP cases (`pki/testdata/ocsp_unittest`, Apache-2.0).
//!
//! They lie beside the repository, not in it. Most are signed with SHA-1, which
//! nothing but this test can check.

use data_encoding::BASE64;
use rsa::{BoxedUint, Pkcs1v15Sign, PublicKey};
use serde::Deserialize;

use super::responder::{sha1, time_text};
use crate::revocation::ocsp::encoding::tag;
use crate::revocation::ocsp::signed::Signed;
use crate::revocation::ocsp::verify::verify_by;
use crate::revocation::ocsp::{
    Answer, CertIdHash, Demands, Invalid, OcspError, Question, TimeField, request, time,
};
use crate::trust::certificate::rsa_key::RsaKey;
use crate::trust::der::{self, Reader};
use crate::trust::tests::vectors;
use crate::trust::{Certificate, Instant, NoHost, TrustError, signature};

#[derive(Deserialize)]
struct Case {
    id: String,
    expected_status: String,
    expected_response_status: String,
    verify_time: String,
    max_age_s: u32,
    response: String,
    cert: String,
    issuer: String,
    request: String,
}

/// Where we answer differently, and why.
const EXCEPTIONS: &[(&str, &str)] = &[(
    "boringssl-ocsp::has_critical_ct_extension",
    "signed certificate timestamps (RFC 6962 section 3.3) are not processed here, \
     and what is critical and not processed is refused",
)];

#[test]
fn boringssl_agrees() {
    let Some(text) = vectors::read("ocsp_boringssl.json") else {
        return;
    };
    let cases: Vec<Case> = serde_json::from_slice(&text).unwrap();
    assert_eq!(cases.len(), 36);
    let mut failures = Vec::new();
    for case in &cases {
        let excepted = EXCEPTIONS.iter().any(|(id, _)| *id == case.id);
        let answer = case.answer();
        let agreed = case.agrees(&answer);
        if agreed == excepted {
            let (wanted, detail) = (&case.expected_status, &case.expected_response_status);
            failures.push(format!("{}: {wanted} {detail}, but {answer:?}", case.id));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

impl Case {
    fn answer(&self) -> Result<Answer, OcspError> {
        let decoded = |text: &str| BASE64.decode(text.as_bytes()).unwrap();
        let leaf = Certificate::parse(&decoded(&self.cert)).unwrap();
        let issuer = Certificate::parse(&decoded(&self.issuer)).unwrap();
        let question = Question {
            leaf: &leaf,
            issuer: &issuer,
        };
        let asked = request(&question, CertIdHash::Sha1, None);
        assert_eq!(BASE64.encode(&asked), self.request, "{}", self.id);
        let now = time_text(&self.verify_time.replace(['-', ':', 'T'], ""));
        let at = Instant {
            now: time::read(&mut Reader::new(&now)).unwrap(),
            skew: 0,
        };
        let demands = Demands {
            max_age_seconds: self.max_age_s,
            ..Demands::default()
        };
        verify_by(&decoded(&self.response), &question, &demands, &check, at)
    }

    /// The status, and for the same reason.
    fn agrees(&self, answer: &Result<Answer, OcspError>) -> bool {
        use Invalid as I;
        use OcspError as E;
        let wanted = (
            &self.expected_status[..],
            &self.expected_response_status[..],
        );
        match answer {
            Ok(answer) => {
                let status = answer.status.to_string().to_uppercase();
                wanted == (&status[..], "PROVIDED")
            }
            Err(error) => {
                let detail = match error {
                    E::NotNow(_) | E::Refused(_) => "ERROR_RESPONSE",
                    E::NoMatch => "NO_MATCHING_RESPONSE",
                    E::Invalid(I::ProducedOutsideSigner { .. })
                    | E::NotYetValid {
                        field: TimeField::ProducedAt,
                        ..
                    } => "BAD_PRODUCED_AT",
                    E::Stale { .. } | E::NotYetValid { .. } => "INVALID_DATE",
                    E::Invalid(I::CriticalExtension(_)) => "UNHANDLED_CRITICAL_EXTENSION",
                    E::Invalid(I::Signature(_) | I::SignerUnknown | I::Delegate(_)) => "PROVIDED",
                    // How deep a response was read before it was found bad is
                    // told by none of our errors.
                    E::Invalid(_) if wanted.1 == "PARSE_RESPONSE_DATA_ERROR" => wanted.1,
                    E::Invalid(_) => "PARSE_RESPONSE_ERROR",
                };
                wanted == ("UNKNOWN", detail)
            }
        }
    }
}

/// As in production, and RSA with SHA-1 beside it.
fn check(spki: &[u8], signed: &Signed<'_>) -> Result<(), TrustError> {
    // Theirs have no NULL for parameters.
    const RSA_SHA1: &[u8] = &[0x30, 11, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5];
    const DIGEST_INFO: &[u8] = &[
        0x30, 0x21, 0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0, 4, 20,
    ];
    let (algorithm, message) = (signed.algorithm, signed.message);
    if algorithm != RSA_SHA1 {
        return signature::check(&NoHost, spki, algorithm, message, signed.signature);
    }
    let mut fields = Reader::new(der::single(spki, tag::SEQUENCE).unwrap());
    fields.expect(tag::SEQUENCE).unwrap();
    let key = RsaKey::parse(&fields.expect(tag::BIT_STRING).unwrap()[1..]).unwrap();
    let key = PublicKey::new(
        BoxedUint::from_be_slice_vartime(key.modulus),
        BoxedUint::from_be_slice_vartime(key.exponent),
    );
    let padding = Pkcs1v15Sign {
        hash_len: Some(20),
        prefix: DIGEST_INFO.into(),
    };
    key.unwrap()
        .verify(padding, &sha1(message), signed.signature)
        .map_err(|_| TrustError::SignatureInvalid)
}
