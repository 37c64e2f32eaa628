//! Waivers.

use super::error::ConfigError;
use super::wire;
use crate::decision::{Requirement, Waiver, end_of_day};

/// The waivers of a rule, at `path`.
pub fn waivers(path: &str, list: &[wire::Waiver]) -> Result<Vec<Waiver>, ConfigError> {
    list.iter()
        .enumerate()
        .map(|(index, w)| waiver(&format!("{path}[{index}]"), w))
        .collect()
}

fn waiver(path: &str, waiver: &wire::Waiver) -> Result<Waiver, ConfigError> {
    if waiver.controls.is_empty() {
        return Err(ConfigError::new(
            format!("{path}.controls"),
            "it waives nothing",
        ));
    }
    let controls = waiver
        .controls
        .iter()
        .enumerate()
        .map(|(index, text)| match Requirement::parse(text) {
            Some(
                r @ (Requirement::V9_2_1
                | Requirement::V9_2_2
                | Requirement::V9_2_3
                | Requirement::V9_2_4),
            ) => Ok(r),
            _ => Err(ConfigError::new(
                format!("{path}.controls[{index}]"),
                format!("{text:?} cannot be waived; use \"V9.2.1\", \"V9.2.2\", \"V9.2.3\" or \"V9.2.4\""),
            )),
        })
        .collect::<Result<_, _>>()?;
    if waiver.reason.trim().is_empty() {
        return Err(ConfigError::new(
            format!("{path}.reason"),
            "it gives no reason",
        ));
    }
    let ends = end_of_day(&waiver.until).ok_or_else(|| {
        ConfigError::new(
            format!("{path}.until"),
            format!("{:?} is no day of the form YYYY-MM-DD", waiver.until),
        )
    })?;
    Ok(Waiver {
        controls,
        reason: waiver.reason.as_str().into(),
        until: waiver.until.as_str().into(),
        ends,
    })
}
