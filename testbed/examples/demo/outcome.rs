//! What came of a case, from what the client, the server, Envoy's access log
//! and hopguard's events say.

use serde_json::Value;

use crate::about::About;
use crate::access::Access;
use crate::expected::{Answer, BY_ENVOY};

/// What the client, the server and the access log say.
pub struct Visit {
    pub answer: Answer,
    pub access: Access,
    /// Bytes of the client's words that the server received.
    pub bytes: u64,
}

/// What came of a case.
#[derive(Debug)]
pub struct Outcome {
    pub answer: Answer,
    pub verdict: String,
    pub bytes: u64,
    /// `error.type` and `hopguard.control` of each event.
    pub events: Vec<[String; 2]>,
}

impl Outcome {
    pub fn new(visit: Visit, events: &[Value]) -> Self {
        let Visit {
            answer,
            access,
            bytes,
        } = visit;
        let is_envoys_own = match answer {
            Answer::Status(status) => status >= 400 && !access.is_denial,
            _ => access.verdict == "-",
        };
        let text = |event: &Value, field: &str| event[field].as_str().unwrap_or("?").to_owned();
        Self {
            answer,
            verdict: if is_envoys_own {
                BY_ENVOY.to_owned()
            } else {
                access.verdict
            },
            bytes,
            events: events
                .iter()
                .map(|e| [text(e, "error.type"), text(e, "hopguard.control")])
                .collect(),
        }
    }

    /// What differs from what was expected, in words.
    pub fn differences(&self, about: &About) -> Vec<String> {
        let expected = &about.expected;
        let mut differences = Vec::new();
        let mut compare = |what: &str, expected: String, got: String| {
            if expected != got {
                differences.push(format!("{what}: expected {expected}, got {got}"));
            }
        };
        let answers = [expected.answer, self.answer].map(|answer| answer.to_string());
        let [wanted, got] = answers;
        compare("client", wanted, got);
        compare("verdict", expected.verdict.to_owned(), self.verdict.clone());
        let some = |some: bool| if some { "some" } else { "0" }.to_owned();
        compare("bytes", some(expected.arrives), some(self.bytes > 0));
        let wanted: Vec<_> = expected
            .cause
            .iter()
            .map(|cause| format!("{cause} ({})", about.control))
            .collect();
        let got: Vec<_> = self
            .events
            .iter()
            .map(|[cause, control]| format!("{cause} ({control})"))
            .collect();
        compare("events", format!("{wanted:?}"), format!("{got:?}"));
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
