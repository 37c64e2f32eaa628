//! Clients whose handshakes fail, and what must be told of them.

use std::net::SocketAddr;

use hopguard_testbed::TlsVersion::{V1_2, V1_3};
use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::DownstreamTls;
use hopguard_testbed::pki::Pki;
use serde_json::json;

use crate::support::failing::Told;
use crate::support::hello::{alert, client_hello, client_hello_1_3};

/// How a client comes.
enum Visitor {
    /// And asks for something.
    Tls(Box<dyn Fn(Client) -> Client>),
    /// Without TLS, with these bytes; and stays until Envoy ends it.
    Says(Vec<u8>),
    /// With this ClientHello; and when it was answered, with these bytes.
    Answers(Vec<u8>, Vec<u8>),
    /// With these bytes, and leaves.
    Leaves(Vec<u8>),
    /// With a ClientHello; and when it was answered, resets.
    Resets,
}

/// A client that comes to a listener.
pub(super) struct Visit {
    pub(super) name: &'static str,
    pub(super) listener: &'static str,
    visitor: Visitor,
    /// `None`: it is no failure.
    pub(super) told: Option<Told>,
}

/// Listeners, and their filter chains.
pub(super) const LISTENERS: [&str; 7] = [
    "any", "mtls", "tls-1.3", "mtls-1.2", "named", "rsa", "p-521",
];

/// What a listener demands.
pub(super) fn tls_of(listener: &str, pki: &Pki) -> DownstreamTls {
    let tls = DownstreamTls::new(&pki.server("api.test").issue());
    match listener {
        "mtls" => tls.require_client(&pki.root),
        "tls-1.3" => tls.tls_versions(V1_3, V1_3),
        "mtls-1.2" => tls.tls_versions(V1_2, V1_2).require_client(&pki.root),
        "named" => tls
            .require_client(&pki.root)
            .merge(json!({ "common_tls_context": {
            "validation_context": { "match_typed_subject_alt_names":
                [{ "san_type": "DNS", "matcher": { "exact": "web.test" } }] },
        } })),
        "rsa" => tls.merge(json!({ "common_tls_context": { "tls_params": {
            "tls_maximum_protocol_version": "TLSv1_2",
            "cipher_suites": ["ECDHE-RSA-AES128-GCM-SHA256"],
        } } })),
        "p-521" => tls.merge(json!({ "common_tls_context": { "tls_params": {
            "tls_minimum_protocol_version": "TLSv1_3", "ecdh_curves": ["P-521"],
        } } })),
        _ => tls,
    }
}

/// All that come.
pub(super) fn visits(pki: &Pki) -> Vec<Visit> {
    let missing = (
        "tls_client_certificate_missing",
        "PEER_DID_NOT_RETURN_A_CERTIFICATE",
    );
    let untrusted = (
        "tls_certificate_untrusted",
        "unable to get local issuer certificate",
    );
    let unsupported = ("tls_version_mismatch", "UNSUPPORTED_PROTOCOL");
    let no_tls = ("tls_plaintext_peer", "WRONG_VERSION_NUMBER");
    let timeout = (
        "tls_handshake_timeout",
        "transport socket timeout was reached",
    );
    let stranger = pki.other.client("web").issue();
    let stranger_too = stranger.clone();
    let good = pki.client("web").dns("web.test").issue();
    let expired = pki.client("web").expired().issue();
    let other_name = pki.client("web").dns("db.test").issue();
    let visit = |name, listener, visitor, told| Visit {
        name,
        listener,
        visitor,
        told,
    };
    let tls = |change: Box<dyn Fn(Client) -> Client>| Visitor::Tls(change);
    let hello = client_hello();
    let failing = |name, listener, change, told| visit(name, listener, tls(change), Some(told));
    let says =
        |name, bytes: &[u8], told| visit(name, "any", Visitor::Says(bytes.to_vec()), Some(told));
    vec![
        visit("good", "any", tls(Box::new(|c| c)), None),
        visit(
            "good-certificate",
            "named",
            tls(Box::new(move |c| c.certificate(&good))),
            None,
        ),
        failing(
            "only-1.2",
            "tls-1.3",
            Box::new(|c| c.tls_versions(V1_2, V1_2)),
            unsupported,
        ),
        failing(
            "only-1.3",
            "mtls-1.2",
            Box::new(|c| c.tls_versions(V1_3, V1_3)),
            unsupported,
        ),
        failing(
            "no-certificate",
            "mtls",
            Box::new(|c| c.tls_versions(V1_3, V1_3)),
            missing,
        ),
        failing("no-certificate-1.2", "mtls-1.2", Box::new(|c| c), missing),
        failing(
            "stranger",
            "mtls",
            Box::new(move |c| c.certificate(&stranger)),
            untrusted,
        ),
        failing(
            "stranger-1.2",
            "mtls-1.2",
            Box::new(move |c| c.certificate(&stranger_too)),
            untrusted,
        ),
        failing(
            "expired",
            "mtls",
            Box::new(move |c| c.certificate(&expired)),
            ("tls_certificate_expired", "certificate has expired"),
        ),
        failing(
            "other-name",
            "named",
            Box::new(move |c| c.certificate(&other_name)),
            ("tls_certificate_name", "SAN matcher"),
        ),
        failing(
            "no-common-cipher",
            "rsa",
            Box::new(|c| c.tls_versions(V1_2, V1_2)),
            ("tls_cipher_mismatch", "NO_SHARED_CIPHER"),
        ),
        failing(
            "no-common-group",
            "p-521",
            Box::new(|c| c.tls_versions(V1_3, V1_3)),
            ("tls_cipher_mismatch", "NO_SHARED_GROUP"),
        ),
        says(
            "speaks-http",
            b"GET / HTTP/1.1\r\nhost: api.test\r\n\r\n",
            ("tls_plaintext_peer", "HTTP_REQUEST"),
        ),
        says(
            "speaks-to-a-proxy",
            b"CONNECT api.test:443 HTTP/1.1\r\n\r\n",
            ("tls_plaintext_peer", "HTTPS_PROXY_REQUEST"),
        ),
        says("speaks-something", b"SSH-2.0-OpenSSH_9.2\r\n", no_tls),
        says("says-nothing", b"", timeout),
        says("stops-in-the-hello", &hello[..40], timeout),
        says("stops-after-the-hello", &hello, timeout),
        visit(
            "refuses-us",
            "any",
            Visitor::Answers(client_hello(), alert(48).to_vec()),
            Some(("tls_alert_certificate", "TLSV1_ALERT_UNKNOWN_CA")),
        ),
        // Encrypted with another key than the handshake's.
        visit(
            "unreadable",
            "any",
            Visitor::Answers(
                client_hello_1_3(),
                [&[23, 3, 3, 0, 40][..], &[7; 40]].concat(),
            ),
            Some(("tls_protocol_error", "DECRYPTION_FAILED_OR_BAD_RECORD_MAC")),
        ),
        // Words that no row knows stay in the event.
        says(
            "empty-hello",
            &[22, 3, 1, 0, 4, 1, 0, 0, 0],
            ("tls_protocol_error", "CLIENTHELLO"),
        ),
        visit(
            "huge-message",
            "any",
            Visitor::Answers(client_hello(), [&[22, 3, 3, 0, 40][..], &[7; 40]].concat()),
            Some(("tls_protocol_error", "EXCESSIVE_MESSAGE_SIZE")),
        ),
        visit(
            "resets",
            "any",
            Visitor::Resets,
            Some(("tls_handshake_reset", "Connection reset by peer")),
        ),
        // Health checks and port scans do that: Envoy keeps no trace of it.
        visit("only-looks", "any", Visitor::Leaves(Vec::new()), None),
        visit(
            "leaves-in-the-hello",
            "any",
            Visitor::Leaves(hello[..40].to_vec()),
            None,
        ),
    ]
}

impl Visit {
    /// Comes, and returns the own address.
    pub(super) async fn come(&self, to: SocketAddr) -> SocketAddr {
        if let Visitor::Tls(change) = &self.visitor {
            let client = change(Client::tls(to));
            // In TLS 1.3 a client learns only later that it was refused.
            let Ok(connection) = client.connect().await else {
                return to;
            };
            let answer = connection.send(Request::get("/")).await;
            assert_eq!(
                answer.is_ok(),
                self.told.is_none(),
                "{}: {answer:?}",
                self.name
            );
            return connection.local_addr();
        }
        let mut connection = Client::plaintext(to).raw().await.unwrap();
        let address = connection.local_addr();
        match &self.visitor {
            Visitor::Tls(_) => {}
            Visitor::Says(bytes) => {
                connection.write(bytes).await.unwrap();
                let _ = connection.read_to_end().await;
            }
            Visitor::Answers(hello, bytes) => {
                connection.write(hello).await.unwrap();
                connection.read_exact(5).await.unwrap();
                connection.write(bytes).await.unwrap();
                let _ = connection.read_to_end().await;
            }
            Visitor::Leaves(bytes) => connection.write(bytes).await.unwrap(),
            Visitor::Resets => {
                connection.write(&client_hello()).await.unwrap();
                connection.read_exact(5).await.unwrap();
                connection.reset();
            }
        }
        address
    }
}
