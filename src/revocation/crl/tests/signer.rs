//! Whose list it is: name, key identifier, key usage, key.

use super::made::{ECDSA_SHA256, Fields, extension, load, sequence};
use crate::revocation::crl::{Crl, CrlError, Limits};
use crate::revocation::sources::subject_key_identifier;
use crate::trust::der::{tag, wrap};
use crate::trust::tests::openssl::Workshop;
use crate::trust::tests::pki::{
    Authority, NOW, at, authority, authority_of, ca_params, plain_authority,
};
use crate::trust::{Certificate, NoHost, SignatureScheme, SignatureVerifier, TrustError};
use rcgen::KeyUsagePurpose;

fn key_identifier(identifier: &[u8]) -> Vec<u8> {
    let value = sequence(&[&wrap(tag::context(0), identifier)]);
    extension(&[0x55, 0x1d, 35], false, &value)
}

fn parsed(authority: &Authority) -> Certificate {
    Certificate::parse(&authority.der).unwrap()
}

#[test]
fn the_name_must_be_the_issuers() {
    let (ca, other) = (plain_authority("ca"), plain_authority("other"));
    let bytes = Fields::of(&other).signed_by(&ca.key);
    assert_eq!(
        load(bytes, &ca),
        Err(CrlError::WrongIssuer {
            issuer: "CN=other".into()
        })
    );
}

#[test]
fn the_key_must_be_the_issuers() {
    let (ca, same_name) = (plain_authority("ca"), plain_authority("ca"));
    let fields = Fields::of(&ca);
    let bytes = fields.signed_by(&same_name.key);
    assert_eq!(
        load(bytes.clone(), &ca),
        Err(CrlError::Signature(TrustError::SignatureInvalid))
    );
    // The right one is found among those of its name, whatever the order.
    let (a, b) = (parsed(&ca), parsed(&same_name));
    for issuers in [[&a, &b], [&b, &a]] {
        let crl = Crl::load(bytes.clone(), &issuers, at(NOW), Limits::default(), &NoHost).unwrap();
        assert!(crl.is_of(&b));
        assert!(!crl.is_of(&a));
    }
}

#[test]
fn key_identifiers_must_agree_where_both_are_there() {
    let ca = plain_authority("ca");
    let certificate = parsed(&ca);
    let own = subject_key_identifier(&certificate).expect("rcgen writes one");
    let right = Fields::of(&ca).extended(key_identifier(own));
    assert!(right.load(&ca).is_ok());
    let wrong = Fields::of(&ca).extended(key_identifier(&[7; 20]));
    assert_eq!(wrong.load(&ca).unwrap_err().code(), "crl_issuer_wrong");
}

#[test]
fn key_usage_must_name_crl_sign_where_it_is_there() {
    let with = |usages: Vec<KeyUsagePurpose>| authority("ca", |params| params.key_usages = usages);
    let silent = with(vec![]);
    let both = with(vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign]);
    let neither = with(vec![KeyUsagePurpose::KeyCertSign]);
    assert!(Fields::of(&silent).load(&silent).is_ok());
    assert!(Fields::of(&both).load(&both).is_ok());
    assert_eq!(
        Fields::of(&neither).load(&neither),
        Err(CrlError::IssuerMayNotSign {
            issuer: "CN=ca".into()
        })
    );
}

#[test]
fn every_bit_of_the_signed_part_counts() {
    let ca = plain_authority("ca");
    let fields = Fields::of(&ca).revoking(&[&[0x41, 0x42]]);
    let bytes = fields.signed_by(&ca.key);
    let place = bytes
        .windows(2)
        .position(|two| two == [0x41, 0x42])
        .unwrap();
    let mut changed = bytes;
    changed[place] ^= 1;
    assert_eq!(
        load(changed, &ca),
        Err(CrlError::Signature(TrustError::SignatureInvalid))
    );
}

/// Says no to everything.
struct Refusing;

impl SignatureVerifier for Refusing {
    fn verify(&self, _: SignatureScheme, _: &[u8], _: &[u8], _: &[u8]) -> Option<bool> {
        Some(false)
    }
}

#[test]
fn a_small_list_is_the_hosts_to_check() {
    let ca = plain_authority("ca");
    let bytes = Fields::of(&ca).signed_by(&ca.key);
    let issuer = parsed(&ca);
    assert_eq!(
        Crl::load(bytes, &[&issuer], at(NOW), Limits::default(), &Refusing),
        Err(CrlError::Signature(TrustError::SignatureInvalid))
    );
}

/// Enough entries for a list beyond what is checked in one go.
fn many(fields: Fields) -> Fields {
    let serials: Vec<[u8; 16]> = (0..40_000_u128)
        .map(|serial| (serial + (1 << 120)).to_be_bytes())
        .collect();
    fields.revoking(&serials.iter().map(<[u8; 16]>::as_slice).collect::<Vec<_>>())
}

#[test]
fn a_large_list_is_checked_over_its_digest_and_by_the_same_rules() {
    let rsa = Workshop::new().rsa_key(2048);
    let p384 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let ed25519 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let rsa_sha256 = &[
        0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00,
    ];
    let ecdsa_sha384 = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
    let authorities: [(Authority, &[u8]); 4] = [
        (plain_authority("ca"), ECDSA_SHA256),
        (authority_of(ca_params("ca"), rsa), rsa_sha256),
        (authority_of(ca_params("ca"), p384), ecdsa_sha384),
        (
            authority_of(ca_params("ca"), ed25519),
            &[0x06, 0x03, 0x2b, 0x65, 0x70],
        ),
    ];
    for (ca, algorithm) in authorities {
        let fields = many(Fields::of(&ca)).with(|fields| {
            fields.signed_algorithm = algorithm.to_vec();
            fields.outer_algorithm = algorithm.to_vec();
        });
        let bytes = fields.signed_by(&ca.key);
        assert!(bytes.len() > crate::revocation::crl::limits::ONE_GO);
        assert_eq!(load(bytes.clone(), &ca).unwrap().entries(), 40_000);

        let mut changed = bytes.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        let error = load(changed, &ca).unwrap_err();
        assert_eq!(error.code(), "crl_signature_invalid", "{algorithm:x?}");

        let mut changed = bytes;
        *changed.last_mut().unwrap() ^= 1;
        let error = load(changed, &ca).unwrap_err();
        assert_eq!(error.code(), "crl_signature_invalid", "{algorithm:x?}");
    }
}

#[test]
fn broken_and_unknown_algorithms_are_refused_before_work() {
    let ca = plain_authority("ca");
    let sha1: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];
    let unknown: &[u8] = &[0x06, 0x03, 0x2a, 0x03, 0x04];
    for algorithm in [sha1, unknown] {
        let fields = Fields::of(&ca).with(|fields| {
            fields.signed_algorithm = algorithm.to_vec();
            fields.outer_algorithm = algorithm.to_vec();
        });
        assert_eq!(
            fields.load(&ca).unwrap_err().code(),
            "crl_signature_invalid"
        );
    }
    // Of another kind than the issuer's key.
    let rsa = &[
        0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00,
    ];
    let fields = Fields::of(&ca).with(|fields| {
        fields.signed_algorithm = rsa.to_vec();
        fields.outer_algorithm = rsa.to_vec();
    });
    assert!(matches!(
        fields.load(&ca),
        Err(CrlError::Signature(
            TrustError::SignatureAlgorithmUnsupported(_)
        ))
    ));
}
