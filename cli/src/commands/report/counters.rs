//! hopguard's counters of decisions, as `/stats` of the admin interface shows them.

use std::collections::BTreeMap;
use std::path::Path;

use crate::policy::read_text;
use crate::reply::Failure;

/// Bytes of a capture: a proxy with many clusters shows some 10 MB.
const MAX_FILE: u64 = 64 << 20;

/// Decisions by verdict and control.
pub type Decisions = BTreeMap<(String, String), u64>;

/// Reads a capture: lines of `name: value`.
///
/// # Errors
/// It cannot be read, or has no such counter.
pub fn read(path: &Path) -> Result<Decisions, Failure> {
    let text = read_text(path, MAX_FILE)?;
    let mut decisions = Decisions::new();
    for line in text.lines() {
        if let Some((verdict, control, count)) = decision(line) {
            let sum: &mut u64 = decisions.entry((verdict, control)).or_default();
            *sum = sum.saturating_add(count);
        }
    }
    if decisions.is_empty() {
        let reason =
            "there is no hopguard.decisions in it; give what /stats of the admin interface shows";
        return Err(Failure(format!("{}: {reason}", path.display())));
    }
    Ok(decisions)
}

/// `….hopguard.direction.=.upstream;.verdict.=.deny;.control.=.…;.decisions: 3`
fn decision(line: &str) -> Option<(String, String, u64)> {
    let (name, count) = line.rsplit_once(": ")?;
    let labels = name.strip_suffix(";.decisions")?;
    let (_, labels) = labels.split_once("hopguard.direction.=.")?;
    let of = |label: &str| {
        let mut pairs = labels.split(";.").filter_map(|pair| pair.split_once(".=."));
        pairs
            .find(|(name, _)| *name == label)
            .map(|(_, value)| value.to_owned())
    };
    Some((of("verdict")?, of("control")?, count.trim().parse().ok()?))
}
