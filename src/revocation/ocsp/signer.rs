//! Who signed an answer, and whether they may (RFC 6960 section 4.2.2.2).

use super::error::{DelegateFault, Invalid};
use super::question::{self, Question};
use super::response::{BasicResponse, ResponderId};
use super::signed::{Check, Signed};
use crate::trust::leaf;
use crate::trust::{Certificate, Instant, KeyRequirements, TrustError};

/// Certificates that are tried as the signer's. Each can cost two signature
/// checks, and whoever sits between us and a responder can add as many of the
/// right name as they like.
pub const MAX_CANDIDATES: usize = 4;

/// id-pkix-ocsp-nocheck in dotted form.
const ID_NOCHECK: &str = "1.3.6.1.5.5.7.48.1.5";

/// Whose signature it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The certificate's issuer, with the key that signed the certificate.
    Issuer,
    /// One whom the issuer made a responder.
    Delegate {
        /// SHA-256 of the delegate's certificate.
        sha256: [u8; 32],
        /// Whether the delegate's certificate has id-pkix-ocsp-nocheck: its
        /// issuer vouches for it until it expires (RFC 6960
        /// section 4.2.2.2.1). Without it, whether the delegate itself is
        /// revoked is open, and what to make of that is the caller's.
        nocheck: bool,
    },
}

/// A signer that is entitled, and has signed.
pub(super) struct Entitled {
    pub(super) signer: Signer,
    pub(super) not_before: i64,
    pub(super) not_after: i64,
}

/// What the search for a signer goes by.
pub(super) struct Search<'s> {
    pub(super) question: &'s Question<'s>,
    pub(super) keys: &'s KeyRequirements,
    pub(super) at: Instant,
    pub(super) check: Check<'s>,
}

impl Search<'_> {
    /// The signer of the response: the issuer if the response says so, else the
    /// first certificate that it says so of and that holds. The error is that
    /// of the one that came furthest.
    pub(super) fn run(&self, response: &BasicResponse<'_>) -> Result<Entitled, Invalid> {
        let mut failure = Invalid::SignerUnknown;
        if self.names(response, self.question.issuer) {
            match self.issuer(response) {
                Ok(entitled) => return Ok(entitled),
                Err(fault) => failure = fault,
            }
        }
        let mut candidates = 0_usize;
        let mut furthest = Progress::None;
        for der in &response.certificates {
            let candidate = match Certificate::parse(der) {
                Ok(candidate) => candidate,
                // A chain may end in a version 1 root. What cannot be read is
                // told only if nothing else can be.
                Err(error) => {
                    if matches!(failure, Invalid::SignerUnknown) {
                        failure = Invalid::Delegate(DelegateFault::Certificate(error));
                    }
                    continue;
                }
            };
            // The issuer's own certificate among them adds nothing.
            if !self.names(response, &candidate) || candidate.spki() == self.question.issuer.spki()
            {
                continue;
            }
            if candidates == MAX_CANDIDATES {
                return Err(Invalid::TooMany {
                    what: "certificates of the responder",
                    max: MAX_CANDIDATES,
                });
            }
            candidates = candidates.saturating_add(1);
            match self.delegate(response, &candidate, der) {
                Ok(entitled) => return Ok(entitled),
                Err((progress, fault)) if progress > furthest => {
                    furthest = progress;
                    failure = fault;
                }
                Err(_) => {}
            }
        }
        Err(failure)
    }

    /// Whether the responder is the subject of this certificate. Names are
    /// compared as they are encoded, as everywhere in the trust layer.
    fn names(&self, response: &BasicResponse<'_>, certificate: &Certificate) -> bool {
        match response.responder {
            ResponderId::ByName(name) => name == certificate.subject_der(),
            ResponderId::ByKey(hash) => hash == question::key_hash(certificate),
        }
    }

    /// Key usage is not asked for: a CA's key that signs certificates may say
    /// what it likes about them, and CAs without digitalSignature do.
    fn issuer(&self, response: &BasicResponse<'_>) -> Result<Entitled, Invalid> {
        let issuer = self.question.issuer;
        if issuer.spki() == self.question.leaf.spki() {
            return Err(Invalid::SignedByLeaf);
        }
        (self.check)(issuer.spki(), &response.signed).map_err(Invalid::Signature)?;
        Ok(Entitled {
            signer: Signer::Issuer,
            not_before: issuer.not_before(),
            not_after: issuer.not_after(),
        })
    }

    fn delegate(
        &self,
        response: &BasicResponse<'_>,
        candidate: &Certificate,
        der: &[u8],
    ) -> Result<Entitled, (Progress, Invalid)> {
        if candidate.spki() == self.question.leaf.spki() {
            return Err((Progress::Named, Invalid::SignedByLeaf));
        }
        self.check_entitled(candidate)
            .map_err(|fault| (Progress::Named, Invalid::Delegate(fault)))?;
        let issued = Signed::split(der)
            .map_err(|_| TrustError::Malformed("not strict DER".into()))
            .and_then(|(signed, _)| (self.check)(self.question.issuer.spki(), &signed));
        issued.map_err(|error| {
            let fault = DelegateFault::NotIssued(error);
            (Progress::Entitled, Invalid::Delegate(fault))
        })?;
        (self.check)(candidate.spki(), &response.signed)
            .map_err(|error| (Progress::Issued, Invalid::Signature(error)))?;
        Ok(Entitled {
            signer: Signer::Delegate {
                sha256: *candidate.sha256(),
                nocheck: candidate.extensions().ocsp_nocheck,
            },
            not_before: candidate.not_before(),
            not_after: candidate.not_after(),
        })
    }

    /// All that can be seen without a signature check.
    fn check_entitled(&self, candidate: &Certificate) -> Result<(), DelegateFault> {
        // "a certificate issued directly by the CA": the same name and key.
        if candidate.issuer_der() != self.question.issuer.subject_der() {
            return Err(DelegateFault::OtherIssuer {
                issuer: candidate.issuer().to_owned(),
            });
        }
        let extensions = candidate.extensions();
        // Such a delegate could issue certificates and vouch for them too, as
        // hundreds of public CAs' subordinates could in 2020.
        if candidate.is_ca() {
            return Err(DelegateFault::Ca);
        }
        // anyExtendedKeyUsage is not "inclusion of id-kp-OCSPSigning".
        let purposes = extensions.extended_key_usage.as_ref();
        if !purposes.is_some_and(|purposes| purposes.ocsp_signing) {
            let present = purposes.map(|purposes| purposes.purposes.iter().take(8));
            return Err(DelegateFault::NoOcspSigning {
                present: present.into_iter().flatten().cloned().collect(),
            });
        }
        if extensions
            .key_usage
            .is_some_and(|usage| !usage.digital_signature())
        {
            return Err(DelegateFault::NoDigitalSignature);
        }
        let unknown = extensions.unknown_critical.iter();
        if let Some(oid) = unknown.into_iter().find(|oid| *oid != ID_NOCHECK) {
            let error = TrustError::CriticalExtension(oid.clone().into());
            return Err(DelegateFault::Certificate(error));
        }
        // As of an issuer: of its key only signatures are wanted.
        self.keys
            .check_issuer_key(candidate.key())
            .and_then(|()| leaf::check_validity(candidate, self.at.now, self.at.skew))
            .map_err(DelegateFault::Certificate)
    }
}

/// How far a candidate came.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Progress {
    None,
    Named,
    Entitled,
    Issued,
}
