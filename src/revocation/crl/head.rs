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

/// Octets of a list besides its entries. A partitioned list names a point or two,
/// and the longest of certificate extensions that are in use have some hundreds.
pub const MAX_BARE: usize = 64 << 10;

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
    /// Where `revokedCertificates` is, tag and length included.
    bare_gap: Range<usize>,
    /// The list as it would be without entries, and unsigned: what another
    /// worker needs to know of it beside them.
    pub(super) bare: Vec<u8>,
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
        let signature = bits_place.start + 1..bits_place.end;
        let cursor = Cursor::new(tbs, place.start);
        let mut head = Self::parse_tbs(cursor, outer, tbs_range, signature)?;
        head.bare = bare(tbs, place.start, &head.bare_gap, outer)?;
        Ok(head)
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
        let before = tbs.at();
        let entries = tbs
            .optional(tag::SEQUENCE)
            .map_err(malformed("revokedCertificates"))?
            .map_or(0..0, |(_, place)| place);
        let bare_gap = before..tbs.at();
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
            bare_gap,
            bare: Vec::new(),
        })
    }
}

/// The `CertificateList` around `tbs` (which begins at `start`), without the part
/// in the `gap`, and with no signature.
fn bare(
    tbs: &[u8],
    start: usize,
    gap: &Range<usize>,
    algorithm: &[u8],
) -> Result<Vec<u8>, CrlError> {
    let part = |from: usize, to: usize| {
        let range = from.checked_sub(start)?..to.checked_sub(start)?;
        tbs.get(range)
    };
    let before = part(start, gap.start).unwrap_or_default();
    let after = part(gap.end, start + tbs.len()).unwrap_or_default();
    let found = before.len() + after.len();
    if found > MAX_BARE {
        return Err(CrlError::TooLarge {
            what: "bytes besides its entries",
            found,
            max: MAX_BARE,
        });
    }
    let mut list = der::wrap(tag::SEQUENCE, &[before, after].concat());
    list.extend(der::wrap(tag::SEQUENCE, algorithm));
    list.extend(der::wrap(tag::BIT_STRING, &[0]));
    Ok(der::wrap(tag::SEQUENCE, &list))
}
