//! Keys on which implementations differ: sizes and exponents of RSA keys, curves,
//! forms of points, parameters. Made and used by OpenSSL; each signature holds.

use hopguard_conformance::{Base64, Way, signature};
use hopguard_testbed::pki::openssl;
use rustls_pki_types::{AlgorithmIdentifier, alg_id};

use crate::wycheproof::identifier;

const MESSAGE: &[u8] = b"a message";

/// A signature, and whether it is accepted.
pub struct Case {
    pub name: String,
    pub is_accepted: bool,
    pub signature: signature::Case,
}

/// Arguments of `genpkey`, of `pkey -pubout` and of `pkeyutl`, the algorithm that
/// is claimed, and whether the signature is accepted.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    AlgorithmIdentifier,
    bool,
);

const RSA: AlgorithmIdentifier = alg_id::RSA_PKCS1_SHA256;
const PSS: AlgorithmIdentifier = alg_id::RSA_PSS_SHA256;
const ECDSA: AlgorithmIdentifier = alg_id::ECDSA_SHA256;

const PSS_32: &str = "-pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:32";
const PSS_20: &str = "-pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:20";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // Below 1,024 bits no key is evidence; a rule's own minimum is asked of the
    // certificate, and so is that the size is a multiple of 8.
    ("RSA -pkeyopt rsa_keygen_bits:512", "", "", RSA, false),
    ("RSA -pkeyopt rsa_keygen_bits:1016", "", "", RSA, false),
    ("RSA -pkeyopt rsa_keygen_bits:1024", "", "", RSA, true),
    ("RSA -pkeyopt rsa_keygen_bits:1025", "", "", RSA, true),
    ("RSA -pkeyopt rsa_keygen_bits:2047", "", "", RSA, true),
    ("RSA -pkeyopt rsa_keygen_bits:2048", "", "", RSA, true),
    ("RSA -pkeyopt rsa_keygen_bits:2048", "", PSS_32, PSS, true),
    ("RSA -pkeyopt rsa_keygen_bits:2047", "", PSS_32, PSS, true),
    // Its padding has a whole octet less than the modulus (RFC 8017 section 8.1.2).
    ("RSA -pkeyopt rsa_keygen_bits:2049", "", PSS_32, PSS, true),
    ("RSA -pkeyopt rsa_keygen_bits:2048", "", PSS_20, PSS, false),
    ("RSA -pkeyopt rsa_keygen_bits:4096", "", "", RSA, true),
    ("RSA -pkeyopt rsa_keygen_bits:4104", "", "", RSA, true),
    // Exponents: from 3 to 33 bits.
    ("RSA -pkeyopt rsa_keygen_pubexp:3", "", "", RSA, true),
    ("RSA -pkeyopt rsa_keygen_pubexp:3", "", PSS_32, PSS, true),
    ("RSA -pkeyopt rsa_keygen_pubexp:17", "", "", RSA, true),
    ("RSA -pkeyopt rsa_keygen_pubexp:65539", "", "", RSA, true),
    ("RSA -pkeyopt rsa_keygen_pubexp:4294967297", "", "", RSA, true),
    ("RSA -pkeyopt rsa_keygen_pubexp:8589934591", "", "", RSA, true),
    ("RSA -pkeyopt rsa_keygen_pubexp:8589934593", "", "", RSA, false),
    ("RSA -pkeyopt rsa_keygen_pubexp:18446744073709551617", "", "", RSA, false),
    // A key that says that it is for PSS alone.
    ("RSA-PSS", "", PSS_32, PSS, false),
    ("EC -pkeyopt ec_paramgen_curve:P-256", "", "", ECDSA, true),
    ("EC -pkeyopt ec_paramgen_curve:P-256", "-ec_conv_form compressed", "", ECDSA, false),
    ("EC -pkeyopt ec_paramgen_curve:P-256", "-ec_conv_form hybrid", "", ECDSA, false),
    ("EC -pkeyopt ec_paramgen_curve:P-256", "-ec_param_enc explicit", "", ECDSA, false),
    ("EC -pkeyopt ec_paramgen_curve:P-384", "", "", ECDSA, true),
    ("EC -pkeyopt ec_paramgen_curve:P-384", "-ec_conv_form compressed", "", ECDSA, false),
    ("EC -pkeyopt ec_paramgen_curve:P-521", "", "", ECDSA, false),
    ("EC -pkeyopt ec_paramgen_curve:P-192", "", "", ECDSA, false),
    ("EC -pkeyopt ec_paramgen_curve:P-224", "", "", ECDSA, false),
    ("EC -pkeyopt ec_paramgen_curve:secp256k1", "", "", ECDSA, false),
    ("EC -pkeyopt ec_paramgen_curve:brainpoolP256r1", "", "", ECDSA, false),
    ("EC -pkeyopt ec_paramgen_curve:P-256", "", "", RSA, false),
    ("ED25519", "", "", alg_id::ED25519, true),
    ("ED448", "", "", alg_id::ED25519, false),
];

/// Every case, and each with another message, which is refused.
pub fn cases() -> Vec<Case> {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (key, message) = (path("key.pem"), path("message"));
    std::fs::write(&message, MESSAGE).unwrap();
    let run = |arguments: &str| {
        let arguments: Vec<_> = arguments.split_whitespace().collect();
        openssl::run(&arguments, b"").unwrap()
    };
    let mut cases = Vec::new();
    for (algorithm, form, padding, claimed, is_accepted) in ROWS {
        run(&format!("genpkey -algorithm {algorithm} -out {key}"));
        let spki = run(&format!("pkey -in {key} -pubout -outform DER {form}"));
        let digest = if algorithm.starts_with("ED") {
            ""
        } else {
            "-digest sha256"
        };
        let signature = run(&format!(
            "pkeyutl -sign -rawin {digest} {padding} -inkey {key} -in {message}"
        ));
        for (what, message, is_accepted) in [
            ("", MESSAGE, *is_accepted),
            (", another message", b"another".as_slice(), false),
        ] {
            cases.push(Case {
                name: format!("{algorithm} {form} {padding}{what}"),
                is_accepted,
                signature: signature::Case {
                    spki: Base64(spki.clone()),
                    algorithm: Base64(identifier(*claimed)),
                    message: Base64(message.to_vec()),
                    signature: Base64(signature.clone()),
                },
            });
        }
    }
    cases
}

#[test]
fn in_process() {
    let way = Way::in_process();
    let problems: Vec<_> = cases()
        .iter()
        .filter_map(|case| {
            let verdict = signature::judge(&case.signature, &way);
            let differs = verdict.accepted != case.is_accepted;
            differs.then(|| format!("{}: {verdict:?}", case.name))
        })
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
