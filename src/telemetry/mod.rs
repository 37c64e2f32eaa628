//! What hopguard tells: events to the log, counters to the stats, the verdict
//! to the filter state. Every name is in `docs/telemetry.md`.

mod event;
mod export;
mod exporter;
mod fold;
pub mod metrics;
mod otlp;
mod posture;
mod reporter;
pub mod text;

#[cfg(test)]
mod tests;

pub use event::{Event, Kind, Subject};
pub use exporter::{Exporter, Request};
pub use fold::{Fold, Summary};
pub use metrics::Metrics;
pub use reporter::{Before, Reporter};
pub use text::{MAX_TEXT, clean};

/// Names of the values in filter state; Envoy puts `wasm.` before them.
pub mod filter_state {
    /// [`crate::decision::Outcome::as_str`].
    pub const VERDICT: &str = "hopguard.verdict";
    /// The stable code of the finding that names the verdict.
    pub const CAUSE: &str = "hopguard.cause";
    /// The control of that finding.
    pub const CONTROL: &str = "hopguard.control";
    /// The rule that decided.
    pub const RULE: &str = "hopguard.rule";
    /// All of them.
    pub const ALL: [&str; 4] = [VERDICT, CAUSE, CONTROL, RULE];
}
