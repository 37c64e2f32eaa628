//! From what the engine says to the types of the world.

use hopguard::config::ConfigError;
use hopguard::decision::{Direction, Enforcement, LooksAt, Outcome, Waiver, WaiverState};
use hopguard::trust::{TrustedBy, Usage};
use hopguard_engine::document::{Document, RuleOf};
use hopguard_engine::explanation::{
    Explanation, FindingSight, RuleSight, StatusSight, VerdictSight, WaiverSight,
};
use hopguard_engine::stores::{Distrust, StoreVerdict, Trusted};
use serde_json::Value;

use crate::bindings::exports::hopguard::decision::types;

/// A verdict.
pub fn verdict(told: VerdictSight) -> types::Verdict {
    types::Verdict {
        outcome: outcome(told.outcome),
        rule: told.rule,
        findings: told.findings.into_iter().map(finding).collect(),
        notices: told.notices.into_iter().map(finding).collect(),
        certificate: told.certificate.map(|id| types::CertificateId {
            subject: id.subject,
            sha256: id.sha256,
        }),
        is_pending: told.is_pending,
        valid_until: told.valid_until,
    }
}

/// A verdict, and how it came about.
pub fn explanation(told: Explanation) -> types::Explanation {
    types::Explanation {
        verdict: verdict(told.verdict),
        rules: told.rules.into_iter().map(considered).collect(),
        require: match &told.require {
            Value::Null => None,
            require => Some(require.to_string()),
        },
        revocation: told.revocation.into_iter().map(status).collect(),
    }
}

/// Why a policy is refused.
pub fn policy_error(error: ConfigError) -> types::PolicyError {
    types::PolicyError {
        path: error.path,
        message: error.message,
    }
}

/// A rule of a policy.
pub fn rule(rule: &RuleOf<'_>, now: i64) -> types::Rule {
    let lists = rule.lists().into_iter();
    types::Rule {
        path: rule.path.clone(),
        name: rule.name().to_owned(),
        enforcement: match rule.enforcement() {
            Enforcement::Enforce => types::Enforcement::Enforce,
            Enforcement::Report => types::Enforcement::Report,
        },
        matches: lists
            .map(|list| types::MatchList {
                field: list.field.to_owned(),
                patterns: list.patterns,
            })
            .collect(),
        require: rule.require.as_ref().map(ToString::to_string),
        waivers: rule
            .waivers()
            .iter()
            .map(|waiver| rule_waiver(waiver, now))
            .collect(),
    }
}

/// What of connections of a direction a policy looks at.
pub fn needed_facts(document: &Document, direction: Direction) -> types::NeededFacts {
    let rules = document.policy.rules(direction);
    let LooksAt {
        cluster,
        listener,
        filter_chain,
        server_name,
        peer_address,
        host,
        path,
        local_certificate,
        client_hello,
        staple,
    } = rules.looks_at();
    let refers = rules.iter().any(|rule| rule.refers_to_server_name());
    let facts = [
        (cluster, types::Fact::CLUSTER),
        (listener, types::Fact::LISTENER),
        (filter_chain, types::Fact::FILTER_CHAIN),
        (
            server_name || client_hello || refers,
            types::Fact::SERVER_NAME,
        ),
        (peer_address, types::Fact::PEER_ADDRESS),
        (host, types::Fact::AUTHORITY),
        (path, types::Fact::PATH),
        (local_certificate, types::Fact::CLIENT_CERTIFICATE),
        (staple, types::Fact::STAPLED_OCSP_RESPONSE),
    ];
    let facts = facts.into_iter().filter(|(is_needed, _)| *is_needed);
    let facts = facts.fold(types::Fact::empty(), |all, (_, fact)| all | fact);
    let mut headers: Vec<String> = rules.credential_headers().map(str::to_owned).collect();
    headers.sort_unstable();
    headers.dedup();
    types::NeededFacts { facts, headers }
}

/// What a store says.
pub fn store_verdict(told: StoreVerdict) -> types::StoreVerdict {
    types::StoreVerdict {
        store: told.store,
        direction: match told.usage {
            Usage::Server => types::Direction::Upstream,
            Usage::Client => types::Direction::Downstream,
        },
        trust: told
            .trust
            .map(trusted_by)
            .map_err(|why: Distrust| types::Distrust {
                cause: why.cause.code().to_owned(),
                detail: why.detail,
            }),
    }
}

fn trusted_by(told: Trusted) -> types::TrustedBy {
    match told.by {
        TrustedBy::Path => types::TrustedBy::Path(told.path),
        TrustedBy::PinnedCertificate => types::TrustedBy::PinnedCertificate,
        TrustedBy::PinnedPublicKey => types::TrustedBy::PinnedPublicKey,
    }
}

const fn outcome(outcome: Outcome) -> types::Outcome {
    match outcome {
        Outcome::Permit => types::Outcome::Permit,
        Outcome::Waived => types::Outcome::Waived,
        Outcome::WouldDeny => types::Outcome::WouldDeny,
        Outcome::Deny => types::Outcome::Deny,
    }
}

fn finding(told: FindingSight) -> types::Finding {
    types::Finding {
        cause: told.cause.to_owned(),
        control: told.control.as_str().to_owned(),
        detail: told.detail,
        waiver: told.waiver.map(
            |WaiverSight {
                 until,
                 reason,
                 state,
             }| types::Waiver {
                until,
                reason,
                state: waiver_state(state),
            },
        ),
    }
}

fn rule_waiver(waiver: &Waiver, now: i64) -> types::RuleWaiver {
    let controls = waiver.controls.iter();
    types::RuleWaiver {
        controls: controls.map(|c| c.as_str().to_owned()).collect(),
        waiver: types::Waiver {
            until: waiver.until.to_string(),
            reason: hopguard_engine::text::clean(&waiver.reason),
            state: waiver_state(waiver.state(now)),
        },
    }
}

const fn waiver_state(state: WaiverState) -> types::WaiverState {
    match state {
        WaiverState::Active => types::WaiverState::Active,
        WaiverState::NearEnd => types::WaiverState::NearEnd,
        WaiverState::Expired => types::WaiverState::Expired,
    }
}

fn considered(told: RuleSight) -> types::ConsideredRule {
    let unmatched = told.unmatched.into_iter();
    types::ConsideredRule {
        path: told.path,
        name: told.name,
        unmatched: unmatched
            .map(|list| types::UnmatchedList {
                field: list.field.to_owned(),
                patterns: list.patterns,
                value: list.value,
            })
            .collect(),
    }
}

fn status(told: StatusSight) -> types::RevocationStatus {
    types::RevocationStatus {
        subject: told.subject,
        status: told.status.to_owned(),
        source: told.source.map(str::to_owned),
        detail: told.detail,
    }
}
