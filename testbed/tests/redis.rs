//! A real Redis, directly and through Envoy.

use std::path::Path;

use hopguard_testbed::client::Client;
use hopguard_testbed::config::{Bootstrap, Cluster, TcpListener, UpstreamTls};
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::pki::Pki;
use hopguard_testbed::redis::{Redis, RedisClient, RedisValue, Traffic};
use hopguard_testbed::{Error, Result, TlsVersion};

#[tokio::test]
async fn counts_what_others_do_and_not_itself() -> Result<()> {
    let redis = Redis::plaintext().start().await?;
    for _ in 0..3 {
        assert_eq!(redis.traffic().await?, Traffic::default());
    }
    let mut client = RedisClient::connect(&Client::plaintext(redis.addr())).await?;
    let connected = redis.wait_for(|traffic| traffic.connections == 1).await?;
    assert_eq!((connected.commands, connected.input_bytes), (0, 0));
    client.ping().await?;
    client.set("key", "value").await?;
    assert_eq!(client.get("key").await?.as_deref(), Some(&b"value"[..]));
    assert_eq!(client.get("no such").await?, None);
    let odd = client
        .command(&[&b"APPEND"[..], b"key", b"\r\n\xff"])
        .await?;
    assert_eq!(odd, RedisValue::Integer(8));
    let unknown = client.command(&["NONSENSE"]).await?;
    assert!(matches!(unknown, RedisValue::Error(text) if text.contains("NONSENSE")));
    let traffic = redis.traffic().await?;
    // An unknown command is read, not processed.
    assert_eq!((traffic.connections, traffic.commands), (1, 5));
    assert!(traffic.input_bytes > 100 && traffic.output_bytes > 30);
    assert_eq!(redis.traffic().await?, traffic);
    Ok(())
}

#[tokio::test]
async fn bytes_that_are_no_command_are_counted() -> Result<()> {
    let redis = Redis::plaintext().start().await?;
    let client = Client::tls(redis.addr());
    let hello = client.client_hello().await?;
    let mut raw = Client::plaintext(redis.addr()).raw().await?;
    raw.write(&hello).await?;
    let expected = Traffic {
        connections: 1,
        commands: 0,
        input_bytes: hello.len() as u64,
        output_bytes: 0,
    };
    redis
        .wait_for(|traffic| traffic.input_bytes >= expected.input_bytes)
        .await?;
    assert_eq!(redis.traffic().await?, expected);
    Ok(())
}

#[tokio::test]
async fn tls_and_whom_it_lets_in() -> Result<()> {
    let pki = Pki::new();
    let redis = Redis::tls(&pki.server("redis.test").issue())
        .client_ca(&pki.root)
        .tls_versions(TlsVersion::V1_3, TlsVersion::V1_3)
        .start()
        .await?;
    let client = Client::tls(redis.addr());
    let known = client.clone().certificate(&pki.client("app").issue());
    let others = [
        client.clone(),
        client.certificate(&pki.client("app").issuer(&pki.other).issue()),
        known
            .clone()
            .tls_versions(TlsVersion::V1_2, TlsVersion::V1_2),
    ];
    for client in others {
        // In TLS 1.3 the server refuses when the client is already done.
        if let Ok(mut client) = RedisClient::connect(&client).await {
            assert!(client.ping().await.is_err());
        }
    }
    assert_eq!(redis.traffic().await?, Traffic::default());

    let mut known = RedisClient::connect(&known).await?;
    known.ping().await?;
    let traffic = redis.traffic().await?;
    assert_eq!((traffic.connections, traffic.commands), (1, 1));
    Ok(())
}

#[tokio::test]
async fn through_envoy() -> Result<()> {
    let pki = Pki::new();
    let redis = Redis::tls(&pki.server("redis.test").issue())
        .client_ca(&pki.root)
        .start()
        .await?;
    let tls = UpstreamTls::new().sni("redis.test").trusted_ca(&pki.root);
    let cluster = |name: &str| Cluster::new(name).endpoint(redis.addr());
    let config = Bootstrap::new()
        .tcp(TcpListener::new("good", "good"))
        .tcp(TcpListener::new("nobody", "nobody"))
        .tcp(TcpListener::new("plain", "plain"))
        .cluster(cluster("good").tls(tls.clone().certificate(&pki.client("envoy").issue())))
        .cluster(cluster("nobody").tls(tls))
        .cluster(cluster("plain"));
    let envoy = Envoy::builder().config(config).start().await?;
    for (name, commands) in [("nobody", 0), ("plain", 0), ("good", 2)] {
        let client = Client::plaintext(envoy.listener(name).await?);
        let mut client = RedisClient::connect(&client).await?;
        let outcome = client.set("a", "b").await;
        assert_eq!(outcome.is_ok(), commands > 0, "{name}: {outcome:?}");
        if commands > 0 {
            assert_eq!(client.get("a").await?.as_deref(), Some(&b"b"[..]));
        }
        let traffic = redis.traffic().await?;
        assert_eq!(
            (traffic.commands, traffic.input_bytes > 0),
            (commands, commands > 0)
        );
    }
    Ok(())
}

#[tokio::test]
async fn ends_with_its_owner_and_says_why_it_does_not_start() -> Result<()> {
    let redis = Redis::plaintext().start().await?;
    let process = format!("/proc/{}", redis.pid());
    assert!(Path::new(&process).exists());
    drop(redis);
    assert!(!Path::new(&process).exists());

    let pki = Pki::new();
    let good = pki.server("redis.test").issue();
    let other = pki.server("redis.test").issue();
    let mixed = hopguard_testbed::pki::Issued::new(
        good.der().to_vec(),
        Vec::new(),
        other.key_pem().to_owned(),
    );
    match Redis::tls(&mixed).start().await {
        Err(Error::ServerRefused { log, .. }) => assert!(log.contains("key"), "{log}"),
        outcome => panic!("{outcome:?}"),
    }
    Ok(())
}
