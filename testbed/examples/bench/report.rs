//! The table, the targets, and the same as JSON.

use serde_json::{Value, json};

use crate::statistics::{median, ratio, summary};
use crate::variants::WARM;
use crate::wake::Samples;

/// A row with its ratios.
pub struct Row {
    pub name: &'static str,
    pub cpu: crate::statistics::Summary,
    pub ratio_none: f64,
    pub ratio_noop: f64,
}

/// The rows, from the rounds of each.
pub fn rows(samples: &[Vec<f64>]) -> Vec<Row> {
    let of = |name: String| {
        let index = WARM.iter().position(|v| v.name == name);
        index.map_or(&[][..], |index| &samples[index])
    };
    WARM.iter()
        .zip(samples)
        .map(|(variant, rounds)| {
            let suffix = if variant.mtls { "_mtls" } else { "" };
            let both = if variant.name.contains("_both") {
                "_both"
            } else {
                ""
            };
            Row {
                name: variant.name,
                cpu: summary(rounds),
                ratio_none: ratio(rounds, of(format!("none{suffix}"))),
                ratio_noop: ratio(rounds, of(format!("noop{both}{suffix}"))),
            }
        })
        .collect()
}

/// What a row should cost at most, and what it costs.
pub struct Target {
    pub words: String,
    pub limit: f64,
    pub measured: f64,
}

impl Target {
    pub fn is_met(&self) -> bool {
        self.measured <= self.limit
    }
}

/// The targets, in plaintext and with certificates.
pub fn targets(samples: &[Vec<f64>]) -> Vec<Target> {
    let mut targets = Vec::new();
    for suffix in ["", "_mtls"] {
        for (row, base, limit) in [
            ("hopguard_downstream", "noop", 1.05),
            ("hopguard_both", "noop_both", 1.10),
            ("hopguard_downstream", "lua", 1.0),
        ] {
            let of = |name: &str| {
                let name = format!("{name}{suffix}");
                let index = WARM.iter().position(|v| v.name == name);
                index.map_or(&[][..], |index| &samples[index])
            };
            targets.push(Target {
                words: format!("{row}{suffix} <= {limit:.2} x {base}{suffix}"),
                limit,
                measured: ratio(of(row), of(base)),
            });
        }
    }
    targets
}

/// Prints the tables.
pub fn print(rows: &[Row], targets: &[Target], wake: &[Samples]) {
    println!(
        "CPU of Envoy per request, microseconds, warm keep-alive connections\n\n\
         {:<26} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "row", "median", "min", "max", "/ none", "/ noop"
    );
    for row in rows {
        println!(
            "{:<26} {:>8.1} {:>8.1} {:>8.1} {:>8.3} {:>8.3}",
            row.name, row.cpu.median, row.cpu.min, row.cpu.max, row.ratio_none, row.ratio_noop
        );
    }
    println!("\n_mtls against its own none and noop; _both against noop_both\n\ntargets");
    for target in targets {
        println!(
            "{:<54} {:>6.3}  {}",
            target.words,
            target.measured,
            if target.is_met() { "met" } else { "missed" }
        );
    }
    println!(
        "\nA new upstream TLS connection for each request; far: 10 ms each way\n\n\
         {:<26} {:>10} {:>14}",
        "row", "p50 ms", "CPU us/request"
    );
    for row in wake {
        println!(
            "{:<26} {:>10.2} {:>14.0}",
            row.name,
            median(row.p50_ms.clone()),
            median(row.cpu_us.clone())
        );
    }
}

/// All of it as JSON.
pub fn json(machine: &Value, rows: &[Row], targets: &[Target], wake: &[Samples]) -> Value {
    json!({
        "machine": machine,
        "rows": rows.iter().map(|row| json!({
            "name": row.name,
            "cpu_us_median": row.cpu.median,
            "cpu_us_min": row.cpu.min,
            "cpu_us_max": row.cpu.max,
            "ratio_none": row.ratio_none,
            "ratio_noop": row.ratio_noop,
        })).collect::<Vec<_>>(),
        "targets": targets.iter().map(|target| json!({
            "target": target.words,
            "measured": target.measured,
            "met": target.is_met(),
        })).collect::<Vec<_>>(),
        "wake": wake.iter().map(|row| json!({
            "name": row.name,
            "p50_ms": median(row.p50_ms.clone()),
            "cpu_us_median": median(row.cpu_us.clone()),
        })).collect::<Vec<_>>(),
    })
}
