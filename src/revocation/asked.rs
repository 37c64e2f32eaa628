//! A certificate whose status is asked for, with all that is needed to ask.

use std::sync::Arc;

use super::ocsp::{CacheKey, Question};
use super::sources::Sources;
use crate::trust::{Certificate, VerifiedChain};

/// A trusted certificate whose status is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    certificate: Certificate,
    issuer: Arc<Certificate>,
    key: CacheKey,
    ocsp_urls: Vec<String>,
}

impl Asked {
    /// The question about a trusted leaf; `None` for a pinned one, of which only
    /// the operator who pinned it can say anything.
    pub fn new(leaf: &Certificate, chain: &VerifiedChain) -> Option<Self> {
        Some(Self::of(leaf, chain.issuers().first()?))
    }

    /// The questions about the CAs between a trusted leaf and the anchor, from the
    /// leaf on. An anchor is trusted by the policy alone (RFC 5280, section 6.1.1).
    pub fn authorities(chain: &VerifiedChain) -> Vec<Self> {
        let issuers = chain.issuers();
        let pairs = issuers.iter().zip(issuers.iter().skip(1));
        pairs.map(|(ca, issuer)| Self::of(ca, issuer)).collect()
    }

    fn of(certificate: &Certificate, issuer: &Arc<Certificate>) -> Self {
        let question = Question {
            leaf: certificate,
            issuer,
        };
        // Sources that cannot be read are none.
        let sources = Sources::of(certificate).unwrap_or_default();
        Self {
            key: question.cache_key(),
            certificate: certificate.without_names_and_purposes(),
            issuer: Arc::clone(issuer),
            ocsp_urls: sources.ocsp_urls().to_vec(),
        }
    }

    /// The same with other URLs than the certificate's.
    #[cfg(test)]
    pub fn with_urls(mut self, urls: &[&str]) -> Self {
        self.ocsp_urls = urls.iter().map(|url| (*url).to_owned()).collect();
        self
    }

    /// Bytes of memory that it takes, about: the certificate, and once more its
    /// parts (the URLs among them). Its issuer is the trust store's.
    pub fn size(&self) -> usize {
        size_of::<Self>() + 2 * self.certificate.der().len()
    }

    /// The certificate, without its names and purposes.
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// What makes two questions the same.
    pub const fn key(&self) -> &CacheKey {
        &self.key
    }

    /// Where the certificate says that its responder is.
    pub fn ocsp_urls(&self) -> &[String] {
        &self.ocsp_urls
    }

    /// The question.
    pub fn question(&self) -> Question<'_> {
        Question {
            leaf: &self.certificate,
            issuer: &self.issuer,
        }
    }
}
