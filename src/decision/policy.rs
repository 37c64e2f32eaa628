//! The validated policy: what the configuration turns into, and the only form
//! in which the rest of the plugin ever sees it.

use std::borrow::Cow;
use std::rc::Rc;

use super::facts::{ConnectionFacts, Direction, RequestFacts};
use super::network::Network;
use super::posture::PostureDemands;
use super::request_path::obliging_reading;
use super::sources::{RevocationDemands, RevocationSources};
use super::tls::TlsVersion;
use super::waiver::Waiver;
use crate::trust::glob::Glob;
use crate::trust::{KeyRequirements, ReferenceIdentifier, TrustStore};

/// What a finding leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Enforcement {
    /// A denial is answered by the plugin.
    Enforce,
    /// A denial is decided, logged and counted the same, and let through.
    Report,
}

/// A complete, validated policy.
#[derive(Debug)]
pub struct Policy {
    /// Demands on downstream connections.
    pub downstream: RuleSet,
    /// Demands on upstream connections.
    pub upstream: RuleSet,
    /// How far the peer's clock may be from ours.
    pub clock_skew_seconds: u32,
    /// A certificate with less than this many seconds left is warned of.
    pub expiry_warning_seconds: i64,
    /// Bounds of the upstream gate.
    pub gate: GateLimits,
    /// Where events go besides the log.
    pub collector: Option<Collector>,
    /// Whom to ask whether a certificate is revoked.
    pub revocation: RevocationSources,
    /// Where to look at the proxy's own TLS.
    pub posture: Option<PostureDemands>,
}

/// An OpenTelemetry collector: a receiver of OTLP logs over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    /// The Envoy cluster that leads to it.
    pub cluster: Box<str>,
    /// The request's authority.
    pub authority: Box<str>,
    /// The path of its logs endpoint.
    pub path: Box<str>,
    /// Milliseconds before a request is given up.
    pub timeout_ms: u32,
}

impl Policy {
    /// The rules of a direction.
    pub const fn rules(&self, direction: Direction) -> &RuleSet {
        match direction {
            Direction::Downstream => &self.downstream,
            Direction::Upstream => &self.upstream,
        }
    }
}

/// Bounds of the upstream gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateLimits {
    /// A request that waits longer for its connection is denied.
    pub timeout_ms: u32,
    /// Requests that may wait at once in one worker; the next is denied.
    pub max_pending: u32,
}

/// The rules of one direction, in order; the last one is the strict default
/// and matches everything.
#[derive(Debug)]
pub struct RuleSet {
    rules: Vec<Rc<Rule>>,
    default: (RuleIndex, Rc<Rule>),
    looks_at: LooksAt,
}

/// Which facts the rules of a direction look at, so that no other fact is
/// asked of the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LooksAt {
    /// Cluster names.
    pub cluster: bool,
    /// The proxy's own address.
    pub listener: bool,
    /// Filter chain names.
    pub filter_chain: bool,
    /// The handshake's server name, to select.
    pub server_name: bool,
    /// The peer's address.
    pub peer_address: bool,
    /// The request's authority, to select or as reference identifier.
    pub host: bool,
    /// The request's path.
    pub path: bool,
    /// Whether the proxy has a client certificate for the connection.
    pub local_certificate: bool,
    /// The ClientHello of a connection that the proxy does not open.
    pub client_hello: bool,
    /// Whether the peer stapled an OCSP response.
    pub staple: bool,
}

/// The position of a rule in its [`RuleSet`].
pub type RuleIndex = u16;

impl RuleSet {
    /// A set of these rules, which end with the default.
    pub fn new(rules: Vec<Rule>, default: Rule) -> Self {
        let mut rules: Vec<Rc<Rule>> = rules.into_iter().map(Rc::new).collect();
        let default = Rc::new(default);
        let default_index = RuleIndex::try_from(rules.len()).unwrap_or(RuleIndex::MAX);
        rules.push(Rc::clone(&default));
        let mut looks_at = LooksAt::default();
        for rule in &rules {
            looks_at.add(rule);
        }
        Self {
            rules,
            default: (default_index, default),
            looks_at,
        }
    }

    /// The strict default, which applies when no other rule does.
    pub const fn default_rule(&self) -> (RuleIndex, &Rc<Rule>) {
        (self.default.0, &self.default.1)
    }

    #[cfg(test)]
    pub(crate) fn default_rule_mut(&mut self) -> Option<&mut Rule> {
        // The list holds the other reference.
        self.rules.pop();
        Rc::get_mut(&mut self.default.1)
    }

    /// Which facts these rules look at.
    pub const fn looks_at(&self) -> LooksAt {
        self.looks_at
    }

    /// The rule at a position that [`RuleSet::candidates`] gave.
    pub fn rule(&self, index: RuleIndex) -> Option<&Rc<Rule>> {
        self.rules.get(usize::from(index))
    }

    /// All rules in order, the default last.
    pub fn iter(&self) -> impl Iterator<Item = &Rc<Rule>> {
        self.rules.iter()
    }

    /// The rules that can be the first match for some request on a connection
    /// with these facts: in order, up to and including the first that needs
    /// nothing of the request. Never empty: the default matches everything.
    pub fn candidates(&self, facts: &ConnectionFacts) -> Vec<RuleIndex> {
        let mut found = Vec::new();
        for (index, rule) in (0..).zip(&self.rules) {
            if rule.selector.matches_connection(facts) {
                found.push(index);
                if !rule.selector.looks_at_request() {
                    break;
                }
            }
        }
        found
    }

    /// The first of `candidates` that matches the request; the default where
    /// none does.
    pub fn first_match(
        &self,
        candidates: &[RuleIndex],
        request: &RequestFacts,
    ) -> (RuleIndex, &Rc<Rule>) {
        candidates
            .iter()
            .filter_map(|index| Some((*index, self.rule(*index)?)))
            .find(|(_, rule)| rule.selector.matches_request(request))
            .unwrap_or_else(|| self.default_rule())
    }

    /// Whether another reading of the request's path leads to another rule than
    /// `rule`, its first match.
    pub fn is_read_otherwise(
        &self,
        candidates: &[RuleIndex],
        request: &RequestFacts,
        rule: RuleIndex,
    ) -> bool {
        let Some(path) = &request.path else {
            return false;
        };
        match obliging_reading(path) {
            Cow::Borrowed(_) => false,
            Cow::Owned(reading) => {
                let request = RequestFacts {
                    path: Some(reading),
                    ..request.clone()
                };
                self.first_match(candidates, &request).0 != rule
            }
        }
    }

    /// The credential headers that some rule names, lower case.
    pub fn credential_headers(&self) -> impl Iterator<Item = &str> {
        self.rules
            .iter()
            .filter_map(|rule| rule.demands.authentication.as_ref())
            .flat_map(|a| a.headers.iter().map(|h| &**h))
    }
}

impl LooksAt {
    /// Everything.
    pub const ALL: Self = Self {
        cluster: true,
        listener: true,
        filter_chain: true,
        server_name: true,
        peer_address: true,
        host: true,
        path: true,
        local_certificate: true,
        client_hello: true,
        staple: true,
    };

    fn add(&mut self, rule: &Rule) {
        let s = &rule.selector;
        self.cluster |= !s.clusters.is_empty();
        self.listener |= !s.listeners.is_empty();
        self.filter_chain |= !s.filter_chains.is_empty();
        self.server_name |= !s.server_names.is_empty();
        self.peer_address |= !s.addresses.is_empty();
        self.host |= !s.hosts.is_empty();
        self.path |= !s.paths.is_empty();
        if let Some(peer) = &rule.demands.peer
            && let Names::Reference(source) = &peer.names
        {
            self.host |= source.authority;
        }
        self.client_hello |= rule.demands.passthrough.is_some();
        let revocation = rule.demands.peer.as_ref().and_then(|p| p.revocation);
        self.staple |= revocation.is_some_and(|r| r.staple_required);
        self.local_certificate |= rule
            .demands
            .authentication
            .as_ref()
            .is_some_and(|a| a.certificate);
    }
}

/// A rule: whom it is about, what it demands, what it waives.
#[derive(Debug)]
pub struct Rule {
    /// Unique within its direction.
    pub name: Box<str>,
    /// Whom it is about.
    pub selector: Selector,
    /// What a finding leads to.
    pub enforcement: Enforcement,
    /// What it demands.
    pub demands: Demands,
    /// What it waives.
    pub waivers: Vec<Waiver>,
}

impl Rule {
    /// Whether it compares the peer's names with the handshake's server name.
    pub fn refers_to_server_name(&self) -> bool {
        self.demands
            .peer
            .as_ref()
            .is_some_and(|peer| matches!(peer.reference_source(), Some(from) if from.server_name))
    }

    /// Whether its verdict can differ between requests of this connection.
    pub fn depends_on_request(&self, facts: &ConnectionFacts) -> bool {
        // The authority is the reference name only where no server name is.
        let has_server_name = facts.server_name.as_ref().is_some_and(|n| !n.is_empty());
        let names_the_authority = |peer: &PeerDemands| {
            peer.reference_source()
                .is_some_and(|from| from.authority && !(from.server_name && has_server_name))
        };
        let demands = &self.demands;
        self.selector.looks_at_request()
            || demands.peer.as_ref().is_some_and(names_the_authority)
            || demands
                .authentication
                .as_ref()
                .is_some_and(|a| !a.headers.is_empty())
    }
}

/// Which connections and requests a rule is about. An empty list matches
/// everything; a list matches when one of its patterns does; all lists must
/// match.
#[derive(Debug, Default)]
pub struct Selector {
    /// Cluster names.
    pub clusters: Vec<Glob>,
    /// The proxy's own address, `ip:port`.
    pub listeners: Vec<Glob>,
    /// Filter chain names.
    pub filter_chains: Vec<Glob>,
    /// Server names of the handshake, lower case.
    pub server_names: Vec<Glob>,
    /// Peer addresses.
    pub addresses: Vec<Network>,
    /// Hosts of the request, lower case.
    pub hosts: Vec<Glob>,
    /// Paths of the request.
    pub paths: Vec<Glob>,
}

impl Selector {
    /// Whether the rule looks at more than the connection.
    pub const fn looks_at_request(&self) -> bool {
        !self.hosts.is_empty() || !self.paths.is_empty()
    }

    fn matches_connection(&self, facts: &ConnectionFacts) -> bool {
        matches(&self.clusters, facts.cluster.as_deref())
            && matches(&self.listeners, facts.listener.as_deref())
            && matches(&self.filter_chains, facts.filter_chain.as_deref())
            && matches(&self.server_names, facts.server_name.as_deref())
            && any_contains(&self.addresses, facts)
    }

    fn matches_request(&self, request: &RequestFacts) -> bool {
        matches(&self.hosts, request.host.as_deref())
            && matches(&self.paths, request.path.as_deref())
    }
}

pub(super) fn matches(patterns: &[Glob], value: Option<&str>) -> bool {
    patterns.is_empty() || value.is_some_and(|v| patterns.iter().any(|p| p.matches(v)))
}

pub(super) fn any_contains(networks: &[Network], facts: &ConnectionFacts) -> bool {
    networks.is_empty()
        || facts
            .peer_ip()
            .is_some_and(|ip| networks.iter().any(|n| n.contains(ip)))
}

/// What a rule demands of a connection.
#[derive(Debug)]
pub struct Demands {
    /// The oldest protocol version allowed (V9.2.2).
    pub min_tls: TlsVersion,
    /// TLS that the proxy does not open is allowed, and nothing else.
    pub passthrough: Option<PassthroughDemand>,
    /// What the peer's certificate must satisfy (V9.2.1; downstream also
    /// V9.2.3, for a demanded certificate authenticates the client).
    pub peer: Option<PeerDemands>,
    /// Upstream: how the proxy must authenticate itself (V9.2.3).
    pub authentication: Option<AuthenticationDemand>,
}

/// What a ClientHello must show that the proxy passes on unopened, besides the
/// versions.
#[derive(Debug)]
pub struct PassthroughDemand {
    /// The server name must be one of these; any or none where it is empty.
    pub server_names: Vec<Glob>,
}

/// What a peer's certificate must satisfy.
#[derive(Debug)]
pub struct PeerDemands {
    /// The stores that may vouch for it.
    pub stores: Vec<Rc<TrustStore>>,
    /// The names it must present.
    pub names: Names,
    /// Strength of the leaf's key.
    pub keys: KeyRequirements,
    /// That it is not revoked (V9.2.4).
    pub revocation: Option<RevocationDemands>,
    /// Downstream: this Envoy sets `x-forwarded-client-cert`, so its last
    /// element may carry the certificate where the host does not expose it.
    pub forwarded_certificate: bool,
}

impl PeerDemands {
    /// Where the name that the peer must present comes from, if a name of the
    /// connection or request can make a difference: without a store none does.
    fn reference_source(&self) -> Option<ReferenceSource> {
        match &self.names {
            Names::Reference(source) if !self.stores.is_empty() => Some(*source),
            _ => None,
        }
    }
}

/// The names a peer must present.
#[derive(Debug)]
pub enum Names {
    /// Whatever the trust store vouches for.
    Any,
    /// One of these.
    OneOf(Vec<ReferenceIdentifier>),
    /// The name that the connection or request was meant for.
    Reference(ReferenceSource),
}

/// Where the reference identifier comes from; the first that is present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferenceSource {
    /// The server name of the handshake.
    pub server_name: bool,
    /// The request's authority.
    pub authority: bool,
}

/// How the proxy must authenticate itself to an upstream: any of these.
#[derive(Debug)]
pub struct AuthenticationDemand {
    /// A client certificate is configured for the connection.
    pub certificate: bool,
    /// One of these headers is in the outgoing request, lower case.
    pub headers: Vec<Box<str>>,
}
