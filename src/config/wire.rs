//! The policy as JSON: shapes only. Every field is checked in `parse`, where
//! an error can name its path.

mod posture;
mod revocation;

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::object::objects;

pub use posture::{Posture, StapleException, Staples};
pub use revocation::{CrlSource, OnTrouble, Responder, Revocation, RevocationDemands, Staple};

/// The whole document.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Policy {
    /// The version of this format.
    pub version: u32,
    /// `enforce` (default) or `report`.
    #[serde(default)]
    pub mode: Mode,
    /// Named stores.
    #[serde(default)]
    pub trust_stores: Vec<TrustStore>,
    /// Stores of the strict default.
    #[serde(default)]
    pub default_trust_stores: Vec<String>,
    /// How far a peer's clock may be off.
    #[serde(default = "default_skew")]
    pub clock_skew_seconds: u32,
    /// When to warn of a certificate's end.
    #[serde(default = "default_warning")]
    pub expiry_warning_days: u32,
    /// Bounds of the upstream gate.
    #[serde(default)]
    pub gate: Gate,
    /// Where events go besides the log.
    #[serde(default)]
    pub collector: Option<Collector>,
    /// Whom to ask whether certificates are revoked.
    #[serde(default)]
    pub revocation: Revocation,
    /// Where to look at the proxy's own TLS.
    #[serde(default)]
    pub posture: Option<Posture>,
    /// Rules for clients.
    #[serde(default)]
    pub downstream: Vec<Rule>,
    /// Rules for servers.
    #[serde(default)]
    pub upstream: Vec<Rule>,
}

/// Five minutes: what Kerberos tolerates (RFC 4120), and browsers' habit.
const fn default_skew() -> u32 {
    300
}

/// Two weeks: a third of the life that certificates will have from 2029
/// (47 days, CA/Browser Forum ballot SC-081).
const fn default_warning() -> u32 {
    14
}

/// What a finding leads to.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Deny.
    #[default]
    Enforce,
    /// Log and let through.
    Report,
}

/// A named trust store.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct TrustStore {
    /// Its name.
    pub name: String,
    /// PEM: trust anchors.
    #[serde(default)]
    pub ca_certificates: Option<String>,
    /// PEM: intermediates that peers need, since Envoy shows the leaf only.
    #[serde(default)]
    pub intermediate_certificates: Option<String>,
    /// PEM: certificates trusted as they are, and no other by them.
    #[serde(default)]
    pub pinned_certificates: Option<String>,
    /// SHA-256 of certificates trusted as they are, hexadecimal.
    #[serde(default)]
    pub pinned_certificate_sha256: Vec<String>,
    /// SHA-256 of public keys (SPKI), hexadecimal or base64.
    #[serde(default)]
    pub pinned_public_key_sha256: Vec<String>,
    /// The store vouches for SPIFFE identities of these domains only.
    #[serde(default)]
    pub spiffe_trust_domains: Vec<String>,
}

/// Bounds of the upstream gate.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default, remote = "Self")]
pub struct Gate {
    /// Milliseconds before a waiting request is denied.
    pub timeout_ms: u32,
    /// Requests that may wait in one worker.
    pub max_pending: u32,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            // Twice Envoy's default connect_timeout (5 s), so that Envoy's own
            // time-out, which names the reason, comes first.
            timeout_ms: 10_000,
            // Envoy's default max_pending_requests of a cluster.
            max_pending: 1_024,
        }
    }
}

/// A receiver of OTLP logs over HTTP.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Collector {
    /// The Envoy cluster that leads to it.
    pub cluster: String,
    /// The request's authority; the cluster's name unless told.
    #[serde(default)]
    pub authority: Option<String>,
    /// The path.
    #[serde(default = "default_path")]
    pub path: String,
    /// Milliseconds before a request is given up.
    #[serde(default = "default_export_timeout")]
    pub timeout_ms: u32,
}

/// The path that OTLP/HTTP has for logs.
fn default_path() -> String {
    "/v1/logs".to_owned()
}

/// The default of `OTEL_EXPORTER_OTLP_TIMEOUT`.
const fn default_export_timeout() -> u32 {
    10_000
}

/// A rule.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Rule {
    /// Unique in its list.
    pub name: String,
    /// Overrides the policy's.
    #[serde(default)]
    pub mode: Option<Mode>,
    /// Whom it is about.
    #[serde(default, rename = "match")]
    pub matches: Match,
    /// What it demands.
    #[serde(default)]
    pub require: Require,
    /// What it waives.
    #[serde(default)]
    pub waive: Vec<Waiver>,
}

/// Whom a rule is about.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default, remote = "Self")]
pub struct Match {
    /// Globs of cluster names.
    pub clusters: Option<Vec<String>>,
    /// Globs of the proxy's own `ip:port`.
    pub listeners: Option<Vec<String>>,
    /// Globs of filter chain names.
    pub filter_chains: Option<Vec<String>>,
    /// Globs of server names (SNI).
    pub server_names: Option<Vec<String>>,
    /// Ranges of peer addresses.
    pub addresses: Option<Vec<String>>,
    /// Globs of request hosts.
    pub hosts: Option<Vec<String>>,
    /// Globs of request paths.
    pub paths: Option<Vec<String>>,
}

/// What a rule demands.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default, remote = "Self")]
pub struct Require {
    /// `1.0` to `1.3`.
    pub min_tls_version: Option<String>,
    /// TLS that Envoy passes on unopened.
    pub passthrough: Option<Passthrough>,
    /// Of the peer's certificate.
    pub peer_certificate: Option<PeerCertificate>,
    /// Of the proxy's own authentication, upstream.
    pub client_authentication: Option<ClientAuthentication>,
}

/// TLS that Envoy passes on unopened: what its ClientHello must show.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default, remote = "Self")]
pub struct Passthrough {
    /// Globs of server names, of which it must ask for one.
    pub server_names: Option<Vec<String>>,
}

/// What a peer's certificate must satisfy.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct PeerCertificate {
    /// Names of stores.
    pub trust_stores: Vec<String>,
    /// `"any"`, `"server_name"`, `"authority"`, `"server_name_or_authority"`,
    /// or lists.
    #[serde(default)]
    pub names: Option<Names>,
    /// Bits of an RSA key, at least.
    #[serde(default)]
    pub min_rsa_bits: Option<u16>,
    /// `P-256`, `P-384`, `P-521`.
    #[serde(default)]
    pub curves: Option<Vec<String>>,
    /// `required` (default), or `if_present` for private PKIs that leave the
    /// extension out.
    #[serde(default)]
    pub extended_key_usage: Option<ExtendedKeyUsage>,
    /// That it is not revoked.
    #[serde(default)]
    pub revocation: Option<RevocationDemands>,
    /// `"set_by_this_envoy"`: the certificate may come from
    /// `x-forwarded-client-cert`.
    #[serde(default)]
    pub forwarded_client_cert: Option<ForwardedClientCert>,
}

/// Whether the certificate must name serverAuth or clientAuth.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExtendedKeyUsage {
    /// It must.
    Required,
    /// Only where it names purposes at all.
    IfPresent,
}

/// Who sets `x-forwarded-client-cert`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ForwardedClientCert {
    /// The Envoy that runs this plugin.
    SetByThisEnvoy,
}

/// The names a peer must present.
#[derive(Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged))]
pub enum Names {
    /// A word.
    Word(String),
    /// Lists.
    Lists(NameLists),
}

// By hand, since an untagged enum would lose the path and the reason of an
// error inside the lists.
impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrLists;

        impl<'de> Visitor<'de> for WordOrLists {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word such as \"any\", or lists of names")
            }

            fn visit_str<E>(self, word: &str) -> Result<Names, E> {
                Ok(Names::Word(word.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Names, A::Error> {
                NameLists::deserialize(MapAccessDeserializer::new(map)).map(Names::Lists)
            }
        }

        deserializer.deserialize_any(WordOrLists)
    }
}

/// The names a peer must present, one of all of these.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default, remote = "Self")]
pub struct NameLists {
    /// DNS names; `*.example.com` for one label.
    pub dns: Vec<String>,
    /// IP addresses.
    pub ip: Vec<String>,
    /// URI globs.
    pub uri: Vec<String>,
    /// SPIFFE ids, globs in the path.
    pub spiffe: Vec<String>,
    /// E-mail addresses, or `@domain`; clients only.
    pub email: Vec<String>,
}

/// How the proxy must authenticate itself, any of these.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default, remote = "Self")]
pub struct ClientAuthentication {
    /// A client certificate is configured.
    pub certificate: bool,
    /// One of these headers is in the request.
    pub headers: Vec<String>,
}

/// A named exception.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Waiver {
    /// What is waived.
    pub controls: Vec<String>,
    /// Why.
    pub reason: String,
    /// The last day, `YYYY-MM-DD`.
    pub until: String,
}

objects! {
    Policy, TrustStore, Gate, Collector, Rule, Match, Require, Passthrough,
    PeerCertificate, NameLists, ClientAuthentication, Waiver,
}
