//! One whom the issuer made a responder (RFC 6960 section 4.2.2.2).

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose as Purpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

use super::openssl::Workshop;
use super::responder::*;
use crate::revocation::ocsp::{
    Answer, DelegateFault, Demands, Invalid, MAX_CANDIDATES, OcspError, Signer,
};
use crate::trust::tests::pki::{self, NOW};
use crate::trust::{Certificate, KeyRequirements, TrustError};

fn judge_delegate(change: impl FnOnce(&mut CertificateParams)) -> Result<Answer, OcspError> {
    let delegate = delegate(change);
    judge(&Response::by(&delegate).signed_by(&delegate.key))
}

fn fault(result: Result<Answer, OcspError>) -> DelegateFault {
    match result {
        Err(OcspError::Invalid(Invalid::Delegate(fault))) => fault,
        other => panic!("not a delegate's fault: {other:?}"),
    }
}

fn assert_certificate(result: Result<Answer, OcspError>, expected: &str) {
    match fault(result) {
        DelegateFault::Certificate(error) => assert_eq!(error.code(), expected),
        other => panic!("{other}"),
    }
}

#[test]
fn by_name_and_by_key() {
    let delegate = delegate(|_| {});
    let sha256 = *Certificate::parse(&delegate.der).unwrap().sha256();
    let by_key =
        Response::by(&delegate).change(|response| response.responder = by_key(&delegate.key));
    for response in [Response::by(&delegate), by_key] {
        let answer = judge(&response.signed_by(&delegate.key)).unwrap();
        let nocheck = true;
        assert_eq!(answer.signed_by, Signer::Delegate { sha256, nocheck });
    }
}

#[test]
fn nocheck_is_reported() {
    let signed_by = |change: fn(&mut CertificateParams)| judge_delegate(change).unwrap().signed_by;
    let without = signed_by(|params| params.custom_extensions = vec![]);
    assert!(matches!(without, Signer::Delegate { nocheck: false, .. }));
    // It should not be critical (RFC 6960 section 4.2.2.2.1), but is understood.
    let critical = signed_by(|params| {
        for extension in &mut params.custom_extensions {
            extension.set_criticality(true);
        }
    });
    assert!(matches!(critical, Signer::Delegate { nocheck: true, .. }));
}

#[test]
fn issued_by_the_issuer_itself() {
    // By another CA; by one of the issuer's name; by a CA below the issuer.
    let other = delegate_of(&pki::plain_authority("other"), |_| {});
    let result = judge(&Response::by(&other).signed_by(&other.key));
    let issuer = "CN=other".into();
    assert_eq!(fault(result), DelegateFault::OtherIssuer { issuer });

    let namesake = delegate_of(&pki::plain_authority("ca"), |_| {});
    let result = judge(&Response::by(&namesake).signed_by(&namesake.key));
    let error = TrustError::SignatureInvalid;
    assert_eq!(fault(result), DelegateFault::NotIssued(error));

    let sub = WORLD.ca.sub("sub", |_| {});
    let below = delegate_of(&sub, |_| {});
    let response = Response::by(&below)
        .change(|response| response.certificates.push(sub.der.clone()))
        .signed_by(&below.key);
    let issuer = "CN=sub".into();
    assert_eq!(
        fault(judge(&response)),
        DelegateFault::OtherIssuer { issuer }
    );
}

#[test]
fn the_response_is_signed_by_the_delegate() {
    let (one, two) = (delegate(|_| {}), delegate(|_| {}));
    let invalid = Err(OcspError::Invalid(Invalid::Signature(
        TrustError::SignatureInvalid,
    )));
    assert_eq!(judge(&Response::by(&one).signed_by(&two.key)), invalid);
    assert_eq!(judge(&Response::by(&one).signed()), invalid);
}

#[test]
fn for_signing_ocsp_by_name() {
    let with = |purposes: &[Purpose]| {
        judge_delegate(|params| params.extended_key_usages = purposes.to_vec())
    };
    assert!(with(&[Purpose::OcspSigning]).is_ok());
    assert!(with(&[Purpose::Any, Purpose::OcspSigning]).is_ok());
    let cases: [(&[Purpose], &[&str]); 3] = [
        (&[], &[]),
        (&[Purpose::Any], &["2.5.29.37.0"]),
        (
            &[Purpose::ServerAuth, Purpose::TimeStamping],
            &["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.8"],
        ),
    ];
    for (purposes, present) in cases {
        let present = present.iter().map(ToString::to_string).collect();
        assert_eq!(
            fault(with(purposes)),
            DelegateFault::NoOcspSigning { present }
        );
    }
}

#[test]
fn with_a_key_for_signatures() {
    let with =
        |usages: &[KeyUsagePurpose]| judge_delegate(|params| params.key_usages = usages.to_vec());
    use KeyUsagePurpose as Usage;
    assert!(with(&[]).is_ok());
    assert!(with(&[Usage::DigitalSignature, Usage::ContentCommitment]).is_ok());
    for usages in [&[Usage::ContentCommitment][..], &[Usage::KeyAgreement]] {
        assert_eq!(fault(with(usages)), DelegateFault::NoDigitalSignature);
    }
}

#[test]
fn valid_now() {
    let with = |from: i64, to: i64| {
        let delegate = delegate(|params| pki::valid(params, NOW + from, NOW + to));
        let response = Response::by(&delegate).change(|response| response.produced_at = time(NOW));
        judge(&response.signed_by(&delegate.key))
    };
    assert!(with(-DAY, -300).is_ok());
    assert_certificate(with(-DAY, -301), "certificate_expired");
    assert!(with(300, DAY).is_ok());
    assert_certificate(with(301, DAY), "certificate_not_yet_valid");
    assert_certificate(with(DAY, -DAY), "certificate_profile_violated");
}

#[test]
fn not_a_ca() {
    let with = |is_ca: IsCa| judge_delegate(|params| params.is_ca = is_ca);
    assert!(with(IsCa::ExplicitNoCa).is_ok());
    let ca = IsCa::Ca(BasicConstraints::Constrained(0));
    assert_eq!(fault(with(ca)), DelegateFault::Ca);
}

#[test]
fn without_a_critical_extension_that_nobody_knows() {
    let with = |critical| {
        judge_delegate(|params| {
            let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
            extension.set_criticality(critical);
            params.custom_extensions.push(extension);
        })
    };
    assert!(with(false).is_ok());
    assert_certificate(with(true), "critical_extension_unknown");
}

#[test]
fn with_a_key_that_is_strong_enough() {
    let workshop = Workshop::new();
    workshop.run("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem");
    let key = KeyPair::from_pem(&workshop.text("rsa.pem")).unwrap();
    let certificate = WORLD.ca.leaf_with(copy(&key), delegate_params);
    let delegate = Delegate {
        der: certificate.der,
        key,
    };
    let response = Response::by(&delegate).change(|response| {
        // sha256WithRSAEncryption, NULL
        let algorithm = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 5, 0];
        response.algorithm = sequence(&[&algorithm]);
    });
    let response = response.signed_by(&delegate.key);
    assert!(judge(&response).is_ok());
    let demands = Demands {
        keys: KeyRequirements::default().with_min_rsa_bits(3072).unwrap(),
        ..Demands::default()
    };
    assert_certificate(judge_by(&response, &demands, at(NOW)), "key_too_weak");
}

#[test]
fn not_the_certificate_that_is_asked_about() {
    // The certificate itself has all that a delegate needs.
    let key = KeyPair::generate().unwrap();
    let certificate = WORLD.ca.leaf_with(copy(&key), |params| {
        delegate_params(params);
        params.serial_number = Some(vec![9].into());
    });
    let leaf = certificate.parsed();
    let question = crate::revocation::ocsp::Question {
        leaf: &leaf,
        issuer: &WORLD.issuer,
    };
    let id = question.cert_id(crate::revocation::ocsp::CertIdHash::Sha1);
    let single = Single {
        cert_id: sequence(&[&id]),
        ..Single::good()
    };
    let own = Delegate {
        der: certificate.der.clone(),
        key: copy(&key),
    };
    let answered_by = |delegate: &Delegate| {
        let response = Response::of(&single).change(|response| {
            response.responder = by_name(&delegate.der);
            response.certificates = vec![delegate.der.clone()];
        });
        let response = response.signed_by(&delegate.key);
        let demands = Demands::default();
        let host = crate::trust::NoHost;
        crate::revocation::ocsp::verify(&response, &question, &demands, &host, at(NOW))
    };
    assert!(answered_by(&delegate(|_| {})).is_ok());
    let error = Err(OcspError::Invalid(Invalid::SignedByLeaf));
    assert_eq!(answered_by(&own), error);
    // Nor another certificate of its key.
    let renewed = Delegate {
        der: WORLD.ca.leaf_with(copy(&key), delegate_params).der,
        key,
    };
    assert_eq!(answered_by(&renewed), error);
    // A server's certificate, the usual leaf, is no responder's at all.
    let server = Delegate {
        der: WORLD.leaf.der().to_vec(),
        key: copy(&WORLD.leaf_key),
    };
    assert!(matches!(
        fault(answered_by(&server)),
        DelegateFault::NoOcspSigning { .. }
    ));
}

#[test]
fn not_one_who_was_made_by_a_delegate() {
    let first = delegate(|_| {});
    let first = pki::Authority {
        der: first.der,
        params: pki::named("responder"),
        key: first.key,
    };
    let second = delegate_of(&first, |params| {
        *params = {
            let mut params = pki::named("second");
            params.extended_key_usages = vec![Purpose::OcspSigning];
            params
        }
    });
    let response = Response::by(&second)
        .change(|response| response.certificates.push(first.der.clone()))
        .signed_by(&second.key);
    assert_eq!(
        fault(judge(&response)),
        DelegateFault::OtherIssuer {
            issuer: "CN=responder".into()
        }
    );
}

#[test]
fn decoys_are_bounded() {
    let delegate = delegate(|_| {});
    let other = pki::plain_authority("ca");
    let decoy = || delegate_of(&other, |_| {}).der;
    let among = |decoys: usize| {
        let response = Response::by(&delegate).change(|response| {
            let decoys = (0..decoys).map(|_| decoy());
            response.certificates.splice(0..0, decoys);
        });
        judge(&response.signed_by(&delegate.key))
    };
    assert!(among(MAX_CANDIDATES - 1).is_ok());
    assert_eq!(
        among(MAX_CANDIDATES),
        Err(OcspError::Invalid(Invalid::TooMany {
            what: "certificates of the responder",
            max: MAX_CANDIDATES,
        }))
    );
}

#[test]
fn others_beside_it_do_not_matter() {
    let delegate = delegate(|_| {});
    let garbage = sequence(&[b"no certificate"]);
    let others = vec![
        garbage.clone(),
        WORLD.ca.der.clone(),
        pki::plain_authority("other").der,
        WORLD.leaf.der().to_vec(),
        delegate_of(&WORLD.ca, |params| {
            params.distinguished_name = pki::named("another").distinguished_name;
        })
        .der,
    ];
    let response = Response::by(&delegate).change(|response| {
        response.certificates.splice(0..0, others.clone());
    });
    assert!(judge(&response.signed_by(&delegate.key)).is_ok());
    // Without it, nobody signed.
    let without = Response::by(&delegate).change(|response| {
        response.certificates = others[1..].to_vec();
    });
    assert_eq!(
        judge(&without.signed_by(&delegate.key)),
        Err(OcspError::Invalid(Invalid::SignerUnknown))
    );
    let garbled = Response::by(&delegate).change(|response| response.certificates = vec![garbage]);
    assert_certificate(
        judge(&garbled.signed_by(&delegate.key)),
        "certificate_malformed",
    );
}

#[test]
fn the_error_is_of_the_one_that_came_furthest() {
    let good = delegate(|_| {});
    let expired = delegate(|params| pki::valid(params, NOW - DAY, NOW - HOUR));
    for certificates in [
        vec![expired.der.clone(), good.der.clone()],
        vec![good.der.clone(), expired.der.clone()],
    ] {
        let response = Response::by(&good).change(|response| response.certificates = certificates);
        let error = judge(&response.signed_by(&expired.key)).unwrap_err();
        assert_eq!(error.code(), "ocsp_signature_invalid");
    }
}
