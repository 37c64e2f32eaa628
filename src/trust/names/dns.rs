//! DNS names: the reference identifier of a policy against the `dNSName` of a
//! certificate (RFC 9525 section 6.3).

use std::fmt;
use std::net::IpAddr;

use super::ReferenceError;

/// RFC 1035 section 2.3.4.
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// A DNS name that a peer must have: ASCII, lower case, no trailing dot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DnsName(String);

impl DnsName {
    /// Reads a name of the policy.
    ///
    /// # Errors
    ///
    /// [`ReferenceError`] for an address, for a name that is not in A-label
    /// form, and for anything that no host can be called.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        if !text.is_ascii() {
            return Err(ReferenceError::new(
                text,
                "is not ASCII: write international names in A-label form (xn--…)",
            ));
        }
        // RFC 9525 section 6.5: an address is compared with iPAddress only.
        // The last label of a host name is never all digits (RFC 1123
        // section 2.1), which catches "10.0.0.1" as well as "1.2".
        let last_is_number = text
            .trim_end_matches('.')
            .rsplit('.')
            .next()
            .is_some_and(|label| !label.is_empty() && label.bytes().all(|b| b.is_ascii_digit()));
        if last_is_number || text.parse::<IpAddr>().is_ok() {
            return Err(ReferenceError::new(text, "is an address, not a DNS name"));
        }
        match without_root(text) {
            Some(name) if is_host(name) => Ok(Self(name.to_ascii_lowercase())),
            _ => Err(ReferenceError::new(text, "is not a DNS name")),
        }
    }

    /// The normalised name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a certificate's `dNSName` is this name, or covers it with a
    /// wildcard.
    pub(crate) fn is_presented_as(&self, presented: &str) -> bool {
        let Some(presented) = without_root(presented) else {
            return false;
        };
        match presented.strip_prefix("*.") {
            None => is_host(presented) && presented.eq_ignore_ascii_case(&self.0),
            // RFC 9525 section 6.3: the wildcard is the complete left-most label
            // and stands for exactly one label.
            Some(parent) => {
                is_wildcard_parent(parent)
                    && self
                        .0
                        .split_once('.')
                        .is_some_and(|(_, own)| own.eq_ignore_ascii_case(parent))
            }
        }
    }
}

impl fmt::Display for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `*.example.com` in a policy: any host directly under a name. This is the
/// operator's own pattern, not a certificate's wildcard.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DnsGlob {
    parent: DnsName,
}

impl DnsGlob {
    /// Reads `*.` and a name of at least two labels.
    ///
    /// # Errors
    ///
    /// [`ReferenceError`] as for [`DnsName::parse`], and for an asterisk
    /// anywhere else.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let parent = text
            .strip_prefix("*.")
            .filter(|parent| !parent.contains('*'))
            .ok_or_else(|| {
                ReferenceError::new(text, "has an asterisk that is not its whole first label")
            })?;
        let parent = DnsName::parse(parent)?;
        if is_wildcard_parent(parent.as_str()) {
            Ok(Self { parent })
        } else {
            Err(ReferenceError::new(text, "covers a whole top-level domain"))
        }
    }

    /// Whether a certificate's `dNSName` is one of the names meant. A
    /// certificate for the same wildcard is: it names the same hosts.
    pub(crate) fn is_presented_as(&self, presented: &str) -> bool {
        let presented = without_root(presented).and_then(|name| name.split_once('.'));
        presented.is_some_and(|(first, parent)| {
            parent.eq_ignore_ascii_case(&self.parent.0) && (first == "*" || is_label(first))
        })
    }
}

impl fmt::Display for DnsGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "*.{}", self.parent)
    }
}

/// Without the dot of the root: `example.com.` and `example.com` are the same
/// name (RFC 1034 section 3.1).
fn without_root(text: &str) -> Option<&str> {
    let text = text.strip_suffix('.').unwrap_or(text);
    (!text.is_empty() && text.len() <= MAX_NAME).then_some(text)
}

fn is_host(name: &str) -> bool {
    name.split('.').all(is_label)
}

/// Letters, digits, hyphens inside (RFC 1123 section 2.1), and underscores:
/// Kubernetes and SRV names have them, and no resolver refuses them. Nothing
/// else: a NUL or a space has made verifiers see another name than the CA did
/// (CVE-2009-2408).
fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= MAX_LABEL
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// A wildcard needs two labels after it. `*.com` would be every company's name,
/// and the public suffix list that would tell `*.co.uk` as well is data that
/// changes weekly and has no place in a policy engine: where it matters, the CA
/// enforces it (CA/B Forum Baseline Requirements section 3.2.2.6).
fn is_wildcard_parent(parent: &str) -> bool {
    is_host(parent) && parent.contains('.')
}
