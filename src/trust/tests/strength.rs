use super::openssl::Workshop;
use crate::trust::{Certificate, Curve, Curves, KeyRequirements, PublicKey, TrustError};

fn rsa(bits: u32, exponent: u64) -> PublicKey {
    PublicKey::Rsa {
        bits,
        exponent,
        odd: true,
    }
}

#[test]
fn keys() {
    let default = KeyRequirements::default();
    let accepted = [
        rsa(2048, 65_537),
        rsa(3072, 3),
        rsa(8192, (1 << 33) - 1),
        PublicKey::Ec(Curve::P256),
        PublicKey::Ec(Curve::P384),
        PublicKey::Ed25519,
    ];
    for key in accepted {
        assert_eq!(default.check_key(&key), Ok(()), "{key}");
    }
    let refused = [
        (rsa(2047, 65_537), "key_too_weak"),
        (rsa(0, 65_537), "key_too_weak"),
        (rsa(2052, 65_537), "key_unsupported"),
        (rsa(8200, 65_537), "key_unsupported"),
        (rsa(2048, 1), "key_unsupported"),
        (rsa(2048, 1 << 33 | 1), "key_unsupported"),
        (rsa(2048, u64::MAX), "key_unsupported"),
        (
            PublicKey::Rsa {
                bits: 2048,
                exponent: 4,
                odd: false,
            },
            "key_unsupported",
        ),
        (PublicKey::Ec(Curve::P521), "key_curve_not_allowed"),
        (PublicKey::Other("DSA".into()), "key_unsupported"),
    ];
    for (key, code) in refused {
        assert_eq!(default.check_key(&key).unwrap_err().code(), code, "{key:?}");
    }
}

#[test]
fn requirements() {
    let default = KeyRequirements::default();
    for (bits, accepted) in [(1023, false), (1024, true), (8192, true), (8193, false)] {
        assert_eq!(default.with_min_rsa_bits(bits).is_some(), accepted);
    }
    let low = default.with_min_rsa_bits(1024).unwrap();
    assert_eq!(low.check_key(&rsa(1024, 65_537)), Ok(()));
    let (bits, min) = (1016, 1024);
    assert_eq!(
        low.check_key(&rsa(bits, 65_537)),
        Err(TrustError::KeyTooWeak { bits, min })
    );
    let only_p521 = default.with_curves(Curves::NONE.with(Curve::P521));
    assert_eq!(only_p521.check_key(&PublicKey::Ec(Curve::P521)), Ok(()));
    assert_eq!(
        only_p521.check_key(&PublicKey::Ec(Curve::P256)),
        Err(TrustError::CurveNotAllowed(Curve::P256))
    );
    // A peer may have such a key, an issuer may not, and the other way round.
    assert!(
        only_p521
            .check_issuer_key(&PublicKey::Ec(Curve::P521))
            .is_err()
    );
    assert_eq!(
        only_p521.check_issuer_key(&PublicKey::Ec(Curve::P256)),
        Ok(())
    );
    assert!(low.check_issuer_key(&rsa(1016, 3)).is_err());
}

#[test]
fn signatures_of_what_a_path_trusts() {
    let shop = Workshop::new();
    let cases = [
        ("-sha256", None),
        ("-sha1", Some("signature_algorithm_weak")),
        ("-md5", Some("signature_algorithm_weak")),
        ("-sha224", Some("signature_algorithm_unsupported")),
        (
            "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32",
            None,
        ),
        (
            "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:31",
            Some("signature_algorithm_unsupported"),
        ),
        (
            "-sha1 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20",
            Some("signature_algorithm_weak"),
        ),
    ];
    for (options, code) in cases {
        let certificate = Certificate::parse(&shop.self_signed("rsa:2048", options)).unwrap();
        let result = KeyRequirements::default().check(&certificate);
        assert_eq!(result.err().map(|error| error.code()), code, "{options}");
    }
}
