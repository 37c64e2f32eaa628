//! Events: one line of JSON each, in the names of OpenTelemetry's semantic
//! conventions where they have one, `hopguard.*` otherwise.

use serde::Serialize;

use super::fold::Summary;
use super::posture::PostureFields;
use super::text::{MAX_REASON, clean, clean_to, rfc3339_millis, upper_hex};
use crate::decision::{
    Cause, CertificateSummary, ConnectionFacts, Direction, Evidence, Finding, Outcome, Transport,
    Verdict, WaiverState, ip_of,
};
use crate::revocation::Source;
use crate::trust::Utc;

/// What an event is about, besides the verdict.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Which side of the proxy.
    pub direction: Direction,
    /// The connection.
    pub facts: ConnectionFacts,
    /// What it shows, where it was connected.
    pub evidence: Option<Evidence>,
    /// The attempt of the request, upstream.
    pub attempt: Option<u64>,
    /// The request's `x-request-id`.
    pub request_id: Option<String>,
    /// The name of the request's route.
    pub route: Option<String>,
    /// Envoy's id of the client's connection.
    pub connection_id: Option<u64>,
    /// The client's address, `ip:port`, where the event is about its server.
    pub client_address: Option<String>,
    /// Envoy's words for a failure.
    pub reason: Option<String>,
}

impl Subject {
    /// A connection of which no more is known.
    pub const fn new(direction: Direction, facts: ConnectionFacts) -> Self {
        Self {
            direction,
            facts,
            evidence: None,
            attempt: None,
            request_id: None,
            route: None,
            connection_id: None,
            client_address: None,
            reason: None,
        }
    }
}

/// Kinds of event (`event.name`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Denied.
    Denied,
    /// Would have been denied, had the rule not only reported.
    WouldDeny,
    /// A TLS connection to an upstream failed.
    TlsFailure,
    /// Nothing was denied, but somebody should look.
    Warning,
    /// Something is wrong with the proxy's own posture.
    Posture,
    /// That is over.
    PostureEnded,
    /// Events that were counted and not printed.
    Summary,
}

impl Kind {
    /// All kinds, for the table in `docs/telemetry.md`.
    pub const ALL: [Self; 7] = [
        Self::Denied,
        Self::WouldDeny,
        Self::TlsFailure,
        Self::Warning,
        Self::Posture,
        Self::PostureEnded,
        Self::Summary,
    ];

    /// The value of `event.name`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "hopguard.denied",
            Self::WouldDeny => "hopguard.would_deny",
            Self::TlsFailure => "hopguard.tls_failure",
            Self::Warning => "hopguard.warning",
            Self::Posture => "hopguard.posture",
            Self::PostureEnded => "hopguard.posture_ended",
            Self::Summary => "hopguard.summary",
        }
    }
}

/// One event, as it is printed. Absent fields are left out.
#[derive(Debug, Default, Serialize)]
pub struct Event {
    timestamp: String,
    #[serde(rename = "event.name")]
    name: &'static str,
    #[serde(rename = "hopguard.event.id")]
    id: String,
    #[serde(rename = "error.type")]
    error_type: &'static str,
    #[serde(rename = "hopguard.control")]
    control: &'static str,
    #[serde(rename = "hopguard.cwe")]
    cwe: &'static str,
    #[serde(rename = "hopguard.direction", skip_serializing_if = "str::is_empty")]
    direction: &'static str,
    #[serde(rename = "hopguard.verdict", skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
    #[serde(rename = "hopguard.rule", skip_serializing_if = "String::is_empty")]
    rule: String,
    #[serde(rename = "hopguard.detail", skip_serializing_if = "String::is_empty")]
    detail: String,
    #[serde(
        rename = "hopguard.revocation.source",
        skip_serializing_if = "Option::is_none"
    )]
    revocation_source: Option<&'static str>,
    #[serde(rename = "hopguard.findings", skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Other>,
    #[serde(
        rename = "hopguard.waiver.until",
        skip_serializing_if = "Option::is_none"
    )]
    waiver_until: Option<String>,
    #[serde(
        rename = "hopguard.waiver.state",
        skip_serializing_if = "Option::is_none"
    )]
    waiver_state: Option<&'static str>,
    #[serde(
        rename = "hopguard.waiver.reason",
        skip_serializing_if = "Option::is_none"
    )]
    waiver_reason: Option<String>,
    #[serde(rename = "hopguard.cluster", skip_serializing_if = "Option::is_none")]
    cluster: Option<String>,
    #[serde(rename = "hopguard.listener", skip_serializing_if = "Option::is_none")]
    listener: Option<String>,
    #[serde(
        rename = "hopguard.filter_chain",
        skip_serializing_if = "Option::is_none"
    )]
    filter_chain: Option<String>,
    #[serde(
        rename = "hopguard.request.id",
        skip_serializing_if = "Option::is_none"
    )]
    request_id: Option<String>,
    #[serde(rename = "hopguard.route", skip_serializing_if = "Option::is_none")]
    route: Option<String>,
    #[serde(
        rename = "hopguard.connection.id",
        skip_serializing_if = "Option::is_none"
    )]
    connection_id: Option<u64>,
    #[serde(rename = "hopguard.attempt", skip_serializing_if = "Option::is_none")]
    attempt: Option<u64>,
    #[serde(rename = "server.address", skip_serializing_if = "Option::is_none")]
    server_address: Option<String>,
    #[serde(rename = "client.address", skip_serializing_if = "Option::is_none")]
    client_address: Option<String>,
    #[serde(
        rename = "network.peer.address",
        skip_serializing_if = "Option::is_none"
    )]
    peer_address: Option<String>,
    #[serde(rename = "network.peer.port", skip_serializing_if = "Option::is_none")]
    peer_port: Option<u16>,
    #[serde(rename = "error.message", skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(rename = "hopguard.transport", skip_serializing_if = "Option::is_none")]
    transport: Option<&'static str>,
    #[serde(rename = "tls.established", skip_serializing_if = "Option::is_none")]
    tls_established: Option<bool>,
    #[serde(
        rename = "tls.protocol.version",
        skip_serializing_if = "Option::is_none"
    )]
    tls_version: Option<&'static str>,
    #[serde(flatten)]
    server: Option<ServerCertificate>,
    #[serde(flatten)]
    client: Option<ClientCertificate>,
    #[serde(
        rename = "hopguard.certificate.serial",
        skip_serializing_if = "Option::is_none"
    )]
    serial: Option<String>,
    #[serde(
        rename = "hopguard.folded.count",
        skip_serializing_if = "Option::is_none"
    )]
    folded: Option<u64>,
    #[serde(
        rename = "hopguard.folded.first",
        skip_serializing_if = "Option::is_none"
    )]
    first: Option<String>,
    #[serde(
        rename = "hopguard.folded.last",
        skip_serializing_if = "Option::is_none"
    )]
    last: Option<String>,
    #[serde(
        rename = "hopguard.folded.sample",
        skip_serializing_if = "Option::is_none"
    )]
    sample: Option<String>,
    #[serde(flatten)]
    posture: Option<PostureFields>,
}

/// A finding besides the one that names the event.
#[derive(Debug, Serialize)]
struct Other {
    control: &'static str,
    cause: &'static str,
    detail: String,
    waived: bool,
}

macro_rules! certificate_fields {
    ($name:ident $subject:literal $issuer:literal $not_before:literal $not_after:literal $sha256:literal) => {
        #[derive(Debug, Serialize)]
        struct $name {
            #[serde(rename = $subject, skip_serializing_if = "Option::is_none")]
            subject: Option<String>,
            #[serde(rename = $issuer, skip_serializing_if = "Option::is_none")]
            issuer: Option<String>,
            #[serde(rename = $not_before, skip_serializing_if = "Option::is_none")]
            not_before: Option<String>,
            #[serde(rename = $not_after, skip_serializing_if = "Option::is_none")]
            not_after: Option<String>,
            #[serde(rename = $sha256)]
            sha256: String,
        }

        impl $name {
            fn new(sha256: &[u8; 32], certificate: Option<&CertificateSummary>) -> Self {
                Self {
                    subject: certificate.map(|c| clean(&c.subject)),
                    issuer: certificate.map(|c| clean(&c.issuer)),
                    not_before: certificate.map(|c| Utc(c.not_before).to_string()),
                    not_after: certificate.map(|c| Utc(c.not_after).to_string()),
                    sha256: upper_hex(sha256),
                }
            }
        }
    };
}

certificate_fields!(ServerCertificate "tls.server.subject" "tls.server.issuer"
    "tls.server.not_before" "tls.server.not_after" "tls.server.hash.sha256");
certificate_fields!(ClientCertificate "tls.client.subject" "tls.client.issuer"
    "tls.client.not_before" "tls.client.not_after" "tls.client.hash.sha256");

impl Event {
    /// The event of a finding (the primary one of a denial, or a notice).
    pub fn of_finding(
        kind: Kind,
        finding: &Finding,
        verdict: &Verdict,
        subject: &Subject,
        id: &str,
        now: u64,
    ) -> Self {
        let facts = &subject.facts;
        let transport = subject.evidence.map(|e| e.transport);
        let (peer_address, peer_port) = split_address(facts.peer_address.as_deref());
        let upstream = subject.direction == Direction::Upstream;
        let sha256 = subject.evidence.and_then(|e| e.peer_sha256);
        let certificate = verdict.certificate.as_deref();
        Self {
            timestamp: rfc3339_millis(now),
            name: kind.as_str(),
            id: id.to_owned(),
            error_type: finding.cause.code(),
            control: finding.requirement.as_str(),
            cwe: finding.requirement.cwe(),
            direction: subject.direction.as_str(),
            // A failed connection was not judged.
            verdict: (kind != Kind::TlsFailure).then(|| verdict.outcome.as_str()),
            rule: verdict.rule.name.to_string(),
            detail: clean(&finding.detail),
            revocation_source: finding.source.map(Source::as_str),
            findings: others(finding, verdict),
            waiver_until: finding.waiver.as_ref().map(|w| clean(&w.until)),
            waiver_state: finding.waiver.as_ref().map(|w| waiver_state(w.state)),
            waiver_reason: finding.waiver.as_ref().map(|w| clean(&w.reason)),
            cluster: facts.cluster.as_deref().map(clean),
            listener: facts.listener.as_deref().map(clean),
            filter_chain: facts.filter_chain.as_deref().map(clean),
            request_id: subject.request_id.as_deref().map(clean),
            route: subject
                .route
                .as_deref()
                .filter(|r| !r.is_empty())
                .map(clean),
            connection_id: subject.connection_id,
            attempt: subject.attempt,
            reason: subject
                .reason
                .as_deref()
                .filter(|r| !r.is_empty())
                .map(|r| clean_to(r, MAX_REASON)),
            transport: transport.map(Transport::as_str),
            server_address: facts
                .server_name
                .as_deref()
                .filter(|n| !n.is_empty())
                .map(clean)
                .or_else(|| peer_address.clone().filter(|_| upstream)),
            client_address: if upstream {
                let (client, _) = split_address(subject.client_address.as_deref());
                client
            } else {
                peer_address.clone()
            },
            peer_address,
            peer_port,
            tls_established: match transport {
                Some(Transport::Passthrough(_)) | None => None,
                Some(transport) => Some(transport != Transport::Plaintext),
            },
            tls_version: match transport {
                Some(Transport::Tls(version)) => Some(version.as_str()),
                _ => None,
            },
            server: sha256
                .filter(|_| upstream)
                .map(|d| ServerCertificate::new(&d, certificate)),
            client: sha256
                .filter(|_| !upstream)
                .map(|d| ClientCertificate::new(&d, certificate)),
            serial: certificate.map(|c| clean(&c.serial)),
            ..Self::default()
        }
    }

    /// The event that sums up others that were not printed.
    pub fn of_summary(summary: &Summary, id: &str, now: u64) -> Self {
        let key = &summary.key;
        let requirement = key.cause.requirement();
        Self {
            timestamp: rfc3339_millis(now),
            name: Kind::Summary.as_str(),
            id: id.to_owned(),
            error_type: key.cause.code(),
            control: requirement.as_str(),
            cwe: requirement.cwe(),
            direction: key.direction.as_str(),
            verdict: Some(key.outcome.as_str()),
            rule: key.rule.to_string(),
            cluster: key.cluster.as_deref().map(clean),
            folded: Some(summary.folded),
            first: Some(rfc3339_millis(summary.first)),
            last: Some(rfc3339_millis(summary.last)),
            sample: Some(summary.sample.clone()),
            ..Self::default()
        }
    }

    /// The event of something that changed in the proxy's own posture.
    pub fn of_posture(
        kind: Kind,
        cause: Cause,
        detail: String,
        id: &str,
        now: u64,
        fields: PostureFields,
    ) -> Self {
        let requirement = cause.requirement();
        Self {
            timestamp: rfc3339_millis(now),
            name: kind.as_str(),
            id: id.to_owned(),
            error_type: cause.code(),
            control: requirement.as_str(),
            cwe: requirement.cwe(),
            detail,
            posture: Some(fields),
            ..Self::default()
        }
    }

    /// The same with this cluster.
    pub fn with_cluster(self, cluster: Option<&str>) -> Self {
        Self {
            cluster: cluster.map(clean),
            ..self
        }
    }

    /// The same with this serial number of a certificate.
    pub fn with_serial(self, serial: Option<&str>) -> Self {
        Self {
            serial: serial.map(clean),
            ..self
        }
    }

    /// The line for the log.
    pub fn to_line(&self) -> String {
        // A struct of strings and numbers always serialises.
        serde_json::to_string(self).unwrap_or_default()
    }
}

const fn waiver_state(state: WaiverState) -> &'static str {
    match state {
        WaiverState::Active => "active",
        WaiverState::NearEnd => "near_end",
        WaiverState::Expired => "expired",
    }
}

fn others(named: &Finding, verdict: &Verdict) -> Vec<Other> {
    verdict
        .findings
        .iter()
        .filter(|f| *f != named)
        .map(|f| Other {
            control: f.requirement.as_str(),
            cause: f.cause.code(),
            detail: clean(&f.detail),
            waived: f.is_waived(),
        })
        .collect()
}

fn split_address(address: Option<&str>) -> (Option<String>, Option<u16>) {
    let Some(address) = address else {
        return (None, None);
    };
    let port = address
        .parse::<std::net::SocketAddr>()
        .ok()
        .map(|a| a.port());
    let host = ip_of(address).map_or_else(|| clean(address), |ip| ip.to_string());
    (Some(host), port)
}

impl From<Outcome> for Kind {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Deny => Self::Denied,
            Outcome::WouldDeny => Self::WouldDeny,
            Outcome::Permit | Outcome::Waived => Self::Warning,
        }
    }
}
