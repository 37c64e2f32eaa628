//! Structs that are read from objects alone.
//!
//! What `#[derive(Deserialize)]` makes of a struct also takes a list of its
//! fields' values: `"require": []` would be read as `"require": {}`, and
//! `[1, "report"]` as a policy.

use serde::de::{Deserializer, Visitor};
use serde::forward_to_deserialize_any;

/// Reads a map, whatever is asked for.
pub struct Object<D>(pub D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Object<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.0.deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string
        bytes byte_buf option unit unit_struct newtype_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

/// Implements `Deserialize` for structs that derive it with
/// `#[serde(remote = "Self")]`, which makes a function of the derived code.
macro_rules! objects {
    ($($name:ident),* $(,)?) => {$(
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::deserialize($crate::config::object::Object(deserializer))
            }
        }
    )*};
}

pub(super) use objects;
