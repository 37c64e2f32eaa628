//! Bytes as a certificate revocation list, in DER or PEM.

use data_encoding::BASE64;
use hopguard::revocation::crl::{
    Budget, Crl, CrlError, CrlStatus, Limits, Loading, MAX_SERIAL, Progress, ROW_OVERHEAD, status,
};
use hopguard::trust::{Certificate, SignatureVerifier};
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

use super::der;
use super::verifier::Gullible;
use super::world::world;

pub fn fuzz_target(data: &[u8]) {
    // Nobody but the issuer makes a list, however its bytes are written.
    if let Ok(list) = load(data, Limits::default(), &world().taught) {
        assert_eq!(list, world().list);
    }
    let loaded = load(data, Limits::default(), &Gullible);
    for budget in [(1, 1), (64, 3), (1 << 20, 4_096)] {
        let stepwise = in_steps(data, budget);
        match (&loaded, &stepwise) {
            (Ok(one), Ok(other)) => assert_eq!(one, other),
            (Err(one), Err(other)) => assert_eq!(one.to_string(), other.to_string()),
            other => panic!("{other:?}"),
        }
    }
    match loaded {
        Ok(list) => {
            is_bounded(data, &list);
            is_the_same_in_pem(data, &list);
            revokes_what_it_lists(data, &list);
            assert!(list.check_replaces(&list).is_ok());
            assert!(list.check_time(world().at).is_ok());
        }
        Err(error) => assert!(error.to_string().len() < 4_096, "{error}"),
    }
}

fn load(data: &[u8], limits: Limits, host: &dyn SignatureVerifier) -> Result<Crl, CrlError> {
    Crl::load(data.to_vec(), &[&world().issuer], world().at, limits, host)
}

fn in_steps(data: &[u8], (bytes, entries): (usize, usize)) -> Result<Crl, CrlError> {
    let limits = Limits::default();
    let mut loading = Loading::new(data.to_vec(), &[&world().issuer], world().at, limits)?;
    // Each entry is read twice, and moved once in each round of merging.
    for _ in 0..=data.len().saturating_mul(64) + 64 {
        match loading.step(Budget { bytes, entries }, &Gullible) {
            Progress::More(rest) => loading = rest,
            Progress::Done(list) => return Ok(list),
            Progress::Failed(error) => return Err(error),
        }
    }
    panic!("it never ends");
}

fn is_bounded(data: &[u8], list: &Crl) {
    // An entry has a serial number and a time at least.
    assert!(list.entries() <= data.len() / 16);
    assert!(list.memory() <= 2 * list.entries() * (MAX_SERIAL + ROW_OVERHEAD));
    if list.entries() > 0 {
        let limits = Limits {
            entries: list.entries() - 1,
            ..Limits::default()
        };
        assert!(load(data, limits, &Gullible).is_err());
    }
}

fn is_the_same_in_pem(data: &[u8], list: &Crl) {
    if !data.starts_with(&[0x30]) {
        return;
    }
    let body = BASE64.encode(data);
    let pem = format!("-----BEGIN X509 CRL-----\n{body}\n-----END X509 CRL-----\n");
    assert_eq!(
        load(pem.as_bytes(), Limits::default(), &Gullible).as_ref(),
        Ok(list)
    );
}

/// Against another parser: on the list is revoked, and nobody else is.
fn revokes_what_it_lists(data: &[u8], list: &Crl) {
    let Ok((_, other)) = CertificateRevocationList::from_der(data) else {
        return;
    };
    let serials: Vec<&[u8]> = other
        .iter_revoked_certificates()
        .map(|entry| shortest(entry.raw_serial()))
        .collect();
    assert_eq!(serials.len(), list.entries());
    for (leaf, _) in &world().issued {
        let listed = serials.contains(&shortest(leaf.serial()));
        match status::status(&[list], leaf, &world().issuer, world().at) {
            CrlStatus::Revoked { .. } => assert!(listed),
            CrlStatus::Good { .. } => assert!(!listed),
            CrlStatus::NotCovered(_) | CrlStatus::Stale { .. } => {}
            CrlStatus::Gone => panic!("nobody shares it"),
        }
    }
    let server = &world().server;
    let covers = !matches!(
        status::status(&[list], server, &world().issuer, world().at),
        CrlStatus::NotCovered(_)
    );
    for serial in serials.iter().rev().take(4) {
        let leaf = Certificate::parse(&der::with_serial(server.der(), serial));
        let Ok(leaf) = leaf else { continue };
        let status = status::status(&[list], &leaf, &world().issuer, world().at);
        let revoked = matches!(status, CrlStatus::Revoked { .. });
        assert_eq!(revoked, covers && serial.len() <= MAX_SERIAL, "{serial:x?}");
    }
}

/// An integer without octets that only repeat its sign.
fn shortest(mut serial: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = serial
        && let [second, ..] = rest
        && matches!((first, second), (0, 0..0x80) | (0xff, 0x80..))
    {
        serial = rest;
    }
    serial
}
