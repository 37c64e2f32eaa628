//! Checking over a digest gives the answers of checking over the message.

use rustls_pki_types::SignatureVerificationAlgorithm as _;

use crate::revocation::crl::prehash::{self, Hasher};
use crate::trust::der::{tag, wrap};
use crate::trust::tests::openssl::Workshop;
use crate::trust::{NoHost, SignatureScheme, TrustError, signature};

const KEYS: [(&str, &str); 3] = [
    ("rsa", "RSA -pkeyopt rsa_keygen_bits:2048"),
    ("p256", "EC -pkeyopt ec_paramgen_curve:P-256"),
    ("p384", "EC -pkeyopt ec_paramgen_curve:P-384"),
];

/// The name of the key in [`KEYS`].
fn key_of(scheme: SignatureScheme) -> &'static str {
    use SignatureScheme as S;
    match scheme {
        S::EcdsaP256Sha256 | S::EcdsaP256Sha384 | S::EcdsaP256Sha512 => "p256",
        S::EcdsaP384Sha256 | S::EcdsaP384Sha384 | S::EcdsaP384Sha512 => "p384",
        _ => "rsa",
    }
}

#[test]
fn every_scheme_gives_one_answer_both_ways() {
    let shop = Workshop::new();
    for (name, parameters) in KEYS {
        shop.run(&format!("genpkey -algorithm {parameters} -out {name}.pem"));
        shop.run(&format!(
            "pkey -in {name}.pem -pubout -outform DER -out {name}.der"
        ));
    }
    let message = vec![0x5a; 100_000];
    std::fs::write(shop.path("message"), &message).unwrap();
    for known in signature::all(&NoHost) {
        let scheme = known.scheme();
        let algorithm = wrap(tag::SEQUENCE, &known.signature_alg_id());
        let Some(digest) = scheme.digest() else {
            assert!(Hasher::for_algorithm(&algorithm).unwrap().is_none());
            continue;
        };
        let key = key_of(scheme);
        let padding = if scheme.is_pss() {
            "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-1"
        } else {
            ""
        };
        let digest = digest.to_string().replace('-', "").to_lowercase();
        shop.run(&format!(
            "dgst -{digest} -sign {key}.pem {padding} -out signature message"
        ));
        let (spki, made) = (shop.read(&format!("{key}.der")), shop.read("signature"));

        let mut hasher = Hasher::for_algorithm(&algorithm).unwrap().unwrap();
        for part in message.chunks(999) {
            hasher.update(part);
        }
        let mut digest = hasher.finish();
        let whole = signature::check(&NoHost, &spki, &algorithm, &message, &made);
        assert_eq!(whole, Ok(()), "{scheme:?}");
        let check = |digest: &[u8], made: &[u8]| prehash::check(&spki, &algorithm, digest, made);
        assert_eq!(check(&digest, &made), Ok(()), "{scheme:?}");

        let mut changed = made.clone();
        *changed.last_mut().unwrap() ^= 1;
        let longer = [made.as_slice(), &[0]].concat();
        for bad in [changed.as_slice(), &longer, &[], &made[1..]] {
            let invalid = Err(TrustError::SignatureInvalid);
            assert_eq!(check(&digest, bad), invalid, "{scheme:?}");
            let whole = signature::check(&NoHost, &spki, &algorithm, &message, bad);
            assert_eq!(whole, invalid, "{scheme:?}");
        }
        digest[0] ^= 1;
        let invalid = Err(TrustError::SignatureInvalid);
        assert_eq!(check(&digest, &made), invalid, "{scheme:?}");
    }
}
