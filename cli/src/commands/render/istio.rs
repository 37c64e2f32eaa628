//! Istio's resources: a WasmPlugin, or a TrafficExtension, where it has a place for the
//! role, else an EnvoyFilter.

use serde_json::{Map, Value, json};

use super::module::Module;
use super::{Arguments, Rendered, envoy, object, policy_text, required};
use crate::policy::Checked;
use crate::reply::Failure;
use crate::role::Role;

const NOT_RUN: &str =
    "Not run in a mesh: try it with mode: report first. Needs Envoy 1.39 or later.";

pub fn resources(arguments: &Arguments, checked: &Checked) -> Result<Vec<Rendered>, Failure> {
    let namespace = required(arguments.namespace.as_deref(), "--namespace")?;
    if arguments.selectors.is_empty() {
        return Err(Failure(
            "--selector is needed for this: it says which workloads the resource is about".into(),
        ));
    }
    if arguments.roles.is_empty() {
        return Err(Failure(
            "--role is needed for this: each has a resource of its own".into(),
        ));
    }
    let resources = Resources {
        arguments,
        checked,
        namespace,
    };
    arguments
        .roles
        .iter()
        .map(|role| resources.of(*role))
        .collect()
}

struct Resources<'a> {
    arguments: &'a Arguments,
    checked: &'a Checked,
    namespace: &'a str,
}

impl Resources<'_> {
    fn of(&self, role: Role) -> Result<Rendered, Failure> {
        Ok(match role {
            Role::Downstream => Rendered {
                comment: format!(
                    "Judges the clients of the workloads; denies with 403.\n{NOT_RUN}"
                ),
                value: self.plugin(role, "HTTP"),
            },
            Role::Network => Rendered {
                comment: format!(
                    "Judges both hops of TCP connections; closes what it denies.\n{NOT_RUN}"
                ),
                value: self.plugin(role, "NETWORK"),
            },
            Role::Upstream => Rendered {
                comment: format!(
                    "Judges the servers that the workloads reach; denies with 503. Istio replaces the whole\n\
                     entry of HttpProtocolOptions by this one: restate what yours says.\n{NOT_RUN}"
                ),
                value: self.envoy_filter(role, self.clusters()?),
            },
            Role::Log => Rendered {
                comment: format!("Tells of connections that failed.\n{NOT_RUN}"),
                value: self.envoy_filter(role, self.loggers()?),
            },
            Role::Posture => {
                return Err(Failure(
                    "Istio's API has no place for the role posture: what --for envoy --role posture prints goes into the proxies' bootstrap".into(),
                ));
            }
        })
    }

    fn labels(&self) -> Value {
        let labels = self.arguments.selectors.iter();
        let labels: Map<String, Value> = labels
            .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
            .collect();
        Value::Object(labels)
    }

    fn metadata(&self, role: Role) -> Value {
        let name = format!("hopguard-{}", role.root_id());
        json!({ "name": name, "namespace": self.namespace })
    }

    fn plugin(&self, role: Role, kind: &str) -> Value {
        let url = match &self.arguments.wasm {
            Module::File(path) => format!("file://{path}"),
            Module::Http(url) => url.clone(),
            Module::Image(image) => format!("oci://{image}"),
        };
        let whose = [
            ("selector", json!({ "matchLabels": self.labels() })),
            // Before everything else: nothing works for a client that is denied.
            ("phase", json!("AUTHN")),
            ("priority", json!(1000)),
        ];
        let what = [
            ("url", json!(url)),
            ("sha256", json!(self.arguments.sha256)),
            ("type", json!(kind)),
            // Istio hands it over as the root_id.
            ("pluginName", json!(role.root_id())),
            ("failStrategy", json!("FAIL_CLOSE")),
            ("pluginConfig", self.checked.file.document.clone()),
        ];
        let (kind, spec) = if self.arguments.traffic_extension {
            let wasm = ("wasm", object(what));
            ("TrafficExtension", object(whose.into_iter().chain([wasm])))
        } else {
            ("WasmPlugin", object(whose.into_iter().chain(what)))
        };
        json!({
            "apiVersion": "extensions.istio.io/v1alpha1",
            "kind": kind,
            "metadata": self.metadata(role),
            "spec": spec,
        })
    }

    fn envoy_filter(&self, role: Role, patches: Vec<Value>) -> Value {
        json!({
            "apiVersion": "networking.istio.io/v1alpha3",
            "kind": "EnvoyFilter",
            "metadata": self.metadata(role),
            "spec": {
                "workloadSelector": { "labels": self.labels() },
                "configPatches": patches,
            },
        })
    }

    fn config(&self, role: Role) -> Result<Value, Failure> {
        if self.arguments.sha256.is_some() {
            return Err(Failure(format!(
                "--sha256 does not go with the role {}: Envoy does not compare a file with a digest",
                role.root_id()
            )));
        }
        let place = format!("Istio, for the role {},", role.root_id());
        let module = self.arguments.wasm.file(&place)?;
        Ok(envoy::config(role, module, &policy_text(self.checked)))
    }

    fn clusters(&self) -> Result<Vec<Value>, Failure> {
        let value = json!({
            "typed_extension_protocol_options": envoy::protocol_options(self.config(Role::Upstream)?),
        });
        let services = self.arguments.services.iter();
        let mut clusters: Vec<Value> = services
            .map(|(host, port)| json!({ "service": host, "portNumber": port }))
            .collect();
        if clusters.is_empty() {
            clusters.push(json!({}));
        }
        // A sidecar or a gateway: the selector says which. Not a sidecar's way in: it
        // leads to the application on the same machine, in plaintext.
        let contexts = ["SIDECAR_OUTBOUND", "GATEWAY"];
        Ok(clusters
            .into_iter()
            .flat_map(|cluster| contexts.map(|c| json!({ "context": c, "cluster": cluster })))
            .map(|matches| patch("CLUSTER", matches, value.clone()))
            .collect())
    }

    fn loggers(&self) -> Result<Vec<Value>, Failure> {
        let config = self.config(Role::Log)?;
        let manager = "envoy.filters.network.http_connection_manager";
        let manager_type = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
        let router_type = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
        let within = |filter: Value| json!({ "listener": { "filterChain": { "filter": filter } } });
        let failed = envoy::access_log(config.clone(), true);
        Ok(vec![
            patch(
                "LISTENER",
                json!({ "listener": {} }),
                json!({ "access_log": [envoy::access_log(config, false)] }),
            ),
            patch(
                "NETWORK_FILTER",
                within(json!({ "name": manager })),
                json!({ "typed_config": { "@type": manager_type, "access_log": [failed] } }),
            ),
            patch(
                "HTTP_FILTER",
                within(
                    json!({ "name": manager, "subFilter": { "name": "envoy.filters.http.router" } }),
                ),
                json!({ "typed_config": { "@type": router_type, "upstream_log": [failed] } }),
            ),
        ])
    }
}

fn patch(apply_to: &str, matches: Value, value: Value) -> Value {
    json!({
        "applyTo": apply_to,
        "match": matches,
        "patch": { "operation": "MERGE", "value": value },
    })
}
