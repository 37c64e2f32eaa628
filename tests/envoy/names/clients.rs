//! The names of clients.

use hopguard_testbed::pki::{LeafBuilder, Pki};
use serde_json::{Value, json};

use crate::support::doors::{Door, visit};
use crate::support::store;

const MISMATCH: &str = "name_mismatch";

#[tokio::test]
async fn clients_are_known_by_names_of_any_kind() {
    crate::support::needs!(PeerCertificate);
    let pki = Pki::new();
    let client = |change: fn(LeafBuilder) -> LeafBuilder| change(pki.client("cn.test")).issue();
    let door =
        |name: &str, kind: &str, demanded: &str| Door::new(name).names(json!({ kind: [demanded] }));

    visit(
        &pki,
        [
            door("mailbox", "email", "ops@corp.test")
                .serves("same", &client(|c| c.email("ops@corp.test")))
                .serves("domain-case", &client(|c| c.email("ops@CORP.test")))
                .denies(
                    "local-case",
                    &client(|c| c.email("OPS@corp.test")),
                    MISMATCH,
                )
                .denies(
                    "other-domain",
                    &client(|c| c.email("ops@evil.test")),
                    MISMATCH,
                )
                .denies("as-dns", &client(|c| c.dns("ops@corp.test")), MISMATCH),
            door("mail-domain", "email", "@corp.test")
                .serves("somebody", &client(|c| c.email("a.b@corp.test")))
                .denies("subdomain", &client(|c| c.email("a@x.corp.test")), MISMATCH)
                .denies(
                    "two-ats",
                    &client(|c| c.email("a@evil.test@corp.test")),
                    MISMATCH,
                )
                .denies(
                    "quoted",
                    &client(|c| c.email("\"a@b\"@corp.test")),
                    MISMATCH,
                ),
            door("workload", "spiffe", "spiffe://prod.test/ns/*/sa/web")
                .serves("web", &client(|c| c.uri("spiffe://prod.test/ns/a/sa/web")))
                .serves(
                    "web-without-subject",
                    &client(|c| c.common_name("").uri("spiffe://prod.test/ns/a/sa/web")),
                )
                .denies(
                    "other-account",
                    &client(|c| c.uri("spiffe://prod.test/ns/a/sa/db")),
                    MISMATCH,
                )
                .denies(
                    "other-domain",
                    &client(|c| c.uri("spiffe://stage.test/ns/a/sa/web")),
                    MISMATCH,
                )
                .denies(
                    "two-ids",
                    &client(|c| {
                        c.uri("spiffe://prod.test/ns/a/sa/web")
                            .uri("spiffe://prod.test/ns/b/sa/web")
                    }),
                    MISMATCH,
                ),
            door("host", "dns", "web.test")
                .serves("last-of-ten", &client(|c| c.many_dns(9).dns("web.test")))
                .denies("none-of-ten", &client(|c| c.many_dns(10)), MISMATCH)
                .denies(
                    "common-name",
                    &client(|c| c.common_name("web.test")),
                    MISMATCH,
                ),
            door("address", "ip", "10.1.2.3")
                .serves("same", &client(|c| c.ip([10, 1, 2, 3])))
                .denies("other", &client(|c| c.ip([10, 1, 2, 4])), MISMATCH),
        ],
        None,
    )
    .await;
}

#[tokio::test]
async fn a_trust_domain_vouches_for_its_own_clients() {
    crate::support::needs!(PeerCertificate);
    const INVALID: &str = "spiffe_id_invalid";
    let pki = Pki::new();
    let client = |id: &str| pki.client("").uri(id).issue();
    let domain = |domain: &str| -> Value {
        let mut store = store("", &pki.root, &[&pki.intermediate]);
        store["spiffe_trust_domains"] = json!([domain]);
        store
    };

    visit(
        &pki,
        [
            Door::new("prod")
                .store(domain("prod.test"))
                .serves("own", &client("spiffe://prod.test/web"))
                .denies("other", &client("spiffe://stage.test/web"), INVALID)
                .denies("no-path", &client("spiffe://prod.test"), INVALID)
                .denies("no-id", &pki.client("web").issue(), INVALID),
            Door::new("both")
                .store(domain("prod.test"))
                .store(domain("stage.test"))
                .serves("prod", &client("spiffe://prod.test/web"))
                .serves("stage", &client("spiffe://stage.test/web"))
                .denies("third", &client("spiffe://dev.test/web"), INVALID),
        ],
        None,
    )
    .await;
}
