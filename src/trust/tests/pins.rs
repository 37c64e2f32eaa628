use rcgen::{BasicConstraints, CustomExtension, ExtendedKeyUsagePurpose, IsCa, KeyPair};

use super::openssl::Workshop;
use super::pki::{
    DAY, NOW, at, authority_of, ca_params, judge, judge_as, judge_at, lenient, plain_authority,
    self_signed, valid,
};
use crate::trust::{
    Certificate, ExtendedKeyUsageDemand, KeyRequirements, Pin, TrustError, TrustStore, TrustedBy,
    Usage,
};

fn whole(der: &[u8]) -> TrustStore {
    TrustStore::builder(NOW)
        .pinned_certificate(der)
        .build()
        .unwrap()
}

#[test]
fn three_ways_to_pin() {
    let leaf = self_signed(|_| {});
    let parsed = leaf.parsed();
    let digest = TrustStore::builder(NOW)
        .pinned_certificate_sha256(*parsed.sha256())
        .build()
        .unwrap();
    let key = TrustStore::builder(NOW)
        .pinned_public_key_sha256(*parsed.spki_sha256())
        .build()
        .unwrap();
    let other = self_signed(|_| {});
    for (store, way) in [
        (whole(&leaf.der), TrustedBy::PinnedCertificate),
        (digest, TrustedBy::PinnedCertificate),
        (key, TrustedBy::PinnedPublicKey),
    ] {
        let chain = judge(&leaf, &store).unwrap();
        assert_eq!(chain.trusted_by(), way);
        assert!(chain.issuer().is_none() && chain.anchor().is_none());
        assert!(chain.intermediates().is_empty());
        assert_eq!(judge(&other, &store).unwrap_err(), TrustError::NotPinned);
    }
}

#[test]
fn a_renewed_certificate_needs_a_pin_on_its_key() {
    let root = plain_authority("Root");
    let key = KeyPair::generate().unwrap();
    let again = KeyPair::from_pem(&key.serialize_pem()).unwrap();
    let first = root.leaf_with(key, |_| {});
    let second = root.leaf_with(again, |_| {});
    let by_certificate = whole(&first.der);
    let by_key = TrustStore::builder(NOW)
        .pinned_public_key_sha256(*first.parsed().spki_sha256())
        .build()
        .unwrap();
    assert!(judge(&first, &by_certificate).is_ok());
    assert_eq!(
        judge(&second, &by_certificate).unwrap_err(),
        TrustError::NotPinned
    );
    assert!(judge(&second, &by_key).is_ok());
}

#[test]
fn what_a_store_knows_of_its_pins() {
    let leaf = self_signed(|_| {}).parsed();
    let store = TrustStore::builder(NOW)
        .pinned_certificate_sha256(*leaf.sha256())
        .pinned_certificate_sha256([7; 32])
        .pinned_certificate(leaf.der())
        .build()
        .unwrap();
    assert!(matches!(
        store.pinned(leaf.sha256()),
        Some(Pin::Certificate(known)) if known == &leaf
    ));
    assert!(matches!(store.pinned(&[7; 32]), Some(Pin::Digest)));
    assert!(store.pinned(&[8; 32]).is_none());
    assert_eq!(store.pinned_certificates().count(), 1);
}

#[test]
fn the_certificates_that_openssl_makes() {
    // CA:TRUE, no key usage, no extended key usage.
    let shop = Workshop::new();
    let der = shop.self_signed("rsa:2048", "");
    let certificate = Certificate::parse(&der).unwrap();
    assert!(certificate.is_ca() && certificate.extensions().key_usage.is_none());
    let now = certificate.not_before();
    let store = TrustStore::builder(now)
        .pinned_certificate(der)
        .build()
        .unwrap();
    for usage in [Usage::Server, Usage::Client] {
        let chain = crate::trust::verify(
            &certificate,
            &store,
            usage,
            at(now),
            &KeyRequirements::default(),
            &crate::trust::NoHost,
        );
        assert_eq!(chain.unwrap().trusted_by(), TrustedBy::PinnedCertificate);
    }
}

#[test]
fn nothing_that_a_pinned_ca_signs_is_trusted() {
    let ca = plain_authority("Pinned");
    let store = whole(&ca.der);
    let error = judge(&ca.leaf(|_| {}), &store).unwrap_err();
    assert_eq!(error, TrustError::NotPinned);
    // Beside an anchor the cause is that of the path.
    let other = plain_authority("Other");
    let store = TrustStore::builder(NOW)
        .pinned_certificate(ca.der.clone())
        .ca_certificate(other.der.clone())
        .build()
        .unwrap();
    let error = judge(&ca.leaf(|_| {}), &store).unwrap_err();
    assert_eq!(error, TrustError::UnknownIssuer);
    assert!(judge(&other.leaf(|_| {}), &store).is_ok());
}

#[test]
fn a_pin_ends_with_its_certificate() {
    let leaf = self_signed(|params| valid(params, NOW - 10, NOW + 10));
    let store = whole(&leaf.der);
    let chain = judge_at(&leaf, &store, at(NOW + 10)).unwrap();
    assert_eq!(chain.changes_at(), NOW + 11);
    assert_eq!(
        judge_at(&leaf, &store, at(NOW + 11)).unwrap_err().code(),
        "certificate_expired"
    );
    let chain = judge_at(&leaf, &store, lenient(NOW + 11, 5)).unwrap();
    assert_eq!(chain.changes_at(), NOW + 16);
    assert!(judge_at(&leaf, &store, lenient(NOW + 16, 5)).is_err());
    assert_eq!(
        judge_at(&leaf, &store, at(NOW - 11)).unwrap_err().code(),
        "certificate_not_yet_valid"
    );
}

#[test]
fn purposes_and_critical_extensions_bind() {
    use ExtendedKeyUsagePurpose as Purpose;
    let cases: [(&[Purpose], bool); 4] = [
        (&[], true),
        (&[Purpose::ServerAuth], true),
        (&[Purpose::Any], true),
        (&[Purpose::ClientAuth], false),
    ];
    for (purposes, accepted) in cases {
        let leaf = self_signed(|params| params.extended_key_usages = purposes.to_vec());
        // Whatever is demanded of leaves that a CA vouches for.
        for demand in [
            ExtendedKeyUsageDemand::Required,
            ExtendedKeyUsageDemand::IfPresent,
        ] {
            let requirements = KeyRequirements::default().with_extended_key_usage(demand);
            let store = whole(&leaf.der);
            let result = judge_as(&leaf, &store, Usage::Server, at(NOW), &requirements);
            assert_eq!(result.is_ok(), accepted, "{purposes:?}");
        }
    }
    let leaf = self_signed(|params| {
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    });
    let by_digest = TrustStore::builder(NOW)
        .pinned_certificate_sha256(*leaf.parsed().sha256())
        .build()
        .unwrap();
    assert_eq!(
        judge(&leaf, &by_digest).unwrap_err(),
        TrustError::CriticalExtension("1.2.3.4".into())
    );
}

#[test]
fn strength_binds_the_key_and_not_the_self_signature() {
    let shop = Workshop::new();
    let pinned = |der: &[u8]| {
        let certificate = Certificate::parse(der).unwrap();
        let now = certificate.not_before();
        let store = TrustStore::builder(now)
            .pinned_certificate_sha256(*certificate.sha256())
            .build()
            .unwrap();
        crate::trust::verify(
            &certificate,
            &store,
            Usage::Server,
            at(now),
            &KeyRequirements::default(),
            &crate::trust::NoHost,
        )
    };
    assert!(pinned(&shop.self_signed("rsa:2048", "-sha1")).is_ok());
    assert_eq!(
        pinned(&shop.self_signed("rsa:1024", "-sha256")).unwrap_err(),
        TrustError::KeyTooWeak {
            bits: 1024,
            min: 2048
        }
    );
}

#[test]
fn a_pin_comes_before_a_path() {
    // A CA-flagged leaf under an anchor: refused by its path, trusted by its pin.
    let root = plain_authority("Root");
    let leaf = root.leaf(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let builder = || TrustStore::builder(NOW).ca_certificate(root.der.clone());
    let path = builder().build().unwrap();
    assert_eq!(judge(&leaf, &path).unwrap_err(), TrustError::CaAsLeaf);
    let both = builder()
        .pinned_certificate(leaf.der.clone())
        .build()
        .unwrap();
    assert!(judge(&leaf, &both).is_ok());
}

#[test]
fn pins_are_judged_when_the_store_is_built() {
    let sentence = |der: Vec<u8>| {
        TrustStore::builder(NOW)
            .pinned_certificate(der)
            .build()
            .unwrap_err()
            .to_string()
    };
    let ended = self_signed(|params| valid(params, NOW - 10 * DAY, NOW - DAY));
    let text = sentence(ended.der);
    assert!(
        text.starts_with("pinned_certificates[0] (\"CN=peer\"): the certificate expired"),
        "{text}"
    );
    let early = self_signed(|params| valid(params, NOW + DAY, NOW + 10 * DAY));
    assert!(sentence(early.der).contains("is valid from"));
    let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    assert!(whole_is_accepted(
        &authority_of(ca_params("Edwards"), key).der
    ));
    assert!(sentence(b"garbage".to_vec()).contains("malformed"));
}

fn whole_is_accepted(der: &[u8]) -> bool {
    TrustStore::builder(NOW)
        .pinned_certificate(der)
        .build()
        .is_ok()
}
