//! A wasm plugin, in each place that Envoy has for one.

use std::path::Path;

use serde_json::{Value, json};

use super::patch::{Patches, patchable};
use super::type_url;

/// What Envoy does when the VM has died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailurePolicy {
    /// Streams fail until Envoy restarts.
    FailClosed,
    /// A new VM is started.
    FailReload,
    /// Streams go on without the plugin. Never for a guard; here to test that.
    FailOpen,
}

/// The configuration of a wasm plugin.
#[derive(Clone)]
pub struct Wasm {
    code: String,
    name: String,
    root_id: String,
    vm_id: String,
    configuration: Option<String>,
    vm_configuration: Option<String>,
    failure_policy: FailurePolicy,
    patches: Patches,
}

patchable!(Wasm);

impl Wasm {
    /// This module, with this root id.
    pub fn new(code: &Path, root_id: &str) -> Self {
        Self {
            code: code.to_string_lossy().into_owned(),
            name: "hopguard".into(),
            root_id: root_id.into(),
            vm_id: "hopguard".into(),
            configuration: None,
            vm_configuration: None,
            failure_policy: FailurePolicy::FailClosed,
            patches: Patches::default(),
        }
    }

    /// The plugin's name; `hopguard` unless told.
    pub fn name(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// The VM's id; `hopguard` unless told.
    pub fn vm_id(mut self, vm_id: &str) -> Self {
        self.vm_id = vm_id.to_owned();
        self
    }

    /// The plugin's configuration, as text or JSON.
    pub fn configuration(mut self, configuration: impl ToString) -> Self {
        self.configuration = Some(configuration.to_string());
        self
    }

    /// The VM's configuration, as text or JSON.
    pub fn vm_configuration(mut self, configuration: impl ToString) -> Self {
        self.vm_configuration = Some(configuration.to_string());
        self
    }

    /// What happens when the VM has died; streams fail unless told.
    pub fn failure_policy(mut self, policy: FailurePolicy) -> Self {
        self.failure_policy = policy;
        self
    }

    /// As an HTTP filter, of a listener or of a cluster.
    pub fn http_filter(&self) -> Value {
        self.extension(
            "envoy.filters.http.wasm",
            "extensions.filters.http.wasm.v3.Wasm",
        )
    }

    /// As an L4 filter of a listener.
    pub fn network_filter(&self) -> Value {
        self.extension(
            "envoy.filters.network.wasm",
            "extensions.filters.network.wasm.v3.Wasm",
        )
    }

    /// As an access logger.
    pub fn access_logger(&self) -> Value {
        let kind = "extensions.access_loggers.wasm.v3.WasmAccessLog";
        self.extension("envoy.access_loggers.wasm", kind)
    }

    /// As a bootstrap extension: one VM of its own for the process.
    pub fn singleton(&self) -> Value {
        let kind = "extensions.wasm.v3.WasmService";
        let mut service = self.extension("envoy.bootstrap.wasm", kind);
        service["typed_config"]["singleton"] = json!(true);
        service
    }

    /// The `PluginConfig`.
    pub fn plugin_config(&self) -> Value {
        let mut plugin = json!({
            "name": self.name,
            "root_id": self.root_id,
            "vm_config": {
                "vm_id": self.vm_id,
                "runtime": "envoy.wasm.runtime.v8",
                "code": { "local": { "filename": self.code } },
            },
        });
        if let Some(text) = &self.configuration {
            plugin["configuration"] = string_value(text);
        }
        if let Some(text) = &self.vm_configuration {
            plugin["vm_config"]["configuration"] = string_value(text);
        }
        plugin["failure_policy"] = json!(match self.failure_policy {
            FailurePolicy::FailClosed => "FAIL_CLOSED",
            FailurePolicy::FailReload => "FAIL_RELOAD",
            FailurePolicy::FailOpen => "FAIL_OPEN",
        });
        self.patches.apply(plugin)
    }

    fn extension(&self, name: &str, kind: &str) -> Value {
        json!({
            "name": name,
            "typed_config": { "@type": type_url(kind), "config": self.plugin_config() },
        })
    }
}

/// Strings reach the plugin as they are; a `Struct` would reach it re-serialised.
fn string_value(text: &str) -> Value {
    json!({ "@type": "type.googleapis.com/google.protobuf.StringValue", "value": text })
}
