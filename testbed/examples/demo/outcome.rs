//! What came of a case, from what the client, the server, Envoy's access log
//! and hopguard's events say.

use serde_json::Value;

use crate::case::Case;

/// The verdict of a request that hopguard let go and Envoy could not deliver.
pub const BY_ENVOY: &str = "by Envoy";

/// The format of the access log that [`Outcome::new`] reads.
pub const ACCESS_LOG: &str = "DEMO %REQ(X-REQUEST-ID)% %RESPONSE_CODE_DETAILS% \
    %FILTER_STATE(wasm.hopguard.verdict:PLAIN)%";

/// What came of a case.
#[derive(Debug)]
pub struct Outcome {
    pub status: u16,
    pub verdict: String,
    /// Bytes of the request that the server received.
    pub bytes: usize,
    /// `error.type` and `hopguard.control` of each event.
    pub events: Vec<[String; 2]>,
}

impl Outcome {
    /// `access` is the request's line in the access log.
    pub fn new(status: u16, access: &str, bytes: usize, events: &[Value]) -> Self {
        let mut words = access.split_whitespace().skip(2);
        let details = words.next().unwrap_or("-");
        let verdict = words.next().unwrap_or("-");
        let envoys_own = status >= 400 && details != "hopguard_denied";
        let text = |event: &Value, field: &str| event[field].as_str().unwrap_or("?").to_owned();
        Self {
            status,
            verdict: if envoys_own { BY_ENVOY } else { verdict }.to_owned(),
            bytes,
            events: events
                .iter()
                .map(|e| [text(e, "error.type"), text(e, "hopguard.control")])
                .collect(),
        }
    }

    /// What differs from what was expected, in words.
    pub fn differences(&self, case: &Case) -> Vec<String> {
        let expected = &case.expected;
        let mut differences = Vec::new();
        let mut compare = |what: &str, expected: String, got: String| {
            if expected != got {
                differences.push(format!("{what}: expected {expected}, got {got}"));
            }
        };
        compare(
            "status",
            expected.status.to_string(),
            self.status.to_string(),
        );
        compare("verdict", expected.verdict.to_owned(), self.verdict.clone());
        let some = |some: bool| if some { "some" } else { "0" }.to_owned();
        compare("bytes", some(expected.arrives), some(self.bytes > 0));
        let expected: Vec<_> = expected
            .cause
            .iter()
            .map(|cause| format!("{cause} ({})", case.control))
            .collect();
        let got: Vec<_> = self
            .events
            .iter()
            .map(|[cause, control]| format!("{cause} ({control})"))
            .collect();
        compare("events", format!("{expected:?}"), format!("{got:?}"));
        differences
    }

    /// The causes of the events, or `-`.
    pub fn causes(&self) -> String {
        if self.events.is_empty() {
            return "-".to_owned();
        }
        let causes: Vec<_> = self
            .events
            .iter()
            .map(|[cause, _]| cause.as_str())
            .collect();
        causes.join(", ")
    }
}

/// The event in a line of Envoy's log, if it has one.
pub fn event(line: &str) -> Option<Value> {
    let json = line.get(line.find("{\"timestamp\"")?..)?;
    serde_json::from_str(json).ok()
}
