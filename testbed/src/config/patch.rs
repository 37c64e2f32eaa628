//! The way out of every builder: change the JSON that it makes.

use std::sync::Arc;

use serde_json::Value;

/// Changes to a piece of configuration, applied in order when it is built.
#[derive(Clone, Default)]
pub(super) struct Patches(Vec<Arc<Patch>>);

type Patch = dyn Fn(&mut Value) + Send + Sync;

impl Patches {
    pub(super) fn push(&mut self, patch: impl Fn(&mut Value) + Send + Sync + 'static) {
        self.0.push(Arc::new(patch));
    }

    pub(super) fn apply(&self, mut value: Value) -> Value {
        for patch in &self.0 {
            patch(&mut value);
        }
        value
    }
}

/// Objects are merged, field by field; anything else is replaced.
pub(super) fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// Gives a builder with a field `patches` the methods `merge` and `patch`.
macro_rules! patchable {
    ($builder:ty) => {
        impl $builder {
            /// Merges this JSON into what is built: objects field by field, all else replaced.
            pub fn merge(self, json: serde_json::Value) -> Self {
                self.patch(move |built| $crate::config::patch::merge(built, json.clone()))
            }

            /// Changes the JSON that is built.
            pub fn patch(
                mut self,
                patch: impl Fn(&mut serde_json::Value) + Send + Sync + 'static,
            ) -> Self {
                self.patches.push(patch);
                self
            }
        }
    };
}
pub(super) use patchable;
