//! Clients.

use serde_json::{Value, json};

use super::configs::{cluster, listener, tls_listener, with};
use super::{report, rules, set};

#[test]
fn a_listener_is_told_by_what_it_takes() {
    let logs = json!([{ "name": "l", "typed_config": { "log_format": {
        "text_format_source": { "inline_string": "%UPSTREAM_TRANSPORT_FAILURE_REASON% %DOWNSTREAM_TRANSPORT_FAILURE_REASON%" } } } }]);
    let ca = json!({ "trusted_ca": { "filename": "/ca.pem" }, "crl": { "filename": "/crl.pem" } });
    let strict = json!({
        "require_client_certificate": true, "ocsp_staple_policy": "MUST_STAPLE",
        "common_tls_context": { "validation_context": ca }
    });
    for (context, logs, errors, warnings) in [
        (Some(strict.clone()), &logs, &[][..], &[][..]),
        (
            Some(with(strict.clone(), json!({ "ocsp_staple_policy": 0 }))),
            &logs,
            &[],
            &["staple_not_strict"],
        ),
        (
            Some(with(strict.clone(), json!({ "ocsp_staple_policy": 1 }))),
            &logs,
            &[],
            &[],
        ),
        (
            Some(with(
                strict.clone(),
                json!({ "require_client_certificate": false }),
            )),
            &logs,
            &[],
            &["client_not_authenticated"],
        ),
        (
            Some(json!({})),
            &logs,
            &[],
            &["client_not_authenticated", "staple_not_strict"],
        ),
        (
            Some(with(strict.clone(), json!({ "common_tls_context": {} }))),
            &logs,
            &["peer_not_verified"],
            &["no_revocation"],
        ),
        (
            Some(strict),
            &json!([]),
            &["upstream_failures_not_logged"],
            &["client_failures_not_logged"],
        ),
        (None, &logs, &["listener_plaintext"], &[]),
    ] {
        let one = match &context {
            Some(context) => tls_listener("l", context.clone(), logs),
            None => listener("l", "0.0.0.0", Value::Null, logs),
        };
        let report = report(&json!({ "static_resources": { "listeners": [one] } }));
        assert_eq!(rules(&report, "l", "error"), set(errors), "{context:?}");
        let expected = [&["hopguard_missing"][..], warnings].concat();
        assert_eq!(
            rules(&report, "l", "warning"),
            set(&expected),
            "{context:?}"
        );
    }
    let on_machine = listener("l", "127.0.0.1", Value::Null, &logs);
    let report_of = |one: Value| report(&json!({ "static_resources": { "listeners": [one] } }));
    assert_eq!(
        rules(&report_of(on_machine), "l", "note"),
        set(&["plaintext_on_machine"])
    );
    let mut redirects = listener("l", "0.0.0.0", Value::Null, &logs);
    redirects["filter_chains"][0]["filters"][0]["typed_config"]["route_config"]["virtual_hosts"] =
        json!([{ "routes": [{ "redirect": { "https_redirect": true } }] }]);
    assert!(rules(&report_of(redirects), "l", "warning").contains("redirect_only"));
    let udp = json!({ "name": "u", "address": { "socket_address": { "protocol": "UDP", "address": "0.0.0.0", "port_value": 53 } } });
    assert_eq!(
        rules(&report_of(udp), "u", "unknown"),
        set(&["transport_unknown"])
    );
}

#[test]
fn what_is_passed_on_is_no_plaintext() {
    let proxy = json!({ "name": "t", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", "cluster": "db" } });
    let mut one = listener("l", "0.0.0.0", Value::Null, &json!([]));
    one["filter_chains"] =
        json!([{ "filters": [proxy], "filter_chain_match": { "server_names": ["db.example"] } }]);
    let config = json!({ "static_resources": { "listeners": [one], "clusters": [cluster("db", "192.0.2.1")] } });
    let report = report(&config);
    for hop in ["l", "db"] {
        assert!(
            rules(&report, hop, "warning").contains("passthrough"),
            "{report}"
        );
        assert!(
            !rules(&report, hop, "error")
                .iter()
                .any(|r| r.contains("plaintext"))
        );
    }
}
