//! An answer of OCSP whose times are chosen: OpenSSL always answers now.

use std::time::{Duration, SystemTime};

use time::OffsetDateTime;

use super::question::cert_id;
use crate::error::Result;
use crate::pki::der::{self, SEQUENCE};
use crate::pki::{Authority, Issued};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// `CertStatus`, RFC 6960 section 4.2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// `good`.
    Good,
    /// `revoked`, from an hour ago.
    Revoked,
    /// `unknown`.
    Unknown,
}

/// An answer in the making, of a CA about one of its certificates: known since an hour ago, for
/// a day, signed by the CA itself a minute ago.
#[derive(Clone, Debug)]
#[must_use = "nothing is signed before `sign`"]
pub struct Answer {
    ca: Authority,
    certificates: Vec<(Issued, Status)>,
    this_update: SystemTime,
    next_update: Option<SystemTime>,
}

impl Answer {
    /// What this CA says of this certificate.
    pub fn new(ca: &Authority, certificate: &Issued, status: Status) -> Self {
        let now = SystemTime::now();
        Self {
            ca: ca.clone(),
            certificates: vec![(certificate.clone(), status)],
            this_update: now - HOUR,
            next_update: Some(now + 24 * HOUR),
        }
    }

    /// Says this of that certificate as well, after what is said so far.
    pub fn and(mut self, certificate: &Issued, status: Status) -> Self {
        self.certificates.push((certificate.clone(), status));
        self
    }

    /// From when until when it is known.
    pub fn validity(mut self, this_update: SystemTime, next_update: SystemTime) -> Self {
        self.this_update = this_update;
        self.next_update = Some(next_update);
        self
    }

    /// Since when it is known; the answer does not say until when.
    pub fn without_next_update(mut self, this_update: SystemTime) -> Self {
        self.this_update = this_update;
        self.next_update = None;
        self
    }

    /// The `OCSPResponse`, in DER.
    ///
    /// # Errors
    ///
    /// When the CA's key cannot sign.
    pub fn sign(&self) -> Result<Vec<u8>> {
        const BIT_STRING: u8 = 0x03;
        const ENUMERATED: u8 = 0x0a;
        /// id-pkix-ocsp-basic.
        const BASIC: &[u8] = &[
            0x06, 0x09, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01,
        ];
        let name = self.ca.subject_der()?;
        let singles = self.certificates.iter();
        let singles: Vec<_> = singles
            .map(|(certificate, status)| self.single(certificate, *status))
            .collect::<Result<_>>()?;
        let tbs = sequence(&[
            &explicit(1, &name),
            &time(SystemTime::now() - MINUTE),
            &sequence(&[&singles.concat()]),
        ]);
        let (algorithm, signature) = self.ca.sign(&tbs)?;
        let basic = sequence(&[
            &tbs,
            &algorithm,
            &der::encode(BIT_STRING, &[&[0], &signature]),
        ]);
        let bytes = sequence(&[BASIC, &octets(&basic)]);
        Ok(sequence(&[&[ENUMERATED, 1, 0], &explicit(0, &bytes)]))
    }

    fn single(&self, certificate: &Issued, status: Status) -> Result<Vec<u8>> {
        let name_hash = sha1(&self.ca.subject_der()?);
        let key_hash = sha1(&self.ca.public_key()?);
        let cert_id = cert_id(&name_hash, &key_hash, certificate.serial());
        let status = match status {
            Status::Good => vec![0x80, 0],
            Status::Revoked => explicit(1, &time(SystemTime::now() - HOUR)),
            Status::Unknown => vec![0x82, 0],
        };
        let next_update = self
            .next_update
            .map(|next| explicit(0, &time(next)))
            .unwrap_or_default();
        Ok(sequence(&[
            &cert_id,
            &status,
            &time(self.this_update),
            &next_update,
        ]))
    }
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    der::encode(SEQUENCE, parts)
}

fn explicit(number: u8, content: &[u8]) -> Vec<u8> {
    const CONTEXT_CONSTRUCTED: u8 = 0xa0;
    der::encode(CONTEXT_CONSTRUCTED | number, &[content])
}

fn octets(content: &[u8]) -> Vec<u8> {
    const OCTET_STRING: u8 = 0x04;
    der::encode(OCTET_STRING, &[content])
}

fn time(at: SystemTime) -> Vec<u8> {
    const GENERALIZED_TIME: u8 = 0x18;
    der::encode(GENERALIZED_TIME, &[digits(at).as_bytes()])
}

/// `YYYYMMDDHHMMSSZ`.
pub(super) fn digits(at: SystemTime) -> String {
    let at = OffsetDateTime::from(at);
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let (hour, minute, second) = at.to_hms();
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z")
}

fn sha1(data: &[u8]) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, data)
        .as_ref()
        .to_vec()
}
