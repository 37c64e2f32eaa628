//! CPU per request on warm connections.

use std::net::SocketAddr;

use hopguard_testbed::client::Client;
use hopguard_testbed::config::Bootstrap;
use hopguard_testbed::envoy::Envoy;
use serde_json::json;

use crate::Result;
use crate::load::Load;
use crate::variants::{Kind, Parts, Variant, WARM, told};

/// Connections of each row.
const CONNECTIONS: usize = 4;
/// Requests on each connection, in one turn of a row.
const EACH: usize = 125;

/// Microseconds of Envoy's CPU per request: for each row, for each round.
pub async fn measure(parts: &Parts, servers: &Servers, rounds: usize) -> Result<Vec<Vec<f64>>> {
    let envoy = start(parts, servers, None).await?;
    let mut loads = Vec::new();
    for variant in &WARM {
        let client = client(parts, variant, envoy.listener(variant.name).await?);
        loads.push(Load::open(&client, CONNECTIONS).await?);
    }
    let mut samples = vec![Vec::new(); WARM.len()];
    // The first round is not kept: caches fill, code is compiled.
    for round in 0..=rounds {
        crate::progress("warm connections", round, rounds);
        // Every row is the first one in some round.
        for turn in 0..WARM.len() {
            let row = (turn + round) % WARM.len();
            let before = envoy.cpu_time()?;
            loads[row].burst(EACH).await?;
            let spent = envoy.cpu_time()? - before;
            if round > 0 {
                samples[row].push(spent.as_secs_f64() * 1e6 / (CONNECTIONS * EACH) as f64);
            }
        }
    }
    Ok(samples)
}

/// Where the backend listens.
#[derive(Clone, Copy, Debug)]
pub struct Servers {
    pub plaintext: SocketAddr,
    pub tls: SocketAddr,
}

/// Checks that each row does what it is there for, and that Lua's result is
/// hopguard's: in an Envoy of its own, for it takes an access log.
pub async fn check(parts: &Parts, servers: &Servers) -> Result<()> {
    let format = "state=%FILTER_STATE(wasm.hopguard.verdict:PLAIN)%,\
        %FILTER_STATE(wasm.hopguard.rule:PLAIN)% \
        lua=%DYNAMIC_METADATA(hopguard:verdict)%,%DYNAMIC_METADATA(hopguard:rule)%";
    let envoy = start(parts, servers, Some(format)).await?;
    for variant in &WARM {
        let client = client(parts, variant, envoy.listener(variant.name).await?);
        Load::open(&client, 1).await?;
        let start = format!("CHECK {} ", variant.name);
        let line = envoy.wait_for_log(|line| line.starts_with(&start)).await?;
        let told = told(variant.mtls);
        let expected = match variant.kind {
            Kind::Downstream | Kind::Both => format!("state={told} lua=-,-"),
            Kind::Lua => format!("state=-,- lua={told}"),
            _ => "state=-,- lua=-,-".to_owned(),
        };
        if line != format!("{start}{expected}") {
            return Err(format!("{}: expected {expected}, got {line}", variant.name).into());
        }
    }
    Ok(())
}

async fn start(parts: &Parts, servers: &Servers, access_log: Option<&str>) -> Result<Envoy> {
    let mut bootstrap = Bootstrap::new().merge(json!({ "stats_flush_interval": "60s" }));
    for variant in &WARM {
        let server = if variant.mtls {
            servers.tls
        } else {
            servers.plaintext
        };
        bootstrap = parts.add(bootstrap, variant, server, access_log);
    }
    Ok(Envoy::builder().config(bootstrap).start().await?)
}

/// A client of that kind of row.
pub fn client(parts: &Parts, variant: &Variant, listener: SocketAddr) -> Client {
    if variant.mtls {
        Client::tls(listener).certificate(&parts.client)
    } else {
        Client::plaintext(listener)
    }
}
