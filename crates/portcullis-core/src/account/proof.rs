//! How an address becomes an account's: what it is before, and what proves it.

use std::net::IpAddr;

use super::{Account, Id, Stamp};
use crate::environment::Timestamp;
use crate::password::SealedHash;

/// What it means that a new account has an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It says that the address is its own. Refused if another account has proven it.
    Open,
    /// The same, beside a proof of another's, too: nobody is told that there is one.
    Hidden,
    /// Whoever runs the server vouches for it: it counts as proven, and is taken from whoever claims it, as by a proof.
    Vouched,
}

/// An account's claim, as the e-mail about it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The account that claims the address, as the store has it now.
    pub account: Account,
    /// When it was claimed.
    pub at: Timestamp,
    /// From where, if that is known.
    pub from: Option<IpAddr>,
}

/// What whoever brings a code shows beside it.
#[derive(Debug, Clone)]
pub enum Proof {
    /// That they are this account, by a login of it or its password.
    Own {
        /// Whoever was logged in, or whose password was right: it must be the account that the code is about.
        account: Id,
        /// Its stamp when that was found out.
        stamp: Stamp,
    },
    /// Nothing: somebody else may have registered it. Everything made before ends.
    TakeOver {
        /// The password from now on.
        password: SealedHash,
    },
}
