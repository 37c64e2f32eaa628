//! Judges the cases of conformance suites with hopguard's public parts. The same
//! code runs natively and in WebAssembly, in a real Envoy
//! (`tools/conformance-filter`), so that verdicts can be compared case by case.
//!
//! | module | cases |
//! |---|---|
//! | [`certificate`] | x509-limbo and NIST PKITS, each as a policy and a peer |
//! | [`ocsp`] | BoringSSL's OCSP responses |
//! | [`signature`] | single signatures, such as Wycheproof's |
//! | [`way`] | the two ways of checking signatures, and what they were asked |

use serde::{Deserialize, Serialize};

pub mod certificate;
pub mod ocsp;
pub mod signature;
pub mod way;

pub use way::Way;

/// What is to be judged.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Whether a peer with this certificate is let through.
    Certificate(Box<certificate::Case>),
    /// What an OCSP response says.
    Ocsp(Box<ocsp::Case>),
    /// Which of these signatures hold.
    Signatures(Vec<signature::Case>),
}

/// What came of a task.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Report {
    /// One for each signature, else one.
    pub verdicts: Vec<Verdict>,
    /// Signatures that the host decided.
    pub by_host: usize,
}

/// A verdict.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Verdict {
    /// Whether it was accepted.
    pub accepted: bool,
    /// A stable code, where it was not: `policy_refused`, or a cause.
    pub code: String,
    /// The compared values, in one sentence.
    pub detail: String,
}

impl Verdict {
    pub(crate) fn accepted() -> Self {
        Self {
            accepted: true,
            code: "accepted".to_owned(),
            detail: String::new(),
        }
    }

    pub(crate) fn refused(code: &str, detail: impl ToString) -> Self {
        Self {
            accepted: false,
            code: code.to_owned(),
            detail: detail.to_string(),
        }
    }
}

/// Judges, checking signatures in this way.
pub fn judge(task: &Task, way: &Way) -> Report {
    let before = way.by_host();
    let verdicts = match task {
        Task::Certificate(case) => vec![certificate::judge(case, way)],
        Task::Ocsp(case) => vec![ocsp::judge(case, way)],
        Task::Signatures(cases) => cases.iter().map(|c| signature::judge(c, way)).collect(),
    };
    Report {
        verdicts,
        by_host: way.by_host().saturating_sub(before),
    }
}

/// What is in standard base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base64(pub Vec<u8>);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        data_encoding::BASE64
            .decode(text.as_bytes())
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

impl Serialize for Base64 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&data_encoding::BASE64.encode(&self.0))
    }
}
