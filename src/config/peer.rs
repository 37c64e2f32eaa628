//! Demands on a peer's certificate.

use std::rc::Rc;

use super::error::{ConfigError, Errors, all};
use super::keys::keys;
use super::revocation;
use super::rule::Context;
use super::wire;
use crate::decision::{Direction, Names, PeerDemands, ReferenceSource};
use crate::trust::{ReferenceIdentifier, TrustStore};

impl Context<'_> {
    /// What a `peer_certificate` at `path` demands.
    pub(super) fn peer(
        &self,
        path: &str,
        demand: &wire::PeerCertificate,
        errors: &mut Errors,
    ) -> Option<PeerDemands> {
        let stores_path = format!("{path}.trust_stores");
        let stores = if demand.trust_stores.is_empty() {
            errors.add(ConfigError::new(stores_path, "it names no trust store"));
            None
        } else {
            self.named_stores(&stores_path, &demand.trust_stores, errors)
        };
        let names = self.names(
            &format!("{path}.names"),
            demand.names.as_ref(),
            stores.as_deref(),
            errors,
        );
        let keys = keys(path, demand, errors);
        let forwarded_certificate = demand.forwarded_client_cert.is_some();
        if forwarded_certificate && self.direction == Direction::Upstream {
            errors.add(ConfigError::new(
                format!("{path}.forwarded_client_cert"),
                "it speaks of clients; only downstream rules can have it",
            ));
        }
        let revocation = match demand.revocation {
            Some(demands) => {
                let path = format!("{path}.revocation");
                let sources = self.revocation;
                let demands = revocation::demands(&path, demands, self.direction, sources);
                errors.note(demands).map(Some)
            }
            None => Some(None),
        };
        Some(PeerDemands {
            stores: stores?,
            names: names?,
            keys: keys?,
            revocation: revocation?,
            forwarded_certificate,
        })
    }

    fn names(
        &self,
        path: &str,
        names: Option<&wire::Names>,
        stores: Option<&[Rc<TrustStore>]>,
        errors: &mut Errors,
    ) -> Option<Names> {
        let lists = match names {
            None if stores?.iter().all(|s| names_its_peers(s)) => return Some(Names::Any),
            None => {
                errors.add(ConfigError::new(
                    path,
                    "it is missing: a CA vouches for many; say which names the peer may present, or \"any\"",
                ));
                return None;
            }
            Some(wire::Names::Word(word)) => {
                return errors.note(self.names_by_word(path, word));
            }
            Some(wire::Names::Lists(lists)) => lists,
        };
        let mut read =
            |kind: &str, list: &[String], read: fn(&str) -> Result<ReferenceIdentifier, String>| {
                all(list.iter().enumerate().map(|(index, text)| {
                    let path = format!("{path}.{kind}[{index}]");
                    errors.note(read(text).map_err(|e| ConfigError::new(path, e)))
                }))
            };
        let kinds = [
            read("dns", &lists.dns, |t| of_kind("dns:", t)),
            read("ip", &lists.ip, |t| of_kind("ip:", t)),
            read("uri", &lists.uri, |t| of_kind("uri:", t)),
            read("spiffe", &lists.spiffe, |t| {
                if !t.starts_with("spiffe://") {
                    return Err(format!("{t:?} does not begin with \"spiffe://\""));
                }
                of_kind("", t)
            }),
            read("email", &lists.email, |t| of_kind("email:", t)),
        ];
        if !lists.email.is_empty() && self.direction == Direction::Upstream {
            errors.add(ConfigError::new(
                format!("{path}.email"),
                "servers are not known by e-mail addresses; only downstream rules can have it",
            ));
        }
        let references = all(kinds)?.concat();
        if references.is_empty() {
            errors.add(ConfigError::new(
                path,
                "it names nobody; to accept any name, say \"any\"",
            ));
            return None;
        }
        Some(Names::OneOf(references))
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
}

/// Whether a store vouches for chosen peers only, so that a rule needs to name
/// none: it holds pins and no CA, or its CAs vouch for its SPIFFE domains only.
fn names_its_peers(store: &TrustStore) -> bool {
    store.anchors().next().is_none() || !store.spiffe_trust_domains().is_empty()
}

fn of_kind(kind: &str, text: &str) -> Result<ReferenceIdentifier, String> {
    ReferenceIdentifier::parse(&format!("{kind}{text}")).map_err(|e| e.to_string())
}
