//! Parts of hopguard's policies that name authorities of the testbed.

use serde_json::{Value, json};

use crate::pki::Authority;

/// A trust store of this root and these intermediates.
pub fn trust_store(name: &str, root: &Authority, intermediates: &[&Authority]) -> Value {
    let mut store = json!({ "name": name, "ca_certificates": root.pem() });
    if !intermediates.is_empty() {
        let pem: String = intermediates.iter().map(|i| i.pem()).collect();
        store["intermediate_certificates"] = json!(pem);
    }
    store
}
