//! What is told of a failure.

use std::collections::BTreeSet;

use crate::revocation::ocsp::{
    DelegateFault, Invalid, NonceFault, NotNow, OcspError, Refusal, TimeField,
};
use crate::trust::TrustError;
use crate::trust::tests::pki::NOW;

#[test]
fn each_has_its_code_and_its_words() {
    use DelegateFault as D;
    use Invalid as I;
    let invalid = [
        I::TooLarge { bytes: 2, max: 1 },
        I::TooMany {
            what: "extensions",
            max: 1,
        },
        I::Malformed("producedAt"),
        I::ResponseType("1.2.3".into()),
        I::Version,
        I::CriticalExtension("1.2.3".into()),
        I::Nonce(NonceFault::Missing),
        I::Nonce(NonceFault::Other),
        I::NextUpdateBeforeThisUpdate {
            this_update: NOW,
            next_update: NOW - 1,
        },
        I::SignerUnknown,
        I::SignedByLeaf,
        I::Delegate(D::Ca),
        I::Signature(TrustError::SignatureInvalid),
        I::ProducedOutsideSigner {
            produced_at: NOW,
            not_before: 1,
            not_after: 2,
        },
    ];
    let others = [
        OcspError::NotNow(NotNow::TryLater),
        OcspError::NotNow(NotNow::InternalError),
        OcspError::Refused(Refusal::MalformedRequest),
        OcspError::Refused(Refusal::SignatureRequired),
        OcspError::Refused(Refusal::Unauthorized),
        OcspError::NoMatch,
        OcspError::NotYetValid {
            field: TimeField::ThisUpdate,
            from: NOW,
            now: 0,
        },
        OcspError::Stale {
            valid_until: NOW,
            now: NOW,
        },
    ];
    let errors: Vec<_> = invalid
        .map(OcspError::from)
        .into_iter()
        .chain(others)
        .collect();
    let codes: BTreeSet<_> = errors.iter().map(OcspError::code).collect();
    let words: BTreeSet<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!((codes.len(), words.len()), (errors.len(), errors.len()));
    assert!(codes.iter().all(|code| code.starts_with("ocsp_")));
}

#[test]
fn the_values_that_were_compared_are_told() {
    let stale = OcspError::Stale {
        valid_until: NOW,
        now: NOW + 61,
    };
    assert_eq!(
        stale.to_string(),
        "the answer was valid until 2026-06-01T00:00:00Z, it is 2026-06-01T00:01:01Z"
    );
    let future = OcspError::NotYetValid {
        field: TimeField::ProducedAt,
        from: i64::MAX,
        now: NOW,
    };
    assert_eq!(
        future.to_string(),
        "the answer's producedAt is 9223372036854775807, it is 2026-06-01T00:00:00Z"
    );
    let words = |fault| OcspError::Invalid(Invalid::Delegate(fault)).to_string();
    let faults = [
        DelegateFault::OtherIssuer {
            issuer: "CN=other".into(),
        },
        DelegateFault::NotIssued(TrustError::SignatureInvalid),
        DelegateFault::Ca,
        DelegateFault::NoOcspSigning {
            present: vec!["1.2".into(), "1.3".into()],
        },
        DelegateFault::NoDigitalSignature,
        DelegateFault::Certificate(TrustError::Distrusted),
    ];
    let words: BTreeSet<_> = faults.into_iter().map(words).collect();
    assert_eq!(words.len(), 6);
    assert!(
        words.contains("the responder may not answer: its purposes lack OCSPSigning: [1.2 1.3]")
    );
}
