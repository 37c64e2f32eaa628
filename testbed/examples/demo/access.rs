//! Envoy's own access logs: how a case ended, and what events of it are known by.

use hopguard_testbed::Result;
use hopguard_testbed::config::stdout_log;
use hopguard_testbed::envoy::Envoy;
use serde_json::Value;

/// A line of one of the access logs below.
pub struct Access {
    /// The request's id, or the listener's name.
    pub name: String,
    /// Envoy's number of the client's connection: each case has one of its own.
    pub connection: u64,
    /// hopguard's, or `-`.
    pub verdict: String,
    /// Whether it was hopguard that answered a request.
    pub is_denial: bool,
}

/// Logs requests, by their id.
pub fn of_requests() -> Value {
    log("%REQ(X-REQUEST-ID)%")
}

/// Logs connections, by their listener.
pub fn of_connections() -> Value {
    log("%FILTER_CHAIN_NAME%")
}

fn log(name: &str) -> Value {
    stdout_log(&format!(
        "DEMO {name} %CONNECTION_ID% %RESPONSE_CODE_DETAILS% \
         %FILTER_STATE(wasm.hopguard.verdict:PLAIN)%"
    ))
}

impl Access {
    /// Waits for the line of a request or listener.
    pub async fn wait(envoy: &Envoy, name: &str) -> Result<Self> {
        let start = format!("DEMO {name} ");
        let line = envoy.wait_for_log(|line| line.starts_with(&start)).await?;
        let mut words = line.split_whitespace().skip(2);
        let mut next = || words.next().unwrap_or("-");
        Ok(Self {
            name: name.to_owned(),
            connection: next().parse().unwrap_or(0),
            is_denial: next() == "hopguard_denied",
            verdict: next().to_owned(),
        })
    }
}
