//! A whole configuration has what the policy names: the clusters of hopguard's own
//! calls, and the role `posture`.

use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::free_port;
use hopguard_testbed::revocation::{Database, List};
use hopguard_testbed::upstream::{Reply, Upstream};

use crate::run::{DAY, folder, run_in};
use crate::site::{HOST, site};

const POLICY: &str = "\
version: 1
trust_stores: [{ name: internal, ca_certificates: { file: root.pem } }]
default_trust_stores: [internal]
collector: { cluster: otel }
posture: { cluster: admin, interval_seconds: 1 }
revocation:
  responders:
  - { host: \"ocsp.internal.example:8080\", cluster: ocsp }
  - { host: \"[2001:db8::1]\", cluster: \"ocsp|six\" }
  crl_sources:
  - { url: \"http://crl.internal.example/ca.crl\", cluster: crl }
  - { url: \"http://other.internal.example/ca.crl\", cluster: crl }
";

#[tokio::test]
async fn they_lead_where_they_are_told_to() {
    let site = site().await;
    std::fs::write(site.folder.path().join("policy.yaml"), POLICY).unwrap();
    // By an address there is no server name but that of the requests.
    let collector = Upstream::tls(&site.root.server("otel").issue())
        .start()
        .await
        .unwrap();
    let database = Database::new(&site.root).unwrap();
    let list = List::default().der(&database).unwrap();
    let lists = Upstream::plaintext()
        .handler(move |_| Reply::ok(list.clone()))
        .start()
        .await
        .unwrap();
    let port = free_port().unwrap();
    let clusters = [
        format!("otel={}", collector.addr()),
        format!("crl={}", lists.addr()),
        format!("admin=127.0.0.1:{port}"),
        "ocsp|six=[::1]:8080".to_owned(),
    ];
    let arguments: Vec<&str> = clusters
        .iter()
        .flat_map(|cluster| ["--cluster", cluster])
        .collect();
    let envoy = site.start_with(&arguments, port).await;

    at_least_one(&envoy, "result.=.read;.posture_looks").await;
    at_least_one(&envoy, "source.=.crl;.result.=.loaded;.revocation_fetches").await;
    let six = "cluster.ocsp|six.membership_total";
    envoy.wait_for_stat(six, |count| count == 1).await.unwrap();
    // A denial is an event, which goes to the collector.
    site.assert_guarded(&envoy, "https", "orders").await;
    let cause = "certificate_unknown_issuer";
    let told = |body: Vec<u8>| String::from_utf8_lossy(&body).contains(cause);
    collector
        .wait_for(|seen| told(seen.application()))
        .await
        .unwrap();
    at_least_one(&envoy, "result.=.exported;.exports").await;
}

async fn at_least_one(envoy: &Envoy, metric: &str) {
    let name = format!("wasmcustom.hopguard.{metric}");
    envoy.wait_for_stat(&name, |count| count > 0).await.unwrap();
}

#[test]
fn untold_they_lead_where_the_policy_says() {
    let root = hopguard_testbed::pki::Authority::root("Root").issue();
    let pem = root.pem();
    let folder = folder(&[
        ("policy.yaml", POLICY.as_bytes()),
        ("root.pem", pem.as_bytes()),
    ]);
    let render = |more: &[&str]| {
        let fixed = ["render", "policy.yaml", "--for", "envoy"];
        run_in(folder.path(), &[&fixed, more].concat(), b"")
    };
    let run = render(&[]);
    assert_eq!(run.code, 0, "{run:?}");
    for (name, address) in [
        ("orders", format!("{{ address: {HOST}, port_value: 443 }}")),
        (
            "\"ocsp\"",
            "{ address: \"ocsp.internal.example\", port_value: 8080 }".to_owned(),
        ),
        (
            "\"ocsp|six\"",
            "{ address: \"2001:db8::1\", port_value: 80 }".to_owned(),
        ),
        (
            "\"crl\"",
            "{ address: \"crl.internal.example\", port_value: 80 }".to_owned(),
        ),
        (
            "\"otel\"",
            "{ address: \"collector.example.com\", port_value: 4318 }".to_owned(),
        ),
        (
            "\"admin\"",
            "{ address: \"127.0.0.1\", port_value: 9901 }".to_owned(),
        ),
    ] {
        let clusters: Vec<&str> = run
            .out
            .split(&format!("\n  - name: {name}\n"))
            .skip(1)
            .collect();
        let [cluster] = clusters.as_slice() else {
            panic!("{name} is there {} times", clusters.len());
        };
        let found = cluster.split("socket_address: ").nth(1).unwrap();
        assert!(found.starts_with(&address), "{name}: {found}");
    }
    render(&["--cluster", "other=a:1"]).assert_failure("names no cluster \"other\"");
    render(&["--cluster", "crl=a:1", "--role", "log", "--at", DAY])
        .assert_failure("for a whole configuration");
    assert_eq!(render(&["--cluster", "crl=a"]).code, 2);
    assert_eq!(render(&["--cluster", "a:1"]).code, 2);
}
