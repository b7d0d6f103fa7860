//! How commands fail: one message on stderr, and an exit code.

use std::io::{self, Write as _};
use std::process::ExitCode;

use portcullis_core::account::RegistrationError;
use portcullis_core::administration::{ProveError, ServiceAccountError, StateError};
use portcullis_core::fault::Fault;
use portcullis_core::issuance::{ChangeError, CreateError, RotateError};
use portcullis_core::key::{InvalidKey, KeyringError};
use portcullis_core::login::EndError;
use portcullis_core::organization::OrganizationsError;
use portcullis_core::problem::{Refusal as _, Status};
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

/// What a service refused, in its own words: where its status says that an argument isn't what it must be, as such.
macro_rules! refused {
    ($($error:ty),+ $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                match error.details().status {
                    Status::BadRequest | Status::Unprocessable => Self::Usage(error.to_string()),
                    _ => Self::Failed(error.to_string()),
                }
            }
        }
    )+};
}

refused!(RolesError, OrganizationsError);

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
    StateError,
    ProveError,
    EndError,
    InvalidKey,
    KeyringError,
    ServiceAccountError,
    CreateError,
    ChangeError,
    RotateError,
);

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Hushed,
            _ => Self::Failed(error.to_string()),
        }
    }
}
