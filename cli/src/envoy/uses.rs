//! Who uses which cluster, and what leaves Envoy without one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{At, Reach, reach};

/// Who uses what.
#[derive(Debug, Default)]
pub struct Uses<'v> {
    /// For what each cluster is used: `traffic`, or a service of Envoy's own.
    pub clusters: BTreeMap<String, BTreeSet<&'static str>>,
    /// Connections of gRPC's own library.
    pub google_grpc: Vec<Grpc<'v>>,
    /// Addresses that stats are sent to.
    pub stats: Vec<(At<'v>, Reach, String)>,
}

/// A connection of gRPC's own library.
#[derive(Debug)]
pub struct Grpc<'v> {
    pub at: At<'v>,
    pub purpose: &'static str,
    pub target: &'v str,
}

/// Finds them all, wherever they stand.
pub fn uses<'v>(at: &At<'v>) -> Uses<'v> {
    let mut uses = Uses::default();
    uses.walk(at, TRAFFIC);
    uses
}

pub const TRAFFIC: &str = "traffic";

impl<'v> Uses<'v> {
    fn walk(&mut self, at: &At<'v>, purpose: &'static str) {
        if let Some(list) = at.value.as_array() {
            for (index, value) in list.iter().enumerate() {
                let path = format!("{}[{index}]", at.path);
                self.walk(&At { value, path }, purpose);
            }
            return;
        }
        let is_uri = at.get("uri").is_some();
        for (key, inner) in at.entries() {
            let key = snake(key);
            // Who this Envoy is: `node.cluster` is no cluster.
            if key == "node" {
                continue;
            }
            let purpose = purpose_of(&key, purpose).unwrap_or(purpose);
            match key.as_str() {
                "google_grpc" => self.google_grpc.push(Grpc {
                    purpose,
                    target: inner.text("target_uri").unwrap_or_default(),
                    at: inner.clone(),
                }),
                "collector_cluster" | "tcp_cluster_name" => self.refer(&inner, purpose),
                "cluster_name"
                    if at.path.ends_with("envoy_grpc") || at.path.ends_with("envoyGrpc") =>
                {
                    self.refer(&inner, purpose);
                }
                "cluster_names" => {
                    let holder = at.list("cluster_names");
                    holder.iter().for_each(|one| self.refer(one, purpose));
                }
                "cluster" => {
                    let service = if is_uri && purpose == TRAFFIC {
                        "a service"
                    } else {
                        purpose
                    };
                    self.refer(&inner, service);
                }
                "weighted_clusters" => {
                    let clusters = inner.list("clusters");
                    let names = clusters.iter().filter_map(|one| one.get("name"));
                    names.for_each(|name| self.refer(&name, purpose));
                }
                "address" if purpose == STATS && inner.value.is_object() => {
                    let (reach, text) = reach(&inner);
                    self.stats.push((inner.clone(), reach, text));
                }
                "configuration" => self.of_a_policy(&inner),
                _ => {}
            }
            self.walk(&inner, purpose);
        }
    }

    /// The clusters of hopguard's own calls.
    fn of_a_policy(&mut self, configuration: &At<'v>) {
        let text = configuration.text("value").unwrap_or_default();
        let policy: Value = serde_json::from_str(text).unwrap_or_default();
        let mut clusters: Vec<&Value> = ["/collector/cluster", "/posture/cluster"]
            .iter()
            .filter_map(|pointer| policy.pointer(pointer))
            .collect();
        for list in ["/revocation/responders", "/revocation/crl_sources"] {
            let list = policy.pointer(list).and_then(Value::as_array);
            let list = list.into_iter().flatten();
            clusters.extend(list.filter_map(|one| one.get("cluster")));
        }
        for name in clusters.into_iter().filter_map(Value::as_str) {
            let uses = self.clusters.entry(name.to_owned()).or_default();
            uses.insert("hopguard");
        }
    }

    fn refer(&mut self, at: &At<'v>, purpose: &'static str) {
        if let Some(name) = at.value.as_str() {
            let uses = self.clusters.entry(name.to_owned()).or_default();
            uses.insert(purpose);
        }
    }
}

const STATS: &str = "stats";

/// What the connections below a field are for.
fn purpose_of(key: &str, outer: &str) -> Option<&'static str> {
    Some(match key {
        "ads_config" | "lds_config" | "cds_config" | "rds" | "scoped_routes" | "eds_config"
        | "rtds_layer" | "sds_config" | "config_discovery" | "api_config_source"
        | "load_stats_config" => "xDS",
        "hds_config" => "health discovery",
        "tracing" => "tracing",
        "access_log" | "upstream_log" => "access logs",
        "stats_sinks" => STATS,
        "health_checks" => "health checks",
        "rate_limit_service" => "rate limits",
        "remote_jwks" => "JWKS",
        // The service of a filter: authorization, processing and such.
        "grpc_service" if outer == TRAFFIC => "a service",
        _ => return None,
    })
}

fn snake(key: &str) -> String {
    let mut snake = String::with_capacity(key.len() + 4);
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
