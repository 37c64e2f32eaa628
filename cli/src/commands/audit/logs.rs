//! Whether failures of TLS are logged.

use std::collections::BTreeSet;

use super::hop::Hop;
use super::plugin::{note_problems, note_role};
use super::rules::Rule;
use crate::envoy::{At, Config, Installed, Transport, installed, is_type, transport, uses};
use crate::role::Role;

const OF_SERVERS: &str = "UPSTREAM_TRANSPORT_FAILURE_REASON";
const OF_CLIENTS: &str = "DOWNSTREAM_TRANSPORT_FAILURE_REASON";

/// Looks at the access logs of a listener and of what proxies its connections.
pub fn check(hop: &mut Hop, listener: &At<'_>, filters: &[At<'_>], config: &Config<'_>, now: i64) {
    let of_listener = listener.list("access_log");
    let mut of_proxies = Vec::new();
    for filter in filters {
        if let Some((kind, proxy)) = filter.any("typed_config")
            && (is_type(&kind, "HttpConnectionManager") || is_type(&kind, "TcpProxy"))
        {
            of_proxies.extend(proxy.list("access_log"));
            for filter in proxy.list("http_filters") {
                let router = filter.any("typed_config");
                of_proxies.extend(
                    router
                        .map(|(_, r)| r.list("upstream_log"))
                        .unwrap_or_default(),
                );
            }
        }
    }
    let all: Vec<Installed> = of_listener
        .iter()
        .chain(&of_proxies)
        .filter_map(|log| installed(log, now))
        .collect();
    let is_sound = note_problems(hop, &all);
    let by_hopguard = |logs: &[At<'_>]| {
        let mut roles = logs.iter().filter_map(|log| installed(log, now));
        is_sound && roles.any(|i| i.role == Role::Log)
    };
    all.iter().for_each(|i| note_role(hop, i.role));
    let says = |logs: &[At<'_>], reason: &str| {
        by_hopguard(logs) || logs.iter().any(|log| tells(log, reason))
    };
    if leads_to_tls(filters, config) && !says(&of_proxies, OF_SERVERS) {
        let detail = "no access log of what proxies its connections has the reason";
        hop.find(Rule::UpstreamFailuresNotLogged, &hop.path.clone(), detail);
    }
    let is_tls = hop
        .facts
        .iter()
        .any(|(name, value)| *name == "transport" && value == "TLS");
    if is_tls && !says(&of_listener, OF_CLIENTS) {
        let detail = "no access log of the listener has the reason";
        hop.find(Rule::ClientFailuresNotLogged, &listener.path, detail);
    }
}

/// Whether TLS with a server can fail, as far as is known: where all routes are here
/// and lead to plaintext, or nowhere, it cannot.
fn leads_to_tls(filters: &[At<'_>], config: &Config<'_>) -> bool {
    let mut names = BTreeSet::new();
    for filter in filters {
        let Some((kind, typed)) = filter.any("typed_config") else {
            return true;
        };
        let mut of = typed.clone();
        if is_type(&kind, "HttpConnectionManager") {
            match typed.get("route_config") {
                Some(routes) if !routes.list("virtual_hosts").is_empty() => of = routes,
                _ => return true,
            }
        }
        let used = uses(&of).clusters;
        // Of a proxy of another kind nobody knows where it leads.
        if used.is_empty() && !is_type(&kind, "HttpConnectionManager") && !is_type(&kind, "Wasm") {
            return true;
        }
        names.extend(used.into_keys());
    }
    let is_plaintext = |name: &String| {
        let mut clusters = config.clusters.iter();
        let cluster = clusters.find(|c| c.text("name") == Some(name));
        cluster.is_some_and(|cluster| {
            cluster.list("transport_socket_matches").is_empty()
                && matches!(
                    transport(cluster.get("transport_socket")),
                    Transport::Plaintext
                )
        })
    };
    !names.iter().all(is_plaintext)
}

/// Whether a log has the reason: in its format, or in a message that always does.
fn tells(log: &At<'_>, reason: &str) -> bool {
    let Some((kind, typed)) = log.any("typed_config") else {
        return false;
    };
    let is_message = ["HttpGrpcAccessLogConfig", "TcpGrpcAccessLogConfig"];
    is_message.iter().any(|last| is_type(&kind, last)) || mentions(typed.value, reason)
}

/// `UPSTREAM_…` is not a part of `DOWNSTREAM_…`.
fn mentions(value: &serde_json::Value, reason: &str) -> bool {
    value.to_string().contains(&format!("%{reason}%"))
}
