//! Where hopguard is installed.

use hopguard::config;
use hopguard::decision::{Direction, Enforcement, Policy};
use serde_json::Value;

use super::{At, is_type};
use crate::role::Role;

/// hopguard, in one place of the configuration.
#[derive(Debug)]
pub struct Installed {
    pub role: Role,
    pub path: String,
    pub problems: Vec<Problem>,
}

/// Why it does not guard.
#[derive(Debug, PartialEq, Eq)]
pub enum Problem {
    FailsOpen,
    /// And where.
    TurnedOff(String),
    ReportsOnly,
    /// And why.
    PolicyRefused(String),
}

/// What is said of a filter that is off where no route turns it on.
pub const DISABLED: &str = "disabled: true";

/// What is installed by an extension's `typed_config`; `None` where that is not
/// hopguard.
pub fn installed(extension: &At<'_>, now: i64) -> Option<Installed> {
    let (kind, typed) = extension.any("typed_config")?;
    let is_wasm = ["Wasm", "WasmAccessLog", "WasmService"]
        .iter()
        .any(|last| is_type(&kind, last));
    let config = typed.get("config").filter(|_| is_wasm)?;
    let root_id = config.text("root_id").unwrap_or_default();
    let role = Role::ALL.into_iter().find(|r| r.root_id() == root_id)?;
    let document = policy_document(&config);
    let checked = document.as_ref().map(|d| config::check(d, now));
    let is_ours = names_hopguard(&config) || matches!(checked, Some(Ok(_)));
    if !is_ours {
        return None;
    }
    let mut problems = Vec::new();
    let names = ["UNSPECIFIED", "FAIL_RELOAD", "FAIL_CLOSED", "FAIL_OPEN"];
    let policy = config.one_of("failure_policy", &names);
    if config.is_on("fail_open") || policy.as_deref() == Some("FAIL_OPEN") {
        problems.push(Problem::FailsOpen);
    }
    if extension.is_on("disabled") {
        problems.push(Problem::TurnedOff(DISABLED.to_owned()));
    }
    match checked {
        Some(Ok(policy)) if reports_only(&policy, role) => problems.push(Problem::ReportsOnly),
        Some(Ok(_)) => {}
        Some(Err(errors)) => {
            let first = errors.first().map(|e| format!("{}: {}", e.path, e.message));
            problems.push(Problem::PolicyRefused(first.unwrap_or_default()));
        }
        None => problems.push(Problem::PolicyRefused("there is none".to_owned())),
    }
    Some(Installed {
        role,
        path: extension.path.clone(),
        problems,
    })
}

/// What a route, a virtual host or a route configuration says of a filter of this
/// name (`typed_per_filter_config`): whether it is on.
fn says(at: &At<'_>, filter: &str) -> Option<bool> {
    let all = at.get("typed_per_filter_config")?;
    let own = all.entries().into_iter().find(|(name, _)| *name == filter);
    let (kind, config) = own?.1.unpacked();
    Some(!(is_type(&kind, "FilterConfig") && config.is_on("disabled")))
}

/// The first place of a route configuration that turns off a filter of this name.
pub fn turned_off(routes: &At<'_>, filter: &str) -> Option<String> {
    let hosts = routes.list("virtual_hosts");
    let below = hosts.iter().flat_map(|host| host.list("routes"));
    let mut all = [routes.clone()]
        .into_iter()
        .chain(hosts.clone())
        .chain(below);
    let place = all.find(|at| says(at, filter) == Some(false))?;
    Some(format!("{}.typed_per_filter_config", place.path))
}

/// Whether all of a route configuration's routes turn on a filter of this name.
pub fn turned_on(routes: &At<'_>, filter: &str) -> bool {
    let is_on = |at: &At<'_>| says(at, filter) == Some(true);
    let all_on = |host: &At<'_>| {
        let below = host.list("routes");
        !below.is_empty() && below.iter().all(is_on)
    };
    let hosts = routes.list("virtual_hosts");
    is_on(routes) || !hosts.is_empty() && hosts.iter().all(|h| is_on(h) || all_on(h))
}

/// Whether the strict default of the role's directions only reports.
fn reports_only(policy: &Policy, role: Role) -> bool {
    let directions: &[Direction] = match role {
        Role::Downstream => &[Direction::Downstream],
        Role::Upstream => &[Direction::Upstream],
        Role::Network => &[Direction::Downstream, Direction::Upstream],
        Role::Log | Role::Posture => &[],
    };
    directions.iter().any(|direction| {
        let (_, rule) = policy.rules(*direction).default_rule();
        rule.enforcement == Enforcement::Report
    })
}

fn names_hopguard(config: &At<'_>) -> bool {
    let is_ours =
        |at: Option<At<'_>>| at.is_some_and(|at| at.value.to_string().contains("hopguard"));
    is_ours(config.get("name")) || is_ours(config.get("vm_config"))
}

/// The policy that the plugin gets.
fn policy_document(config: &At<'_>) -> Option<Value> {
    let configuration = config.get("configuration")?;
    match configuration.get("value")?.value {
        Value::String(text) => serde_json::from_str(text).ok(),
        document => Some(document.clone()),
    }
}
