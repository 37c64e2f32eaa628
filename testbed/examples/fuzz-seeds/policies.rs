//! Policies: those of the documents, and one that has every field.

use std::fs;

use serde_json::{Value, json};

use crate::world::World;
use crate::{Output, Result, crls};

pub fn write(world: &World, output: &Output) -> Result<()> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../");
    for document in ["README.md", "docs/policy.md", "docs/revocation.md"] {
        let text = fs::read_to_string(format!("{root}{document}"))?;
        let blocks = text.split("```json\n").skip(1);
        for (index, block) in blocks.filter_map(|b| b.split("```").next()).enumerate() {
            let mut policy: Value = serde_json::from_str(block)?;
            put_certificates(world, &mut policy);
            let name = document.replace('/', "-");
            let name = name.trim_end_matches(".md");
            output.seed(
                "policy",
                &format!("{name}-{index}"),
                policy.to_string().as_bytes(),
            )?;
        }
    }
    let whole = format!("{:#}", everything(world)?);
    output.seed("policy", "everything", whole.as_bytes())
}

/// The documents leave the certificates out.
fn put_certificates(world: &World, policy: &mut Value) {
    let stores = policy.get_mut("trust_stores").and_then(Value::as_array_mut);
    for store in stores.into_iter().flatten() {
        if let Some(certificates) = store.get_mut("ca_certificates") {
            *certificates = world.pki.root.pem().into();
        }
    }
}

fn everything(world: &World) -> Result<Value> {
    let list = String::from_utf8(crls::pem(world)?)?;
    Ok(json!({
        "version": 1,
        "mode": "report",
        "clock_skew_seconds": 60,
        "expiry_warning_days": 7,
        "gate": { "timeout_ms": 5000, "max_pending": 64 },
        "collector": { "cluster": "otel", "authority": "otel.test", "path": "/v1/logs", "timeout_ms": 1000 },
        "trust_stores": [
            {
                "name": "ca",
                "ca_certificates": world.pki.root.pem(),
                "intermediate_certificates": world.pki.intermediate.pem()
            },
            {
                "name": "pins",
                "pinned_certificates": world.pinned.pem(),
                "pinned_certificate_sha256": [world.server.sha256_hex()],
                "pinned_public_key_sha256": ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]
            },
            { "name": "mesh", "ca_certificates": world.pki.root.pem(), "spiffe_trust_domains": ["fuzz.test"] }
        ],
        "default_trust_stores": ["ca"],
        "revocation": {
            "responders": [{ "host": "ocsp.fuzz.test:8080", "cluster": "ocsp", "timeout_ms": 100 }],
            "crls": [list],
            "max_wait_ms": 100
        },
        "downstream": [
            {
                "name": "clients",
                "mode": "enforce",
                "match": {
                    "listeners": ["*:8443"], "filter_chains": ["a*"], "server_names": ["*.fuzz.test"],
                    "addresses": ["10.0.0.0/8", "fd00::/8"], "hosts": ["api.*"], "paths": ["/v1/**", "/*/x"]
                },
                "require": {
                    "min_tls_version": "1.3",
                    "peer_certificate": {
                        "trust_stores": ["mesh", "pins"],
                        "names": { "spiffe": ["spiffe://fuzz.test/ns/*/sa/**"], "email": ["@fuzz.test"] },
                        "extended_key_usage": "if_present",
                        "forwarded_client_cert": "set_by_this_envoy"
                    }
                }
            },
            { "name": "through", "require": { "passthrough": { "server_names": ["db.*"] } } }
        ],
        "upstream": [
            {
                "name": "api",
                "match": { "clusters": ["api*"] },
                "require": {
                    "peer_certificate": {
                        "trust_stores": ["ca"],
                        "names": { "dns": ["*.fuzz.test"], "ip": ["10.0.0.1"], "uri": ["https://fuzz.test/*"] },
                        "min_rsa_bits": 3072,
                        "curves": ["P-256", "P-521"],
                        "revocation": { "unknown": "deny", "no_source": "allow", "stale": "allow" }
                    },
                    "client_authentication": { "certificate": true, "headers": ["Authorization"] }
                },
                "waive": [{ "controls": ["V9.2.3"], "reason": "migration", "until": "2027-12-31" }]
            },
            { "name": "named", "require": { "peer_certificate": { "trust_stores": ["ca"], "names": "server_name_or_authority" } } }
        ]
    }))
}
