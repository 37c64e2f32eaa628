//! What hopguard makes of certificates that may be revoked. Our own CA has a
//! responder of OCSP, and the partners' CA publishes a CRL, which is fetched.

use hopguard_testbed::revocation::Known;

use super::case::{Case, revocation};
use super::server::Server;
use crate::pki::{Certificates, HOST};

pub fn cases(c: &Certificates) -> Vec<Case> {
    let leaf = || c.company.server(HOST);
    let known = |known| Server::tls(&c.known(leaf(), known));
    let with_url = |url| Server::tls(&leaf().ocsp_url(url).issue());
    let staff = |name: &str, known| {
        let leaf = c.company.client(name).email("someone@company.example");
        c.known(leaf, known)
    };
    let broken = "http://broken-ocsp.example/";

    vec![
        revocation("server's: good, says the responder")
            .cluster("vault-a", [known(Known::Good)])
            .allowed(),
        revocation("server's: revoked, says the responder")
            .cluster("vault-b", [known(Known::Revoked)])
            .denied("certificate_revoked"),
        revocation("server's: the responder does not know it")
            .cluster("vault-c", [with_url("http://ocsp.example/")])
            .denied("revocation_unknown"),
        revocation("server's: the responder is down")
            .cluster("vault-d", [with_url(broken)])
            .denied("revocation_unreachable"),
        revocation("server's: it is down, the rule allows that")
            .cluster("vault-e", [with_url(broken)])
            .allowed()
            .event("revocation_unreachable"),
        revocation("server's: must-staple, and no responder")
            .cluster("stapled", [Server::tls(&leaf().must_staple().issue())])
            .denied("revocation_no_source"),
        revocation("client's: good, says the responder")
            .at("staff")
            .certificate("staff", staff("staff", Known::Good))
            .allowed(),
        revocation("client's: revoked, says the responder")
            .at("staff")
            .certificate("former-staff", staff("former", Known::Revoked))
            .denied("certificate_revoked"),
        revocation("client's: revoked, says a fetched CRL")
            .at("partners")
            .certificate("former-partner", c.revoked_partner.clone())
            .denied("certificate_revoked"),
    ]
}
