//! Certificate revocation lists.

use hopguard_testbed::pki::{Authority, Issued};
use rcgen::{
    CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber,
    date_time_ymd,
};

/// The list of an authority, which revokes these certificates; in PEM. It is
/// good to the end of this year.
pub fn crl(authority: &Authority, revoked: &[&Issued], last_year: i32) -> String {
    let key = KeyPair::from_pem(authority.key_pem()).unwrap();
    let issuer = Issuer::from_ca_cert_pem(&authority.pem(), key).unwrap();
    CertificateRevocationListParams {
        this_update: date_time_ymd(2020, 1, 1),
        next_update: date_time_ymd(last_year, 12, 31),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: revoked.iter().map(|issued| revocation(issued)).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    }
    .signed_by(&issuer)
    .unwrap()
    .pem()
    .unwrap()
}

fn revocation(issued: &Issued) -> RevokedCertParams {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let serial: Vec<_> = issued.serial_hex().as_bytes().chunks(2).map(byte).collect();
    RevokedCertParams {
        serial_number: SerialNumber::from_slice(&serial),
        revocation_time: date_time_ymd(2020, 1, 1),
        reason_code: None,
        invalidity_date: None,
    }
}
