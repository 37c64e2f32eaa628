//! Reading an answer: `OCSPResponse` and the `BasicOCSPResponse` in it
//! (RFC 6960 section 4.2.1).
//!
//! Read is not verified: see [`verify`](super::verify()). The structure is of a
//! fixed depth, and each level is entered by name: nothing here recurses.

use super::encoding::{self, tag};
use super::error::{Invalid, NotNow, OcspError, Refusal};
use super::extensions::Extensions;
use super::signed::Signed;
use super::single_response::SingleResponse;
use super::time;
use crate::trust::der::{self, NotDer, Reader};

/// Octets of a response that are looked at. Most have under 2 KiB; the largest
/// that public test suites hold, of the US Department of Defense with 20
/// statuses, has 3.7 KB. Others stop at 20 KB (OpenBSD's ocspcheck), 64 KiB
/// (Apache's mod_md) or 100 KiB (OpenSSL).
pub const MAX_RESPONSE: usize = 64 * 1024;

/// Statuses in one response: three times those of the largest known, see
/// [`MAX_RESPONSE`].
pub const MAX_SINGLE_RESPONSES: usize = 64;

/// Certificates in one response. One is enough, as a delegate's must be issued
/// by the issuer itself; some responders add their whole chain.
pub const MAX_CERTIFICATES: usize = 8;

/// id-pkix-ocsp-basic.
const ID_BASIC: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01];

/// Who says that they signed.
#[derive(Clone, Copy)]
pub(super) enum ResponderId<'a> {
    /// A `Name`, header included.
    ByName(&'a [u8]),
    /// SHA-1 over the public key.
    ByKey(&'a [u8]),
}

/// A `BasicOCSPResponse`.
pub(super) struct BasicResponse<'a> {
    pub(super) signed: Signed<'a>,
    pub(super) responder: ResponderId<'a>,
    pub(super) produced_at: i64,
    pub(super) responses: Vec<SingleResponse<'a>>,
    pub(super) extensions: Extensions<'a>,
    /// As they are: only those that could be the signer's are parsed.
    pub(super) certificates: Vec<&'a [u8]>,
}

impl<'a> BasicResponse<'a> {
    /// Reads an `OCSPResponse`, whose status must be `successful`.
    pub(super) fn parse(response: &'a [u8]) -> Result<Self, OcspError> {
        if response.len() > MAX_RESPONSE {
            return Err(OcspError::Invalid(Invalid::TooLarge {
                bytes: response.len(),
                max: MAX_RESPONSE,
            }));
        }
        let (status, bytes) = status_and_bytes(response).map_err(malformed("the response"))?;
        match (status, bytes) {
            (0, Some(bytes)) => Ok(Self::from_bytes(bytes)?),
            (0, None) => Err(OcspError::Invalid(Invalid::Empty)),
            (_, Some(_)) => Err(OcspError::Invalid(Invalid::Malformed(
                "an error with an answer",
            ))),
            (1, None) => Err(OcspError::Refused(Refusal::MalformedRequest)),
            (2, None) => Err(OcspError::NotNow(NotNow::InternalError)),
            (3, None) => Err(OcspError::NotNow(NotNow::TryLater)),
            (5, None) => Err(OcspError::Refused(Refusal::SignatureRequired)),
            (6, None) => Err(OcspError::Refused(Refusal::Unauthorized)),
            (status, None) => Err(OcspError::Invalid(Invalid::Status(status))),
        }
    }

    /// Reads `ResponseBytes`.
    fn from_bytes(content: &'a [u8]) -> Result<Self, Invalid> {
        let read = || {
            let mut fields = Reader::new(der::single(content, tag::SEQUENCE)?);
            let kind = fields.expect(tag::OID)?;
            let response = fields.expect(tag::OCTET_STRING)?;
            fields.end()?;
            Ok((kind, response))
        };
        let (kind, response) = read().map_err(malformed("the response bytes"))?;
        if kind != ID_BASIC {
            return Err(Invalid::ResponseType(der::dotted(kind)));
        }
        Self::basic(response)
    }

    fn basic(response: &'a [u8]) -> Result<Self, Invalid> {
        let (signed, rest) = Signed::split(response).map_err(malformed("the basic response"))?;
        let mut data = Reader::new(signed.content);
        let responder = version(&mut data)
            .and_then(|known| known.then(|| responder_id(&mut data)).transpose())
            .map_err(malformed("the response data"))?
            .ok_or(Invalid::Version)?;
        let produced_at = time::read(&mut data).map_err(malformed("producedAt"))?;
        let list = data
            .expect(tag::SEQUENCE)
            .map_err(malformed("the response data"))?;
        Ok(Self {
            signed,
            responder,
            produced_at,
            responses: single_responses(list)?,
            extensions: Extensions::last(&mut data, "the response's extensions")?,
            certificates: certificates(rest)?,
        })
    }
}

fn malformed(part: &'static str) -> impl Fn(NotDer) -> Invalid {
    move |NotDer| Invalid::Malformed(part)
}

fn status_and_bytes(response: &[u8]) -> Result<(u8, Option<&[u8]>), NotDer> {
    let mut fields = Reader::new(der::single(response, tag::SEQUENCE)?);
    let status = encoding::enumerated(&mut fields)?;
    let bytes = fields.optional(tag::context_constructed(0))?;
    fields.end()?;
    Ok((status, bytes))
}

/// Whether `version [0] EXPLICIT INTEGER DEFAULT v1(0)` is v1. DER leaves a
/// default out, yet responders have written it; there is no second way to read
/// it, and the signature covers it as it is.
fn version(data: &mut Reader<'_>) -> Result<bool, NotDer> {
    let Some(explicit) = data.optional(tag::context_constructed(0))? else {
        return Ok(true);
    };
    let mut version = Reader::new(explicit);
    let number = version.unsigned()?;
    version.end()?;
    Ok(number.is_empty())
}

/// `byName [1] Name` and `byKey [2] KeyHash`, both explicit.
fn responder_id<'a>(data: &mut Reader<'a>) -> Result<ResponderId<'a>, NotDer> {
    const BY_NAME: u8 = tag::context_constructed(1);
    const BY_KEY: u8 = tag::context_constructed(2);
    match data.any()? {
        (BY_NAME, name) => {
            der::single(name, tag::SEQUENCE)?;
            Ok(ResponderId::ByName(name))
        }
        (BY_KEY, hash) => Ok(ResponderId::ByKey(der::single(hash, tag::OCTET_STRING)?)),
        _ => Err(NotDer),
    }
}

fn single_responses(content: &[u8]) -> Result<Vec<SingleResponse<'_>>, Invalid> {
    let mut list = Reader::new(content);
    let mut read = Vec::new();
    while !list.is_empty() {
        if read.len() == MAX_SINGLE_RESPONSES {
            return Err(Invalid::TooMany {
                what: "single responses",
                max: MAX_SINGLE_RESPONSES,
            });
        }
        let single = list
            .expect(tag::SEQUENCE)
            .map_err(malformed("a single response"))?;
        read.push(SingleResponse::parse(single)?);
    }
    Ok(read)
}

/// `certs [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL`, the last field.
fn certificates(mut rest: Reader<'_>) -> Result<Vec<&[u8]>, Invalid> {
    let malformed = malformed("the response's certificates");
    let explicit = rest
        .optional(tag::context_constructed(0))
        .map_err(&malformed)?;
    rest.end().map_err(&malformed)?;
    let mut list = match explicit {
        None => &[],
        Some(explicit) => der::single(explicit, tag::SEQUENCE).map_err(&malformed)?,
    };
    let mut read = Vec::new();
    while !list.is_empty() {
        if read.len() == MAX_CERTIFICATES {
            return Err(Invalid::TooMany {
                what: "certificates",
                max: MAX_CERTIFICATES,
            });
        }
        let certificate = encoding::whole(&mut list).map_err(&malformed)?;
        der::single(certificate, tag::SEQUENCE).map_err(&malformed)?;
        read.push(certificate);
    }
    Ok(read)
}
