//! Whose key a list must be signed with (RFC 5280 section 6.3.3 (f) and (g)).

use super::error::CrlError;
use super::head::Head;
use crate::revocation::sources;
use crate::trust::Certificate;
use crate::trust::anchors::MAX_SAME_SUBJECT;
use crate::trust::certificate::distinguished_name;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::X509Name;

/// A key that may sign the list.
#[derive(Clone, Debug)]
pub(super) struct Signer {
    pub(super) name: String,
    pub(super) spki: Vec<u8>,
    pub(super) spki_sha256: [u8; 32],
}

/// The keys of these issuers that may sign the list: of its issuer's name, of
/// the key identifier that it names, with cRLSign where key usage is there.
///
/// There is no other path to a signer: a list that is signed with another key of
/// the same CA (section 5.1.1.3 allows it) needs that key's certificate here.
pub(super) fn candidates(head: &Head, issuers: &[&Certificate]) -> Result<Vec<Signer>, CrlError> {
    let mut signers: Vec<Signer> = Vec::new();
    let mut refused = None;
    for issuer in issuers {
        if issuer.subject_der() != head.issuer || !has_key_identifier(issuer, head) {
            continue;
        }
        let usage = issuer.extensions().key_usage;
        if usage.is_some_and(|usage| !usage.crl_sign()) {
            refused = Some(issuer.subject().to_owned());
            continue;
        }
        let known = signers
            .iter()
            .any(|signer| signer.spki_sha256 == *issuer.spki_sha256());
        if !known && signers.len() < MAX_SAME_SUBJECT {
            signers.push(Signer {
                name: issuer.subject().to_owned(),
                spki: issuer.spki().to_vec(),
                spki_sha256: *issuer.spki_sha256(),
            });
        }
    }
    match (signers.is_empty(), refused) {
        (false, _) => Ok(signers),
        (true, Some(issuer)) => Err(CrlError::IssuerMayNotSign { issuer }),
        (true, None) => Err(CrlError::WrongIssuer {
            issuer: text(&head.issuer),
        }),
    }
}

/// An identifier that is missing on either side says nothing.
fn has_key_identifier(issuer: &Certificate, head: &Head) -> bool {
    let wanted = head.extensions.authority_key_identifier.as_deref();
    match (wanted, sources::subject_key_identifier(issuer)) {
        (Some(wanted), Some(identifier)) => wanted == identifier,
        _ => true,
    }
}

fn text(name: &[u8]) -> String {
    X509Name::from_der(name).map_or_else(
        |_| "a name that cannot be read".into(),
        |(_, name)| distinguished_name::to_text(&name),
    )
}
