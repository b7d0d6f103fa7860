//! Building facts: what a program says about one resource before it is decided about.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use super::{ResourceFacts, ResourceKind, Value};
use crate::account;
use crate::id::OrganizationId;

impl ResourceFacts {
    /// A resource of this kind and id, without owner, organization and fields.
    pub fn new(kind: &'static ResourceKind, id: &(impl Display + ?Sized)) -> Self {
        Self {
            kind,
            id: id.to_string(),
            owner: None,
            organization: None,
            fields: BTreeMap::new(),
        }
    }

    /// It has this owner.
    #[must_use]
    pub fn owned_by(mut self, owner: impl Into<Option<account::Id>>) -> Self {
        self.owner = owner.into();
        self
    }

    /// It belongs to this organization.
    #[must_use]
    pub fn of(mut self, organization: impl Into<Option<OrganizationId>>) -> Self {
        self.organization = organization.into();
        self
    }

    /// A field holds this.
    #[must_use]
    pub fn with(mut self, field: &'static str, value: impl Into<Value>) -> Self {
        self.fields.insert(field, value.into());
        self
    }
}

macro_rules! values {
    ($($type:ty => $variant:ident;)+) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        }
    )+};
}

values! {
    bool => Bool;
    i64 => Long;
    &str => Text;
    String => Text;
    account::Id => Account;
    OrganizationId => Organization;
    BTreeSet<String> => TextSet;
}

/// A set has no order and nothing twice.
impl From<Vec<String>> for Value {
    fn from(texts: Vec<String>) -> Self {
        Self::TextSet(texts.into_iter().collect())
    }
}
