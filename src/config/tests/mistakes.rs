//! One mistake in a policy, and the sentence that it is refused with.

use serde_json::{Value, json};

use super::{changed, read};
use crate::trust::tests::pki::{pem, self_signed};

#[test]
fn each_mistake_names_its_field() {
    let leaf = pem(&self_signed(|_| {}).der);
    let up = "/upstream/0";
    let peer = "/upstream/0/require/peer_certificate";
    let rows: Vec<(String, Value, &str)> = vec![
        (
            "/version".into(),
            json!(2),
            "version: this hopguard reads version 1, not 2",
        ),
        ("/version".into(), Value::Null, "missing field `version`"),
        (
            "/mode".into(),
            json!("audit"),
            "mode: unknown variant `audit`",
        ),
        ("/surprise".into(), json!(1), "unknown field `surprise`"),
        (
            "/revocation".into(),
            json!({"responders": [{"host": "a b", "cluster": "c"}]}),
            "revocation.responders[0].host: \"a b\" is no host",
        ),
        (
            "/revocation".into(),
            json!({"responders": [{"host": "ocsp.test", "cluster": ""}]}),
            "revocation.responders[0].cluster: \"\" is no name of a cluster",
        ),
        (
            "/revocation".into(),
            json!({"responders": [{"host": "ocsp.test", "cluster": "c", "timeout_ms": 0}]}),
            "revocation.responders[0].timeout_ms: 0 is not within",
        ),
        (
            "/revocation".into(),
            json!({"max_wait_ms": 0}),
            "revocation.max_wait_ms: 0 is not within",
        ),
        (
            "/revocation".into(),
            json!({"crls": ["no PEM"]}),
            "revocation.crls[0]: ",
        ),
        (
            "/revocation".into(),
            json!({"responders": [
                {"host": "ocsp.test", "cluster": "a"}, {"host": "OCSP.test:80", "cluster": "b"},
            ]}),
            "revocation.responders[1].host: \"ocsp.test\" is there twice",
        ),
        (
            "/revocation".into(),
            json!({"crl_sources": [{"url": "https://crl.test/a", "cluster": "c"}]}),
            "revocation.crl_sources[0].url: \"https://crl.test/a\" is no http URL",
        ),
        (
            "/revocation".into(),
            json!({"crl_sources": [{"url": "http://crl.test/a", "cluster": ""}]}),
            "revocation.crl_sources[0].cluster: \"\" is no name of a cluster",
        ),
        (
            "/revocation".into(),
            json!({"crl_sources": [
                {"url": "http://crl.test/a", "cluster": "c", "refresh_seconds": 604_801},
            ]}),
            "revocation.crl_sources[0].refresh_seconds: 604801 is not within 1 to 604800",
        ),
        (
            "/revocation".into(),
            json!({"crl_sources": [
                {"url": "http://crl.test/a", "cluster": "c", "timeout_ms": 0},
            ]}),
            "revocation.crl_sources[0].timeout_ms: 0 is not within",
        ),
        (
            "/revocation".into(),
            json!({"crl_sources": [
                {"url": "http://crl.test/a", "cluster": "c", "max_bytes": 67_108_865},
            ]}),
            "revocation.crl_sources[0].max_bytes: 67108865 is not within",
        ),
        (
            "/revocation".into(),
            json!({"crl_sources": [
                {"url": "http://crl.test/a", "cluster": "c"},
                {"url": "http://crl.test/a", "cluster": "d"},
            ]}),
            "revocation.crl_sources[1].url: \"http://crl.test/a\" is there twice",
        ),
        (
            "/revocation".into(),
            json!({"ocsp_responses": ["?"]}),
            "revocation.ocsp_responses[0]: no base64",
        ),
        (
            "/revocation".into(),
            json!({"ocsp_responses": ["AAAA"]}),
            "revocation.ocsp_responses[0]: no OCSP response in DER",
        ),
        (
            "/revocation".into(),
            json!({"staple_properties": {"upstream": ["filter_state", ""]}}),
            "revocation.staple_properties.upstream: a property is a path of 1 to 8 parts",
        ),
        (
            "/revocation".into(),
            json!({"staple_properties": {"downstream": ["a", "b", "c", "d", "e", "f", "g", "h", "i"]}}),
            "revocation.staple_properties.downstream: a property is a path of 1 to 8 parts",
        ),
        (
            format!("{peer}/revocation"),
            json!({"staple": "required"}),
            "revocation.staple: \"required\" denies every peer",
        ),
        (
            format!("{peer}/revocation"),
            json!({"whole_path": 1}),
            "whole_path",
        ),
        (
            format!("{peer}/revocation"),
            json!({}),
            "upstream[0].require.peer_certificate.revocation: denies every peer: the policy's revocation names no source",
        ),
        (
            "/posture".into(),
            json!({}),
            "posture: missing field `cluster`",
        ),
        (
            "/posture".into(),
            json!({"cluster": "a b"}),
            "posture.cluster: \"a b\" is no name of a cluster",
        ),
        (
            "/posture".into(),
            json!({"cluster": "admin", "authority": ""}),
            "posture.authority: \"\" is no authority",
        ),
        (
            "/posture".into(),
            json!({"cluster": "admin", "interval_seconds": 0}),
            "posture.interval_seconds: 0 is not within 1 to 86400",
        ),
        (
            "/posture".into(),
            json!({"cluster": "admin", "timeout_ms": 60_001}),
            "posture.timeout_ms: 60001 is not within",
        ),
        (
            "/posture".into(),
            json!({"cluster": "admin", "staples": "demanded"}),
            "posture.staples: unknown variant `demanded`",
        ),
        (
            "/posture".into(),
            json!({"cluster": "admin", "staple_warning_hours": 8_761}),
            "posture.staple_warning_hours: 8761 is not within",
        ),
        (
            "/posture".into(),
            json!({"cluster": "admin", "staple_exceptions": [{}]}),
            "posture.staple_exceptions[0]: it names no certificate",
        ),
        (
            "/posture".into(),
            json!({"cluster": "admin", "staple_exceptions": [{"names": []}]}),
            "posture.staple_exceptions[0].names: it is empty",
        ),
        (
            "/posture".into(),
            json!({"cluster": "admin", "staple_exceptions": [{"paths": ["a", "***"]}]}),
            "posture.staple_exceptions[0].paths[1]: too many asterisks",
        ),
        (
            "/posture".into(),
            json!({"cluster": "admin", "staple_exceptions": [{"serials": ["1"]}]}),
            "unknown field `serials`",
        ),
        (
            "/posture".into(),
            json!({"cluster": "admin", "staple_exceptions": vec![json!({"names": ["a"]}); 257]}),
            "posture.staple_exceptions: 257 are more than 256",
        ),
        (
            format!("{peer}/revocation"),
            json!({"revoked": "allow"}),
            "unknown field `revoked`",
        ),
        (
            format!("{peer}/revocation"),
            json!({"unknown": "ignore"}),
            "unknown variant `ignore`",
        ),
        (
            "/collector".into(),
            json!({"cluster": ""}),
            "collector.cluster: \"\" is no name of a cluster",
        ),
        (
            "/collector".into(),
            json!({"cluster": "otel\r\n"}),
            "collector.cluster: \"otel\\r\\n\" is no name of a cluster",
        ),
        (
            "/collector".into(),
            json!({"cluster": "otel", "path": "v1/logs"}),
            "collector.path: \"v1/logs\" is no path",
        ),
        (
            "/collector".into(),
            json!({"cluster": "otel", "authority": "a b"}),
            "collector.authority: \"a b\" is no authority",
        ),
        (
            "/collector".into(),
            json!({"cluster": "otel", "timeout_ms": 0}),
            "collector.timeout_ms: 0 is not within",
        ),
        (
            "/collector".into(),
            json!({"cluster": "otel", "url": "x"}),
            "collector.url: unknown field `url`",
        ),
        (
            "/clock_skew_seconds".into(),
            json!(86_401),
            "clock_skew_seconds: 86401 is not within",
        ),
        (
            "/clock_skew_seconds".into(),
            json!(-1),
            "clock_skew_seconds: invalid value",
        ),
        (
            "/gate".into(),
            json!({"timeout_ms": 0}),
            "gate.timeout_ms: 0 is not within",
        ),
        (
            "/gate".into(),
            json!({"max_pending": 0}),
            "gate.max_pending: 0 is not within",
        ),
        (
            "/gate".into(),
            json!({"timeout": 1}),
            "gate.timeout: unknown field `timeout`",
        ),
        (
            "/trust_stores/0".into(),
            json!({"name": "ca"}),
            "trust_stores[0]: a trust store must trust something",
        ),
        (
            "/trust_stores/0/name".into(),
            json!("c a"),
            "trust_stores[0].name: \"c a\" is no name",
        ),
        (
            "/trust_stores/0/ca_certificates".into(),
            json!("x"),
            "trust_stores[0].ca_certificates: ",
        ),
        (
            "/trust_stores/0/ca_certificates".into(),
            json!(leaf),
            "trust_stores[0].ca_certificates[0]: ",
        ),
        (
            "/trust_stores/0/pinned_certificate_sha256".into(),
            json!(["00"]),
            "trust_stores[0].pinned_certificate_sha256[0]: \"00\" is no SHA-256",
        ),
        (
            "/trust_stores/0/spiffe_trust_domains".into(),
            json!(["Prod/x"]),
            "trust_stores[0].spiffe_trust_domains[0]: ",
        ),
        (
            "/default_trust_stores".into(),
            json!(["cb"]),
            "default_trust_stores[0]: \"cb\" is not among trust_stores",
        ),
        (
            format!("{up}/name"),
            json!("default"),
            "upstream[0].name: \"default\" is the name of another rule",
        ),
        (
            format!("{up}/name"),
            json!(""),
            "upstream[0].name: \"\" is no name",
        ),
        (
            format!("{up}/name"),
            Value::Null,
            "upstream[0]: missing field `name`",
        ),
        (
            format!("{up}/mode"),
            json!("off"),
            "upstream[0].mode: unknown variant `off`",
        ),
        (
            format!("{up}/match/clusters"),
            json!([]),
            "upstream[0].match.clusters: it is empty",
        ),
        (
            format!("{up}/match/clusters"),
            json!("api"),
            "upstream[0].match.clusters: invalid type",
        ),
        (
            format!("{up}/match/clusters"),
            json!(["*".repeat(17)]),
            "upstream[0].match.clusters[0]: ",
        ),
        (
            format!("{up}/match/addresses"),
            json!(["10.0.0.1/8"]),
            "upstream[0].match.addresses[0]: ",
        ),
        (
            format!("{up}/match/listeners"),
            json!(["*"]),
            "upstream[0].match.listeners: only downstream rules",
        ),
        (
            "/downstream/0/match/clusters".into(),
            json!(["*"]),
            "downstream[0].match.clusters: only upstream rules",
        ),
        (
            format!("{up}/require/min_tls_version"),
            json!("1.4"),
            "upstream[0].require.min_tls_version: \"1.4\" is no version",
        ),
        (
            format!("{up}/require/min_tls_version"),
            json!(1.2),
            "upstream[0].require.min_tls_version: invalid type",
        ),
        (
            format!("{peer}/trust_stores"),
            json!([]),
            "peer_certificate.trust_stores: it names no trust store",
        ),
        (
            format!("{peer}/trust_stores"),
            json!(["x"]),
            "peer_certificate.trust_stores[0]: \"x\" is not among trust_stores",
        ),
        (
            format!("{peer}/names"),
            Value::Null,
            "peer_certificate.names: it is missing",
        ),
        (
            format!("{peer}/names"),
            json!({}),
            "peer_certificate.names: it names nobody",
        ),
        (
            format!("{peer}/names"),
            json!("all"),
            "peer_certificate.names: \"all\" is neither",
        ),
        (
            format!("{peer}/names"),
            json!(["a"]),
            "peer_certificate.names: invalid type",
        ),
        (
            format!("{peer}/names"),
            json!({"dn": []}),
            "peer_certificate.names.dn: unknown field `dn`",
        ),
        (
            format!("{peer}/names"),
            json!({"dns": ["a_b.example", "grün.example"]}),
            "names.dns[1]: ",
        ),
        (
            format!("{peer}/names"),
            json!({"dns": ["*"]}),
            "names.dns[0]: ",
        ),
        (
            format!("{peer}/names"),
            json!({"ip": ["10.0.0"]}),
            "names.ip[0]: ",
        ),
        (
            format!("{peer}/names"),
            json!({"spiffe": ["https://x"]}),
            "names.spiffe[0]: ",
        ),
        (
            format!("{peer}/names"),
            json!({"spiffe": ["spiffe://"]}),
            "names.spiffe[0]: ",
        ),
        (
            format!("{peer}/names"),
            json!({"email": ["a@b.example"]}),
            "names.email: servers are not known",
        ),
        (
            "/downstream/0/require/peer_certificate/names".into(),
            json!("authority"),
            "names: \"authority\" names the server",
        ),
        (
            format!("{peer}/min_rsa_bits"),
            json!(1024),
            "peer_certificate.min_rsa_bits: 1024 is not within",
        ),
        (
            format!("{peer}/curves"),
            json!(["P-192"]),
            "peer_certificate.curves[0]: \"P-192\" is no curve",
        ),
        (
            format!("{peer}/curves"),
            json!([]),
            "peer_certificate.curves: it allows no curve",
        ),
        (
            format!("{peer}/forwarded_client_cert"),
            json!("set_by_this_envoy"),
            "forwarded_client_cert: it speaks of clients",
        ),
        (
            format!("{peer}/forwarded_client_cert"),
            json!("trust_me"),
            "forwarded_client_cert: unknown variant",
        ),
        (
            format!("{up}/require/client_authentication"),
            json!({}),
            "client_authentication: it accepts no way",
        ),
        (
            format!("{up}/require/client_authentication"),
            json!({"headers": ["a b"]}),
            "client_authentication.headers[0]: \"a b\" is no header name",
        ),
        (
            "/downstream/0/require/client_authentication".into(),
            json!({"certificate": true}),
            "downstream[0].require.client_authentication: it speaks of this proxy's own",
        ),
        (
            format!("{up}/waive/0/controls"),
            json!([]),
            "waive[0].controls: it waives nothing",
        ),
        (
            format!("{up}/waive/0/controls"),
            json!(["V9.2.5"]),
            "waive[0].controls[0]: \"V9.2.5\" cannot be waived",
        ),
        (
            format!("{up}/waive/0/reason"),
            Value::Null,
            "waive[0]: missing field `reason`",
        ),
        (
            format!("{up}/waive/0/reason"),
            json!(" "),
            "waive[0].reason: it gives no reason",
        ),
        (
            format!("{up}/waive/0/until"),
            Value::Null,
            "waive[0]: missing field `until`",
        ),
        (
            format!("{up}/waive/0/until"),
            json!("2026-02-30"),
            "waive[0].until: \"2026-02-30\" is no day",
        ),
    ];
    for (pointer, value, expected) in rows {
        let error = read(&changed(&pointer, value)).map(|_| ()).unwrap_err();
        assert!(
            error.starts_with("the policy is refused: ") && error.contains(expected),
            "{pointer}:\n  got      {error}\n  expected {expected}"
        );
        assert!(!error.contains('\n'), "one sentence: {error}");
    }
}
