//! Connections to servers.

use std::collections::BTreeSet;

use hopguard::decision::Requirement::{V9_2_1, V9_2_2, V9_2_3, V9_2_4};

use super::hop::Hop;
use super::listeners::Tcp;
use super::plugin::{note_problems, note_role};
use super::rules::Rule;
use super::tls::{self, Peer};
use crate::envoy::{
    At, Config, Installed, Reach, TRAFFIC, Transport, Uses, installed, is_type, of_cluster,
    transport,
};
use crate::role::Role;

/// The hops of all clusters.
pub fn hops(config: &Config<'_>, uses: &Uses<'_>, tcp: &Tcp, now: i64) -> Vec<Hop> {
    let clusters = config.clusters.iter();
    let mut hops: Vec<Hop> = clusters.map(|at| hop(at, config, uses, tcp, now)).collect();
    let known: BTreeSet<&str> = config
        .clusters
        .iter()
        .filter_map(|c| c.text("name"))
        .collect();
    for (name, purposes) in &uses.clusters {
        if !known.contains(name.as_str()) {
            let mut hop = Hop::new("cluster", name.clone(), String::new(), &[V9_2_1, V9_2_2]);
            let purposes: Vec<&str> = purposes.iter().copied().collect();
            hop.fact("used for", purposes.join(", "));
            hop.find(Rule::ClusterUnknown, "", "it is not among the clusters");
            hops.push(hop);
        }
    }
    hops
}

fn hop(cluster: &At<'_>, config: &Config<'_>, uses: &Uses<'_>, tcp: &Tcp, now: i64) -> Hop {
    let name = cluster.text("name").unwrap_or("without a name").to_owned();
    let mut hop = Hop::new(
        "cluster",
        name.clone(),
        cluster.path.clone(),
        &[V9_2_1, V9_2_2, V9_2_3, V9_2_4],
    );
    let purposes = uses.clusters.get(&name);
    let used_for: Vec<&str> = purposes.into_iter().flatten().copied().collect();
    hop.fact(
        "used for",
        if used_for.is_empty() {
            "nothing in this document".to_owned()
        } else {
            used_for.join(", ")
        },
    );
    let options = http_options(cluster);
    guard(&mut hop, cluster, options.as_ref(), tcp, &used_for, now);
    let reach = of_cluster(cluster);
    let mut sockets: Vec<(String, Option<At<'_>>)> = cluster
        .list("transport_socket_matches")
        .into_iter()
        .map(|m| (m.path.clone(), m.get("transport_socket")))
        .collect();
    // What matches none of them takes the cluster's own, which need not be there.
    let own = cluster.get("transport_socket");
    if sockets.is_empty() || own.is_some() {
        sockets.push((cluster.path.clone(), own));
    }
    let is_passed_on = tcp.passed_on.contains(&name);
    for (path, socket) in sockets {
        let path = socket.as_ref().map_or(path, |socket| socket.path.clone());
        match transport(socket) {
            Transport::Plaintext if is_passed_on => {
                hop.fact("transport", "TLS of the clients, passed on unopened");
                hop.find(
                    Rule::Passthrough,
                    &path,
                    "its connections are those of a listener that opens no TLS",
                );
            }
            Transport::Plaintext => plaintext(&mut hop, &path, reach),
            Transport::Tls(context) => {
                hop.fact("transport", "TLS");
                tls::versions(&mut hop, &context, true);
                let names = has_automatic_names(&context, options.as_ref());
                tls::verification(&mut hop, &context, config, Peer::Server, names);
                let has_certificate = tls::has_certificate(&context);
                hop.fact(
                    "client certificate",
                    if has_certificate { "yes" } else { "no" },
                );
                if !has_certificate {
                    hop.find(
                        Rule::NoClientCertificate,
                        &context.path,
                        "the context has no tls_certificates",
                    );
                }
            }
            Transport::StartTls => tls::starttls(&mut hop, &path),
            Transport::Other(kind) => tls::unknown(&mut hop, &path, kind),
        }
    }
    hop.settle();
    hop
}

fn plaintext(hop: &mut Hop, path: &str, reach: Reach) {
    hop.fact("transport", "plaintext");
    // Nothing of the peer is to be seen.
    hop.controls.retain(|control| *control == V9_2_2);
    match reach {
        Reach::Machine => hop.find(
            Rule::PlaintextOnMachine,
            path,
            "its endpoints are on this machine",
        ),
        Reach::Network => hop.find(
            Rule::ClusterPlaintext,
            path,
            "there is no TLS transport_socket",
        ),
    }
}

/// `HttpProtocolOptions`, where the cluster has it.
fn http_options<'v>(cluster: &At<'v>) -> Option<At<'v>> {
    let all = cluster.get("typed_extension_protocol_options")?;
    let mut options = all.entries().into_iter().map(|(_, at)| at.unpacked());
    let found = options.find(|(kind, _)| is_type(kind, "HttpProtocolOptions"));
    found.map(|(_, at)| at)
}

/// Whether Envoy compares the certificate with the name that it asks for.
fn has_automatic_names(context: &At<'_>, options: Option<&At<'_>>) -> bool {
    let of_http = options.and_then(|o| o.get("upstream_http_protocol_options"));
    context.is_on("auto_sni_san_validation")
        || of_http.is_some_and(|http| http.is_on("auto_san_validation"))
}

/// Whether hopguard judges its connections.
fn guard(
    hop: &mut Hop,
    cluster: &At<'_>,
    options: Option<&At<'_>>,
    tcp: &Tcp,
    used_for: &[&str],
    now: i64,
) {
    let filters = options.map(|o| o.list("http_filters")).unwrap_or_default();
    let all: Vec<Option<Installed>> = filters.iter().map(|f| installed(f, now)).collect();
    let place = all
        .iter()
        .position(|i| i.as_ref().is_some_and(|i| i.role == Role::Upstream));
    let name = &hop.name;
    let of_tcp = tcp.guarded.contains(name) && !tcp.unguarded.contains(name);
    let of_tcp_role = tcp.installed.contains(name) && tcp.is_only_tcp(name);
    // Who uses a cluster may come by xDS.
    let may_carry_traffic = used_for.contains(&TRAFFIC) || used_for.is_empty();
    let is_http = may_carry_traffic && !tcp.is_only_tcp(name);
    if let Some(place) = place {
        let codec = filters.iter().position(|f| {
            f.any("typed_config")
                .is_some_and(|(kind, _)| is_type(&kind, "UpstreamCodec"))
        });
        let is_placed = codec.is_some_and(|codec| place < codec);
        if !is_placed && let Some(filter) = filters.get(place) {
            hop.find(
                Rule::HopguardMisplaced,
                &filter.path,
                "it is not before upstream_codec",
            );
        }
        let installed: Vec<Installed> = all.into_iter().flatten().collect();
        let is_sound = note_problems(hop, &installed);
        hop.is_guarded = is_placed && is_sound;
        installed.iter().for_each(|i| note_role(hop, i.role));
    } else if of_tcp && !is_http {
        hop.is_guarded = true;
        note_role(hop, Role::Network);
    } else if of_tcp_role {
        // What is wrong with it is told of the listener.
        note_role(hop, Role::Network);
    } else if may_carry_traffic && of_cluster(cluster) == Reach::Network {
        let role = if is_http { "upstream" } else { "network" };
        let detail = format!("its role {role} belongs here");
        hop.find(Rule::HopguardMissing, &cluster.path, detail);
    }
}
