//! A round of clients.

use std::net::SocketAddr;

use hopguard_testbed::client::{Client, Request};
use hopguard_testbed::pki::Issued;
use tokio::task::JoinSet;

use crate::Result;
use crate::counts::Counts;
use crate::world::World;

/// Clients of a round, each with a certificate of its own.
const CLIENTS: usize = 500;
/// Connections of each: most are HTTP, one is TCP.
const CONNECTIONS: usize = 9;
/// Clients at a time.
const AT_ONCE: usize = 16;
/// One client in so many is not to be let through.
const BAD: usize = 10;
/// One client in so many asks, once, for the server that fails.
const FAILING: usize = 5;

/// Lets them all come, and says what they and the servers saw.
pub async fn round(world: &World) -> Result<Counts> {
    let before = servers(world);
    let mut all = Counts::default();
    let mut tasks = JoinSet::new();
    for number in 0..CLIENTS {
        let name = format!("client-{number}");
        // No two are the same certificate, this round or another.
        let leaf = world.pki.client(&name).dns(&format!("{name}.test"));
        let is_bad = number % BAD == 0;
        let certificate = if is_bad { leaf.expired() } else { leaf }.issue();
        let fails = number % FAILING == 1;
        tasks.spawn(visit(world.http, world.tcp, certificate, !is_bad, fails));
        if tasks.len() >= AT_ONCE
            && let Some(done) = tasks.join_next().await
        {
            all += done??;
        }
    }
    while let Some(done) = tasks.join_next().await {
        all += done??;
    }
    all.served = servers(world) - before;
    Ok(all)
}

/// Requests and connections that servers got.
fn servers(world: &World) -> u64 {
    let echo = world.echo.seen();
    let with_bytes = echo.connections.iter().filter(|c| c.application_count > 0);
    world.server.seen().request_count + with_bytes.count() as u64
}

async fn visit(
    http: SocketAddr,
    tcp: SocketAddr,
    certificate: Issued,
    is_good: bool,
    fails: bool,
) -> Result<Counts> {
    let mut counts = Counts {
        certificates: 1,
        ..Counts::default()
    };
    let client = Client::tls(http).certificate(&certificate);
    for number in 1..CONNECTIONS {
        let path = if fails && number == 1 {
            "/plaintext"
        } else {
            "/"
        };
        let expected = match (is_good, path) {
            (false, _) => 403,
            (true, "/") => 200,
            (true, _) => 503,
        };
        let response = client.send(Request::get(path)).await?;
        if response.status != expected {
            return Err(format!("{path}: {} {}", response.status, response.text()).into());
        }
        counts.connections += 1;
        counts.permitted += u64::from(is_good);
        counts.denied += u64::from(!is_good);
        counts.failed += u64::from(expected == 503);
    }
    let mut raw = Client::tls(tcp).certificate(&certificate).raw().await?;
    raw.write(b"hello").await?;
    let answer = raw.read_exact(5).await;
    if answer.is_ok() != is_good {
        return Err(format!("TCP: {answer:?}, and the client is good: {is_good}").into());
    }
    counts.connections += 1;
    counts.permitted += u64::from(is_good);
    counts.denied += u64::from(!is_good);
    Ok(counts)
}
