//! What is asked of one place of a value.

use std::fmt;

use indexmap::IndexMap;
use serde_json::Value;

use super::rule::Rule;
use super::{Format, Pattern};

/// Which node of its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Id(pub(super) usize);

/// What is asked of one place.
#[derive(Debug, Default)]
pub(crate) struct Node {
    /// Which kinds of values may stand here, whatever else is asked.
    pub(super) own: Kinds,
    /// Which may, with what the alternatives and the other nodes of the same place say. Known when all nodes are.
    pub(super) kinds: Kinds,
    pub(crate) least: Option<u64>,
    pub(crate) most: Option<u64>,
    pub(crate) pattern: Option<Pattern>,
    pub(crate) format: Option<Format>,
    pub(crate) number: Number,
    /// The first items, one by one, of a list.
    pub(crate) first: Vec<Id>,
    /// What every further item is; none says nothing of it.
    pub(crate) items: Option<Id>,
    pub(crate) fewest: Option<u64>,
    pub(crate) many: Option<u64>,
    pub(crate) unique: bool,
    pub(crate) members: Members,
    /// The values that may stand here.
    pub(crate) values: Option<Vec<Value>>,
    /// Of each group, one must fit.
    pub(crate) alternatives: Vec<Vec<Id>>,
    /// All of these must fit too.
    pub(crate) all: Vec<Id>,
    pub(crate) rules: Vec<Rule>,
}

impl Node {
    /// The kinds of values that may stand here.
    pub(crate) fn kinds(&self) -> Kinds {
        self.kinds
    }

    /// The kinds that the node itself accepts.
    pub(crate) fn own_kinds(&self) -> Kinds {
        self.own
    }

    /// The one node that this one only stands for, if it does.
    pub(crate) fn only_way(&self) -> Option<Id> {
        match (self.all.as_slice(), self.members.known.is_empty()) {
            ([one], true) if self.alternatives.is_empty() => Some(*one),
            _ => None,
        }
    }

    /// Whether other nodes say something of the same place.
    pub(crate) fn leads_on(&self) -> bool {
        !self.alternatives.is_empty() || !self.all.is_empty()
    }

    /// The one group of alternatives, if the node asks nothing else.
    pub(crate) fn choice(&self) -> Option<&[Id]> {
        match self.alternatives.as_slice() {
            [one] if self.all.is_empty() && self.asks_nothing() => Some(one),
            _ => None,
        }
    }

    /// The one value that may stand here, if it is a text.
    pub(crate) fn constant(&self) -> Option<&str> {
        match self.values.as_deref() {
            Some([one]) => one.as_str(),
            _ => None,
        }
    }

    fn asks_nothing(&self) -> bool {
        let members = &self.members;
        self.own == Kinds::ALL
            && self.values.is_none()
            && self.rules.is_empty()
            && self.first.is_empty()
            && self.items.is_none()
            && members.known.is_empty()
            && members.required.is_empty()
            && members.patterns.is_empty()
            && matches!(members.other, Other::Ignored)
            && [
                self.least,
                self.most,
                self.fewest,
                self.many,
                members.fewest,
                members.many,
            ]
            .iter()
            .all(Option::is_none)
            && self.pattern.is_none()
            && self.format.is_none()
            && self.number.asks_nothing()
            && !self.unique
    }
}

/// What is asked of a number.
#[derive(Debug, Default)]
pub(crate) struct Number {
    pub(crate) least: Option<Bound>,
    pub(crate) most: Option<Bound>,
    pub(crate) multiple: Option<f64>,
    /// The bounds of the type of number itself: beyond them it is another type.
    pub(crate) natural: Option<(i128, i128)>,
}

impl Number {
    fn asks_nothing(&self) -> bool {
        self.least.is_none() && self.most.is_none() && self.multiple.is_none() && self.natural.is_none()
    }
}

/// The end of a range.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    pub(crate) value: serde_json::Number,
    /// Whether the end itself is outside.
    pub(crate) exclusive: bool,
}

/// What is asked of an object.
#[derive(Debug, Default)]
pub(crate) struct Members {
    pub(crate) known: IndexMap<String, Id>,
    pub(crate) required: Vec<String>,
    pub(crate) patterns: Vec<(Pattern, Id)>,
    pub(crate) other: Other,
    pub(crate) fewest: Option<u64>,
    pub(crate) many: Option<u64>,
}

/// What becomes of a member that isn't known.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) enum Other {
    /// The type doesn't read it.
    #[default]
    Ignored,
    /// The type reads it.
    Taken(Option<Id>),
    /// There is no such member.
    Refused,
}

/// A kind of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null = 1,
    Bool = 2,
    Whole = 4,
    Fraction = 8,
    Text = 16,
    List = 32,
    Object = 64,
}

/// Several kinds of values.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kinds(u8);

impl Kinds {
    pub(crate) const ALL: Self = Self(127);
    pub(crate) const NONE: Self = Self(0);

    pub(crate) const fn of(kind: Kind) -> Self {
        Self(kind as u8)
    }

    pub(crate) const fn has(self, kind: Kind) -> bool {
        self.0 & kind as u8 != 0
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Default for Kinds {
    fn default() -> Self {
        Self::ALL
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// As it is said to whoever sent another: `a string or a whole number`.
impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = if self.has(Kind::Fraction) {
            "a number"
        } else {
            "a whole number"
        };
        let names = [
            (Kind::Text, "a string"),
            (Kind::Whole, whole),
            (Kind::Bool, "true or false"),
            (Kind::List, "a list"),
            (Kind::Object, "an object"),
            (Kind::Null, "null"),
        ];
        // What may be null may be left out, too: nobody is told to send it.
        let only_null = *self == Self::of(Kind::Null);
        let said = |kind: Kind| self.has(kind) && (kind != Kind::Null || only_null);
        let mut first = true;
        for (_, name) in names.into_iter().filter(|(kind, _)| said(*kind)) {
            if !first {
                f.write_str(" or ")?;
            }
            f.write_str(name)?;
            first = false;
        }
        if first { f.write_str("nothing") } else { Ok(()) }
    }
}
