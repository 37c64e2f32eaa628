//! `GET /certs`: `envoy.admin.v3.Certificates` in the JSON of protobuf.
//!
//! It has one entry for each TLS context, and does not say whose: a listener's or
//! a cluster's. A staple is shown for a listener's alone, even where a cluster's
//! context was given one (Envoy 1.36 to 1.40). So what counts is the certificate:
//! it carries a staple if it does in one context; which listener fails to send
//! it, its counters say.

use std::collections::BTreeMap;

use super::fold::{Fold, Folded};
use super::{AnswerError, MAX_CERTIFICATES, cut, timestamp};
use crate::decision::DAY;

/// The longest path that is kept: four times what events show.
const MAX_PATH: usize = 1_024;
/// The longest serial number that is kept: three times RFC 5280's 20 bytes.
const MAX_SERIAL: usize = 120;

/// What Envoy does with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Use {
    /// Shows it to its peers: of a listener or a cluster.
    Presented,
    /// Trusts it: a CA.
    Trusted,
}

impl Use {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Presented, Self::Trusted];

    /// The name in events and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Presented => "presented",
            Self::Trusted => "trusted",
        }
    }
}

/// What tells two certificates apart: all that Envoy shows of each, for inline
/// ones share a path, and roots a serial number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// What it is for.
    pub r#use: Use,
    /// The file that it comes from, or `<inline>`.
    pub path: Box<str>,
    /// Its serial number, in lower-case hexadecimal.
    pub serial: Box<str>,
    /// Its first second (Unix time).
    pub not_before: i64,
    /// Its last second.
    pub not_after: i64,
}

/// A staple's times. One without `nextUpdate` ends now, as Envoy has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Staple {
    /// `nextUpdate`. First, so that of two the one that lasts longer is greater.
    pub next_update: i64,
    /// `thisUpdate`.
    pub this_update: i64,
}

/// A certificate of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Which one.
    pub key: Key,
    /// Its subject alternative names: DNS names, URIs, IP addresses.
    pub names: Vec<Box<str>>,
    /// The staple that lasts longest, of all contexts.
    pub staple: Option<Staple>,
}

/// The certificates of the proxy, each once, in the order of their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    certificates: BTreeMap<Key, Listed>,
}

impl Listing {
    /// Reads an answer.
    ///
    /// # Errors
    /// It is no such list, or has more than [`MAX_CERTIFICATES`].
    pub fn read(json: &[u8]) -> Result<Self, AnswerError> {
        Ok(super::read::<wire::Certificates>(json)?.certificates.0)
    }

    /// All certificates.
    pub fn iter(&self) -> impl Iterator<Item = &Listed> {
        self.certificates.values()
    }

    /// Whether this certificate is among them.
    pub fn has(&self, key: &Key) -> bool {
        self.certificates.contains_key(key)
    }

    /// Whole days until the first certificate of this use ends, 0 where one has;
    /// `None` where there is no certificate.
    pub fn first_expiry_days(&self, r#use: Use, now: i64) -> Option<u64> {
        let ends = self.iter().filter(|c| c.key.r#use == r#use);
        let first = ends.map(|c| c.key.not_after).min()?;
        Some(u64::try_from(first.saturating_sub(now) / DAY).unwrap_or(0))
    }

    /// How many certificates of this use there are.
    pub fn count(&self, r#use: Use) -> u64 {
        let of_use = self.iter().filter(|c| c.key.r#use == r#use);
        u64::try_from(of_use.count()).unwrap_or(u64::MAX)
    }

    fn add(&mut self, r#use: Use, details: wire::Details) -> Result<(), &'static str> {
        let time = |text: &str| timestamp::seconds(text).ok_or("a time that is none");
        let staple = details.ocsp_details.map(|ocsp| {
            Ok::<_, &'static str>(Staple {
                next_update: time(&ocsp.expiration)?,
                this_update: time(&ocsp.valid_from)?,
            })
        });
        let staple = staple.transpose()?;
        let key = Key {
            r#use,
            path: cut(&details.path, MAX_PATH),
            serial: cut(&details.serial_number, MAX_SERIAL),
            not_before: time(&details.valid_from)?,
            not_after: time(&details.expiration_time)?,
        };
        if let Some(listed) = self.certificates.get_mut(&key) {
            listed.staple = listed.staple.max(staple);
            return Ok(());
        }
        if self.certificates.len() >= MAX_CERTIFICATES {
            return Err("more certificates than hopguard tells apart (4096)");
        }
        let names = details.subject_alt_names.into_iter();
        let listed = Listed {
            key: key.clone(),
            names: names
                .filter_map(|name| name.dns.or(name.uri).or(name.ip_address))
                .map(Box::from)
                .collect(),
            staple,
        };
        self.certificates.insert(key, listed);
        Ok(())
    }
}

impl Fold for Listing {
    type Entry = wire::Context;
    const OF: &'static str = "certificates";

    fn fold(&mut self, context: wire::Context) -> Result<(), &'static str> {
        let trusted = context.ca_cert.into_iter().map(|c| (Use::Trusted, c));
        let presented = context.cert_chain.into_iter().map(|c| (Use::Presented, c));
        trusted
            .chain(presented)
            .try_for_each(|(r#use, details)| self.add(r#use, details))
    }
}

/// The answer's shapes; fields that are not used here may come or go.
mod wire {
    use serde::Deserialize;

    use super::{Folded, Listing};

    #[derive(Deserialize)]
    pub struct Certificates {
        pub certificates: Folded<Listing>,
    }

    #[derive(Deserialize)]
    pub struct Context {
        #[serde(default)]
        pub ca_cert: Vec<Details>,
        #[serde(default)]
        pub cert_chain: Vec<Details>,
    }

    #[derive(Deserialize)]
    pub struct Details {
        #[serde(default)]
        pub path: String,
        pub serial_number: String,
        #[serde(default)]
        pub subject_alt_names: Vec<Name>,
        pub valid_from: String,
        pub expiration_time: String,
        pub ocsp_details: Option<Ocsp>,
    }

    #[derive(Deserialize)]
    pub struct Name {
        pub dns: Option<String>,
        pub uri: Option<String>,
        pub ip_address: Option<String>,
    }

    #[derive(Deserialize)]
    pub struct Ocsp {
        pub valid_from: String,
        pub expiration: String,
    }
}
