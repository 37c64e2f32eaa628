//! Tests of the decision: each cause, each outcome, and what the cache keeps.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

mod properties;

use std::rc::Rc;

use super::*;
use crate::revocation::{Looked, Staple};
use crate::trust::tests::pki::{Authority, DAY as PKI_DAY, Leaf, NOW, pem, plain_authority, store};
use crate::trust::{KeyRequirements, NoHost, ReferenceIdentifier};

/// A source that hands out one certificate, and counts how often.
struct Source {
    pem: Option<Vec<u8>>,
    reads: usize,
}

impl CertificateSource for Source {
    fn certificate(&mut self, _: bool) -> Option<Vec<u8>> {
        self.reads += 1;
        self.pem.clone()
    }
}

struct Bench {
    policy: Policy,
    certificates: Certificates,
    source: Source,
    facts: ConnectionFacts,
    request: RequestFacts,
    evidence: Evidence,
    direction: Direction,
    now: i64,
    status: crate::revocation::Status,
    staple: Staple,
}

/// An upstream that presents `leaf` to a rule that trusts `ca` for these names.
fn bench(ca: &Authority, leaf: &Leaf, names: Names) -> Bench {
    let rule = Rule {
        name: "rule".into(),
        selector: Selector::default(),
        enforcement: Enforcement::Enforce,
        demands: Demands {
            min_tls: TlsVersion::Tls12,
            passthrough: None,
            peer: Some(PeerDemands {
                stores: vec![Rc::new(store(&[ca], &[]))],
                names,
                keys: KeyRequirements::default(),
                revocation: None,
                forwarded_certificate: false,
            }),
            authentication: None,
        },
        waivers: Vec::new(),
    };
    Bench {
        policy: policy(rule),
        certificates: Certificates::new(Rc::new(NoHost)),
        source: Source {
            pem: Some(pem(&leaf.der).into_bytes()),
            reads: 0,
        },
        facts: ConnectionFacts::default(),
        request: RequestFacts::default(),
        evidence: Evidence {
            transport: Transport::Tls(TlsVersion::Tls13),
            peer_sha256: Some(*leaf.parsed().sha256()),
            local_certificate: false,
        },
        direction: Direction::Upstream,
        now: NOW,
        status: crate::revocation::Status::Pending,
        staple: Staple::Absent,
    }
}

fn policy(rule: Rule) -> Policy {
    let set = || RuleSet::new(Vec::new(), strict_default());
    Policy {
        downstream: set(),
        upstream: RuleSet::new(Vec::new(), rule),
        clock_skew_seconds: 300,
        expiry_warning_seconds: 14 * DAY,
        gate: GateLimits {
            timeout_ms: 10_000,
            max_pending: 8,
        },
        collector: None,
        posture: None,
        revocation: RevocationSources::default(),
    }
}

fn strict_default() -> Rule {
    Rule {
        name: "default".into(),
        selector: Selector::default(),
        enforcement: Enforcement::Enforce,
        demands: Demands {
            min_tls: TlsVersion::Tls12,
            passthrough: None,
            peer: None,
            authentication: None,
        },
        waivers: Vec::new(),
    }
}

impl Bench {
    fn rule(&mut self) -> &mut Rule {
        self.policy.upstream.default_rule_mut().unwrap()
    }

    fn decide(&mut self) -> Verdict {
        let case = Case {
            direction: self.direction,
            facts: &self.facts,
            request: &self.request,
            evidence: &self.evidence,
            now: self.now,
        };
        decide(
            &case,
            &self.policy,
            self.policy.upstream.default_rule(),
            &mut self.certificates,
            &mut self.source,
            &mut |_, _| Looked {
                status: self.status.clone(),
                staple: self.staple.clone(),
            },
        )
    }

    fn causes(&mut self) -> Vec<Cause> {
        self.decide().findings.iter().map(|f| f.cause).collect()
    }
}

fn dns(name: &str) -> Names {
    Names::OneOf(vec![ReferenceIdentifier::parse(name).unwrap()])
}

fn good() -> Bench {
    let ca = plain_authority("ca");
    let leaf = ca.leaf(|_| {});
    bench(&ca, &leaf, dns("peer.example.com"))
}

#[test]
fn a_good_peer_is_permitted() {
    let verdict = good().decide();
    assert_eq!(verdict.outcome, Outcome::Permit);
    assert_eq!(verdict.findings, []);
    assert_eq!(verdict.notices, []);
}

#[test]
fn each_transport_has_its_cause() {
    for (transport, causes) in [
        (
            Transport::Plaintext,
            vec![Cause::Plaintext, Cause::CertificateMissing],
        ),
        (Transport::TlsUnknown, vec![Cause::TlsVersionUnknown]),
        (
            Transport::Tls(TlsVersion::Tls11),
            vec![Cause::TlsVersionTooOld],
        ),
        (Transport::Tls(TlsVersion::Tls12), vec![]),
    ] {
        let mut bench = good();
        bench.evidence.transport = transport;
        assert_eq!(bench.causes(), causes, "{transport:?}");
    }
}

#[test]
fn tls_that_is_not_opened_needs_a_rule_that_says_so() {
    let offer = Transport::Passthrough;
    let (tls11, tls12, tls13) = (TlsVersion::Tls11, TlsVersion::Tls12, TlsVersion::Tls13);
    let mut bench = good();
    bench.evidence.transport = offer(Some(tls13));
    bench.evidence.peer_sha256 = None;
    assert_eq!(
        bench.causes(),
        [Cause::PassthroughNotAllowed],
        "and no more"
    );
    for (transport, server_name, cause) in [
        (offer(Some(tls12)), Some("a.db.example"), None),
        (offer(Some(tls13)), Some("a.db.example"), None),
        (
            offer(Some(tls11)),
            Some("a.db.example"),
            Some(Cause::TlsVersionTooOld),
        ),
        (
            offer(None),
            Some("a.db.example"),
            Some(Cause::TlsVersionTooOld),
        ),
        (
            offer(Some(tls12)),
            Some("db.example"),
            Some(Cause::ServerNameMismatch),
        ),
        (offer(Some(tls12)), None, Some(Cause::ServerNameMismatch)),
        (
            Transport::Plaintext,
            Some("a.db.example"),
            Some(Cause::Plaintext),
        ),
        (
            Transport::Tls(tls13),
            Some("a.db.example"),
            Some(Cause::PassthroughExpected),
        ),
        (
            Transport::TlsUnknown,
            Some("a.db.example"),
            Some(Cause::PassthroughExpected),
        ),
    ] {
        let mut rule = strict_default();
        rule.demands.passthrough = Some(PassthroughDemand {
            server_names: vec![crate::trust::glob::Glob::parse_flat("*.db.example").unwrap()],
        });
        let mut bench = good();
        bench.policy = policy(rule);
        bench.facts.server_name = server_name.map(str::to_owned);
        bench.evidence.transport = transport;
        let causes: Vec<Cause> = cause.into_iter().collect();
        assert_eq!(bench.causes(), causes, "{transport:?} {server_name:?}");
    }
}

#[test]
fn a_missing_certificate_is_told_by_direction() {
    let mut bench = good();
    bench.evidence.peer_sha256 = None;
    assert_eq!(bench.causes(), [Cause::CertificateMissing]);
    bench.direction = Direction::Downstream;
    assert_eq!(bench.causes(), [Cause::ClientCertificateMissing]);
}

#[test]
fn a_certificate_of_another_connection_is_no_evidence() {
    let mut bench = good();
    bench.evidence.peer_sha256 = Some([7; 32]);
    assert_eq!(bench.causes(), [Cause::CertificateDigestMismatch]);
}

#[test]
fn what_cannot_be_read_denies_and_is_not_remembered() {
    for broken in [
        &b""[..],
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"\xff\xfe",
        b"-----BEGIN CERTIFICATE-----",
    ] {
        let mut bench = good();
        let whole = bench.source.pem.replace(broken.to_vec());
        assert_eq!(bench.causes(), [Cause::CertificateMalformed], "{broken:?}");
        bench.source.pem = whole;
        assert_eq!(bench.causes(), [], "{broken:?}");
    }
}

#[test]
fn without_exposure_only_a_pin_helps() {
    let mut bench = good();
    bench.source.pem = None;
    assert_eq!(bench.causes(), [Cause::CertificateUnavailable]);
}

#[test]
fn names_are_compared_with_the_policy() {
    let ca = plain_authority("ca");
    let leaf = ca.leaf(|_| {});
    assert_eq!(
        bench(&ca, &leaf, dns("other.example.com")).causes(),
        [Cause::NameMismatch]
    );
    assert_eq!(bench(&ca, &leaf, Names::Any).causes(), []);
}

#[test]
fn names_are_compared_with_the_connection() {
    let ca = plain_authority("ca");
    let leaf = ca.leaf(|_| {});
    let both = |server_name, authority| {
        Names::Reference(ReferenceSource {
            server_name,
            authority,
        })
    };
    for (names, server_name, authority, causes) in [
        (both(true, true), Some("peer.example.com"), None, vec![]),
        (both(true, true), None, Some("peer.example.com"), vec![]),
        (
            both(true, true),
            Some("other.example"),
            Some("peer.example.com"),
            vec![Cause::NameMismatch],
        ),
        (
            both(true, false),
            None,
            Some("peer.example.com"),
            vec![Cause::ReferenceNameMissing],
        ),
        (
            both(false, true),
            Some("peer.example.com"),
            None,
            vec![Cause::ReferenceNameMissing],
        ),
        (
            both(true, true),
            Some(""),
            Some(""),
            vec![Cause::ReferenceNameMissing],
        ),
        // A client's pattern is no pattern.
        (
            both(false, true),
            None,
            Some("*.example.com"),
            vec![Cause::NameMismatch],
        ),
        (
            both(true, true),
            Some("10.0.0.1"),
            None,
            vec![Cause::NameMismatch],
        ),
    ] {
        let mut bench = bench(&ca, &leaf, names);
        bench.facts.server_name = server_name.map(str::to_owned);
        bench.request.host = authority.map(str::to_owned);
        assert_eq!(bench.causes(), causes, "{server_name:?} {authority:?}");
    }
}

#[test]
fn another_ca_is_not_trusted() {
    let (ca, other) = (plain_authority("ca"), plain_authority("ca"));
    let leaf = other.leaf(|_| {});
    let causes = bench(&ca, &leaf, Names::Any).causes();
    // Same name, another key: the path is there, its signature is not.
    assert!(
        matches!(
            causes[..],
            [Cause::CertificateSignatureInvalid | Cause::CertificateUnknownIssuer]
        ),
        "{causes:?}"
    );
}

#[test]
fn the_default_without_stores_says_so() {
    let mut bench = good();
    bench.rule().demands.peer.as_mut().unwrap().stores.clear();
    assert_eq!(bench.causes(), [Cause::NoTrustStore]);
}

#[test]
fn a_verdict_is_made_once_and_ends_with_the_certificate() {
    let mut bench = good();
    assert_eq!(bench.causes(), []);
    assert_eq!(bench.causes(), []);
    assert_eq!(bench.source.reads, 1);
    let counts = bench.certificates.take_counts();
    assert_eq!((counts.hits, counts.misses, counts.evictions), (1, 1, 0));

    // The leaf ends 300 days from now; the skew is five minutes.
    bench.now = NOW + 300 * PKI_DAY + 300;
    let last = bench.decide();
    assert_eq!(last.outcome, Outcome::Permit);
    assert_eq!(last.notices[0].cause, Cause::CertificateNearExpiry);
    bench.now += 1;
    assert_eq!(bench.causes(), [Cause::CertificateExpired]);
}

#[test]
fn a_rejection_is_asked_again_after_a_while() {
    let mut bench = good();
    bench.now = NOW + 400 * PKI_DAY;
    assert_eq!(bench.causes(), [Cause::CertificateExpired]);
    // The clock was wrong, and is set right; the rejection is still kept.
    bench.now = NOW + 400 * PKI_DAY + 299;
    assert_eq!(bench.causes(), [Cause::CertificateExpired]);
    assert_eq!(bench.source.reads, 1);
    bench.now = NOW + 400 * PKI_DAY + 300;
    assert_eq!(bench.causes(), [Cause::CertificateExpired]);
    assert_eq!(bench.source.reads, 2);
}

#[test]
fn a_certificate_is_kept_unless_much_would_be() {
    let any = || Names::Any;
    let reference = || {
        Names::Reference(ReferenceSource {
            server_name: true,
            authority: false,
        })
    };
    for (names, of_bytes, matter, is_asked, is_kept) in [
        (1, 20, reference(), true, true),
        // What is not compared later is not kept.
        (1_900, 20, any(), false, true),
        (1_900, 20, any(), true, false),
        (100, 25, reference(), true, true),
        (100, 100, reference(), false, true),
        (100, 100, reference(), true, false),
        (1, 16_384, reference(), false, false),
    ] {
        let ca = plain_authority("ca");
        let leaf = ca.leaf(|params| {
            for n in 0..names {
                let uri = format!("u:{n:x>0$}", of_bytes - 2);
                let uri = rcgen::SanType::URI(uri.try_into().unwrap());
                params.subject_alt_names.push(uri);
            }
        });
        let mut bench = bench(&ca, &leaf, matter);
        bench.facts.server_name = Some("peer.example.com".into());
        bench.status = crate::revocation::Status::Good {
            ask_again: i64::MAX,
            source: crate::revocation::Source::CrlPolicy,
        };
        if is_asked {
            bench.rule().demands.peer.as_mut().unwrap().revocation = Some(Default::default());
        }
        for reads in [1, 2] {
            let verdict = bench.decide();
            assert_eq!(verdict.outcome, Outcome::Permit, "{:?}", verdict.findings);
            // A connection is judged once all the same.
            assert!(verdict.valid_until > NOW + PKI_DAY);
            let reads = if is_kept { 1 } else { reads };
            assert_eq!(bench.source.reads, reads, "{names} {of_bytes} {is_asked}");
        }
    }
}

#[test]
fn an_end_that_is_near_warns_once_a_day() {
    let mut bench = good();
    bench.now = NOW + 286 * PKI_DAY - 1;
    let before = bench.decide();
    assert_eq!(before.notices, []);
    assert_eq!(before.valid_until, NOW + 286 * PKI_DAY);
    bench.now += 1;
    let after = bench.decide();
    assert_eq!(after.outcome, Outcome::Permit);
    assert_eq!(after.notices[0].cause, Cause::CertificateNearExpiry);
    assert_eq!(after.valid_until, bench.now + DAY);
}

#[test]
fn a_waiver_covers_its_controls_and_no_other() {
    let waiver = |controls: &[Requirement], ends| Waiver {
        controls: controls.to_vec(),
        reason: "legacy".into(),
        until: "2026-12-31".into(),
        ends,
    };
    let later = NOW + 100 * DAY;
    for (controls, ends, outcome) in [
        (
            &[Requirement::V9_2_1, Requirement::V9_2_2][..],
            later,
            Outcome::Waived,
        ),
        (&[Requirement::V9_2_2], later, Outcome::Deny),
        (&[Requirement::V9_2_1], later, Outcome::Deny),
        (
            &[Requirement::V9_2_1, Requirement::V9_2_2],
            NOW + 1,
            Outcome::Waived,
        ),
        (
            &[Requirement::V9_2_1, Requirement::V9_2_2],
            NOW,
            Outcome::Deny,
        ),
    ] {
        let mut bench = good();
        bench.evidence.transport = Transport::Plaintext;
        bench.rule().waivers = vec![waiver(controls, ends)];
        let verdict = bench.decide();
        assert_eq!(verdict.outcome, outcome, "{controls:?} {ends}");
        assert!(verdict.valid_until <= ends.max(NOW + 1) || outcome == Outcome::Deny);
        let near = ends == NOW + 1;
        assert_eq!(
            verdict
                .notices
                .iter()
                .any(|n| n.cause == Cause::WaiverNearEnd),
            near
        );
    }
}

#[test]
fn the_finding_that_no_waiver_covers_names_the_verdict() {
    let mut bench = good();
    bench.evidence.transport = Transport::Plaintext;
    bench.rule().waivers = vec![Waiver {
        controls: vec![Requirement::V9_2_2],
        reason: "legacy".into(),
        until: "2026-12-31".into(),
        ends: NOW + 100 * DAY,
    }];
    assert_eq!(
        bench.decide().primary().unwrap().cause,
        Cause::CertificateMissing
    );
}

#[test]
fn report_decides_the_same_and_lets_through() {
    let decide = |enforcement| {
        let mut bench = good();
        bench.evidence.transport = Transport::Plaintext;
        bench.rule().enforcement = enforcement;
        let verdict = bench.decide();
        (verdict.outcome, verdict.findings)
    };
    let (enforced, findings) = decide(Enforcement::Enforce);
    let reported = decide(Enforcement::Report);
    assert_eq!(enforced, Outcome::Deny);
    assert_eq!(reported, (Outcome::WouldDeny, findings));
}

#[test]
fn the_proxy_authenticates_itself_in_one_of_the_ways() {
    for (certificate, header, transport, permitted) in [
        (true, None, TlsVersion::Tls13, true),
        (false, Some("authorization"), TlsVersion::Tls13, true),
        (false, Some("x-other"), TlsVersion::Tls13, false),
        (false, None, TlsVersion::Tls13, false),
    ] {
        let mut bench = good();
        bench.rule().demands.authentication = Some(AuthenticationDemand {
            certificate: true,
            headers: vec!["authorization".into()],
        });
        bench.evidence.local_certificate = certificate;
        bench.evidence.transport = Transport::Tls(transport);
        bench.request.headers = header.map(str::to_owned).into_iter().collect();
        let expected: &[Cause] = if permitted {
            &[]
        } else {
            &[Cause::CredentialMissing]
        };
        assert_eq!(bench.causes(), expected);
    }
}

#[test]
fn the_first_match_wins_and_the_default_matches_all() {
    use crate::trust::glob::Glob;
    let rule = |name: &str, clusters: &[&str], hosts: &[&str]| Rule {
        name: name.into(),
        selector: Selector {
            clusters: clusters
                .iter()
                .map(|g| Glob::parse_flat(g).unwrap())
                .collect(),
            hosts: hosts.iter().map(|g| Glob::parse_flat(g).unwrap()).collect(),
            ..Selector::default()
        },
        ..strict_default()
    };
    let set = RuleSet::new(
        vec![
            rule("a", &["pay*"], &["api.example"]),
            rule("b", &["pay*"], &[]),
            rule("c", &[], &["x.example"]),
        ],
        strict_default(),
    );
    let names = |cluster: Option<&str>, host: Option<&str>| {
        let facts = ConnectionFacts {
            cluster: cluster.map(str::to_owned),
            ..ConnectionFacts::default()
        };
        let request = RequestFacts {
            host: host.map(str::to_owned),
            ..RequestFacts::default()
        };
        let candidates = set.candidates(&facts);
        set.first_match(&candidates, &request).1.name.to_string()
    };
    assert_eq!(names(Some("payments"), Some("api.example")), "a");
    assert_eq!(names(Some("payments"), Some("x.example")), "b");
    assert_eq!(names(Some("other"), Some("x.example")), "c");
    assert_eq!(names(Some("other"), None), "default");
    assert_eq!(names(None, None), "default");
}
