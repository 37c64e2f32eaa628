//! SPIFFE IDs and X.509-SVIDs.
//!
//! Sections named here are of the SPIFFE ID and X509-SVID standards
//! (github.com/spiffe/spiffe, `standards/SPIFFE-ID.md`, `standards/X509-SVID.md`).

use std::fmt;

use super::{NameKind, PresentedIdentifier, ReferenceError};
use crate::trust::error::TrustError;
use crate::trust::glob::Glob;

const SCHEME: &str = "spiffe://";

/// SPIFFE-ID section 2.3.
const MAX_ID: usize = 2048;

/// SPIFFE-ID section 2.1.
const MAX_TRUST_DOMAIN: usize = 255;

/// A trust domain: lower-case letters, digits, dots, hyphens, underscores.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrustDomain(String);

impl TrustDomain {
    /// Reads a trust domain, without `spiffe://`.
    ///
    /// # Errors
    ///
    /// [`ReferenceError`] when a character or the length is not allowed.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        if is_trust_domain(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ReferenceError::new(text, "is not a SPIFFE trust domain"))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A workload's SPIFFE ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpiffeId<'a> {
    /// The trust domain.
    pub trust_domain: &'a str,
    /// The path with its leading slash, never empty.
    pub path: &'a str,
}

impl<'a> SpiffeId<'a> {
    /// Reads a SPIFFE ID. A path is demanded: without one the ID names a trust
    /// domain (X509-SVID section 3.2), which no workload is.
    pub fn parse(uri: &'a str) -> Option<Self> {
        if uri.len() > MAX_ID {
            return None;
        }
        let rest = uri.strip_prefix(SCHEME)?;
        let slash = rest.find('/')?;
        let (trust_domain, path) = rest.split_at_checked(slash)?;
        // The character sets leave no room for a port, a user, a query, a
        // fragment or a percent escape (SPIFFE-ID section 2).
        (is_trust_domain(trust_domain) && is_path(path, is_path_byte))
            .then_some(Self { trust_domain, path })
    }

    /// The SPIFFE ID of a certificate. X509-SVID section 2: "exactly one URI
    /// SAN"; which of two would count is a choice that an attacker would make.
    ///
    /// # Errors
    ///
    /// [`TrustError::SpiffeInvalid`].
    pub fn of(presented: &'a [PresentedIdentifier]) -> Result<Self, TrustError> {
        let mut uris = presented.iter().filter(|name| name.kind() == NameKind::Uri);
        let first = uris
            .next()
            .ok_or(TrustError::SpiffeInvalid("no URI name"))?;
        if uris.next().is_some() {
            return Err(TrustError::SpiffeInvalid("more than one URI name"));
        }
        match first {
            PresentedIdentifier::Uri(uri) => {
                Self::parse(uri).ok_or(TrustError::SpiffeInvalid("its URI is no SPIFFE ID"))
            }
            _ => Err(TrustError::SpiffeInvalid("its URI is no SPIFFE ID")),
        }
    }
}

/// A trust domain and a pattern for the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpiffePattern {
    trust_domain: TrustDomain,
    path: Glob,
}

impl SpiffePattern {
    /// Reads `spiffe://domain/path` where the path may hold `*` and `**`.
    ///
    /// # Errors
    ///
    /// [`ReferenceError`] for a trust domain with a wildcard, and for a path
    /// that no SPIFFE ID can have.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let rest = text
            .strip_prefix(SCHEME)
            .ok_or_else(|| ReferenceError::new(text, "does not begin with spiffe://"))?;
        let (trust_domain, path) = rest
            .find('/')
            .and_then(|slash| rest.split_at_checked(slash))
            .ok_or_else(|| {
                ReferenceError::new(
                    text,
                    "has no path: add /** for every workload of the domain",
                )
            })?;
        let trust_domain = TrustDomain::parse(trust_domain)?;
        if !is_path(path, |b| is_path_byte(b) || b == b'*') {
            return Err(ReferenceError::new(
                text,
                "has a path that no SPIFFE ID has",
            ));
        }
        let path = Glob::parse(path).map_err(|error| ReferenceError::glob(text, error))?;
        Ok(Self { trust_domain, path })
    }

    pub(crate) fn matches(&self, id: &SpiffeId<'_>) -> bool {
        self.trust_domain.0 == id.trust_domain && self.path.matches(id.path)
    }
}

impl fmt::Display for SpiffePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}{}", self.trust_domain, self.path)
    }
}

fn is_trust_domain(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_TRUST_DOMAIN
        && text
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_'))
}

/// SPIFFE-ID section 2.2.
fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

/// SPIFFE-ID section 2.2: no empty segment, so no trailing slash either, and no
/// relative ones.
fn is_path(path: &str, allowed: impl Fn(u8) -> bool) -> bool {
    path.strip_prefix('/').is_some_and(|path| {
        path.split('/')
            .all(|segment| !matches!(segment, "" | "." | "..") && segment.bytes().all(&allowed))
    })
}
