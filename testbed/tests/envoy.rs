//! Envoy starts, refuses what is wrong, restarts, and leaves nothing behind.

use std::path::Path;
use std::time::Duration;

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::config::{Bootstrap, HttpListener, Route};
use hopguard_testbed::envoy::{Envoy, pinned_versions};
use hopguard_testbed::{Error, Result, free_port};
use serde_json::json;

#[tokio::test]
async fn a_bad_configuration_is_refused_with_the_log() {
    let config = Bootstrap::new()
        .http(HttpListener::new("ingress").filter(json!({ "name": "no.such.filter" })));
    match Envoy::builder().config(config.clone()).start().await {
        Err(Error::EnvoyRefused { status, log }) => {
            assert_eq!(status, "exit code 1");
            assert!(log.contains("no.such.filter"), "{log}");
        }
        other => panic!("{other:?}"),
    }
    let refusal = Envoy::validate(config).await.expect_err("the same filter");
    assert!(refusal.contains("no.such.filter"), "{refusal}");
    let good =
        Bootstrap::new().http(HttpListener::new("ingress").route(Route::direct("/", 200, "")));
    Envoy::validate(good)
        .await
        .expect("nothing is wrong with it");
}

#[tokio::test]
async fn yaml_with_an_admin_address_of_its_own() -> Result<()> {
    let yaml = "admin: {address: {socket_address: {address: 0.0.0.0, port_value: 9901}}}\n";
    let envoy = Envoy::builder().config_yaml(yaml).start().await?;
    let told = std::env::var("ENVOY_VERSION")
        .ok()
        .filter(|version| !version.is_empty());
    if std::env::var_os("ENVOY").is_none() {
        let default = pinned_versions()[0].to_owned();
        assert_eq!(envoy.version().await?, told.unwrap_or(default));
    }
    assert!(envoy.quit().await?.success());
    assert!(!envoy.is_running());
    Ok(())
}

#[tokio::test]
async fn no_process_is_left_behind() -> Result<()> {
    let envoy = Envoy::builder().config(Bootstrap::new()).start().await?;
    let process = format!("/proc/{}", envoy.pid());
    assert!(Path::new(&process).exists());
    let panicked = std::thread::spawn(move || {
        let _envoy = envoy;
        std::panic::resume_unwind(Box::new("a test that fails"));
    });
    assert!(panicked.join().is_err());
    assert!(!Path::new(&process).exists());
    Ok(())
}

#[tokio::test]
async fn one_epoch_takes_over_from_another() -> Result<()> {
    let port = free_port()?;
    // Of this process and test alone; Envoy takes ten shared-memory names from here.
    let base_id = std::process::id();
    let epoch = |epoch: u32| {
        let answer = format!("epoch {epoch}");
        let listener = HttpListener::new("ingress")
            .port(port)
            .route(Route::direct("/", 200, &answer));
        Envoy::builder()
            .config(Bootstrap::new().http(listener))
            .hot_restart(base_id, epoch)
            .parent_lives(2)
            .start()
    };
    let first = epoch(0).await?;
    let addr = first.listener("ingress").await?;
    assert_eq!(addr.port(), port);
    assert_eq!(Client::plaintext(addr).get("/").await?.text(), "epoch 0");
    let second = epoch(1).await?;
    assert_eq!(second.listener("ingress").await?, addr);
    assert!(first.wait_for_exit().await?.success());
    assert_eq!(Client::plaintext(addr).get("/").await?.text(), "epoch 1");
    Ok(())
}

#[tokio::test]
async fn what_it_uses_is_measured() -> Result<()> {
    let config =
        Bootstrap::new().http(HttpListener::new("ingress").route(Route::direct("/", 200, "")));
    let envoy = Envoy::builder().config(config).start().await?;
    let client = Client::plaintext(envoy.listener("ingress").await?)
        .connect()
        .await?;
    let before = envoy.cpu_time()?;
    for _ in 0..100 {
        client.send(Request::get("/")).await?;
    }
    let used = envoy.cpu_time()? - before;
    assert!(
        used > Duration::ZERO && used < Duration::from_secs(1),
        "{used:?}"
    );
    assert!(envoy.rss_bytes()? > 1 << 20);
    let dump = envoy.config_dump().await?;
    assert!(dump.to_string().contains("ingress"));
    envoy.admin_post("/drain_listeners").await?;
    envoy
        .wait_for_stat("listener_manager.listener_stopped", |stopped| stopped == 1)
        .await?;
    Ok(())
}
