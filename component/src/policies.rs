//! Policies, and what they say of connections.

use hopguard_engine::document::Document;
use hopguard_engine::explanation::{decide, explain};
use hopguard_engine::stores;

use crate::Engine;
use crate::bindings::exports::hopguard::decision::{policies, types};
use crate::catalog;
use crate::facts::{direction, facts};
use crate::told;

/// A policy that the plugin accepts.
pub struct Policy(Document);

impl policies::Guest for Engine {
    type Policy = Policy;
}

impl policies::GuestPolicy for Policy {
    fn parse(json: String, now: i64) -> Result<policies::Policy, Vec<types::PolicyError>> {
        Document::read(&json, now)
            .map(|document| policies::Policy::new(Self(document)))
            .map_err(|errors| errors.into_iter().map(told::policy_error).collect())
    }

    fn decide(
        &self,
        connection: types::Connection,
        now: i64,
    ) -> Result<types::Verdict, types::ImpossibleFacts> {
        let facts = facts(connection)?;
        Ok(told::verdict(decide(&self.0.policy, facts, now)))
    }

    fn explain(
        &self,
        connection: types::Connection,
        now: i64,
    ) -> Result<types::Explanation, types::ImpossibleFacts> {
        let Document { json, policy } = &self.0;
        let facts = facts(connection)?;
        Ok(told::explanation(explain(policy, json, facts, now)))
    }

    fn rules(&self, of: types::Direction, now: i64) -> Vec<types::Rule> {
        let rules = self.0.rules(direction(of));
        rules.iter().map(|rule| told::rule(rule, now)).collect()
    }

    fn needed_facts(&self, of: types::Direction) -> types::NeededFacts {
        told::needed_facts(&self.0, direction(of))
    }

    fn trust(&self, certificate: Vec<u8>, now: i64) -> Result<Vec<types::StoreVerdict>, String> {
        let certificate = catalog::read(certificate)?;
        let Document { json, policy } = &self.0;
        stores::verdicts(policy, json, &certificate, now)
            .map(|all| all.into_iter().map(told::store_verdict).collect())
            .map_err(|errors| match errors.first() {
                Some(error) => error.to_string(),
                None => "the trust stores cannot be read".to_owned(),
            })
    }
}
