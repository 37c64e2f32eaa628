//! `make soak`: a long life, compressed. Clients by the ten thousand, each with a
//! certificate of its own, on connections by the hundred thousand, HTTP and TCP,
//! let through and denied, and servers that fail. After each round: the memory of
//! Envoy and of the plugin's VMs, and every count of the plugin against what
//! clients and servers saw. SOAK_ROUNDS says how long it takes.
//!
//! It fails where a count is wrong, where a cache has no bound, or where the VMs
//! still grow when all bounds are reached.

mod counts;
mod memory;
mod traffic;
mod world;

use std::process::ExitCode;

use self::counts::Counts;
use self::memory::Memory;
use self::world::World;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Rounds where nobody says how many.
const ROUNDS: usize = 40;
/// What VMs may grow by after the first half: the pages that an allocator needs
/// for what has always been there, and nothing that grows with the rounds.
const MAX_GROWTH: u64 = 4 * 1024 * 1024;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<ExitCode> {
    let rounds = match std::env::var("SOAK_ROUNDS") {
        Ok(text) if !text.is_empty() => text.parse().map_err(|_| "SOAK_ROUNDS is no number")?,
        _ => ROUNDS,
    };
    let world = World::start().await?;
    let mut seen = Counts::default();
    let mut samples: Vec<(u64, Memory)> = Vec::new();
    println!(
        "{:>6} {:>12} {:>12} {:>10} {:>10} {:>9} {:>9}",
        "round", "certificates", "connections", "Envoy MiB", "VMs MiB", "evicted", "folded"
    );
    for round in 1..=rounds {
        seen += traffic::round(&world).await?;
        let counted = Counts::of_plugin(&world.envoy, &seen).await?;
        let memory = Memory::of(&world.envoy)?;
        let mib = |bytes: u64| bytes as f64 / 1_048_576.0;
        println!(
            "{round:>6} {:>12} {:>12} {:>10.1} {:>10.1} {:>9} {:>9}",
            seen.certificates,
            seen.connections,
            mib(memory.process),
            mib(memory.vms),
            counted.evicted,
            counted.folded,
        );
        samples.push((seen.connections, memory));
    }
    let half = &samples[samples.len() / 2..];
    let slope = |of: fn(&Memory) -> u64| slope(half.iter().map(|(n, m)| (*n, of(m))));
    println!(
        "\nbytes for each 1,000 connections, in the second half: Envoy {:.0}, VMs {:.0}",
        slope(|m| m.process) * 1e3,
        slope(|m| m.vms) * 1e3,
    );
    println!("every count of the plugin was what clients and servers saw, after each round");
    let (Some((_, first)), Some((_, last))) = (half.first(), half.last()) else {
        return Ok(ExitCode::SUCCESS);
    };
    if last.vms > first.vms + MAX_GROWTH {
        eprintln!(
            "soak: the VMs grew from {} to {} bytes",
            first.vms, last.vms
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// The slope of a line through points, by least squares.
fn slope(points: impl Iterator<Item = (u64, u64)> + Clone) -> f64 {
    let count = points.clone().count() as f64;
    let mean = |of: fn((u64, u64)) -> u64| points.clone().map(of).sum::<u64>() as f64 / count;
    let (mean_x, mean_y) = (mean(|p| p.0), mean(|p| p.1));
    let (mut above, mut below) = (0.0, 0.0);
    for (x, y) in points {
        let from_mean = x as f64 - mean_x;
        above += from_mean * (y as f64 - mean_y);
        below += from_mean * from_mean;
    }
    if below == 0.0 { 0.0 } else { above / below }
}
