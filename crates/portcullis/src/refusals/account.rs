//! Why nobody was registered, and why no address was proven.

use portcullis_core::account::{AgainError, RegistrationError, VerifyError};
use portcullis_core::password::Broken;

use super::one_field;
use crate::{FieldErrors, Problem};

impl From<RegistrationError> for Problem {
    fn from(error: RegistrationError) -> Self {
        match error {
            RegistrationError::NoIdentifier => one_field(
                "/email",
                "required",
                "give an e-mail address, a user name or both",
            ),
            RegistrationError::Password(broken) => broken_password("/password", &broken),
            RegistrationError::Taken {
                email: true,
                username: false,
            } => Self::conflict(
                "email_taken",
                "an account has proven this e-mail address already; log in instead",
            ),
            RegistrationError::Taken { email: false, .. } => {
                Self::conflict("username_taken", "this user name is taken; choose another")
            }
            RegistrationError::Taken { .. } => Self::conflict(
                "email_and_username_taken",
                "this e-mail address and this user name are taken",
            ),
            RegistrationError::SetupClosed => Self::forbidden(
                "setup_closed",
                "this set-up token was used, has expired, or an administrator exists; if there is none, `portcullis \
                 setup-link` on the server prints a new link",
            )
            .on_record(),
            RegistrationError::Hash(error) => error.into(),
            RegistrationError::Fault(fault) => fault.into(),
        }
    }
}

impl From<VerifyError> for Problem {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Refused => Self::bad_request(
                "invalid_code",
                "this code was used, has expired or never existed; ask for another at /auth/email/code",
            )
            .on_record(),
            VerifyError::AnotherAccount => Self::forbidden(
                "another_account",
                "this code is about another account than the one you are logged in to: log in to the account that the \
                 letter names, or send its `password`; if you didn't register it, send a `new_password`",
            ),
            VerifyError::WrongPassword(_) => Self::forbidden(
                "wrong_password",
                "this isn't the password of the account that the letter names; the code stays good",
            ),
            VerifyError::TooManyTries(_) => Self::forbidden(
                "too_many_tries",
                "too many passwords were tried with this code; ask for another at /auth/email/code, or send a \
                 `new_password` to take the account over",
            ),
            VerifyError::HasRoles => Self::forbidden(
                "account_has_roles",
                "this account was given roles, so a letter is not enough to take it over: prove the address with its \
                 login or password, or register an account of your own and prove the address there",
            ),
            VerifyError::Password(broken) => broken_password("/new_password", &broken),
            VerifyError::Hash(error) => error.into(),
            VerifyError::Fault(fault) => fault.into(),
        }
    }
}

impl From<AgainError> for Problem {
    fn from(error: AgainError) -> Self {
        match error {
            AgainError::TooSoon(wait) => Self::too_many(wait),
            AgainError::Fault(fault) => fault.into(),
        }
    }
}

/// 422 with every rule that a password breaks.
pub fn broken_password(field: &str, broken: &[Broken]) -> Problem {
    let mut fields = FieldErrors::new();
    for rule in broken {
        fields.push(field, rule.code(), rule.to_string());
    }
    fields.into()
}
