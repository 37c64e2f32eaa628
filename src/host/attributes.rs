//! Envoy's attributes, as the serialised paths that `proxy_get_property` takes:
//! parts separated by NUL. Names: Envoy's attribute reference, 1.40.

/// A serialised property path.
pub type Path = &'static [u8];

/// The downstream connection's id (uint64), unique in the process. The
/// one-part form is the cheapest property there is: no wrapper, no map.
pub const CONNECTION_ID: Path = b"connection_id";

/// The same, also where an access log is written: there the one-part form is
/// absent (Envoy 1.40).
pub const CONNECTION_ID_IN_LOGS: Path = b"connection\0id";

/// `TLSv1.3` and so on; absent without TLS.
pub const CONNECTION_TLS_VERSION: Path = b"connection\0tls_version";
/// 64 hexadecimal digits; absent without a peer certificate.
pub const CONNECTION_PEER_SHA256: Path = b"connection\0sha256_peer_certificate_digest";
/// PEM of the leaf; Envoy 1.38 and later.
pub const CONNECTION_PEER_CERTIFICATE: Path = b"connection\0peer_certificate";
/// Subject of the peer's certificate: absent without TLS, empty without a
/// certificate, and harmless to read before the handshake is complete.
pub const CONNECTION_PEER_SUBJECT: Path = b"connection\0subject_peer_certificate";
/// Why the client's handshake failed, in Envoy's words.
pub const CONNECTION_FAILURE: Path = b"connection\0transport_failure_reason";
/// What ended the client's connection, in Envoy's words.
pub const CONNECTION_TERMINATION: Path = b"connection\0termination_details";
/// Set by Envoy's filter `set_filter_state`, where it is configured to, once the
/// client's handshake is complete (Envoy 1.40).
pub const DOWNSTREAM_HANDSHAKE: Path = b"filter_state\0hopguard.downstream_tls_handshake";
/// The SNI that the client sent; empty without.
pub const CONNECTION_SERVER_NAME: Path = b"connection\0requested_server_name";
/// The client's address, `ip:port`.
pub const SOURCE_ADDRESS: Path = b"source\0address";
/// The address of ours that the client reached, `ip:port`.
pub const DESTINATION_ADDRESS: Path = b"destination\0address";
/// The name of the filter chain.
pub const FILTER_CHAIN_NAME: Path = b"xds\0filter_chain_name";

/// The cluster's name. (The old one-part name `cluster_name` is absent in cluster
/// filters of Envoy 1.40.)
pub const CLUSTER_NAME: Path = b"xds\0cluster_name";
/// The upstream host's address, `ip:port`; there before the connection is.
pub const UPSTREAM_ADDRESS: Path = b"upstream\0address";
/// Our end of the upstream connection; absent until it is up.
pub const UPSTREAM_LOCAL_ADDRESS: Path = b"upstream\0local_address";
/// `TLSv1.3` and so on; absent without TLS.
pub const UPSTREAM_TLS_VERSION: Path = b"upstream\0tls_version";
/// 64 hexadecimal digits; absent without a peer certificate.
pub const UPSTREAM_PEER_SHA256: Path = b"upstream\0sha256_peer_certificate_digest";
/// PEM of the leaf; Envoy 1.38 and later.
pub const UPSTREAM_PEER_CERTIFICATE: Path = b"upstream\0peer_certificate";
/// The SNI that we sent; Envoy 1.39 and later.
pub const UPSTREAM_SERVER_NAME: Path = b"upstream\0server_name";
/// The subject of our certificate; empty without one, or with an empty subject.
pub const UPSTREAM_LOCAL_SUBJECT: Path = b"upstream\0subject_local_certificate";
/// The first URI SAN of our certificate.
pub const UPSTREAM_LOCAL_URI_SAN: Path = b"upstream\0uri_san_local_certificate";
/// The first DNS SAN of our certificate.
pub const UPSTREAM_LOCAL_DNS_SAN: Path = b"upstream\0dns_san_local_certificate";
/// Which attempt of the request this is (uint64), from 1.
pub const UPSTREAM_ATTEMPT: Path = b"upstream\0request_attempt_count";
/// Why the TLS connection failed, in Envoy's words.
pub const UPSTREAM_FAILURE: Path = b"upstream\0transport_failure_reason";

/// How long the pool took to give a connection, or to fail (int64, ns); absent
/// while it did neither, so also where the client left first.
pub const UPSTREAM_POOL_ANSWERED: Path = b"upstream\0cx_pool_ready_duration";

/// Why a response or connection ended (uint64), Envoy's response flags as bits.
pub const RESPONSE_FLAGS: Path = b"response\0flags";
/// The status of the response (int64); absent without one.
pub const RESPONSE_CODE: Path = b"response\0code";
/// What ended a response, in Envoy's words.
pub const RESPONSE_CODE_DETAILS: Path = b"response\0code_details";
/// The name of the route.
pub const ROUTE_NAME: Path = b"xds\0route_name";
/// The cluster of the Envoy node.
pub const NODE_CLUSTER: Path = b"xds\0node\0cluster";
/// The id of the Envoy node.
pub const NODE_ID: Path = b"xds\0node\0id";

/// The VM's id, as configured.
pub const PLUGIN_VM_ID: Path = b"plugin_vm_id";

/// The root id that the configuration gave the plugin.
pub const PLUGIN_ROOT_ID: Path = b"plugin_root_id";
