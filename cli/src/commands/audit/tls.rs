//! What a TLS context says of either side.

use super::hop::Hop;
use super::rules::Rule;
use crate::envoy::{At, Config, Validation, fault_of_ca, validation};

const VERSIONS: [&str; 5] = ["TLS_AUTO", "TLSv1_0", "TLSv1_1", "TLSv1_2", "TLSv1_3"];

const ACCEPT: &str = "ACCEPT_UNTRUSTED";

/// Whose certificates are verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    Server,
    Client,
}

/// TLS that begins where either side asks for it.
pub fn starttls(hop: &mut Hop, path: &str) {
    hop.fact("transport", "STARTTLS");
    hop.find(Rule::StartTls, path, "the transport socket is STARTTLS");
}

/// A transport socket of a kind that says nothing to us.
pub fn unknown(hop: &mut Hop, path: &str, kind: String) {
    hop.find(
        Rule::TransportUnknown,
        path,
        format!("{kind} is not known here"),
    );
    hop.fact("transport", kind);
}

/// The oldest version, and the newest.
pub fn versions(hop: &mut Hop, context: &At<'_>, is_client: bool) {
    let params = context.at(&["common_tls_context", "tls_params"]);
    let of = |field| {
        let version = params.as_ref()?.one_of(field, &VERSIONS)?;
        (version != "TLS_AUTO").then(|| version.into_owned())
    };
    let minimum = of("tls_minimum_protocol_version");
    let maximum = of("tls_maximum_protocol_version");
    // Envoy's own: 1.2, and as a client nothing newer.
    let newest = if is_client { "TLSv1_2" } else { "TLSv1_3" };
    let range = (
        minimum.as_deref().unwrap_or("TLSv1_2"),
        maximum.as_deref().unwrap_or(newest),
    );
    hop.fact("TLS", format!("{} to {}", plain(range.0), plain(range.1)));
    let path = params.map_or_else(|| context.path.clone(), |p| p.path);
    for version in [range.0, range.1] {
        if matches!(version, "TLSv1_0" | "TLSv1_1") {
            let detail = format!("TLS {} is allowed", plain(version));
            return hop.find(Rule::TlsTooOld, &path, detail);
        }
    }
}

fn plain(version: &str) -> String {
    let digits = version.strip_prefix("TLSv").unwrap_or(version);
    digits.replace('_', ".")
}

/// Whether the peer's certificate is verified, and how.
pub fn verification(
    hop: &mut Hop,
    context: &At<'_>,
    config: &Config<'_>,
    peer: Peer,
    has_automatic_names: bool,
) {
    let common = context.get("common_tls_context");
    let validation = validation(common.as_ref(), &config.secrets);
    let path = validation.path().unwrap_or(&context.path).to_owned();
    let anchor = validation.anchor();
    let is_pinned = validation.is_pinned();
    for name in &validation.unresolved {
        let detail = format!("secret {name:?} comes by SDS");
        hop.find(Rule::ValidationUnknown, &path, detail);
    }
    let is_open = !validation.unresolved.is_empty();
    if anchor.is_none() && !is_pinned && !is_open {
        hop.fact("verified", "no");
        let detail = match validation.contexts.is_empty() {
            true => "there is no validation_context",
            false => "the validation_context has neither trusted_ca nor pins",
        };
        hop.find(Rule::PeerNotVerified, &path, detail);
        trust(hop, &validation);
        return revocation(hop, &validation, &path, is_open);
    }
    if let Some(ca) = validation.get("trusted_ca")
        && let Some(fault) = fault_of_ca(&ca)
    {
        hop.find(Rule::CaEmpty, &ca.path, fault);
    }
    let by = match &anchor {
        Some(anchor) => anchor
            .path
            .rsplit('.')
            .next()
            .unwrap_or_default()
            .to_owned(),
        None if is_pinned => "pins".to_owned(),
        None => "what comes by SDS".to_owned(),
    };
    hop.fact("verified", format!("by {by}"));
    trust(hop, &validation);
    let is_named = validation.names() || has_automatic_names || is_pinned;
    if peer == Peer::Server {
        hop.fact("names", if is_named { "compared" } else { "not compared" });
        if !is_named && !is_open {
            let detail = "there is neither match_typed_subject_alt_names nor auto_san_validation";
            hop.find(Rule::NameNotVerified, &path, detail);
        }
    }
    revocation(hop, &validation, &path, is_open);
}

fn trust(hop: &mut Hop, validation: &Validation<'_>) {
    let mut contexts = validation.contexts.iter();
    let accepts = |context: &&At<'_>| {
        let names = ["VERIFY_TRUST_CHAIN", ACCEPT];
        context
            .one_of("trust_chain_verification", &names)
            .as_deref()
            == Some(ACCEPT)
    };
    if let Some(context) = contexts.find(accepts) {
        hop.find(
            Rule::UntrustedAccepted,
            &context.path,
            "trust_chain_verification: ACCEPT_UNTRUSTED",
        );
    }
    if let Some(at) = validation.get("allow_expired_certificate")
        && at.value == &serde_json::Value::Bool(true)
    {
        hop.find(
            Rule::ExpiredAccepted,
            &at.path,
            "allow_expired_certificate: true",
        );
    }
}

fn revocation(hop: &mut Hop, validation: &Validation<'_>, path: &str, is_open: bool) {
    let has_crl = validation.get("crl").is_some();
    hop.fact("CRL", if has_crl { "yes" } else { "no" });
    if !has_crl && !is_open {
        hop.find(Rule::NoRevocation, path, "no CRL is configured");
    }
}

/// Whether a context has a certificate of Envoy's own.
pub fn has_certificate(context: &At<'_>) -> bool {
    let Some(common) = context.get("common_tls_context") else {
        return false;
    };
    [
        "tls_certificates",
        "tls_certificate_sds_secret_configs",
        "tls_certificate_provider_instance",
        "tls_certificate_certificate_provider_instance",
        "custom_tls_certificate_selector",
    ]
    .iter()
    .any(|field| !common.list(field).is_empty())
}
