//! Single signatures.

use hopguard::trust::signature;
use serde::{Deserialize, Serialize};

use crate::{Base64, Verdict, Way};

/// A signature to check.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Case {
    /// `SubjectPublicKeyInfo`, DER.
    pub spki: Base64,
    /// `AlgorithmIdentifier`, DER.
    pub algorithm: Base64,
    /// What is signed.
    pub message: Base64,
    /// The signature, as it stands in a certificate.
    pub signature: Base64,
}

/// Whether the signature holds.
pub fn judge(case: &Case, way: &Way) -> Verdict {
    let result = signature::check(
        way.verifier().as_ref(),
        &case.spki.0,
        &case.algorithm.0,
        &case.message.0,
        &case.signature.0,
    );
    match result {
        Ok(()) => Verdict::accepted(),
        Err(error) => Verdict::refused(error.code(), &error),
    }
}
