//! Why a type's schema can't be checked.

use std::fmt;

/// What is wrong with a declaration: a fault of the program, told when its router is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// The name of the type whose schema it is.
    pub(crate) name: &'static str,
    /// Where in the schema, and what to change.
    pub(crate) why: String,
}

/// What is wrong, before it is known whose schema it is.
#[derive(Debug)]
pub(super) struct Why(pub(super) String);

impl Why {
    pub(super) fn of(self, name: &'static str) -> Flaw {
        Flaw { name, why: self.0 }
    }

    /// The same, one level further down in the schema.
    pub(super) fn below(self, level: &str) -> Self {
        Self(match self.0.strip_prefix('/') {
            Some(rest) => format!("/{level}/{rest}"),
            None => format!("/{level}: {}", self.0),
        })
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the schema of {}: {}", self.name, self.why)
    }
}
