//! Envoy Gateway's resources: an EnvoyExtensionPolicy for the role that it has a place
//! for, and EnvoyPatchPolicies for the others.

use serde_json::{Value, json};

use super::module::Module;
use super::{Arguments, Rendered, envoy, object, policy_text, required};
use crate::policy::Checked;
use crate::reply::Failure;
use crate::role::Role;

const NOT_RUN: &str =
    "Not run in a cluster: try it with\nmode: report first. Needs Envoy 1.39 or later.";
const PATCHED: &str =
    "A patch whose resource or path is not there guards nothing, and only the status says so.";

const CLUSTER: &str = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
const LISTENER: &str = "type.googleapis.com/envoy.config.listener.v3.Listener";

/// The HTTP connection managers of a listener, and their routers (RFC 9535).
const MANAGERS: &str = "$.filter_chains[*].filters[?(@.name=='envoy.filters.network.http_connection_manager')].typed_config";
const ROUTERS: &str = ".http_filters[?(@.name=='envoy.filters.http.router')].typed_config";

pub fn resources(arguments: &Arguments, checked: &Checked) -> Result<Vec<Rendered>, Failure> {
    let resources = Resources {
        arguments,
        checked,
        namespace: required(arguments.namespace.as_deref(), "--namespace")?,
        gateway: required(arguments.gateway.as_deref(), "--gateway")?,
    };
    match arguments.roles.as_slice() {
        [] => Ok(vec![resources.extension_policy()?]),
        roles => roles.iter().map(|role| resources.of(*role)).collect(),
    }
}

struct Resources<'a> {
    arguments: &'a Arguments,
    checked: &'a Checked,
    namespace: &'a str,
    gateway: &'a str,
}

impl Resources<'_> {
    fn of(&self, role: Role) -> Result<Rendered, Failure> {
        let (comment, patches) = match role {
            Role::Downstream => return self.extension_policy(),
            Role::Upstream => (
                "Judges the servers behind these clusters; denies with 503. Of explicit_http_config, say\n\
                 what you have: http2_protocol_options for HTTP/2. Each further cluster needs its patch.",
                self.clusters()?,
            ),
            Role::Log => ("Tells of connections that failed.", self.loggers()?),
            Role::Network => (
                "Judges both hops of TCP connections; closes what it denies.",
                self.network_filters()?,
            ),
            Role::Posture => {
                return Err(Failure(
                    "Envoy Gateway's API has no place for the role posture: what --for envoy --role posture prints goes into the bootstrap of an EnvoyProxy".into(),
                ));
            }
        };
        Ok(Rendered {
            comment: format!("{comment}\n{PATCHED}\n{NOT_RUN}"),
            value: json!({
                "apiVersion": "gateway.envoyproxy.io/v1alpha1",
                "kind": "EnvoyPatchPolicy",
                "metadata": self.metadata(role),
                "spec": {
                    "targetRef": self.target(),
                    "type": "JSONPatch",
                    "jsonPatches": patches,
                },
            }),
        })
    }

    fn metadata(&self, role: Role) -> Value {
        let name = format!("hopguard-{}", role.root_id());
        json!({ "name": name, "namespace": self.namespace })
    }

    fn target(&self) -> Value {
        json!({ "group": "gateway.networking.k8s.io", "kind": "Gateway", "name": self.gateway })
    }

    fn extension_policy(&self) -> Result<Rendered, Failure> {
        let digest = &self.arguments.sha256;
        let source = |url: &str| object([("url", json!(url)), ("sha256", json!(digest))]);
        let code = match &self.arguments.wasm {
            Module::Image(image) => json!({ "type": "Image", "image": source(image) }),
            Module::Http(url) => json!({ "type": "HTTP", "http": source(url) }),
            Module::File(_) => {
                return Err(Failure(
                    "Envoy Gateway fetches the module: give --wasm an address that begins with oci:// or https://".into(),
                ));
            }
        };
        Ok(Rendered {
            comment: format!("Judges the clients of the Gateway; denies with 403. {NOT_RUN}"),
            value: json!({
                "apiVersion": "gateway.envoyproxy.io/v1alpha1",
                "kind": "EnvoyExtensionPolicy",
                "metadata": self.metadata(Role::Downstream),
                "spec": {
                    "targetRefs": [self.target()],
                    "wasm": [{
                        "name": "hopguard",
                        "rootID": Role::Downstream.root_id(),
                        "code": code,
                        "config": self.checked.file.document,
                        "failOpen": false,
                    }],
                },
            }),
        })
    }

    fn config(&self, role: Role) -> Result<Value, Failure> {
        let role_name = role.root_id();
        if self.arguments.sha256.is_some() {
            return Err(Failure(format!(
                "--sha256 does not go with the role {role_name}: Envoy does not compare a file with a digest"
            )));
        }
        let place = format!("Envoy Gateway, for the role {role_name},");
        let module = self.arguments.wasm.file(&place)?;
        Ok(envoy::config(role, module, &policy_text(self.checked)))
    }

    /// These operations on each resource that was named.
    fn patches(
        &self,
        role: Role,
        message: &str,
        operations: &[Value],
    ) -> Result<Vec<Value>, Failure> {
        let names = &self.arguments.resources;
        if names.is_empty() {
            return Err(Failure(format!(
                "--resource is needed for the role {}: the name of what is patched, as `egctl config envoy-proxy all` shows it",
                role.root_id()
            )));
        }
        let patch = |name: &str, operation: &Value| json!({ "type": message, "name": name, "operation": operation });
        Ok(names
            .iter()
            .flat_map(|name| operations.iter().map(|operation| patch(name, operation)))
            .collect())
    }

    fn clusters(&self) -> Result<Vec<Value>, Failure> {
        let options = envoy::protocol_options(self.config(Role::Upstream)?);
        let operation = add(None, "/typed_extension_protocol_options", options);
        self.patches(Role::Upstream, CLUSTER, &[operation])
    }

    fn loggers(&self) -> Result<Vec<Value>, Failure> {
        let config = self.config(Role::Log)?;
        let failed = envoy::access_log(config.clone(), true);
        let routers = format!("{MANAGERS}{ROUTERS}");
        let operations = [
            add(None, "/access_log/-", envoy::access_log(config, false)),
            add(Some(MANAGERS), "/access_log/-", failed.clone()),
            add(Some(&routers), "/upstream_log/-", failed),
        ];
        self.patches(Role::Log, LISTENER, &operations)
    }

    fn network_filters(&self) -> Result<Vec<Value>, Failure> {
        let filter = envoy::network_filter(self.config(Role::Network)?);
        let operation = add(Some("$.filter_chains[*]"), "/filters/0", filter);
        self.patches(Role::Network, LISTENER, &[operation])
    }
}

/// Adds a value at a path of what a JSONPath finds, or of the whole resource.
fn add(json_path: Option<&str>, path: &str, value: Value) -> Value {
    object([
        ("op", json!("add")),
        ("jsonPath", json!(json_path)),
        ("path", json!(path)),
        ("value", value),
    ])
}
