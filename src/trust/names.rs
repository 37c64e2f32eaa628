//! Whose certificate it is: the names it presents against the names a policy
//! expects (RFC 9525).
//!
//! The subject's common name is never looked at (RFC 9525 section 2, "MUST
//! NOT"): its meaning depends on the CA.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::glob::{Glob, GlobError};

pub mod dns;
pub mod email;
pub mod presented;
pub mod spiffe;

use dns::{DnsGlob, DnsName};
use email::EmailPattern;
pub use presented::{NameKind, PresentedIdentifier};
use spiffe::{SpiffeId, SpiffePattern};

/// Characters of a refused text that its error quotes.
const MAX_SHOWN: usize = 256;

/// A name that a policy expects its peer to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferenceIdentifier {
    /// One host.
    Dns(DnsName),
    /// Any host directly under a name.
    DnsGlob(DnsGlob),
    /// One address, compared as the certificate's octets: an IPv4 address and
    /// its IPv6-mapped form are two names.
    Ip(IpAddr),
    /// A URI, `*` standing for text within a path segment.
    Uri(Glob),
    /// A SPIFFE ID, `*` and `**` in its path.
    Spiffe(SpiffePattern),
    /// A mailbox or a domain's mailboxes.
    Email(EmailPattern),
}

/// Why a policy's name is refused, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceError {
    text: String,
    reason: String,
}

impl ReferenceError {
    pub(crate) fn new(text: &str, reason: &str) -> Self {
        Self {
            text: text.chars().take(MAX_SHOWN).collect(),
            reason: reason.to_owned(),
        }
    }

    pub(crate) fn glob(text: &str, error: GlobError) -> Self {
        Self::new(text, &format!("is no pattern: {error}"))
    }
}

impl fmt::Display for ReferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.text, self.reason)
    }
}

impl std::error::Error for ReferenceError {}

impl ReferenceIdentifier {
    /// Reads a name of the policy. `dns:`, `ip:`, `uri:` and `email:` say what
    /// it is; without them `spiffe://…` is a SPIFFE ID, an address literal is an
    /// address, text with `://` a URI, text with `@` a mailbox, and the rest DNS.
    ///
    /// # Errors
    ///
    /// [`ReferenceError`], one sentence that quotes the text.
    ///
    /// ```
    /// use hopguard::trust::ReferenceIdentifier;
    ///
    /// let database = ReferenceIdentifier::parse("DB.example.com.")?;
    /// assert_eq!(database.to_string(), "dns:db.example.com");
    /// ReferenceIdentifier::parse("spiffe://prod.example/ns/*/sa/web")?;
    /// assert!(ReferenceIdentifier::parse("dns:10.0.0.1").is_err());
    /// # Ok::<(), hopguard::trust::ReferenceError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        if let Some(name) = text.strip_prefix("dns:") {
            return Self::dns(name);
        }
        if let Some(address) = text.strip_prefix("ip:") {
            return Self::ip(address);
        }
        if let Some(uri) = text.strip_prefix("uri:") {
            return Self::uri(uri);
        }
        if let Some(mailbox) = text.strip_prefix("email:") {
            return EmailPattern::parse(mailbox).map(Self::Email);
        }
        if text.starts_with("spiffe://") {
            return SpiffePattern::parse(text).map(Self::Spiffe);
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Ip(address));
        }
        if text.contains("://") {
            return Self::uri(text);
        }
        if text.contains('@') {
            return EmailPattern::parse(text).map(Self::Email);
        }
        Self::dns(text)
    }

    /// A host, or `*.` and a name.
    ///
    /// # Errors
    ///
    /// [`ReferenceError`], see [`DnsName::parse`] and [`DnsGlob::parse`].
    pub fn dns(text: &str) -> Result<Self, ReferenceError> {
        if text.contains('*') {
            DnsGlob::parse(text).map(Self::DnsGlob)
        } else {
            DnsName::parse(text).map(Self::Dns)
        }
    }

    fn ip(text: &str) -> Result<Self, ReferenceError> {
        text.parse()
            .map(Self::Ip)
            .map_err(|_| ReferenceError::new(text, "is not an IP address"))
    }

    fn uri(text: &str) -> Result<Self, ReferenceError> {
        if text.starts_with("spiffe://") {
            // One meaning for one spelling: as a plain URI it would not demand
            // that the certificate is an X.509-SVID.
            return SpiffePattern::parse(text).map(Self::Spiffe);
        }
        // RFC 3986 section 3: a scheme comes first.
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err(ReferenceError::new(text, "is not a URI"));
        };
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(ReferenceError::new(text, "is not a URI"));
        }
        // A wildcard before the path could stand for "evil.example?" and so move
        // the rest of the pattern out of the host.
        let authority = rest
            .strip_prefix("//")
            .and_then(|rest| rest.split('/').next())
            .unwrap_or_default();
        if scheme.contains('*') || authority.contains('*') {
            return Err(ReferenceError::new(
                text,
                "has a wildcard in its scheme or host",
            ));
        }
        Glob::parse(text)
            .map(Self::Uri)
            .map_err(|error| ReferenceError::glob(text, error))
    }

    fn matches(&self, presented: &PresentedIdentifier, id: Option<&SpiffeId<'_>>) -> bool {
        match (self, presented) {
            (Self::Dns(name), PresentedIdentifier::Dns(text)) => name.is_presented_as(text),
            (Self::DnsGlob(glob), PresentedIdentifier::Dns(text)) => glob.is_presented_as(text),
            (Self::Ip(address), PresentedIdentifier::Ip(presented)) => address == presented,
            (Self::Uri(glob), PresentedIdentifier::Uri(uri)) => glob.matches(uri),
            (Self::Spiffe(pattern), PresentedIdentifier::Uri(_)) => {
                id.is_some_and(|id| pattern.matches(id))
            }
            (Self::Email(pattern), PresentedIdentifier::Email(mailbox)) => {
                pattern.is_presented_as(mailbox)
            }
            // RFC 9525 section 6: only identifiers of the same kind are compared.
            _ => false,
        }
    }
}

impl FromStr for ReferenceIdentifier {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for ReferenceIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => write!(f, "dns:{name}"),
            Self::DnsGlob(glob) => write!(f, "dns:{glob}"),
            Self::Ip(address) => write!(f, "ip:{address}"),
            Self::Uri(glob) => write!(f, "uri:{glob}"),
            Self::Spiffe(pattern) => write!(f, "{pattern}"),
            Self::Email(pattern) => write!(f, "email:{pattern}"),
        }
    }
}

/// The first reference identifier that one of the presented ones satisfies, by
/// its index. No reference, no match: whoever expects no name does not ask.
///
/// ```
/// use hopguard::trust::names::match_any;
/// use hopguard::trust::{PresentedIdentifier, ReferenceIdentifier};
///
/// let presented = [PresentedIdentifier::Dns("*.example.com".into())];
/// let references = [ReferenceIdentifier::parse("db.example.com")?];
/// assert_eq!(match_any(&presented, &references), Some(0));
/// # Ok::<(), hopguard::trust::ReferenceError>(())
/// ```
pub fn match_any(
    presented: &[PresentedIdentifier],
    references: &[ReferenceIdentifier],
) -> Option<usize> {
    let id = SpiffeId::of(presented).ok();
    references.iter().position(|reference| {
        presented
            .iter()
            .any(|name| reference.matches(name, id.as_ref()))
    })
}
