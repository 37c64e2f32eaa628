//! What hopguard's own installation is worth.

use super::hop::{Found, Hop};
use super::rules::Rule;
use crate::envoy::{Installed, PluginProblem};
use crate::role::Role;

/// Notes what is wrong with it; whether nothing is.
pub fn note_problems(hop: &mut Hop, installed: &[Installed]) -> bool {
    let mut is_sound = true;
    for one in installed {
        for problem in &one.problems {
            let (rule, detail) = match problem {
                PluginProblem::FailsOpen => (Rule::HopguardFailsOpen, "it fails open".to_owned()),
                PluginProblem::TurnedOff(how) => (Rule::HopguardTurnedOff, how.clone()),
                PluginProblem::ReportsOnly => {
                    (Rule::HopguardReportsOnly, "mode: report".to_owned())
                }
                PluginProblem::PolicyRefused(why) => (Rule::HopguardPolicyRefused, why.clone()),
            };
            let detail = format!("role {}: {detail}", one.role.root_id());
            let is_told = |f: &Found| f.rule == rule && f.detail == detail;
            // Once for all the logs that have it.
            if !hop.found.iter().any(is_told) {
                hop.find(rule, &one.path, detail);
            }
            is_sound = false;
        }
    }
    is_sound
}

pub fn note_role(hop: &mut Hop, role: Role) {
    if !hop.roles.contains(&role) {
        hop.roles.push(role);
    }
}
