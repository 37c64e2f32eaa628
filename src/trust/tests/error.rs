use std::collections::BTreeSet;

use rustls_pki_types::UnixTime;

use crate::trust::{Curve, TrustError as E, Usage};

fn every_cause() -> Vec<E> {
    vec![
        E::Malformed("x".into()),
        E::TooLarge { bytes: 2, max: 1 },
        E::TooManyNames { max: 1 },
        E::Profile("x"),
        E::Expired {
            not_after: 1,
            now: 2,
        },
        E::NotYetValid {
            not_before: 2,
            now: 1,
        },
        E::UnknownIssuer,
        E::SignatureInvalid,
        E::SignatureAlgorithmUnsupported("x".into()),
        E::SignatureAlgorithmWeak("x".into()),
        E::SignatureAlgorithmMismatch,
        E::KeyTooWeak { bits: 1, min: 2 },
        E::KeyUnsupported("x".into()),
        E::CurveNotAllowed(Curve::P521),
        E::CaAsLeaf,
        E::LeafAsCa,
        E::KeyUsage("x"),
        E::ExtendedKeyUsage {
            required: Usage::Server,
            present: "x".into(),
        },
        E::IssuerPurpose,
        E::NameConstraint("x"),
        E::PathLength,
        E::CriticalExtension("1.2".into()),
        E::SerialInvalid {
            serial: "00".into(),
        },
        E::BudgetExceeded("x"),
        E::IssuerNotAllowedToSign,
        E::Distrusted,
        E::NameMismatch,
        E::SpiffeInvalid("x"),
        E::SpiffeDomain {
            presented: "x".into(),
        },
        E::NotPinned,
        E::Unclassified("x".into()),
    ]
}

#[test]
fn codes_are_distinct_names() {
    let causes = every_cause();
    let codes: BTreeSet<_> = causes.iter().map(E::code).collect();
    assert_eq!(codes.len(), causes.len());
    for code in codes {
        assert!(
            code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
            "{code}"
        );
    }
}

#[test]
fn each_is_one_sentence() {
    for cause in every_cause() {
        let text = cause.to_string();
        assert!(text.len() > 10 && !text.contains('\n'), "{text}");
        assert!(!text.ends_with('.'), "{text}");
    }
}

#[test]
fn from_the_path_verifier() {
    let time = |seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    let cases = [
        (webpki::Error::UnknownIssuer, E::UnknownIssuer),
        (
            webpki::Error::InvalidSignatureForPublicKey,
            E::SignatureInvalid,
        ),
        (
            webpki::Error::CertExpired {
                time: time(9),
                not_after: time(8),
            },
            E::Expired {
                not_after: 8,
                now: 9,
            },
        ),
        (
            webpki::Error::CertNotValidYet {
                time: time(8),
                not_before: time(9),
            },
            E::NotYetValid {
                not_before: 9,
                now: 8,
            },
        ),
        (
            webpki::Error::MaximumSignatureChecksExceeded,
            E::BudgetExceeded("too many signatures"),
        ),
        (webpki::Error::BadDer, E::Malformed("BadDer".into())),
        (
            webpki::Error::CertRevoked,
            E::Unclassified("CertRevoked".into()),
        ),
    ];
    for (theirs, ours) in cases {
        assert_eq!(E::from(theirs), ours);
    }
}
