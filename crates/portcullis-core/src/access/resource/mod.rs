//! Resources: what an application's rows look like to a decision.
//!
//! An application declares a [`ResourceKind`] once; [`ResourceFacts`] describe one row by it, and a [`Filter`] is a
//! decision about all rows at once, for a database to apply.

mod action;
mod decide;
mod facts;
mod filter;

use std::collections::BTreeMap;

#[doc(hidden)]
pub use self::action::rule_of;
pub use self::action::{Action, ActionRule, Actions};
pub(crate) use self::decide::grants_matter;
pub use self::decide::{Basis, decide_on, filter_for};
pub use self::filter::{Comparison, Filter, ORGANIZATION, OWNER, Pattern};
use crate::{account, organization};

/// A kind of resource, as code declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceKind {
    /// Its name, such as `Post`: a policy's entity type.
    pub name: &'static str,
    /// What policies may look at.
    pub fields: &'static [Field],
    /// The names of the actions that can be done to it, such as `posts:edit`.
    pub actions: &'static [&'static str],
}

/// What policies may look at in a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name: a policy's attribute.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether a resource may lack it.
    pub optional: bool,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// True or false.
    Bool,
    /// A whole number.
    Long,
    /// Text.
    Text,
    /// An account.
    Account,
    /// An organization.
    Organization,
    /// A set of texts.
    TextSet,
}

/// The content of a field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Long(i64),
    /// Text.
    Text(String),
    /// An account.
    Account(account::Id),
    /// An organization.
    Organization(organization::Id),
    /// A set of texts.
    TextSet(Vec<String>),
}

/// One resource, as a decision sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceFacts {
    /// Its kind.
    pub kind: &'static ResourceKind,
    /// Its id as text.
    pub id: String,
    /// Who owns it.
    pub owner: Option<account::Id>,
    /// The organization it belongs to.
    pub organization: Option<organization::Id>,
    /// Its fields by name. An optional one may be missing.
    pub fields: BTreeMap<&'static str, Value>,
}
