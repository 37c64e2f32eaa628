//! The decision: one connection or request, one rule, all its demands.

use std::rc::Rc;

use super::cause::Cause;
use super::certificates::{Asking, CertificateVerdict, Certificates, Question};
use super::facts::{
    CertificateSource, ConnectionFacts, Direction, Evidence, RequestFacts, Transport,
};
use super::policy::{Enforcement, Names, PassthroughDemand, PeerDemands, Policy, Rule, RuleIndex};
use super::requirement::Requirement;
use super::revocation;
use super::sources::RevocationDemands;
use super::tls::TlsVersion;
use super::verdict::{Finding, Outcome, UsedWaiver, Verdict};
use super::waiver::{DAY, WaiverState};
use crate::revocation::{Asked, Looked};

/// What is to be decided.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Which side of the proxy.
    pub direction: Direction,
    /// What selected the rule.
    pub facts: &'a ConnectionFacts,
    /// The request, as far as the rule looks at it.
    pub request: &'a RequestFacts,
    /// What the connection shows.
    pub evidence: &'a Evidence,
    /// Seconds since the Unix epoch.
    pub now: i64,
}

impl Case<'_> {
    const fn is_unopened(&self) -> bool {
        matches!(self.evidence.transport, Transport::Passthrough(_))
    }
}

/// Decides a case under a rule.
pub fn decide(
    case: &Case<'_>,
    policy: &Policy,
    (rule_index, rule): (RuleIndex, &Rc<Rule>),
    certificates: &mut Certificates,
    source: &mut dyn CertificateSource,
    look: &mut dyn FnMut(&Rc<Asked>, bool) -> Looked,
) -> Verdict {
    let mut asked = None;
    let mut findings = Vec::new();
    let mut notices = Vec::new();
    let mut summary = None;
    let mut valid_until = i64::MAX;

    findings.extend(transport_finding(case, rule));
    // TLS that is not opened shows nothing of the peer; that the rule allows it
    // or not is all there is to say.
    let peer = rule.demands.peer.as_ref().filter(|_| !case.is_unopened());
    if let Some(demands) = peer {
        match peer_sha256(case) {
            Err(finding) => findings.push(finding),
            Ok(_) if demands.stores.is_empty() => findings.push(Finding::new(
                Cause::NoTrustStore,
                "no rule matched, and default_trust_stores is empty",
            )),
            Ok(sha256) => {
                let question = Question {
                    direction: case.direction,
                    rule: rule_index,
                    demands,
                    sha256,
                    now: case.now,
                    skew: policy.clock_skew_seconds,
                };
                let verdict = certificates.judge(&question, source);
                valid_until = valid_until.min(verdict.valid_until);
                summary.clone_from(&verdict.summary);
                asked = to_ask(demands, &verdict);
                match peer_result(case, demands, &verdict) {
                    Err(finding) => findings.push(finding),
                    Ok(()) => {
                        let warning = policy.expiry_warning_seconds;
                        match near_expiry(case.now, warning, &verdict) {
                            NearExpiry::Now(notice) => notices.push(notice),
                            NearExpiry::At(when) => valid_until = valid_until.min(when),
                            NearExpiry::Unknown => {}
                        }
                    }
                }
            }
        }
    }
    if !case.is_unopened() {
        findings.extend(authentication_finding(case, rule));
    }

    for finding in &mut findings {
        finding.waiver = waiver_for(rule, finding.requirement, case.now);
    }
    // Nobody is asked about a peer that is denied anyway.
    let mut is_pending = false;
    if let Some((asked, demands)) = asked.filter(|_| findings.iter().all(Finding::is_waived)) {
        let looked_up = match asked {
            Asking::Of(asked) => revocation::look_up(&asked, &demands, look, case.now),
            Asking::None | Asking::WithoutIssuer => revocation::without_issuer(&demands, case.now),
        };
        valid_until = valid_until.min(looked_up.valid_until);
        is_pending = looked_up.is_pending;
        notices.extend(looked_up.notices);
        findings.extend(looked_up.finding.map(|finding| {
            Finding {
                // That a certificate is revoked cannot be waived.
                waiver: waiver_for(rule, finding.requirement, case.now)
                    .filter(|_| finding.cause != Cause::CertificateRevoked),
                ..finding
            }
        }));
    }
    for waiver in &rule.waivers {
        if let Some(change) = waiver.next_change(case.now) {
            valid_until = valid_until.min(change);
        }
    }
    notices.extend(waiver_notices(&findings));
    if !notices.is_empty() {
        // Say it again tomorrow, not only once in the life of a worker.
        valid_until = valid_until.min(case.now.saturating_add(DAY));
    }

    let outcome = if findings.is_empty() {
        Outcome::Permit
    } else if findings.iter().all(Finding::is_waived) {
        Outcome::Waived
    } else {
        match rule.enforcement {
            Enforcement::Report => Outcome::WouldDeny,
            Enforcement::Enforce => Outcome::Deny,
        }
    };
    Verdict {
        rule: Rc::clone(rule),
        rule_index,
        outcome,
        findings,
        notices,
        certificate: summary,
        valid_until,
        is_pending,
    }
}

/// Of what it is to be asked whether it is revoked, and on what terms. No question
/// is there where the issuer could not be verified.
fn to_ask(
    demands: &PeerDemands,
    verdict: &CertificateVerdict,
) -> Option<(Asking, RevocationDemands)> {
    let by_rule = demands.revocation;
    let demands = match by_rule {
        // Must-staple: whatever the rule allows, an answer must be there.
        Some(demands) if verdict.must_staple => RevocationDemands {
            staple_required: demands.staple_required,
            whole_path: demands.whole_path,
            ..RevocationDemands::default()
        },
        by_rule => by_rule.unwrap_or_default(),
    };
    match &verdict.asking {
        Asking::None => None,
        Asking::WithoutIssuer => by_rule.map(|_| (Asking::WithoutIssuer, demands)),
        asking @ Asking::Of(_) => Some((asking.clone(), demands)),
    }
}

/// A verdict that rests on no evidence, because there was none: denied, unless
/// the rule only reports. Waivers do not apply, for what they would waive is
/// not known.
pub fn without_evidence(
    (rule_index, rule): (RuleIndex, &Rc<Rule>),
    cause: Cause,
    detail: impl Into<String>,
) -> Verdict {
    Verdict {
        rule: Rc::clone(rule),
        rule_index,
        outcome: match rule.enforcement {
            Enforcement::Report => Outcome::WouldDeny,
            Enforcement::Enforce => Outcome::Deny,
        },
        findings: vec![Finding::new(cause, detail)],
        notices: Vec::new(),
        certificate: None,
        valid_until: 0,
        is_pending: false,
    }
}

fn transport_finding(case: &Case<'_>, rule: &Rule) -> Option<Finding> {
    let min = rule.demands.min_tls;
    let transport = case.evidence.transport;
    match (transport, &rule.demands.passthrough) {
        (Transport::Plaintext, None) => Some(Finding::new(
            Cause::Plaintext,
            format!("the connection is not TLS; demanded is TLS {min} or newer"),
        )),
        (Transport::Plaintext, Some(_)) => Some(Finding::new(
            Cause::Plaintext,
            "the connection does not begin with a TLS ClientHello",
        )),
        (Transport::Passthrough(version), Some(demand)) => {
            passthrough_finding(case, version, min, demand)
        }
        (Transport::Passthrough(_), None) => Some(Finding::new(
            Cause::PassthroughNotAllowed,
            "Envoy does not open this TLS, and the rule does not say passthrough",
        )),
        (Transport::Tls(_) | Transport::TlsUnknown, Some(_)) => Some(Finding::new(
            Cause::PassthroughExpected,
            "the TLS ends or begins at this Envoy, and the rule says passthrough",
        )),
        (Transport::TlsUnknown, None) => Some(Finding::new(
            Cause::TlsVersionUnknown,
            format!("the version of TLS is not known; demanded is TLS {min} or newer"),
        )),
        (Transport::Tls(version), None) if version < min => Some(Finding::new(
            Cause::TlsVersionTooOld,
            format!("the connection is TLS {version}; demanded is TLS {min} or newer"),
        )),
        (Transport::Tls(_), None) => None,
    }
}

fn passthrough_finding(
    case: &Case<'_>,
    version: Option<TlsVersion>,
    min: TlsVersion,
    demand: &PassthroughDemand,
) -> Option<Finding> {
    if version < Some(min) {
        let name = version.map_or("older than TLS 1.0".to_owned(), |v| format!("TLS {v}"));
        return Some(Finding::new(
            Cause::TlsVersionTooOld,
            format!("the TLS that Envoy passes on is {name}; demanded is TLS {min} or newer"),
        ));
    }
    let name = case.facts.server_name.as_deref().unwrap_or_default();
    let names = &demand.server_names;
    if names.is_empty() || names.iter().any(|glob| glob.matches(name)) && !name.is_empty() {
        return None;
    }
    Some(Finding::new(
        Cause::ServerNameMismatch,
        format!("the client asks for the server name {name:?}, which the rule does not allow"),
    ))
}

fn peer_sha256(case: &Case<'_>) -> Result<[u8; 32], Finding> {
    let missing = match case.direction {
        Direction::Downstream => Cause::ClientCertificateMissing,
        Direction::Upstream => Cause::CertificateMissing,
    };
    match (case.evidence.transport, case.evidence.peer_sha256) {
        (Transport::Plaintext, _) => Err(Finding::new(
            missing,
            "without TLS the peer presents no certificate",
        )),
        (_, None) => Err(Finding::new(missing, "the peer presented no certificate")),
        (_, Some(sha256)) => Ok(sha256),
    }
}

fn peer_result(
    case: &Case<'_>,
    demands: &PeerDemands,
    verdict: &CertificateVerdict,
) -> Result<(), Finding> {
    let finding = |r: super::certificates::Rejection| Finding::new(r.cause, r.detail);
    verdict.result.clone().map_err(finding)?;
    let Names::Reference(from) = &demands.names else {
        return Ok(());
    };
    let server_name = case.facts.server_name.as_deref().filter(|n| !n.is_empty());
    let authority = case.request.host.as_deref();
    let reference = server_name
        .filter(|_| from.server_name)
        .or(authority.filter(|_| from.authority));
    verdict.presents(reference).map_err(finding)
}

fn authentication_finding(case: &Case<'_>, rule: &Rule) -> Option<Finding> {
    let demand = rule.demands.authentication.as_ref()?;
    if demand.certificate
        && case.evidence.local_certificate
        && case.evidence.transport != Transport::Plaintext
    {
        return None;
    }
    let headers = &case.request.headers;
    if demand
        .headers
        .iter()
        .any(|name| headers.iter().any(|h| **h == **name))
    {
        return None;
    }
    let mut ways = Vec::new();
    if demand.certificate {
        ways.push("a client certificate configured for the connection".to_owned());
    }
    ways.extend(demand.headers.iter().map(|h| format!("the header {h}")));
    Some(Finding::new(
        Cause::CredentialMissing,
        format!("the request carries none of: {}", ways.join(", ")),
    ))
}

fn waiver_for(rule: &Rule, requirement: Requirement, now: i64) -> Option<UsedWaiver> {
    // Of several waivers for a control, one in force counts, the longest first.
    rule.waivers
        .iter()
        .filter(|w| w.controls.contains(&requirement))
        .max_by_key(|w| w.ends)
        .map(|w| UsedWaiver {
            until: w.until.clone(),
            reason: w.reason.clone(),
            state: w.state(now),
        })
}

fn waiver_notices(findings: &[Finding]) -> Vec<Finding> {
    findings
        .iter()
        .filter_map(|f| {
            let waiver = f.waiver.as_ref()?;
            (waiver.state == WaiverState::NearEnd).then(|| Finding {
                requirement: f.requirement,
                cause: Cause::WaiverNearEnd,
                detail: format!(
                    "the waiver of {} ends with {} ({})",
                    f.requirement, waiver.until, f.cause
                ),
                waiver: Some(waiver.clone()),
                source: None,
            })
        })
        .collect()
}

enum NearExpiry {
    Now(Finding),
    At(i64),
    Unknown,
}

fn near_expiry(now: i64, warning: i64, verdict: &CertificateVerdict) -> NearExpiry {
    let Some(certificate) = &verdict.summary else {
        return NearExpiry::Unknown;
    };
    let left = certificate.not_after - now;
    if left > warning {
        return NearExpiry::At(certificate.not_after - warning);
    }
    NearExpiry::Now(Finding::new(
        Cause::CertificateNearExpiry,
        format!("the certificate ends in {} days", (left / DAY).max(0)),
    ))
}
