//! The servers of a case as a cluster, and the route to the one that is meant.

use std::net::SocketAddr;

use hopguard_testbed::Result;
use hopguard_testbed::config::{Cluster, Route, UpstreamTls};
use serde_json::{Value, json};

use super::running::Running;
use super::server::Server;

/// Which server of a case a request goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// There is only one.
    Any,
    /// This one, of several that each have a transport socket of their own.
    Number(usize),
    /// The first; where that fails, a retry goes to the next one.
    FirstThenNext,
}

/// Starts the servers, and makes a cluster of them.
pub async fn start(
    name: &str,
    servers: Vec<Server>,
    choice: Choice,
) -> Result<(Cluster, Vec<Running>)> {
    let mut cluster = Cluster::new(name);
    if let Choice::Number(_) = choice {
        cluster = cluster.merge(json!({ "lb_subset_config": {
            "subset_selectors": [{ "keys": ["endpoint"] }],
        }}));
    }
    let mut running = Vec::new();
    for (index, server) in servers.into_iter().enumerate() {
        let upstream = Running::start(server.upstream).await?;
        if let Some(timeout) = server.connect_timeout {
            cluster = cluster.connect_timeout(timeout);
        }
        cluster = match choice {
            Choice::Number(_) => subset(cluster, index, upstream.address(), server.tls.as_ref()),
            Choice::Any | Choice::FirstThenNext => {
                let priority = u32::try_from(index).unwrap_or(u32::MAX);
                let cluster = cluster.endpoint_with_priority(upstream.address(), priority);
                match server.tls {
                    Some(tls) => cluster.tls(tls),
                    None => cluster,
                }
            }
        };
        running.push(upstream);
    }
    Ok((cluster, running))
}

/// Adds an endpoint with a transport socket of its own, that a route can name.
fn subset(
    cluster: Cluster,
    index: usize,
    address: SocketAddr,
    tls: Option<&UpstreamTls>,
) -> Cluster {
    let kind = index.to_string();
    cluster
        .endpoint_of_kind(address, &kind)
        .socket_match(&kind, tls)
        .patch(move |cluster| {
            let endpoints = &mut cluster["load_assignment"]["endpoints"][0]["lb_endpoints"];
            endpoints[index]["metadata"]["filter_metadata"]["envoy.lb"] =
                json!({ "endpoint": kind });
        })
}

impl Choice {
    pub fn route(self, route: Route) -> Route {
        match self {
            Self::Any => route,
            Self::Number(number) => route.option(json!({ "metadata_match": { "filter_metadata": {
                "envoy.lb": { "endpoint": number.to_string() },
            }}})),
            Self::FirstThenNext => route
                .retry("connect-failure,reset", 1)
                .option(json!({ "retry_policy": { "retry_priority": elsewhere() } })),
        }
    }
}

/// A retry goes to another priority.
fn elsewhere() -> Value {
    let kind = "type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig";
    json!({
        "name": "envoy.retry_priorities.previous_priorities",
        "typed_config": { "@type": kind, "update_frequency": 1 },
    })
}
