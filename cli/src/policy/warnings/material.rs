//! Certificates that end, stores that nobody names, and sources of revocation.

use std::collections::HashSet;

use hopguard::decision::{DAY, Direction, Policy};
use hopguard::trust::Certificate;
use hopguard::trust::pem::certificates;
use serde_json::Value;

use super::super::{PolicyFile, Problem};
use super::{list, texts};
use crate::moment;

pub fn warn(file: &PolicyFile, policy: &Policy, now: i64, days: u32, problems: &mut Vec<Problem>) {
    let ends_soon = |end: i64| end.saturating_sub(now) <= i64::from(days) * DAY;
    let used = used_stores(&file.document);
    for (index, store) in list(&file.document, "/trust_stores").iter().enumerate() {
        let path = format!("trust_stores[{index}]");
        let name = store
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !used.contains(name) {
            let message = format!("nothing names the trust store {name}");
            problems.push(file.warning("trust_store_unused", path.clone(), message));
        }
        for field in [
            "ca_certificates",
            "intermediate_certificates",
            "pinned_certificates",
        ] {
            let pem = store.get(field).and_then(Value::as_str).unwrap_or_default();
            for (place, der) in certificates(pem).unwrap_or_default().iter().enumerate() {
                let Ok(certificate) = Certificate::parse(der) else {
                    continue;
                };
                let end = certificate.not_after();
                if ends_soon(end) {
                    let message = format!(
                        "the certificate of {} ends {}, on {}",
                        certificate.subject(),
                        moment::distance(now, end),
                        moment::text(end)
                    );
                    let path = format!("{path}.{field}[{place}]");
                    problems.push(file.warning("certificate_near_expiry", path, message));
                }
            }
        }
    }
    revocation(file, policy, ends_soon, now, problems);
}

/// The names of the stores that the default or a rule names.
fn used_stores(document: &Value) -> HashSet<&str> {
    let rules = ["/downstream", "/upstream"];
    let rules = rules.iter().flat_map(|rules| list(document, rules));
    let of_rules = rules.flat_map(|rule| texts(rule, "/require/peer_certificate/trust_stores"));
    texts(document, "/default_trust_stores")
        .chain(of_rules)
        .collect()
}

fn revocation(
    file: &PolicyFile,
    policy: &Policy,
    ends_soon: impl Fn(i64) -> bool,
    now: i64,
    problems: &mut Vec<Problem>,
) {
    for crl in policy
        .revocation
        .crls
        .iter()
        .filter(|crl| ends_soon(crl.next_update()))
    {
        let end = crl.next_update();
        let message = format!(
            "the CRL of {} ends {}, on {}",
            crl.issuer(),
            moment::distance(now, end),
            moment::text(end)
        );
        problems.push(file.warning("crl_near_expiry", "revocation.crls".to_owned(), message));
    }
    let demanded = [Direction::Downstream, Direction::Upstream]
        .iter()
        .flat_map(|direction| policy.rules(*direction).iter())
        .any(|rule| {
            let peer = rule.demands.peer.as_ref();
            peer.is_some_and(|peer| peer.revocation.is_some())
        });
    if demanded {
        return;
    }
    let message =
        "no rule demands revocation: it is used for certificates that say must-staple only";
    for (field, code) in [
        ("crls", "crl_unused"),
        ("crl_sources", "crl_source_unused"),
        ("ocsp_responses", "ocsp_response_unused"),
        ("responders", "responder_unused"),
    ] {
        let count = list(&file.document, &format!("/revocation/{field}")).len();
        for index in 0..count {
            let path = format!("revocation.{field}[{index}]");
            problems.push(file.warning(code, path, message.to_owned()));
        }
    }
}
