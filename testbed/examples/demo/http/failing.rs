//! Handshakes and connections that fail in Envoy, before hopguard could judge them.

use std::time::Duration;

use hopguard_testbed::TlsVersion::{V1_2, V1_3};
use hopguard_testbed::upstream::{ClientAuth, Fault};

use super::case::{Case, failing_client, failing_server};
use super::cluster::Choice;
use super::server::Server;
use crate::pki::{Certificates, HOST};

/// Alerts of TLS (RFC 8446, section 6).
const HANDSHAKE_FAILURE: Fault = Fault::Alert(40);
const UNRECOGNIZED_NAME: Fault = Fault::Alert(112);

/// Clients, at a listener of their own each.
pub fn clients() -> Vec<Case> {
    vec![
        failing_client("speaks TLS 1.2, Envoy only 1.3")
            .at("modern")
            .only(V1_2)
            .failed("tls_version_mismatch"),
        failing_client("speaks plaintext, Envoy only TLS")
            .at("tls-only")
            .plaintext()
            .failed("tls_plaintext_peer"),
    ]
}

/// Servers that Envoy speaks TLS with, or tries to.
pub fn servers(c: &Certificates) -> Vec<Case> {
    let pki = &c.company;
    let good = pki.server(HOST).issue();
    let tls = || Server::tls(&good);
    let verified = |certificate| Server::tls(certificate).envoy_trusts(&pki.root);

    vec![
        failing_server("certificate of a CA unknown to Envoy")
            .cluster("foreign", [tls().envoy_trusts(&c.stranger)])
            .failed("tls_certificate_untrusted"),
        failing_server("expired certificate, Envoy looks at it")
            .cluster("late", [verified(&pki.server(HOST).expired().issue())])
            .failed("tls_certificate_expired"),
        failing_server("certificate of another name, Envoy looks")
            .cluster(
                "renamed",
                [verified(&pki.server("other.example").issue()).envoy_wants(HOST)],
            )
            .failed("tls_certificate_name"),
        failing_server("speaks TLS 1.3, Envoy only 1.2")
            .cluster("modern", [tls().speaks_only(V1_3).envoy_speaks(V1_2, V1_2)])
            .failed("tls_version_mismatch"),
        failing_server("speaks plaintext, Envoy TLS")
            .cluster("forgotten", [Server::plaintext().expecting_tls()])
            .failed("tls_plaintext_peer"),
        failing_server("answers with handshake_failure")
            .cluster("picky", [tls().breaks_off(HANDSHAKE_FAILURE)])
            .failed("tls_parameters_mismatch"),
        failing_server("answers with unrecognized_name")
            .cluster("elsewhere", [tls().breaks_off(UNRECOGNIZED_NAME)])
            .failed("tls_alert_unrecognized_name"),
        failing_server("demands our certificate, TLS 1.2")
            .cluster("vault", [tls().demands(ClientAuth::Required)])
            .failed("tls_client_certificate_missing"),
        failing_server("demands our certificate, TLS 1.3")
            .cluster(
                "new-vault",
                [tls().demands(ClientAuth::Required).envoy_speaks(V1_3, V1_3)],
            )
            .failed("tls_closed_after_handshake"),
        failing_server("closes during the TLS handshake")
            .cluster("flaky", [tls().breaks_off(Fault::Close)])
            .failed("connection_unestablished"),
        failing_server("resets during the TLS handshake")
            .cluster("crashing", [tls().breaks_off(Fault::Reset)])
            .failed("tls_handshake_reset"),
        failing_server("hangs during the TLS handshake")
            .cluster(
                "stuck",
                [tls()
                    .breaks_off(Fault::Hang)
                    .envoy_waits(Duration::from_millis(200))],
            )
            .failed("connection_timeout"),
        failing_server("refuses TCP")
            .cluster("stopped", [Server::nobody()])
            .failed("connection_refused"),
        failing_server("resets, and the retry finds another one")
            .cluster("replicas", [tls().breaks_off(Fault::Reset), tls()])
            .sends_to(Choice::FirstThenNext)
            .allowed()
            .event("tls_handshake_reset"),
    ]
}
