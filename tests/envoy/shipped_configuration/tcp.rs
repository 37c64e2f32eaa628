//! `envoy/tcp.yaml`, in front of a real Redis and a TLS server.

use hopguard_testbed::client::Client;
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::{Authority, Issued};
use hopguard_testbed::redis::{Redis, RedisClient};
use hopguard_testbed::upstream::Upstream;

use super::{in_place_of, replaced};
use crate::support::{exactly_events, gist, metric};

pub const TCP: &str = include_str!("../../../envoy/tcp.yaml");

async fn start(root: &Authority, own: &Issued, cache: &Redis, databases: &Upstream) -> Envoy {
    let port = |port| format!("{{ address: 127.0.0.1, port_value: {port} }}");
    let mut replacements = in_place_of(root, own, 1);
    replacements.extend([
        ("{ address: 0.0.0.0, port_value: 6379 }", port(0), 1),
        ("{ address: 0.0.0.0, port_value: 5432 }", port(0), 1),
        (
            "{ address: cache.example.com, port_value: 6379 }",
            port(cache.addr().port()),
            1,
        ),
        (
            "{ address: databases.example.com, port_value: 5432 }",
            port(databases.addr().port()),
            1,
        ),
    ]);
    Envoy::builder()
        .config_yaml(replaced(TCP, replacements))
        .start()
        .await
        .unwrap()
}

#[tokio::test]
async fn the_shipped_tcp_configuration_guards_a_real_database() {
    crate::support::needs!(ShippedConfiguration);
    let root = Authority::root("Internal Root CA").issue();
    let own = root.server("envoy.example.com").issue();
    let redis = Redis::tls(&root.server("cache.example.com").issue())
        .start()
        .await
        .unwrap();
    let certificate = root.server("main.db.example.com").issue();
    let databases = Upstream::tls(&certificate)
        .tcp_echo()
        .start()
        .await
        .unwrap();
    let envoy = start(&root, &own, &redis, &databases).await;
    let cache = Client::tls(envoy.listener("cache").await.unwrap());
    let app = root.client("app").dns("orders.apps.example.com").issue();
    let stranger = root.client("app").dns("orders.other.example.com").issue();

    let mut good = RedisClient::connect(&cache.clone().certificate(&app))
        .await
        .unwrap();
    good.set("key", "value").await.unwrap();
    assert_eq!(
        good.get("key").await.unwrap().as_deref(),
        Some(&b"value"[..])
    );
    let before = redis.traffic().await.unwrap();
    for client in [cache.clone(), cache.clone().certificate(&stranger)] {
        let mut denied = RedisClient::connect(&client).await.unwrap();
        assert!(denied.get("key").await.is_err());
    }
    let after = redis.traffic().await.unwrap();
    assert_eq!(after.commands, before.commands);
    assert_eq!(after.input_bytes, before.input_bytes);

    let passthrough = envoy.listener("passthrough").await.unwrap();
    let through = |name: &str| Client::tls(passthrough).sni(name);
    let mut echo = through("main.db.example.com").raw().await.unwrap();
    echo.write(b"hello").await.unwrap();
    assert_eq!(echo.read_exact(5).await.unwrap(), b"hello");
    let handshakes = databases.handshakes();
    assert!(through("other.example.com").raw().await.is_err());
    let mut plain = Client::plaintext(passthrough).raw().await.unwrap();
    plain.write(b"\0\0\0\x08\x04\xd2\x16\x2f").await.unwrap();
    assert_eq!(plain.read_to_end().await.unwrap().bytes, b"");
    assert_eq!(databases.handshakes(), handshakes);

    // A client that cannot speak TLS at all never reaches a filter.
    let mut garbage = Client::plaintext(envoy.listener("cache").await.unwrap())
        .raw()
        .await
        .unwrap();
    garbage.write(b"PING\r\n").await.unwrap();
    garbage.read_to_end().await.unwrap();

    let events = exactly_events(&envoy, 5).await;
    let clients = "cache-clients";
    assert_eq!(
        events.iter().map(gist).collect::<Vec<_>>(),
        [
            [
                "hopguard.denied",
                "client_certificate_missing",
                "V9.2.3",
                clients
            ],
            ["hopguard.denied", "name_mismatch", "V9.2.1", clients],
            [
                "hopguard.denied",
                "server_name_mismatch",
                "V9.2.2",
                "passthrough-clients"
            ],
            [
                "hopguard.denied",
                "plaintext",
                "V9.2.2",
                "passthrough-clients"
            ],
            [
                "hopguard.tls_failure",
                "tls_plaintext_peer",
                "V9.2.5",
                clients
            ],
        ]
    );
    assert_eq!(metric(&envoy, &["tls_failures", "downstream"]).await, 1);
}
