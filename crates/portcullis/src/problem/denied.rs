//! Decisions against known callers as answers.

use std::fmt;

use portcullis_core::authz::{Denied, StepUp};
use portcullis_core::problem::{Details, Refusal};

use super::Problem;

/// A login that must be fresher or surer, because of this code.
struct LogInAgain(&'static str, StepUp);

impl fmt::Display for LogInAgain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.1.fmt(f)
    }
}

impl Refusal for LogInAgain {
    fn details(&self) -> Details {
        self.1.details(self.0)
    }
}

impl Problem {
    /// The answer to a decision against a known caller. Where the first thing that is missing could be had by
    /// logging in again, everything that the login must bring is asked for at once.
    pub fn denied(denied: Denied, step_up: Option<StepUp>) -> Self {
        match (denied, step_up) {
            (Denied::StaleLogin(_) | Denied::SingleFactor | Denied::NoAlternative(_), Some(login)) => {
                LogInAgain(denied.code(), login).into()
            }
            _ => denied.into(),
        }
    }
}
