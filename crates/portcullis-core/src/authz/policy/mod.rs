//! Policies as data: who may do what to which resource, in files that change without a new build.
//!
//! The language is [Cedar]. What a policy may name is generated from what the application declares
//! ([`Declarations`] → [`Schema`]); [`Set::load`] parses the files, checks every policy strictly against the schema and
//! says of each fault where it is. [`Live`] holds the set in force and swaps it as a whole.
//!
//! **Flow of a decision:** the action and the kind of the resource choose the policies that can speak of it; the
//! account and the one resource become entities, of which only what these policies look at is built; Cedar evaluates. Policies
//! that only compare what is there are compiled when they are loaded and need none of it (`direct/mod.rs`).
//! A list asks the same of all resources at once: the policies are evaluated with the resource unknown, and what
//! remains of them becomes a [`Filter`](crate::authz::Filter).
//!
//! **Invariants:** one policy that forbids outweighs all that permit. A policy that would forbid and fails does forbid;
//! one that would permit and fails doesn't permit. A credential narrowed by scopes has no roles here either. The
//! organization is the one whose member the caller is, never the one it asked for. [`Policies::decide`],
//! [`Policies::reasons`] and [`Policies::filters`] agree.
//!
//! **Deliberately absent:** templates, entities beyond the caller and the one resource (a policy that needs to look
//! further is refused when it is loaded), and a set that is in force in part.
//!
//! [Cedar]: https://www.cedarpolicy.com
//! [`Policies::decide`]: crate::authz::Policies::decide
//! [`Policies::reasons`]: crate::authz::Policies::reasons
//! [`Policies::filters`]: crate::authz::Policies::filters

mod direct;
mod facts;
mod listing;
mod live;
mod load;
mod looks;
mod nesting;
mod report;
mod schema;
mod set;
mod slice;

pub use self::live::Live;
pub use self::report::{Flaw, Report};
pub use self::schema::{Declarations, InvalidDeclaration, Schema, UnknownSchema};
pub use self::set::{Set, Summary};

/// The text of one policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The name of the file, for reports.
    pub name: String,
    /// The file's content: any number of policies in the Cedar language.
    pub text: String,
}

#[cfg(test)]
mod tests;
