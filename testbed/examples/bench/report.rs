//! The tables, the targets, and the same as JSON.

use serde_json::{Value, json};

use crate::crl::Large;
use crate::ocsp::Contacts;
use crate::overload::Overload;
use crate::statistics::{Summary, median, ratio, summary};
use crate::variants::Variant;
use crate::wake::Samples;

/// A row with its ratios.
pub struct Row {
    pub name: &'static str,
    pub cpu: Summary,
    pub ratio_none: f64,
    pub ratio_noop: f64,
}

/// Rows that were measured together.
pub struct Table {
    title: &'static str,
    variants: &'static [Variant],
    samples: Vec<Vec<f64>>,
    /// Row, what it is compared with, and how many times that it may cost.
    targets: &'static [(&'static str, &'static str, f64)],
}

impl Table {
    /// Requests on warm connections.
    pub const fn of_requests(variants: &'static [Variant], samples: Vec<Vec<f64>>) -> Self {
        Self {
            title: "CPU of Envoy per request, microseconds, warm keep-alive connections",
            variants,
            samples,
            targets: &[
                ("hopguard_downstream", "noop", 1.05),
                ("hopguard_both", "noop_both", 1.10),
                ("hopguard_downstream", "lua", 1.0),
                ("hopguard_both_revocation", "hopguard_both", 1.02),
            ],
        }
    }

    /// New TCP connections.
    pub const fn of_connections(variants: &'static [Variant], samples: Vec<Vec<f64>>) -> Self {
        Self {
            title: "CPU of Envoy per TCP connection, microseconds, from its start to its end",
            variants,
            samples,
            targets: &[("l4_connection_hopguard", "l4_connection_noop", 1.15)],
        }
    }

    /// Bytes over a TCP connection.
    pub const fn of_transfer(variants: &'static [Variant], samples: Vec<Vec<f64>>) -> Self {
        Self {
            title: "CPU of Envoy per MiB, microseconds, on a TCP connection after its verdict",
            variants,
            samples,
            targets: &[("l4_transfer_hopguard", "l4_transfer_noop", 1.03)],
        }
    }

    fn of(&self, name: &str) -> &[f64] {
        let index = self.variants.iter().position(|v| v.name == name);
        index.map_or(&[], |index| &self.samples[index])
    }

    fn rows(&self) -> Vec<Row> {
        self.variants
            .iter()
            .zip(&self.samples)
            .map(|(variant, rounds)| {
                let [none, noop] = bases(variant);
                Row {
                    name: variant.name,
                    cpu: summary(rounds),
                    ratio_none: ratio(rounds, self.of(&none)),
                    ratio_noop: ratio(rounds, self.of(&noop)),
                }
            })
            .collect()
    }

    /// In plaintext and with certificates.
    fn targets(&self) -> Vec<Target> {
        let mut targets = Vec::new();
        for suffix in ["", "_mtls"] {
            for (row, base, limit) in self.targets {
                let (row, base) = (format!("{row}{suffix}"), format!("{base}{suffix}"));
                // Who may be revoked has a certificate.
                if self.of(&row).is_empty() {
                    continue;
                }
                targets.push(Target {
                    measured: ratio(self.of(&row), self.of(&base)),
                    words: format!("{row} <= {limit:.2} x {base}"),
                    limit: *limit,
                });
            }
        }
        targets
    }
}

/// The names of the rows without a filter and with one that does nothing that a
/// row is compared with.
fn bases(variant: &Variant) -> [String; 2] {
    let name = variant.name;
    let start = ["l4_connection_", "l4_transfer_"];
    let start = start.into_iter().find(|s| name.starts_with(s));
    let both = if name.contains("_both") { "_both" } else { "" };
    let mtls = if variant.mtls { "_mtls" } else { "" };
    let start = start.unwrap_or("");
    [
        format!("{start}none{mtls}"),
        format!("{start}noop{both}{mtls}"),
    ]
}

/// What a row should cost at most, and what it costs.
struct Target {
    words: String,
    limit: f64,
    measured: f64,
}

impl Target {
    fn is_met(&self) -> bool {
        self.measured <= self.limit
    }
}

/// Prints the tables.
pub fn print(tables: &[Table], wake: &[Samples]) {
    for table in tables {
        println!(
            "{}\n\n{:<28} {:>8} {:>8} {:>8} {:>8} {:>8}",
            table.title, "row", "median", "min", "max", "/ none", "/ noop"
        );
        for row in table.rows() {
            println!(
                "{:<28} {:>8.1} {:>8.1} {:>8.1} {:>8.3} {:>8.3}",
                row.name, row.cpu.median, row.cpu.min, row.cpu.max, row.ratio_none, row.ratio_noop
            );
        }
        println!();
    }
    if !tables.is_empty() {
        println!("_mtls against its own none and noop; _both against noop_both\n\ntargets");
    }
    for target in tables.iter().flat_map(Table::targets) {
        println!(
            "{:<62} {:>6.3}  {}",
            target.words,
            target.measured,
            if target.is_met() { "met" } else { "missed" }
        );
    }
    if !wake.is_empty() {
        println!(
            "\nA new upstream TLS connection for each request; far: 10 ms each way\n\n\
             {:<28} {:>10} {:>14}",
            "row", "p50 ms", "CPU us/request"
        );
    }
    for row in wake {
        println!(
            "{:<28} {:>10.2} {:>14.0}",
            row.name,
            median(row.p50_ms.clone()),
            median(row.cpu_us.clone())
        );
    }
}

/// All of it as JSON.
pub fn json(
    machine: &Value,
    tables: &[Table],
    wake: &[Samples],
    large: Option<&Large>,
    contacts: Option<&Contacts>,
    overload: Option<&Overload>,
) -> Value {
    json!({
        "machine": machine,
        "crl": large.map(Large::json),
        "ocsp": contacts.map(Contacts::json),
        "overload": overload.map(Overload::json),
        "rows": tables.iter().flat_map(Table::rows).map(|row| json!({
            "name": row.name,
            "cpu_us_median": row.cpu.median,
            "cpu_us_min": row.cpu.min,
            "cpu_us_max": row.cpu.max,
            "ratio_none": row.ratio_none,
            "ratio_noop": row.ratio_noop,
        })).collect::<Vec<_>>(),
        "targets": tables.iter().flat_map(Table::targets).map(|target| json!({
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
