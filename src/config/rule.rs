//! Rules: selectors and demands.

use std::collections::HashSet;
use std::rc::Rc;

use super::error::ConfigError;
use super::keys::keys;
use super::revocation;
use super::waiver::waivers;
use super::wire;
use super::{MAX_RULES, Stores, checked_name, enforcement};
use crate::decision::{
    AuthenticationDemand, Demands, Direction, Enforcement, Names, Network, PassthroughDemand,
    PeerDemands, ReferenceSource, RevocationSources, Rule, RuleSet, Selector, TlsVersion,
};
use crate::trust::glob::Glob;
use crate::trust::{KeyRequirements, ReferenceIdentifier, TrustStore};

/// The name of the rule that applies when no other does.
const DEFAULT: &str = "default";

/// What all rules of a direction share.
pub struct Context<'a> {
    pub direction: Direction,
    pub stores: &'a Stores,
    pub default_stores: &'a [String],
    pub enforcement: Enforcement,
    pub revocation: &'a RevocationSources,
}

impl Context<'_> {
    /// The rules of a direction, and the strict default.
    pub fn rules(&self, list: &[wire::Rule]) -> Result<RuleSet, ConfigError> {
        let direction = self.direction.as_str();
        if list.len() > MAX_RULES {
            return Err(ConfigError::new(
                direction,
                format!("{} rules are more than {MAX_RULES}", list.len()),
            ));
        }
        let mut names = HashSet::from([DEFAULT]);
        let mut rules = Vec::with_capacity(list.len());
        for (index, rule) in list.iter().enumerate() {
            let path = format!("{direction}[{index}]");
            checked_name(&format!("{path}.name"), &rule.name)?;
            if !names.insert(&rule.name) {
                return Err(ConfigError::new(
                    format!("{path}.name"),
                    format!("{:?} is the name of another rule", rule.name),
                ));
            }
            rules.push(self.rule(&path, rule)?);
        }
        let default = Rule {
            name: DEFAULT.into(),
            selector: Selector::default(),
            enforcement: self.enforcement,
            demands: Demands {
                min_tls: TlsVersion::Tls12,
                passthrough: None,
                peer: self.default_peer()?,
                authentication: None,
            },
            waivers: Vec::new(),
        };
        Ok(RuleSet::new(rules, default))
    }

    /// Upstream, the strict default demands a certificate of the default
    /// stores, for the name that the connection was meant for.
    fn default_peer(&self) -> Result<Option<PeerDemands>, ConfigError> {
        if self.direction == Direction::Downstream {
            return Ok(None);
        }
        Ok(Some(PeerDemands {
            stores: self.named_stores("default_trust_stores", self.default_stores)?,
            names: Names::Reference(ReferenceSource {
                server_name: true,
                authority: true,
            }),
            keys: KeyRequirements::default(),
            revocation: None,
            forwarded_certificate: false,
        }))
    }

    fn rule(&self, path: &str, rule: &wire::Rule) -> Result<Rule, ConfigError> {
        Ok(Rule {
            name: rule.name.as_str().into(),
            selector: self.selector(&format!("{path}.match"), &rule.matches)?,
            enforcement: rule.mode.map_or(self.enforcement, enforcement),
            demands: self.demands(&format!("{path}.require"), &rule.require)?,
            waivers: waivers(&format!("{path}.waive"), &rule.waive)?,
        })
    }

    fn selector(&self, path: &str, m: &wire::Match) -> Result<Selector, ConfigError> {
        let only = |field: &str, given: bool, direction: Direction| {
            if given && self.direction != direction {
                return Err(ConfigError::new(
                    format!("{path}.{field}"),
                    format!("only {} rules can match on it", direction.as_str()),
                ));
            }
            Ok(())
        };
        only("clusters", m.clusters.is_some(), Direction::Upstream)?;
        only("listeners", m.listeners.is_some(), Direction::Downstream)?;
        only(
            "filter_chains",
            m.filter_chains.is_some(),
            Direction::Downstream,
        )?;
        Ok(Selector {
            clusters: patterns(
                &format!("{path}.clusters"),
                m.clusters.as_deref(),
                Glob::parse_flat,
            )?,
            listeners: patterns(
                &format!("{path}.listeners"),
                m.listeners.as_deref(),
                Glob::parse_flat,
            )?,
            filter_chains: patterns(
                &format!("{path}.filter_chains"),
                m.filter_chains.as_deref(),
                Glob::parse_flat,
            )?,
            server_names: patterns(
                &format!("{path}.server_names"),
                lower(m.server_names.as_deref()).as_deref(),
                Glob::parse_flat,
            )?,
            addresses: patterns(
                &format!("{path}.addresses"),
                m.addresses.as_deref(),
                Network::parse,
            )?,
            hosts: patterns(
                &format!("{path}.hosts"),
                lower(m.hosts.as_deref()).as_deref(),
                Glob::parse_flat,
            )?,
            paths: patterns(&format!("{path}.paths"), m.paths.as_deref(), Glob::parse)?,
        })
    }

    fn demands(&self, path: &str, require: &wire::Require) -> Result<Demands, ConfigError> {
        let min_tls = match &require.min_tls_version {
            None => TlsVersion::Tls12,
            Some(text) => TlsVersion::parse(text).ok_or_else(|| {
                ConfigError::new(
                    format!("{path}.min_tls_version"),
                    format!("{text:?} is no version; use \"1.0\", \"1.1\", \"1.2\" or \"1.3\""),
                )
            })?,
        };
        let passthrough = require
            .passthrough
            .as_ref()
            .map(|p| passthrough(path, require, p))
            .transpose()?;
        let peer = match &require.peer_certificate {
            Some(demand) => Some(self.peer(&format!("{path}.peer_certificate"), demand)?),
            None if passthrough.is_some() => None,
            None => self.default_peer()?,
        };
        let authentication = require
            .client_authentication
            .as_ref()
            .map(|a| self.authentication(&format!("{path}.client_authentication"), a))
            .transpose()?;
        Ok(Demands {
            min_tls,
            passthrough,
            peer,
            authentication,
        })
    }

    fn peer(&self, path: &str, demand: &wire::PeerCertificate) -> Result<PeerDemands, ConfigError> {
        let stores_path = format!("{path}.trust_stores");
        if demand.trust_stores.is_empty() {
            return Err(ConfigError::new(stores_path, "it names no trust store"));
        }
        let stores = self.named_stores(&stores_path, &demand.trust_stores)?;
        let names = self.names(&format!("{path}.names"), demand.names.as_ref(), &stores)?;
        let forwarded_certificate = demand.forwarded_client_cert.is_some();
        if forwarded_certificate && self.direction == Direction::Upstream {
            return Err(ConfigError::new(
                format!("{path}.forwarded_client_cert"),
                "it speaks of clients; only downstream rules can have it",
            ));
        }
        Ok(PeerDemands {
            stores,
            names,
            keys: keys(path, demand)?,
            revocation: demand
                .revocation
                .map(|demands| {
                    let path = format!("{path}.revocation");
                    revocation::demands(&path, demands, self.direction, self.revocation)
                })
                .transpose()?,
            forwarded_certificate,
        })
    }

    fn named_stores(
        &self,
        path: &str,
        names: &[String],
    ) -> Result<Vec<Rc<TrustStore>>, ConfigError> {
        names
            .iter()
            .enumerate()
            .map(|(index, name)| {
                self.stores.get(name).map(Rc::clone).ok_or_else(|| {
                    ConfigError::new(
                        format!("{path}[{index}]"),
                        format!("{name:?} is not among trust_stores"),
                    )
                })
            })
            .collect()
    }

    fn names(
        &self,
        path: &str,
        names: Option<&wire::Names>,
        stores: &[Rc<TrustStore>],
    ) -> Result<Names, ConfigError> {
        let lists = match names {
            None if stores.iter().all(|s| names_its_peers(s)) => return Ok(Names::Any),
            None => {
                return Err(ConfigError::new(
                    path,
                    "it is missing: a CA vouches for many; say which names the peer may present, or \"any\"",
                ));
            }
            Some(wire::Names::Word(word)) => return self.names_by_word(path, word),
            Some(wire::Names::Lists(lists)) => lists,
        };
        let mut references = Vec::new();
        let mut add =
            |kind: &str, list: &[String], read: fn(&str) -> Result<ReferenceIdentifier, String>| {
                for (index, text) in list.iter().enumerate() {
                    references.push(
                        read(text)
                            .map_err(|e| ConfigError::new(format!("{path}.{kind}[{index}]"), e))?,
                    );
                }
                Ok::<(), ConfigError>(())
            };
        add("dns", &lists.dns, |t| of_kind("dns:", t))?;
        add("ip", &lists.ip, |t| of_kind("ip:", t))?;
        add("uri", &lists.uri, |t| of_kind("uri:", t))?;
        add("spiffe", &lists.spiffe, |t| {
            if !t.starts_with("spiffe://") {
                return Err(format!("{t:?} does not begin with \"spiffe://\""));
            }
            of_kind("", t)
        })?;
        add("email", &lists.email, |t| of_kind("email:", t))?;
        if !lists.email.is_empty() && self.direction == Direction::Upstream {
            return Err(ConfigError::new(
                format!("{path}.email"),
                "servers are not known by e-mail addresses; only downstream rules can have it",
            ));
        }
        if references.is_empty() {
            return Err(ConfigError::new(
                path,
                "it names nobody; to accept any name, say \"any\"",
            ));
        }
        Ok(Names::OneOf(references))
    }

    fn names_by_word(&self, path: &str, word: &str) -> Result<Names, ConfigError> {
        let (server_name, authority) = match word {
            "any" => return Ok(Names::Any),
            "server_name" => (true, false),
            "authority" => (false, true),
            "server_name_or_authority" => (true, true),
            _ => {
                return Err(ConfigError::new(
                    path,
                    format!(
                        "{word:?} is neither \"any\", \"server_name\", \"authority\", \"server_name_or_authority\" nor an object of lists"
                    ),
                ));
            }
        };
        if self.direction == Direction::Downstream {
            return Err(ConfigError::new(
                path,
                format!(
                    "{word:?} names the server; only upstream rules can compare the peer with it"
                ),
            ));
        }
        Ok(Names::Reference(ReferenceSource {
            server_name,
            authority,
        }))
    }

    fn authentication(
        &self,
        path: &str,
        demand: &wire::ClientAuthentication,
    ) -> Result<AuthenticationDemand, ConfigError> {
        if self.direction == Direction::Downstream {
            return Err(ConfigError::new(
                path,
                "it speaks of this proxy's own authentication to an upstream; demand peer_certificate of clients",
            ));
        }
        if !demand.certificate && demand.headers.is_empty() {
            return Err(ConfigError::new(
                path,
                "it accepts no way of authentication",
            ));
        }
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        for (index, header) in demand.headers.iter().enumerate() {
            if header.is_empty() || header.len() > 256 || !header.bytes().all(token) {
                return Err(ConfigError::new(
                    format!("{path}.headers[{index}]"),
                    format!("{header:?} is no header name"),
                ));
            }
        }
        Ok(AuthenticationDemand {
            certificate: demand.certificate,
            headers: demand
                .headers
                .iter()
                .map(|h| h.to_ascii_lowercase().into_boxed_str())
                .collect(),
        })
    }
}

fn passthrough(
    path: &str,
    require: &wire::Require,
    demand: &wire::Passthrough,
) -> Result<PassthroughDemand, ConfigError> {
    for (field, given) in [
        ("peer_certificate", require.peer_certificate.is_some()),
        (
            "client_authentication",
            require.client_authentication.is_some(),
        ),
    ] {
        if given {
            return Err(ConfigError::new(
                format!("{path}.{field}"),
                "TLS that Envoy passes on unopened does not show it; leave it or passthrough out",
            ));
        }
    }
    Ok(PassthroughDemand {
        server_names: patterns(
            &format!("{path}.passthrough.server_names"),
            lower(demand.server_names.as_deref()).as_deref(),
            Glob::parse_flat,
        )?,
    })
}

fn lower(patterns: Option<&[String]>) -> Option<Vec<String>> {
    patterns.map(|list| list.iter().map(|p| p.to_ascii_lowercase()).collect())
}

/// Whether a store vouches for chosen peers only, so that a rule needs to name
/// none: it holds pins and no CA, or its CAs vouch for its SPIFFE domains only.
fn names_its_peers(store: &TrustStore) -> bool {
    store.anchors().next().is_none() || !store.spiffe_trust_domains().is_empty()
}

fn of_kind(kind: &str, text: &str) -> Result<ReferenceIdentifier, String> {
    ReferenceIdentifier::parse(&format!("{kind}{text}")).map_err(|e| e.to_string())
}

fn patterns<T, E: ToString>(
    path: &str,
    texts: Option<&[String]>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Vec<T>, ConfigError> {
    let Some(texts) = texts else {
        return Ok(Vec::new());
    };
    if texts.is_empty() {
        return Err(ConfigError::new(
            path,
            "it is empty, and so matches nothing; leave it out to match everything",
        ));
    }
    texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            parse(text).map_err(|e| ConfigError::new(format!("{path}[{index}]"), e.to_string()))
        })
        .collect()
}
