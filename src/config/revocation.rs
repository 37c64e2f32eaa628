//! Revocation: whom to ask, and what follows where nobody answers.

use std::rc::Rc;

use super::error::ConfigError;
use super::{Stores, bounded, wire};
use crate::decision::{GateLimits, OnTrouble, RevocationDemands, RevocationSources};
use crate::revocation::Responder;
use crate::revocation::crl::{Crl, Limits, pem};
use crate::trust::{Certificate, Instant, NoHost};

/// The most responders, and the most lists.
const MAX: usize = 256;

/// Whom to ask.
pub fn sources(
    wire: &wire::Revocation,
    stores: &Stores,
    gate: GateLimits,
    at: Instant,
) -> Result<RevocationSources, ConfigError> {
    for (field, count) in [
        ("responders", wire.responders.len()),
        ("crls", wire.crls.len()),
    ] {
        if count > MAX {
            let reason = format!("{count} are more than {MAX}");
            return Err(ConfigError::new(format!("revocation.{field}"), reason));
        }
    }
    let max_wait_ms = bounded("revocation.max_wait_ms", wire.max_wait_ms, 1, 60_000)?;
    let responders = wire.responders.iter().enumerate();
    let issuers = issuers(stores);
    let mut crls = Vec::new();
    for (index, text) in wire.crls.iter().enumerate() {
        let path = format!("revocation.crls[{index}]");
        let wrong = |reason: String| ConfigError::new(&path, reason);
        for der in pem::lists(text.as_bytes()).map_err(|e| wrong(e.to_string()))? {
            let crl = Crl::load(der, &issuers, at, Limits::default(), &NoHost);
            crls.push(Rc::new(crl.map_err(|e| wrong(e.to_string()))?));
        }
    }
    Ok(RevocationSources {
        responders: responders
            .map(|(i, r)| responder(&format!("revocation.responders[{i}]"), r))
            .collect::<Result<_, _>>()?,
        crls,
        // The gate's own deadline stands above.
        max_wait_ms: max_wait_ms.min(gate.timeout_ms),
    })
}

/// What follows from each kind of trouble.
pub fn demands(wire: wire::RevocationDemands) -> RevocationDemands {
    let on = |trouble| match trouble {
        wire::OnTrouble::Deny => OnTrouble::Deny,
        wire::OnTrouble::Allow => OnTrouble::Allow,
    };
    RevocationDemands {
        unknown: on(wire.unknown),
        no_source: on(wire.no_source),
        unreachable: on(wire.unreachable),
        invalid: on(wire.invalid),
        stale: on(wire.stale),
    }
}

fn responder(path: &str, wire: &wire::Responder) -> Result<Responder, ConfigError> {
    let is_host = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
    let host = &wire.host;
    if !(1..=255).contains(&host.len()) || !host.bytes().all(is_host) {
        let reason = format!("{host:?} is no host; write it as in the certificates' URLs");
        return Err(ConfigError::new(format!("{path}.host"), reason));
    }
    let cluster = &wire.cluster;
    if !(1..=256).contains(&cluster.len()) || !cluster.bytes().all(|b| b.is_ascii_graphic()) {
        let reason = format!("{cluster:?} is no name of a cluster");
        return Err(ConfigError::new(format!("{path}.cluster"), reason));
    }
    let host = host.to_ascii_lowercase();
    Ok(Responder {
        host: host.strip_suffix(":80").unwrap_or(&host).into(),
        cluster: cluster.as_str().into(),
        timeout_ms: bounded(&format!("{path}.timeout_ms"), wire.timeout_ms, 1, 60_000)?,
    })
}

/// The CA certificates and intermediates of all stores: who may sign a list.
fn issuers(stores: &Stores) -> Vec<&Certificate> {
    let mut issuers: Vec<&Certificate> = stores
        .values()
        .flat_map(|store| store.anchors().chain(store.intermediates()))
        .collect();
    issuers.sort_unstable_by_key(|c| *c.sha256());
    issuers.dedup_by_key(|c| *c.sha256());
    issuers
}
