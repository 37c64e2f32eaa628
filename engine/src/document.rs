//! From the text of a policy to a policy, and what its rules are.

use hopguard::config::{self, ConfigError};
use hopguard::decision::{
    ConnectionFacts, Direction, Enforcement, Policy, RequestFacts, Rule, Unmatched, Waiver,
};
use serde_json::{Value, json};

/// A policy that the plugin accepts, with the document that it came from.
#[derive(Debug)]
pub struct Document {
    /// The policy as JSON.
    pub json: Value,
    /// What the plugin reads in it.
    pub policy: Policy,
}

impl Document {
    /// Reads a policy as the plugin does. `now` (seconds since the Unix epoch) decides whether
    /// trust anchors are valid.
    ///
    /// # Errors
    /// Each field that is wrong, and why, [`config::MAX_ERRORS`] at most.
    pub fn read(text: &str, now: i64) -> Result<Self, Vec<ConfigError>> {
        // The plugin's own entry has the word; what tells all errors at once is slower, and
        // takes a document with two fields of one name for one.
        let first = match config::parse(text.as_bytes(), now) {
            Ok(policy) => {
                let json = serde_json::from_str(text)
                    .map_err(|error| vec![ConfigError::new("", error.to_string())])?;
                return Ok(Self { json, policy });
            }
            Err(first) => first,
        };
        if text.len() > config::MAX_BYTES {
            return Err(vec![first]);
        }
        let Ok(json) = serde_json::from_str::<Value>(text) else {
            return Err(vec![first]);
        };
        match config::check(&json, now) {
            Err(errors) if !errors.is_empty() => Err(errors),
            _ => Err(vec![first]),
        }
    }

    /// The rules of a direction in order; the strict default is the last.
    pub fn rules(&self, direction: Direction) -> Vec<RuleOf<'_>> {
        let rules = self.policy.rules(direction);
        let default = rules.default_rule().0;
        let side = direction.as_str();
        (0..)
            .zip(rules.iter())
            .map(|(index, rule)| RuleOf {
                path: match index == default {
                    true => "default".to_owned(),
                    false => format!("{side}[{index}]"),
                },
                rule,
                require: (index != default).then(|| {
                    let given = self.json.pointer(&format!("/{side}/{index}/require"));
                    given.cloned().unwrap_or_else(|| json!({}))
                }),
            })
            .collect()
    }
}

/// A rule, as the policy has it.
#[derive(Debug)]
pub struct RuleOf<'a> {
    /// Its place in the policy, as `upstream[3]`, or `default`.
    pub path: String,
    rule: &'a Rule,
    /// What its `require` says; `None` for the strict default.
    pub require: Option<Value>,
}

impl RuleOf<'_> {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.rule.name
    }

    /// What a finding leads to.
    pub const fn enforcement(&self) -> Enforcement {
        self.rule.enforcement
    }

    /// The lists of its `match`: none where it is about everything.
    pub fn lists(&self) -> Vec<Unmatched> {
        // What is not known fits no pattern, so every list that there is does not.
        let (facts, request) = (ConnectionFacts::default(), RequestFacts::default());
        self.rule.selector.unmatched(&facts, &request)
    }

    /// What it waives.
    pub fn waivers(&self) -> &[Waiver] {
        &self.rule.waivers
    }
}
