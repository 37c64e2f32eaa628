//! Lists that are folded as they are read: what repeats takes no memory.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// What a list becomes.
pub trait Fold: Default {
    /// One of the list.
    type Entry: DeserializeOwned;
    /// What the list is of, for the error where it is none.
    const OF: &'static str;

    /// Adds one.
    ///
    /// # Errors
    /// What is wrong with it, or with so many.
    fn fold(&mut self, entry: Self::Entry) -> Result<(), &'static str>;
}

/// A list that is folded.
pub struct Folded<T>(pub T);

impl<'de, T: Fold> Deserialize<'de> for Folded<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T>(PhantomData<T>);

        impl<'de, T: Fold> Visitor<'de> for List<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of {}", T::OF)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<T, A::Error> {
                let mut folded = T::default();
                while let Some(entry) = list.next_element()? {
                    folded.fold(entry).map_err(A::Error::custom)?;
                }
                Ok(folded)
            }
        }

        deserializer.deserialize_seq(List(PhantomData)).map(Self)
    }
}
