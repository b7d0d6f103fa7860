//! Grants: one resource shared with somebody, as data.
//!
//! A grant lets an account, a role or an organization do one action to one resource, for a time or for good. It is
//! read whenever it may decide and kept in no cache, so one that is taken back, or whose time is over, counts for
//! nobody from that moment on.
//!
//! Invariants: who shares an action may do it (`T066`), and not for longer than they may themselves. What a policy
//! permits is nobody's to give: it holds for the moment, a grant until its end (`T100`). Nobody shares with themself.
//!
//! **Deliberately absent:** a chain. Taking a grant back leaves those that its holder gave on; the list shows who gave
//! which, and [`Grants::unshare_all`] takes all of a resource.

mod error;
mod service;

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;

pub use self::error::{GrantError, PermitError};
pub use self::service::{Decided, Grants, ResourcePermit, Shared, Visible};
use crate::effect::Effect;
use crate::environment::Timestamp;
use crate::fault::Fault;
use crate::id::OrganizationId;
use crate::port::port;
use crate::{account, audit};

/// Whom something is shared with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// One account, a person's or a program's.
    Account(account::Id),
    /// Everybody who has the role, directly or by inheritance.
    Role(String),
    /// Every member of the organization, while a request selects it.
    Organization(OrganizationId),
}

/// `account:<id>`, `role:<name>`, `organization:<id>`: the form in which subjects are stored and sent.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => write!(f, "account:{id}"),
            Self::Role(name) => write!(f, "role:{name}"),
            Self::Organization(id) => write!(f, "organization:{id}"),
        }
    }
}

/// The text names no subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write account:<id>, role:<name> or organization:<id>")]
pub struct InvalidSubject;

impl FromStr for Subject {
    type Err = InvalidSubject;

    fn from_str(text: &str) -> Result<Self, InvalidSubject> {
        let (kind, name) = text.split_once(':').ok_or(InvalidSubject)?;
        match kind {
            "account" => name.parse().map(Self::Account).map_err(|_| InvalidSubject),
            "organization" => name.parse().map(Self::Organization).map_err(|_| InvalidSubject),
            "role" if crate::authz::valid_role_name(name) => Ok(Self::Role(name.to_owned())),
            _ => Err(InvalidSubject),
        }
    }
}

/// The one resource that is shared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// The name of its kind, such as `Post`.
    pub kind: String,
    /// The resource's id as text; see [`Target::is_storable`].
    pub id: String,
}

impl Target {
    /// The longest id of a resource that can be shared, in bytes.
    pub const LONGEST: usize = 255;

    /// Whether grants can be kept of it: its id is neither empty nor long and has no control characters.
    pub fn is_storable(&self) -> bool {
        let fine = |text: &str| {
            !text.is_empty() && text.len() <= Self::LONGEST && !text.chars().any(char::is_control)
        };
        fine(&self.kind) && fine(&self.id)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id)
    }
}

/// What is shared with whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The resource that is shared.
    pub target: Target,
    /// Whom it is shared with.
    pub subject: Subject,
    /// What they may do.
    pub action: String,
    /// The moment from which it counts no more.
    pub expires_at: Option<Timestamp>,
}

/// A grant as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantRecord {
    /// What is shared with whom.
    pub grant: Grant,
    /// Who shared it: `operator`, `system` or an account's id.
    pub granted_by: String,
    /// When it was shared, in UTC.
    pub granted_at: Timestamp,
}

/// Who asks: every grant to the account, to any of its roles, and to the organization counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The account that asks.
    pub account: account::Id,
    /// The organization that the request selects and the account is a member of.
    pub organization: Option<OrganizationId>,
}

/// What lets somebody share an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// A privilege, or ownership, of somebody who may act when the grant is written.
    Own,
    /// Grants to this holder. They must count when the new one is written, and at least as long.
    Held(Holder),
}

/// How long a holder may do something by grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// Until this moment, in UTC; from it on no more.
    Until(Timestamp),
    /// Until it is taken back.
    Open,
}

impl Term {
    /// Whether it lasts as long as a grant that ends at `end`, or that has no end.
    pub fn covers(self, end: Option<Timestamp>) -> bool {
        match self {
            Self::Open => true,
            Self::Until(until) => end.is_some_and(|end| end <= until),
        }
    }
}

/// How many grants that count one resource can have.
pub const MOST: u32 = 1_000;

port! {
    /// Where grants are kept. Every verb is atomic; one that changes something writes its audit event with it.
    pub trait Store => grants_port;

    /// Shares, if what it is shared on still holds when it is written. If the subject has the action already, its end
    /// is what this grant says from now on.
    write fn share(grant: Grant, on: Ground, by: audit::Context) -> Result<Effect, GrantError>;

    /// Takes a grant back; whether there was one.
    write fn unshare(target: Target, subject: Subject, action: String, by: audit::Context) -> bool;

    /// Takes back every grant on a resource, as when it is deleted; how many there were.
    write fn unshare_all(target: Target, by: audit::Context) -> u64;

    /// Every grant on the resource that counts at `now`, by subject and action.
    read fn grants_of(target: Target, now: Timestamp) -> Vec<GrantRecord>;

    /// For how long, seen from `now`, the holder may do the action to the resource by grants; `None` if not at all.
    read fn held(holder: Holder, target: Target, action: String, now: Timestamp) -> Option<Term>;

    /// The ids of the resources of a kind that the holder may do the action to by grants: up to `limit`, in order,
    /// from the one behind `after` on.
    read fn held_ids(
        holder: Holder,
        kind: String,
        action: String,
        now: Timestamp,
        after: String,
        limit: u32,
    ) -> Vec<String>;
}

/// No grants: nothing is shared with anybody.
#[derive(Debug, Clone, Copy)]
pub struct NoGrants;

#[async_trait]
impl Store for NoGrants {
    async fn share(
        &self,
        _: Grant,
        _: Ground,
        _: audit::Context,
    ) -> Result<Result<Effect, GrantError>, Fault> {
        Err(Fault::Other("no grants are kept here".to_owned()))
    }

    async fn unshare(&self, _: Target, _: Subject, _: String, _: audit::Context) -> Result<bool, Fault> {
        Ok(false)
    }

    async fn unshare_all(&self, _: Target, _: audit::Context) -> Result<u64, Fault> {
        Ok(0)
    }

    async fn grants_of(&self, _: Target, _: Timestamp) -> Result<Vec<GrantRecord>, Fault> {
        Ok(Vec::new())
    }

    async fn held(&self, _: Holder, _: Target, _: String, _: Timestamp) -> Result<Option<Term>, Fault> {
        Ok(None)
    }

    async fn held_ids(
        &self,
        _: Holder,
        _: String,
        _: String,
        _: Timestamp,
        _: String,
        _: u32,
    ) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01890000-0000-7000-8000-000000000001";

    #[test]
    fn what_is_no_subject_is_refused() {
        for text in [
            "",
            "account",
            "account:",
            "account:anna",
            "role:",
            "role:Editor",
            "role:posts:edit",
            "role:a\n",
            "Account:01890000-0000-7000-8000-000000000001",
            "organization:acme",
            "everybody:all",
        ] {
            assert_eq!(text.parse::<Subject>(), Err(InvalidSubject), "{text:?}");
        }
        for text in [
            format!("account:{ID}"),
            "role:editor".to_owned(),
            format!("organization:{ID}"),
        ] {
            assert_eq!(text.parse::<Subject>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_id_that_could_be_taken_for_another_is_not_kept() {
        let target = |id: String| Target {
            kind: "Post".into(),
            id,
        };
        for (id, storable) in [
            (String::new(), false),
            ("a\0b".into(), false),
            ("a\nb".into(), false),
            ("x".repeat(256), false),
            ("x".repeat(255), true),
            ("7".into(), true),
            ("ä %_'\"".into(), true),
        ] {
            assert_eq!(target(id.clone()).is_storable(), storable, "{id:?}");
        }
        assert_eq!(target("7".into()).to_string(), "Post 7");
    }
}
