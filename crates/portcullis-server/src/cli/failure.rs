//! How commands fail: one message on stderr, and an exit code.

use std::io::{self, Write as _};
use std::process::ExitCode;

use portcullis_core::account::{AccountsError, RegistrationError};
use portcullis_core::api_key::ApiKeysError;
use portcullis_core::fault::Fault;
use portcullis_core::issuance::ChangeError;
use portcullis_core::key::{InvalidKey, KeyringError};
use portcullis_core::organization::OrganizationsError;
use portcullis_core::problem::{Details, Refusal as _, Status};
use portcullis_core::roles::RolesError;

use crate::config::Problems;
use crate::serve::RunError;
use crate::start::StartError;

/// Why a command didn't do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The configuration is wrong: exit code 2.
    Config(Problems),
    /// An argument is wrong: exit code 2.
    Usage(String),
    /// Anything else: exit code 1.
    Failed(String),
    /// Whoever read the output has read enough: no failure at all.
    Hushed,
}

impl Failure {
    /// Says why, and gives the exit code.
    pub(super) fn report(&self) -> ExitCode {
        let (text, code) = match self {
            Self::Config(problems) => (problems.to_string(), 2),
            Self::Usage(text) => (text.clone(), 2),
            Self::Failed(text) => (text.clone(), 1),
            Self::Hushed => return ExitCode::SUCCESS,
        };
        // Without a stderr there is nobody to tell; the code says enough.
        let _ = writeln!(io::stderr(), "portcullis: {text}");
        ExitCode::from(code)
    }
}

/// The command that helps on, where a service refused something with this code.
fn hint(code: &str) -> Option<&'static str> {
    match code {
        "unknown_account" => Some("`portcullis account list` shows all"),
        "unknown_member" => Some("`portcullis organization members` shows all"),
        "unknown_permission" => {
            Some("start the program that asks for it once, or `portcullis permission declare`")
        }
        "unknown_role" => Some("`portcullis role list` shows all"),
        _ => None,
    }
}

/// What a service refused, in its own words, with what helps on: where its status says that an argument isn't what it must
/// be, as such.
macro_rules! refused {
    ($($error:ty),+ $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                let Details { status, code, .. } = error.details();
                let text = match hint(code) {
                    Some(hint) => format!("{error}: {hint}"),
                    None => error.to_string(),
                };
                match status {
                    Status::BadRequest | Status::Unprocessable => Self::Usage(text),
                    _ => Self::Failed(text),
                }
            }
        }
    )+};
}

refused!(RolesError, OrganizationsError, AccountsError);

macro_rules! fails {
    ($($error:ty),+ $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Failed(error.to_string())
            }
        }
    )+};
}

fails!(
    StartError,
    RunError,
    Fault,
    RegistrationError,
    InvalidKey,
    KeyringError,
    ApiKeysError,
    ChangeError,
);

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Hushed,
            _ => Self::Failed(error.to_string()),
        }
    }
}
