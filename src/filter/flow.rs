//! Flows: connections that were looked at before, so that the next request on
//! one of them costs a look-up.

use std::cell::Cell;
use std::rc::Rc;

use crate::decision::{ConnectionFacts, Evidence, Generations, RuleIndex, RuleSet, Verdict};

/// Entries in each of the two generations.
///
/// 2 × 8,192 connections a worker: Envoy's defaults allow no more than 1,024
/// upstream connections a cluster, and a worker with more downstream
/// connections than this looks at the idle ones anew. An entry is about 500
/// bytes; the cache stays under 16 MiB a root context.
const HALF: usize = 8_192;
/// Rule candidates are kept for so many different connections, twice.
const MATCHES_HALF: usize = 1_024;

/// A connection, and what is known of it.
#[derive(Debug)]
pub struct Flow {
    /// What selected its rules.
    pub facts: ConnectionFacts,
    /// What it shows.
    pub evidence: Evidence,
    /// The rules that can apply to its requests.
    pub candidates: Rc<[RuleIndex]>,
    /// The verdict, where it is the same for all its requests.
    pub verdict: Option<Rc<Verdict>>,
    /// When that was made, in seconds since the Unix epoch.
    pub since: i64,
    /// Whether a second request was met on it.
    pub was_met_again: Cell<bool>,
    /// Not a flow itself: flows of this key differ by their server name, which
    /// belongs into the key.
    pub needs_server_name: bool,
}

/// The flows of one root context.
#[derive(Debug)]
pub struct Flows {
    flows: Generations<Box<[u8]>, Rc<Flow>>,
    matches: Generations<Box<[u8]>, Rc<[RuleIndex]>>,
}

impl Default for Flows {
    fn default() -> Self {
        Self {
            flows: Generations::new(HALF),
            matches: Generations::new(MATCHES_HALF),
        }
    }
}

impl Flows {
    /// A flow that was looked at before, and whose verdict (where it has one)
    /// still holds. One from the time before the clock jumped back does not: it
    /// would hold until that time comes again.
    pub fn get(&mut self, key: &[u8], now: i64) -> Option<Rc<Flow>> {
        let holds = |flow: &Flow| {
            let verdict = flow.verdict.as_ref();
            verdict.is_none_or(|v| (flow.since..v.valid_until).contains(&now))
        };
        self.flows.get(key).filter(|flow| holds(flow))
    }

    /// Remembers a flow.
    pub fn insert(&mut self, key: &[u8], flow: Rc<Flow>) {
        self.flows.insert(key.into(), flow);
    }

    /// Flows dropped for want of room since the last call.
    pub fn take_evicted(&mut self) -> u64 {
        self.flows.take_evicted()
    }

    /// The rules that can apply to a connection, without a walk through all
    /// rules for each one.
    pub fn candidates(&mut self, rules: &RuleSet, facts: &ConnectionFacts) -> Rc<[RuleIndex]> {
        let key = match_key(rules, facts);
        if let Some(found) = self.matches.get(&*key) {
            return found;
        }
        let candidates: Rc<[RuleIndex]> = rules.candidates(facts).into();
        self.matches.insert(key, Rc::clone(&candidates));
        candidates
    }
}

/// The facts that the rules look at, each with its length, so that no two
/// connections with different facts have one key.
fn match_key(rules: &RuleSet, facts: &ConnectionFacts) -> Box<[u8]> {
    let looks_at = rules.looks_at();
    let mut key = Vec::new();
    for (asked, fact) in [
        (looks_at.cluster, &facts.cluster),
        (looks_at.listener, &facts.listener),
        (looks_at.filter_chain, &facts.filter_chain),
        (looks_at.server_name, &facts.server_name),
    ] {
        if asked {
            push_part(&mut key, fact.as_ref().map(String::as_bytes));
        }
    }
    if looks_at.peer_address {
        let ip = facts.peer_ip().map(|ip| ip.to_string());
        push_part(&mut key, ip.as_ref().map(String::as_bytes));
    }
    key.into()
}

/// Appends a part that may be absent, so that it cannot run into the next.
pub fn push_part(key: &mut Vec<u8>, part: Option<&[u8]>) {
    match part {
        None => key.push(0),
        Some(bytes) => {
            key.push(1);
            key.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            key.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let key = |parts: &[Option<&[u8]>]| {
            let mut key = Vec::new();
            parts.iter().for_each(|p| push_part(&mut key, *p));
            key
        };
        assert_ne!(
            key(&[Some(b"ab"), Some(b"c")]),
            key(&[Some(b"a"), Some(b"bc")])
        );
        assert_ne!(key(&[Some(b""), None]), key(&[None, Some(b"")]));
    }
}
