use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyUsagePurpose, NameConstraints, SerialNumber,
};

use super::pki::{NOW, at, judge_as, plain_authority, store};
use crate::trust::{ExtendedKeyUsageDemand, KeyRequirements, TrustError, Usage};

fn verdict(
    usage: Usage,
    demand: ExtendedKeyUsageDemand,
    change: impl FnOnce(&mut CertificateParams),
) -> Result<(), TrustError> {
    let root = plain_authority("Root");
    let leaf = root.leaf(change);
    let requirements = KeyRequirements::default().with_extended_key_usage(demand);
    judge_as(&leaf, &store(&[&root], &[]), usage, at(NOW), &requirements).map(|_| ())
}

fn server(change: impl FnOnce(&mut CertificateParams)) -> Result<(), TrustError> {
    verdict(Usage::Server, ExtendedKeyUsageDemand::Required, change)
}

#[test]
fn extended_key_usage() {
    use ExtendedKeyUsageDemand::{IfPresent, Required};
    use ExtendedKeyUsagePurpose as Purpose;
    let (s, c) = (Usage::Server, Usage::Client);
    let cases: [(Usage, ExtendedKeyUsageDemand, &[Purpose], Option<&str>); 16] = [
        (s, Required, &[Purpose::ServerAuth], None),
        (c, Required, &[Purpose::ClientAuth], None),
        (
            s,
            Required,
            &[Purpose::ClientAuth, Purpose::ServerAuth],
            None,
        ),
        (
            s,
            Required,
            &[Purpose::ClientAuth],
            Some("1.3.6.1.5.5.7.3.2"),
        ),
        (
            c,
            Required,
            &[Purpose::ServerAuth],
            Some("1.3.6.1.5.5.7.3.1"),
        ),
        (s, Required, &[], Some("nothing")),
        (c, Required, &[], Some("nothing")),
        (s, Required, &[Purpose::Any], Some("2.5.29.37.0")),
        (s, Required, &[Purpose::Any, Purpose::ServerAuth], None),
        (
            s,
            Required,
            &[Purpose::OcspSigning],
            Some("1.3.6.1.5.5.7.3.9"),
        ),
        (s, IfPresent, &[], None),
        (c, IfPresent, &[], None),
        (s, IfPresent, &[Purpose::Any], None),
        (s, IfPresent, &[Purpose::ServerAuth], None),
        (
            s,
            IfPresent,
            &[Purpose::ClientAuth],
            Some("1.3.6.1.5.5.7.3.2"),
        ),
        (
            c,
            IfPresent,
            &[Purpose::CodeSigning],
            Some("1.3.6.1.5.5.7.3.3"),
        ),
    ];
    for (usage, demand, purposes, refused) in cases {
        let result = verdict(usage, demand, |params| {
            params.extended_key_usages = purposes.to_vec();
        });
        let expected = match refused {
            None => Ok(()),
            Some(present) => Err(TrustError::ExtendedKeyUsage {
                required: usage,
                present: present.into(),
            }),
        };
        assert_eq!(result, expected, "{usage} {demand:?} {purposes:?}");
    }
}

#[test]
fn key_usage() {
    use KeyUsagePurpose as Use;
    let cases: [(&[Use], bool); 9] = [
        (&[], true),
        (&[Use::DigitalSignature], true),
        (&[Use::KeyEncipherment], true),
        (&[Use::KeyAgreement], true),
        (&[Use::ContentCommitment], false),
        (&[Use::DataEncipherment], false),
        (&[Use::CrlSign], false),
        (&[Use::CrlSign, Use::DigitalSignature], true),
        (&[Use::KeyCertSign, Use::DigitalSignature], false),
    ];
    for (usages, accepted) in cases {
        let result = server(|params| params.key_usages = usages.to_vec());
        assert_eq!(result.is_ok(), accepted, "{usages:?}: {result:?}");
        if let Err(error) = result {
            assert_eq!(error.code(), "key_usage_violated");
        }
    }
    // No bit at all allows nothing.
    let result = server(|params| {
        params.key_usages.clear();
        let none = CustomExtension::from_oid_content(&[2, 5, 29, 15], vec![3, 1, 0]);
        params.custom_extensions.push(none);
    });
    assert_eq!(result.unwrap_err().code(), "key_usage_violated");
}

#[test]
fn a_ca_is_no_leaf() {
    assert_eq!(server(|params| params.is_ca = IsCa::ExplicitNoCa), Ok(()));
    assert_eq!(
        server(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
        Err(TrustError::CaAsLeaf)
    );
}

#[test]
fn serial_numbers() {
    let mut twenty = vec![0x7f; 20];
    let mut top_bit = vec![0xff; 20];
    let cases = [
        (vec![1], true),
        (vec![0], false),
        (twenty.clone(), true),
        // One octet of sign in front.
        (top_bit.clone(), true),
        (
            {
                twenty.push(1);
                twenty
            },
            false,
        ),
        (
            {
                top_bit.push(1);
                top_bit
            },
            false,
        ),
    ];
    for (serial, accepted) in cases {
        let shown = format!("{serial:x?}");
        let result = server(|params| params.serial_number = Some(SerialNumber::from(serial)));
        assert_eq!(result.is_ok(), accepted, "{shown}: {result:?}");
        if let Err(error) = result {
            assert_eq!(error.code(), "serial_invalid");
        }
    }
}

#[test]
fn a_negative_serial_number() {
    let root = plain_authority("Root");
    let mut leaf = root.leaf(|params| {
        params.serial_number = Some(SerialNumber::from(vec![0x11, 0x22, 0x33, 0x44, 0x55]));
    });
    let found = leaf
        .der
        .windows(5)
        .position(|window| window == [0x11, 0x22, 0x33, 0x44, 0x55]);
    leaf.der[found.unwrap()] = 0x91;
    let result = judge_as(
        &leaf,
        &store(&[&root], &[]),
        Usage::Server,
        at(NOW),
        &KeyRequirements::default(),
    );
    let serial = "9122334455".to_owned();
    assert_eq!(result.unwrap_err(), TrustError::SerialInvalid { serial });
}

#[test]
fn name_constraints_are_for_cas() {
    let result = server(|params| {
        // rcgen writes them for a CA only.
        let constraints = CustomExtension::from_oid_content(
            &[2, 5, 29, 30],
            vec![0x30, 9, 0xa0, 7, 0x30, 5, 0x82, 3, b'c', b'o', b'm'],
        );
        params.custom_extensions.push(constraints);
    });
    assert_eq!(
        result,
        Err(TrustError::Profile("name constraints in a leaf"))
    );
}

#[test]
fn unknown_critical_extensions() {
    for (critical, accepted) in [(false, true), (true, false)] {
        let result = server(|params| {
            let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
            extension.set_criticality(critical);
            params.custom_extensions.push(extension);
        });
        assert_eq!(result.is_ok(), accepted);
        if let Err(error) = result {
            assert_eq!(error, TrustError::CriticalExtension("1.2.3.4".into()));
        }
    }
}

#[test]
fn an_empty_subject_needs_critical_names() {
    let names = |critical| {
        let content = vec![0x30, 3, 0x82, 1, b'a'];
        let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 17], content);
        extension.set_criticality(critical);
        extension
    };
    for (critical, accepted) in [(true, true), (false, false)] {
        let result = server(|params| {
            params.distinguished_name = DistinguishedName::new();
            params.subject_alt_names.clear();
            params.custom_extensions.push(names(critical));
        });
        assert_eq!(result.is_ok(), accepted, "{result:?}");
    }
}

#[test]
fn names_that_an_issuer_permits() {
    let root = super::pki::authority("Root", |params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("example.com".into())],
            excluded_subtrees: vec![GeneralSubtree::DnsName("bad.example.com".into())],
        });
    });
    let store = store(&[&root], &[]);
    let cases = [
        ("peer.example.com", true),
        ("a.bad.example.com", false),
        ("peer.example.org", false),
    ];
    for (name, accepted) in cases {
        let leaf = root.leaf(|params| {
            params.subject_alt_names = vec![rcgen::SanType::DnsName(name.try_into().unwrap())];
        });
        let result = super::pki::judge(&leaf, &store);
        assert_eq!(result.is_ok(), accepted, "{name}");
        if let Err(error) = result {
            assert_eq!(error.code(), "name_constraint_violated");
        }
    }
}
