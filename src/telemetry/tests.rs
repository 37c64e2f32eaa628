//! `docs/telemetry.md` and the code say the same.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

use std::collections::BTreeSet;
use std::rc::Rc;

use super::fold::{EventKey, Summary};
use super::*;
use crate::decision::{
    Cause, CertificateSummary, ConnectionFacts, Demands, Direction, Enforcement, Evidence, Finding,
    Outcome, Rule, Selector, TlsVersion, Transport, UsedWaiver, Verdict, WaiverState,
};
use crate::host::MetricKind;
use crate::posture::{Aspect, Condition, Key, News, Staple, Subject as PostureSubject, Use};

const DOC: &str = include_str!("../../docs/telemetry.md");

/// The rows of all tables in a section: cells without the backquotes.
fn rows(section: &str) -> Vec<Vec<String>> {
    let text = DOC.split(&format!("\n## {section}\n")).nth(1).unwrap();
    let text = text.split("\n## ").next().unwrap();
    text.lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            line.trim_matches('|')
                .split(" | ")
                .map(|cell| cell.trim().trim_matches('`').to_owned())
                .collect()
        })
        .collect()
}

#[test]
fn every_cause_is_in_the_table_as_the_code_has_it() {
    let expected: Vec<Vec<String>> = Cause::ALL
        .iter()
        .map(|c| {
            vec![
                c.code().into(),
                c.requirement().as_str().into(),
                c.meaning().into(),
            ]
        })
        .collect();
    assert_eq!(rows("Causes"), expected);
}

#[test]
fn every_metric_is_in_the_table_as_the_code_has_it() {
    let expected: Vec<Vec<String>> = metrics::ALL
        .iter()
        .map(|m| {
            let kind = match m.kind {
                MetricKind::Counter => "counter",
                MetricKind::Gauge => "gauge",
            };
            let labels = m
                .labels
                .iter()
                .map(|l| format!("`{l}`"))
                .collect::<Vec<_>>();
            let labels = labels.join(", ");
            vec![
                m.name.into(),
                kind.into(),
                labels.trim_matches('`').to_owned(),
                m.meaning.trim_matches('`').to_owned(),
            ]
        })
        .collect();
    assert_eq!(rows("Metrics"), expected);
}

#[test]
fn every_filter_state_is_in_the_table() {
    let names: Vec<String> = rows("Filter state")
        .into_iter()
        .map(|r| r[0].clone())
        .collect();
    let expected: Vec<String> = filter_state::ALL
        .iter()
        .map(|n| format!("wasm.{n}"))
        .collect();
    assert_eq!(names, expected);
}

#[test]
fn every_kind_and_field_of_an_event_is_in_the_table() {
    let names: BTreeSet<String> = rows("Events").into_iter().map(|r| r[0].clone()).collect();
    let kinds = Kind::ALL.iter().map(|k| k.as_str().to_owned());
    let expected: BTreeSet<String> = kinds.chain(fields()).collect();
    assert_eq!(names, expected);
}

/// The fields of events that have everything.
fn fields() -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    for direction in [Direction::Downstream, Direction::Upstream] {
        let line = full_event(direction).to_line();
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        fields.extend(event.as_object().unwrap().keys().cloned());
    }
    for event in posture_events() {
        let event: serde_json::Value = serde_json::from_str(&event.to_line()).unwrap();
        fields.extend(event.as_object().unwrap().keys().cloned());
    }
    let summary = Summary {
        key: EventKey {
            direction: Direction::Upstream,
            cause: Cause::Plaintext,
            outcome: Outcome::Deny,
            rule: Rc::from("rule"),
            cluster: None,
        },
        folded: 1,
        first: 0,
        last: 0,
        sample: "id".into(),
    };
    let line = Event::of_summary(&summary, "id", 0).to_line();
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    fields.extend(event.as_object().unwrap().keys().cloned());
    fields
}

/// An event about a certificate, and one about a listener, that have everything.
fn posture_events() -> [Event; 2] {
    let condition = |subject| Condition {
        aspect: Aspect::Staple,
        subject,
        cause: Cause::StapleExpired,
        detail: "detail".into(),
        names: vec!["api.test".into()],
        staple: Some(Staple {
            next_update: 1,
            this_update: 0,
        }),
        count: Some(1),
    };
    let key = Key {
        r#use: Use::Presented,
        path: "path".into(),
        serial: "0a".into(),
        not_before: 0,
        not_after: 1,
    };
    let subjects = [
        PostureSubject::Certificate(key),
        PostureSubject::Listener("a".into()),
    ];
    subjects.map(|subject| {
        let news = News::Began(condition(subject));
        super::posture::event(&news, "admin", "id", 0).1
    })
}

/// A denial for these reasons.
fn denied(findings: Vec<Finding>, certificate: Option<Rc<CertificateSummary>>) -> Verdict {
    Verdict {
        rule: Rc::new(Rule {
            name: "rule".into(),
            selector: Selector::default(),
            enforcement: Enforcement::Enforce,
            demands: Demands {
                min_tls: TlsVersion::Tls12,
                passthrough: None,
                peer: None,
                authentication: None,
            },
            waivers: Vec::new(),
        }),
        rule_index: 0,
        outcome: Outcome::Deny,
        findings,
        notices: Vec::new(),
        certificate,
        valid_until: 0,
        is_pending: false,
    }
}

fn full_event(direction: Direction) -> Event {
    let waived = Finding {
        waiver: Some(UsedWaiver {
            until: "2026-12-31".into(),
            reason: "reason".into(),
            state: WaiverState::Expired,
        }),
        source: Some(crate::revocation::Source::CrlPolicy),
        ..Finding::new(Cause::TlsVersionTooOld, "detail")
    };
    let verdict = denied(
        vec![waived.clone(), Finding::new(Cause::NameMismatch, "other")],
        Some(Rc::new(CertificateSummary {
            subject: "CN=a\u{9b}".into(),
            issuer: "CN=b".into(),
            serial: "01".into(),
            not_before: 0,
            not_after: 1,
            sha256: [1; 32],
        })),
    );
    let text = |t: &str| Some(t.to_owned());
    let facts = ConnectionFacts {
        cluster: text("cluster"),
        listener: text("10.0.0.1:443"),
        filter_chain: text("chain"),
        server_name: text("api.example"),
        peer_address: text("10.0.0.2:9"),
    };
    let evidence = Evidence {
        transport: Transport::Tls(TlsVersion::Tls11),
        peer_sha256: Some([1; 32]),
        local_certificate: false,
    };
    let subject = Subject {
        direction,
        facts,
        evidence: Some(evidence),
        attempt: Some(1),
        request_id: text("id"),
        route: text("route"),
        connection_id: Some(1),
        client_address: text("10.0.0.3:9"),
        reason: text("reason"),
    };
    Event::of_finding(Kind::Denied, &waived, &verdict, &subject, "id", 0)
}

#[test]
fn a_line_about_the_posture_is_one_line_and_bounded() {
    let hostile: Box<str> = "\"}\n\r\u{1b}[2J\u{202e}".repeat(10_000).into();
    let key = Key {
        r#use: Use::Presented,
        path: hostile.clone(),
        serial: hostile.clone(),
        not_before: i64::MIN,
        not_after: i64::MAX,
    };
    let condition = Condition {
        aspect: Aspect::Validity,
        subject: PostureSubject::Certificate(key),
        cause: Cause::CertificateExpired,
        detail: hostile.to_string(),
        names: vec![hostile; 8],
        staple: None,
        count: None,
    };
    let (_, event) = super::posture::event(&News::Began(condition), "admin", "id", 0);
    let line = event.to_line();
    assert!(line.len() < 16 * 1024, "{}", line.len());
    assert!(line.chars().all(|c| !c.is_control() && c != '\u{202e}'));
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(event["error.type"], "certificate_expired");
}

#[test]
fn a_line_is_one_line_and_bounded() {
    let hostile = "\"}\n\r\u{1b}[2J\u{202e}".repeat(10_000);
    let facts = ConnectionFacts {
        cluster: Some(hostile.clone()),
        listener: Some(hostile.clone()),
        filter_chain: Some(hostile.clone()),
        server_name: Some(hostile.clone()),
        peer_address: Some(hostile.clone()),
    };
    let verdict = denied(vec![Finding::new(Cause::Plaintext, hostile.clone())], None);
    let subject = Subject {
        direction: Direction::Upstream,
        request_id: Some(hostile.clone()),
        route: Some(hostile.clone()),
        client_address: Some(hostile.clone()),
        reason: Some(hostile.clone()),
        ..Subject::new(Direction::Upstream, facts)
    };
    let finding = &verdict.findings[0];
    let line = Event::of_finding(Kind::Denied, finding, &verdict, &subject, "id", 0).to_line();
    assert!(line.len() < 16 * 1024, "{}", line.len());
    assert!(line.chars().all(|c| !c.is_control() && c != '\u{202e}'));
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(event["error.type"], "plaintext");
}
