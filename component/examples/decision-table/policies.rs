//! The policies of the table.

use hopguard::trust::Utc;
use hopguard_testbed::revocation::{Database, Known, List, Status};
use serde_json::{Map, Value, json};

use crate::certificates::{OCSP_HOST, Result, World};

const DAY: i64 = 86_400;

/// By name.
pub fn all(world: &World, now: i64) -> Result<Map<String, Value>> {
    let day = |days: i64| -> String {
        let text = Utc(now + days * DAY).to_string();
        text.split('T').next().unwrap_or_default().to_owned()
    };
    let waiver = |days| json!([{ "controls": ["V9.2.1", "V9.2.2"], "reason": "CHG-4711", "until": day(days) }]);
    let peer = |peer: Value| json!({ "peer_certificate": peer });
    let named = |names: Value| peer(json!({ "trust_stores": ["internal"], "names": names }));
    let stored =
        |store: &str, names: Value| peer(json!({ "trust_stores": [store], "names": names }));
    let any = json!("any");
    let revocation = |demands: Value| {
        peer(json!({ "trust_stores": ["internal"], "names": "any", "revocation": demands }))
    };
    let allow = json!({
        "unknown": "allow", "no_source": "allow", "unreachable": "allow", "invalid": "allow",
        "stale": "allow",
    });
    let responder = json!({ "responders": [{ "host": OCSP_HOST, "cluster": "ocsp" }] });
    let database = Database::new(&world.pki.intermediate)?;
    database.set(&world.revoked, Known::Revoked);
    let crl = List::default().pem(&database)?;
    let revoked = world.response(&world.revoked, Status::Revoked)?;
    let strong = json!({ "trust_stores": ["internal"], "names": "any", "min_rsa_bits": 3072, "curves": ["P-256"] });
    let lenient =
        json!({ "trust_stores": ["internal"], "names": "any", "extended_key_usage": "if_present" });

    let rule = |require: Value| json!({ "name": "peers", "require": require });
    let upstream = |require: Value| world.policy(json!({ "upstream": [rule(require)] }));
    let both = |require: Value| {
        world.policy(json!({ "downstream": [rule(require.clone())], "upstream": [rule(require)] }))
    };
    let asking = |require: Value, sources: Value| {
        world.policy(json!({ "upstream": [rule(require)], "revocation": sources }))
    };
    let all = [
        ("empty", json!({ "version": 1 })),
        ("strict", world.policy(json!({}))),
        ("report", world.policy(json!({ "mode": "report" }))),
        ("tls-1.3", upstream(json!({ "min_tls_version": "1.3" }))),
        ("passthrough", both(json!({ "passthrough": { "server_names": ["*.db.test"] } }))),
        ("any-name", both(named(any.clone()))),
        ("other-name", upstream(named(json!({ "dns": ["other.test"] })))),
        ("server-name", upstream(named(json!("server_name")))),
        ("spiffe", both(stored("mesh", json!({ "spiffe": ["spiffe://prod.test/**"] })))),
        ("spiffe-elsewhere", both(stored("elsewhere", json!({ "spiffe": ["spiffe://dev.test/**"] })))),
        ("pins", upstream(stored("pins", any))),
        ("strong", upstream(peer(strong))),
        ("any-purpose", upstream(peer(lenient))),
        ("credentials", upstream(json!({ "client_authentication": { "certificate": true, "headers": ["authorization"] } }))),
        ("waived", world.policy(json!({ "upstream": [{ "name": "peers", "waive": waiver(200) }] }))),
        ("waiver-near-end", world.policy(json!({ "upstream": [{ "name": "peers", "waive": waiver(10) }] }))),
        ("waiver-ended", world.policy(json!({ "upstream": [{ "name": "peers", "waive": waiver(-10) }] }))),
        ("crl", asking(revocation(json!({})), json!({ "crls": [crl] }))),
        ("ocsp-response", asking(revocation(json!({})), json!({ "ocsp_responses": [revoked] }))),
        ("responder", asking(revocation(json!({})), responder.clone())),
        ("responder-lenient", asking(revocation(allow), responder.clone())),
        ("staple", asking(revocation(json!({ "staple": "required" })), json!({
            "responders": [{ "host": OCSP_HOST, "cluster": "ocsp" }],
            "staple_properties": { "upstream": ["filter_state", "peer.staple"] },
        }))),
        ("paths", world.policy(json!({ "downstream": [
            { "name": "public", "match": { "paths": ["/public/**"] } },
            { "name": "secret", "match": { "paths": ["/secret"] }, "require": { "min_tls_version": "1.3" } },
        ] }))),
        ("selectors", world.policy(json!({
            "downstream": [
                { "name": "operators", "match": { "listeners": ["*:9443"], "addresses": ["192.0.2.0/24"] } },
                { "name": "chain", "match": { "filter_chains": ["mtls"] } },
            ],
            "upstream": [
                { "name": "payments-api", "match": { "clusters": ["pay*"], "hosts": ["api.test"] } },
                { "name": "payments", "match": { "clusters": ["pay*"] } },
                { "name": "named", "match": { "server_names": ["*.test"] }, "mode": "report" },
            ],
        }))),
    ];
    Ok(all
        .map(|(name, policy)| (name.to_owned(), policy))
        .into_iter()
        .collect())
}

impl World {
    /// With these fields, and the stores.
    fn policy(&self, fields: Value) -> Value {
        let roots = self.pki.root.pem();
        let intermediates: String = [&self.pki.intermediate, &self.constrained]
            .into_iter()
            .map(|authority| authority.pem())
            .collect();
        let deep: String = self.deep.iter().map(|authority| authority.pem()).collect();
        let store = |name: &str, domain: &str| {
            json!({
                "name": name, "ca_certificates": roots, "intermediate_certificates": intermediates,
                "spiffe_trust_domains": [domain],
            })
        };
        let text = fields.to_string();
        let needs = |name: &str| text.contains(&format!("\"{name}\""));
        let mut stores = vec![json!({
            "name": "internal", "ca_certificates": roots, "intermediate_certificates": intermediates,
        })];
        if fields == json!({}) {
            // The strict policy alone has them, so that the table stays small.
            stores = vec![json!({
                "name": "internal", "ca_certificates": roots,
                "intermediate_certificates": format!("{intermediates}{deep}"),
            })];
        }
        if needs("mesh") {
            stores.push(store("mesh", "prod.test"));
        }
        if needs("elsewhere") {
            stores.push(store("elsewhere", "dev.test"));
        }
        if needs("pins") {
            stores.push(
                json!({ "name": "pins", "pinned_certificate_sha256": [self.pinned.sha256_hex()] }),
            );
        }
        let mut policy = json!({
            "version": 1, "trust_stores": stores, "default_trust_stores": ["internal"],
        });
        if let (Some(policy), Value::Object(fields)) = (policy.as_object_mut(), fields) {
            policy.extend(fields);
        }
        policy
    }
}
