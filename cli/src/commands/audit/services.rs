//! Connections of Envoy's own that use no cluster.

use hopguard::decision::Requirement::{V9_2_1, V9_2_2, V9_2_4};

use super::hop::Hop;
use super::plugin::{note_problems, note_role};
use super::rules::Rule;
use crate::envoy::{Config, Installed, Reach, Uses, installed, reach};
use crate::role::Role;

/// The admin interface, gRPC's own connections, and stats.
pub fn hops(config: &Config<'_>, uses: &Uses<'_>) -> Vec<Hop> {
    let mut hops = Vec::new();
    hops.extend(admin(config));
    for grpc in &uses.google_grpc {
        let controls = [V9_2_1, V9_2_2];
        let mut hop = Hop::new(
            "gRPC",
            grpc.target.to_owned(),
            grpc.at.path.clone(),
            &controls,
        );
        hop.fact("used for", grpc.purpose);
        let credentials = grpc.at.get("channel_credentials");
        let kind = ["ssl_credentials", "google_default", "local_credentials"]
            .iter()
            .find(|kind| credentials.as_ref().is_some_and(|c| c.get(kind).is_some()));
        match kind.copied() {
            Some("local_credentials") => {
                hop.fact("transport", "plaintext");
                hop.find(Rule::PlaintextOnMachine, &grpc.at.path, "local_credentials");
            }
            // gRPC verifies certificate and name, by the roots given or its own.
            Some(kind) => hop.fact("transport", format!("TLS ({kind})")),
            None => {
                hop.fact("transport", "plaintext");
                hop.find(
                    Rule::GrpcPlaintext,
                    &grpc.at.path,
                    "there are no channel_credentials",
                );
            }
        }
        hops.push(hop);
    }
    for (at, far, text) in &uses.stats {
        let mut hop = Hop::new("stats", text.clone(), at.path.clone(), &[V9_2_2]);
        hop.fact("transport", "plaintext");
        match far {
            Reach::Machine => hop.find(
                Rule::PlaintextOnMachine,
                &at.path,
                "the sink is on this machine",
            ),
            Reach::Network => hop.find(Rule::StatsPlaintext, &at.path, format!("to {text}")),
        }
        hops.push(hop);
    }
    hops
}

/// Who watches the certificates that this Envoy shows; nobody needs to where it
/// shows none.
pub fn own_certificates(config: &Config<'_>, listeners: &[Hop], now: i64) -> Option<Hop> {
    let is_tls = |hop: &Hop| {
        hop.facts
            .iter()
            .any(|f| *f == ("transport", "TLS".to_owned()))
    };
    if config.bootstrap.value.is_null() || !listeners.iter().any(is_tls) {
        return None;
    }
    let mut hop = Hop::new(
        "Envoy's own",
        "certificates".to_owned(),
        "bootstrap_extensions".to_owned(),
        &[V9_2_4],
    );
    let extensions = config.bootstrap.list("bootstrap_extensions");
    let all: Vec<Installed> = extensions
        .iter()
        .filter_map(|e| installed(e, now))
        .collect();
    if all.iter().any(|i| i.role == Role::Posture) {
        hop.fact("watched by", "hopguard");
        note_problems(&mut hop, &all);
        note_role(&mut hop, Role::Posture);
    } else {
        hop.fact("watched by", "nobody");
        let detail = "its role posture belongs into bootstrap_extensions";
        hop.find(Rule::PostureMissing, "", detail);
    }
    Some(hop)
}

fn admin(config: &Config<'_>) -> Option<Hop> {
    let admin = config.bootstrap.get("admin")?;
    let address = admin.get("address")?;
    let (far, text) = reach(&address);
    let mut hop = Hop::new("admin", text.clone(), admin.path, &[V9_2_2]);
    hop.fact("transport", "plaintext");
    match far {
        Reach::Machine => hop.find(
            Rule::PlaintextOnMachine,
            &address.path,
            "only this machine can reach it",
        ),
        Reach::Network => hop.find(
            Rule::AdminExposed,
            &address.path,
            format!("it listens on {text}"),
        ),
    }
    Some(hop)
}
