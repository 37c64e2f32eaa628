//! The SDK's side of the plugin: contexts that hand each callback to the
//! [`Guard`] of their root.

use std::cell::RefCell;
use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};

use super::base::seconds;
use super::guard::{Guard, Step};
use crate::config;
use crate::decision::{Direction, Policy};
use crate::host::envoy::{self, Envoy, HostSignatures};
use crate::host::{Host, Level, attributes};
use crate::telemetry::{Metrics, metrics};

type Shared = Rc<RefCell<Guard<Envoy>>>;

/// Registers the contexts with the SDK: the module's entry point.
pub fn register() {
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|id| Box::new(Root { id, guard: None }));
}

struct Root {
    id: u32,
    guard: Option<Shared>,
}

impl Root {
    fn configure(&self, size: usize) -> Result<Guard<Envoy>, String> {
        let host = Envoy::new(self.id);
        let root_id = host
            .property(attributes::PLUGIN_ROOT_ID)
            .unwrap_or_default();
        let direction = match root_id.as_slice() {
            b"downstream" => Direction::Downstream,
            b"upstream" => Direction::Upstream,
            other => {
                return Err(format!(
                    "root_id: {:?} is no role; use \"downstream\" or \"upstream\"",
                    String::from_utf8_lossy(other)
                ));
            }
        };
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
        if direction == Direction::Downstream {
            envoy::note_downstream_role();
        }
        warn_of_ended_waivers(&host, &policy, direction, now);
        let rules = policy.rules(direction).iter().count().saturating_sub(1);
        host.log(
            Level::Info,
            &format!(
                "hopguard {}: {} policy with {rules} rules",
                env!("CARGO_PKG_VERSION"),
                direction.as_str()
            ),
        );
        Ok(Guard::new(
            host,
            self.id,
            direction,
            policy,
            Box::new(HostSignatures),
        ))
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
        if let Some(guard) = &self.guard
            && let Ok(mut guard) = guard.try_borrow_mut()
        {
            guard.on_shutdown();
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
            Ok(guard) => {
                count("accepted");
                envoy::wake::offer_echo();
                self.guard = Some(Rc::new(RefCell::new(guard)));
                true
            }
            Err(reason) => {
                count("rejected");
                host.log(Level::Error, &format!("hopguard: {reason}"));
                false
            }
        }
    }

    fn on_tick(&mut self) {
        if let Some(guard) = &self.guard
            && let Ok(mut guard) = guard.try_borrow_mut()
        {
            guard.on_tick();
        }
    }

    fn on_queue_ready(&mut self, queue: u32) {
        if let Some(guard) = &self.guard
            && let Ok(mut guard) = guard.try_borrow_mut()
            && guard.host().is_wake(queue)
        {
            envoy::wake::acknowledge(queue);
            guard.on_wake();
        } else {
            envoy::wake::echo(queue);
        }
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream {
            id,
            guard: self.guard.clone(),
            waits: false,
        }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Stream {
    id: u32,
    guard: Option<Shared>,
    waits: bool,
}

impl Context for Stream {}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.waits
            && let Some(guard) = &self.guard
            && let Ok(mut guard) = guard.try_borrow_mut()
        {
            guard.on_upstream_done(self.id);
        }
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        // A root without a policy never gets streams, and no callback runs
        // inside another; should the host do either, nothing goes through.
        let Some(Ok(mut guard)) = self.guard.as_ref().map(|g| g.try_borrow_mut()) else {
            return Action::Pause;
        };
        let step = match guard.direction() {
            Direction::Downstream => guard.on_downstream_request(),
            Direction::Upstream => {
                let step = guard.on_upstream_request(self.id);
                self.waits = step == Step::Stop;
                step
            }
        };
        match step {
            Step::Continue => Action::Continue,
            Step::Stop => Action::Pause,
        }
    }
}
