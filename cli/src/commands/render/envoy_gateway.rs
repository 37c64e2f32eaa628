//! Envoy Gateway's EnvoyExtensionPolicy.

use serde_json::json;

use super::module::Module;
use super::{Arguments, Rendered, object, required};
use crate::policy::Checked;
use crate::reply::Failure;
use crate::role::Role;

pub fn resources(arguments: &Arguments, checked: &Checked) -> Result<Vec<Rendered>, Failure> {
    if let Some(role) = arguments
        .roles
        .iter()
        .find(|role| **role != Role::Downstream)
    {
        return Err(Failure(format!(
            "Envoy Gateway's API has a place for the role downstream only; what --for envoy --role {} prints goes into an EnvoyPatchPolicy",
            role.root_id()
        )));
    }
    let namespace = required(arguments.namespace.as_deref(), "--namespace")?;
    let gateway = required(arguments.gateway.as_deref(), "--gateway")?;
    let source = |url: &str| object([("url", json!(url)), ("sha256", json!(arguments.sha256))]);
    let code = match &arguments.wasm {
        Module::Image(image) => json!({ "type": "Image", "image": source(image) }),
        Module::Http(url) => json!({ "type": "HTTP", "http": source(url) }),
        Module::File(_) => {
            return Err(Failure(
                "Envoy Gateway fetches the module: give --wasm an address that begins with oci:// or https://".into(),
            ));
        }
    };
    Ok(vec![Rendered {
        comment: "Judges the clients of the Gateway; denies with 403. Not run in a cluster: try it with\nmode: report first. Needs Envoy 1.39 or later.".into(),
        value: json!({
            "apiVersion": "gateway.envoyproxy.io/v1alpha1",
            "kind": "EnvoyExtensionPolicy",
            "metadata": { "name": "hopguard-downstream", "namespace": namespace },
            "spec": {
                "targetRefs": [
                    { "group": "gateway.networking.k8s.io", "kind": "Gateway", "name": gateway },
                ],
                "wasm": [{
                    "name": "hopguard",
                    "rootID": Role::Downstream.root_id(),
                    "code": code,
                    "config": checked.file.document,
                    "failOpen": false,
                }],
            },
        }),
    }])
}
