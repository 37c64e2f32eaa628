//! Rules that never match, waivers that end, and what is only reported.

use std::rc::Rc;

use hopguard::decision::{Direction, Network, Policy, Rule, Selector, WaiverState};
use hopguard::trust::glob::Glob;
use serde_json::Value;

use super::super::{PolicyFile, Problem};
use crate::moment;

pub fn warn(file: &PolicyFile, policy: &Policy, now: i64, problems: &mut Vec<Problem>) {
    if file.document.get("mode").and_then(Value::as_str) == Some("report") {
        problems.push(file.warning(
            "report_mode",
            "mode".to_owned(),
            "connections that are found wanting are let through, except where a rule says enforce"
                .to_owned(),
        ));
    }
    for direction in [Direction::Downstream, Direction::Upstream] {
        let rules: Vec<&Rc<Rule>> = policy.rules(direction).iter().collect();
        // The last is the strict default, which matches what is left.
        let Some((_, rules)) = rules.split_last() else {
            continue;
        };
        for (index, rule) in rules.iter().enumerate() {
            let path = format!("{}[{index}]", direction.as_str());
            let earlier = rules
                .iter()
                .take(index)
                .position(|earlier| covers(&earlier.selector, &rule.selector));
            if let Some((position, earlier)) =
                earlier.and_then(|position| Some((position, rules.get(position)?)))
            {
                let message = format!(
                    "rule {} never matches: {}[{position}], {}, matches all that it would",
                    rule.name,
                    direction.as_str(),
                    earlier.name
                );
                problems.push(file.warning("rule_never_matches", path.clone(), message));
            }
            let mode = format!("/{}/{index}/mode", direction.as_str());
            if file.document.pointer(&mode).and_then(Value::as_str) == Some("report") {
                let message = format!("what rule {} finds wanting is let through", rule.name);
                problems.push(file.warning("report_mode", format!("{path}.mode"), message));
            }
            waivers(file, &path, rule, now, problems);
        }
    }
}

fn waivers(file: &PolicyFile, path: &str, rule: &Rule, now: i64, problems: &mut Vec<Problem>) {
    for (index, waiver) in rule.waivers.iter().enumerate() {
        let (code, end) = match waiver.state(now) {
            WaiverState::Active => continue,
            WaiverState::NearEnd => ("waiver_ends_soon", "ends"),
            WaiverState::Expired => ("waiver_ended", "waives nothing: it ended"),
        };
        let message = format!(
            "the waiver of rule {} ({}) {end} with {}, {}",
            rule.name,
            waiver.reason,
            waiver.until,
            moment::distance(now, waiver.ends)
        );
        problems.push(file.warning(code, format!("{path}.waive[{index}].until"), message));
    }
}

/// Whether a rule with the one selector leaves nothing for the other.
fn covers(wide: &Selector, narrow: &Selector) -> bool {
    let globs = |wide: &[Glob], narrow: &[Glob]| lists_cover(wide, narrow, Glob::covers);
    globs(&wide.clusters, &narrow.clusters)
        && globs(&wide.listeners, &narrow.listeners)
        && globs(&wide.filter_chains, &narrow.filter_chains)
        && globs(&wide.server_names, &narrow.server_names)
        && globs(&wide.hosts, &narrow.hosts)
        && globs(&wide.paths, &narrow.paths)
        && lists_cover(&wide.addresses, &narrow.addresses, Network::covers)
}

/// An empty list fits everything, also where the fact is not known; which no
/// pattern does.
fn lists_cover<T>(wide: &[T], narrow: &[T], covers: impl Fn(&T, &T) -> bool) -> bool {
    wide.is_empty()
        || !narrow.is_empty() && narrow.iter().all(|n| wide.iter().any(|w| covers(w, n)))
}
