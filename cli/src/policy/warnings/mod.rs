//! What is worth knowing of a policy that is right.

mod material;
mod rules;

use hopguard::decision::Policy;
use serde_json::Value;

use super::{PolicyFile, Problem};

/// All warnings. Certificates and CRLs that end within so many days are told.
pub fn all(file: &PolicyFile, policy: &Policy, now: i64, days: u32) -> Vec<Problem> {
    let mut problems = Vec::new();
    rules::warn(file, policy, now, &mut problems);
    material::warn(file, policy, now, days, &mut problems);
    problems
}

/// The texts of a list of the document; none where there is no such list.
fn texts<'v>(document: &'v Value, pointer: &str) -> impl Iterator<Item = &'v str> {
    list(document, pointer).iter().filter_map(Value::as_str)
}

/// A list of the document; empty where there is none.
fn list<'v>(document: &'v Value, pointer: &str) -> &'v [Value] {
    let list = document.pointer(pointer).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}
