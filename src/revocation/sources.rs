//! Where a certificate says that its status can be had: OCSP responders
//! (RFC 5280 section 4.2.2.1) and CRL distribution points (section 4.2.1.13).

use std::fmt;

use crate::trust::Certificate;
use crate::trust::der::{self, NotDer, Reader, tag};

mod general_name;
mod reasons;

pub use general_name::GeneralName;
pub(crate) use general_name::distribution_point_name;
pub use reasons::Reasons;

/// OCSP responders of one certificate that are kept. The CA/B Forum's profile
/// has one or two; each is a host that a peer could make us call.
pub const MAX_OCSP_URLS: usize = 8;

/// Distribution points of one certificate. Public CAs have one, Active
/// Directory two or three; each is compared with each list.
pub const MAX_DISTRIBUTION_POINTS: usize = 16;

/// Names of one distribution point.
pub const MAX_NAMES: usize = 16;

/// Octets of one name: the URL length that every HTTP implementation is asked to
/// support is 8,000 (RFC 9110 section 4.1); those of CAs have about 60.
pub const MAX_NAME: usize = 2_048;

const AUTHORITY_INFO_ACCESS: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01];
const CRL_DISTRIBUTION_POINTS: &[u8] = &[0x55, 0x1d, 31];
const SUBJECT_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 14];
const ID_AD_OCSP: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01];

/// An extension that names sources cannot be read, or is beyond a bound: then
/// the certificate has no source that could be trusted to be the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourcesError(&'static str);

impl fmt::Display for SourcesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the certificate's {} cannot be read", self.0)
    }
}

impl std::error::Error for SourcesError {}

/// One `DistributionPoint` (RFC 5280 section 4.2.1.13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistributionPoint {
    pub(crate) names: Vec<GeneralName>,
    pub(crate) reasons: Reasons,
    pub(crate) names_crl_issuer: bool,
}

impl DistributionPoint {
    /// Its names, at most [`MAX_NAMES`]; those relative to the issuer made whole.
    pub fn names(&self) -> &[GeneralName] {
        &self.names
    }

    /// The reasons that its list speaks of.
    pub fn reasons(&self) -> Reasons {
        self.reasons
    }

    /// Whether another than the certificate's issuer signs its list: an
    /// indirect CRL, which is not supported.
    pub fn names_crl_issuer(&self) -> bool {
        self.names_crl_issuer
    }
}

/// The sources that a certificate names.
///
/// ```
/// use hopguard::revocation::sources::{Sources, SourcesError};
/// use hopguard::trust::Certificate;
///
/// fn has_none(leaf: &Certificate) -> Result<bool, SourcesError> {
///     let sources = Sources::of(leaf)?;
///     Ok(sources.ocsp_urls().is_empty() && sources.crl_urls().next().is_none())
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    ocsp_urls: Vec<String>,
    distribution_points: Vec<DistributionPoint>,
}

impl Sources {
    /// Reads them; a certificate without the extensions has none.
    ///
    /// # Errors
    ///
    /// [`SourcesError`] when an extension is no DER or exceeds a bound.
    pub fn of(certificate: &Certificate) -> Result<Self, SourcesError> {
        let extension =
            |oid, name| extension(certificate.der(), oid).map_err(|_: NotDer| SourcesError(name));
        let mut sources = Self::default();
        let name = "authority information access";
        if let Some(value) = extension(AUTHORITY_INFO_ACCESS, name)? {
            sources.ocsp_urls = ocsp_urls(value).map_err(|_| SourcesError(name))?;
        }
        let name = "CRL distribution points";
        if let Some(value) = extension(CRL_DISTRIBUTION_POINTS, name)? {
            sources.distribution_points = distribution_points(value, certificate.issuer_der())
                .map_err(|_| SourcesError(name))?;
        }
        Ok(sources)
    }

    /// URLs of OCSP responders, in the certificate's order.
    pub fn ocsp_urls(&self) -> &[String] {
        &self.ocsp_urls
    }

    /// Every distribution point, in the certificate's order.
    pub fn distribution_points(&self) -> &[DistributionPoint] {
        &self.distribution_points
    }

    /// URLs at which a list of the certificate's own issuer can be had over
    /// HTTP. LDAP is none, and HTTPS would need a certificate to be checked
    /// first (RFC 5280 section 8).
    pub fn crl_urls(&self) -> impl Iterator<Item = &str> {
        self.distribution_points
            .iter()
            .filter(|point| !point.names_crl_issuer)
            .flat_map(|point| point.names.iter().filter_map(GeneralName::uri))
            .filter(|uri| {
                uri.get(..7)
                    .is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"))
            })
    }
}

/// The certificate's subject key identifier (RFC 5280 section 4.2.1.2).
pub(crate) fn subject_key_identifier(certificate: &Certificate) -> Option<&[u8]> {
    // OCTET STRING
    let value = extension(certificate.der(), SUBJECT_KEY_IDENTIFIER).ok()??;
    der::single(value, 0x04).ok()
}

/// The value of one extension of a certificate that was parsed before, which
/// bounds its size and the number of its extensions, and allows none twice.
fn extension<'a>(certificate: &'a [u8], wanted: &[u8]) -> Result<Option<&'a [u8]>, NotDer> {
    let mut certificate = Reader::new(der::single(certificate, tag::SEQUENCE)?);
    let mut tbs = Reader::new(certificate.expect(tag::SEQUENCE)?);
    let mut all = None;
    while !tbs.is_empty() {
        let (found, content) = tbs.any()?;
        if found == tag::context_constructed(3) {
            all = Some(content);
        }
    }
    let Some(all) = all else {
        return Ok(None);
    };
    let mut all = Reader::new(der::single(all, tag::SEQUENCE)?);
    while !all.is_empty() {
        let mut extension = Reader::new(all.expect(tag::SEQUENCE)?);
        let oid = extension.expect(tag::OID)?;
        // Its value is no matter here, nor is a FALSE that DER leaves out.
        extension.optional(tag::BOOLEAN)?;
        let value = extension.expect(0x04)?;
        extension.end()?;
        if oid == wanted {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

fn ocsp_urls(value: &[u8]) -> Result<Vec<String>, NotDer> {
    let mut descriptions = Reader::new(der::single(value, tag::SEQUENCE)?);
    let mut urls = Vec::new();
    while !descriptions.is_empty() {
        let mut description = Reader::new(descriptions.expect(tag::SEQUENCE)?);
        let method = description.expect(tag::OID)?;
        let (tag, location) = description.any()?;
        description.end()?;
        if method != ID_AD_OCSP {
            continue;
        }
        if urls.len() == MAX_OCSP_URLS {
            return Err(NotDer);
        }
        if let Some(uri) = GeneralName::new(tag, location)?.uri() {
            urls.push(uri.to_owned());
        }
    }
    Ok(urls)
}

fn distribution_points(value: &[u8], issuer: &[u8]) -> Result<Vec<DistributionPoint>, NotDer> {
    let mut entries = Reader::new(der::single(value, tag::SEQUENCE)?);
    let mut points = Vec::new();
    // SEQUENCE SIZE (1..MAX)
    if entries.is_empty() {
        return Err(NotDer);
    }
    while !entries.is_empty() {
        let mut fields = Reader::new(entries.expect(tag::SEQUENCE)?);
        let names = match fields.optional(tag::context_constructed(0))? {
            Some(name) => distribution_point_name(name, issuer)?,
            None => Vec::new(),
        };
        let reasons = match fields.optional(tag::context(1))? {
            Some(bits) => Reasons::from_bit_string(bits)?,
            None => Reasons::ALL,
        };
        let crl_issuer = fields.optional(tag::context_constructed(2))?;
        fields.end()?;
        // "MUST NOT consist of only the reasons field".
        if names.is_empty() && crl_issuer.is_none() {
            return Err(NotDer);
        }
        if points.len() == MAX_DISTRIBUTION_POINTS {
            return Err(NotDer);
        }
        points.push(DistributionPoint {
            names,
            reasons,
            names_crl_issuer: crl_issuer.is_some(),
        });
    }
    Ok(points)
}
