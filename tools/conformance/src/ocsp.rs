//! OCSP responses (BoringSSL's `pki/testdata/ocsp_unittest`).

use hopguard::revocation::ocsp::{CertStatus, Demands, Question, verify};
use hopguard::trust::{Certificate, Instant};
use serde::{Deserialize, Serialize};

use crate::certificate::seconds;
use crate::{Base64, Verdict, Way};

/// A response, and what it is about.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Case {
    /// Its name.
    pub id: String,
    /// The time, `YYYY-MM-DDThh:mm:ssZ`.
    pub verify_time: String,
    /// The age of a response that does not say when the next one comes.
    pub max_age_s: u32,
    /// DER.
    pub response: Base64,
    /// DER: the certificate asked about.
    pub cert: Base64,
    /// DER: its issuer.
    pub issuer: Base64,
}

/// Whether the certificate is good, by a response that holds.
pub fn judge(case: &Case, way: &Way) -> Verdict {
    let (leaf, issuer) = match (
        Certificate::parse(&case.cert.0),
        Certificate::parse(&case.issuer.0),
    ) {
        (Ok(leaf), Ok(issuer)) => (leaf, issuer),
        (Err(error), _) | (_, Err(error)) => return Verdict::refused(error.code(), &error),
    };
    let Some(now) = seconds(&case.verify_time) else {
        return Verdict::refused("case_malformed", &case.verify_time);
    };
    let question = Question {
        leaf: &leaf,
        issuer: &issuer,
    };
    let demands = Demands {
        max_age_seconds: case.max_age_s,
        ..Demands::default()
    };
    let at = Instant { now, skew: 0 };
    let verifier = way.verifier();
    match verify(&case.response.0, &question, &demands, verifier.as_ref(), at) {
        Ok(answer) if answer.status == CertStatus::Good => Verdict::accepted(),
        Ok(answer) => Verdict::refused(&answer.status.to_string(), ""),
        Err(error) => Verdict::refused(error.code(), &error),
    }
}
