//! Of which certificates a list speaks: the issuing distribution point
//! (RFC 5280 section 5.2.5) against a certificate's own (section 6.3.3 (b)).

use super::error::{CrlError, malformed};
use crate::revocation::sources::{
    DistributionPoint, GeneralName, Reasons, distribution_point_name,
};
use crate::trust::Certificate;
use crate::trust::der::{self, NotDer, Reader, tag};

/// Which kinds of certificates are covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holders {
    /// No restriction.
    All,
    /// onlyContainsUserCerts.
    EndEntities,
    /// onlyContainsCACerts.
    Authorities,
    /// onlyContainsAttributeCerts: none of those that are seen here.
    Attributes,
}

/// What a list covers of its issuer's certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    /// Names of its distribution point; none when it is for all of them.
    names: Vec<GeneralName>,
    holders: Holders,
    reasons: Reasons,
}

impl Scope {
    /// Every certificate, for every reason.
    pub(super) fn whole() -> Self {
        Self {
            names: Vec::new(),
            holders: Holders::All,
            reasons: Reasons::ALL,
        }
    }

    /// An `IssuingDistributionPoint`.
    pub(super) fn from_der(value: &[u8], issuer: &[u8]) -> Result<Self, CrlError> {
        let (scope, indirect) =
            parse(value, issuer).map_err(malformed("issuing distribution point"))?;
        if indirect {
            return Err(CrlError::Indirect);
        }
        Ok(scope)
    }

    /// The reasons for which it says whether this certificate is revoked: none,
    /// when it does not speak of it at all. Issuer and key are asked before.
    pub(super) fn reasons_for(
        &self,
        certificate: &Certificate,
        points: &[DistributionPoint],
    ) -> Reasons {
        let holder = match self.holders {
            Holders::All => true,
            Holders::EndEntities => !certificate.is_ca(),
            Holders::Authorities => certificate.is_ca(),
            Holders::Attributes => false,
        };
        if !holder {
            return Reasons::NONE;
        }
        let named = points
            .iter()
            // Its list would be an indirect one, of another issuer.
            .filter(|point| !point.names_crl_issuer())
            .filter(|point| self.is_at(point.names()))
            .fold(Reasons::NONE, |all, point| all.union(point.reasons()));
        // Section 6.3.3, last part: a list that no distribution point names is
        // taken as that of a point whose name is the issuer's and that has
        // neither reasons nor cRLIssuer.
        let implied = match GeneralName::directory(certificate.issuer_der()) {
            Ok(name) if self.is_at(std::slice::from_ref(&name)) => Reasons::ALL,
            _ => Reasons::NONE,
        };
        self.reasons.intersection(named.union(implied))
    }

    /// (b)(2)(i): "verify that one of the names in the IDP matches one of the
    /// names in the DP"; a list that names no point is for all of them.
    fn is_at(&self, names: &[GeneralName]) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| names.contains(name))
    }
}

fn parse(value: &[u8], issuer: &[u8]) -> Result<(Scope, bool), NotDer> {
    let mut fields = Reader::new(der::single(value, tag::SEQUENCE)?);
    // "MUST NOT issue CRLs where the DER encoding of the issuing distribution
    // point extension is an empty sequence".
    if fields.is_empty() {
        return Err(NotDer);
    }
    let names = match fields.optional(tag::context_constructed(0))? {
        Some(choice) => distribution_point_name(choice, issuer)?,
        None => Vec::new(),
    };
    let users = flag(&mut fields, 1)?;
    let authorities = flag(&mut fields, 2)?;
    let reasons = match fields.optional(tag::context(3))? {
        Some(bits) => Reasons::from_bit_string(bits)?,
        None => Reasons::ALL,
    };
    let indirect = flag(&mut fields, 4)?;
    let attributes = flag(&mut fields, 5)?;
    fields.end()?;
    // "At most one of [them] may be set to TRUE."
    let holders = match (users, authorities, attributes) {
        (false, false, false) => Holders::All,
        (true, false, false) => Holders::EndEntities,
        (false, true, false) => Holders::Authorities,
        (false, false, true) => Holders::Attributes,
        _ => return Err(NotDer),
    };
    let scope = Scope {
        names,
        holders,
        reasons,
    };
    Ok((scope, indirect))
}

/// `[number] IMPLICIT BOOLEAN DEFAULT FALSE`.
fn flag(fields: &mut Reader<'_>, number: u8) -> Result<bool, NotDer> {
    match fields.optional(tag::context(number))? {
        None => Ok(false),
        Some([0xff]) => Ok(true),
        // The default, spelt out, is against DER; and only 0xff is TRUE.
        Some(_) => Err(NotDer),
    }
}
