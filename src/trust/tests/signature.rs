use std::sync::{Mutex, OnceLock};

use rustls_pki_types::SignatureVerificationAlgorithm as _;

use super::openssl::Workshop;
use super::pki::{NOW, at, judge, plain_authority, store};
use crate::trust::der::{Reader, single, tag, wrap};
use crate::trust::signature::{all, check};
use crate::trust::{
    Certificate, KeyRequirements, NoHost, SignatureScheme as S, SignatureVerifier, TrustError,
    Usage, verify,
};

/// A host that always gives the same answer and remembers what it was asked.
struct Host {
    answer: Option<bool>,
    asked: Mutex<Vec<(S, Vec<u8>)>>,
}

impl Host {
    fn new(answer: Option<bool>) -> Self {
        Self {
            answer,
            asked: Mutex::new(Vec::new()),
        }
    }
}

impl SignatureVerifier for Host {
    fn verify(&self, scheme: S, spki: &[u8], _: &[u8], _: &[u8]) -> Option<bool> {
        self.asked.lock().unwrap().push((scheme, spki.to_vec()));
        self.answer
    }
}

/// The parts of a certificate that signed itself.
#[derive(Clone)]
struct Parts {
    tbs: Vec<u8>,
    algorithm: Vec<u8>,
    signature: Vec<u8>,
    spki: Vec<u8>,
}

fn parts(der: &[u8]) -> Parts {
    let mut certificate = Reader::new(single(der, tag::SEQUENCE).unwrap());
    let tbs = wrap(tag::SEQUENCE, certificate.expect(tag::SEQUENCE).unwrap());
    let algorithm = wrap(tag::SEQUENCE, certificate.expect(tag::SEQUENCE).unwrap());
    let signature = certificate.expect(tag::BIT_STRING).unwrap()[1..].to_vec();
    Parts {
        tbs,
        algorithm,
        signature,
        spki: Certificate::parse(der).unwrap().spki().to_vec(),
    }
}

impl Parts {
    fn check(&self, host: &dyn SignatureVerifier) -> Result<(), TrustError> {
        check(
            host,
            &self.spki,
            &self.algorithm,
            &self.tbs,
            &self.signature,
        )
    }
}

const PSS: &str = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen";

/// A scheme, two certificates that signed themselves with it.
struct Sample {
    scheme: S,
    name: String,
    parts: Parts,
    other: Parts,
}

fn samples() -> &'static [Sample] {
    static SAMPLES: OnceLock<Vec<Sample>> = OnceLock::new();
    let p256 = "ec -pkeyopt ec_paramgen_curve:P-256";
    let p384 = "ec -pkeyopt ec_paramgen_curve:P-384";
    SAMPLES.get_or_init(|| {
        let shop = Workshop::new();
        [
            ("rsa:2048", "-sha256".into(), S::RsaPkcs1Sha256),
            ("rsa:3072", "-sha384".into(), S::RsaPkcs1Sha384),
            ("rsa:4096", "-sha512".into(), S::RsaPkcs1Sha512),
            ("rsa:1024", "-sha256".into(), S::RsaPkcs1Sha256),
            ("rsa:2052", "-sha256".into(), S::RsaPkcs1Sha256),
            ("rsa:2049", format!("-sha256 {PSS}:32"), S::RsaPssSha256),
            ("rsa:2048", format!("-sha256 {PSS}:32"), S::RsaPssSha256),
            ("rsa:2048", format!("-sha384 {PSS}:48"), S::RsaPssSha384),
            ("rsa:2048", format!("-sha512 {PSS}:64"), S::RsaPssSha512),
            (p256, "-sha256".into(), S::EcdsaP256Sha256),
            (p256, "-sha384".into(), S::EcdsaP256Sha384),
            (p256, "-sha512".into(), S::EcdsaP256Sha512),
            (p384, "-sha256".into(), S::EcdsaP384Sha256),
            (p384, "-sha384".into(), S::EcdsaP384Sha384),
            (p384, "-sha512".into(), S::EcdsaP384Sha512),
            ("ed25519", String::new(), S::Ed25519),
        ]
        .into_iter()
        .map(|(key, options, scheme)| Sample {
            scheme,
            name: format!("{scheme:?} {key}"),
            parts: parts(&shop.self_signed(key, &options)),
            other: parts(&shop.self_signed(key, &options)),
        })
        .collect()
    })
}

#[test]
fn every_scheme() {
    for sample in samples() {
        let (good, name) = (&sample.parts, &sample.name);
        assert_eq!(good.check(&NoHost), Ok(()), "{name}");
        assert_eq!(sample.other.check(&NoHost), Ok(()), "{name}");
        let refuses = |change: &dyn Fn(&mut Parts), why: &str| {
            let mut bent = good.clone();
            change(&mut bent);
            let result = bent.check(&NoHost);
            assert_eq!(result, Err(TrustError::SignatureInvalid), "{name}: {why}");
        };
        refuses(&|bent| bent.tbs[20] ^= 1, "another message");
        refuses(&|bent| bent.spki = sample.other.spki.clone(), "another key");
        refuses(
            &|bent| bent.signature = sample.other.signature.clone(),
            "another signature",
        );
        for index in [0, 5, good.signature.len() / 2, good.signature.len() - 1] {
            refuses(&|bent| bent.signature[index] ^= 0x10, "a bent signature");
        }
    }
}

#[test]
fn the_host_is_asked_and_heard() {
    for Sample {
        scheme,
        name,
        parts,
        ..
    } in samples()
    {
        let alone = *scheme == S::Ed25519;
        for answer in [None, Some(true), Some(false)] {
            let host = Host::new(answer);
            let heard = alone || answer.unwrap_or(true);
            assert_eq!(parts.check(&host).is_ok(), heard, "{name} {answer:?}");
            let asked = host.asked.lock().unwrap();
            if alone {
                assert!(asked.is_empty());
            } else {
                assert_eq!(*asked, [(*scheme, parts.spki.clone())], "{name}");
            }
        }
    }
}

/// Refused in process, and without asking a host that would say yes.
fn refuses(parts: &Parts, why: &str) {
    let yes = Host::new(Some(true));
    assert_eq!(
        parts.check(&yes),
        Err(TrustError::SignatureInvalid),
        "{why}"
    );
    assert!(yes.asked.lock().unwrap().is_empty(), "{why}: asked");
    assert_eq!(
        parts.check(&NoHost),
        Err(TrustError::SignatureInvalid),
        "{why}"
    );
}

#[test]
fn a_lenient_host_does_not_matter() {
    for sample in samples() {
        for (change, why) in [
            ((|s| s.push(0)) as fn(&mut Vec<u8>), "longer"),
            (|s| s.truncate(s.len() - 1), "shorter"),
            (Vec::clear, "empty"),
        ] {
            let mut bent = sample.parts.clone();
            change(&mut bent.signature);
            refuses(&bent, &format!("{}: {why}", sample.name));
        }
    }
    // A DER integer with a superfluous zero, r = 0, s beyond the order.
    let integer = |content: &[u8]| wrap(tag::INTEGER, content);
    let pair = |r: &[u8], s: &[u8]| wrap(tag::SEQUENCE, &[integer(r), integer(s)].concat());
    let beyond = [&[0][..], &[0xff; 32]].concat();
    let sample = samples()
        .iter()
        .find(|sample| sample.scheme == S::EcdsaP256Sha256);
    for (signature, why) in [
        (pair(&[0, 1], &[1]), "a superfluous zero"),
        (pair(&[0], &[1]), "r is zero"),
        (pair(&[1], &[0]), "s is zero"),
        (pair(&[0x81], &[1]), "r is negative"),
        (pair(&beyond, &[1]), "r beyond the order"),
        (pair(&[1], &beyond), "s beyond the order"),
        (
            vec![0x30, 0x80, 2, 1, 1, 2, 1, 1, 0, 0],
            "an indefinite length",
        ),
    ] {
        let mut bent = sample.unwrap().parts.clone();
        bent.signature = signature;
        refuses(&bent, why);
    }
}

#[test]
fn points_are_uncompressed() {
    let shop = Workshop::new();
    shop.run("ecparam -genkey -name prime256v1 -noout -out plain.pem");
    shop.run("ec -in plain.pem -conv_form compressed -out compressed.pem");
    shop.run("req -x509 -key compressed.pem -subj /CN=c -outform DER -out c.der -days 9");
    let compressed = parts(&shop.read("c.der"));
    assert!(compressed.spki.len() < 70, "openssl made it compressed");
    refuses(&compressed, "a compressed point");
    // A point that is not on the curve.
    let mut off = parts(&shop.self_signed("ec -pkeyopt ec_paramgen_curve:P-256", ""));
    let last = off.spki.len() - 1;
    off.spki[last] ^= 1;
    assert_eq!(off.check(&NoHost), Err(TrustError::SignatureInvalid));
}

/// A signature of the right length under a key with these numbers: a host that
/// says yes is heard if the key is taken at all.
fn rsa_key_is_taken(modulus: &[u8], exponent: &[u8]) -> bool {
    let integer = |magnitude: &[u8]| {
        let sign: &[u8] = if magnitude[0] >= 0x80 { &[0] } else { &[] };
        wrap(tag::INTEGER, &[sign, magnitude].concat())
    };
    let key = wrap(
        tag::SEQUENCE,
        &[integer(modulus), integer(exponent)].concat(),
    );
    let rsa_encryption = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
    let algorithm = wrap(tag::SEQUENCE, &rsa_encryption);
    let bits = wrap(tag::BIT_STRING, &[&[0], key.as_slice()].concat());
    let mut parts = samples()[0].parts.clone();
    parts.spki = wrap(tag::SEQUENCE, &[algorithm, bits].concat());
    parts.signature = vec![1; modulus.len()];
    assert_eq!(parts.check(&NoHost), Err(TrustError::SignatureInvalid));
    let yes = Host::new(Some(true));
    let taken = parts.check(&yes).is_ok();
    assert_eq!(taken, !yes.asked.lock().unwrap().is_empty());
    taken
}

#[test]
fn numbers_of_rsa_keys() {
    let modulus = |bytes: usize, first: u8, last: u8| {
        let mut modulus = vec![0x55; bytes];
        modulus[0] = first;
        modulus[bytes - 1] = last;
        modulus
    };
    let cases = [
        // (octets of the modulus, first, last, exponent, whether it is taken)
        (128, 0x80, 0x01, &[1, 0, 1][..], true),
        (128, 0x7f, 0x01, &[1, 0, 1], false),
        (1024, 0xff, 0x01, &[1, 0, 1], true),
        (1025, 0x01, 0x01, &[1, 0, 1], false),
        (256, 0x80, 0x02, &[1, 0, 1], false),
        (256, 0x80, 0x01, &[1, 0, 0], false),
        (256, 0x80, 0x01, &[1], false),
        (256, 0x80, 0x01, &[3], true),
        (256, 0x80, 0x01, &[1, 0xff, 0xff, 0xff, 0xff], true),
        (256, 0x80, 0x01, &[2, 0, 0, 0, 1], false),
        (256, 0x80, 0x01, &[1, 0, 0, 0, 0, 0, 0, 0, 1], false),
    ];
    for (bytes, first, last, exponent, taken) in cases {
        let result = rsa_key_is_taken(&modulus(bytes, first, last), exponent);
        assert_eq!(result, taken, "{bytes} {first:x} {last:x} {exponent:x?}");
    }
}

#[test]
fn algorithms_without_a_way() {
    let shop = Workshop::new();
    let cases = [
        ("rsa:2048", "-md5", "signature_algorithm_weak"),
        ("rsa:2048", "-sha1", "signature_algorithm_weak"),
        ("rsa:2048", "-sha224", "signature_algorithm_unsupported"),
        (
            "rsa:2048",
            "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20",
            "signature_algorithm_unsupported",
        ),
        (
            "ec -pkeyopt ec_paramgen_curve:P-521",
            "-sha512",
            "signature_algorithm_unsupported",
        ),
        ("ed448", "", "signature_algorithm_unsupported"),
    ];
    for (key, options, code) in cases {
        let host = Host::new(Some(true));
        let error = parts(&shop.self_signed(key, options))
            .check(&host)
            .unwrap_err();
        assert_eq!(error.code(), code, "{key} {options}");
        assert!(host.asked.lock().unwrap().is_empty());
    }
    let good = parts(&shop.self_signed("ed25519", ""));
    for (spki, algorithm) in [
        (&good.spki[1..], &good.algorithm[..]),
        (&good.spki, &[5, 0]),
    ] {
        let error = check(&NoHost, spki, algorithm, &good.tbs, &good.signature);
        assert_eq!(error.unwrap_err().code(), "certificate_malformed");
    }
}

#[test]
fn parameters_of_rsa_may_be_absent() {
    let shop = Workshop::new();
    let mut good = parts(&shop.self_signed("rsa:2048", "-sha256"));
    let algorithm = good.algorithm.clone();
    let identifier = single(&algorithm, 0x30).unwrap();
    let (oid, null) = identifier.split_at(identifier.len() - 2);
    assert_eq!(null, [5, 0]);
    good.algorithm = wrap(0x30, oid);
    assert_eq!(good.check(&NoHost), Ok(()));
    good.algorithm = wrap(0x30, &[oid, &[4, 0][..]].concat());
    let error = good.check(&NoHost).unwrap_err();
    assert_eq!(error.code(), "signature_algorithm_unsupported");
}

#[test]
fn a_path_goes_through_the_host() {
    let root = plain_authority("Root");
    let issuer = root.sub("Issuer", |_| {});
    let leaf = issuer.leaf(|_| {}).parsed();
    let store = store(&[&root], &[&issuer]);
    for answer in [Some(true), Some(false)] {
        let host = Host::new(answer);
        let result = verify(
            &leaf,
            &store,
            Usage::Server,
            at(NOW),
            &KeyRequirements::default(),
            &host,
        );
        assert_eq!(result.is_ok(), answer == Some(true));
        assert!(!host.asked.lock().unwrap().is_empty());
    }
    assert!(judge(&issuer.leaf(|_| {}), &store).is_ok());
}

#[test]
fn the_list_is_complete() {
    let host = Host::new(None);
    let algorithms = all(&host);
    for sample in samples() {
        let mut known = algorithms.iter();
        assert!(known.any(|known| known.scheme() == sample.scheme));
    }
    for (index, one) in algorithms.iter().enumerate() {
        for other in &algorithms[index + 1..] {
            let same = one.public_key_alg_id() == other.public_key_alg_id()
                && one.signature_alg_id() == other.signature_alg_id();
            assert!(!same, "{one:?} {other:?}");
        }
    }
}
