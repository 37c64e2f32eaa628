//! What is compared: one listener and one cluster for each row, all in one
//! Envoy, so that memory and machine are the same for all.

use std::net::SocketAddr;
use std::path::Path;

use hopguard_testbed::config::{
    Bootstrap, Cluster, DownstreamTls, HttpListener, Route, TcpListener, UpstreamTls, Wasm, lua,
};
use hopguard_testbed::pki::{Issued, Pki};
use hopguard_testbed::policy::trust_store;
use hopguard_testbed::revocation::{Database, List};
use serde_json::{Value, json};

use crate::Result;

/// What a row has in listener and cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No filter.
    None,
    /// The SDK's filter that does nothing, in the listener.
    Noop,
    /// The same in listener and cluster.
    NoopBoth,
    /// The same, which reads what no verdict can do without, and nothing more.
    ReadsBoth,
    /// hopguard's role `downstream`.
    Downstream,
    /// Both of hopguard's roles.
    Both,
    /// What the role `downstream` does for this policy, in Lua.
    Lua,
    /// hopguard's role `log`, in the HTTP connection manager and the router's
    /// `upstream_log`.
    Log,
    /// The same, called only for what failed.
    LogFiltered,
    /// The SDK's L4 filter that does nothing.
    NoopNetwork,
    /// hopguard's role `network`.
    Network,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    pub name: &'static str,
    pub kind: Kind,
    /// TLS with certificates of both sides, on both hops; plaintext otherwise.
    pub mtls: bool,
}

const fn row(name: &'static str, kind: Kind, mtls: bool) -> Variant {
    Variant { name, kind, mtls }
}

/// The rows of requests on warm connections.
pub const WARM: [Variant; 17] = [
    row("none", Kind::None, false),
    row("noop", Kind::Noop, false),
    row("noop_both", Kind::NoopBoth, false),
    row("reads_both", Kind::ReadsBoth, false),
    row("hopguard_downstream", Kind::Downstream, false),
    row("hopguard_both", Kind::Both, false),
    row("lua", Kind::Lua, false),
    row("none_mtls", Kind::None, true),
    row("noop_mtls", Kind::Noop, true),
    row("noop_both_mtls", Kind::NoopBoth, true),
    row("reads_both_mtls", Kind::ReadsBoth, true),
    row("hopguard_downstream_mtls", Kind::Downstream, true),
    row("hopguard_both_mtls", Kind::Both, true),
    // The same, and neither side may be revoked.
    row("hopguard_both_revocation_mtls", Kind::Both, true),
    row("lua_mtls", Kind::Lua, true),
    row("log_filtered", Kind::LogFiltered, false),
    row("log_unfiltered", Kind::Log, false),
];

/// The rows of new TCP connections.
pub const TCP_CONNECTIONS: [Variant; 6] = [
    row("l4_connection_none", Kind::None, false),
    row("l4_connection_noop", Kind::NoopNetwork, false),
    row("l4_connection_hopguard", Kind::Network, false),
    row("l4_connection_none_mtls", Kind::None, true),
    row("l4_connection_noop_mtls", Kind::NoopNetwork, true),
    row("l4_connection_hopguard_mtls", Kind::Network, true),
];

/// The rows of bytes on a TCP connection that was judged.
pub const TCP_TRANSFER: [Variant; 6] = [
    row("l4_transfer_none", Kind::None, false),
    row("l4_transfer_noop", Kind::NoopNetwork, false),
    row("l4_transfer_hopguard", Kind::Network, false),
    row("l4_transfer_none_mtls", Kind::None, true),
    row("l4_transfer_noop_mtls", Kind::NoopNetwork, true),
    row("l4_transfer_hopguard_mtls", Kind::Network, true),
];

/// Verdict and rule that a row leaves to the access log.
pub const fn told(mtls: bool) -> &'static str {
    if mtls { "permit,-" } else { "waived,bench" }
}

/// Certificates, modules and policy of all rows.
pub struct Parts {
    pub client: Issued,
    server: Issued,
    envoy: Issued,
    hopguard: [Value; 2],
    noop: Value,
    reads: [Value; 2],
    network: Value,
    noop_network: Value,
    log: Value,
    lua: [Value; 2],
}

impl Parts {
    pub fn new(hopguard: &Path, noop: &Path) -> Result<Self> {
        let pki = Pki::new();
        let client = pki.client("client").dns("client.partner.test").issue();
        let crl =
            Database::new(&pki.intermediate).and_then(|database| List::default().pem(&database))?;
        let policy = policy(&pki, &crl);
        let role = |role: &str| Wasm::new(hopguard, role).configuration(&policy);
        let does_nothing = |root_id: &str| Wasm::new(noop, root_id).name("noop").vm_id("noop");
        Ok(Self {
            server: pki.server("api.test").issue(),
            envoy: pki.client("envoy").dns("envoy.test").issue(),
            hopguard: [
                role("downstream").http_filter(),
                role("upstream").http_filter(),
            ],
            noop: does_nothing("noop").http_filter(),
            reads: [
                does_nothing("reads_downstream").http_filter(),
                does_nothing("reads_upstream").http_filter(),
            ],
            network: role("network").network_filter(),
            noop_network: does_nothing("network").network_filter(),
            log: role("log").access_logger(),
            lua: [lua(LUA_WAIVER), lua(&lua_certificate(&client))],
            client,
        })
    }

    /// The servers: another Envoy that answers by itself, or sends back what
    /// comes.
    pub fn backend(&self) -> Bootstrap {
        let answer = || Route::direct("/", 200, "ok");
        let echo = |name: &str| {
            TcpListener::new(name, "").patch(|listener| {
                listener["filter_chains"][0]["filters"] = json!([{
                    "name": "envoy.filters.network.echo",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo",
                    },
                }]);
            })
        };
        let tls = || self.downstream_tls();
        Bootstrap::new()
            .http(HttpListener::new("plaintext").route(answer()))
            .http(HttpListener::new("tls").tls(tls()).route(answer()))
            .tcp(echo("echo"))
            .tcp(echo("echo_tls").tls(tls()))
    }

    /// The certificate of all servers.
    pub const fn server(&self) -> &Issued {
        &self.server
    }

    /// A row's listener and cluster; the cluster's server is that of the row's
    /// kind of connection.
    pub fn add(
        &self,
        bootstrap: Bootstrap,
        variant: &Variant,
        server: SocketAddr,
        access_log: Option<&str>,
    ) -> Bootstrap {
        let name = variant.name;
        let [downstream, upstream] = &self.hopguard;
        let (listener, cluster) = match variant.kind {
            Kind::Noop => (Some(&self.noop), None),
            Kind::NoopBoth => (Some(&self.noop), Some(&self.noop)),
            Kind::ReadsBoth => (Some(&self.reads[0]), Some(&self.reads[1])),
            Kind::Downstream => (Some(downstream), None),
            Kind::Both => (Some(downstream), Some(upstream)),
            Kind::Lua => (Some(&self.lua[usize::from(variant.mtls)]), None),
            Kind::None | Kind::Log | Kind::LogFiltered | Kind::NoopNetwork | Kind::Network => {
                (None, None)
            }
        };
        let mut http = HttpListener::new(name).route(Route::all(name));
        let mut servers = Cluster::new(name).endpoint(server);
        if variant.mtls {
            http = http.tls(self.downstream_tls());
            servers = servers.tls(self.upstream_tls());
        }
        if let Some(logger) = self.logger(variant.kind) {
            http = http.access_logger(logger.clone()).upstream_logger(logger);
        }
        if let Some(format) = access_log {
            http = http.access_log(&format!("CHECK {name} {format}"));
        }
        http = listener
            .cloned()
            .into_iter()
            .fold(http, HttpListener::filter);
        servers = cluster.cloned().into_iter().fold(servers, Cluster::filter);
        bootstrap.http(http).cluster(servers)
    }

    /// The role `log`, where a row has it.
    fn logger(&self, kind: Kind) -> Option<Value> {
        let mut logger = self.log.clone();
        match kind {
            Kind::Log => {}
            Kind::LogFiltered => {
                let failed = json!({ "flags": ["UF", "UC"] });
                logger["filter"] = json!({ "response_flag_filter": failed });
            }
            _ => return None,
        }
        Some(logger)
    }

    /// A TCP row's listener and cluster.
    pub fn add_tcp(
        &self,
        bootstrap: Bootstrap,
        variant: &Variant,
        server: SocketAddr,
        access_log: Option<&str>,
    ) -> Bootstrap {
        let name = variant.name;
        let mut tcp = TcpListener::new(name, name);
        let mut servers = Cluster::new(name).endpoint(server);
        if variant.mtls {
            tcp = tcp.tls(self.downstream_tls());
            servers = servers.tls(self.upstream_tls());
        }
        if let Some(format) = access_log {
            tcp = tcp.access_log(&format!("CHECK {name} {format}"));
        }
        let filter = match variant.kind {
            Kind::Network => Some(&self.network),
            Kind::NoopNetwork => Some(&self.noop_network),
            _ => None,
        };
        tcp = filter.cloned().into_iter().fold(tcp, TcpListener::filter);
        bootstrap.tcp(tcp).cluster(servers)
    }

    /// A plaintext listener and a cluster with a new TLS connection for each
    /// request, with the gate or without.
    pub fn add_wake(
        &self,
        bootstrap: Bootstrap,
        name: &str,
        server: SocketAddr,
        gate: bool,
    ) -> Bootstrap {
        let mut cluster = Cluster::new(name)
            .endpoint(server)
            .tls(self.upstream_tls().no_resumption())
            .patch(|cluster| {
                let options = &mut cluster["typed_extension_protocol_options"];
                options["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"]
                    ["common_http_protocol_options"] = json!({ "max_requests_per_connection": 1 });
            });
        if gate {
            cluster = cluster.filter(self.hopguard[1].clone());
        }
        bootstrap
            .http(HttpListener::new(name).route(Route::all(name)))
            .cluster(cluster)
    }

    fn downstream_tls(&self) -> DownstreamTls {
        DownstreamTls::new(&self.server).require_any_client()
    }

    fn upstream_tls(&self) -> UpstreamTls {
        UpstreamTls::new().sni("api.test").certificate(&self.envoy)
    }
}

/// Plaintext is waived, but for the rows with certificates: those demand them
/// of clients and verify those of servers. `crl`: revokes nobody.
fn policy(pki: &Pki, crl: &str) -> Value {
    let waive = json!([{
        "controls": ["V9.2.1", "V9.2.2"],
        "reason": "the benchmark's plaintext rows",
        "until": "2099-12-31",
    }]);
    json!({
        "version": 1,
        "trust_stores": [trust_store("ca", &pki.root, &[&pki.intermediate])],
        "default_trust_stores": ["ca"],
        "revocation": { "crls": [crl] },
        "downstream": [
            {
                "name": "live",
                "match": { "filter_chains": ["*_revocation_mtls"] },
                "require": { "peer_certificate": {
                    "trust_stores": ["ca"], "names": { "dns": ["*.partner.test"] },
                    "revocation": {},
                }},
            },
            {
                "name": "partners",
                "match": { "filter_chains": ["*_mtls"] },
                "require": { "peer_certificate": {
                    "trust_stores": ["ca"], "names": { "dns": ["*.partner.test"] },
                }},
            },
            { "name": "bench", "waive": waive },
        ],
        "upstream": [
            {
                "name": "live",
                "match": { "clusters": ["*_revocation_mtls"] },
                "require": { "peer_certificate": {
                    "trust_stores": ["ca"], "names": { "dns": ["api.test"] }, "revocation": {},
                }},
            },
            { "name": "partners", "match": { "clusters": ["*_mtls", "wake_*"] } },
            { "name": "bench", "waive": waive },
        ],
    })
}

/// The waiver of plaintext as a Lua filter: looks whether the connection is
/// TLS and whether the last day is over, and leaves the verdict to the access
/// log, and the rule where it is more than a permit: as hopguard does.
const LUA_WAIVER: &str = r#"
local ends = 4102444800 -- 2100-01-01

function envoy_on_request(handle)
  local ssl = handle:connection():ssl()
  local metadata = handle:streamInfo():dynamicMetadata()
  if ssl == nil then
    if os.time() >= ends then
      handle:respond({[":status"] = "403"}, "denied")
      return
    end
    metadata:set("hopguard", "verdict", "waived")
    metadata:set("hopguard", "rule", "bench")
  else
    local version = ssl:tlsVersion()
    if version ~= "TLSv1.3" and version ~= "TLSv1.2" then
      handle:respond({[":status"] = "403"}, "denied")
      return
    end
    metadata:set("hopguard", "verdict", "permit")
  end
end
"#;

/// The demand for a known certificate as a Lua filter. Lua cannot verify one:
/// the table of digests is somebody's to keep.
fn lua_certificate(client: &Issued) -> String {
    r#"
local known = {["DIGEST"] = true}

function envoy_on_request(handle)
  local ssl = handle:connection():ssl()
  if ssl ~= nil then
    local version = ssl:tlsVersion()
    if (version == "TLSv1.3" or version == "TLSv1.2")
        and known[ssl:sha256PeerCertificateDigest()]
        and ssl:expirationPeerCertificate() > os.time() then
      handle:streamInfo():dynamicMetadata():set("hopguard", "verdict", "permit")
      return
    end
  end
  handle:respond({[":status"] = "403"}, "denied")
end
"#
    .replace("DIGEST", &client.sha256_hex())
}
