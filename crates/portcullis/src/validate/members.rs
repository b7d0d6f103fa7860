//! Whether a type has members with names.
//!
//! serde reads such a type from an array too, member by member in their order: a second way to say the same, without
//! names, that no document knows.

use std::cell::Cell;

use serde::de::value::Error;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

/// Whether `T` asks to be read as a structure. It is told nothing, and so it is not made.
pub(super) fn are_named_by<T: DeserializeOwned>() -> bool {
    let named = Cell::new(false);
    // The error is what stops it.
    let _ = <T as Deserialize<'_>>::deserialize(Probe(&named));
    named.get()
}

struct Probe<'p>(&'p Cell<bool>);

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("nothing is read"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.set(true);
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only asked how it is read")]
    struct Named {
        name: Option<String>,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only asked how it is read")]
    struct Pair(u8, u8);

    #[test]
    fn structures_are_told_from_lists() {
        assert!(are_named_by::<Named>());
        assert!(!are_named_by::<Vec<Named>>());
        assert!(!are_named_by::<Pair>());
        assert!(!are_named_by::<serde_json::Value>());
    }
}
