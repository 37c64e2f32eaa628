//! Why a rule does not match, for people who ask.

use super::facts::{ConnectionFacts, RequestFacts};
use super::network::Network;
use super::policy::{Selector, any_contains, matches};
use crate::trust::glob::Glob;

/// A list of a rule's `match` that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    /// The list's name in the policy.
    pub field: &'static str,
    /// Its patterns.
    pub patterns: Vec<String>,
    /// The fact; `None` where it is not known, which no pattern fits.
    pub value: Option<String>,
}

impl Selector {
    /// The lists that do not fit; none where the rule matches.
    pub fn unmatched(&self, facts: &ConnectionFacts, request: &RequestFacts) -> Vec<Unmatched> {
        let globs = [
            ("clusters", &self.clusters, &facts.cluster),
            ("listeners", &self.listeners, &facts.listener),
            ("filter_chains", &self.filter_chains, &facts.filter_chain),
            ("server_names", &self.server_names, &facts.server_name),
            ("hosts", &self.hosts, &request.host),
            ("paths", &self.paths, &request.path),
        ];
        let mut unmatched: Vec<Unmatched> = globs
            .into_iter()
            .filter(|(_, patterns, value)| !matches(patterns, value.as_deref()))
            .map(|(field, patterns, value)| Unmatched {
                field,
                patterns: patterns.iter().map(Glob::to_string).collect(),
                value: value.clone(),
            })
            .collect();
        if !any_contains(&self.addresses, facts) {
            unmatched.push(Unmatched {
                field: "addresses",
                patterns: self.addresses.iter().map(Network::to_string).collect(),
                value: facts.peer_address.clone(),
            });
        }
        unmatched
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::decision::{Demands, Enforcement, Rule, RuleSet, TlsVersion};

    /// Every selector and every case that these values make: the lists that do not
    /// fit are none just where the rule is the first match.
    #[test]
    fn a_rule_matches_where_no_list_does_not_fit() {
        let texts = [None, Some("a"), Some("b")];
        let patterns = [&[][..], &["a"], &["*"]];
        let addresses = [None, Some("10.0.0.1:80"), Some("/run/x.sock")];
        let networks = [&[][..], &["10.0.0.0/8"], &["192.0.2.0/24"]];
        for bits in 0..3_usize.pow(7) {
            let digit = |place: u32| bits / 3_usize.pow(place) % 3;
            let globs = |place| {
                let list = *patterns.get(digit(place)).unwrap();
                list.iter().map(|p| Glob::parse(p).unwrap()).collect()
            };
            let list = *networks.get(digit(2)).unwrap();
            let selector = || Selector {
                clusters: globs(0),
                hosts: globs(1),
                addresses: list.iter().map(|n| Network::parse(n).unwrap()).collect(),
                paths: globs(6),
                ..Selector::default()
            };
            let text = |place| texts.get(digit(place)).unwrap().map(str::to_owned);
            let address = addresses.get(digit(3)).unwrap().map(str::to_owned);
            let facts = ConnectionFacts {
                cluster: text(4),
                peer_address: address,
                ..ConnectionFacts::default()
            };
            let request = RequestFacts {
                host: text(5),
                path: Some("a".to_owned()),
                ..RequestFacts::default()
            };
            let rule = |name: &str, selector| Rule {
                name: name.into(),
                selector,
                enforcement: Enforcement::Enforce,
                demands: Demands {
                    min_tls: TlsVersion::Tls12,
                    passthrough: None,
                    peer: None,
                    authentication: None,
                },
                waivers: Vec::new(),
            };
            let rules = RuleSet::new(
                vec![rule("r", selector())],
                rule("default", Selector::default()),
            );
            let is_first = rules.first_match(&rules.candidates(&facts), &request).0 == 0;
            let unmatched = selector().unmatched(&facts, &request);
            assert_eq!(is_first, unmatched.is_empty(), "{unmatched:?} {facts:?}");
        }
    }

    #[test]
    fn every_list_is_told_by_name() {
        let glob = || vec![Glob::parse("x").unwrap()];
        let selector = Selector {
            clusters: glob(),
            listeners: glob(),
            filter_chains: glob(),
            server_names: glob(),
            addresses: vec![Network::parse("10.0.0.0/8").unwrap()],
            hosts: glob(),
            paths: glob(),
        };
        let facts = ConnectionFacts {
            peer_address: Some("192.0.2.1:1".to_owned()),
            ..ConnectionFacts::default()
        };
        let unmatched = selector.unmatched(&facts, &RequestFacts::default());
        let fields: Vec<&str> = unmatched.iter().map(|u| u.field).collect();
        assert_eq!(
            fields,
            [
                "clusters",
                "listeners",
                "filter_chains",
                "server_names",
                "hosts",
                "paths",
                "addresses"
            ]
        );
        let last = unmatched.last().unwrap();
        assert_eq!(last.patterns, ["10.0.0.0/8"]);
        assert_eq!(last.value.as_deref(), Some("192.0.2.1:1"));
    }
}
