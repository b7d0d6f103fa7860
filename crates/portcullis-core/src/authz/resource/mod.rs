//! Resources: what an application's rows look like to a decision.
//!
//! An application declares a [`ResourceKind`] once; [`ResourceFacts`] describe one row by it, and a [`Filter`] is a
//! decision about all rows at once, for a database to apply.

mod action;
mod decide;
mod facts;
mod filter;

use std::collections::{BTreeMap, BTreeSet};

#[doc(hidden)]
pub use self::action::rule_of;
pub use self::action::{ActionOn, ActionRule, Actions};
pub use self::decide::{Basis, decide_on, filter_for, in_scope};
pub(crate) use self::decide::{grants_matter, within_organization};
pub use self::filter::{Comparison, Filter, ORGANIZATION, OWNER, Pattern};
use crate::account;
use crate::id::OrganizationId;

/// A kind of resource, as code declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceKind {
    /// Its name, such as `Post`: a policy's entity type.
    pub name: &'static str,
    /// Whether an organization's resources are out of reach outside of it.
    pub tenancy: Tenancy,
    /// What policies may look at.
    pub fields: &'static [ResourceField],
    /// The names of the actions that can be done to it, such as `posts:edit`.
    pub actions: &'static [&'static str],
}

/// Where a resource that belongs to an organization is decided about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tenancy {
    /// Anywhere: in the organization that the request selects, and also where it selects none. For kinds without
    /// organizations, and for those whose owners keep what is theirs when they leave.
    Anywhere,
    /// Only in that organization, and only by its members: a request that doesn't select it reaches none of its
    /// resources, not even the caller's own.
    Members,
}

/// What policies may look at in a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceField {
    /// Its name: a policy's attribute.
    pub name: &'static str,
    /// What kind of value it holds: a policy's type.
    pub kind: FieldKind,
    /// Whether a resource may lack it.
    pub optional: bool,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// A truth value: Cedar's `Bool`.
    Bool,
    /// A whole number of 64 bits: Cedar's `Long`.
    Long,
    /// A text, compared byte by byte: Cedar's `String`.
    Text,
    /// The id of an account: an `Account` in policies.
    Account,
    /// The id of an organization: an `Organization` in policies.
    Organization,
    /// A set of texts.
    TextSet,
}

impl FieldKind {
    /// Whether a field of this kind can hold the value: values of different kinds are never the same.
    pub const fn holds(self, value: &Value) -> bool {
        matches!(
            (self, value),
            (Self::Bool, Value::Bool(_))
                | (Self::Long, Value::Long(_))
                | (Self::Text, Value::Text(_))
                | (Self::Account, Value::Account(_))
                | (Self::Organization, Value::Organization(_))
                | (Self::TextSet, Value::TextSet(_))
        )
    }
}

/// The content of a field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// The value of a [`FieldKind::Bool`].
    Bool(bool),
    /// The value of a [`FieldKind::Long`].
    Long(i64),
    /// The value of a [`FieldKind::Text`].
    Text(String),
    /// The value of a [`FieldKind::Account`].
    Account(account::Id),
    /// The value of a [`FieldKind::Organization`].
    Organization(OrganizationId),
    /// A set of texts.
    TextSet(BTreeSet<String>),
}

/// One resource, as a decision sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceFacts {
    /// The kind that it is of; its fields are the kind's.
    pub kind: &'static ResourceKind,
    /// Its id as text.
    pub id: String,
    /// The account that owns it; `None` if nobody does.
    pub owner: Option<account::Id>,
    /// The organization it belongs to.
    pub organization: Option<OrganizationId>,
    /// Its fields by name. An optional one may be missing.
    pub fields: BTreeMap<&'static str, Value>,
}
