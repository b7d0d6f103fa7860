//! Why nothing of an account was changed by whoever administers.

use super::Id;
use crate::attribute::InvalidValue;
use crate::fault::Fault;
use crate::problem::{Details, Refusal};
use crate::scopes::{Missing, in_words};

/// Why whoever administers changed nothing of an account, and ended nothing. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountsError {
    /// There is no such account.
    #[error("there is no such account")]
    UnknownAccount,
    /// Nobody shuts themselves out.
    #[error("your own account stays active: ask another administrator")]
    Yourself,
    /// No administrator who can act would be left.
    #[error("this is the last administrator who can act: make another one first")]
    LastAdministrator,
    /// Only registering makes an account unverified.
    #[error("an account becomes unverified by registering only: use active, locked or disabled")]
    NotSettable,
    /// It is unverified and stays so: nothing but a proof of its address makes it active.
    #[error(
        "its address isn't proven, and this proves nothing: its owner asks for a code at /auth/email/code, or \
         `portcullis account prove-email {0}` on the server proves the address in the operator's name"
    )]
    Unproven(Id),
    /// It has proven its address, or claims none.
    #[error("the account has no address that isn't proven")]
    NothingToProve,
    /// Another account has proven the address.
    #[error("another account has proven this address")]
    AddressTaken,
    /// The account has permissions of the server's that whoever acts lacks.
    #[error("insufficient privileges over this account: your credential lacks {}", in_words(.missing))]
    Forbidden {
        /// What the credential lacks.
        missing: Missing,
    },
    /// The value of an attribute.
    #[error(transparent)]
    Attribute(#[from] InvalidValue),
    /// Nobody declared the attribute, or declared it with another type.
    #[error(
        "the attribute `{0}` isn't declared here, or is of another type: see how the program declares it"
    )]
    UndeclaredAttribute(String),
    /// The store couldn't.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal for AccountsError {
    fn details(&self) -> Details {
        match self {
            Self::UnknownAccount | Self::NothingToProve => Details::not_found(),
            Self::Yourself => Details::conflict("yourself"),
            Self::LastAdministrator => Details::conflict("last_administrator"),
            Self::NotSettable => Details::bad_request("invalid_state"),
            Self::Unproven(_) => Details::conflict("email_unproven"),
            Self::AddressTaken => Details::conflict("email_taken"),
            Self::Forbidden { .. } => Details::beyond(),
            Self::Attribute(error) => Details::field("", "invalid_attribute", error),
            Self::UndeclaredAttribute(_) => Details::field("", "unknown_attribute", self),
            Self::Fault(fault) => fault.details(),
        }
    }
}
