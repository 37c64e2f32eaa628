use rcgen::{CustomExtension, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose};

use super::openssl::Workshop;
use super::pki::{
    Authority, DAY, NOW, authority, authority_of, ca_params, judge, plain_authority, self_signed,
    store, valid,
};
use crate::trust::anchors::{
    MAX_CA_CERTIFICATES, MAX_INTERMEDIATES, MAX_SAME_SUBJECT, MAX_SUBJECT_DER,
};
use crate::trust::{StoreError, StoreField, StoreReason, TrustError, TrustStore};

fn anchor(der: &[u8]) -> Result<TrustStore, StoreError> {
    TrustStore::builder(NOW).ca_certificate(der).build()
}

/// As an anchor and as an intermediate, beside a good one.
fn both(authority: &Authority) -> [Option<StoreError>; 2] {
    let good = plain_authority("Good");
    let builder = || TrustStore::builder(NOW).ca_certificate(good.der.clone());
    [
        builder()
            .ca_certificate(authority.der.clone())
            .build()
            .err(),
        builder().intermediate(authority.der.clone()).build().err(),
    ]
}

#[test]
fn what_an_issuer_must_be() {
    let long = "x".repeat(MAX_SUBJECT_DER);
    let cases = [
        (authority("CA", |_| {}), None),
        // openssl req -x509 writes no key usage.
        (authority("CA", |params| params.key_usages.clear()), None),
        (
            authority("CA", |params| {
                params.key_usages = vec![KeyUsagePurpose::CrlSign];
            }),
            Some("its key usage does not include keyCertSign"),
        ),
        (
            authority("CA", |params| params.is_ca = IsCa::ExplicitNoCa),
            Some("not a CA certificate (a server's own belongs in pinned_certificates)"),
        ),
        (
            authority("CA", |params| params.is_ca = IsCa::NoCa),
            Some("not a CA certificate"),
        ),
        (
            authority("CA", |params| {
                let mut unknown = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
                unknown.set_criticality(true);
                params.custom_extensions.push(unknown);
            }),
            Some("the critical extension 1.2.3.4 is not understood"),
        ),
        (
            authority("CA", |params| valid(params, NOW - 10 * DAY, NOW - 1)),
            Some("the certificate expired at"),
        ),
        (
            authority("CA", |params| valid(params, NOW - 10 * DAY, NOW)),
            None,
        ),
        (
            authority("CA", |params| valid(params, NOW + 1, NOW + 10 * DAY)),
            Some("the certificate is valid from"),
        ),
        (
            authority("CA", |params| {
                params.distinguished_name = DistinguishedName::new();
            }),
            Some("a CA certificate must have a subject"),
        ),
        (
            authority("CA", |params| {
                params
                    .distinguished_name
                    .push(DnType::OrganizationName, long);
            }),
            Some("a subject of "),
        ),
    ];
    for (authority, refused) in cases {
        for error in both(&authority) {
            match (error, refused) {
                (None, None) => {}
                (Some(error), Some(reason)) => {
                    let text = error.to_string();
                    assert!(text.contains(reason), "{text}");
                }
                (error, _) => panic!("expected {refused:?}, got {error:?}"),
            }
        }
    }
}

#[test]
fn the_sentence_says_which() {
    let [good, bad] = [
        plain_authority("Good"),
        authority("Bad \"one\"", |params| params.is_ca = IsCa::NoCa),
    ];
    let error = TrustStore::builder(NOW)
        .ca_certificate(good.der)
        .ca_certificate(bad.der)
        .build()
        .unwrap_err();
    assert_eq!(error.entry, Some((StoreField::CaCertificates, 1)));
    assert_eq!(error.reason, StoreReason::NotCa);
    assert!(
        error
            .to_string()
            .starts_with(r#"ca_certificates[1] ("CN=Bad \\\"one\\\""): not a CA"#),
        "{error}"
    );
}

#[test]
fn keys_of_issuers() {
    let shop = Workshop::new();
    let cases = [
        ("rsa:2048", None),
        ("rsa:1024", Some("the RSA key has 1024 bits")),
        ("ec -pkeyopt ec_paramgen_curve:P-384", None),
        (
            "ec -pkeyopt ec_paramgen_curve:P-521",
            Some("P-521, whose signatures cannot be checked"),
        ),
        (
            "ec -pkeyopt ec_paramgen_curve:prime192v1",
            Some("refused: EC 1.2.840.10045.3.1.1"),
        ),
        ("ed25519", None),
        ("rsa-pss -pkeyopt rsa_keygen_bits:2048", Some("RSASSA-PSS")),
    ];
    for (key, refused) in cases {
        let der = shop.self_signed(key, "");
        let now = crate::trust::Certificate::parse(&der).unwrap().not_before();
        let result = TrustStore::builder(now).ca_certificate(der).build();
        match (result, refused) {
            (Ok(_), None) => {}
            (Err(error), Some(reason)) => {
                let text = error.to_string();
                assert!(text.contains(reason), "{text}");
            }
            (result, _) => panic!("{key}: expected {refused:?}, got {result:?}"),
        }
    }
}

#[test]
fn a_signature_matters_on_intermediates_only() {
    let shop = Workshop::new();
    let der = shop.self_signed("rsa:2048", "-sha1");
    let now = crate::trust::Certificate::parse(&der).unwrap().not_before();
    let builder = || TrustStore::builder(now).ca_certificate(der.clone());
    assert!(builder().build().is_ok());
    let error = builder().intermediate(der.clone()).build().unwrap_err();
    assert_eq!(
        error.reason,
        StoreReason::Certificate(TrustError::SignatureAlgorithmWeak("RSA with SHA-1".into()))
    );
}

#[test]
fn version_1_is_no_anchor() {
    let shop = Workshop::new();
    shop.run("req -new -newkey rsa:2048 -nodes -keyout key.pem -out req.pem -subj /CN=v1");
    shop.run("x509 -req -in req.pem -signkey key.pem -outform DER -out v1.der -days 3650");
    let error = anchor(&shop.read("v1.der")).unwrap_err();
    assert!(error.to_string().contains("not an X.509 v3 certificate"));
}

#[test]
fn counts() {
    let same: Vec<_> = (0..=MAX_SAME_SUBJECT)
        .map(|_| plain_authority("Same"))
        .collect();
    let builder = |authorities: &[Authority]| {
        authorities
            .iter()
            .fold(TrustStore::builder(NOW), |builder, authority| {
                builder.ca_certificate(authority.der.clone())
            })
    };
    assert!(builder(&same[..MAX_SAME_SUBJECT]).build().is_ok());
    let error = builder(&same).build().unwrap_err();
    assert_eq!(
        error.entry,
        Some((StoreField::CaCertificates, MAX_SAME_SUBJECT))
    );
    let max = MAX_SAME_SUBJECT;
    assert_eq!(error.reason, StoreReason::SameSubject { max });
    let one = &same[..1];
    let intermediates = |count: usize| {
        same.iter()
            .take(count)
            .fold(builder(one), |builder, authority| {
                builder.intermediate(authority.der.clone())
            })
            .build()
    };
    assert!(intermediates(MAX_SAME_SUBJECT).is_ok());
    assert!(intermediates(MAX_SAME_SUBJECT + 1).is_err());

    // The same certificate again is one certificate.
    let der = &one[0].der;
    let repeated = |count: usize| {
        (0..count).fold(TrustStore::builder(NOW), |builder, _| {
            builder.ca_certificate(der.clone())
        })
    };
    let store = repeated(MAX_CA_CERTIFICATES).build().unwrap();
    assert_eq!(store.anchors().count(), 1);
    let max = MAX_CA_CERTIFICATES;
    let error = repeated(max + 1).build().unwrap_err();
    assert_eq!(error.reason, StoreReason::TooMany { max });
    let many =
        (0..=MAX_INTERMEDIATES).fold(repeated(1), |builder, _| builder.intermediate(der.clone()));
    assert!(many.build().is_err());
}

#[test]
fn a_store_trusts_something() {
    let root = plain_authority("Root");
    let empty = TrustStore::builder(NOW)
        .intermediate(root.der)
        .spiffe_trust_domain("td")
        .build()
        .unwrap_err();
    assert_eq!(empty.reason, StoreReason::Empty);
    assert_eq!(empty.to_string(), "a trust store must trust something");
    assert!(
        TrustStore::builder(NOW)
            .pinned_public_key_sha256([1; 32])
            .build()
            .is_ok()
    );
}

#[test]
fn trust_domains() {
    let root = plain_authority("Root");
    let build = |domain: &str| {
        TrustStore::builder(NOW)
            .ca_certificate(root.der.clone())
            .spiffe_trust_domain(domain)
            .build()
    };
    assert!(build("prod.example").is_ok());
    let error = build("spiffe://prod.example").unwrap_err().to_string();
    assert!(error.starts_with("spiffe_trust_domains[0]: "), "{error}");
}

#[test]
fn a_store_shows_what_it_holds() {
    let root = plain_authority("Root");
    let issuer = root.sub("Issuer", |_| {});
    let store = store(&[&root], &[&issuer]);
    let subjects = |certificates: Vec<&crate::trust::Certificate>| {
        certificates
            .iter()
            .map(|certificate| certificate.subject().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(subjects(store.anchors().collect()), ["CN=Root"]);
    assert_eq!(subjects(store.intermediates().collect()), ["CN=Issuer"]);
    assert!(!store.is_pinned_public_key(&[0; 32]));
}

#[test]
fn every_supported_kind_of_issuer() {
    let shop = Workshop::new();
    let keys = [
        KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap(),
        KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap(),
        KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap(),
        shop.rsa_key(2048),
        shop.rsa_key(4096),
    ];
    for key in keys {
        let root = authority_of(ca_params("Root"), key);
        let issuer = root.sub("Issuer", |_| {});
        assert!(judge(&root.leaf(|_| {}), &store(&[&root], &[])).is_ok());
        assert!(judge(&issuer.leaf(|_| {}), &store(&[&root], &[&issuer])).is_ok());
        let other = self_signed(|_| {});
        assert!(judge(&other, &store(&[&root], &[&issuer])).is_err());
    }
}
