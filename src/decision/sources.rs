//! What a policy says of revocation: what rules demand, and where it is told.

use std::rc::Rc;

use super::facts::Direction;
use crate::revocation::crl::Crl;
use crate::revocation::{ListSource, Lists, Random, Responder, SharedData, Store};
use crate::trust::{Certificate, SignatureVerifier};

/// What follows where it is not known whether a certificate is revoked. That it
/// is always denies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RevocationDemands {
    /// The responder does not know the certificate.
    pub unknown: OnTrouble,
    /// Nobody can be asked.
    pub no_source: OnTrouble,
    /// Nobody answered.
    pub unreachable: OnTrouble,
    /// The answer does not hold.
    pub invalid: OnTrouble,
    /// The answer is of the past.
    pub stale: OnTrouble,
    /// Whether the peer must staple an OCSP response that holds.
    pub staple_required: bool,
    /// Whether the CAs of the path are asked about, too.
    pub whole_path: bool,
}

/// What follows from one kind of trouble.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnTrouble {
    /// Denied.
    #[default]
    Deny,
    /// Let through, with a warning.
    Allow,
}

/// Where it is told whether a certificate is revoked.
#[derive(Clone, Debug)]
pub struct RevocationSources {
    /// OCSP responders.
    pub responders: Vec<Responder>,
    /// Lists.
    pub crls: Vec<Rc<Crl>>,
    /// Lists to fetch.
    pub crl_sources: Vec<ListSource>,
    /// Who may have signed those.
    pub crl_issuers: Rc<[Certificate]>,
    /// OCSP responses, DER.
    pub ocsp_responses: Rc<[Vec<u8>]>,
    /// The properties of the host that hold what clients and servers stapled.
    pub staples: StapleProperties,
    /// Milliseconds that a peer waits for its first answer.
    pub max_wait_ms: u32,
}

impl RevocationSources {
    /// What is known by these sources, at first: what the policy holds.
    /// `is_loader`: this worker loads what is to be fetched for all.
    pub fn store(
        &self,
        data: Rc<dyn SharedData>,
        verifier: Rc<dyn SignatureVerifier>,
        random: Random,
        is_loader: bool,
    ) -> Store {
        let lists = Lists::new(
            self.crls.clone(),
            self.crl_sources.clone(),
            Rc::clone(&self.crl_issuers),
            data,
            self.max_wait_ms,
            is_loader,
        );
        Store::new(
            lists,
            self.responders.clone(),
            Rc::clone(&self.ocsp_responses),
            self.max_wait_ms,
            verifier,
            random,
        )
    }
}

impl Default for RevocationSources {
    fn default() -> Self {
        Self {
            responders: Vec::new(),
            crls: Vec::new(),
            crl_sources: Vec::new(),
            crl_issuers: Rc::new([]),
            ocsp_responses: Rc::new([]),
            staples: StapleProperties::default(),
            max_wait_ms: 0,
        }
    }
}

/// Paths of properties, as the host takes them: parts with a NUL between.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StapleProperties {
    /// Of clients.
    pub downstream: Option<Box<[u8]>>,
    /// Of servers.
    pub upstream: Option<Box<[u8]>>,
}

impl StapleProperties {
    /// The one of this side.
    pub fn of(&self, direction: Direction) -> Option<&[u8]> {
        match direction {
            Direction::Downstream => self.downstream.as_deref(),
            Direction::Upstream => self.upstream.as_deref(),
        }
    }
}
