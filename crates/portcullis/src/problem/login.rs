//! Why a login isn't let in, as an answer.

use portcullis_core::account::State;
use portcullis_core::login::LoginError;

use super::Problem;

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::WrongCredentials => {
                Self::unauthenticated("invalid_credentials", "wrong identifier or password")
            }
            LoginError::Account(state) => Self::forbidden(
                format!("account_{}", state.as_str()),
                format!(
                    "the password is right, but the account is {}{}",
                    state.as_str(),
                    way_out(state)
                ),
            ),
            LoginError::InvalidScope => Self::bad_request(
                "invalid_scope",
                "none of the scopes asked for can be granted to this account",
            ),
            LoginError::ScopesTooLong => Self::bad_request("invalid_scope", error.to_string()),
            LoginError::Hash(error) => error.into(),
            LoginError::Signing(error) => Self::internal(error),
            LoginError::Fault(fault) => fault.into(),
        }
    }
}

/// What whoever knows the password of an account in this state can do about it.
pub const fn way_out(state: State) -> &'static str {
    match state {
        State::Unverified => {
            ": prove its address with the mailed code, and ask for another at /auth/email/code if it is lost"
        }
        State::Locked => ": an administrator unlocks it (`portcullis account unlock` on the server)",
        State::Disabled => ": an administrator enables it (`portcullis account enable` on the server)",
        State::Active => "",
    }
}
