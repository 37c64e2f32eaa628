//! Servers that fail before, in or right after the handshake.

use std::time::Duration;

use hopguard_testbed::TlsVersion::{V1_2, V1_3};
use hopguard_testbed::config::{Cluster, UpstreamTls};
use hopguard_testbed::pki::{KeyKind, Pki};
use hopguard_testbed::upstream::{ClientAuth, Fault, FullBacklog, Upstream};
use serde_json::json;

use super::{Failing, NOWHERE, Server, tls};
use crate::support::nobody;

/// A TLS 1.2 server's answer that names TLS 1.0.
const SERVER_HELLO_OF_TLS_1_0: &[u8] = &server_hello(1, 0xc02b);
/// One that names a cipher suite which the client did not offer.
const SERVER_HELLO_OF_ANOTHER_CIPHER: &[u8] = &server_hello(3, 0x002f);

/// A ServerHello without extensions.
const fn server_hello(minor: u8, cipher: u16) -> [u8; 47] {
    let mut bytes = [7; 47];
    let head = [22, 3, minor, 0, 42, 2, 0, 0, 38, 3, minor];
    let mut at = 0;
    while at < head.len() {
        bytes[at] = head[at];
        at += 1;
    }
    // After 32 random bytes: no session id, the cipher suite, no compression.
    bytes[43] = 0;
    [bytes[44], bytes[45]] = cipher.to_be_bytes();
    bytes[46] = 0;
    bytes
}

/// Envoy has no secret of this name, and gets none.
fn without_secret(tls: &UpstreamTls) -> UpstreamTls {
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (file, own) = (
        directory.join("no-secrets.json"),
        directory.join(format!("no-secrets-{:?}", std::thread::current().id())),
    );
    // At once: other tests read it.
    std::fs::write(&own, r#"{ "resources": [] }"#).unwrap();
    std::fs::rename(own, &file).unwrap();
    let secret =
        json!({ "name": "none", "sds_config": { "path_config_source": { "path": file } } });
    tls.clone().merge(json!({
        "common_tls_context": { "tls_certificate_sds_secret_configs": [secret] },
    }))
}

/// Servers that fail in TCP, or in the middle of the handshake.
pub async fn broken(pki: &Pki) -> Vec<Failing> {
    let good = pki.server("api.test").issue();
    let server = || Upstream::tls(&good);
    let faulty = |fault| Upstream::tls(&good).fault(fault);
    let tls = tls();
    let any_version = tls.clone().tls_versions(V1_2, V1_3);
    let backlog = FullBacklog::start().await.unwrap();
    let of_backlog = Cluster::new("").endpoint(backlog.addr()).tls(tls.clone());
    let soon = Duration::from_millis(100);
    let (socket, nobody) = nobody();
    let of_nobody = Cluster::new("").endpoint(nobody).tls(tls.clone());
    let timeout = ("connection_timeout", "");
    let unestablished = ("connection_unestablished", "");
    let plaintext = ("tls_plaintext_peer", "WRONG_VERSION_NUMBER");
    let unsupported = ("tls_version_mismatch", "UNSUPPORTED_PROTOCOL");
    vec![
        Failing::new("refuses-tcp",
            ("connection_refused", "delayed connect error: Connection refused"),
            Server::Nobody(socket), of_nobody),
        Failing::new("has-no-address",
            ("connection_failed", "immediate connect error: No such file or directory"),
            Server::None,
            Cluster::new("").tls(tls.clone()).merge(json!({ "load_assignment": { "endpoints": [{
                "lb_endpoints": [{ "endpoint": { "address": { "pipe": { "path": NOWHERE } } } }],
            }] } }))),
        // Where no log of the request is, or no request, Envoy does not tell the two apart.
        Failing::new("takes-no-tcp", timeout, Server::Backlog(backlog), of_backlog)
            .over_tcp(Some(unestablished))
            .cluster_with(|c| c.connect_timeout(soon)),
        Failing::of("never-answers", timeout, server().held(), &tls).await
            .over_tcp(Some(unestablished))
            .cluster_with(|c| c.connect_timeout(soon)),
        Failing::of("closes", unestablished, faulty(Fault::Close), &tls).await,
        Failing::of("resets", ("tls_handshake_reset", "Connection reset by peer"), faulty(Fault::Reset), &tls).await,
        Failing::of("speaks-http", plaintext, Upstream::plaintext(), &tls).await,
        Failing::of("speaks-first", plaintext, Upstream::plaintext().tcp_banner(b"220 mail.test ESMTP\r\n"), &tls).await,
        Failing::of("echoes", ("tls_protocol_error", "UNEXPECTED_MESSAGE"), Upstream::plaintext().tcp_echo(), &tls).await,
        Failing::of("only-tls-1.3", ("tls_version_mismatch", "TLSV1_ALERT_PROTOCOL_VERSION"), server().tls_versions(V1_3, V1_3), &tls).await,
        Failing::of("answers-tls-1.0", unsupported, faulty(Fault::Answer(SERVER_HELLO_OF_TLS_1_0)), &any_version).await,
        Failing::of("answers-another-cipher", ("tls_cipher_mismatch", "WRONG_CIPHER_RETURNED"),
            faulty(Fault::Answer(SERVER_HELLO_OF_ANOTHER_CIPHER)), &tls).await,
        Failing::of("no-common-cipher", ("tls_parameters_mismatch", "SSLV3_ALERT_HANDSHAKE_FAILURE|268435610:SSL routines:OPENSSL_internal:HANDSHAKE_FAILURE_ON_CLIENT_HELLO"),
            server(), &tls.clone().merge(json!({ "common_tls_context": { "tls_params": { "cipher_suites": ["ECDHE-RSA-AES128-GCM-SHA256"] } } }))).await,
        Failing::of("no-common-alpn", ("tls_alert_no_application_protocol", "TLSV1_ALERT_NO_APPLICATION_PROTOCOL"),
            server().alpn(&["h2"]), &tls.clone().alpn(&["http/1.1"])).await,
        Failing::of("other-kind-of-key", ("tls_certificate_unsuitable", "BAD_ECC_CERT"),
            Upstream::tls(&pki.server("api.test").key(KeyKind::P384).issue()), &tls).await,
        Failing::of("wants-a-certificate", ("tls_client_certificate_missing", "TLSV1_ALERT_CERTIFICATE_REQUIRED"),
            server().client_auth(ClientAuth::Required), &tls).await,
        Failing::of("openssl-wants-a-certificate", ("tls_alert_handshake_failure", "SSLV3_ALERT_HANDSHAKE_FAILURE:TLS_error_end"),
            Upstream::openssl(&good).client_auth(ClientAuth::Required), &tls).await,
        Failing::of("refuses-our-certificate", ("tls_alert_certificate", "TLSV1_ALERT_UNKNOWN_CA"),
            server().client_auth(ClientAuth::Refused), &tls.clone().certificate(&pki.client("envoy").issue())).await,
        Failing::of("knows-no-secret", ("tls_local_secret_missing", "TLS error: Secret is not supplied by SDS"), server(), &without_secret(&tls)).await,
    ]
}

/// Servers that end the connection after the handshake and before any answer.
/// Of a TCP connection that is no failure.
pub async fn ending(pki: &Pki) -> Vec<Failing> {
    let good = pki.server("api.test").issue();
    let ours = pki.client("envoy").issue();
    let server = || Upstream::tls(&good);
    let (tls_1_2, tls_1_3) = (tls(), tls().tls_versions(V1_3, V1_3));
    let told = ("tls_closed_after_handshake", "");
    let rows = [
        (
            "wants-a-certificate-1.3",
            server().client_auth(ClientAuth::Required),
            &tls_1_3,
        ),
        (
            "refuses-our-certificate-1.3",
            server().client_auth(ClientAuth::Refused),
            &tls_1_3.clone().certificate(&ours),
        ),
        ("dies", server().fault(Fault::CloseAfterHandshake), &tls_1_2),
        (
            "dies-1.3",
            server().fault(Fault::CloseAfterHandshake),
            &tls_1_3,
        ),
        (
            "dies-hard",
            server().fault(Fault::ResetAfterHandshake),
            &tls_1_2,
        ),
        (
            "dies-hard-1.3",
            server().fault(Fault::ResetAfterHandshake),
            &tls_1_3,
        ),
    ];
    let mut all = Vec::new();
    for (name, server, tls) in rows {
        let row = Failing::of(name, told, server, tls).await.over_tcp(None);
        all.push(Failing {
            connects: true,
            ..row
        });
    }
    all
}
