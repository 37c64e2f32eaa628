//! Rules: selectors and demands.

use std::collections::HashSet;
use std::rc::Rc;

use super::error::{ConfigError, Errors, all};
use super::waiver::waivers;
use super::wire;
use super::{MAX_RULES, Stores, checked_name, enforcement};
use crate::decision::{
    AuthenticationDemand, Demands, Direction, Enforcement, Names, Network, PassthroughDemand,
    PeerDemands, ReferenceSource, RevocationSources, Rule, RuleSet, Selector, TlsVersion,
};
use crate::trust::glob::Glob;
use crate::trust::{KeyRequirements, TrustStore};

/// The name of the rule that applies when no other does.
const DEFAULT: &str = "default";

/// What all rules of a direction share.
pub struct Context<'a> {
    pub direction: Direction,
    pub stores: &'a Stores,
    pub default_stores: &'a [String],
    pub enforcement: Enforcement,
    /// `None` where it is wrong, which is an error of its own.
    pub revocation: Option<&'a RevocationSources>,
}

impl Context<'_> {
    /// The rules of a direction, and the strict default.
    pub fn rules(&self, list: &[wire::Rule], errors: &mut Errors) -> Option<RuleSet> {
        let direction = self.direction.as_str();
        if list.len() > MAX_RULES {
            errors.add(ConfigError::new(
                direction,
                format!("{} rules are more than {MAX_RULES}", list.len()),
            ));
            return None;
        }
        let mut names = HashSet::from([DEFAULT]);
        let rules = all(list.iter().enumerate().map(|(index, rule)| {
            let path = format!("{direction}[{index}]");
            errors.note(checked_name(&format!("{path}.name"), &rule.name));
            if !names.insert(&rule.name) {
                errors.add(ConfigError::new(
                    format!("{path}.name"),
                    format!("{:?} is the name of another rule", rule.name),
                ));
            }
            self.rule(&path, rule, errors)
        }));
        let peer = self.default_peer(errors);
        let default = Rule {
            name: DEFAULT.into(),
            selector: Selector::default(),
            enforcement: self.enforcement,
            demands: Demands {
                min_tls: TlsVersion::Tls12,
                passthrough: None,
                peer: peer?,
                authentication: None,
            },
            waivers: Vec::new(),
        };
        Some(RuleSet::new(rules?, default))
    }

    /// Upstream, the strict default demands a certificate of the default
    /// stores, for the name that the connection was meant for.
    fn default_peer(&self, errors: &mut Errors) -> Option<Option<PeerDemands>> {
        if self.direction == Direction::Downstream {
            return Some(None);
        }
        let stores = self.named_stores("default_trust_stores", self.default_stores, errors)?;
        Some(Some(PeerDemands {
            stores,
            names: Names::Reference(ReferenceSource {
                server_name: true,
                authority: true,
            }),
            keys: KeyRequirements::default(),
            revocation: None,
            forwarded_certificate: false,
        }))
    }

    fn rule(&self, path: &str, rule: &wire::Rule, errors: &mut Errors) -> Option<Rule> {
        let selector = self.selector(&format!("{path}.match"), &rule.matches, errors);
        let demands = self.demands(&format!("{path}.require"), &rule.require, errors);
        let waivers = waivers(&format!("{path}.waive"), &rule.waive, errors);
        Some(Rule {
            name: rule.name.as_str().into(),
            selector: selector?,
            enforcement: rule.mode.map_or(self.enforcement, enforcement),
            demands: demands?,
            waivers: waivers?,
        })
    }

    fn selector(&self, path: &str, m: &wire::Match, errors: &mut Errors) -> Option<Selector> {
        let mut only = |field: &str, given: bool, direction: Direction| {
            if given && self.direction != direction {
                errors.add(ConfigError::new(
                    format!("{path}.{field}"),
                    format!("only {} rules can match on it", direction.as_str()),
                ));
            }
        };
        only("clusters", m.clusters.is_some(), Direction::Upstream);
        only("listeners", m.listeners.is_some(), Direction::Downstream);
        only(
            "filter_chains",
            m.filter_chains.is_some(),
            Direction::Downstream,
        );
        let mut flat = |field: &str, texts: Option<&[String]>| {
            patterns(&format!("{path}.{field}"), texts, Glob::parse_flat, errors)
        };
        let clusters = flat("clusters", m.clusters.as_deref());
        let listeners = flat("listeners", m.listeners.as_deref());
        let filter_chains = flat("filter_chains", m.filter_chains.as_deref());
        let server_names = flat("server_names", lower(m.server_names.as_deref()).as_deref());
        let hosts = flat("hosts", lower(m.hosts.as_deref()).as_deref());
        let addresses = patterns(
            &format!("{path}.addresses"),
            m.addresses.as_deref(),
            Network::parse,
            errors,
        );
        let paths = patterns(
            &format!("{path}.paths"),
            m.paths.as_deref(),
            Glob::parse,
            errors,
        );
        Some(Selector {
            clusters: clusters?,
            listeners: listeners?,
            filter_chains: filter_chains?,
            server_names: server_names?,
            addresses: addresses?,
            hosts: hosts?,
            paths: paths?,
        })
    }

    fn demands(&self, path: &str, require: &wire::Require, errors: &mut Errors) -> Option<Demands> {
        let min_tls = match &require.min_tls_version {
            None => Some(TlsVersion::Tls12),
            Some(text) => errors.note(TlsVersion::parse(text).ok_or_else(|| {
                ConfigError::new(
                    format!("{path}.min_tls_version"),
                    format!("{text:?} is no version; use \"1.0\", \"1.1\", \"1.2\" or \"1.3\""),
                )
            })),
        };
        let passthrough = match &require.passthrough {
            None => Some(None),
            Some(demand) => passthrough(path, require, demand, errors).map(Some),
        };
        let peer = match &require.peer_certificate {
            Some(demand) => self
                .peer(&format!("{path}.peer_certificate"), demand, errors)
                .map(Some),
            None if require.passthrough.is_some() => Some(None),
            // Its errors are those of the strict default, told there.
            None => self.default_peer(&mut Errors::at_most(1)),
        };
        let authentication = match &require.client_authentication {
            None => Some(None),
            Some(demand) => self
                .authentication(&format!("{path}.client_authentication"), demand, errors)
                .map(Some),
        };
        Some(Demands {
            min_tls: min_tls?,
            passthrough: passthrough?,
            peer: peer?,
            authentication: authentication?,
        })
    }

    pub(super) fn named_stores(
        &self,
        path: &str,
        names: &[String],
        errors: &mut Errors,
    ) -> Option<Vec<Rc<TrustStore>>> {
        all(names.iter().enumerate().map(|(index, name)| {
            let known = self.stores.get(name);
            if known.is_none() {
                errors.add(ConfigError::new(
                    format!("{path}[{index}]"),
                    format!("{name:?} is not among trust_stores"),
                ));
            }
            known.cloned().flatten()
        }))
    }

    fn authentication(
        &self,
        path: &str,
        demand: &wire::ClientAuthentication,
        errors: &mut Errors,
    ) -> Option<AuthenticationDemand> {
        if self.direction == Direction::Downstream {
            errors.add(ConfigError::new(
                path,
                "it speaks of this proxy's own authentication to an upstream; demand peer_certificate of clients",
            ));
            return None;
        }
        if !demand.certificate && demand.headers.is_empty() {
            errors.add(ConfigError::new(
                path,
                "it accepts no way of authentication",
            ));
            return None;
        }
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        let headers = demand.headers.iter().enumerate().map(|(index, header)| {
            if header.is_empty() || header.len() > 256 || !header.bytes().all(token) {
                errors.add(ConfigError::new(
                    format!("{path}.headers[{index}]"),
                    format!("{header:?} is no header name"),
                ));
                return None;
            }
            Some(header.to_ascii_lowercase().into_boxed_str())
        });
        Some(AuthenticationDemand {
            certificate: demand.certificate,
            headers: all(headers)?,
        })
    }
}

fn passthrough(
    path: &str,
    require: &wire::Require,
    demand: &wire::Passthrough,
    errors: &mut Errors,
) -> Option<PassthroughDemand> {
    for (field, given) in [
        ("peer_certificate", require.peer_certificate.is_some()),
        (
            "client_authentication",
            require.client_authentication.is_some(),
        ),
    ] {
        if given {
            errors.add(ConfigError::new(
                format!("{path}.{field}"),
                "TLS that Envoy passes on unopened does not show it; leave it or passthrough out",
            ));
        }
    }
    Some(PassthroughDemand {
        server_names: patterns(
            &format!("{path}.passthrough.server_names"),
            lower(demand.server_names.as_deref()).as_deref(),
            Glob::parse_flat,
            errors,
        )?,
    })
}

fn lower(patterns: Option<&[String]>) -> Option<Vec<String>> {
    patterns.map(|list| list.iter().map(|p| p.to_ascii_lowercase()).collect())
}

/// The patterns of a list; none where there is no list.
pub fn patterns<T, E: ToString>(
    path: &str,
    texts: Option<&[String]>,
    parse: impl Fn(&str) -> Result<T, E>,
    errors: &mut Errors,
) -> Option<Vec<T>> {
    let Some(texts) = texts else {
        return Some(Vec::new());
    };
    if texts.is_empty() {
        errors.add(ConfigError::new(
            path,
            "it is empty, and so matches nothing; leave it out to match everything",
        ));
        return None;
    }
    all(texts.iter().enumerate().map(|(index, text)| {
        errors.note(
            parse(text).map_err(|e| ConfigError::new(format!("{path}[{index}]"), e.to_string())),
        )
    }))
}
