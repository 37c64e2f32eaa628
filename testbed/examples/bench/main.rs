//! `make bench`: what hopguard costs a real Envoy, beside a filter that does
//! nothing and one in Lua that checks the same. CPU time of Envoy's process,
//! not wall time: it says the same on a machine that does other things too.
//! ROUNDS in the environment says how long it takes, ONLY (`requests`, `tcp`,
//! `wake`, `crl`, `ocsp`, `overload`, with commas between them) which parts of it are
//! measured.

mod crl;
mod distance;
mod load;
mod ocsp;
mod overload;
mod report;
mod statistics;
mod tcp;
mod variants;
mod wake;
mod warm;

use std::fs;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use hopguard_testbed::envoy::Envoy;
use hopguard_testbed::wasm;
use serde_json::{Value, json};

use self::report::Table;
use self::tcp::Echoes;
use self::variants::{Parts, TCP_CONNECTIONS, TCP_TRANSFER, WARM};
use self::warm::Servers;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Rounds of every row, about a second each.
const ROUNDS: usize = 80;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode> {
    let rounds = match std::env::var("ROUNDS") {
        Ok(text) if !text.is_empty() => text.parse().map_err(|_| "ROUNDS is no number")?,
        _ => ROUNDS,
    };
    // This program is in `<target>/<profile>/examples`.
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(3).ok_or("not run by cargo")?;
    let hopguard = wasm::plugin_path()?;
    let noop = target.join("wasm/noop.wasm");
    if !noop.is_file() {
        return Err(format!("no {}: run `make noop`", noop.display()).into());
    }

    let parts = Parts::new(&hopguard, &noop)?;
    eprintln!("bench: starting Envoy, twice");
    let backend = Envoy::builder().config(parts.backend()).start().await?;
    let servers = Servers {
        plaintext: backend.listener("plaintext").await?,
        tls: backend.listener("tls").await?,
    };
    let machine = machine(&backend.version().await?, &hopguard, &noop, rounds)?;
    let only = std::env::var("ONLY").unwrap_or_default();
    let is_wanted = |part: &str| only.is_empty() || only.split(',').any(|p| p == part);
    let (mut tables, mut wake, mut large) = (Vec::new(), Vec::new(), None);
    if is_wanted("requests") {
        warm::check(&parts, &servers).await?;
        let samples = warm::measure(&parts, &servers, rounds).await?;
        tables.push(Table::of_requests(&WARM, samples));
    }
    if is_wanted("tcp") {
        let echoes = Echoes {
            plaintext: backend.listener("echo").await?,
            tls: backend.listener("echo_tls").await?,
        };
        tcp::check(&parts, &echoes).await?;
        let samples = tcp::connections(&parts, &echoes, rounds).await?;
        tables.push(Table::of_connections(&TCP_CONNECTIONS, samples));
        let samples = tcp::transfer(&parts, rounds).await?;
        tables.push(Table::of_transfer(&TCP_TRANSFER, samples));
    }
    if is_wanted("wake") {
        wake = wake::measure(&parts, &servers, rounds.div_ceil(4)).await?;
    }

    if is_wanted("crl") {
        large = Some(crl::measure().await?);
    }
    let mut contacts = None;
    if is_wanted("ocsp") {
        contacts = Some(ocsp::measure(rounds).await?);
    }
    let mut overload = None;
    if is_wanted("overload") {
        overload = Some(overload::measure(rounds.div_ceil(4)).await?);
    }

    for (name, value) in machine.as_object().into_iter().flatten() {
        println!(
            "{name:<16} {}",
            value.as_str().map_or(value.to_string(), str::to_owned)
        );
    }
    println!();
    report::print(&tables, &wake);
    if let Some(large) = &large {
        println!();
        large.print();
    }
    if let Some(contacts) = &contacts {
        println!();
        contacts.print();
    }
    if let Some(overload) = &overload {
        println!();
        overload.print();
    }
    let file = target.join("bench/bench.json");
    fs::create_dir_all(target.join("bench"))?;
    fs::write(
        &file,
        format!(
            "{:#}\n",
            report::json(
                &machine,
                &tables,
                &wake,
                large.as_ref(),
                contacts.as_ref(),
                overload.as_ref()
            )
        ),
    )?;
    println!("\n{}", file.display());
    Ok(ExitCode::SUCCESS)
}

fn machine(envoy: &str, hopguard: &Path, noop: &Path, rounds: usize) -> Result<Value> {
    let cpu = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown", |(_, model)| model);
    let load = fs::read_to_string("/proc/loadavg")?;
    Ok(json!({
        "cpu": model,
        "cores": std::thread::available_parallelism()?.get(),
        "load before": load.split(' ').next(),
        "envoy": envoy,
        "hopguard bytes": fs::metadata(hopguard)?.len(),
        "noop bytes": fs::metadata(noop)?.len(),
        "rounds": rounds,
    }))
}

/// On a terminal, one line that counts; elsewhere, a line now and then.
fn progress(what: &str, round: usize, rounds: usize) {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        let end = if round == rounds { "\n" } else { "" };
        let _ = write!(stderr, "\rbench: {what}, round {round} of {rounds}{end}");
    } else if round == 0 || round == rounds || round.is_multiple_of(20) {
        let _ = writeln!(stderr, "bench: {what}, round {round} of {rounds}");
    }
}
