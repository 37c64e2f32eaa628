//! E-mail addresses: `rfc822Name` (RFC 5280 section 4.2.1.6).

use std::fmt;

use super::ReferenceError;
use super::dns::DnsName;

/// A mailbox, or every mailbox of a domain (`@example.com`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EmailPattern {
    /// `None`: any.
    local: Option<String>,
    domain: DnsName,
}

impl EmailPattern {
    /// Reads `user@example.com` or `@example.com`.
    ///
    /// # Errors
    ///
    /// [`ReferenceError`] for anything else, quoted local parts included.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let not_an_address = || ReferenceError::new(text, "is not an e-mail address");
        let (local, domain) = text.split_once('@').ok_or_else(not_an_address)?;
        let local = match local {
            "" => None,
            local if is_local_part(local) => Some(local.to_owned()),
            _ => return Err(not_an_address()),
        };
        let domain = DnsName::parse(domain)?;
        Ok(Self { local, domain })
    }

    /// RFC 5280 section 7.5: the local part is compared exactly, the domain
    /// without regard to case.
    pub(crate) fn is_presented_as(&self, presented: &str) -> bool {
        // A quoted local part may hold another "@" and is refused altogether:
        // two readers would split it in two places.
        let Some((local, domain)) = presented.split_once('@') else {
            return false;
        };
        is_local_part(local)
            && self.local.as_deref().is_none_or(|wanted| wanted == local)
            && DnsName::parse(domain).is_ok_and(|domain| domain == self.domain)
    }
}

/// Dot-atom (RFC 5322 section 3.2.3), at most 64 octets (RFC 5321
/// section 4.5.3.1.1).
fn is_local_part(local: &str) -> bool {
    local.len() <= 64
        && local.split('.').all(|atom| {
            !atom.is_empty()
                && atom
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
        })
}

impl fmt::Display for EmailPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.local.as_deref().unwrap_or_default();
        write!(f, "{local}@{}", self.domain)
    }
}
