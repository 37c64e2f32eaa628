//! Connections of clients.

use std::collections::BTreeSet;

use hopguard::decision::Requirement::{V9_2_1, V9_2_2, V9_2_3, V9_2_4, V9_2_5};

use super::hop::Hop;
use super::logs;
use super::plugin::{note_problems, note_role};
use super::rules::Rule;
use super::tls::{self, Peer};
use crate::envoy::{
    At, Config, DISABLED, Installed, PluginProblem, Reach, Transport, installed, is_type, reach,
    transport, turned_off, turned_on, uses,
};
use crate::role::Role;

/// What TCP proxies do with which clusters.
#[derive(Debug, Default)]
pub struct Tcp {
    pub guarded: BTreeSet<String>,
    pub unguarded: BTreeSet<String>,
    /// hopguard is there, guarding or not.
    pub installed: BTreeSet<String>,
    /// TLS of the clients goes there unopened.
    pub passed_on: BTreeSet<String>,
    http: BTreeSet<String>,
}

impl Tcp {
    /// Whether no HTTP goes to a cluster, as far as is known.
    pub fn is_only_tcp(&self, cluster: &str) -> bool {
        let is_tcp = self.guarded.contains(cluster) || self.unguarded.contains(cluster);
        is_tcp && !self.http.contains(cluster)
    }
}

/// The hops of all listeners, one a filter chain.
pub fn hops(config: &Config<'_>, tcp: &mut Tcp, now: i64) -> Vec<Hop> {
    let mut hops = Vec::new();
    for listener in &config.listeners {
        if listener.get("internal_listener").is_some() {
            continue;
        }
        let mut chains = listener.list("filter_chains");
        chains.extend(listener.get("default_filter_chain"));
        for chain in &chains {
            hops.push(hop(listener, chain, config, tcp, now));
        }
        if chains.is_empty() {
            hops.push(without_chain(listener));
        }
    }
    hops
}

/// UDP, or what comes by another way than a filter chain.
fn without_chain(listener: &At<'_>) -> Hop {
    let name = listener.text("name").unwrap_or("without a name").to_owned();
    let mut hop = Hop::new("listener", name, listener.path.clone(), &[V9_2_2]);
    hop.fact("transport", "no filter chain");
    hop.find(
        Rule::TransportUnknown,
        &listener.path,
        "it has no filter chain, as listeners of UDP have none",
    );
    hop
}

fn hop(listener: &At<'_>, chain: &At<'_>, config: &Config<'_>, tcp: &mut Tcp, now: i64) -> Hop {
    let address = listener.get("address").map(|address| reach(&address));
    let (reach, text) = address.unwrap_or((Reach::Network, "no address".to_owned()));
    let name = listener.text("name").unwrap_or(&text);
    let name = match chain.text("name") {
        Some(chain) => format!("{name}/{chain}"),
        None => name.to_owned(),
    };
    let controls = [V9_2_2, V9_2_3, V9_2_4, V9_2_5];
    let mut hop = Hop::new("listener", name, chain.path.clone(), &controls);
    hop.fact("address", text);
    let filters = chain.list("filters");
    let proxies = Proxies::of(&filters);
    guard(&mut hop, chain, &filters, &proxies, (reach, now));
    let socket = chain.get("transport_socket");
    let path = socket.as_ref().map_or(&chain.path, |s| &s.path).clone();
    let mut is_passed_on = false;
    match transport(socket) {
        Transport::Tls(context) => of_tls(&mut hop, &context, config),
        Transport::Plaintext if proxies.tcp.is_some() && asks_for_tls(chain) => {
            is_passed_on = true;
            hop.fact("transport", "TLS, passed on unopened");
            hop.controls.retain(|c| matches!(*c, V9_2_2 | V9_2_5));
            hop.controls.push(V9_2_1);
            hop.find(
                Rule::Passthrough,
                &path,
                "the chain takes TLS, and opens it not",
            );
        }
        Transport::Plaintext => {
            hop.fact("transport", "plaintext");
            hop.controls.retain(|c| matches!(*c, V9_2_2 | V9_2_5));
            let redirects = proxies.http.as_ref().is_some_and(only_redirects);
            match (reach, redirects) {
                (Reach::Machine, _) => hop.find(
                    Rule::PlaintextOnMachine,
                    &path,
                    "only this machine can reach it",
                ),
                (_, true) => hop.find(
                    Rule::RedirectOnly,
                    &path,
                    "each of its routes redirects to https",
                ),
                _ if proxies.tcp.is_some() => hop.find(
                    Rule::ListenerPlaintext,
                    &path,
                    "there is no TLS transport_socket: what comes is passed on, TLS or not",
                ),
                _ => hop.find(
                    Rule::ListenerPlaintext,
                    &path,
                    "there is no TLS transport_socket",
                ),
            }
        }
        Transport::StartTls => tls::starttls(&mut hop, &path),
        Transport::Other(kind) => tls::unknown(&mut hop, &path, kind),
    }
    logs::check(&mut hop, listener, &filters, config, now);
    proxies.note(tcp, &hop, is_passed_on);
    hop.settle();
    hop
}

fn of_tls(hop: &mut Hop, context: &At<'_>, config: &Config<'_>) {
    hop.fact("transport", "TLS");
    tls::versions(hop, context, false);
    let is_demanded = context.is_on("require_client_certificate");
    let common = context.get("common_tls_context");
    let asks = common.as_ref().is_some_and(|common| {
        [
            "validation_context",
            "combined_validation_context",
            "validation_context_sds_secret_config",
        ]
        .iter()
        .any(|field| common.get(field).is_some())
    });
    let clients = match (is_demanded, asks) {
        (true, _) => "must show a certificate",
        (false, true) => "may show a certificate",
        (false, false) => "are not asked for a certificate",
    };
    hop.fact("clients", clients);
    if is_demanded || asks {
        hop.controls.insert(0, V9_2_1);
        tls::verification(hop, context, config, Peer::Client, true);
    }
    if !is_demanded {
        hop.find(
            Rule::ClientNotAuthenticated,
            &context.path,
            format!("clients {clients}"),
        );
    }
    let names = ["LENIENT_STAPLING", "STRICT_STAPLING", "MUST_STAPLE"];
    let policy = context.one_of("ocsp_staple_policy", &names);
    let policy = policy.as_deref().unwrap_or("LENIENT_STAPLING").to_owned();
    if policy == "LENIENT_STAPLING" {
        hop.find(
            Rule::StapleNotStrict,
            &context.path,
            "ocsp_staple_policy: LENIENT_STAPLING",
        );
    }
    hop.fact("staples", policy);
}

/// Whether a chain is for TLS that it does not open.
fn asks_for_tls(chain: &At<'_>) -> bool {
    chain.get("filter_chain_match").is_some_and(|m| {
        m.text("transport_protocol") == Some("tls") || !m.list("server_names").is_empty()
    })
}

/// What proxies the connection.
struct Proxies<'v> {
    http: Option<At<'v>>,
    tcp: Option<At<'v>>,
    place: Option<usize>,
}

impl<'v> Proxies<'v> {
    fn of(filters: &[At<'v>]) -> Self {
        let of = |last: &str| {
            let typed = filters.iter().map(|f| f.any("typed_config"));
            let mut typed = typed.enumerate();
            typed.find_map(|(index, typed)| {
                let (kind, at) = typed?;
                is_type(&kind, last).then_some((index, at))
            })
        };
        let (http, tcp) = (of("HttpConnectionManager"), of("TcpProxy"));
        Self {
            place: http.as_ref().or(tcp.as_ref()).map(|(index, _)| *index),
            http: http.map(|(_, at)| at),
            tcp: tcp.map(|(_, at)| at),
        }
    }

    fn note(&self, tcp: &mut Tcp, hop: &Hop, is_passed_on: bool) {
        if let Some(http) = &self.http {
            tcp.http.extend(uses(http).clusters.into_keys());
        }
        let Some(proxy) = &self.tcp else { return };
        for name in uses(proxy).clusters.into_keys() {
            if is_passed_on {
                tcp.passed_on.insert(name.clone());
            }
            if hop.roles.contains(&Role::Network) {
                tcp.installed.insert(name.clone());
            }
            if hop.is_guarded {
                tcp.guarded.insert(name);
            } else {
                tcp.unguarded.insert(name);
            }
        }
    }
}

fn only_redirects(http: &At<'_>) -> bool {
    let hosts = http.get("route_config").map(|r| r.list("virtual_hosts"));
    let hosts = hosts.unwrap_or_default();
    let routes: Vec<At<'_>> = hosts.iter().flat_map(|h| h.list("routes")).collect();
    let redirects = |route: &At<'_>| {
        route.get("redirect").is_some_and(|redirect| {
            redirect.is_on("https_redirect") || redirect.text("scheme_redirect") == Some("https")
        })
    };
    !routes.is_empty() && routes.iter().all(redirects)
}

/// Whether hopguard judges the connection.
fn guard(
    hop: &mut Hop,
    chain: &At<'_>,
    filters: &[At<'_>],
    proxies: &Proxies<'_>,
    (reach, now): (Reach, i64),
) {
    let (role, list, place, demanded) = match (&proxies.http, proxies.place) {
        (Some(http), _) => (
            Role::Downstream,
            http.list("http_filters"),
            0,
            "the first HTTP filter",
        ),
        (None, Some(end)) => (Role::Network, filters.to_vec(), end, "before tcp_proxy"),
        (None, None) => return,
    };
    let mut all: Vec<Option<Installed>> = list.iter().map(|f| installed(f, now)).collect();
    let routes = proxies.http.as_ref().and_then(|h| h.get("route_config"));
    if let Some(routes) = routes {
        for (filter, one) in list.iter().zip(&mut all) {
            let Some(one) = one else { continue };
            let name = filter.text("name").unwrap_or_default();
            if turned_on(&routes, name) {
                let by_default = PluginProblem::TurnedOff(DISABLED.to_owned());
                one.problems.retain(|problem| *problem != by_default);
            }
            let place = turned_off(&routes, name);
            one.problems.extend(place.map(PluginProblem::TurnedOff));
        }
    }
    let Some(index) = all
        .iter()
        .position(|i| i.as_ref().is_some_and(|i| i.role == role))
    else {
        if reach == Reach::Network {
            let detail = format!("its role {} belongs here, {demanded}", role.root_id());
            hop.find(Rule::HopguardMissing, &chain.path, detail);
        }
        return;
    };
    let is_placed = match role {
        Role::Downstream => index == place,
        _ => index < place,
    };
    if !is_placed && let Some(filter) = list.get(index) {
        hop.find(
            Rule::HopguardMisplaced,
            &filter.path,
            format!("it is not {demanded}"),
        );
    }
    let installed: Vec<Installed> = all.into_iter().flatten().collect();
    let is_sound = note_problems(hop, &installed);
    hop.is_guarded = is_placed && is_sound;
    installed.iter().for_each(|i| note_role(hop, i.role));
}
