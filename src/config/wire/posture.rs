//! The proxy's own TLS.

use serde::Deserialize;

use crate::config::object::objects;

/// Where to look at Envoy's own certificates and staples, and what is demanded of
/// them.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Posture {
    /// The Envoy cluster that leads to the admin interface.
    pub cluster: String,
    /// The requests' authority; where it is left out, the cluster's name.
    #[serde(default)]
    pub authority: Option<String>,
    /// Seconds from one look to the next.
    #[serde(default = "default_interval")]
    pub interval_seconds: u32,
    /// Milliseconds before a request is given up.
    #[serde(default = "default_admin_timeout")]
    pub timeout_ms: u32,
    /// Whether certificates must carry OCSP staples.
    #[serde(default)]
    pub staples: Staples,
    /// Certificates of which the opposite of `staples` is demanded.
    #[serde(default)]
    pub staple_exceptions: Vec<StapleException>,
    /// A staple with fewer hours left is told of.
    #[serde(default = "default_staple_warning")]
    pub staple_warning_hours: u32,
}

/// Prometheus's default between two scrapes: what is told is no older than what
/// the metrics beside it show.
const fn default_interval() -> u32 {
    60
}

/// A thread that answers a scrape of all stats may be busy for a second or two.
const fn default_admin_timeout() -> u32 {
    5_000
}

/// A day to find out why nobody renews it. Responders of public CAs sign for
/// a week or so, and are asked again after half of it.
const fn default_staple_warning() -> u32 {
    24
}

/// Whether certificates must carry OCSP staples.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case")]
pub enum Staples {
    /// They must.
    #[default]
    Required,
    /// They may.
    Optional,
}

/// Certificates of which the opposite of `staples` is demanded. Where both fields are
/// there, both must fit; one must be there.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct StapleException {
    /// Patterns, of which one must fit a subject alternative name (DNS, URI, IP
    /// address).
    #[serde(default)]
    pub names: Option<Vec<String>>,
    /// Patterns of the files that certificates come from.
    #[serde(default)]
    pub paths: Option<Vec<String>>,
}

objects! { Posture, StapleException }
