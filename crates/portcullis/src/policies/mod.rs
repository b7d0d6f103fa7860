//! The policies of a deployment: a folder of files, read when the routes are known and again whenever it changes.
//!
//! **Flow:** `Portcullis::declare_actions` gathers what the routes leave to the policies, reads the folder and puts
//! the policies in force, or refuses to start. `Portcullis::watch_policies` looks every second; a change that stood
//! still from one look to the next is loaded.
//!
//! **Invariants:** a set is in force as a whole or not at all. A change that doesn't load leaves the last good set in
//! force and is reported: in the log with file, line and column, and to administrators. One that does is in the audit log
//! before it is in force. A policy function of the program is checked with the routes, before anything is in force. A folder without a single
//! policy file is a mistake, never a way to lift what the policies forbid.
//!
//! **Deliberately absent:** policies changed by request. They are code, and go the way of code.

#[cfg(feature = "policies")]
mod change;
#[cfg(feature = "policies")]
mod folder;
mod functions;
#[cfg(feature = "policies")]
mod keeper;
#[cfg(not(feature = "policies"))]
mod without;

use portcullis_core::authz::ResourceKind;
use portcullis_core::authz::function::InvalidFunction;
use portcullis_core::environment::Timestamp;

#[cfg(feature = "policies")]
#[doc(hidden)]
pub use self::keeper::{Keeper, check_against};
#[cfg(not(feature = "policies"))]
#[doc(hidden)]
pub use self::without::Keeper;
use crate::route::{How, RouteInfo};

/// Why policies are not put in force. The text has a line for everything that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PoliciesError {
    /// The folder or a file in it can't be read.
    #[error("the policies in {folder} can't be read: {reason}")]
    Unreadable {
        /// The folder's path, as it was configured.
        folder: String,
        /// Why it can't be read.
        reason: String,
    },
    /// What the application declares makes no schema.
    #[error("policies can't be checked: {0}")]
    Declarations(String),
    /// A policy function can't be in force.
    #[error(transparent)]
    Function(#[from] InvalidFunction),
    /// They could not be recorded in the audit log, so they are not put in force.
    #[error("the change of policies can't be recorded: {0}")]
    Unrecorded(String),
    /// The policies are wrong.
    #[error("the policies in {folder} are wrong:\n{}", lines(.flaws))]
    Wrong {
        /// The folder's path, as it was configured.
        folder: String,
        /// Everything that is wrong.
        flaws: Vec<PolicyFlaw>,
    },
}

/// One thing that is wrong with a policy file, or worth knowing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFlaw {
    /// The file's name in its folder.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

impl std::fmt::Display for PolicyFlaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

/// A policy that is a function of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionStatus {
    /// What explanations call it.
    pub name: &'static str,
    /// The actions that it speaks of.
    pub actions: Vec<&'static str>,
}

/// Which policies are in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyStatus {
    /// How often policies were put in force since the start; 0 means never.
    pub generation: u64,
    /// When those in force were read.
    pub loaded_at: Option<Timestamp>,
    /// The names of their files.
    pub files: Vec<String>,
    /// How many there are in the files.
    pub policies: usize,
    /// Those that are functions of the program; they are in force as long as it runs.
    pub functions: Vec<FunctionStatus>,
    /// What is worth knowing about them.
    pub notes: Vec<PolicyFlaw>,
    /// Why the last attempt to load others failed, and when; `None` once one succeeds.
    pub failure: Option<(Timestamp, PoliciesError)>,
}

/// What routes leave to the policies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[doc(hidden)]
pub struct Asked {
    /// The actions on the application as a whole.
    pub(crate) actions: Vec<&'static str>,
    /// The kinds of resources.
    pub(crate) kinds: Vec<&'static ResourceKind>,
    /// What is listed: the name of the action, and of the kind.
    lists: Vec<(&'static str, &'static str)>,
}

impl Asked {
    /// Everything that either asks.
    fn and(mut self, other: &Self) -> Self {
        for action in &other.actions {
            if !self.actions.contains(action) {
                self.actions.push(action);
            }
        }
        for kind in &other.kinds {
            if !self.kinds.contains(kind) {
                self.kinds.push(kind);
            }
        }
        self.lists.extend(&other.lists);
        self
    }

    #[doc(hidden)]
    pub fn by<'r>(routes: impl Iterator<Item = RouteInfo<'r>>) -> Self {
        let mut asked = Self::default();
        for route in routes {
            route.each_action(&mut |action| asked.actions.push(action));
            for asks in route.asks() {
                asked.kinds.push(asks.kind);
                if asks.how == How::Every {
                    asked.lists.push((asks.action.name(), asks.kind.name));
                }
            }
        }
        asked
    }
}

fn lines(flaws: &[PolicyFlaw]) -> String {
    let lines: Vec<String> = flaws.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
