//! Failed connections, as each place shows them: what happened, to which
//! attempt, told once.

use super::base::Base;
use super::evidence;
use super::judge::Judge;
use super::request_id::RequestId;
use super::seen::{Key, Place, Seen};
use crate::decision::{Cause, ConnectionFacts, Direction, classify_failure, without_evidence};
use crate::host::attributes as at;
use crate::host::{CallAnswer, Host};
use crate::telemetry::Subject;

/// Envoy's response flag `UF` (upstream connection failure), as a bit.
const UPSTREAM_CONNECTION_FAILURE: u64 = 0x20;
/// Envoy's response flag `UC` (upstream connection termination), as a bit.
const UPSTREAM_CONNECTION_TERMINATION: u64 = 0x40;

/// Envoy's response flag `NR`, as a bit: of a connection, no filter chain fits.
const NO_ROUTE: u64 = 0x100;

/// Failed attempts of one TCP connection that are told of one by one. Their
/// number is the operator's (`max_connect_attempts`), and often 1 to 3.
const MAX_ATTEMPTS: u64 = 16;

/// Why a connection failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    cause: Cause,
    /// Envoy's words; empty where it has none.
    reason: String,
}

impl Failure {
    fn of_reason(reason: String) -> Self {
        Self {
            cause: classify_failure(&reason),
            reason,
        }
    }

    const fn without_reason(cause: Cause) -> Self {
        Self {
            cause,
            reason: String::new(),
        }
    }
}

/// Envoy's response flags.
pub fn flags(host: &impl Host) -> u64 {
    host.property(at::RESPONSE_FLAGS)
        .and_then(|bytes| <[u8; 8]>::try_from(bytes).ok())
        .map_or(0, u64::from_le_bytes)
}

/// The failure of the attempt of a request that is in view; `None` where it did
/// not fail: the client left, or a time-out of the request ended it.
pub fn of_request(host: &impl Host, flags: u64) -> Option<Failure> {
    if let Some(reason) = reason(host, at::UPSTREAM_FAILURE) {
        return Some(Failure::of_reason(reason));
    }
    host.property(at::UPSTREAM_POOL_ANSWERED)?;
    let details = reason(host, at::RESPONSE_CODE_DETAILS);
    let says = |words| details.as_ref().is_some_and(|d| d.contains(words));
    if host.property(at::UPSTREAM_LOCAL_ADDRESS).is_none() {
        // A server that closes during the handshake, and Envoy's connect
        // time-out, leave no reason; but the second is told to the last log.
        let cause = if says("connection_timeout") {
            Cause::ConnectionTimeout
        } else {
            Cause::ConnectionUnestablished
        };
        return Some(Failure::without_reason(cause));
    }
    let is_tls = host.property(at::UPSTREAM_TLS_VERSION).is_some();
    let ended = flags & UPSTREAM_CONNECTION_TERMINATION != 0;
    // The last log has Envoy's own answer, with details; upstream_log has the
    // server's, without.
    let unanswered = match &details {
        Some(_) => says("upstream_reset_before_response_started"),
        None => host.property(at::RESPONSE_CODE).is_none(),
    };
    (is_tls && ended && unanswered).then(|| Failure::without_reason(Cause::TlsClosedAfterHandshake))
}

/// The failures that a role has seen.
#[derive(Debug)]
pub struct Failures {
    seen: Seen,
    /// Without a reason: the last log of the request may know more, and comes
    /// after all others, in the same turn of the event loop.
    undecided: Vec<Undecided>,
}

#[derive(Debug)]
struct Undecided {
    key: Key,
    failure: Failure,
    subject: Subject,
}

/// Failures that wait for a better reason. They wait for a tick; more than these
/// in that time are told of without.
const MAX_UNDECIDED: usize = 256;

impl Failures {
    /// With what the other roles of the VM have told.
    pub const fn new(seen: Seen) -> Self {
        Self {
            seen,
            undecided: Vec::new(),
        }
    }

    /// Tells of the attempt of a request that is in view, if it failed and that
    /// was not told yet. The request's id is given: at the end of a cluster
    /// filter the headers are gone.
    pub fn tell_of_request<H: Host>(
        &mut self,
        base: &mut Base<H>,
        judge: &mut Judge,
        place: Place,
        flags: u64,
        request_id: Option<&RequestId>,
    ) {
        let host = &base.host;
        let Some(failure) = of_request(host, flags) else {
            return;
        };
        let bytes = |path| host.property(path).unwrap_or_default();
        let key = Key::of_request(
            place,
            request_id,
            &bytes(at::UPSTREAM_POOL_ANSWERED),
            &bytes(at::UPSTREAM_ADDRESS),
        );
        let subject = Subject {
            request_id: request_id.map(|id| id.shown().to_owned()),
            route: evidence::text(host, at::ROUTE_NAME),
            // The router's upstream_log always shows 0.
            attempt: evidence::attempt(host).filter(|n| *n > 0),
            ..upstream_subject(host, judge)
        };
        let undecided = Undecided {
            key,
            failure,
            subject,
        };
        let waits = undecided.failure.cause == Cause::ConnectionUnestablished
            && self.undecided.len() < MAX_UNDECIDED;
        if waits {
            self.undecided.push(undecided);
        } else {
            self.tell(base, judge, undecided);
        }
    }

    /// Tells of the failed attempts of a TCP connection that were not told yet.
    /// Only the last one that failed has left a reason, and it stays when a later
    /// attempt succeeds.
    pub fn tell_of_connection<H: Host>(
        &mut self,
        base: &mut Base<H>,
        judge: &mut Judge,
        connected: bool,
    ) {
        let host = &base.host;
        let Some(attempts) = evidence::attempt(host).filter(|n| *n > 0) else {
            return;
        };
        // Else the last one was still on its way.
        let all_failed = !connected && flags(host) & UPSTREAM_CONNECTION_FAILURE != 0;
        let failed = if all_failed { attempts } else { attempts - 1 };
        if failed == 0 {
            return;
        }
        let Some(connection) = evidence::connection_id(host) else {
            return;
        };
        for number in failed.saturating_sub(MAX_ATTEMPTS) + 1..=failed {
            let host = &base.host;
            let is_last = number == failed;
            let failure = match reason(host, at::UPSTREAM_FAILURE).filter(|_| is_last) {
                Some(reason) => Failure::of_reason(reason),
                None if is_last => Failure::without_reason(Cause::ConnectionUnestablished),
                None => Failure::without_reason(Cause::AttemptFailed),
            };
            let mut subject = Subject {
                attempt: Some(number),
                client_address: evidence::text(host, at::SOURCE_ADDRESS),
                ..upstream_subject(host, judge)
            };
            if !(all_failed && is_last) {
                // The address in view is another attempt's, and so is the rest.
                subject.facts.peer_address = None;
                subject.facts.server_name = None;
                subject.evidence = None;
            }
            let key = Key::of_connection(connection, number);
            self.tell(
                base,
                judge,
                Undecided {
                    key,
                    failure,
                    subject,
                },
            );
        }
    }

    /// Tells of a client's handshake that failed, if that was not told yet.
    ///
    /// Envoy's TLS inspector leaves a reason for every client that does not speak
    /// TLS, also where none is asked for (Envoy 1.40): so it must have been.
    pub fn tell_of_client<H: Host>(&mut self, base: &mut Base<H>, judge: &mut Judge) {
        let host = &base.host;
        let is_tls = host.property(at::CONNECTION_PEER_SUBJECT).is_some();
        if !is_tls && flags(host) & NO_ROUTE == 0 {
            return;
        }
        let failure = match reason(host, at::CONNECTION_FAILURE) {
            Some(reason) => Failure::of_reason(reason),
            None => match evidence::text(host, at::CONNECTION_TERMINATION) {
                Some(details) if details.contains("transport socket timeout") => Failure {
                    cause: Cause::TlsHandshakeTimeout,
                    reason: details,
                },
                _ => return,
            },
        };
        let Some(connection) = evidence::connection_id(host) else {
            return;
        };
        let subject = Subject {
            connection_id: Some(connection),
            ..Subject::new(Direction::Downstream, evidence::downstream_facts(host))
        };
        let key = Key::of_client(connection);
        self.tell(
            base,
            judge,
            Undecided {
                key,
                failure,
                subject,
            },
        );
    }

    /// Takes the answer to a call of our own, and tells of it where it is Envoy's
    /// own answer for a connection that failed.
    pub fn answered<H: Host>(
        &self,
        base: &mut Base<H>,
        judge: &mut Judge,
        answer: &mut CallAnswer,
    ) {
        let Some(cluster) = base.answered(answer) else {
            return;
        };
        let Some(failure) = of_answer(answer) else {
            return;
        };
        let facts = ConnectionFacts {
            cluster: Some(cluster),
            ..ConnectionFacts::default()
        };
        report(
            base,
            judge,
            failure,
            Subject::new(Direction::Upstream, facts),
        );
    }

    /// Tells of those for which no better reason came.
    pub fn flush<H: Host>(&mut self, base: &mut Base<H>, judge: &mut Judge) {
        for undecided in std::mem::take(&mut self.undecided) {
            self.tell(base, judge, undecided);
        }
    }

    /// Whether [`Failures::flush`] has something to do.
    pub const fn is_waiting(&self) -> bool {
        !self.undecided.is_empty()
    }

    fn tell<H: Host>(&self, base: &mut Base<H>, judge: &mut Judge, of: Undecided) {
        let Undecided {
            key,
            failure,
            subject,
        } = of;
        if self.seen.is_news(key) {
            report(base, judge, failure, subject);
        }
    }
}

fn report<H: Host>(base: &mut Base<H>, judge: &mut Judge, failure: Failure, subject: Subject) {
    let (rule_index, rule) = judge.rule_without_evidence(&subject.facts);
    let verdict = without_evidence((rule_index, &rule), failure.cause, failure.cause.meaning());
    let subject = Subject {
        reason: Some(failure.reason),
        ..subject
    };
    if let Some(finding) = verdict.findings.first() {
        base.tell_failure(finding, &verdict, &subject);
    }
}

/// The failure of a call of our own: of it Envoy shows no attribute, only the
/// text of its own answer (router.cc), and in that the reason is hidden from
/// Envoy 1.39 on unless a runtime flag says otherwise
/// (`envoy.reloadable_features.hide_transport_failure_reason_in_response_body`).
fn of_answer(answer: &mut CallAnswer) -> Option<Failure> {
    if answer.status != 503 {
        return None;
    }
    let text = String::from_utf8_lossy(&answer.body);
    let rest = text.strip_prefix("upstream connect error or disconnect/reset before headers. ")?;
    if let Some((_, reason)) = rest.split_once(", transport failure reason: ") {
        return Some(Failure::of_reason(reason.to_owned()));
    }
    let cause = match rest.strip_prefix("reset reason: ")? {
        "connection timeout" => Cause::ConnectionTimeout,
        "remote connection failure" | "local connection failure" => Cause::ConnectionUnestablished,
        _ => return None,
    };
    Some(Failure {
        cause,
        reason: rest.to_owned(),
    })
}

fn upstream_subject(host: &impl Host, judge: &Judge) -> Subject {
    let tls_version = host.property(at::UPSTREAM_TLS_VERSION);
    let looks_at = judge.rules().looks_at();
    let evidence = tls_version
        .and_then(|version| evidence::upstream_evidence(host, looks_at, Some(&version)).ok());
    Subject {
        evidence,
        connection_id: evidence::connection_id(host),
        ..Subject::new(Direction::Upstream, evidence::upstream_facts(host))
    }
}

fn reason(host: &impl Host, path: at::Path) -> Option<String> {
    evidence::text(host, path).filter(|reason| !reason.is_empty())
}
