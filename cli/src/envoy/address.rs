//! How far a connection goes.

use std::net::IpAddr;

use super::At;

/// How far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Within the proxy, or to a Unix socket or loopback address of its machine.
    Machine,
    /// Further, or nobody knows.
    Network,
}

/// How far an address reaches, and its text.
pub fn reach(address: &At<'_>) -> (Reach, String) {
    if let Some(pipe) = address.get("pipe") {
        let path = pipe.text("path").unwrap_or("a pipe").to_owned();
        return (Reach::Machine, path);
    }
    if address.get("envoy_internal_address").is_some() {
        return (Reach::Machine, "an internal listener".to_owned());
    }
    let Some(socket) = address.get("socket_address") else {
        return (Reach::Network, "an address of no known kind".to_owned());
    };
    let host = socket.text("address").unwrap_or_default();
    let port = socket
        .get("port_value")
        .or_else(|| socket.get("named_port"));
    let text = match port {
        Some(port) => format!("{host}:{}", port.value).replace('"', ""),
        None => host.to_owned(),
    };
    let is_loopback = host
        .parse::<IpAddr>()
        .map_or(host == "localhost", |ip| ip.to_canonical().is_loopback());
    let reach = if is_loopback {
        Reach::Machine
    } else {
        Reach::Network
    };
    (reach, text)
}

/// How far the endpoints of a cluster are: as far as the farthest, and where they
/// are not in the configuration, far.
pub fn of_cluster(cluster: &At<'_>) -> Reach {
    let Some(assignment) = cluster.get("load_assignment") else {
        return Reach::Network;
    };
    let localities = assignment.list("endpoints");
    let endpoints = localities.iter().flat_map(|l| l.list("lb_endpoints"));
    let addresses = endpoints.map(|endpoint| endpoint.at(&["endpoint", "address"]));
    addresses
        .map(|address| address.map_or(Reach::Network, |address| reach(&address).0))
        .max()
        .unwrap_or(Reach::Network)
}
