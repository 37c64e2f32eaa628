//! The clusters of hopguard's own calls. The policy names them, and a whole
//! configuration has to have them.

use std::net::IpAddr;

use hopguard::decision::Policy;
use serde_json::Value;

use crate::reply::Failure;

/// Where a collector is, unless told: nowhere, to be replaced.
const COLLECTOR: (&str, u16) = ("collector.example.com", 4318);
/// The admin interface of the shipped configuration.
const ADMIN: (&str, u16) = ("127.0.0.1", 9901);
/// The port of `http`.
const HTTP: u16 = 80;

/// A cluster that the policy names.
#[derive(Debug)]
struct Named {
    name: String,
    /// What it is for, by the fields that name it.
    purposes: Vec<String>,
    host: String,
    port: u16,
    kind: Kind,
    /// The name that requests have for it.
    authority: String,
}

/// What leads there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Plaintext: what comes is signed.
    Signed,
    /// Plaintext on this machine.
    Admin,
    /// TLS, guarded as any other.
    Guarded,
}

/// As text, to stand under `clusters`; empty where the policy names none but those that
/// are `there`. `given` says where clusters lead.
///
/// # Errors
/// A sentence: an address was given for a cluster that the policy does not name.
pub fn text(
    policy: &Policy,
    given: &[(String, (String, u16))],
    there: &[&str],
) -> Result<String, Failure> {
    let mut clusters = named(policy);
    clusters.retain(|cluster| !there.contains(&cluster.name.as_str()));
    for (name, (host, port)) in given {
        let mut clusters = clusters.iter_mut();
        let cluster = clusters
            .find(|c| c.name == *name)
            .ok_or_else(|| Failure(format!("--cluster: the policy names no cluster {name:?}")))?;
        (cluster.host, cluster.port) = (host.clone(), *port);
    }
    Ok(clusters.iter().map(Named::text).collect())
}

/// Each once, in the order of the policy's fields.
fn named(policy: &Policy) -> Vec<Named> {
    let responders = policy.revocation.responders.iter().map(|responder| {
        let purpose = format!("OCSP responder {}", responder.host);
        Named::new(&responder.cluster, purpose, &responder.host, Kind::Signed)
    });
    let lists = policy.revocation.crl_sources.iter().map(|source| {
        let purpose = format!("CRL {}", source.url);
        Named::new(&source.cluster, purpose, &source.authority, Kind::Signed)
    });
    let collector = policy.collector.iter().map(|collector| {
        let purpose = "OpenTelemetry collector".to_owned();
        Named::new(
            &collector.cluster,
            purpose,
            &collector.authority,
            Kind::Guarded,
        )
    });
    let posture = policy.posture.iter().map(|posture| {
        let purpose = "this Envoy's admin interface".to_owned();
        Named::new(&posture.cluster, purpose, &posture.authority, Kind::Admin)
    });
    let mut all: Vec<Named> = Vec::new();
    for cluster in responders.chain(lists).chain(collector).chain(posture) {
        match all.iter_mut().find(|known| known.name == cluster.name) {
            Some(known) => known.purposes.extend(cluster.purposes),
            None => all.push(cluster),
        }
    }
    all
}

/// Of an authority; an IPv6 address without its brackets.
fn host_and_port(authority: &str) -> (&str, u16) {
    let split = authority
        .rsplit_once(':')
        .and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let (host, port) = split.unwrap_or((authority, HTTP));
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    (bare.unwrap_or(host), port)
}

impl Named {
    fn new(name: &str, purpose: String, authority: &str, kind: Kind) -> Self {
        let (host, port) = match kind {
            Kind::Signed => host_and_port(authority),
            Kind::Guarded => COLLECTOR,
            Kind::Admin => ADMIN,
        };
        Self {
            name: name.to_owned(),
            purposes: vec![purpose],
            authority: authority.to_owned(),
            host: host.to_owned(),
            port,
            kind,
        }
    }

    fn text(&self) -> String {
        let name = Value::from(self.name.as_str());
        let host = Value::from(self.host.as_str());
        let mut text = String::new();
        for purpose in &self.purposes {
            text.push_str(&format!("  # hopguard's own calls: {purpose}.\n"));
        }
        text.push_str(match self.kind {
            Kind::Signed => "  # In plaintext: what comes is signed, and is verified.\n",
            Kind::Admin => {
                "  # envoy/posture.yaml has a way that lets two requests through and no other.\n"
            }
            Kind::Guarded => "  # Replace address and `sni` by your own.\n",
        });
        text.push_str(&format!(
            "  - name: {name}\n    type: STRICT_DNS\n    connect_timeout: 1s\n    load_assignment:\n      \
             cluster_name: {name}\n      endpoints:\n      - lb_endpoints:\n        - endpoint:\n            \
             address:\n              socket_address: {{ address: {host}, port_value: {} }}\n",
            self.port
        ));
        if self.kind == Kind::Guarded {
            let name = Value::from(self.server_name());
            text.push_str(&GUARDED.replace("SNI", &name.to_string()));
        }
        text
    }

    /// No address (RFC 6066 section 3): then it is the name that requests have for it.
    fn server_name(&self) -> &str {
        if self.host.parse::<IpAddr>().is_ok() {
            host_and_port(&self.authority).0
        } else {
            &self.host
        }
    }
}

/// TLS, and hopguard in it, as the shipped cluster has them.
const GUARDED: &str = r#"    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        sni: SNI
        common_tls_context:
          tls_params:
            tls_minimum_protocol_version: TLSv1_2
            tls_maximum_protocol_version: TLSv1_3
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config:
          http_protocol_options: {}
        http_filters:
        - name: hopguard
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
            config:
              name: hopguard
              root_id: upstream
              failure_policy: FAIL_CLOSED
              vm_config: *vm
              configuration: *policy
        - name: envoy.filters.http.upstream_codec
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec
"#;
