//! What a certificate says about where its status can be had.

use rcgen::{CertificateParams, CrlDistributionPoint, CustomExtension};

use super::made::{point_name, sequence};
use crate::revocation::sources::{
    MAX_DISTRIBUTION_POINTS, MAX_NAME, MAX_NAMES, MAX_OCSP_URLS, Reasons, Sources, SourcesError,
    subject_key_identifier,
};
use crate::trust::Certificate;
use crate::trust::der::{tag, wrap};
use crate::trust::tests::pki::plain_authority;

const OCSP: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01];
const CA_ISSUERS: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02];
const AIA: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 1];
const CRL_POINTS: &[u64] = &[2, 5, 29, 31];

fn of(change: impl FnOnce(&mut CertificateParams)) -> Result<Sources, SourcesError> {
    Sources::of(&plain_authority("ca").leaf(change).parsed())
}

fn with(oid: &[u64], value: Vec<u8>) -> Result<Sources, SourcesError> {
    of(|params| params.custom_extensions = vec![CustomExtension::from_oid_content(oid, value)])
}

fn description(method: &[u8], tag: u8, location: &[u8]) -> Vec<u8> {
    sequence(&[&wrap(0x06, method), &wrap(tag, location)])
}

fn access(descriptions: &[Vec<u8>]) -> Result<Sources, SourcesError> {
    with(AIA, wrap(tag::SEQUENCE, &descriptions.concat()))
}

fn points(points: &[Vec<u8>]) -> Result<Sources, SourcesError> {
    with(CRL_POINTS, wrap(tag::SEQUENCE, &points.concat()))
}

#[test]
fn a_certificate_may_name_none() {
    let sources = of(|_| {}).unwrap();
    assert_eq!(sources, Sources::default());
    assert_eq!(sources.crl_urls().next(), None);
}

#[test]
fn responders_are_urls_of_the_ocsp_method() {
    let uri = tag::context(6);
    let sources = access(&[
        description(CA_ISSUERS, uri, b"http://ca.example/ca.crt"),
        description(OCSP, uri, b"http://ocsp.example/"),
        description(OCSP, tag::context(2), b"ocsp.example"),
        description(OCSP, uri, b"http://ocsp.example/\r\nx"),
        description(OCSP, uri, b"http://second.example/"),
    ]);
    let urls = ["http://ocsp.example/", "http://second.example/"];
    assert_eq!(sources.unwrap().ocsp_urls(), urls);
    let one = description(OCSP, uri, b"http://ocsp.example/");
    assert!(access(&vec![one.clone(); MAX_OCSP_URLS]).is_ok());
    assert!(access(&vec![one; MAX_OCSP_URLS + 1]).is_err());
    let long = |len| description(OCSP, uri, &vec![b'a'; len]);
    assert!(access(&[long(MAX_NAME)]).is_ok());
    assert!(access(&[long(MAX_NAME + 1)]).is_err());
    assert!(with(AIA, vec![0x30, 1]).is_err());
}

#[test]
fn lists_are_fetched_over_http_from_the_issuer() {
    let sources = of(|params| {
        params.crl_distribution_points = vec![
            CrlDistributionPoint {
                uris: vec!["ldap://crl.example/".into(), "http://crl.example/1".into()],
            },
            CrlDistributionPoint {
                uris: vec![
                    "HTTP://crl.example/2".into(),
                    "https://crl.example/3".into(),
                ],
            },
        ];
    })
    .unwrap();
    let urls: Vec<_> = sources.crl_urls().collect();
    assert_eq!(urls, ["http://crl.example/1", "HTTP://crl.example/2"]);
    assert_eq!(sources.distribution_points().len(), 2);
    assert_eq!(sources.distribution_points()[0].reasons(), Reasons::ALL);

    let signer = wrap(
        tag::context_constructed(2),
        &wrap(tag::context_constructed(4), &[0x30, 0]),
    );
    let point = sequence(&[&point_name("http://crl.example/1"), &signer]);
    let sources = points(&[point]).unwrap();
    assert!(sources.distribution_points()[0].names_crl_issuer());
    assert_eq!(sources.crl_urls().next(), None);
}

#[test]
fn distribution_points_are_bounded_and_strict() {
    let one = sequence(&[&point_name("http://crl.example/")]);
    assert!(points(&vec![one.clone(); MAX_DISTRIBUTION_POINTS]).is_ok());
    assert!(points(&vec![one; MAX_DISTRIBUTION_POINTS + 1]).is_err());
    let names = |count| {
        let names = wrap(tag::context(6), b"http://crl.example/").repeat(count);
        let names = wrap(tag::context_constructed(0), &names);
        sequence(&[&wrap(tag::context_constructed(0), &names)])
    };
    assert!(points(&[names(MAX_NAMES)]).is_ok());
    assert!(points(&[names(MAX_NAMES + 1)]).is_err());
    assert!(points(&[names(0)]).is_err());
    let long = |len| sequence(&[&point_name(&"a".repeat(len))]);
    assert!(points(&[long(MAX_NAME)]).is_ok());
    assert!(points(&[long(MAX_NAME + 1)]).is_err());
    let reasons = |octets: &[u8]| wrap(tag::context(1), octets);
    let with_reasons = |octets: &[u8]| {
        points(&[sequence(&[
            &point_name("http://crl.example/"),
            &reasons(octets),
        ])])
    };
    assert!(with_reasons(&[0, 0x60]).is_ok());
    for bad in [&[][..], &[0], &[8, 0x60], &[0, 0x60, 0, 0]] {
        assert!(with_reasons(bad).is_err(), "{bad:x?}");
    }
    // Only reasons; nothing; a surplus field; no point at all.
    assert!(points(&[sequence(&[&reasons(&[0, 0x60])])]).is_err());
    assert!(points(&[sequence(&[])]).is_err());
    assert!(points(&[sequence(&[&point_name("http://a/"), &[5, 0]])]).is_err());
    assert!(points(&[]).is_err());
}

#[test]
fn subject_key_identifiers_are_found() {
    let ca = Certificate::parse(&plain_authority("ca").der).unwrap();
    assert_eq!(subject_key_identifier(&ca).map(<[u8]>::len), Some(20));
    let leaf = plain_authority("ca").leaf(|_| {}).parsed();
    assert_eq!(subject_key_identifier(&leaf), None);
}
