//! Waivers.

use super::error::{ConfigError, Errors, all};
use super::wire;
use crate::decision::{Requirement, Waiver, end_of_day};

/// The waivers of a rule, at `path`.
pub fn waivers(path: &str, list: &[wire::Waiver], errors: &mut Errors) -> Option<Vec<Waiver>> {
    let list = list.iter().enumerate();
    all(list.map(|(index, w)| waiver(&format!("{path}[{index}]"), w, errors)))
}

fn waiver(path: &str, waiver: &wire::Waiver, errors: &mut Errors) -> Option<Waiver> {
    let controls = controls(&format!("{path}.controls"), &waiver.controls, errors);
    let has_reason = !waiver.reason.trim().is_empty();
    let reason = has_reason.then(|| waiver.reason.as_str().into());
    if !has_reason {
        errors.add(ConfigError::new(
            format!("{path}.reason"),
            "it gives no reason",
        ));
    }
    let ends = errors.note(end_of_day(&waiver.until).ok_or_else(|| {
        ConfigError::new(
            format!("{path}.until"),
            format!("{:?} is no day of the form YYYY-MM-DD", waiver.until),
        )
    }));
    Some(Waiver {
        controls: controls?,
        reason: reason?,
        until: waiver.until.as_str().into(),
        ends: ends?,
    })
}

fn controls(path: &str, list: &[String], errors: &mut Errors) -> Option<Vec<Requirement>> {
    if list.is_empty() {
        errors.add(ConfigError::new(path, "it waives nothing"));
        return None;
    }
    let control = |(index, text): (usize, &String)| match Requirement::parse(text) {
        Some(
            r @ (Requirement::V9_2_1
            | Requirement::V9_2_2
            | Requirement::V9_2_3
            | Requirement::V9_2_4),
        ) => Some(r),
        _ => {
            errors.add(ConfigError::new(
                format!("{path}[{index}]"),
                format!(
                    "{text:?} cannot be waived; use \"V9.2.1\", \"V9.2.2\", \"V9.2.3\" or \"V9.2.4\""
                ),
            ));
            None
        }
    };
    all(list.iter().enumerate().map(control))
}
