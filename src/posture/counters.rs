//! `GET /stats`: how often listeners had no staple to send.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::fold::{Fold, Folded};
use super::{AnswerError, MAX_CERTIFICATES, cut};

/// The longest name of a listener that is kept.
const MAX_NAME: usize = 256;

/// What one listener, or those of one `stat_prefix`, counted since Envoy started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Clients asked for a staple and got none.
    pub omitted: u64,
    /// Handshakes were refused for want of one.
    pub failed: u64,
}

/// The tallies by the listeners' names in the stats (`127.0.0.1_8443`, or their
/// `stat_prefix`). One that is not there has counted nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters(BTreeMap<Box<str>, Tally>);

impl Counters {
    /// Reads an answer.
    ///
    /// # Errors
    /// It is no such list, or has more than [`MAX_CERTIFICATES`] listeners.
    pub fn read(json: &[u8]) -> Result<Self, AnswerError> {
        Ok(super::read::<Stats>(json)?.stats.0)
    }

    /// How much each tally grew since an earlier look; one that fell was reset,
    /// and counted anew.
    pub fn since<'a>(&'a self, earlier: &'a Self) -> impl Iterator<Item = (&'a str, Tally)> {
        let grew = |now: u64, before: u64| now.checked_sub(before).unwrap_or(now);
        self.0.iter().map(move |(listener, now)| {
            let before = earlier.0.get(listener).copied().unwrap_or_default();
            let rise = Tally {
                omitted: grew(now.omitted, before.omitted),
                failed: grew(now.failed, before.failed),
            };
            (&**listener, rise)
        })
    }
}

impl Fold for Counters {
    type Entry = Stat;
    const OF: &'static str = "counters";

    fn fold(&mut self, stat: Stat) -> Result<(), &'static str> {
        let Some((listener, kind)) = stat.name.as_deref().and_then(split) else {
            return Ok(());
        };
        let Some(value) = stat.value.as_ref().and_then(Value::as_u64) else {
            return Err("a counter that is no number");
        };
        let listener = cut(listener, MAX_NAME);
        if self.0.len() >= MAX_CERTIFICATES && !self.0.contains_key(&listener) {
            return Err("more listeners than hopguard tells apart (4096)");
        }
        let tally = self.0.entry(listener).or_default();
        match kind {
            "omitted" => tally.omitted = value,
            "failed" => tally.failed = value,
            _ => {}
        }
        Ok(())
    }
}

/// The listener and the kind of `listener.<name>.ssl.ocsp_staple_<kind>`.
fn split(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix("listener.")?
        .rsplit_once(".ssl.ocsp_staple_")
}

#[derive(Deserialize)]
struct Stats {
    stats: Folded<Counters>,
}

/// A counter; histograms have neither.
#[derive(Deserialize)]
pub struct Stat {
    name: Option<String>,
    value: Option<Value>,
}
