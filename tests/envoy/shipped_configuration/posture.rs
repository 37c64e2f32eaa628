//! `envoy/posture.yaml`: the admin interface behind a door that lets two requests
//! in, and the role that makes them.

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::envoy::{Envoy, pinned_versions};
use hopguard_testbed::free_port;
use hopguard_testbed::pki::{Authority, Issued};
use hopguard_testbed::wasm;
use serde_json::Value;

use super::{Replacement, prometheus, replaced};
use crate::posture::answer_as_admin;
use crate::support::staple::{between, fresh};
use crate::support::{exactly_events, wait_for_event};

pub const POSTURE: &str = include_str!("../../../envoy/posture.yaml");
/// As `src/posture` asks.
const STATS: &str = "/stats?filter=listener.*ssl.ocsp_staple_&format=json&usedonly";

/// It with this certificate and staple, its door at this port, and this way to the
/// admin interface.
fn configuration(own: &Issued, staple: &[u8], door: u16, way: String) -> String {
    let text = |text: &str| Value::from(text).to_string();
    let inline = |pem: &str| format!("{{ inline_string: {} }}", text(pem));
    let address = |port| format!("{{ address: 127.0.0.1, port_value: {port} }}");
    let module = wasm::plugin_path().unwrap();
    let module = text(&module.to_string_lossy());
    let staple = data_encoding::BASE64.encode(staple);
    let staple = format!("{{ inline_bytes: \"{staple}\" }}");
    let (chain, key) = (inline(&own.chain_pem()), inline(own.key_pem()));
    let replacements: [Replacement; 7] = [
        ("/etc/hopguard/hopguard.wasm", module, 1),
        ("{ filename: /etc/envoy/tls/envoy.pem }", chain, 1),
        ("{ filename: /etc/envoy/tls/envoy.key }", key, 1),
        ("{ filename: /etc/envoy/tls/envoy.ocsp }", staple, 1),
        ("{ address: 0.0.0.0, port_value: 8443 }", address(0), 1),
        ("{ address: 127.0.0.1, port_value: 9902 }", address(door), 2),
        ("pipe: { path: /run/envoy/admin.sock }", way, 1),
    ];
    replaced(POSTURE, replacements)
}

/// The way to an admin interface at a port, as the testbed's Envoys have it.
fn at(port: u16) -> String {
    format!("socket_address: {{ address: 127.0.0.1, port_value: {port} }}")
}

/// Starts it with this staple.
async fn start(own: &Issued, staple: &[u8], version: &str) -> Envoy {
    let [admin, door] = [(); 2].map(|()| free_port().unwrap());
    Envoy::builder()
        .config_yaml(configuration(own, staple, door, at(admin)))
        .admin_port(admin)
        .version(version)
        .start()
        .await
        .unwrap()
}

#[tokio::test]
async fn the_door_lets_two_requests_in_and_the_role_sees_what_it_must() {
    let root = Authority::root("Internal Root CA").issue();
    let own = root.server("envoy.example.com").issue();
    for version in pinned_versions() {
        let staple = between(&root, &own, -9, -1);
        let envoy = start(&own, &staple, version).await;
        let event = wait_for_event(&envoy, "staple_expired").await;
        assert_eq!(event["event.name"], "hopguard.posture");
        assert_eq!(event["hopguard.certificate.names"][0], "envoy.example.com");
        exactly_events(&envoy, 1).await;

        let door = Client::plaintext(envoy.listener("posture").await.unwrap());
        let certs = door.get("/certs").await.unwrap();
        assert_eq!(certs.status, 200);
        assert!(certs.text().contains("envoy.example.com"));
        let stats = door.get(STATS).await.unwrap();
        assert_eq!(stats.status, 200);
        assert_eq!(stats.text(), r#"{"stats":[]}"#);
        for (method, path) in [
            ("POST", "/certs"),
            ("POST", STATS),
            ("HEAD", "/certs"),
            ("GET", "/certs?x"),
            ("GET", "/certs/"),
            ("GET", "//certs"),
            ("GET", "/certs/../config_dump"),
            ("GET", "/certs%3f"),
            ("GET", "/stats"),
            ("GET", "/stats?filter=.*"),
            ("GET", &format!("{STATS}&filter=.*")),
            ("GET", "/stats/prometheus"),
            ("GET", "/config_dump"),
            ("GET", "/"),
            ("GET", "/quitquitquit"),
            ("POST", "/quitquitquit"),
            ("POST", "/logging?level=off"),
        ] {
            let answer = door.send(Request::new(method, path)).await.unwrap();
            assert_eq!(answer.status, 403, "{version}: {method} {path}");
        }
        assert!(envoy.is_running());
    }
}

#[tokio::test]
async fn nothing_is_told_of_a_good_staple_and_prometheus_sees_the_labels() {
    let root = Authority::root("Internal Root CA").issue();
    let own = root.server("envoy.example.com").issue();
    let newest = pinned_versions()[0];
    let envoy = start(&own, &fresh(&root, &own), newest).await;
    let read = "wasmcustom.hopguard.result.=.read;.posture_looks";
    envoy.wait_for_stat(read, |n| n >= 2).await.unwrap();
    exactly_events(&envoy, 0).await;
    let none = [("cause", "staple_expired"), ("use", "presented")];
    let gauges = prometheus(&envoy, "hopguard_posture_conditions", &none).await;
    assert_eq!(gauges.len(), 1);
    assert!(gauges[0].ends_with("} 0"), "{gauges:?}");
    let certificates = prometheus(
        &envoy,
        "hopguard_posture_certificates",
        &[("use", "presented")],
    );
    let certificates = certificates.await;
    assert_eq!(
        certificates,
        [r#"hopguard_posture_certificates{use="presented"} 1"#]
    );
}

/// The admin interface as it is shipped, on a Unix socket; the testbed's own Envoy
/// has it at a port, so here somebody else answers.
#[tokio::test]
async fn the_role_reaches_an_admin_interface_on_a_unix_socket() {
    let root = Authority::root("Internal Root CA").issue();
    let own = root.server("envoy.example.com").issue();
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("admin.sock");
    let socket = tokio::net::UnixListener::bind(&path).unwrap();
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = socket.accept().await.unwrap();
            tokio::spawn(answer_as_admin(stream));
        }
    });
    let way = format!("pipe: {{ path: {} }}", Value::from(path.to_string_lossy()));
    let staple = fresh(&root, &own);
    let yaml = configuration(&own, &staple, free_port().unwrap(), way);
    let envoy = Envoy::builder().config_yaml(yaml).start().await.unwrap();
    let read = "wasmcustom.hopguard.result.=.read;.posture_looks";
    envoy.wait_for_stat(read, |n| n >= 2).await.unwrap();
    exactly_events(&envoy, 0).await;
    server.abort();
}

/// The lines of `allow_paths` that are comments do what they say, where Envoy
/// knows the field.
#[tokio::test]
async fn envoy_itself_can_be_told_what_to_answer() {
    let root = Authority::root("Internal Root CA").issue();
    let own = root.server("envoy.example.com").issue();
    let staple = fresh(&root, &own);
    let mut lines = "admin:\n".to_owned();
    let comments = POSTURE.lines().filter_map(|line| line.strip_prefix("# "));
    let from_there = comments.skip_while(|line| *line != "  allow_paths:");
    for line in from_there.take_while(|line| line.starts_with("  ")) {
        lines += &format!("{line}\n");
    }
    assert_eq!(lines.lines().count(), 5, "{lines}");
    // What the testbed needs.
    for path in ["/ready", "/listeners?format=json", "/stats?format=json"] {
        lines += &format!("  - exact: {path}\n");
    }
    for version in pinned_versions() {
        let [admin, door] = [(); 2].map(|()| free_port().unwrap());
        let yaml = configuration(&own, &staple, door, at(admin));
        assert_eq!(yaml.matches("\nadmin:\n").count(), 1);
        let envoy = Envoy::builder()
            .config_yaml(yaml.replace("\nadmin:\n", &format!("\n{lines}")))
            .admin_port(admin)
            .version(version)
            .start()
            .await;
        if version == "1.36.4" {
            let reason = envoy.unwrap_err().to_string();
            assert!(reason.contains("allow_paths"), "{reason}");
            continue;
        }
        let envoy = envoy.unwrap();
        let read = "wasmcustom.hopguard.result.=.read;.posture_looks";
        envoy.wait_for_stat(read, |n| n >= 2).await.unwrap();
        envoy.admin_get(STATS).await.unwrap();
        for path in ["/config_dump", "/certs?x", "/stats", "/server_info"] {
            let refused = envoy.admin_get(path).await.unwrap_err().to_string();
            assert!(refused.contains("403"), "{version}: {path}: {refused}");
        }
        envoy.admin_post("/quitquitquit").await.unwrap_err();
        assert!(envoy.is_running());
    }
}
