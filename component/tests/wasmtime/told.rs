//! What the core says, in the words of wit/, and as wasmtime shows them to Python: a result has a
//! tag only where both of its sides are of one kind.

use hopguard::trust::{TrustedBy, Usage};
use hopguard_engine::certificate::Sight;
use hopguard_engine::explanation::{Explanation, FindingSight, VerdictSight, worth};
use hopguard_engine::stores::StoreVerdict;
use serde_json::{Value, json};

/// `explanation`.
pub fn explanation(told: &Explanation) -> Value {
    let rules = told.rules.iter().map(|rule| {
        let unmatched = rule.unmatched.iter().map(
            |list| json!({ "field": list.field, "patterns": list.patterns, "value": list.value }),
        );
        json!({
            "path": rule.path, "name": rule.name, "unmatched": unmatched.collect::<Vec<_>>(),
        })
    });
    let revocation = told.revocation.iter().map(|one| {
        json!({
            "subject": one.subject, "status": one.status, "source": one.source,
            "detail": one.detail,
        })
    });
    let require = Some(&told.require).filter(|require| !require.is_null());
    json!({
        "verdict": verdict(&told.verdict),
        "rules": rules.collect::<Vec<_>>(),
        "require": require.map(Value::to_string),
        "revocation": revocation.collect::<Vec<_>>(),
    })
}

/// `verdict`.
pub fn verdict(told: &VerdictSight) -> Value {
    let all = |findings: &[FindingSight]| findings.iter().map(finding).collect::<Vec<_>>();
    let certificate = told.certificate.as_ref();
    json!({
        "outcome": told.outcome.as_str().replace('_', "-"),
        "rule": told.rule,
        "findings": all(&told.findings),
        "notices": all(&told.notices),
        "certificate": certificate.map(|id| json!({ "subject": id.subject, "sha256": id.sha256 })),
        "is-pending": told.is_pending,
        "valid-until": told.valid_until,
    })
}

fn finding(told: &FindingSight) -> Value {
    let waiver = told.waiver.as_ref().map(|waiver| {
        json!({
            "until": waiver.until, "reason": waiver.reason,
            "state": worth(waiver.state).replace('_', "-"),
        })
    });
    json!({
        "cause": told.cause, "control": told.control.as_str(), "detail": told.detail,
        "waiver": waiver,
    })
}

/// `certificate-info`.
pub fn certificate(told: &Sight) -> Value {
    json!({
        "subject": told.subject, "issuer": told.issuer, "serial": told.serial,
        "not-before": told.not_before, "not-after": told.not_after, "names": told.names,
        "key": told.key, "signature-algorithm": told.signature_algorithm, "is-ca": told.is_ca,
        "key-usage": told.key_usage, "extended-key-usage": told.extended_key_usage,
        "must-staple": told.must_staple, "ocsp-urls": told.ocsp_urls, "crl-urls": told.crl_urls,
        "sources-error": told.sources_error,
        "unknown-critical-extensions": told.unknown_critical_extensions,
        "sha256": told.sha256, "public-key-sha256": told.public_key_sha256,
    })
}

/// `store-verdict`.
pub fn store_verdict(told: &StoreVerdict) -> Value {
    let trust = match &told.trust {
        Ok(trusted) => match trusted.by {
            TrustedBy::Path => json!({ "path": trusted.path }),
            TrustedBy::PinnedCertificate => json!({ "pinned-certificate": null }),
            TrustedBy::PinnedPublicKey => json!({ "pinned-public-key": null }),
        },
        Err(why) => json!({ "cause": why.cause.code(), "detail": why.detail }),
    };
    json!({
        "store": told.store,
        "direction": match told.usage {
            Usage::Server => "upstream",
            Usage::Client => "downstream",
        },
        "trust": trust,
    })
}
