//! A certificate whose status is asked for, with all that is needed to ask.

use super::ocsp::{CacheKey, Question};
use super::sources::Sources;
use crate::trust::{Certificate, VerifiedChain};

/// A trusted certificate whose status is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    leaf: Certificate,
    chain: VerifiedChain,
    key: CacheKey,
    ocsp_urls: Vec<String>,
}

impl Asked {
    /// The question about a trusted leaf; `None` for a pinned one, of which only
    /// the operator who pinned it can say anything.
    pub fn new(leaf: &Certificate, chain: &VerifiedChain) -> Option<Self> {
        let key = Question::of(leaf, chain)?.cache_key();
        // Sources that cannot be read are none.
        let sources = Sources::of(leaf).unwrap_or_default();
        Some(Self {
            leaf: leaf.clone(),
            chain: chain.clone(),
            key,
            ocsp_urls: sources.ocsp_urls().to_vec(),
        })
    }

    /// The same with other URLs than the certificate's.
    #[cfg(test)]
    pub fn with_urls(mut self, urls: &[&str]) -> Self {
        self.ocsp_urls = urls.iter().map(|url| (*url).to_owned()).collect();
        self
    }

    /// The certificate.
    pub const fn leaf(&self) -> &Certificate {
        &self.leaf
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
    pub fn question(&self) -> Option<Question<'_>> {
        Question::of(&self.leaf, &self.chain)
    }
}
