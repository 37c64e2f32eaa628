//! Lists for the tests, octet by octet, so that each field can be wrong.

use rcgen::{KeyPair, SigningKey as _};

use crate::revocation::crl::CrlStatus;
use crate::revocation::crl::{Crl, CrlError, Limits, status::status};
use crate::trust::der::{tag, wrap};
use crate::trust::tests::pki::{Authority, Leaf, NOW, at};
use crate::trust::{Certificate, NoHost};

pub const ECDSA_SHA256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const OCTET_STRING: u8 = 0x04;

pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    wrap(tag::SEQUENCE, &parts.concat())
}

pub fn utc(text: &str) -> Vec<u8> {
    wrap(0x17, text.as_bytes())
}

pub fn generalized(text: &str) -> Vec<u8> {
    wrap(0x18, text.as_bytes())
}

/// An extension; `oid` are the content octets.
pub fn extension(oid: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical {
        wrap(tag::BOOLEAN, &[0xff])
    } else {
        Vec::new()
    };
    sequence(&[&wrap(tag::OID, oid), &critical, &wrap(OCTET_STRING, value)])
}

pub fn number(number: &[u8]) -> Vec<u8> {
    extension(&[0x55, 0x1d, 20], false, &wrap(tag::INTEGER, number))
}

/// An issuing distribution point of these fields.
pub fn issuing_point(fields: &[&[u8]]) -> Vec<u8> {
    extension(&[0x55, 0x1d, 28], true, &sequence(fields))
}

/// `DistributionPointName` with one URI, in its `[0]`.
pub fn point_name(uri: &str) -> Vec<u8> {
    let names = wrap(
        tag::context_constructed(0),
        &wrap(tag::context(6), uri.as_bytes()),
    );
    wrap(tag::context_constructed(0), &names)
}

/// An entry; `rest` is what follows the date.
pub fn entry_of(serial: &[u8], rest: &[u8]) -> Vec<u8> {
    sequence(&[&wrap(tag::INTEGER, serial), &utc("260501000000Z"), rest])
}

pub fn entry(serial: &[u8]) -> Vec<u8> {
    entry_of(serial, &[])
}

pub fn reason(code: u8) -> Vec<u8> {
    sequence(&[&extension(&[0x55, 0x1d, 21], false, &wrap(0x0a, &[code]))])
}

/// The fields of a list. `None` leaves a field out.
#[derive(Clone)]
pub struct Fields {
    pub version: Option<Vec<u8>>,
    pub signed_algorithm: Vec<u8>,
    pub outer_algorithm: Vec<u8>,
    pub issuer: Vec<u8>,
    pub this_update: Vec<u8>,
    pub next_update: Option<Vec<u8>>,
    pub entries: Option<Vec<Vec<u8>>>,
    pub extensions: Option<Vec<Vec<u8>>>,
    /// Behind the extensions.
    pub surplus: Vec<u8>,
}

impl Fields {
    /// A list of the day before [`NOW`] that ends a week later, number 1.
    pub fn of(issuer: &Authority) -> Self {
        let certificate = Certificate::parse(&issuer.der).unwrap();
        Self {
            version: Some(vec![1]),
            signed_algorithm: ECDSA_SHA256.to_vec(),
            outer_algorithm: ECDSA_SHA256.to_vec(),
            issuer: certificate.subject_der().to_vec(),
            this_update: utc("260531000000Z"),
            next_update: Some(utc("260607000000Z")),
            entries: None,
            extensions: Some(vec![number(&[1])]),
            surplus: Vec::new(),
        }
    }

    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// These serial numbers are revoked.
    pub fn revoking(self, serials: &[&[u8]]) -> Self {
        self.with(|fields| {
            fields.entries = Some(serials.iter().map(|serial| entry(serial)).collect());
        })
    }

    /// One more extension.
    pub fn extended(self, extension: Vec<u8>) -> Self {
        self.with(|fields| fields.extensions.get_or_insert_default().push(extension))
    }

    pub fn tbs(&self) -> Vec<u8> {
        let version = self.version.as_ref().map(|v| wrap(tag::INTEGER, v));
        let entries = self.entries.as_ref();
        let entries = entries.map(|entries| wrap(tag::SEQUENCE, &entries.concat()));
        let extensions = self.extensions.as_ref().map(|extensions| {
            let all = wrap(tag::SEQUENCE, &extensions.concat());
            wrap(tag::context_constructed(0), &all)
        });
        sequence(&[
            &version.unwrap_or_default(),
            &wrap(tag::SEQUENCE, &self.signed_algorithm),
            &self.issuer,
            &self.this_update,
            self.next_update.as_deref().unwrap_or_default(),
            &entries.unwrap_or_default(),
            &extensions.unwrap_or_default(),
            &self.surplus,
        ])
    }

    pub fn signed_by(&self, key: &KeyPair) -> Vec<u8> {
        let tbs = self.tbs();
        let mut bits = vec![0];
        bits.extend(key.sign(&tbs).unwrap());
        sequence(&[
            &tbs,
            &wrap(tag::SEQUENCE, &self.outer_algorithm),
            &wrap(tag::BIT_STRING, &bits),
        ])
    }

    /// Signed by this authority, and loaded now.
    pub fn load(&self, issuer: &Authority) -> Result<Crl, CrlError> {
        load(self.signed_by(&issuer.key), issuer)
    }
}

pub fn load(bytes: Vec<u8>, issuer: &Authority) -> Result<Crl, CrlError> {
    let certificate = Certificate::parse(&issuer.der).unwrap();
    Crl::load(bytes, &[&certificate], at(NOW), Limits::default(), &NoHost)
}

/// What the lists say of a leaf, now.
pub fn ask<'c>(crls: &[&'c Crl], leaf: &Leaf, issuer: &Authority) -> CrlStatus<'c> {
    let issuer = Certificate::parse(&issuer.der).unwrap();
    status(crls, &leaf.parsed(), &issuer, at(NOW))
}

/// A leaf with this serial number.
pub fn leaf(issuer: &Authority, serial: &[u8]) -> Leaf {
    issuer.leaf(|params| params.serial_number = Some(rcgen::SerialNumber::from_slice(serial)))
}

pub fn is_good(status: &CrlStatus<'_>) -> bool {
    matches!(status, CrlStatus::Good { .. })
}

pub fn is_revoked(status: &CrlStatus<'_>) -> bool {
    matches!(status, CrlStatus::Revoked { .. })
}
