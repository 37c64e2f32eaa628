//! Wycheproof's signatures, of the algorithms that certificates here may be signed with.

use hopguard_conformance::{Base64, Verdict, Way, signature};
use rustls_pki_types::{AlgorithmIdentifier, alg_id};
use wycheproof::TestResult::{self, Acceptable, Invalid, Valid};
use wycheproof::{ecdsa, eddsa, rsa_pkcs1_verify as pkcs1, rsa_pss_verify as pss};

/// A signature, and what Wycheproof says of it.
pub struct Case {
    pub name: String,
    pub expected: TestResult,
    pub signature: signature::Case,
}

macro_rules! cases {
    ($into:ident, $module:ident, $($name:ident => $algorithm:ident,)*) => {$(
        let set = $module::TestSet::load($module::TestName::$name).unwrap();
        for group in set.test_groups {
            for test in group.tests {
                $into.push(Case {
                    name: format!("{} {}: {}", stringify!($name), test.tc_id, test.comment),
                    expected: test.result,
                    signature: signature::Case {
                        spki: Base64(group.der.to_vec()),
                        algorithm: Base64(identifier(alg_id::$algorithm)),
                        message: Base64(test.msg.to_vec()),
                        signature: Base64(test.sig.to_vec()),
                    },
                });
            }
        }
    )*};
}

/// Every case.
pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    cases!(all, ecdsa,
        EcdsaSecp256r1Sha256 => ECDSA_SHA256,
        EcdsaSecp256r1Sha512 => ECDSA_SHA512,
        EcdsaSecp384r1Sha256 => ECDSA_SHA256,
        EcdsaSecp384r1Sha384 => ECDSA_SHA384,
        EcdsaSecp384r1Sha512 => ECDSA_SHA512,
        EcdsaSecp521r1Sha512 => ECDSA_SHA512,
        EcdsaSecp256k1Sha256 => ECDSA_SHA256,
    );
    cases!(all, eddsa, Ed25519 => ED25519,);
    cases!(all, pkcs1,
        Rsa2048Sha256 => RSA_PKCS1_SHA256,
        Rsa2048Sha384 => RSA_PKCS1_SHA384,
        Rsa2048Sha512 => RSA_PKCS1_SHA512,
        Rsa3072Sha256 => RSA_PKCS1_SHA256,
        Rsa3072Sha384 => RSA_PKCS1_SHA384,
        Rsa3072Sha512 => RSA_PKCS1_SHA512,
        Rsa4096Sha256 => RSA_PKCS1_SHA256,
        Rsa4096Sha384 => RSA_PKCS1_SHA384,
        Rsa4096Sha512 => RSA_PKCS1_SHA512,
        Rsa8192Sha256 => RSA_PKCS1_SHA256,
        Rsa8192Sha384 => RSA_PKCS1_SHA384,
        Rsa8192Sha512 => RSA_PKCS1_SHA512,
    );
    cases!(all, pss,
        RsaPss2048Sha256Mgf1SaltLen32 => RSA_PSS_SHA256,
        RsaPss2048Sha384Mgf1SaltLen48 => RSA_PSS_SHA384,
        RsaPss3072Sha256Mgf1SaltLen32 => RSA_PSS_SHA256,
        RsaPss4096Sha256Mgf1SaltLen32 => RSA_PSS_SHA256,
        RsaPss4096Sha384Mgf1SaltLen48 => RSA_PSS_SHA384,
        RsaPss4096Sha512Mgf1SaltLen64 => RSA_PSS_SHA512,
    );
    all
}

/// Whole, as it stands in a certificate.
pub fn identifier(content: AlgorithmIdentifier) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    match length {
        0..0x80 => [&[0x30, length], content.as_ref()].concat(),
        _ => [&[0x30, 0x81, length], content.as_ref()].concat(),
    }
}

/// Why a valid signature is refused, by the beginning of the case's name.
const REFUSED: &[(&str, &str)] = &[
    (
        "EcdsaSecp521r1Sha512",
        "Nothing here checks P-521: an issuer with such a key is refused when the policy is read.",
    ),
    (
        "EcdsaSecp256k1Sha256",
        "secp256k1 is no curve of the Web PKI or of TLS 1.3 (RFC 8446 section 4.2.3).",
    ),
];

fn problem(case: &Case, verdict: &Verdict) -> Option<String> {
    let named = REFUSED
        .iter()
        .any(|(start, _)| case.name.starts_with(start));
    let is_right = match case.expected {
        Valid => verdict.accepted != named,
        Invalid => !verdict.accepted,
        // "Might be rejected for various reasons": it is, for it is always some
        // form that an implementation may take or not.
        Acceptable => !verdict.accepted,
    };
    (!is_right).then(|| format!("{} ({:?}): {}", case.name, case.expected, verdict.code))
}

#[test]
fn in_process() {
    let cases = cases();
    let way = Way::in_process();
    let mut problems = Vec::new();
    let (mut accepted, mut valid) = (0, 0);
    for case in &cases {
        let verdict = signature::judge(&case.signature, &way);
        accepted += usize::from(verdict.accepted);
        valid += usize::from(case.expected == Valid);
        problems.extend(problem(case, &verdict));
    }
    println!(
        "Wycheproof: {} signatures, {valid} of them valid, {accepted} accepted",
        cases.len()
    );
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
