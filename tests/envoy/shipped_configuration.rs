//! `envoy/envoy.yaml` does what it says: run as it is shipped, with nothing but
//! paths, addresses and certificates replaced.

mod posture;
mod tcp;

use std::collections::BTreeSet;

use hopguard::telemetry::metrics;
use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::stats_tags;
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::{Authority, Issued, Pki};
use hopguard_testbed::upstream::{ClientAuth, Fault, Upstream};
use hopguard_testbed::wasm;
use serde_json::{Value, json};

use crate::support::{exactly_events, gist};

const ENVOY: &str = include_str!("../../envoy/envoy.yaml");
const MESH: &str = include_str!("../../envoy/istio/mesh-config.yaml");
const POLICY: &str = include_str!("../../envoy/policy.json");

const HOST: &str = "orders.example.com";
/// As the policy has it: one line of JSON.
const CERTIFICATE: &str = r"-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n";

/// What stands in a shipped configuration, what takes its place, and how often.
type Replacement = (&'static str, String, usize);

/// A shipped configuration with these replacements. What is replaced must be
/// there.
fn replaced(shipped: &str, replacements: impl IntoIterator<Item = Replacement>) -> String {
    let mut yaml = shipped.to_owned();
    for (shipped, ours, times) in replacements {
        assert_eq!(yaml.matches(shipped).count(), times, "{shipped}");
        yaml = yaml.replace(shipped, &ours);
    }
    yaml
}

/// The module and the certificates; Envoy's own stands there so many times.
fn in_place_of(root: &Authority, own: &Issued, own_times: usize) -> Vec<Replacement> {
    let text = |text: &str| Value::from(text).to_string();
    let inline = |pem: &str| format!("{{ inline_string: {} }}", text(pem));
    let module = wasm::plugin_path().unwrap();
    vec![
        (
            "/etc/hopguard/hopguard.wasm",
            text(&module.to_string_lossy()),
            1,
        ),
        (
            "{ filename: /etc/envoy/tls/envoy.pem }",
            inline(&own.chain_pem()),
            own_times,
        ),
        (
            "{ filename: /etc/envoy/tls/envoy.key }",
            inline(own.key_pem()),
            own_times,
        ),
        (CERTIFICATE, text(&root.pem()).trim_matches('"').into(), 1),
    ]
}

/// The shipped configuration for this upstream.
fn configuration(root: &Authority, own: &Issued, upstream: &Upstream) -> String {
    let port = upstream.addr().port();
    let mut replacements = in_place_of(root, own, 2);
    replacements.extend([
        (
            "{ address: 0.0.0.0, port_value: 8443 }",
            "{ address: 127.0.0.1, port_value: 0 }".into(),
            1,
        ),
        (
            "{ address: orders.example.com, port_value: 443 }",
            format!("{{ address: 127.0.0.1, port_value: {port} }}"),
            1,
        ),
    ]);
    replaced(ENVOY, replacements)
}

/// What Envoy would show Prometheus of hopguard's metric with these labels.
async fn prometheus(envoy: &Envoy, metric: &str, labels: &[(&str, &str)]) -> Vec<String> {
    let all = envoy.admin_get("/stats/prometheus").await.unwrap();
    let start = format!("{metric}{{");
    all.lines()
        .filter(|line| line.starts_with(&start))
        .filter(|line| {
            labels
                .iter()
                .all(|(label, value)| line.contains(&format!("{label}=\"{value}\"")))
        })
        .map(str::to_owned)
        .collect()
}

/// The access log's line of a path.
async fn access(envoy: &Envoy, path: &str) -> Value {
    let parse = |line: &str| serde_json::from_str::<Value>(line).ok();
    let line = envoy
        .wait_for_log(|line| parse(line).is_some_and(|entry| entry["path"] == path))
        .await
        .unwrap();
    parse(&line).unwrap()
}

#[tokio::test]
async fn the_shipped_configuration_guards_both_hops() {
    crate::support::needs!(ShippedConfiguration);
    let root = Authority::root("Internal Root CA").issue();
    let own = root.server("envoy.example.com").issue();
    let upstream = Upstream::tls(&root.server(HOST).issue())
        .client_auth(ClientAuth::Optional)
        .start()
        .await
        .unwrap();
    let envoy = Envoy::builder()
        .config_yaml(configuration(&root, &own, &upstream))
        .start()
        .await
        .unwrap();
    let listener = envoy.listener("https").await.unwrap();
    let client = Client::tls(listener).sni("envoy.example.com");
    let partner = root.client("partner").dns("bot.partner.example").issue();

    // Both hops are good.
    let allowed = Request::get("/allowed").host(HOST);
    assert_eq!(client.send(allowed).await.unwrap().status, 200);
    let seen = upstream.seen();
    assert_eq!(
        seen.client_certificates()[0].sha256_hex,
        own.sha256_hex(),
        "Envoy presents its certificate"
    );

    // A client of the partners' rule, with and without a certificate.
    let v2 = |path: &str| Request::get(path).host("api.example.com");
    let partners = client.clone().certificate(&partner);
    assert_eq!(partners.send(v2("/v2/good")).await.unwrap().status, 200);
    for path in ["/v2/none", "/%76%32/none", "//v2/none"] {
        let denied = client.send(v2(path)).await.unwrap();
        assert_eq!(denied.status, 403, "{path}");
    }
    assert_eq!(upstream.requests().len(), 2);

    // The server comes back with a certificate of another name.
    upstream.clear();
    upstream
        .rotate(&root.server("other.example.com").issue())
        .unwrap();
    upstream.hang_up();
    let up = "cluster.orders.upstream_cx_active";
    envoy.wait_for_stat(up, |active| active == 0).await.unwrap();
    let denied = Request::post("/denied", "secret").host(HOST);
    assert_eq!(client.send(denied).await.unwrap().status, 503);
    assert_eq!(upstream.received(), b"");

    // It refuses TLS, and a client does not speak it.
    upstream.set_fault(Some(Fault::Alert(80)));
    upstream.hang_up();
    envoy.wait_for_stat(up, |active| active == 0).await.unwrap();
    let failed = Request::get("/failed").host(HOST);
    assert_eq!(client.send(failed).await.unwrap().status, 503);
    let mut plain = Client::plaintext(listener).raw().await.unwrap();
    plain.write(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    plain.read_to_end().await.unwrap();

    let events = exactly_events(&envoy, 6).await;
    let missing = [
        "hopguard.denied",
        "client_certificate_missing",
        "V9.2.3",
        "partners",
    ];
    let mismatch = ["hopguard.denied", "name_mismatch", "V9.2.1", "default"];
    assert_eq!(
        events.iter().map(gist).collect::<Vec<_>>(),
        [
            missing,
            missing,
            missing,
            mismatch,
            [
                "hopguard.tls_failure",
                "tls_alert_internal_error",
                "V9.2.5",
                "default"
            ],
            [
                "hopguard.tls_failure",
                "tls_plaintext_peer",
                "V9.2.5",
                "default"
            ],
        ]
    );

    let entry = access(&envoy, "/allowed").await;
    assert_eq!(entry["hopguard_verdict"], "permit");
    assert_eq!(entry["hopguard_cause"], Value::Null);
    let entry = access(&envoy, "/denied").await;
    assert_eq!(entry["details"], "hopguard_denied");
    assert_eq!(entry["hopguard_verdict"], "deny");
    assert_eq!(entry["hopguard_cause"], "name_mismatch");
    assert_eq!(entry["hopguard_control"], "V9.2.1");
    assert_eq!(entry["hopguard_rule"], "default");

    // Prometheus sees names and labels apart.
    for (labels, count) in [
        (["downstream", "permit", "none", "none", "default"], 3),
        (["downstream", "permit", "none", "none", "partners"], 1),
        (
            [
                "downstream",
                "deny",
                "V9.2.3",
                "client_certificate_missing",
                "partners",
            ],
            3,
        ),
        (["upstream", "permit", "none", "none", "default"], 2),
        (
            ["upstream", "deny", "V9.2.1", "name_mismatch", "default"],
            1,
        ),
    ] {
        let names = ["direction", "verdict", "control", "cause", "rule"];
        let labels: Vec<_> = names.into_iter().zip(labels).collect();
        // Permits are counted in batches.
        let name: String = labels
            .iter()
            .map(|(label, value)| format!(".{label}.=.{value};"))
            .collect();
        let name = format!("wasmcustom.hopguard{name}.decisions");
        envoy.wait_for_stat(&name, |n| n == count).await.unwrap();
        let lines = prometheus(&envoy, "hopguard_decisions", &labels).await;
        assert_eq!(lines.len(), 1, "{labels:?}: {lines:?}");
        assert!(lines[0].ends_with(&format!("}} {count}")), "{lines:?}");
    }
    let logged = prometheus(&envoy, "hopguard_events", &[("result", "logged")]).await;
    assert_eq!(logged, [r#"hopguard_events{result="logged"} 6"#]);
    let all = envoy.admin_get("/stats/prometheus").await.unwrap();
    let untagged: Vec<_> = all
        .lines()
        .filter(|line| line.starts_with("hopguard_") && line.contains("__"))
        .collect();
    assert_eq!(untagged, [""; 0], "a label is left in a name");
}

/// A label without its tag stays in the metric's name, and no query finds it.
#[test]
fn every_label_of_every_metric_has_its_tag() {
    let labels: BTreeSet<_> = metrics::ALL.iter().flat_map(|m| m.labels).collect();
    for (name, yaml) in [
        ("envoy.yaml", ENVOY),
        ("tcp.yaml", tcp::TCP),
        ("posture.yaml", posture::POSTURE),
    ] {
        let read = stats_tags(yaml);
        let tags = read["stats_config"]["stats_tags"].as_array().unwrap();
        let expected = labels.iter().map(|label| {
            let regex = format!(r"^wasmcustom\.hopguard.*?(\.{label}\.=\.([^;]*);)");
            json!({ "tag_name": label, "regex": regex })
        });
        let mut tags = tags.clone();
        tags.sort_by_key(|tag| tag["tag_name"].to_string());
        assert_eq!(tags, expected.collect::<Vec<_>>(), "{name}");
    }
    let (_, istio) = MESH.split_once("extraStatTags: [").unwrap();
    let (istio, _) = istio.split_once(']').unwrap();
    assert_eq!(
        istio.split(", ").collect::<BTreeSet<_>>(),
        labels.into_iter().copied().collect()
    );
}

#[test]
fn the_policy_is_in_the_configuration_as_it_is() {
    let (_, after) = ENVOY.split_once("value: |\n").unwrap();
    let (indent, _) = after.split_once('{').unwrap();
    let block: String = after
        .lines()
        .map_while(|line| line.strip_prefix(indent))
        .flat_map(|line| [line, "\n"])
        .collect();
    assert_eq!(block, POLICY);
}

#[tokio::test]
async fn a_placeholder_that_is_left_is_refused_by_name() {
    let pki = Pki::new();
    let own = pki.server("envoy.example.com").issue();
    let upstream = Upstream::plaintext().start().await.unwrap();
    let pem = Value::from(pki.root.pem()).to_string();
    let yaml =
        configuration(&pki.root, &own, &upstream).replace(pem.trim_matches('"'), CERTIFICATE);

    let refused = Envoy::builder().config_yaml(yaml).validate().await;

    let reason = refused.unwrap_err().to_string();
    assert!(
        reason.contains("trust_stores[0].ca_certificates"),
        "{reason}"
    );
}
