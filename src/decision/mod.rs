//! The pure core: facts, policy, and the decision between them. No I/O, no
//! proxy, no clock: bytes and a time come in, a [`Verdict`] goes out.

mod cause;
mod certificates;
mod decide;
mod facts;
mod generations;
mod hello;
mod network;
mod policy;
mod posture;
mod request_path;
mod requirement;
mod revocation;
mod sources;
mod tls;
pub mod tls_failure;
mod tls_record;
mod unmatched;
mod verdict;
mod waiver;

#[cfg(test)]
mod tests;

pub use cause::Cause;
pub use certificates::{CacheCounts, CertificateSummary, Certificates};
pub use decide::{Case, decide, without_evidence};
pub use facts::{
    CertificateSource, ConnectionFacts, Direction, Evidence, RequestFacts, Transport, host_of,
    ip_of, is_peers_own, sha256_from_hex,
};
pub use generations::Generations;
pub use hello::{ClientHello, Opening, ServerHello, read_client_hello, read_server_hello};
pub use network::Network;
pub use policy::{
    AuthenticationDemand, Collector, Demands, Enforcement, GateLimits, LooksAt, Names,
    PassthroughDemand, PeerDemands, Policy, ReferenceSource, Rule, RuleIndex, RuleSet, Selector,
};
pub use posture::{PostureDemands, StapleException, Staples};
pub use request_path::{obliging_reading, path_of};
pub use requirement::Requirement;
pub use sources::{OnTrouble, RevocationDemands, RevocationSources, StapleProperties};
pub use tls::TlsVersion;
pub use tls_failure::classify_failure;
pub use tls_record::{MAX_ALERTS, MAX_OPENING};
pub use unmatched::Unmatched;
pub use verdict::{Finding, Outcome, UsedWaiver, Verdict};
pub use waiver::{DAY, Waiver, WaiverState, end_of_day};
