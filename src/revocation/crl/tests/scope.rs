//! Of which certificates a list speaks.

use rcgen::{CertificateParams, CustomExtension};

use super::made::{Fields, ask, is_good, is_revoked, issuing_point, point_name, sequence};
use crate::revocation::crl::{Crl, CrlStatus, NotCovered, status};
use crate::trust::Certificate;
use crate::trust::der::{tag, wrap};
use crate::trust::tests::pki::{Authority, Leaf, NOW, at, plain_authority};

const A: &str = "http://crl.example/a.crl";
const B: &str = "http://crl.example/b.crl";

/// `[3] onlySomeReasons` or `[1] reasons` with these bits.
fn bits(number: u8, octets: &[u8]) -> Vec<u8> {
    wrap(tag::context(number), &[&[0], octets].concat())
}

/// A leaf of serial number 0x51 with these distribution points.
fn pointing(ca: &Authority, points: &[&[&[u8]]]) -> Leaf {
    let points: Vec<_> = points.iter().map(|fields| sequence(fields)).collect();
    let value = wrap(tag::SEQUENCE, &points.concat());
    ca.leaf(|params: &mut CertificateParams| {
        params.serial_number = Some(rcgen::SerialNumber::from(vec![0x51]));
        params.custom_extensions = vec![CustomExtension::from_oid_content(&[2, 5, 29, 31], value)];
    })
}

fn list(ca: &Authority, point: &[&[u8]], serials: &[&[u8]]) -> Crl {
    let fields = Fields::of(ca)
        .revoking(serials)
        .extended(issuing_point(point));
    fields.load(ca).unwrap()
}

const PARTITION: CrlStatus<'_> = CrlStatus::NotCovered(NotCovered::Partition);

#[test]
fn a_partition_speaks_for_the_certificates_that_name_it() {
    let ca = plain_authority("ca");
    let at_a = pointing(&ca, &[&[&point_name(A)]]);
    let at_both = pointing(&ca, &[&[&point_name(A)], &[&point_name(B)]]);
    let nowhere = ca.leaf(|_| {});
    let a = list(&ca, &[&point_name(A)], &[]);
    let b = list(&ca, &[&point_name(B)], &[&[0x51]]);
    assert!(is_good(&ask(&[&a], &at_a, &ca)));
    assert_eq!(ask(&[&b], &at_a, &ca), PARTITION);
    assert!(is_good(&ask(&[&b, &a], &at_a, &ca)));
    assert!(is_revoked(&ask(&[&a, &b], &at_both, &ca)));
    assert_eq!(ask(&[&a, &b], &nowhere, &ca), PARTITION);
    // A list for all of them speaks for each, wherever it came from.
    let whole = Fields::of(&ca).load(&ca).unwrap();
    assert!(is_good(&ask(&[&whole], &at_a, &ca)));
    assert!(is_good(&ask(&[&whole], &nowhere, &ca)));
}

#[test]
fn one_name_of_several_is_enough() {
    let ca = plain_authority("ca");
    let uri = |uri: &str| wrap(tag::context(6), uri.as_bytes());
    let names = |uris: &[&str]| {
        let all: Vec<_> = uris.iter().map(|u| uri(u)).collect();
        let names = wrap(tag::context_constructed(0), &all.concat());
        wrap(tag::context_constructed(0), &names)
    };
    let leaf = pointing(&ca, &[&[&names(&["ldap://x/", B])]]);
    let both = list(&ca, &[&names(&[A, B])], &[]);
    let neither = list(&ca, &[&names(&[A, "http://crl.example/b.crl?"])], &[]);
    assert!(is_good(&ask(&[&both], &leaf, &ca)));
    assert_eq!(ask(&[&neither], &leaf, &ca), PARTITION);
}

#[test]
fn a_relative_name_is_the_issuers_with_one_part_more() {
    let ca = plain_authority("ca");
    let part = sequence(&[&[0x06, 3, 0x55, 4, 3], &wrap(0x0c, b"list")]);
    let relative = wrap(
        tag::context_constructed(0),
        &wrap(tag::context_constructed(1), &part),
    );
    let issuer = Certificate::parse(&ca.der).unwrap();
    let parts = crate::trust::der::single(issuer.subject_der(), tag::SEQUENCE).unwrap();
    let name = |part: &[u8]| {
        let name = sequence(&[parts, &wrap(0x31, part)]);
        let name = wrap(tag::context_constructed(4), &name);
        let names = wrap(tag::context_constructed(0), &name);
        wrap(tag::context_constructed(0), &names)
    };
    let other = sequence(&[&[0x06, 3, 0x55, 4, 3], &wrap(0x0c, b"other")]);
    let leaf = pointing(&ca, &[&[&relative]]);
    assert!(is_good(&ask(&[&list(&ca, &[&relative], &[])], &leaf, &ca)));
    assert!(is_good(&ask(
        &[&list(&ca, &[&name(&part)], &[])],
        &leaf,
        &ca
    )));
    assert_eq!(
        ask(&[&list(&ca, &[&name(&other)], &[])], &leaf, &ca),
        PARTITION
    );
}

#[test]
fn a_list_for_a_kind_of_certificate_is_for_no_other() {
    let ca = plain_authority("ca");
    let issuer = Certificate::parse(&ca.der).unwrap();
    let leaf = ca.leaf(|_| {}).parsed();
    let sub = Certificate::parse(&ca.sub("sub", |_| {}).der).unwrap();
    let only = |number| list(&ca, &[&wrap(tag::context(number), &[0xff])], &[]);
    let (users, authorities, attributes) = (only(1), only(2), only(5));
    let ask = |list: &Crl, of| is_good(&status(&[list], of, &issuer, at(NOW)));
    assert!(ask(&users, &leaf) && !ask(&users, &sub));
    assert!(!ask(&authorities, &leaf) && ask(&authorities, &sub));
    assert!(!ask(&attributes, &leaf) && !ask(&attributes, &sub));
}

#[test]
fn every_reason_must_be_covered() {
    let ca = plain_authority("ca");
    let leaf = ca.leaf(|_| {});
    let some = list(&ca, &[&bits(3, &[0x60])], &[]);
    let others = list(&ca, &[&bits(3, &[0x1f, 0x80])], &[]);
    let fewer = list(&ca, &[&bits(3, &[0x1f])], &[]);
    assert!(is_good(&ask(&[&some, &others], &leaf, &ca)));
    for lists in [&[&some][..], &[&others], &[&some, &fewer], &[&some, &some]] {
        let status = ask(lists, &leaf, &ca);
        assert!(
            matches!(status, CrlStatus::NotCovered(NotCovered::Reasons(_))),
            "{status:?}"
        );
    }
}

#[test]
fn the_points_of_the_certificate_divide_by_reason_too() {
    let ca = plain_authority("ca");
    let leaf = pointing(
        &ca,
        &[
            &[&point_name(A), &bits(1, &[0x60])],
            &[&point_name(B), &bits(1, &[0x1f, 0x80])],
        ],
    );
    let (a, b) = (
        list(&ca, &[&point_name(A)], &[]),
        list(&ca, &[&point_name(B)], &[]),
    );
    assert!(is_good(&ask(&[&a, &b], &leaf, &ca)));
    assert!(!is_good(&ask(&[&a], &leaf, &ca)));
    assert!(!is_good(&ask(&[&b], &leaf, &ca)));
    let revoking = list(&ca, &[&point_name(A)], &[&[0x51]]);
    assert!(is_revoked(&ask(&[&revoking], &leaf, &ca)));
}

#[test]
fn a_point_of_another_signer_is_nobody_here() {
    let ca = plain_authority("ca");
    let signer = wrap(
        tag::context_constructed(2),
        &wrap(tag::context_constructed(4), &[0x30, 0]),
    );
    let leaf = pointing(&ca, &[&[&point_name(A), &signer]]);
    let a = list(&ca, &[&point_name(A)], &[]);
    assert_eq!(ask(&[&a], &leaf, &ca), PARTITION);
}

#[test]
fn points_that_cannot_be_read_leave_revoked_or_no_verdict() {
    let ca = plain_authority("ca");
    let leaf = ca.leaf(|params| {
        params.serial_number = Some(rcgen::SerialNumber::from(vec![0x51]));
        params.custom_extensions = vec![CustomExtension::from_oid_content(
            &[2, 5, 29, 31],
            vec![0x30, 0],
        )];
    });
    let whole = Fields::of(&ca).load(&ca).unwrap();
    let status = ask(&[&whole], &leaf, &ca);
    assert!(matches!(
        status,
        CrlStatus::NotCovered(NotCovered::Sources(_))
    ));
    let revoking = Fields::of(&ca).revoking(&[&[0x51]]).load(&ca).unwrap();
    assert!(is_revoked(&ask(&[&revoking], &leaf, &ca)));
}
