//! The `downstream` role: a listener HTTP filter. TLS facts of a connection do
//! not change after the handshake (BoringSSL refuses renegotiation), and the
//! filter runs after it; so the connection's id is all that a later request
//! on it is asked for.

use super::guard::{Guard, Step, transport_of};
use crate::decision::{
    Cause, ConnectionFacts, Direction, Evidence, Transport, is_peers_own, sha256_from_hex,
    without_evidence,
};
use crate::host::Host;
use crate::host::attributes as at;
use std::rc::Rc;

impl<H: Host> Guard<H> {
    /// The headers of a request came in.
    pub fn on_downstream_request(&mut self) -> Step {
        debug_assert_eq!(self.direction, Direction::Downstream);
        let id = self.host.property(at::CONNECTION_ID);
        let now = self.now_seconds();
        let known = id.as_deref().and_then(|id| self.flows.get(id, now));
        let verdict = match known {
            Some(flow) => match &flow.verdict {
                Some(verdict) => Rc::clone(verdict),
                None => self.judge(&flow, now),
            },
            None => {
                let facts = self.downstream_facts();
                match self.downstream_evidence() {
                    Ok(evidence) => self.judge_new_flow(id.as_deref(), facts, evidence, now),
                    Err((cause, detail)) => Rc::new(without_evidence(
                        self.policy.downstream.default_rule(),
                        cause,
                        detail,
                    )),
                }
            }
        };
        self.act(&verdict, |guard| {
            let evidence = guard.downstream_evidence().ok();
            (guard.downstream_facts(), evidence, None)
        })
    }

    fn downstream_facts(&self) -> ConnectionFacts {
        ConnectionFacts {
            cluster: None,
            listener: self.text(at::DESTINATION_ADDRESS),
            filter_chain: self.text(at::FILTER_CHAIN_NAME).filter(|n| !n.is_empty()),
            server_name: self
                .text(at::CONNECTION_SERVER_NAME)
                .filter(|n| !n.is_empty())
                .map(|n| n.to_ascii_lowercase()),
            peer_address: self.text(at::SOURCE_ADDRESS).filter(|a| is_peers_own(a)),
        }
    }

    fn downstream_evidence(&self) -> Result<Evidence, (Cause, &'static str)> {
        // By default Envoy's idea of the client's address is what the client
        // says it is: no ground for a rule to choose on.
        if self.policy.downstream.looks_at().peer_address
            && self
                .text(at::SOURCE_ADDRESS)
                .is_some_and(|a| !is_peers_own(&a))
        {
            let detail = "set use_remote_address in Envoy's HttpConnectionManager, or let no rule match addresses";
            return Err((Cause::AddressFromHeader, detail));
        }
        let transport = match self.host.property(at::CONNECTION_TLS_VERSION) {
            None => Transport::Plaintext,
            Some(version) => transport_of(&version),
        };
        Ok(Evidence {
            transport,
            peer_sha256: read_sha256(self.host.property(at::CONNECTION_PEER_SHA256))
                .map_err(|detail| (Cause::EvidenceUnreadable, detail))?,
            local_certificate: false,
        })
    }
}

/// A digest attribute: absent, or 64 hexadecimal digits.
pub(super) fn read_sha256(property: Option<Vec<u8>>) -> Result<Option<[u8; 32]>, &'static str> {
    match property {
        None => Ok(None),
        Some(hex) if hex.is_empty() => Ok(None),
        Some(hex) => sha256_from_hex(&hex)
            .map(Some)
            .ok_or("the certificate's digest is not 64 hexadecimal digits"),
    }
}
