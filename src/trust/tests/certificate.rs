use rcgen::{CustomExtension, DnType, ExtendedKeyUsagePurpose, KeyUsagePurpose, SanType};

use super::openssl::Workshop;
use super::pki::{DAY, NOW, leaf_params, plain_authority, self_signed};
use crate::trust::certificate::MAX_DER;
use crate::trust::names::presented::MAX_NAMES;
use crate::trust::{
    Certificate, Curve, Digest, PresentedIdentifier as P, PublicKey, SignatureAlgorithm, TrustError,
};

fn refused(der: &[u8]) -> String {
    Certificate::parse(der).unwrap_err().to_string()
}

#[test]
fn facts() {
    let root = plain_authority("Root");
    let leaf = root.leaf(|params| {
        params.serial_number = Some(rcgen::SerialNumber::from(vec![0x0a, 0xbc, 0x01]));
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Ex, \"Inc\"");
        params.subject_alt_names = vec![
            SanType::DnsName("*.example.com".try_into().unwrap()),
            SanType::IpAddress("10.0.0.1".parse().unwrap()),
            SanType::IpAddress("::1".parse().unwrap()),
            SanType::URI("spiffe://td/a".try_into().unwrap()),
            SanType::Rfc822Name("a@example.com".try_into().unwrap()),
        ];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
    });
    let certificate = leaf.parsed();
    assert_eq!(certificate.der(), leaf.der);
    assert_eq!(certificate.serial(), [0x0a, 0xbc, 0x01]);
    assert_eq!(certificate.serial_hex(), "0ABC01");
    assert_eq!(certificate.subject(), r#"O=Ex\, \"Inc\",CN=peer"#);
    assert_eq!(certificate.issuer(), "CN=Root");
    assert_eq!(certificate.not_before(), NOW - 30 * DAY);
    assert_eq!(certificate.not_after(), NOW + 300 * DAY);
    assert_eq!(certificate.key(), &PublicKey::Ec(Curve::P256));
    assert_eq!(
        certificate.signature_algorithm(),
        &SignatureAlgorithm::Ecdsa(Digest::Sha256)
    );
    assert_eq!(
        certificate.subject_alt_names(),
        [
            P::Dns("*.example.com".into()),
            P::Ip("10.0.0.1".parse().unwrap()),
            P::Ip("::1".parse().unwrap()),
            P::Uri("spiffe://td/a".into()),
            P::Email("a@example.com".into()),
        ]
    );
    let extensions = certificate.extensions();
    let purposes = extensions.extended_key_usage.as_ref().unwrap();
    assert!(purposes.server_auth && purposes.client_auth);
    assert!(!purposes.any && !purposes.ocsp_signing);
    assert_eq!(
        purposes.purposes,
        ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]
    );
    let usage = extensions.key_usage.unwrap();
    assert!(usage.digital_signature() && !usage.key_cert_sign());
    assert!(!certificate.is_ca() && !certificate.is_self_issued());
    assert!(!certificate.must_staple() && !extensions.ocsp_nocheck);
    assert!(extensions.unknown_critical.is_empty());

    let anchor = Certificate::parse(&root.der).unwrap();
    assert!(anchor.is_ca() && anchor.is_self_issued());
    assert_eq!(certificate.issuer_der(), anchor.subject_der());
    assert_ne!(certificate.spki_sha256(), anchor.spki_sha256());
}

#[test]
fn digests_are_those_of_openssl() {
    let shop = Workshop::new();
    let der = shop.self_signed("rsa:2048", "");
    shop.run("x509 -in cert.der -inform DER -noout -fingerprint -sha256 -out fingerprint");
    shop.run("x509 -in cert.der -inform DER -noout -pubkey -out pub.pem");
    shop.run("pkey -pubin -in pub.pem -outform DER -out pub.der");
    let certificate = Certificate::parse(&der).unwrap();
    assert_eq!(certificate.spki(), shop.read("pub.der"));
    let hex: Vec<String> = certificate
        .sha256()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    assert!(shop.text("fingerprint").contains(&hex.join(":")));
    assert_eq!(
        certificate.key(),
        &PublicKey::Rsa {
            bits: 2048,
            exponent: 65_537,
            odd: true
        }
    );
}

#[test]
fn must_staple_and_nocheck() {
    let tls_feature = &[1, 3, 6, 1, 5, 5, 7, 1, 24];
    let nocheck = &[1, 3, 6, 1, 5, 5, 7, 48, 1, 5];
    let cases: [(&[u64], &[u8], bool, bool); 4] = [
        (tls_feature, &[0x30, 3, 2, 1, 5], true, false),
        (tls_feature, &[0x30, 3, 2, 1, 17], true, false),
        (tls_feature, &[0x30, 3, 2, 1, 6], false, false),
        (nocheck, &[5, 0], false, true),
    ];
    for (oid, content, must_staple, ocsp_nocheck) in cases {
        let leaf = self_signed(|params| {
            params
                .custom_extensions
                .push(CustomExtension::from_oid_content(oid, content.to_vec()));
        });
        let certificate = leaf.parsed();
        assert_eq!(certificate.must_staple(), must_staple);
        assert_eq!(certificate.extensions().ocsp_nocheck, ocsp_nocheck);
    }
}

#[test]
fn malformed_extensions() {
    let cases: [(&[u64], &[u8], &str); 12] = [
        (&[2, 5, 29, 15], &[3, 1, 8], "key usage"),
        (&[2, 5, 29, 15], &[4, 1, 8], "key usage"),
        (&[2, 5, 29, 19], &[0x30, 3, 1, 1, 1], "basic constraints"),
        (&[2, 5, 29, 19], &[0x30, 3, 2, 1, 0xff], "basic constraints"),
        (&[2, 5, 29, 19], &[0x30, 0, 0], "basic constraints"),
        (&[2, 5, 29, 37], &[0x30, 0], "extended key usage"),
        (&[2, 5, 29, 37], &[0x30, 2, 5, 0], "extended key usage"),
        (&[2, 5, 29, 17], &[0x30, 2, 0x82, 9], "subject alternative"),
        (&[2, 5, 29, 17], &[0x31, 0], "subject alternative"),
        (&[2, 5, 29, 30], &[0x30, 0], "name constraints"),
        (&[2, 5, 29, 30], &[0x30, 2, 0xa0, 0], "name constraints"),
        (&[1, 3, 6, 1, 5, 5, 7, 1, 24], &[2, 1, 5], "TLS feature"),
    ];
    for (oid, content, reason) in cases {
        let leaf = self_signed(|params| {
            params.key_usages.clear();
            params.extended_key_usages.clear();
            params.subject_alt_names.clear();
            params
                .custom_extensions
                .push(CustomExtension::from_oid_content(oid, content.to_vec()));
        });
        let error = refused(&leaf.der);
        assert!(error.contains(reason), "{content:x?}: {error}");
    }
}

#[test]
fn an_extension_occurs_once() {
    let leaf = self_signed(|params| {
        let content = vec![0x30, 3, 0x82, 1, b'a'];
        params
            .custom_extensions
            .push(CustomExtension::from_oid_content(&[2, 5, 29, 17], content));
    });
    assert!(refused(&leaf.der).contains("an extension occurs twice"));
}

#[test]
fn extensions_are_counted() {
    use crate::trust::certificate::extensions::MAX_EXTENSIONS;
    let with = |count: usize| {
        self_signed(|params| {
            params.key_usages.clear();
            params.extended_key_usages.clear();
            params.subject_alt_names.clear();
            params.use_authority_key_identifier_extension = false;
            params.custom_extensions = (0..count as u64)
                .map(|arc| CustomExtension::from_oid_content(&[1, 2, 3, arc], vec![5, 0]))
                .collect();
        })
    };
    assert!(Certificate::parse(&with(MAX_EXTENSIONS).der).is_ok());
    let error = refused(&with(MAX_EXTENSIONS + 1).der);
    assert!(error.contains("more than 64 extensions"), "{error}");
}

#[test]
fn critical_extensions() {
    for (critical, unknown) in [(true, vec!["1.2.3.4".to_owned()]), (false, Vec::new())] {
        let leaf = self_signed(|params| {
            let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
            extension.set_criticality(critical);
            params.custom_extensions.push(extension);
        });
        assert_eq!(leaf.parsed().extensions().unknown_critical, unknown);
    }
}

/// The extension's content for these names.
fn names(count: usize, name: &[u8]) -> CustomExtension {
    use crate::trust::der::{tag, wrap};
    let content: Vec<u8> = (0..count).flat_map(|_| name.to_vec()).collect();
    CustomExtension::from_oid_content(&[2, 5, 29, 17], wrap(tag::SEQUENCE, &content))
}

#[test]
fn names_are_counted_and_kept() {
    let with = |extension: CustomExtension| {
        self_signed(|params| {
            params.subject_alt_names.clear();
            params.custom_extensions.push(extension);
        })
    };
    let many = with(names(MAX_NAMES, &[0x82, 1, b'a']));
    assert_eq!(many.parsed().subject_alt_names().len(), MAX_NAMES);
    for name in [&[0x82, 1, b'a'][..], &[0xa0, 0], &[0x88, 0]] {
        let too_many = with(names(MAX_NAMES + 1, name));
        assert_eq!(
            Certificate::parse(&too_many.der),
            Err(TrustError::TooManyNames { max: MAX_NAMES })
        );
    }
    let odd: [&[u8]; 7] = [
        &[0x82, 2, b'a', 0xff],
        &[0x82, 2, 0xc3, 0xa4],
        &[0x82, 0],
        &[0x86, 1, 0x80],
        &[0x87, 3, 1, 2, 3],
        &[0x87, 8, 10, 0, 0, 0, 255, 0, 0, 0],
        &[0x81, 1, 0xff],
    ];
    for name in odd {
        let leaf = with(names(1, name));
        let presented = leaf.parsed().subject_alt_names().to_vec();
        assert!(
            matches!(presented.as_slice(), [P::Unmatchable { .. }]),
            "{name:x?}: {presented:?}"
        );
    }
    // Kinds that name no peer are skipped.
    let other = with(names(3, &[0x88, 1, 0x2a]));
    assert!(other.parsed().subject_alt_names().is_empty());
}

/// The certificate with another value in place of one, lengths mended.
fn replaced(der: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    use crate::trust::der::{Reader, tag, wrap};
    if der == old {
        return new.to_vec();
    }
    let mut out = Vec::new();
    let mut rest = Reader::new(der);
    while let Ok((tag, content)) = rest.any() {
        let whole = wrap(tag, content);
        if whole == old {
            out.extend_from_slice(new);
        } else if matches!(tag, tag::SEQUENCE | 0x31) {
            out.extend(wrap(tag, &replaced(content, old, new)));
        } else {
            out.extend(whole);
        }
    }
    out
}

#[test]
fn bounds_and_trailing_bytes() {
    let leaf = self_signed(|_| {});
    let mut trailing = leaf.der.clone();
    trailing.push(0);
    assert!(refused(&trailing).contains("bytes behind"));
    let huge = vec![0x30; MAX_DER + 1];
    assert_eq!(
        Certificate::parse(&huge),
        Err(TrustError::TooLarge {
            bytes: MAX_DER + 1,
            max: MAX_DER
        })
    );
    assert!(matches!(
        Certificate::parse(&huge[1..]),
        Err(TrustError::Malformed(_))
    ));
    // A parser that recursed would end its stack.
    let indefinite = [0x30, 0x80].repeat(32_000);
    assert!(Certificate::parse(&indefinite).is_err());
    let deep = (0..10_000).fold(vec![5, 0], |inner, _| crate::trust::der::wrap(0x30, &inner));
    assert!(Certificate::parse(&deep).is_err());
    let extension = self_signed(|params| {
        let deep = CustomExtension::from_oid_content(&[1, 2, 3, 4], deep.clone());
        params.custom_extensions.push(deep);
    });
    assert!(Certificate::parse(&extension.der).is_ok());
    // In place of the string in a name: in one it fits, in two it does not.
    let string = [0x0c, 4, b'p', b'e', b'e', b'r'];
    let root = plain_authority("Root").leaf(|_| {});
    assert!(Certificate::parse(&replaced(&root.der, &string, &deep)).is_ok());
    let names = self_signed(|_| {});
    assert!(Certificate::parse(&replaced(&names.der, &string, &deep)).is_err());
}

#[test]
fn two_algorithms() {
    let mut der = self_signed(|_| {}).der;
    // ecdsa-with-SHA256 occurs twice; the second is the one outside.
    let oid = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    let outer = der.windows(8).rposition(|window| window == oid).unwrap();
    der[outer + 7] = 0x03;
    assert_eq!(
        Certificate::parse(&der),
        Err(TrustError::SignatureAlgorithmMismatch)
    );
}

#[test]
fn versions() {
    let shop = Workshop::new();
    shop.run("req -new -newkey rsa:2048 -nodes -keyout key.pem -out req.pem -subj /CN=v1");
    shop.run("x509 -req -in req.pem -signkey key.pem -outform DER -out v1.der -days 1");
    assert!(refused(&shop.read("v1.der")).contains("not an X.509 v3 certificate"));
}

#[test]
fn long_and_hostile_subjects() {
    let leaf = self_signed(|params| {
        let value = format!("a\r\n\u{1b}[31m,O=Evil {}", "x".repeat(10_000));
        params.distinguished_name.push(DnType::CommonName, value);
    });
    let subject = leaf.parsed().subject().to_owned();
    assert!(subject.starts_with("CN=a\r\n\u{1b}[31m\\,O\u{3d}Evil"));
    assert!(subject.chars().count() <= 513);
}

#[test]
fn keys() {
    let shop = Workshop::new();
    let cases = [
        ("rsa:1024", "RSA 1024"),
        ("ec -pkeyopt ec_paramgen_curve:P-384", "P-384"),
        ("ec -pkeyopt ec_paramgen_curve:P-521", "P-521"),
        ("ed25519", "Ed25519"),
        ("ed448", "1.3.101.113"),
        (
            "ec -pkeyopt ec_paramgen_curve:prime192v1",
            "EC 1.2.840.10045.3.1.1",
        ),
        ("ec -pkeyopt ec_paramgen_curve:secp256k1", "EC 1.3.132.0.10"),
        (
            "ec -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit",
            "EC with explicit parameters",
        ),
        ("rsa-pss -pkeyopt rsa_keygen_bits:2048", "RSASSA-PSS"),
    ];
    for (key, name) in cases {
        let der = shop.self_signed(key, "");
        let certificate = Certificate::parse(&der).unwrap();
        assert_eq!(certificate.key().to_string(), name);
    }
    shop.run("dsaparam -out dsa.pem 2048");
    let der = shop.self_signed("dsa:dsa.pem", "");
    assert_eq!(Certificate::parse(&der).unwrap().key().to_string(), "DSA");
}

#[test]
fn signature_algorithms() {
    let shop = Workshop::new();
    let pss = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen";
    let cases = [
        ("-md5", "RSA with MD5", false),
        ("-sha1", "RSA with SHA-1", false),
        ("-sha256", "RSA with SHA-256", true),
        ("-sha384", "RSA with SHA-384", true),
        ("-sha512", "RSA with SHA-512", true),
        ("-sha224", "1.2.840.113549.1.1.14", false),
        (
            &format!("-sha256 {pss}:32"),
            "RSASSA-PSS with SHA-256, MGF1 with SHA-256, 32 octets of salt",
            true,
        ),
        (
            &format!("-sha256 {pss}:20"),
            "RSASSA-PSS with SHA-256, MGF1 with SHA-256, 20 octets of salt",
            false,
        ),
        (
            &format!("-sha256 {pss}:32 -sigopt rsa_mgf1_md:sha1"),
            "RSASSA-PSS with SHA-256, MGF1 with SHA-1, 32 octets of salt",
            false,
        ),
        (
            &format!("-sha1 {pss}:20"),
            "RSASSA-PSS with SHA-1, MGF1 with SHA-1, 20 octets of salt",
            false,
        ),
    ];
    for (options, name, supported) in cases {
        let der = shop.self_signed("rsa:2048", options);
        let certificate = Certificate::parse(&der).unwrap();
        let algorithm = certificate.signature_algorithm();
        assert_eq!(algorithm.to_string(), name);
        assert_eq!(algorithm.is_supported(), supported, "{name}");
    }
}

#[test]
fn no_input_panics() {
    let root = plain_authority("Root");
    let mut params = leaf_params();
    params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
    let der = root.leaf(|leaf| *leaf = params).der;
    for len in 0..der.len() {
        assert!(Certificate::parse(&der[..len]).is_err());
    }
    for index in 0..der.len() {
        for flip in [0x01, 0x20, 0x80, 0xff] {
            let mut changed = der.clone();
            changed[index] ^= flip;
            // Any answer will do.
            let _ = Certificate::parse(&changed);
        }
    }
}
