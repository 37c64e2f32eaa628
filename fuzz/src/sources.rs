//! Bytes as the value of the extension that names OCSP responders (first octet even) or
//! distribution points (odd).

use hopguard::revocation::crl::{CrlStatus, status::status};
use hopguard::revocation::sources::{
    GeneralName, MAX_DISTRIBUTION_POINTS, MAX_NAME, MAX_NAMES, MAX_OCSP_URLS, Reasons, Sources,
};
use hopguard::trust::Certificate;

use super::world::world;
use super::{der, url};

const ACCESS: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01];
const DISTRIBUTION_POINTS: &[u8] = &[0x55, 0x1d, 31];

pub fn fuzz_target(data: &[u8]) {
    let Some((which, value)) = data.split_first() else {
        return;
    };
    if value.len() > 60_000 {
        return;
    }
    let oid = [ACCESS, DISTRIBUTION_POINTS][usize::from(which & 1)];
    let leaf = der::with_extension(world().server.der(), oid, value);
    let Ok(leaf) = Certificate::parse(&leaf) else {
        return;
    };
    let list = status(&[&world().list], &leaf, &world().issuer, world().at);
    match Sources::of(&leaf) {
        Ok(sources) => {
            are_bounded(&sources);
            assert_eq!(Sources::of(&leaf).as_ref(), Ok(&sources));
        }
        // What cannot be read may name a list that revokes it.
        Err(_) => assert!(!matches!(list, CrlStatus::Good { .. })),
    }
}

fn are_bounded(sources: &Sources) {
    assert!(sources.ocsp_urls().len() <= MAX_OCSP_URLS);
    for text in sources.ocsp_urls() {
        assert!(text.len() <= MAX_NAME && text.bytes().all(|b| b.is_ascii_graphic()));
        url::fuzz_target(text.as_bytes());
    }
    assert!(sources.distribution_points().len() <= MAX_DISTRIBUTION_POINTS);
    for point in sources.distribution_points() {
        assert!(point.names().len() <= MAX_NAMES);
        assert!(!point.names().is_empty() || point.names_crl_issuer());
        for uri in point.names().iter().filter_map(GeneralName::uri) {
            assert!(uri.len() <= MAX_NAME && uri.bytes().all(|b| b.is_ascii_graphic()));
        }
        let reasons = point.reasons();
        assert_eq!(reasons.union(reasons.missing()), Reasons::ALL);
        assert!(reasons.intersection(reasons.missing()).is_empty());
    }
    for uri in sources.crl_urls() {
        assert!(uri[..7].eq_ignore_ascii_case("http://"));
    }
}
