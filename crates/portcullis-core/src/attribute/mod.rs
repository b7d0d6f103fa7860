//! Attributes of a program's own on accounts, such as a department: declared once as a constant, typed, and shown to policies
//! and in tokens only where that is asked for.
//!
//! ```
//! use portcullis_core::attribute::Attribute;
//!
//! const DEPARTMENT: Attribute<String> = Attribute::new("department").in_policies().in_tokens();
//! const LEVEL: Attribute<i64> = Attribute::new("level");
//! ```
//!
//! Invariant: an attribute whose stored value is of another type than it is declared with isn't there (`T227`).
//!
//! **Deliberately absent:** attributes that nobody declared, and defaults.

mod account;
mod declared;
mod value;

use std::marker::PhantomData;

pub use self::account::{AttributeChange, Attributes, InvalidValue};
pub use self::declared::{Declared, InvalidAttribute, RESERVED};
pub use self::value::{AttributeValue, Held, Kind, LONGEST_TEXT, MOST_BYTES, MOST_TEXTS};

/// An attribute that accounts may have, with a value of the type `T`: `String`, `i64`, `bool` or `BTreeSet<String>`.
pub struct Attribute<T> {
    definition: Definition,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Attribute<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Attribute<T> {}

impl<T> std::fmt::Debug for Attribute<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.definition.fmt(f)
    }
}

impl<T: Held> Attribute<T> {
    /// An attribute of this name: a lower-case letter, then up to 63 lower-case letters, digits and `_`. Nobody sees it but
    /// the program.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            definition: Definition {
                name,
                kind: T::KIND,
                in_policies: false,
                in_tokens: false,
            },
            of: PhantomData,
        }
    }

    /// The same, which policies may name: `principal has department && principal.department == "sales"`. Whoever sets it
    /// decides then what the account may do.
    #[must_use]
    pub const fn in_policies(mut self) -> Self {
        self.definition.in_policies = true;
        self
    }

    /// The same, which access tokens carry as a claim of this name, as it is when they are issued.
    #[must_use]
    pub const fn in_tokens(mut self) -> Self {
        self.definition.in_tokens = true;
        self
    }

    /// The change that gives an account this value.
    pub fn set(self, value: impl Into<T>) -> AttributeChange {
        AttributeChange {
            name: self.definition.name,
            value: Some(value.into().hold()),
        }
    }

    /// The change that takes the attribute from an account.
    pub fn clear(self) -> AttributeChange {
        AttributeChange {
            name: self.definition.name,
            value: None,
        }
    }
}

impl<T> Attribute<T> {
    /// The attribute as data.
    #[must_use]
    pub const fn definition(self) -> Definition {
        self.definition
    }
}

impl<T> From<Attribute<T>> for Definition {
    fn from(attribute: Attribute<T>) -> Self {
        attribute.definition
    }
}

/// An attribute as data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition {
    /// Its name: in policies, as a claim and in answers.
    pub name: &'static str,
    /// Of which type its values are.
    pub kind: Kind,
    /// Whether policies may name it.
    pub in_policies: bool,
    /// Whether access tokens carry it.
    pub in_tokens: bool,
}

#[cfg(test)]
mod tests;
