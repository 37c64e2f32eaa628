//! The issuer as the signer, and the signature itself.

use super::responder::*;
use crate::revocation::ocsp::encoding::tag;
use crate::revocation::ocsp::signed::Signed;
use crate::revocation::ocsp::{Demands, Invalid, OcspError, Question, Signer, verify};
use crate::trust::der::wrap;
use crate::trust::tests::pki::{self, NOW};
use crate::trust::{Certificate, NoHost, SignatureScheme, SignatureVerifier, TrustError};

#[test]
fn the_issuer_by_name_and_by_key() {
    let by_key = Response::good().change(|response| response.responder = by_key(&WORLD.ca.key));
    for response in [Response::good(), by_key] {
        let answer = judge(&response.signed()).unwrap();
        assert_eq!(answer.signed_by, Signer::Issuer);
    }
}

#[test]
fn another_than_the_issuer() {
    let other = pki::plain_authority("other");
    let named = |responder: Vec<u8>| {
        Response::good()
            .change(|response| response.responder = responder)
            .signed()
    };
    for responder in [by_name(&other.der), by_key(&other.key)] {
        assert_eq!(
            judge(&named(responder)),
            Err(OcspError::Invalid(Invalid::SignerUnknown))
        );
    }
    // The issuer's name, another's key; even when that CA comes along.
    let forged = Response::good().signed_by(&other.key);
    let invalid = Err(OcspError::Invalid(Invalid::Signature(
        TrustError::SignatureInvalid,
    )));
    assert_eq!(judge(&forged), invalid);
    let namesake = pki::plain_authority("ca");
    let forged = Response::good()
        .change(|response| response.certificates = vec![namesake.der.clone()])
        .signed_by(&namesake.key);
    let error = judge(&forged).unwrap_err();
    assert!(
        matches!(error, OcspError::Invalid(Invalid::Delegate(_))),
        "{error}"
    );
}

#[test]
fn a_name_or_a_hash_of_another_form() {
    let name = WORLD.issuer.subject_der();
    let hash = &by_key(&WORLD.ca.key)[4..];
    let bad = [
        // Implicit; of no kind; with something behind it; no SEQUENCE.
        wrap(tag::context(1), name),
        explicit(3, name),
        explicit(1, &[name, &[5, 0]].concat()),
        explicit(1, &[5, 0]),
        explicit(2, hash),
        wrap(tag::context(2), hash),
        vec![],
    ];
    for responder in bad {
        let response = Response::good().change(|response| response.responder = responder);
        let error = judge(&response.signed()).unwrap_err();
        assert_eq!(error.code(), "ocsp_malformed");
    }
    // Twenty octets, or it is nobody's.
    let short = explicit(2, &wrap(tag::OCTET_STRING, &hash[..19]));
    let response = Response::good().change(|response| response.responder = short);
    let error = judge(&response.signed()).unwrap_err();
    assert_eq!(error.code(), "ocsp_signer_unknown");
}

#[test]
fn the_signature_is_over_the_bytes_as_they_came() {
    let tbs = Response::good().tbs();
    let response = Response::good().signed();
    let start = response.windows(tbs.len()).position(|bytes| bytes == tbs);
    let basic = Response::good().basic(&WORLD.ca.key);
    let (signed, _) = Signed::split(&basic).unwrap();
    assert_eq!(signed.message, tbs);
    assert!(basic.as_ptr_range().contains(&signed.message.as_ptr()));
    // Every octet of it counts, the header included (which cannot be changed to
    // anything that is still DER).
    for offset in 0..tbs.len() {
        let mut changed = response.clone();
        changed[start.unwrap() + offset] ^= 1;
        assert!(judge(&changed).is_err(), "{offset}");
    }
}

#[test]
fn a_default_that_is_written_out_is_signed_so() {
    let response = Response::good().change(|response| {
        response.version = explicit(0, &[tag::INTEGER, 1, 0]);
    });
    assert!(judge(&response.signed()).is_ok());
    let other = Response::good().change(|response| {
        response.version = explicit(0, &[tag::INTEGER, 1, 1]);
    });
    assert_eq!(
        judge(&other.signed()),
        Err(OcspError::Invalid(Invalid::Version))
    );
}

#[test]
fn broken_and_other_algorithms() {
    let with = |oid: &[u8]| {
        Response::good()
            .change(|response| response.algorithm = sequence(&[&wrap(tag::OID, oid)]))
            .signed()
    };
    let rsa = |last: u8| [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, last];
    for (oid, name) in [
        (&rsa(4)[..], "RSA with MD5"),
        (&rsa(5)[..], "RSA with SHA-1"),
        (
            &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1][..],
            "ECDSA with SHA-1",
        ),
    ] {
        assert_eq!(
            judge(&with(oid)),
            Err(OcspError::Invalid(Invalid::Signature(
                TrustError::SignatureAlgorithmWeak(name.into())
            )))
        );
    }
    // Of another kind of key than the issuer's; MD2.
    for oid in [rsa(11), rsa(2)] {
        let error = judge(&with(&oid)).unwrap_err();
        assert!(matches!(
            error,
            OcspError::Invalid(Invalid::Signature(
                TrustError::SignatureAlgorithmUnsupported(_)
            ))
        ));
    }
    let none = Response::good().change(|response| response.algorithm = sequence(&[]));
    assert!(judge(&none.signed()).is_err());
}

#[test]
fn a_signature_is_of_whole_octets() {
    let response = Response::good().change(|response| response.unused_bits = 1);
    let error = judge(&response.signed()).unwrap_err();
    assert_eq!(error.code(), "ocsp_malformed");
}

#[test]
fn a_certificate_does_not_vouch_for_itself() {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = pki::leaf_params();
    let der = params.self_signed(&key).unwrap().der().to_vec();
    let certificate = Certificate::parse(&der).unwrap();
    let question = Question {
        leaf: &certificate,
        issuer: &certificate,
    };
    let id = question.cert_id(crate::revocation::ocsp::CertIdHash::Sha1);
    let single = Single {
        cert_id: wrap(tag::SEQUENCE, &id),
        ..Single::good()
    };
    let response = Response::of(&single)
        .change(|response| response.responder = by_name(&der))
        .signed_by(&key);
    assert_eq!(
        verify(&response, &question, &Demands::default(), &NoHost, at(NOW)),
        Err(OcspError::Invalid(Invalid::SignedByLeaf))
    );
}

/// A host that is always sure.
struct Sure(bool);

impl SignatureVerifier for Sure {
    fn verify(&self, _: SignatureScheme, _: &[u8], _: &[u8], _: &[u8]) -> Option<bool> {
        Some(self.0)
    }
}

#[test]
fn the_host_is_asked() {
    let other = pki::plain_authority("other");
    let good = Response::good().signed();
    let forged = Response::good().signed_by(&other.key);
    let by = |response: &[u8], sure| {
        let question = WORLD.question();
        verify(
            response,
            &question,
            &Demands::default(),
            &Sure(sure),
            at(NOW),
        )
        .is_ok()
    };
    assert!(by(&forged, true));
    assert!(!by(&good, false));
}
