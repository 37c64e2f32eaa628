//! A whole configuration of Envoy: a bootstrap, or what `/config_dump` of the admin
//! interface shows.

mod address;
mod at;
mod discovery;
mod plugin;
mod tls;
mod uses;

use std::collections::BTreeMap;

use serde_json::Value;

pub use address::{Reach, of_cluster, reach};
pub use at::{At, is_type};
pub use discovery::put_discovered;
pub use plugin::{DISABLED, Installed, Problem as PluginProblem, installed, turned_off, turned_on};
pub use tls::{Transport, Validation, fault_of_ca, transport, validation};
pub use uses::{TRAFFIC, Uses, uses};

/// The parts of a configuration.
pub struct Config<'v> {
    pub kind: &'static str,
    /// Empty where a dump does not have it.
    pub bootstrap: At<'v>,
    pub listeners: Vec<At<'v>>,
    pub clusters: Vec<At<'v>>,
    /// By name.
    pub secrets: BTreeMap<String, At<'v>>,
}

const NOTHING: &Value = &Value::Null;

impl<'v> Config<'v> {
    /// Takes a document apart; `None` where it is neither of the two.
    pub fn of(document: &'v Value) -> Option<Self> {
        let root = At::root(document);
        if root.get("configs").is_some() {
            return Self::of_dump(&root);
        }
        let parts = [
            "static_resources",
            "dynamic_resources",
            "admin",
            "node",
            "layered_runtime",
            "stats_sinks",
            "bootstrap_extensions",
        ];
        if !parts.iter().any(|part| root.get(part).is_some()) {
            return None;
        }
        let mut config = Self {
            kind: "bootstrap",
            listeners: Vec::new(),
            clusters: Vec::new(),
            secrets: BTreeMap::new(),
            bootstrap: root,
        };
        config.add_static();
        Some(config)
    }

    fn of_dump(root: &At<'v>) -> Option<Self> {
        let parts = root.list("configs");
        let of = |last: &str| {
            let mut parts = parts.iter();
            parts.find(|part| is_type(part.text("@type").unwrap_or_default(), last))
        };
        let bootstrap = of("BootstrapConfigDump").and_then(|part| part.get("bootstrap"));
        let mut config = Self {
            kind: "config_dump",
            listeners: Vec::new(),
            clusters: Vec::new(),
            secrets: BTreeMap::new(),
            bootstrap: bootstrap.unwrap_or_else(|| At::root(NOTHING)),
        };
        let (listeners, clusters) = (of("ListenersConfigDump"), of("ClustersConfigDump"));
        let is_whole = listeners.is_some() || clusters.is_some();
        if config.bootstrap.value.is_null() && !is_whole {
            return None;
        }
        config.add_static();
        if let Some(dump) = listeners {
            config.listeners = dumped(dump, &["static_listeners"], "listener");
            for state in ["active_state", "warming_state", "draining_state"] {
                let states = dump.list("dynamic_listeners");
                let states = states.iter().filter_map(|one| one.at(&[state, "listener"]));
                config.listeners.extend(states);
            }
        }
        if let Some(dump) = clusters {
            let lists = [
                "static_clusters",
                "dynamic_active_clusters",
                "dynamic_warming_clusters",
            ];
            config.clusters = dumped(dump, &lists, "cluster");
        }
        if let Some(dump) = of("SecretsConfigDump") {
            let lists = [
                "static_secrets",
                "dynamic_active_secrets",
                "dynamic_warming_secrets",
            ];
            config.add_secrets(dumped(dump, &lists, "secret"));
        }
        Some(config)
    }

    fn add_static(&mut self) {
        let Some(resources) = self.bootstrap.get("static_resources") else {
            return;
        };
        self.listeners = resources.list("listeners");
        self.clusters = resources.list("clusters");
        self.add_secrets(resources.list("secrets"));
    }

    fn add_secrets(&mut self, secrets: Vec<At<'v>>) {
        for secret in secrets {
            if let Some(name) = secret.text("name") {
                self.secrets.insert(name.to_owned(), secret);
            }
        }
    }
}

fn dumped<'v>(dump: &At<'v>, lists: &[&str], field: &str) -> Vec<At<'v>> {
    let all = lists.iter().flat_map(|list| dump.list(list));
    all.filter_map(|one| one.get(field)).collect()
}
