//! The judge of one direction: finds the rule, decides, and remembers the
//! connection.

use std::cell::Cell;
use std::rc::Rc;

use super::ask;
use super::evidence::HostCertificate;
use super::flow::{Flow, Flows};
use super::shown::Shown;
use super::staple::Stapled;
use crate::decision::{
    CacheCounts, Case, Cause, Certificates, ConnectionFacts, Direction, Evidence, Policy,
    RequestFacts, Rule, RuleIndex, RuleSet, Verdict, decide, host_of, path_of, without_evidence,
};
use crate::host::Host;
use crate::revocation::{Asked, Looked, Staple, Status, Trouble};
use crate::trust::SignatureVerifier;

/// The judge of one direction.
pub struct Judge {
    direction: Direction,
    policy: Rc<Policy>,
    flows: Flows,
    certificates: Certificates,
    evidence: ask::Evidence,
    /// Whether a stream can wait for an answer to come.
    pub may_wait: bool,
    credential_headers: Vec<String>,
    shown: Shown,
}

/// What happened in the caches since it was last asked.
#[derive(Clone, Copy, Debug)]
pub struct Misses {
    /// Look-ups of certificates.
    pub certificates: CacheCounts,
    /// Connections that were forgotten for want of room.
    pub evicted_flows: u64,
}

impl Judge {
    /// Under this policy.
    pub fn new(
        direction: Direction,
        policy: Rc<Policy>,
        verifier: Rc<dyn SignatureVerifier>,
        evidence: ask::Evidence,
    ) -> Self {
        let mut credential_headers: Vec<String> = policy
            .rules(direction)
            .credential_headers()
            .map(str::to_owned)
            .collect();
        credential_headers.sort_unstable();
        credential_headers.dedup();
        Self {
            direction,
            policy,
            flows: Flows::default(),
            certificates: Certificates::new(verifier),
            evidence,
            may_wait: true,
            credential_headers,
            shown: Shown::default(),
        }
    }

    /// Which side it judges.
    pub const fn direction(&self) -> Direction {
        self.direction
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The rules of its direction.
    pub fn rules(&self) -> &RuleSet {
        self.policy.rules(self.direction)
    }

    /// A connection that was looked at before, whose verdict still holds.
    pub fn known(&mut self, key: &[u8], now: i64) -> Option<Rc<Flow>> {
        self.flows.get(key, now)
    }

    /// Remembers a connection.
    pub fn remember(&mut self, key: &[u8], flow: Flow) {
        self.flows.insert(key, Rc::new(flow));
    }

    /// The rules that can apply to a connection.
    pub fn candidates(&mut self, facts: &ConnectionFacts) -> Rc<[RuleIndex]> {
        self.flows
            .candidates(self.policy.rules(self.direction), facts)
    }

    /// What happened in the caches since the last call.
    pub fn take_misses(&mut self) -> Misses {
        Misses {
            certificates: self.certificates.take_counts(),
            evicted_flows: self.flows.take_evicted(),
        }
    }

    /// Judges the current request on a connection that was not looked at
    /// before.
    pub fn judge_new(
        &mut self,
        host: &impl Host,
        facts: ConnectionFacts,
        evidence: Evidence,
        now: i64,
    ) -> (Rc<Verdict>, Flow) {
        self.shown.look(
            host,
            self.direction,
            self.policy.rules(self.direction),
            &evidence,
        );
        let mut flow = Flow {
            candidates: self.candidates(&facts),
            facts,
            evidence,
            verdict: None,
            since: now,
            was_met_again: Cell::new(false),
            needs_server_name: false,
        };
        let verdict = self.judge(host, &flow, now);
        if flow.candidates.len() == 1
            && !verdict.is_pending
            && !verdict.rule.depends_on_request(&flow.facts)
        {
            flow.verdict = Some(Rc::clone(&verdict));
        }
        (verdict, flow)
    }

    /// Judges the current request on a known connection.
    pub fn judge(&mut self, host: &impl Host, flow: &Flow, now: i64) -> Rc<Verdict> {
        let rules = self.policy.rules(self.direction);
        let looks_at_request = flow.candidates.len() > 1
            || flow.candidates.iter().any(|i| {
                rules
                    .rule(*i)
                    .is_some_and(|r| r.depends_on_request(&flow.facts))
            });
        let request = looks_at_request.then(|| self.request_facts(host));
        let request = request.unwrap_or_default();
        let rule = rules.first_match(&flow.candidates, &request);
        if rules.is_read_otherwise(&flow.candidates, &request, rule.0) {
            let detail = "its path can be read in two ways, and each has another rule";
            let (index, rule) = self.rules().default_rule();
            return Rc::new(without_evidence(
                (index, rule),
                Cause::PathAmbiguous,
                detail,
            ));
        }
        let case = Case {
            direction: self.direction,
            facts: &flow.facts,
            request: &request,
            evidence: &flow.evidence,
            now,
        };
        let mut source = HostCertificate {
            host,
            direction: self.direction,
        };
        let (evidence, skew) = (&self.evidence, self.policy.clock_skew_seconds);
        let may_wait = self.may_wait;
        let mut staple = Stapled::NotRead;
        let mut look = |asked: &Rc<Asked>, is_leaf: bool| {
            let path = self.policy.revocation.staples.of(self.direction);
            let staple = match path.filter(|_| is_leaf) {
                Some(path) => staple.get(host, path),
                None => None,
            };
            let looked = evidence
                .try_borrow_mut()
                .map(|mut evidence| evidence.look_up(asked, staple, ask::now(host, skew)));
            let unreachable = |detail: &str| Status::None {
                trouble: Trouble::Unreachable,
                detail: detail.to_owned(),
            };
            match looked {
                Ok(looked) if looked.status == Status::Pending && !may_wait => Looked {
                    status: unreachable("the answer is not here yet, and the server spoke first"),
                    ..looked
                },
                Ok(looked) => looked,
                // No callback runs inside another.
                Err(_) => Looked {
                    status: unreachable("the evidence is in use"),
                    staple: Staple::Absent,
                },
            }
        };
        Rc::new(decide(
            &case,
            &self.policy,
            rule,
            &mut self.certificates,
            &mut source,
            &mut look,
        ))
    }

    /// The rule that would have judged a connection, as far as that can be told
    /// without it: only a rule that certainly applies may report.
    pub fn rule_without_evidence(&mut self, facts: &ConnectionFacts) -> (RuleIndex, Rc<Rule>) {
        let candidates = self.candidates(facts);
        let rules = self.rules();
        let (index, rule) = match *candidates {
            [index] => rules.rule(index).map(|rule| (index, rule)),
            _ => None,
        }
        .unwrap_or_else(|| rules.default_rule());
        (index, Rc::clone(rule))
    }

    fn request_facts(&self, host: &impl Host) -> RequestFacts {
        let header = |name: &str| {
            host.request_header(name)
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        let looks_at = self.rules().looks_at();
        RequestFacts {
            host: looks_at
                .host
                .then(|| header(":authority"))
                .flatten()
                .map(|a| host_of(&a)),
            path: looks_at
                .path
                .then(|| header(":path"))
                .flatten()
                .map(|p| path_of(&p).to_owned()),
            headers: self
                .credential_headers
                .iter()
                .filter(|name| host.request_header(name).is_some_and(|v| !v.is_empty()))
                .cloned()
                .collect(),
        }
    }
}
