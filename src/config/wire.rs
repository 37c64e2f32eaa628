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
    /// The version of this format: `1`.
    pub version: u32,
    /// What follows from a finding, for rules that do not say it themselves.
    #[serde(default)]
    pub mode: Mode,
    /// What rules may trust, by name.
    #[serde(default)]
    pub trust_stores: Vec<TrustStore>,
    /// Names of the stores that the strict default trusts upstream.
    #[serde(default)]
    pub default_trust_stores: Vec<String>,
    /// Seconds that the clock of a peer, CA or responder may be off.
    #[serde(default = "default_skew")]
    pub clock_skew_seconds: u32,
    /// A certificate that is let through with fewer days left is warned of.
    #[serde(default = "default_warning")]
    pub expiry_warning_days: u32,
    /// How long and how many requests may wait for their connection to the server.
    #[serde(default)]
    pub gate: Gate,
    /// The OpenTelemetry collector that gets the events, besides the log.
    #[serde(default)]
    pub collector: Option<Collector>,
    /// Whom to ask whether certificates are revoked. No rule asks unless it says so.
    #[serde(default)]
    pub revocation: Revocation,
    /// Where the role `posture` looks at Envoy's own certificates and staples.
    #[serde(default)]
    pub posture: Option<Posture>,
    /// Rules for the connections of clients; the first that matches decides.
    #[serde(default)]
    pub downstream: Vec<Rule>,
    /// Rules for the connections to servers; the first that matches decides.
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, serde::Serialize))]
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
    /// Its name, unique; rules trust it by that.
    pub name: String,
    /// PEM: trust anchors. They must be valid CA certificates today.
    #[serde(default)]
    pub ca_certificates: Option<String>,
    /// PEM: CA certificates between the anchors and the peers. Envoy shows the
    /// leaf only, so what a peer sends along does not help.
    #[serde(default)]
    pub intermediate_certificates: Option<String>,
    /// PEM: certificates trusted as they are, such as self-signed ones; nothing
    /// that they sign is trusted.
    #[serde(default)]
    pub pinned_certificates: Option<String>,
    /// Certificates trusted as they are, by the SHA-256 of their DER, hexadecimal or
    /// base64.
    #[serde(default)]
    pub pinned_certificate_sha256: Vec<String>,
    /// Certificates with these public keys: SHA-256 of the SPKI, hexadecimal or
    /// base64.
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
    /// Milliseconds that a request or TCP connection may wait before it is denied.
    pub timeout_ms: u32,
    /// Requests or TCP connections that may wait in one worker; the next is denied.
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
    /// The requests' authority; where it is left out, the cluster's name.
    #[serde(default)]
    pub authority: Option<String>,
    /// The requests' path.
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
    /// Its name, in events and metrics; unique in its list, and not `default`.
    pub name: String,
    /// What follows from a finding; where it is left out, what the policy's `mode` says.
    #[serde(default)]
    pub mode: Option<Mode>,
    /// Which connections and requests it is about; where it is left out, all.
    #[serde(default, rename = "match")]
    pub matches: Match,
    /// What it demands of them.
    #[serde(default)]
    pub require: Require,
    /// Exceptions by name of the control, with a reason and a last day.
    #[serde(default)]
    pub waive: Vec<Waiver>,
}

/// Whom a rule is about. Every list that is there must fit; a list fits where one
/// of its patterns does.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default, remote = "Self")]
pub struct Match {
    /// Upstream only: patterns of the cluster's name.
    pub clusters: Option<Vec<String>>,
    /// Downstream only: patterns of the proxy's own `ip:port` that the client reached.
    pub listeners: Option<Vec<String>>,
    /// Downstream only: patterns of the filter chain's name.
    pub filter_chains: Option<Vec<String>>,
    /// Patterns of the server name (SNI) of the handshake; upstream from Envoy 1.39 on.
    pub server_names: Option<Vec<String>>,
    /// The peer's IP address, as `10.0.0.0/8`.
    pub addresses: Option<Vec<String>>,
    /// Patterns of the request's authority, lower case and without port.
    pub hosts: Option<Vec<String>>,
    /// Patterns of the request's path, without query; `*` stops at `/`, `**` does not.
    pub paths: Option<Vec<String>>,
}

/// What a rule demands.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default, remote = "Self")]
pub struct Require {
    /// The oldest version of TLS that is accepted (V9.2.2).
    pub min_tls_version: Option<String>,
    /// TLS that Envoy passes on unopened, and nothing else. Excludes
    /// `peer_certificate` and `client_authentication`.
    pub passthrough: Option<Passthrough>,
    /// What the peer's certificate must satisfy (V9.2.1). Where it is left out:
    /// upstream what the strict default demands, downstream nothing.
    pub peer_certificate: Option<PeerCertificate>,
    /// Upstream only: how this proxy must authenticate itself (V9.2.3).
    pub client_authentication: Option<ClientAuthentication>,
}

/// TLS that Envoy passes on unopened: what its ClientHello must show.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default, remote = "Self")]
pub struct Passthrough {
    /// Patterns, of which the ClientHello must name one; where it is left out, any
    /// server name or none.
    pub server_names: Option<Vec<String>>,
}

/// What a peer's certificate must satisfy.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct PeerCertificate {
    /// Names of stores, of which one must vouch for the certificate.
    pub trust_stores: Vec<String>,
    /// The names that the peer must present one of. May be left out only where the
    /// stores hold nothing but pins, or name SPIFFE trust domains.
    #[serde(default)]
    pub names: Option<Names>,
    /// Bits that an RSA key must have at least.
    #[serde(default)]
    pub min_rsa_bits: Option<u16>,
    /// The curves that an ECDSA key may be of.
    #[serde(default)]
    pub curves: Option<Vec<String>>,
    /// Whether the certificate must name serverAuth (a server's) or clientAuth (a
    /// client's).
    #[serde(default)]
    pub extended_key_usage: Option<ExtendedKeyUsage>,
    /// That it is not revoked (V9.2.4), and what follows where that is not known.
    /// Where it is left out, only certificates that say must-staple are looked up.
    #[serde(default)]
    pub revocation: Option<RevocationDemands>,
    /// Downstream only: where Envoy does not expose the certificate (before 1.38), it
    /// is taken from `x-forwarded-client-cert`, if its digest is the connection's.
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
    /// Only where it names purposes at all, as private CAs may leave the extension out.
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

/// The names that a peer must present one of.
#[derive(Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged))]
pub enum Names {
    /// `any` name will do; or, upstream only, the name that the connection was meant
    /// for: the `server_name` (SNI), the request's `authority`, or the former, else the
    /// latter.
    Word(String),
    /// Names, by their kind.
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

/// Names by their kind, one of which must be among the certificate's subject
/// alternative names.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default, remote = "Self")]
pub struct NameLists {
    /// DNS names; `*.example.com` accepts any one label in the place of `*`.
    pub dns: Vec<String>,
    /// IP addresses.
    pub ip: Vec<String>,
    /// Patterns of URIs.
    pub uri: Vec<String>,
    /// SPIFFE IDs; the path may have `*` (within a segment) and `**`.
    pub spiffe: Vec<String>,
    /// Downstream only: e-mail addresses, or `@domain` for all of a domain.
    pub email: Vec<String>,
}

/// How this proxy must authenticate itself: one of these will do.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default, remote = "Self")]
pub struct ClientAuthentication {
    /// By a client certificate that Envoy has configured for the connection.
    pub certificate: bool,
    /// By one of these headers in the request; its value is never read.
    pub headers: Vec<String>,
}

/// A named exception.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Waiver {
    /// The controls that are waived. Plaintext upstream breaks V9.2.1, too.
    pub controls: Vec<String>,
    /// Why; it stands in the events.
    pub reason: String,
    /// The last day (UTC), `YYYY-MM-DD`. After it the waiver is worth nothing.
    pub until: String,
}

objects! {
    Policy, TrustStore, Gate, Collector, Rule, Match, Require, Passthrough,
    PeerCertificate, NameLists, ClientAuthentication, Waiver,
}
