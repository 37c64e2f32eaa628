//! Routes of an HTTP listener.

use std::time::Duration;

use serde_json::{Value, json};

use super::patch::{Patches, patchable};

/// One route: what it takes, and where that goes.
#[derive(Clone)]
pub struct Route {
    pub(super) host: String,
    prefix: String,
    action: Action,
    patches: Patches,
}

#[derive(Clone)]
enum Action {
    Cluster { name: String, options: Value },
    Direct { status: u16, body: String },
}

patchable!(Route);

impl Route {
    /// Takes every path that begins with `prefix` and sends it to a cluster.
    pub fn prefix(prefix: &str, cluster: &str) -> Self {
        Self {
            host: "*".into(),
            prefix: prefix.into(),
            action: Action::Cluster {
                name: cluster.into(),
                options: json!({}),
            },
            patches: Patches::default(),
        }
    }

    /// Takes everything and sends it to a cluster.
    pub fn all(cluster: &str) -> Self {
        Self::prefix("/", cluster)
    }

    /// Envoy itself answers, without any upstream.
    pub fn direct(prefix: &str, status: u16, body: &str) -> Self {
        Self {
            action: Action::Direct {
                status,
                body: body.into(),
            },
            ..Self::prefix(prefix, "")
        }
    }

    /// Only for this `Host` or `:authority`.
    pub fn host(mut self, host: &str) -> Self {
        self.host = host.to_owned();
        self
    }

    /// Retries up to `retries` times on these conditions: `5xx,reset,connect-failure`.
    pub fn retry(self, on: &str, retries: u32) -> Self {
        self.option(json!({ "retry_policy": { "retry_on": on, "num_retries": retries } }))
    }

    /// How long one attempt may take, within a retry policy.
    pub fn per_try_timeout(self, timeout: Duration) -> Self {
        self.option(json!({ "retry_policy": { "per_try_timeout": seconds(timeout) } }))
    }

    /// When an attempt takes longer than the per-try time-out, another one starts beside it,
    /// and the first answer wins.
    pub fn hedge(self) -> Self {
        self.option(json!({ "hedge_policy": { "hedge_on_per_try_timeout": true } }))
    }

    /// How long the whole request may take; Envoy's default is 15 s.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.option(json!({ "timeout": seconds(timeout) }))
    }

    /// Anything else in `RouteAction`.
    ///
    /// # Panics
    ///
    /// When the route has a direct response.
    pub fn option(mut self, option: Value) -> Self {
        match &mut self.action {
            Action::Cluster { options, .. } => super::patch::merge(options, option),
            Action::Direct { .. } => panic!("a direct response goes to no cluster"),
        }
        self
    }

    pub(super) fn build(&self) -> Value {
        let mut route = json!({ "match": { "prefix": self.prefix } });
        match &self.action {
            Action::Cluster { name, options } => {
                route["route"] = json!({ "cluster": name });
                super::patch::merge(&mut route["route"], options.clone());
            }
            Action::Direct { status, body } => {
                route["direct_response"] =
                    json!({ "status": status, "body": { "inline_string": body } });
            }
        }
        self.patches.apply(route)
    }
}

/// A `google.protobuf.Duration` in JSON.
pub(super) fn seconds(duration: Duration) -> String {
    format!("{}.{:09}s", duration.as_secs(), duration.subsec_nanos())
}
