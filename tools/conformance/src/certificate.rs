//! Certificates (x509-limbo's format): each case becomes a policy, which is read
//! as Envoy's is, and a peer that is judged under it. A policy that is refused
//! lets nobody through.

use std::rc::Rc;

use hopguard::config;
use hopguard::decision::{
    Case as Question, CertificateSource, Certificates, ConnectionFacts, Direction, Evidence,
    Outcome, Policy, RequestFacts, TlsVersion, Transport, decide,
};
use hopguard::revocation::{Asked, Now, Unshared};
use hopguard::trust::{Certificate, Instant, pem};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Verdict, Way};

/// The time of cases that name none: theirs are valid from 1970 to 2969.
const UNTIMED: i64 = 1_780_272_000;

/// A case of x509-limbo (limbo-schema.json), as far as it matters here.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Case {
    /// Its name.
    pub id: String,
    /// What the peer is.
    pub validation_kind: Kind,
    /// PEM: trust anchors.
    pub trusted_certs: Vec<String>,
    /// PEM: intermediates.
    pub untrusted_intermediates: Vec<String>,
    /// PEM: the peer's own.
    pub peer_certificate: String,
    /// RFC 3339, in UTC.
    pub validation_time: Option<String>,
    /// What the certificate must name.
    pub extended_key_usage: Vec<String>,
    /// `SUCCESS` or `FAILURE`.
    pub expected_result: String,
    /// The name that a server must have.
    pub expected_peer_name: Option<Name>,
    /// The names that a client must have.
    pub expected_peer_names: Vec<Name>,
    /// PEM: revocation lists.
    #[serde(default)]
    pub crls: Vec<String>,
}

/// What the peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Kind {
    /// A server.
    Server,
    /// A client.
    Client,
}

/// A name.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Name {
    /// `DNS`, `IP` or `RFC822`.
    pub kind: String,
    /// The name.
    pub value: String,
}

impl Case {
    /// Whether the peer is to be let through.
    pub fn is_to_be_accepted(&self) -> bool {
        self.expected_result == "SUCCESS"
    }

    /// The moment that it is about, in seconds since the Unix epoch.
    pub fn now(&self) -> Option<i64> {
        self.validation_time
            .as_deref()
            .map_or(Some(UNTIMED), seconds)
    }

    const fn direction(&self) -> Direction {
        match self.validation_kind {
            Kind::Server => Direction::Upstream,
            Kind::Client => Direction::Downstream,
        }
    }

    /// The case as an operator would write it: strict defaults, but that clocks
    /// are exact. Where there are lists, every certificate of the path must be
    /// good by them.
    pub fn policy(&self) -> Value {
        let has_lists = !self.crls.is_empty();
        let has_intermediates = !self.untrusted_intermediates.is_empty();
        json!({
            "version": 1,
            "clock_skew_seconds": 0,
            "trust_stores": [{
                "name": "case",
                "ca_certificates": self.trusted_certs.join("\n"),
                "intermediate_certificates":
                    has_intermediates.then(|| self.untrusted_intermediates.join("\n")),
            }],
            "revocation": { "crls": self.crls },
            self.direction().as_str(): [{
                "name": "case",
                "require": { "peer_certificate": {
                    "trust_stores": ["case"],
                    "names": self.names(),
                    "extended_key_usage":
                        if self.names_its_purpose() { "required" } else { "if_present" },
                    "revocation": has_lists.then(|| json!({ "whole_path": true })),
                }},
            }],
        })
    }

    /// Whether the certificate must say what it is for: where the case asks for a
    /// purpose, and by the rules of the Web PKI. RFC 5280 section 4.2.1.12 lets it
    /// be left out, and PKITS does.
    fn names_its_purpose(&self) -> bool {
        !self.extended_key_usage.is_empty() || self.id.starts_with("webpki::")
    }

    fn names(&self) -> Value {
        let of = |belongs: fn(&str) -> bool| -> Vec<&str> {
            let one = self.expected_peer_name.iter();
            one.chain(&self.expected_peer_names)
                .filter(|name| belongs(&name.kind))
                .map(|name| name.value.as_str())
                .collect()
        };
        if of(|_| true).is_empty() {
            return json!("any");
        }
        json!({
            "dns": of(|kind| !matches!(kind, "IP" | "RFC822")),
            "ip": of(|kind| kind == "IP"),
            "email": of(|kind| kind == "RFC822"),
        })
    }
}

struct Shown<'a>(&'a str);

impl CertificateSource for Shown<'_> {
    fn certificate(&mut self, _: bool) -> Option<Vec<u8>> {
        Some(self.0.as_bytes().to_vec())
    }
}

/// Whether the peer is let through.
pub fn judge(case: &Case, way: &Way) -> Verdict {
    let Some(now) = case.now() else {
        return Verdict::refused("case_malformed", "its validation_time");
    };
    match config::parse(case.policy().to_string().as_bytes(), now) {
        Ok(policy) => judge_peer(case, &policy, now, way),
        Err(error) => Verdict::refused("policy_refused", error),
    }
}

fn judge_peer(case: &Case, policy: &Policy, now: i64, way: &Way) -> Verdict {
    let direction = case.direction();
    let (facts, request) = (ConnectionFacts::default(), RequestFacts::default());
    // One that cannot be read is refused before its digest matters.
    let sha256 = pem::single_certificate(case.peer_certificate.as_bytes())
        .and_then(|der| Certificate::parse(&der))
        .map_or([0; 32], |certificate| *certificate.sha256());
    let evidence = Evidence {
        transport: Transport::Tls(TlsVersion::Tls13),
        peer_sha256: Some(sha256),
        local_certificate: false,
    };
    let question = Question {
        direction,
        facts: &facts,
        request: &request,
        evidence: &evidence,
        now,
    };
    let rules = policy.rules(direction);
    let rule = rules.first_match(&rules.candidates(&facts), &request);
    let verifier = way.verifier();
    let mut known =
        policy
            .revocation
            .store(Rc::new(Unshared), Rc::clone(&verifier), || None, false);
    let moment = Now {
        nanos: u64::try_from(now).unwrap_or(0) * 1_000_000_000,
        at: Instant { now, skew: 0 },
    };
    let verdict = decide(
        &question,
        policy,
        rule,
        &mut Certificates::new(verifier),
        &mut Shown(&case.peer_certificate),
        &mut |asked: &Rc<Asked>, _| known.look_up(asked, None, moment),
    );
    match verdict.primary() {
        None if verdict.outcome == Outcome::Permit => Verdict::accepted(),
        Some(finding) => Verdict::refused(finding.cause.code(), &finding.detail),
        None => Verdict::refused("no_finding", verdict.outcome.as_str()),
    }
}

/// `YYYY-MM-DDThh:mm:ss`, then a fraction that does not count, then `Z` or
/// `+00:00`: in seconds since the Unix epoch.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let rest = text.get(19..)?;
    let zone = rest
        .strip_prefix('.')
        .map_or(rest, |r| r.trim_start_matches(|c: char| c.is_ascii_digit()));
    if !matches!(zone, "Z" | "+00:00") {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    // Days since 1970 of the proleptic Gregorian calendar, the year beginning
    // in March so that the leap day is its last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 1
        - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn times() {
        for (text, time) in [
            ("1970-01-01T00:00:03+00:00", Some(3)),
            ("2024-02-29T12:00:00Z", Some(1_709_208_000)),
            ("2024-03-01T00:00:00.999+00:00", Some(1_709_251_200)),
            ("2017-03-05T00:00:00Z", Some(1_488_672_000)),
            ("2024-03-01T00:00:00+01:00", None),
            ("2024-03-01", None),
        ] {
            assert_eq!(seconds(text), time, "{text}");
        }
    }
}
