//! CPU of the TCP proxy: per new connection, and per MiB after the verdict.

use std::net::SocketAddr;

use hopguard_testbed::client::{Client, RawConnection};
use hopguard_testbed::config::Bootstrap;
use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::upstream::{ClientAuth, Upstream};
use serde_json::json;
use tokio::task::JoinSet;

use crate::Result;
use crate::variants::{Kind, Parts, TCP_CONNECTIONS, TCP_TRANSFER, Variant, told};
use crate::warm::client;

/// Connections of a row that are under way at once.
const CONCURRENCY: usize = 4;
/// Connections one after the other on each of these, in one turn of a row.
const EACH: usize = 25;
/// What a client of a short connection says, and gets back.
const HELLO: &[u8] = b"PING, and some more bytes, as a client of a database would say\r\n";

const MIB: usize = 1024 * 1024;
/// MiB to the server, and as many back, in one turn of a row.
const TRANSFER: usize = 16;
/// Bytes that are under way at once.
const PIECE: usize = 64 * 1024;

/// Where the servers that send back what comes listen.
#[derive(Clone, Copy, Debug)]
pub struct Echoes {
    pub plaintext: SocketAddr,
    pub tls: SocketAddr,
}

/// Microseconds of Envoy's CPU per connection: for each row, for each round.
pub async fn connections(parts: &Parts, echoes: &Echoes, rounds: usize) -> Result<Vec<Vec<f64>>> {
    let envoy = start(parts, &TCP_CONNECTIONS, of_kind(echoes), None).await?;
    let mut clients = Vec::new();
    for variant in &TCP_CONNECTIONS {
        clients.push(client(parts, variant, envoy.listener(variant.name).await?));
    }
    let mut samples = vec![Vec::new(); TCP_CONNECTIONS.len()];
    // As for requests: the first round is not kept, and every row is the first
    // one in some round.
    for round in 0..=rounds {
        crate::progress("new TCP connections", round, rounds);
        for turn in 0..TCP_CONNECTIONS.len() {
            let row = (turn + round) % TCP_CONNECTIONS.len();
            let before = envoy.cpu_time()?;
            visits(&clients[row]).await?;
            let spent = envoy.cpu_time()? - before;
            if round > 0 {
                samples[row].push(spent.as_secs_f64() * 1e6 / (CONCURRENCY * EACH) as f64);
            }
        }
    }
    Ok(samples)
}

/// Microseconds of Envoy's CPU per MiB, on one connection for each row.
pub async fn transfer(parts: &Parts, rounds: usize) -> Result<Vec<Vec<f64>>> {
    let plaintext = Upstream::plaintext()
        .by_hand()
        .counting_only()
        .start()
        .await?;
    let tls = Upstream::tls(parts.server())
        .client_auth(ClientAuth::Required)
        .by_hand()
        .counting_only()
        .start()
        .await?;
    let server = |variant: &Variant| if variant.mtls { &tls } else { &plaintext };
    let envoy = start(parts, &TCP_TRANSFER, |v| server(v).addr(), None).await?;
    let mut pairs = Vec::new();
    for variant in &TCP_TRANSFER {
        let client = client(parts, variant, envoy.listener(variant.name).await?);
        let mut here = client.raw().await?;
        let mut there = server(variant).accept().await?;
        // The verdict.
        here.write(HELLO).await?;
        there.read_exact(HELLO.len()).await?;
        pairs.push((here, there));
    }
    let mut samples = vec![Vec::new(); TCP_TRANSFER.len()];
    for round in 0..=rounds {
        crate::progress("bytes over TCP", round, rounds);
        for turn in 0..TCP_TRANSFER.len() {
            let row = (turn + round) % TCP_TRANSFER.len();
            let (here, there) = &mut pairs[row];
            let before = envoy.cpu_time()?;
            pump(here, there).await?;
            pump(there, here).await?;
            let spent = envoy.cpu_time()? - before;
            if round > 0 {
                samples[row].push(spent.as_secs_f64() * 1e6 / (2 * TRANSFER) as f64);
            }
        }
    }
    Ok(samples)
}

/// Checks that each row has the verdict that it is there for.
pub async fn check(parts: &Parts, echoes: &Echoes) -> Result<()> {
    let format = "state=%FILTER_STATE(wasm.hopguard.verdict:PLAIN)%,\
        %FILTER_STATE(wasm.hopguard.rule:PLAIN)%";
    let envoy = start(parts, &TCP_CONNECTIONS, of_kind(echoes), Some(format)).await?;
    for variant in &TCP_CONNECTIONS {
        let client = client(parts, variant, envoy.listener(variant.name).await?);
        visit(&client).await?;
        let start = format!("CHECK {} ", variant.name);
        let line = envoy.wait_for_log(|line| line.starts_with(&start)).await?;
        let expected = match variant.kind {
            Kind::Network => told(variant.mtls),
            _ => "-,-",
        };
        if line != format!("{start}state={expected}") {
            return Err(format!("{}: expected {expected}, got {line}", variant.name).into());
        }
    }
    Ok(())
}

async fn start(
    parts: &Parts,
    variants: &[Variant],
    server: impl Fn(&Variant) -> SocketAddr,
    access_log: Option<&str>,
) -> Result<Envoy> {
    let mut bootstrap = Bootstrap::new().merge(json!({ "stats_flush_interval": "60s" }));
    for variant in variants {
        bootstrap = parts.add_tcp(bootstrap, variant, server(variant), access_log);
    }
    Ok(Envoy::builder().config(bootstrap).start().await?)
}

const fn of_kind(echoes: &Echoes) -> impl Fn(&Variant) -> SocketAddr {
    let Echoes { plaintext, tls } = *echoes;
    move |variant| if variant.mtls { tls } else { plaintext }
}

async fn visits(client: &Client) -> Result<()> {
    let mut tasks = JoinSet::new();
    for _ in 0..CONCURRENCY {
        let client = client.clone();
        tasks.spawn(async move {
            for _ in 0..EACH {
                visit(&client).await?;
            }
            Ok::<_, hopguard_testbed::Error>(())
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    Ok(())
}

/// One short connection. It ends as Envoy has ended it on both sides: what that
/// costs belongs to it.
async fn visit(client: &Client) -> hopguard_testbed::Result<()> {
    let mut connection = client.raw().await?;
    connection.write(HELLO).await?;
    connection.read_exact(HELLO.len()).await?;
    connection.half_close().await?;
    connection.read_to_end().await?;
    Ok(())
}

/// Each piece when the one before has arrived: as fast as can be, Envoy would
/// read more or less at once as it happens, and cost half or twice as much.
async fn pump(from: &mut RawConnection, to: &mut RawConnection) -> Result<()> {
    let piece = vec![b'x'; PIECE];
    for _ in 0..TRANSFER * MIB / PIECE {
        tokio::try_join!(from.write(&piece), to.read_exact(PIECE))?;
    }
    Ok(())
}
