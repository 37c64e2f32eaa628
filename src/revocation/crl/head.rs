//! Everything of a `CertificateList` (RFC 5280 section 5.1) but its entries,
//! which are only found, not read.

use std::ops::Range;

use super::cursor::Cursor;
use super::error::{CrlError, malformed};
use super::extensions::{self, Extensions};
use crate::trust::anchors::MAX_SUBJECT_DER;
use crate::trust::der::{self, tag};

/// Octets of a signature, and of an algorithm identifier: RSA of 8,192 bits, the
/// most that is checked, takes 1,024; RSASSA-PSS parameters take 70.
const MAX_SIGNATURE: usize = 1_024;

/// What a list says of itself, and where its parts are.
#[derive(Debug)]
pub(super) struct Head {
    /// The signed part, tag and length included.
    pub(super) tbs: Range<usize>,
    /// The content of `revokedCertificates`.
    pub(super) entries: Range<usize>,
    /// The signature's octets.
    pub(super) signature: Range<usize>,
    /// The `AlgorithmIdentifier`, tag and length included.
    pub(super) algorithm: Vec<u8>,
    /// The DER `Name`.
    pub(super) issuer: Vec<u8>,
    pub(super) this_update: i64,
    pub(super) next_update: i64,
    pub(super) extensions: Extensions,
}

impl Head {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, CrlError> {
        let mut whole = Cursor::new(bytes, 0);
        let (list, place) = whole
            .expect(tag::SEQUENCE)
            .map_err(malformed("not a DER CertificateList"))?;
        whole.end().map_err(malformed("bytes behind the list"))?;

        let mut list = Cursor::new(list, place.start);
        let tbs_start = list.at();
        let (tbs, place) = list
            .expect(tag::SEQUENCE)
            .map_err(malformed("no tbsCertList"))?;
        let tbs_range = tbs_start..place.end;
        let (outer, _) = list
            .expect(tag::SEQUENCE)
            .map_err(malformed("no signatureAlgorithm"))?;
        let (bits, bits_place) = list
            .expect(tag::BIT_STRING)
            .map_err(malformed("no signatureValue"))?;
        list.end()
            .map_err(malformed("more fields than a CertificateList has"))?;
        if bits.len() > MAX_SIGNATURE + 1 || outer.len() > MAX_SIGNATURE {
            return Err(CrlError::Malformed("a signature longer than any is"));
        }
        if bits.first() != Some(&0) {
            return Err(CrlError::Malformed("a signature of odd bits"));
        }
        Self::parse_tbs(
            Cursor::new(tbs, place.start),
            outer,
            tbs_range,
            bits_place.start + 1..bits_place.end,
        )
    }

    fn parse_tbs(
        mut tbs: Cursor<'_>,
        outer: &[u8],
        tbs_range: Range<usize>,
        signature: Range<usize>,
    ) -> Result<Self, CrlError> {
        // Without the field it is version 1, which has no extensions: neither a
        // number, nor a word on what the list covers.
        let version = tbs
            .optional(tag::INTEGER)
            .map_err(malformed("version"))?
            .map(|(content, _)| content);
        if version != Some(&[1]) {
            return Err(CrlError::Profile("not version 2"));
        }
        let (inner, _) = tbs
            .expect(tag::SEQUENCE)
            .map_err(malformed("no signed signature algorithm"))?;
        // Section 5.1.1.2: else an attacker chooses the algorithm.
        if inner != outer {
            return Err(CrlError::Profile("two different signature algorithms"));
        }
        let (issuer, _) = tbs.expect(tag::SEQUENCE).map_err(malformed("no issuer"))?;
        if issuer.len() > MAX_SUBJECT_DER {
            return Err(CrlError::TooLarge {
                what: "bytes of issuer name",
                found: issuer.len(),
                max: MAX_SUBJECT_DER,
            });
        }
        let issuer = der::wrap(tag::SEQUENCE, issuer);
        let this_update = tbs.time().map_err(malformed("thisUpdate"))?;
        // Section 5.1.2.5: "Conforming CRL issuers MUST include the nextUpdate
        // field in all CRLs"; a list without it could be replayed for ever.
        if !tbs.next_is_time() {
            return Err(CrlError::Profile("no nextUpdate"));
        }
        let next_update = tbs.time().map_err(malformed("nextUpdate"))?;
        if next_update < this_update {
            return Err(CrlError::Profile("nextUpdate is earlier than thisUpdate"));
        }
        // Section 5.1.2.6 wants it absent when empty; an empty one is as clear.
        let entries = tbs
            .optional(tag::SEQUENCE)
            .map_err(malformed("revokedCertificates"))?
            .map_or(0..0, |(_, place)| place);
        let (explicit, _) = tbs
            .optional(tag::context_constructed(0))
            .map_err(malformed("crlExtensions"))?
            .ok_or(CrlError::Profile("no CRL number"))?;
        tbs.end()
            .map_err(malformed("more fields than a tbsCertList has"))?;
        let extensions = extensions::parse(explicit, &issuer)?;
        Ok(Self {
            tbs: tbs_range,
            entries,
            signature,
            algorithm: der::wrap(tag::SEQUENCE, outer),
            issuer,
            this_update,
            next_update,
            extensions,
        })
    }
}
