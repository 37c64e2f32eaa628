//! The SDK's side of the plugin: root contexts, and how they are configured.

use proxy_wasm::traits::{Context, RootContext};
use proxy_wasm::types::LogLevel;

use super::base::seconds;
use super::role::{Place, Role};
use super::seen::Seen;
use super::streams;
use crate::config;
use crate::decision::{Direction, Policy};
use crate::host::envoy::{self, Envoy};
use crate::host::{Host, Level, attributes};
use crate::telemetry::{Metrics, metrics};

/// Registers the contexts: the module's entry point.
pub fn register() {
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|id| Box::new(Root { id }));
    envoy::take_callbacks(streams::CALLBACKS);
}

thread_local! {
    /// One for all roles of the VM.
    static SEEN: Seen = Seen::default();
}

struct Root {
    id: u32,
}

impl Root {
    fn configure(&self, size: usize) -> Result<Role, String> {
        let host = Envoy::new(self.id);
        let root_id = host
            .property(attributes::PLUGIN_ROOT_ID)
            .unwrap_or_default();
        let name = String::from_utf8_lossy(&root_id);
        let place = Place::of(&root_id).ok_or_else(|| {
            format!(
                "root_id: {name:?} is no role; use \"downstream\", \"upstream\", \"network\", \"log\" or \"posture\""
            )
        })?;
        let now = seconds(host.now_nanos());
        // A policy over the limit is refused by its size alone, unread.
        let json = if size > config::MAX_BYTES {
            return Err(format!(
                "the policy is refused: it has {size} bytes, more than {}",
                config::MAX_BYTES
            ));
        } else {
            envoy::plugin_configuration(size)
        };
        let policy = config::parse(&json, now).map_err(|e| e.to_string())?;
        let mut rules = 0;
        for direction in place.directions() {
            warn_of_ended_waivers(&host, &policy, *direction, now);
            rules += policy.rules(*direction).iter().count().saturating_sub(1);
        }
        let role = Role::new(place, self.id, policy, SEEN.with(Seen::clone))
            .map_err(|reason| format!("the policy is refused: {reason}"))?;
        let version = env!("CARGO_PKG_VERSION");
        let what = match place {
            Place::Posture => "policy".to_owned(),
            _ => format!("policy with {rules} rules"),
        };
        let offers = envoy::offers::told(&host);
        host.log(
            Level::Info,
            &format!("hopguard {version}: {name} {what}; host: {offers}"),
        );
        Ok(role)
    }
}

/// A waiver past its day is no mistake of the policy, or a restart would turn it
/// into an outage of everything; but whoever loads it should know.
fn warn_of_ended_waivers(host: &Envoy, policy: &Policy, direction: Direction, now: i64) {
    for rule in policy.rules(direction).iter() {
        for waiver in rule.waivers.iter().filter(|w| w.ends <= now) {
            let line = format!(
                "hopguard: {} rule {:?}: its waiver ended with {} and waives nothing any more",
                direction.as_str(),
                rule.name,
                waiver.until
            );
            host.log(Level::Warn, &line);
        }
    }
}

impl Context for Root {}

// The SDK drops a context when Envoy deletes it. `proxy_on_done` comes right
// before that and would say no more, but cost every request a callback: the
// module does not export it.
impl Drop for Root {
    fn drop(&mut self) {
        if let Some(role) = streams::remove_role(self.id) {
            role.on_shutdown();
        }
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        let host = Envoy::new(self.id);
        let count = |result| {
            Metrics::default().add(&host, &metrics::CONFIGURATIONS, &[result], 1);
        };
        match self.configure(size) {
            Ok(role) => {
                count("accepted");
                envoy::wake::offer_echo();
                role.begin(envoy::wake::is_main());
                streams::insert_role(self.id, role);
                true
            }
            Err(reason) => {
                count("rejected");
                host.log(Level::Error, &format!("hopguard: {reason}"));
                false
            }
        }
    }

    fn on_queue_ready(&mut self, queue: u32) {
        match streams::role_of(self.id) {
            Some(role) if role.is_wake(queue) => {
                envoy::wake::acknowledge(queue);
                role.on_wake(self.id);
            }
            _ => envoy::wake::echo(queue),
        }
    }
}
