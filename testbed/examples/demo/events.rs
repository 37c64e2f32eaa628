//! The events that hopguard writes to Envoy's log.

use hopguard_testbed::Result;
use hopguard_testbed::envoy::Envoy;
use serde_json::Value;

use crate::access::Access;

/// All events, once the log has as many as the plugin has counted.
pub async fn all(envoy: &Envoy) -> Result<Vec<Value>> {
    let counters = envoy.stats("wasmcustom.hopguard.result").await?;
    let written: u64 = counters
        .iter()
        .filter(|(name, _)| name.ends_with(".events"))
        .map(|(_, count)| count)
        .sum();
    let mut seen = 0;
    if written > 0 {
        envoy
            .wait_for_log(|line| {
                seen += u64::from(event(line).is_some());
                seen >= written
            })
            .await?;
    }
    Ok(envoy.logs().iter().filter_map(|l| event(l)).collect())
}

/// Takes those of one request or connection out.
pub fn take(events: &mut Vec<Value>, access: &Access) -> Vec<Value> {
    events
        .extract_if(.., |event| {
            let request = &event["hopguard.request.id"];
            match request.as_str() {
                Some(id) => id == access.name,
                None => event["hopguard.connection.id"] == access.connection,
            }
        })
        .collect()
}

/// The event in a line of Envoy's log, if it has one.
fn event(line: &str) -> Option<Value> {
    let json = line.get(line.find("{\"timestamp\"")?..)?;
    serde_json::from_str(json).ok()
}
