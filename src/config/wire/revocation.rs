//! Revocation: whom to ask, and what follows where nobody answers.

use serde::Deserialize;

use crate::config::object::objects;

/// Whom to ask whether certificates are revoked.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default, remote = "Self")]
pub struct Revocation {
    /// OCSP responders that may be asked. A URL in a certificate only chooses among
    /// them.
    pub responders: Vec<Responder>,
    /// PEM: complete CRLs of CAs in the trust stores.
    pub crls: Vec<String>,
    /// Where CRLs are fetched from.
    pub crl_sources: Vec<CrlSource>,
    /// OCSP responses: base64 of the DER.
    pub ocsp_responses: Vec<String>,
    /// Where a host or a filter shows the OCSP responses that peers stapled; Envoy
    /// alone shows none.
    pub staple_properties: StapleProperties,
    /// Milliseconds that a peer waits for the first evidence about its certificate; at
    /// most `gate.timeout_ms`.
    pub max_wait_ms: u32,
}

/// Paths of properties, part by part: a filter state is a path of one part.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default, remote = "Self")]
pub struct StapleProperties {
    /// The property path for clients.
    pub downstream: Vec<String>,
    /// The property path for servers.
    pub upstream: Vec<String>,
}

/// Where a list is fetched from.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct CrlSource {
    /// Its URL, `http` only: the list is signed.
    pub url: String,
    /// The Envoy cluster that leads there.
    pub cluster: String,
    /// Seconds after which it is fetched anew at the latest.
    #[serde(default = "default_crl_refresh")]
    pub refresh_seconds: u32,
    /// Milliseconds before a request is given up.
    #[serde(default = "default_crl_timeout")]
    pub timeout_ms: u32,
    /// The largest list that is taken, in bytes.
    #[serde(default = "default_crl_bytes")]
    pub max_bytes: u32,
}

/// An hour: CAs publish a list every few hours to days.
const fn default_crl_refresh() -> u32 {
    3_600
}

/// Time for some megabytes from far away.
const fn default_crl_timeout() -> u32 {
    30_000
}

/// What the largest lists of public CAs have, twice.
const fn default_crl_bytes() -> u32 {
    16 << 20
}

impl Default for Revocation {
    fn default() -> Self {
        Self {
            responders: Vec::new(),
            crls: Vec::new(),
            crl_sources: Vec::new(),
            ocsp_responses: Vec::new(),
            staple_properties: StapleProperties::default(),
            // Long enough for a responder on another continent and a packet that
            // is lost; a client waits for it once for each new peer.
            max_wait_ms: 3_000,
        }
    }
}

/// An OCSP responder.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Responder {
    /// The host in the certificates' OCSP URLs (`http` only), with its port where that
    /// is not 80.
    pub host: String,
    /// The Envoy cluster that leads to it.
    pub cluster: String,
    /// Milliseconds before a request is given up.
    #[serde(default = "default_responder_timeout")]
    pub timeout_ms: u32,
    /// Whether each question has a nonce, which its answer must have.
    #[serde(default)]
    pub nonce: bool,
}

/// Less than `max_wait_ms`, so that a responder that hangs is known as such
/// before its peers are denied.
const fn default_responder_timeout() -> u32 {
    2_500
}

/// What follows where it is not known whether a certificate is revoked.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default, remote = "Self")]
pub struct RevocationDemands {
    /// Where the responder does not know the certificate.
    pub unknown: OnTrouble,
    /// Where neither the certificate nor the policy names a source that may be used.
    pub no_source: OnTrouble,
    /// Where no source answers, or not in time.
    pub unreachable: OnTrouble,
    /// Where the answer does not hold: form, signature, signer, certificate.
    pub invalid: OnTrouble,
    /// Where the answer or CRL is of the past.
    pub stale: OnTrouble,
    /// Whether the peer must staple an OCSP response that holds.
    pub staple: Staple,
    /// Whether the CAs of the path are asked about, too, all but the trust anchor.
    pub whole_path: bool,
}

/// Whether the peer must staple an OCSP response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case")]
pub enum Staple {
    /// It may.
    #[default]
    Optional,
    /// It must.
    Required,
}

/// What follows from one kind of trouble.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case")]
pub enum OnTrouble {
    /// Denied.
    #[default]
    Deny,
    /// Let through, with a warning.
    Allow,
}

objects! { Revocation, StapleProperties, CrlSource, Responder, RevocationDemands }
