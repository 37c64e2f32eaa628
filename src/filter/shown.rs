//! What this Envoy shows of connections: older ones show less. Attributes can be
//! read only while there is a connection, so it is told at the first one that could
//! show all: once for each role, side and worker.

use crate::decision::{Direction, Evidence, Names, RuleSet, Transport};
use crate::host::attributes::{self as at, Path};
use crate::host::{Host, Level};

/// An attribute that not every Envoy has.
struct Attribute {
    path: Path,
    /// The first Envoy that has it, and what else must be the case.
    since: &'static str,
    /// What comes of its absence.
    without: &'static str,
    /// Whether some of these rules look at it.
    is_needed: fn(&RuleSet) -> bool,
}

const PEER_CERTIFICATE: Attribute = Attribute {
    path: at::CONNECTION_PEER_CERTIFICATE,
    since: "Envoy 1.38",
    without: "what rules demand of certificates, other than pinned ones, is denied unless it is forwarded",
    is_needed: |rules| rules.iter().any(|rule| rule.demands.peer.is_some()),
};

const SERVER_CERTIFICATE: Attribute = Attribute {
    path: at::UPSTREAM_PEER_CERTIFICATE,
    without: "what rules demand of certificates, other than pinned ones, is denied",
    ..PEER_CERTIFICATE
};

const SERVER_NAME: Attribute = Attribute {
    path: at::UPSTREAM_SERVER_NAME,
    since: "Envoy 1.39, and an `sni` of the cluster",
    without: "rules that match server names match nothing, and names are not compared with it",
    is_needed: |rules| {
        let compares = rules.iter().any(|rule| {
            let peer = rule.demands.peer.as_ref();
            peer.is_some_and(
                |peer| matches!(&peer.names, Names::Reference(from) if from.server_name && !from.authority),
            )
        });
        compares || rules.looks_at().server_name
    },
};

/// Whether it was told.
#[derive(Debug, Default)]
pub struct Shown {
    is_told: bool,
}

impl Shown {
    /// Looks at a connection that is judged anew.
    pub fn look(
        &mut self,
        host: &impl Host,
        direction: Direction,
        rules: &RuleSet,
        evidence: &Evidence,
    ) {
        // Without a certificate there is none to show.
        let could_show = matches!(
            evidence.transport,
            Transport::Tls(_) | Transport::TlsUnknown
        ) && evidence.peer_sha256.is_some();
        if self.is_told || !could_show {
            return;
        }
        self.is_told = true;
        let optional: &[Attribute] = match direction {
            Direction::Downstream => &[PEER_CERTIFICATE],
            Direction::Upstream => &[SERVER_CERTIFICATE, SERVER_NAME],
        };
        let (found, missing): (Vec<_>, Vec<_>) = optional.iter().partition(|attribute| {
            let value = host.property(attribute.path);
            value.is_some_and(|value| !value.is_empty())
        });
        let side = direction.as_str();
        let mut line = format!(
            "hopguard: of {side} connections this Envoy shows tls_version, sha256_peer_certificate_digest"
        );
        for attribute in found {
            line.push_str(", ");
            line.push_str(attribute.name());
        }
        host.log(Level::Info, &line);
        for attribute in missing {
            let (level, consequence) = match (attribute.is_needed)(rules) {
                true => (Level::Warn, attribute.without),
                false => (Level::Info, "no rule needs it"),
            };
            let (name, since) = (attribute.name(), attribute.since);
            let line = format!(
                "hopguard: of {side} connections this Envoy does not show {name} ({since}): {consequence}"
            );
            host.log(level, &line);
        }
    }
}

impl Attribute {
    /// Its name, without the part that says of which connection.
    fn name(&self) -> &'static str {
        let last = self.path.rsplit(|byte| *byte == 0).next();
        last.and_then(|name| std::str::from_utf8(name).ok())
            .unwrap_or_default()
    }
}
