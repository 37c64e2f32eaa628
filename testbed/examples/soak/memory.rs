//! Memory of Envoy's process, and of the WebAssembly VMs in it.

use std::fs;

use hopguard_testbed::envoy::Envoy;

use crate::Result;

/// Resident memory, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// All of Envoy's.
    pub process: u64,
    /// The linear memories of all VMs.
    pub vms: u64,
}

/// V8 reserves address space for the whole of a 32-bit memory and its guard regions,
/// and makes accessible what the module has grown to; nothing else in Envoy reserves
/// so much (Envoy 1.40, V8's `BackingStore`).
const RESERVED: u64 = 3 << 30;

impl Memory {
    /// As the kernel accounts it.
    pub fn of(envoy: &Envoy) -> Result<Self> {
        let maps = fs::read_to_string(format!("/proc/{}/smaps", envoy.pid()))?;
        Ok(Self {
            process: envoy.rss_bytes()?,
            vms: linear_memories(&maps)?,
        })
    }
}

/// The resident bytes of all mappings that a reservation follows at once.
fn linear_memories(maps: &str) -> Result<u64> {
    let mut found = 0;
    let mut total = 0;
    // The last mapping: its end, whether it is data, and its resident bytes.
    let mut last = (0, false, 0);
    for line in maps.lines() {
        if let Some((start, end, is_data, is_reserved)) = mapping(line) {
            if is_reserved && start == last.0 && last.1 && end - start >= RESERVED {
                found += 1;
                total += last.2;
            }
            last = (end, is_data, 0);
        } else if let Some(rss) = line.strip_prefix("Rss:") {
            let kilobytes = rss.trim().trim_end_matches("kB").trim();
            last.2 = kilobytes.parse::<u64>()? * 1024;
        }
    }
    if found == 0 {
        return Err("no memory of a VM in smaps".into());
    }
    Ok(total)
}

/// Start, end, whether it is data, and whether nothing may touch it.
fn mapping(line: &str) -> Option<(u64, u64, bool, bool)> {
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    let permissions = words.next()?;
    Some((
        number(start)?,
        number(end)?,
        permissions == "rw-p",
        permissions == "---p",
    ))
}
