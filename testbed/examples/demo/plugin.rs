//! hopguard in its five roles: one module and one policy, and in each worker one VM.

use std::path::PathBuf;

use hopguard_testbed::config::{HttpListener, TcpListener, Wasm};
use hopguard_testbed::{Result, wasm};
use serde_json::{Value, json};

/// The plugin under a policy.
pub struct Plugin<'a> {
    module: PathBuf,
    policy: &'a Value,
}

impl<'a> Plugin<'a> {
    pub fn new(policy: &'a Value) -> Result<Self> {
        let module = wasm::plugin_path()?;
        Ok(Self { module, policy })
    }

    /// The filter for clusters.
    pub fn upstream(&self) -> Value {
        self.role("upstream").http_filter()
    }

    /// Judges the clients of a listener, and tells of handshakes that failed and of attempts
    /// to connect that did.
    pub fn guard_http(&self, listener: HttpListener) -> HttpListener {
        let mut of_failures = self.log();
        of_failures["filter"] = json!({ "response_flag_filter": { "flags": ["UF", "UC"] } });
        listener
            .filter(self.role("downstream").http_filter())
            .upstream_logger(of_failures.clone())
            .access_logger(of_failures)
            .merge(json!({ "access_log": [self.log()] }))
    }

    /// Judges both hops of a listener's connections, and tells of those that failed.
    pub fn guard_tcp(&self, listener: TcpListener) -> TcpListener {
        listener
            .filter(self.role("network").network_filter())
            .merge(json!({ "access_log": [self.log()] }))
    }

    /// Watches Envoy's own certificates.
    pub fn posture(&self) -> Value {
        self.role("posture").singleton()
    }

    fn log(&self) -> Value {
        self.role("log").access_logger()
    }

    fn role(&self, role: &str) -> Wasm {
        Wasm::new(&self.module, role).configuration(self.policy)
    }
}
