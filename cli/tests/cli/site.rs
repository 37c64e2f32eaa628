//! A server, and an Envoy in front of it that guards the way there.

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::{Authority, Issued};
use hopguard_testbed::upstream::Upstream;
use hopguard_testbed::wasm;
use serde_json::Value;
use tempfile::TempDir;

use crate::run::{Run, folder, run_in};

pub const HOST: &str = "orders.example.com";

/// A server that the rendered policy trusts, and Envoy's own certificate.
pub struct Site {
    pub folder: TempDir,
    pub root: Authority,
    pub own: Issued,
    pub upstream: Upstream,
}

pub async fn site() -> Site {
    let root = Authority::root("Internal Root CA").issue();
    let policy = "version: 1\n\
        trust_stores: [{ name: internal, ca_certificates: { file: root.pem } }]\n\
        default_trust_stores: [internal]\n";
    let folder = folder(&[
        ("policy.yaml", policy.as_bytes()),
        ("root.pem", root.pem().as_bytes()),
    ]);
    let upstream = Upstream::tls(&root.server(HOST).issue())
        .start()
        .await
        .unwrap();
    Site {
        folder,
        own: root.server("envoy.example.com").issue(),
        root,
        upstream,
    }
}

impl Site {
    pub fn render(&self, arguments: &[&str]) -> Run {
        let module = wasm::plugin_path().unwrap();
        let module = module.to_str().unwrap();
        let fixed = ["render", "policy.yaml", "--for", "envoy", "--wasm", module];
        let run = run_in(self.folder.path(), &[&fixed, arguments].concat(), b"");
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{run:?}");
        run
    }

    /// An Envoy with the whole configuration, as it is rendered.
    pub async fn start(&self) -> Envoy {
        self.start_with(&[], 0).await
    }

    /// The same of these arguments, and with this port of the admin interface.
    pub async fn start_with(&self, arguments: &[&str], admin_port: u16) -> Envoy {
        let mut yaml = self.render(arguments).out;
        let text = |text: &str| format!("{{ inline_string: {} }}", Value::from(text));
        let port = self.upstream.addr().port();
        for (placeholder, ours) in [
            (
                "{ filename: /etc/envoy/tls/envoy.pem }",
                text(&self.own.chain_pem()),
            ),
            (
                "{ filename: /etc/envoy/tls/envoy.key }",
                text(self.own.key_pem()),
            ),
            (
                "{ address: 0.0.0.0, port_value: 8443 }",
                "{ address: 127.0.0.1, port_value: 0 }".into(),
            ),
            (
                "{ address: orders.example.com, port_value: 443 }",
                format!("{{ address: 127.0.0.1, port_value: {port} }}"),
            ),
        ] {
            assert!(yaml.contains(placeholder), "{placeholder}");
            yaml = yaml.replace(placeholder, &ours);
        }
        assert!(
            !yaml.contains("/etc/") && !yaml.contains("policy.json"),
            "{yaml}"
        );
        Envoy::builder()
            .config_yaml(yaml)
            .admin_port(admin_port)
            .start()
            .await
            .unwrap()
    }

    /// Trusted, the server gets its request; untrusted, not a byte.
    pub async fn assert_guarded(&self, envoy: &Envoy, listener: &str, cluster: &str) {
        let client = Client::tls(envoy.listener(listener).await.unwrap()).sni("envoy.example.com");
        let get = |path| Request::get(path).host(HOST);
        assert_eq!(client.send(get("/trusted")).await.unwrap().status, 200);
        self.upstream.clear();
        let other = Authority::root("Another CA").issue();
        self.upstream.rotate(&other.server(HOST).issue()).unwrap();
        self.upstream.hang_up();
        let up = format!("cluster.{cluster}.upstream_cx_active");
        envoy
            .wait_for_stat(&up, |active| active == 0)
            .await
            .unwrap();
        assert_eq!(client.send(get("/untrusted")).await.unwrap().status, 503);
        assert_eq!(self.upstream.received(), b"");
    }
}
