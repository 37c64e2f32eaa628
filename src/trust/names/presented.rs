//! The names that a certificate presents (RFC 5280 section 4.2.1.6).

use std::fmt;
use std::net::IpAddr;

use crate::trust::der::{self, NotDer, Reader, tag};
use crate::trust::error::TrustError;

/// Names of one certificate that are looked at.
///
/// The largest public certificates carry a few hundred names. 2,000 leaves room
/// and keeps a hostile certificate's cost near that of an honest one: 64 KiB
/// hold some 30,000 names of two bytes.
pub const MAX_NAMES: usize = 2_000;

/// Characters of a name that are shown, and that are kept of one that is
/// unmatchable.
const MAX_SHOWN: usize = 256;

/// A kind of name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameKind {
    /// `dNSName`.
    Dns,
    /// `iPAddress`.
    Ip,
    /// `uniformResourceIdentifier`.
    Uri,
    /// `rfc822Name`.
    Email,
}

/// A name in a certificate, as the CA wrote it. Text is ASCII and may hold any
/// control character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PresentedIdentifier {
    /// A DNS name, possibly with a wildcard.
    Dns(String),
    /// An address.
    Ip(IpAddr),
    /// A URI.
    Uri(String),
    /// A mailbox.
    Email(String),
    /// A name that its kind does not allow. It matches nothing, and it counts:
    /// a second URI makes a certificate no X.509-SVID whether it is one or not.
    Unmatchable {
        /// What it claims to be.
        kind: NameKind,
        /// The bytes, lossily and bounded.
        text: String,
    },
}

impl PresentedIdentifier {
    pub(crate) fn unmatchable(kind: NameKind, content: &[u8]) -> Self {
        let shown = content.get(..MAX_SHOWN).unwrap_or(content);
        Self::Unmatchable {
            kind,
            text: String::from_utf8_lossy(shown).into_owned(),
        }
    }

    /// Bytes of memory that it takes.
    pub fn size(&self) -> usize {
        let text = match self {
            Self::Ip(_) => 0,
            Self::Dns(text) | Self::Uri(text) | Self::Email(text) => text.len(),
            Self::Unmatchable { text, .. } => text.len(),
        };
        size_of::<Self>() + text
    }

    /// What kind of name it is.
    pub fn kind(&self) -> NameKind {
        match self {
            Self::Dns(_) => NameKind::Dns,
            Self::Ip(_) => NameKind::Ip,
            Self::Uri(_) => NameKind::Uri,
            Self::Email(_) => NameKind::Email,
            Self::Unmatchable { kind, .. } => *kind,
        }
    }
}

impl fmt::Display for PresentedIdentifier {
    /// For people, and cut: a name may fill a whole certificate.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, text) = match self {
            Self::Ip(address) => return write!(f, "ip:{address}"),
            Self::Dns(name) => ("dns", name),
            Self::Uri(uri) => ("uri", uri),
            Self::Email(mailbox) => ("email", mailbox),
            Self::Unmatchable { text, .. } => ("invalid", text),
        };
        match text.char_indices().nth(MAX_SHOWN) {
            None => write!(f, "{kind}:{text}"),
            Some((end, _)) => write!(f, "{kind}:{}…", text.get(..end).unwrap_or_default()),
        }
    }
}

/// Reads `GeneralNames`.
pub(crate) fn subject_alt_names(value: &[u8]) -> Result<Vec<PresentedIdentifier>, TrustError> {
    let malformed = |_: NotDer| TrustError::Malformed("subject alternative names".into());
    let mut names = Reader::new(der::single(value, tag::SEQUENCE).map_err(malformed)?);
    let mut read = Vec::new();
    let mut count = 0_usize;
    while !names.is_empty() {
        count = count.saturating_add(1);
        if count > MAX_NAMES {
            return Err(TrustError::TooManyNames { max: MAX_NAMES });
        }
        let (tag, content) = names.any().map_err(malformed)?;
        read.extend(general_name(tag, content));
    }
    Ok(read)
}

/// `GeneralName`: the four kinds that name a peer.
fn general_name(name_tag: u8, content: &[u8]) -> Option<PresentedIdentifier> {
    const EMAIL: u8 = tag::context(1);
    const DNS: u8 = tag::context(2);
    const URI: u8 = tag::context(6);
    const IP: u8 = tag::context(7);
    let text = |kind: NameKind, known: fn(String) -> PresentedIdentifier| {
        // IA5String: anything else is kept, so that it can be logged and
        // counted, and matches nothing.
        match std::str::from_utf8(content) {
            Ok(name) if name.is_ascii() && !name.is_empty() => known(name.to_owned()),
            _ => PresentedIdentifier::unmatchable(kind, content),
        }
    };
    Some(match name_tag {
        DNS => text(NameKind::Dns, PresentedIdentifier::Dns),
        URI => text(NameKind::Uri, PresentedIdentifier::Uri),
        EMAIL => text(NameKind::Email, PresentedIdentifier::Email),
        IP => {
            if let Ok(octets) = <[u8; 4]>::try_from(content) {
                PresentedIdentifier::Ip(IpAddr::from(octets))
            } else if let Ok(octets) = <[u8; 16]>::try_from(content) {
                PresentedIdentifier::Ip(IpAddr::from(octets))
            } else {
                PresentedIdentifier::unmatchable(NameKind::Ip, content)
            }
        }
        _ => return None,
    })
}
