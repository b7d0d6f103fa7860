//! Accounts: what every store must do.

// This file shows: PW-1, PW-8, PW-9, TK-6

mod attributes;
mod claim;
mod emails;
mod naming;
mod registration;
mod service;
mod setup;
mod state;
mod verification;

pub use self::attributes::*;
pub use self::claim::*;
pub use self::emails::*;
pub use self::naming::*;
pub use self::registration::*;
pub use self::service::*;
pub use self::setup::*;
pub use self::state::*;
pub use self::verification::*;
