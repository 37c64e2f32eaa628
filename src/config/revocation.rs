//! Revocation: whom to ask, and what follows where nobody answers.

use std::rc::Rc;

use data_encoding::BASE64;

use super::error::ConfigError;
use super::{Stores, bounded, visible, wire};
use crate::decision::{
    Direction, OnTrouble, RevocationDemands, RevocationSources, StapleProperties,
};
use crate::revocation::crl::{Crl, Limits, pem};
use crate::revocation::ocsp::MAX_RESPONSE;
use crate::revocation::{ListSource, Responder, split_http};
use crate::trust::{Certificate, Instant, NoHost};

/// The most responders, and the most lists.
const MAX: usize = 256;

/// Whom to ask.
pub fn sources(
    wire: &wire::Revocation,
    stores: &Stores,
    gate_timeout_ms: u32,
    at: Instant,
) -> Result<RevocationSources, ConfigError> {
    for (field, count) in [
        ("responders", wire.responders.len()),
        ("crls", wire.crls.len()),
        ("crl_sources", wire.crl_sources.len()),
        ("ocsp_responses", wire.ocsp_responses.len()),
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
    let responders: Vec<Responder> = responders
        .map(|(i, r)| responder(&format!("revocation.responders[{i}]"), r))
        .collect::<Result<_, _>>()?;
    unique(responders.iter().map(|r| &*r.host), |i| {
        format!("revocation.responders[{i}].host")
    })?;
    let crl_sources = wire.crl_sources.iter().enumerate();
    let crl_sources: Vec<ListSource> = crl_sources
        .map(|(i, s)| crl_source(&format!("revocation.crl_sources[{i}]"), s))
        .collect::<Result<_, _>>()?;
    unique(crl_sources.iter().map(|s| &*s.url), |i| {
        format!("revocation.crl_sources[{i}].url")
    })?;
    let responses = wire.ocsp_responses.iter().enumerate();
    Ok(RevocationSources {
        responders,
        crls,
        crl_issuers: match crl_sources.is_empty() {
            true => Rc::new([]),
            false => issuers.into_iter().cloned().collect(),
        },
        crl_sources,
        ocsp_responses: responses
            .map(|(i, text)| response(&format!("revocation.ocsp_responses[{i}]"), text))
            .collect::<Result<_, _>>()?,
        staples: StapleProperties {
            downstream: property("downstream", &wire.staple_properties.downstream)?,
            upstream: property("upstream", &wire.staple_properties.upstream)?,
        },
        // The gate's own deadline stands above.
        max_wait_ms: max_wait_ms.min(gate_timeout_ms),
    })
}

/// What a rule demands. `path` is that of the demand.
pub fn demands(
    path: &str,
    wire: wire::RevocationDemands,
    direction: Direction,
    sources: Option<&RevocationSources>,
) -> Result<RevocationDemands, ConfigError> {
    let on = |trouble| match trouble {
        wire::OnTrouble::Deny => OnTrouble::Deny,
        wire::OnTrouble::Allow => OnTrouble::Allow,
    };
    let demands = RevocationDemands {
        unknown: on(wire.unknown),
        no_source: on(wire.no_source),
        unreachable: on(wire.unreachable),
        invalid: on(wire.invalid),
        stale: on(wire.stale),
        staple_required: wire.staple == wire::Staple::Required,
        whole_path: wire.whole_path,
    };
    let Some(sources) = sources else {
        return Ok(demands);
    };
    let staple = sources.staples.of(direction);
    if demands.staple_required && staple.is_none() {
        let reason = format!(
            "\"required\" denies every peer: revocation.staple_properties.{} does not say where staples are",
            direction.as_str()
        );
        return Err(ConfigError::new(format!("{path}.staple"), reason));
    }
    let has_source = !sources.responders.is_empty()
        || !sources.crls.is_empty()
        || !sources.crl_sources.is_empty()
        || !sources.ocsp_responses.is_empty()
        || staple.is_some();
    if !has_source && demands.no_source == OnTrouble::Deny {
        let reason = "denies every peer: the policy's revocation names no source (responders, crls, crl_sources, ocsp_responses, staple_properties)";
        return Err(ConfigError::new(path, reason));
    }
    Ok(demands)
}

/// Refuses what is there twice: the second would do nothing.
fn unique<'a>(
    all: impl Iterator<Item = &'a str>,
    path: impl Fn(usize) -> String,
) -> Result<(), ConfigError> {
    let mut seen = hashbrown::HashSet::new();
    for (index, one) in all.enumerate() {
        if !seen.insert(one) {
            let reason = format!("{one:?} is there twice");
            return Err(ConfigError::new(path(index), reason));
        }
    }
    Ok(())
}

fn crl_source(path: &str, wire: &wire::CrlSource) -> Result<ListSource, ConfigError> {
    let Some((authority, url_path)) = split_http(&wire.url).filter(|_| wire.url.len() <= 2_048)
    else {
        let reason = format!("{:?} is no http URL", wire.url);
        return Err(ConfigError::new(format!("{path}.url"), reason));
    };
    let cluster = cluster(path, &wire.cluster)?;
    // The list is fetched again within a week, whatever it says of itself.
    let refresh = bounded(
        &format!("{path}.refresh_seconds"),
        wire.refresh_seconds,
        1,
        604_800,
    )?;
    let max = u32::try_from(Limits::default().bytes).unwrap_or(u32::MAX);
    let max_bytes = bounded(&format!("{path}.max_bytes"), wire.max_bytes, 1, max)?;
    Ok(ListSource {
        url: wire.url.as_str().into(),
        cluster,
        authority: authority.into(),
        path: if url_path.is_empty() { "/" } else { url_path }.into(),
        refresh_seconds: refresh.into(),
        timeout_ms: bounded(&format!("{path}.timeout_ms"), wire.timeout_ms, 1, 600_000)?,
        max_bytes: usize::try_from(max_bytes).unwrap_or(0),
    })
}

fn response(path: &str, text: &str) -> Result<Vec<u8>, ConfigError> {
    let compact: String = text.split_ascii_whitespace().collect();
    let der = BASE64
        .decode(compact.as_bytes())
        .map_err(|error| ConfigError::new(path, format!("no base64: {error}")))?;
    if der.len() > MAX_RESPONSE || der.first() != Some(&0x30) {
        let reason = format!("no OCSP response in DER of up to {MAX_RESPONSE} bytes");
        return Err(ConfigError::new(path, reason));
    }
    Ok(der)
}

fn property(side: &str, parts: &[String]) -> Result<Option<Box<[u8]>>, ConfigError> {
    if parts.is_empty() {
        return Ok(None);
    }
    let is_part = |part: &String| (1..=256).contains(&part.len()) && !part.contains('\0');
    if parts.len() > 8 || !parts.iter().all(is_part) {
        let reason = "a property is a path of 1 to 8 parts of 1 to 256 bytes";
        let path = format!("revocation.staple_properties.{side}");
        return Err(ConfigError::new(path, reason));
    }
    Ok(Some(parts.join("\0").into_bytes().into()))
}

fn cluster(path: &str, name: &str) -> Result<Box<str>, ConfigError> {
    visible(format!("{path}.cluster"), name, "name of a cluster")
}

fn responder(path: &str, wire: &wire::Responder) -> Result<Responder, ConfigError> {
    let is_host = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
    let host = &wire.host;
    if !(1..=255).contains(&host.len()) || !host.bytes().all(is_host) {
        let reason = format!("{host:?} is no host; write it as in the certificates' URLs");
        return Err(ConfigError::new(format!("{path}.host"), reason));
    }
    let cluster = cluster(path, &wire.cluster)?;
    let host = host.to_ascii_lowercase();
    Ok(Responder {
        host: host.strip_suffix(":80").unwrap_or(&host).into(),
        cluster,
        timeout_ms: bounded(&format!("{path}.timeout_ms"), wire.timeout_ms, 1, 60_000)?,
        nonce: wire.nonce,
    })
}

/// The CA certificates and intermediates of all stores: who may sign a list.
fn issuers(stores: &Stores) -> Vec<&Certificate> {
    let mut issuers: Vec<&Certificate> = stores
        .values()
        .flatten()
        .flat_map(|store| store.anchors().chain(store.intermediates()))
        .collect();
    issuers.sort_unstable_by_key(|c| *c.sha256());
    issuers.dedup_by_key(|c| *c.sha256());
    issuers
}
