//! What hopguard judges: each case beside its nearest opposite. `policy.json` has
//! the rules; what no rule of it matches meets the strict default.

use hopguard_testbed::TlsVersion::{V1_0, V1_1};
use hopguard_testbed::upstream::ClientAuth;

use super::case::{Case, client, server};
use super::cluster::Choice;
use super::server::Server;
use crate::pki::{Certificates, HOST};

/// What the client says and presents, to a server that nothing is wrong with.
pub fn clients(c: &Certificates) -> Vec<Case> {
    let partner = |name: &str| c.partner.client(name).email("bot@partner.example");
    let workload = |id: &str| c.mesh.client("").common_name("").uri(id).issue();

    vec![
        client("speaks TLS 1.3", "V9.2.2")
            .at("public")
            .tls()
            .allowed(),
        client("speaks plaintext", "V9.2.2")
            .at("plain")
            .denied("plaintext"),
        client("speaks TLS 1.1", "V9.2.2")
            .at("legacy")
            .only(V1_1)
            .denied("tls_version_too_old"),
        client("speaks plaintext, rule only reports", "V9.2.2")
            .at("plain-reported")
            .reported("plaintext"),
        client("speaks plaintext, waived for a year", "V9.2.2")
            .at("plain-waived")
            .waived(),
        client("speaks plaintext, waiver ends in 10 days", "V9.2.2")
            .at("plain-waiver-ends-soon")
            .waived()
            .event("waiver_near_end"),
        client("speaks plaintext, waiver has ended", "V9.2.2")
            .at("plain-waiver-expired")
            .denied("plaintext"),
        client("is a partner with a certificate", "V9.2.3")
            .at("partners")
            .certificate("partner", partner("partner").issue())
            .allowed(),
        client("is a partner without a certificate", "V9.2.3")
            .at("partners")
            .tls()
            .denied("client_certificate_missing"),
        client("is a partner with an expired certificate", "V9.2.1")
            .at("partners")
            .certificate("expired", partner("late").expired().issue())
            .denied("certificate_expired"),
        client("has a partner's name from another CA", "V9.2.1")
            .at("partners")
            .certificate("forged", partner("forged").issuer(&c.stranger).issue())
            .denied("certificate_unknown_issuer"),
        client("is spiffe://prod.example/ns/web/shop", "V9.2.1")
            .at("workloads")
            .certificate("shop", workload("spiffe://prod.example/ns/web/shop"))
            .allowed(),
        client("is spiffe://test.example/ns/web/shop", "V9.2.1")
            .at("workloads")
            .certificate("test", workload("spiffe://test.example/ns/web/shop"))
            .denied("spiffe_id_invalid"),
    ]
}

/// What the server says and presents, for a client that nothing is wrong with.
pub fn servers(c: &Certificates) -> Vec<Case> {
    let pki = &c.company;
    let good = pki.server(HOST).issue();
    let expired = pki.server(HOST).expired().issue();
    let envoy = pki.client("envoy.example").issue();
    let plaintext = Server::plaintext;
    let tls = Server::tls;
    let service = |id: &str| {
        c.mesh
            .server("pay")
            .common_name("")
            .no_sans()
            .uri(id)
            .issue()
    };

    vec![
        server("speaks TLS, certificate of our CA", "V9.2.1")
            .cluster("orders", [tls(&good)])
            .allowed(),
        server("speaks plaintext", "V9.2.2")
            .cluster("stock", [plaintext()])
            .denied("plaintext"),
        server("speaks TLS in a cluster with plaintext", "V9.2.2")
            .cluster("mixed-a", [tls(&good), plaintext()])
            .sends_to(Choice::Number(0))
            .allowed(),
        server("speaks plaintext in a cluster of TLS", "V9.2.2")
            .cluster("mixed-b", [tls(&good), plaintext()])
            .sends_to(Choice::Number(1))
            .denied("plaintext"),
        server("speaks plaintext, waived for a year", "V9.2.2")
            .cluster("old-database", [plaintext()])
            .waived(),
        server("speaks TLS 1.1", "V9.2.2")
            .cluster("mainframe", [Server::openssl(&good, V1_0, V1_1)])
            .denied("tls_version_too_old"),
        server("has a certificate of another name", "V9.2.1")
            .cluster("search", [tls(&pki.server("other.example").issue())])
            .denied("name_mismatch"),
        server("has a certificate of another CA", "V9.2.1")
            .cluster("mail", [tls(&c.stranger.server(HOST).issue())])
            .denied("certificate_unknown_issuer"),
        server("has an expired certificate", "V9.2.1")
            .cluster("images", [tls(&expired)])
            .denied("certificate_expired"),
        server("has an expired one, rule only reports", "V9.2.1")
            .cluster("newcomer", [tls(&expired)])
            .reported("certificate_expired"),
        server("has a certificate that ends in 7 days", "V9.2.1")
            .cluster("video", [tls(&pki.server(HOST).ends_in_days(7).issue())])
            .allowed()
            .event("certificate_near_expiry"),
        server("has a self-signed one that is pinned", "V9.2.1")
            .cluster("printer-1", [tls(&c.printer)])
            .allowed(),
        server("has a self-signed one that is not", "V9.2.1")
            .cluster(
                "printer-2",
                [tls(&c.company.server("printer").self_signed().issue())],
            )
            .denied("certificate_not_pinned"),
        server("is spiffe://prod.example/ns/pay/api", "V9.2.1")
            .cluster(
                "mesh-pay",
                [tls(&service("spiffe://prod.example/ns/pay/api"))],
            )
            .allowed(),
        server("is spiffe://prod.example/ns/web/api", "V9.2.1")
            .cluster(
                "mesh-web",
                [tls(&service("spiffe://prod.example/ns/web/api"))],
            )
            .denied("name_mismatch"),
        server("gets our certificate, the rule wants one", "V9.2.3")
            .cluster(
                "bank-a",
                [tls(&good).demands(ClientAuth::Required).presenting(&envoy)],
            )
            .allowed(),
        server("gets no certificate, the rule wants one", "V9.2.3")
            .cluster("bank-b", [tls(&good)])
            .denied("credential_missing"),
        server("gets an API key, the rule wants one", "V9.2.3")
            .cluster("keyed-a", [tls(&good)])
            .header("x-api-key", "hunter2")
            .allowed(),
        server("gets no API key, the rule wants one", "V9.2.3")
            .cluster("keyed-b", [tls(&good)])
            .denied("credential_missing"),
    ]
}
