//! A decision about all resources of a kind at once.

use super::Value;

/// Which resources of a kind are meant: what a decision leaves open once everything but the resource is known. A
/// store turns it into a condition of its language.
///
/// It has two values, never three: a comparison with a field that a resource lacks is false, and its negation true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// Every resource.
    Always,
    /// None.
    Never,
    /// Those that all of these mean; all resources if there are none.
    All(Vec<Self>),
    /// Those that at least one of these means; none if there are none.
    Any(Vec<Self>),
    /// Those that it doesn't mean.
    Not(Box<Self>),
    /// Those whose field compares so with the value.
    Compare(&'static str, Comparison, Value),
    /// Those whose field is one of the values.
    OneOf(&'static str, Vec<Value>),
    /// Those whose field, a set, contains the text.
    Contains(&'static str, String),
    /// Those that have the field.
    Present(&'static str),
    /// Those whose field, a text, has this form.
    Like(&'static str, Pattern),
    /// Those owned by this account.
    OwnedBy(crate::account::Id),
    /// Those that belong to this organization.
    Of(crate::organization::Id),
    /// Those with one of these ids.
    Ids(Vec<String>),
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// They are the same.
    Equal,
    /// The field is smaller. Numbers only.
    Less,
    /// The field is smaller or the same. Numbers only.
    LessOrEqual,
}

/// The form of a text: these pieces in this order with anything between them. The first piece begins the text and
/// the last one ends it; an empty first or last piece leaves that end open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(pub Vec<String>);
