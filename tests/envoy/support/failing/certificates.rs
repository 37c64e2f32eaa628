//! Servers whose certificates Envoy refuses.

use hopguard_testbed::TlsVersion::V1_3;
use hopguard_testbed::config::UpstreamTls;
use hopguard_testbed::pki::{Authority, Issued, Pki};
use rcgen::KeyUsagePurpose;
use serde_json::{Value, json};

use super::{Failing, Told, tls};
use crate::support::crl::crl;

/// One for each reason.
pub async fn refused(pki: &Pki) -> Vec<Failing> {
    let server = || pki.server("api.test");
    let good = server().issue();
    let tls = tls();
    let trusting = tls.clone().trusted_ca(&pki.root);
    let named = with_validation(
        &trusting,
        json!({
            "match_typed_subject_alt_names": [{ "san_type": "DNS", "matcher": { "exact": "api.test" } }],
        }),
    );
    let hash = with_validation(
        &tls,
        json!({ "verify_certificate_hash": [pki.root.sha256_hex()] }),
    );
    let with_crl = |crl: String| {
        with_validation(
            &trusting,
            json!({
                "only_verify_leaf_cert_crl": true, "crl": { "inline_string": crl },
            }),
        )
    };
    let untrusted = "unable to get local issuer certificate";
    let under = |authority: &Authority| authority.server("api.test").issue();
    let constrained = |name: &str| pki.root.intermediate(name);
    let no_ca = constrained("No CA")
        .not_a_ca()
        .key_usages([KeyUsagePurpose::KeyCertSign])
        .issue();
    let short = constrained("Short")
        .path_len(0)
        .issue()
        .intermediate("Too long")
        .issue();
    let in_full = |authority: &Authority| {
        let issued = authority.server("api.test").issue();
        let chain: Vec<_> = issued
            .chain()
            .iter()
            .cloned()
            .chain([authority.der().to_vec()])
            .collect();
        issued.with_chain(chain)
    };
    let rows: Vec<(&'static str, Told, Issued, UpstreamTls)> = vec![
        (
            "of-another-ca",
            ("tls_certificate_untrusted", untrusted),
            under(&pki.other),
            trusting.clone(),
        ),
        (
            "of-another-ca-1.3",
            ("tls_certificate_untrusted", untrusted),
            under(&pki.other),
            trusting.clone().tls_versions(V1_3, V1_3),
        ),
        (
            "of-another-ca-in-full",
            (
                "tls_certificate_untrusted",
                "self signed certificate in certificate chain",
            ),
            in_full(&pki.other),
            trusting.clone(),
        ),
        (
            "self-signed",
            ("tls_certificate_untrusted", untrusted),
            server().self_signed().issue(),
            trusting.clone(),
        ),
        (
            "no-intermediate",
            ("tls_certificate_untrusted", untrusted),
            good.with_chain([[0u8; 0]; 0]),
            trusting.clone(),
        ),
        (
            "expired",
            ("tls_certificate_expired", "certificate has expired"),
            server().expired().issue(),
            trusting.clone(),
        ),
        (
            "not-yet-valid",
            (
                "tls_certificate_not_yet_valid",
                "certificate is not yet valid",
            ),
            server().not_yet_valid().issue(),
            trusting.clone(),
        ),
        (
            "for-clients-only",
            (
                "tls_certificate_unsuitable",
                "unsupported certificate purpose",
            ),
            server().only_client_auth().issue(),
            trusting.clone(),
        ),
        (
            "critical-extension",
            ("tls_certificate_unsuitable", "unhandled critical extension"),
            server().extension(&[1, 2, 3, 4, 5], true, &[5, 0]).issue(),
            trusting.clone(),
        ),
        (
            "not-permitted",
            ("tls_certificate_unsuitable", "permitted subtree violation"),
            under(&constrained("Other names").permit_dns("db.test").issue()),
            trusting.clone(),
        ),
        (
            "excluded",
            ("tls_certificate_unsuitable", "excluded subtree violation"),
            under(&constrained("Not this name").exclude_dns("api.test").issue()),
            trusting.clone(),
        ),
        (
            "path-too-long",
            (
                "tls_certificate_unsuitable",
                "path length constraint exceeded",
            ),
            under(&short),
            trusting.clone(),
        ),
        (
            "of-no-ca",
            ("tls_certificate_unsuitable", "invalid CA certificate"),
            under(&no_ca),
            trusting.clone(),
        ),
        (
            "tampered",
            (
                "tls_certificate_unsuitable",
                "ECDSA routines:OPENSSL_internal:BAD_SIGNATURE",
            ),
            good.with_broken_signature(),
            trusting.clone(),
        ),
        (
            "other-name",
            (
                "tls_certificate_name",
                "SAN matcher, certificate SANs are [db.test]:TLS_error_end",
            ),
            pki.server("db.test").issue(),
            named.clone(),
        ),
        (
            "no-name",
            (
                "tls_certificate_name",
                "SAN matcher, certificate SANs are []:TLS_error_end",
            ),
            server().no_sans().issue(),
            named.clone(),
        ),
        (
            "not-pinned",
            ("tls_certificate_not_pinned", "cert hash and spki"),
            server().issue(),
            hash,
        ),
        (
            "revoked",
            (
                "tls_certificate_revoked",
                "certificate revocation check against provided CRLs failed: certificate revoked",
            ),
            good.clone(),
            with_crl(crl(&pki.intermediate, &[&good], 2099)),
        ),
        (
            "no-crl",
            (
                "tls_revocation_unknown",
                "certificate revocation check against provided CRLs failed: unable to get certificate CRL",
            ),
            good.clone(),
            with_crl(crl(&pki.other, &[], 2099)),
        ),
        (
            "old-crl",
            (
                "tls_revocation_unknown",
                "certificate revocation check against provided CRLs failed: CRL has expired",
            ),
            good.clone(),
            with_crl(crl(&pki.intermediate, &[], 2021)),
        ),
    ];
    let mut all = Vec::new();
    for (name, told, certificate, tls) in rows {
        let row = Failing::refused(name, told, &certificate, &tls).await;
        all.push(match told.1 {
            words if words.starts_with("SAN matcher, ") => row.in_1_37("SAN matcher:TLS_error_end"),
            words => match words.split_once("CRLs failed: ") {
                Some((_, words)) => row.in_1_37(words),
                None => row,
            },
        });
    }
    all
}

fn with_validation(tls: &UpstreamTls, context: Value) -> UpstreamTls {
    let context = json!({ "common_tls_context": { "validation_context": context } });
    tls.clone().merge(context)
}
