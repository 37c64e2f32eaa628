//! What the demo shows of TCP. `policy.json` has the rules; what no rule of it
//! matches meets the strict default.

use hopguard_testbed::TlsVersion::{V1_1, V1_3};
use hopguard_testbed::config::UpstreamTls;
use hopguard_testbed::upstream::{Upstream, UpstreamBuilder};

use super::case::{Case, Door, case};
use super::redises::Which;
use super::server::Server;
use crate::about::Section;
use crate::pki::{CACHE, Certificates, DATABASE, HOST};

/// All cases, in the order of the table.
pub fn cases(c: &Certificates) -> Vec<Case> {
    [servers(c), clients(c), passthrough(), greetings(c)]
        .into_iter()
        .flatten()
        .collect()
}

/// To a good Redis with TLS, or to one in plaintext.
fn redis(name: &'static str, words: &'static str, control: &'static str, which: Which) -> Case {
    let tls = (which != Which::Plaintext).then(|| UpstreamTls::new().sni(CACHE));
    case(
        Section::Redis,
        name,
        words,
        control,
        Server::Redis(which),
        tls,
    )
}

fn servers(c: &Certificates) -> Vec<Case> {
    let mut distrusted = redis(
        "cache-foreign",
        "its certificate is one that Envoy refuses",
        "V9.2.5",
        Which::Good,
    );
    distrusted.tls = distrusted.tls.map(|tls| tls.trusted_ca(&c.stranger));
    let mut stopped = redis("cache-stopped", "it does not run", "V9.2.5", Which::Good);
    stopped.server = Server::Nobody;

    vec![
        redis(
            "cache-a",
            "it speaks TLS, certificate of our CA",
            "V9.2.1",
            Which::Good,
        )
        .allowed(),
        redis("cache-b", "it speaks plaintext", "V9.2.2", Which::Plaintext).denied("plaintext"),
        redis(
            "cache-newcomer",
            "it speaks plaintext, rule only reports",
            "V9.2.2",
            Which::Plaintext,
        )
        .reported("plaintext"),
        redis(
            "cache-old",
            "it speaks plaintext, waived for a year",
            "V9.2.2",
            Which::Plaintext,
        )
        .waived(),
        redis(
            "cache-c",
            "it has a certificate of another name",
            "V9.2.1",
            Which::Misnamed,
        )
        .denied("name_mismatch"),
        redis(
            "cache-vault-a",
            "its certificate is not revoked",
            "V9.2.4",
            Which::Good,
        )
        .allowed(),
        redis(
            "cache-vault-b",
            "its certificate is revoked",
            "V9.2.4",
            Which::Revoked,
        )
        .denied("certificate_revoked"),
        distrusted.failed("tls_certificate_untrusted"),
        stopped.failed("connection_refused"),
    ]
}

fn clients(c: &Certificates) -> Vec<Case> {
    let app = |name: &'static str, words, control| {
        redis(name, words, control, Which::Good).at(Door::TlsWithCertificate)
    };
    let certificate = |authority: &hopguard_testbed::pki::Authority| {
        authority
            .client("orders")
            .dns("orders.apps.example")
            .issue()
    };

    vec![
        app("apps-a", "client is an app with a certificate", "V9.2.3")
            .certificate("app", certificate(&c.company.intermediate))
            .allowed(),
        app("apps-b", "client has no certificate", "V9.2.3").denied("client_certificate_missing"),
        app(
            "apps-c",
            "client has an app's name from another CA",
            "V9.2.1",
        )
        .certificate("forged-app", certificate(&c.stranger))
        .denied("certificate_unknown_issuer"),
        redis("open", "client speaks plaintext", "V9.2.2", Which::Good)
            .at(Door::Tcp)
            .plaintext()
            .denied("plaintext"),
        redis(
            "closed",
            "client speaks plaintext, Envoy only TLS",
            "V9.2.5",
            Which::Good,
        )
        .plaintext()
        .failed("tls_plaintext_peer"),
    ]
}

/// To a Redis with TLS that Envoy does not open.
fn passthrough() -> Vec<Case> {
    let through = |name, words, control| {
        let redis = Server::Redis(Which::Good);
        case(Section::Passthrough, name, words, control, redis, None).at(Door::Tcp)
    };

    vec![
        through("databases-a", "client asks for main.db.example", "V9.2.2")
            .asks_for(DATABASE)
            .allowed(),
        through("databases-b", "client asks for other.example", "V9.2.2")
            .asks_for("other.example")
            .denied("server_name_mismatch"),
        // As OpenSSL 3.0 does, unless it is told not to.
        through("databases-c", "client offers TLS 1.1, too", "V9.2.2")
            .offers(DATABASE, V1_1, V1_3)
            .allowed(),
        through("databases-e", "client offers TLS 1.1 at best", "V9.2.2")
            .offers(DATABASE, V1_1, V1_1)
            .denied("tls_version_too_old"),
        through("databases-d", "client speaks plaintext", "V9.2.2")
            .plaintext()
            .denied("plaintext"),
        through("ledger", "no rule allows it", "V9.2.1")
            .asks_for(DATABASE)
            .denied("passthrough_not_allowed"),
    ]
}

/// To a server that speaks before its client does.
fn greetings(c: &Certificates) -> Vec<Case> {
    let mail = |name, words, control, upstream: UpstreamBuilder, tls: Option<UpstreamTls>| {
        case(
            Section::Greeting,
            name,
            words,
            control,
            Server::Greeting(Box::new(upstream)),
            tls,
        )
        .connects_late()
    };
    let tls = || Some(UpstreamTls::new().sni(HOST));
    let good = Upstream::tls(&c.company.server(HOST).issue());
    let foreign = Upstream::tls(&c.stranger.server(HOST).issue());

    vec![
        mail(
            "mail-a",
            "over TLS, certificate of our CA",
            "V9.2.1",
            good,
            tls(),
        )
        .allowed(),
        mail(
            "mail-b",
            "over TLS, certificate of another CA",
            "V9.2.1",
            foreign,
            tls(),
        )
        .denied("certificate_unknown_issuer"),
        mail(
            "mail-c",
            "in plaintext",
            "V9.2.2",
            Upstream::plaintext(),
            None,
        )
        .denied("plaintext"),
    ]
}
