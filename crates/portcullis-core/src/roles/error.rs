//! Why roles were not changed.

use crate::authz::InvalidName;
use crate::fault::Fault;
use crate::problem::{Details, Refusal};
use crate::scopes::{Missing, in_words};

/// Why roles were not changed. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RolesError {
    /// The name isn't one.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// The description isn't one.
    #[error("a description is one line of at most 200 characters that can be seen")]
    InvalidDescription,
    /// There is no such role.
    #[error("there is no such role")]
    UnknownRole,
    /// There is no such permission.
    #[error("there is no such permission: no application declares it")]
    UnknownPermission,
    /// There is no such account.
    #[error("there is no such account")]
    UnknownAccount,
    /// The role would inherit from itself.
    #[error("the role would inherit from itself")]
    Cycle,
    /// There is a role of this name.
    #[error("a role of this name exists already")]
    Taken,
    /// The role or permission is Portcullis' own, or the last administrator would lose it.
    #[error(
        "this is Portcullis' own, or its last holder would lose it: the roles administrator and organization-owner and the permissions that programs declare in their code stay as \
         they are; somebody must be administrator, and owners are made in their organization"
    )]
    Protected,
    /// The role is declared in the program's code.
    #[error(
        "the role is declared in the program's code, which says what it may: change it there; who has it is changed as ever"
    )]
    Declared,
    /// Who acts may give and take only what they have, or may not change roles any more.
    #[error(
        "insufficient privileges: you can give and take only what you may do yourself with this credential, and nothing of an \
         account that may do more; it lacks {}", in_words(.missing)
    )]
    Forbidden {
        /// What the credential lacks.
        missing: Missing,
    },
    /// The store couldn't be reached, read or written.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal for RolesError {
    fn details(&self) -> Details {
        match self {
            Self::InvalidName(_) => Details::bad_request("invalid_name"),
            Self::InvalidDescription => Details::bad_request("invalid_description"),
            Self::UnknownRole => Details::unknown("unknown_role"),
            Self::UnknownPermission => Details::unknown("unknown_permission"),
            Self::UnknownAccount => Details::unknown("unknown_account"),
            Self::Cycle => Details::conflict("cycle"),
            Self::Taken => Details::conflict("role_taken"),
            Self::Protected => Details::conflict("protected").on_record(),
            Self::Declared => Details::conflict("declared_role").on_record(),
            Self::Forbidden { .. } => Details::beyond(),
            Self::Fault(fault) => fault.details(),
        }
    }
}
