//! What Envoy shows Prometheus, and Prometheus makes of it.

use std::collections::{BTreeMap, BTreeSet};

use hopguard::decision::{Cause, Requirement};
use hopguard::telemetry::metrics::{self, Description};

use super::query::Query;

/// The labels that Prometheus gives each target.
const OF_TARGETS: [&str; 2] = ["job", "instance"];

/// The values of a label, by its name.
type Labels = BTreeMap<String, BTreeSet<String>>;

/// The metrics of an answer of `/stats/prometheus`.
pub struct Scrape {
    metrics: BTreeMap<String, Labels>,
}

impl Scrape {
    pub fn parse(text: &str) -> Self {
        let mut metrics: BTreeMap<String, Labels> = BTreeMap::new();
        for line in text
            .lines()
            .filter(|l| !l.starts_with('#') && !l.is_empty())
        {
            let (name, rest) = line.split_once('{').unwrap_or_else(|| panic!("{line}"));
            let (labels, _) = rest.rsplit_once('}').unwrap_or_else(|| panic!("{line}"));
            let metric = metrics.entry(name.to_owned()).or_default();
            // No value of Envoy's or of ours holds a quotation mark.
            let mut pieces = labels.split('"');
            while let (Some(label), Some(value)) = (pieces.next(), pieces.next()) {
                let label = label.trim_start_matches(',').trim_end_matches('=');
                metric
                    .entry(label.to_owned())
                    .or_default()
                    .insert(value.to_owned());
            }
        }
        Self { metrics }
    }

    /// Adds what a rule records: it has all labels of what it looks at.
    pub fn record(&mut self, name: &str, query: &Query) {
        let mut labels = Labels::new();
        for metric in query.metrics() {
            for (label, values) in self.metrics.get(&metric).cloned().unwrap_or_default() {
                labels.entry(label).or_default().extend(values);
            }
        }
        self.metrics.insert(name.to_owned(), labels);
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.metrics.keys().map(String::as_str)
    }

    pub fn has(&self, metric: &str) -> bool {
        self.metrics.contains_key(metric)
    }

    /// The labels of a metric; none, where it is not there.
    pub fn labels(&self, metric: &str) -> BTreeSet<String> {
        let of_targets = OF_TARGETS.map(str::to_owned);
        let labels = self
            .metrics
            .get(metric)
            .into_iter()
            .flat_map(|m| m.keys().cloned());
        labels.chain(of_targets).collect()
    }

    /// Whether a label of this metric can have a value: it was seen, or src/telemetry says so.
    /// `x.+` stands for what begins with `x`.
    pub fn may_be(&self, metric: &str, label: &str, value: &str) -> bool {
        let is = |known: &str| match value.strip_suffix(".+") {
            Some(start) => known.starts_with(start),
            None => known == value,
        };
        let seen = self.metrics.get(metric).and_then(|m| m.get(label));
        if seen.into_iter().flatten().any(|seen| is(seen)) {
            return true;
        }
        let Some(description) = description(metric) else {
            return false;
        };
        match label {
            "cause" => Cause::ALL.iter().any(|cause| is(cause.code())),
            "control" => Requirement::ALL.iter().any(|control| is(control.as_str())),
            // Where the meaning lists them, as `this`.
            _ => description.meaning.split('`').skip(1).step_by(2).any(is),
        }
    }
}

/// Our own metric of this name, or of the one that a rule recorded.
fn description(metric: &str) -> Option<&'static Description> {
    let metric = metric.strip_prefix("instance:").unwrap_or(metric);
    let (metric, _) = metric.split_once(':').unwrap_or((metric, ""));
    metrics::ALL
        .into_iter()
        .find(|d| prometheus_name(d) == metric)
}

/// The name that Envoy gives it for Prometheus.
pub fn prometheus_name(description: &Description) -> String {
    description.name.replace('.', "_")
}
