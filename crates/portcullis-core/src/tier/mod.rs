//! Tiers that all nodes share: limits by the name of a plan, kept in the database, changed while programs run.
//!
//! Flow: an administrator replaces all of them at once; the store writes them with the audit event and the invalidation; every
//! node reads them again ([`Keeper::reload`]) and puts them into the [`Tiers`] that its routes' limits go by. Where nobody
//! has set any, the program's own hold.
//!
//! Invariants: what is in force is valid as a whole, on every node. What can't be read leaves the last good ones in force.
//!
//! **Deliberately absent:** which account is in which tier. An attribute of the account says it, or a function of the program.

mod service;

use std::collections::BTreeMap;

pub use self::service::{Keeper, TiersError};
use crate::audit;
use crate::port::port;
use crate::throttle::{Limits, Tiers};

/// Tiers as they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The name of the tier that whoever has no other is in.
    pub default: String,
    /// What each allows, by name.
    pub tiers: BTreeMap<String, Limits>,
}

impl From<&Tiers> for Kept {
    fn from(tiers: &Tiers) -> Self {
        Self {
            default: tiers.default_name(),
            tiers: tiers.all(),
        }
    }
}

port! {
    /// Where tiers are kept. Every verb is atomic; one that changes something writes its audit event with it.
    pub trait Store => tier_port;

    /// Puts these in the place of all others, and tells every node ([`audit::Action::TiersSet`]).
    write fn set_tiers(kept: Kept, by: audit::Context) -> ();

    /// All of them; `None` if nobody has set any.
    read fn tiers() -> Option<Kept>;
}
