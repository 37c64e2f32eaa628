//! What `UpstreamTlsContext` and `DownstreamTlsContext` have in common.

use serde_json::{Value, json};

use crate::pki::Issued;
use crate::tls::{TlsVersion, TlsVersions};

/// Envoy's own default, and what TLS 1.0 and 1.1 can use besides.
const WITH_OLD_CIPHERS: [&str; 7] = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "AES128-SHA",
];

pub(super) fn common(
    certificate: Option<&Issued>,
    versions: Option<TlsVersions>,
    alpn: &[String],
    validation: Option<Value>,
) -> Value {
    let mut common = json!({});
    if let Some(certificate) = certificate {
        common["tls_certificates"] = json!([{
            "certificate_chain": inline(&certificate.chain_pem()),
            "private_key": inline(certificate.key_pem()),
        }]);
    }
    if let Some(TlsVersions { min, max }) = versions {
        common["tls_params"] = json!({
            "tls_minimum_protocol_version": min.envoy(),
            "tls_maximum_protocol_version": max.envoy(),
        });
        if min < TlsVersion::V1_2 {
            common["tls_params"]["cipher_suites"] = json!(WITH_OLD_CIPHERS);
        }
    }
    if !alpn.is_empty() {
        common["alpn_protocols"] = json!(alpn);
    }
    if let Some(validation) = validation {
        common["validation_context"] = validation;
    }
    common
}

pub(super) fn inline(text: &str) -> Value {
    json!({ "inline_string": text })
}

pub(super) fn socket(context: Value) -> Value {
    json!({ "name": "envoy.transport_sockets.tls", "typed_config": context })
}
