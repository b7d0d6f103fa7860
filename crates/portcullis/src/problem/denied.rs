//! Decisions against known callers as answers.

use http::StatusCode;
use portcullis_core::authz::{Denied, StepUp, in_words};
use portcullis_core::session::Assurance;

use super::Problem;
use super::challenge::Challenge;

/// Source: RFC 6750 §3.1 (`insufficient_scope`), RFC 9470 §3 (`insufficient_user_authentication`)
impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        let lacking = denied.lacking();
        match denied {
            Denied::MissingPermission(permission) => Self::forbidden(
                denied.code(),
                format!("the account needs the permission {lacking}"),
            )
            .challenged(Challenge::scope(permission.name)),
            Denied::InsufficientScope(permission) => Self::forbidden(
                denied.code(),
                format!("the credential's scopes leave out {lacking}"),
            )
            .challenged(Challenge::scope(permission.name)),
            Denied::Narrowed => Self::forbidden(
                denied.code(),
                "the credential is narrowed by scopes, and this is for the account as a whole: log in without scopes",
            )
            .challenged(Challenge::error("insufficient_scope")),
            Denied::MissingRole(_) | Denied::NoAlternative(_) => {
                Self::forbidden(denied.code(), format!("this needs {lacking}"))
                    .challenged(Challenge::error("insufficient_scope"))
            }
            Denied::SingleFactor => Self::log_in_again(denied.code(), StepUp::SECOND_FACTOR),
            Denied::StaleLogin(seconds) => Self::log_in_again(denied.code(), StepUp::max_age(seconds)),
            Denied::ForbiddenByPolicy(_) | Denied::NoPolicyPermits(_) => {
                Self::forbidden(denied.code(), format!("this needs {lacking}"))
            }
            Denied::NotGranted(action) => Self::forbidden(
                denied.code(),
                format!(
                    "you are not allowed {action} on this: it isn't yours, and nobody shared it with you"
                ),
            ),
            Denied::OtherOrganization => Self::forbidden(
                denied.code(),
                "this doesn't belong to the organization that the request selects",
            ),
            Denied::NoOrganization => Self::new(
                StatusCode::BAD_REQUEST,
                denied.code(),
                "say which organization this is for: send X-Organization-ID",
            ),
            Denied::NotAMember => Self::forbidden(
                denied.code(),
                "there is no such organization, or you are no member of it",
            ),
            Denied::OrganizationSuspended => Self::forbidden(
                denied.code(),
                "this organization is suspended; ask the administrators of this server",
            ),
        }
    }
}

impl Problem {
    /// The answer to a decision against a known caller. Where the first thing that is missing could be had by
    /// logging in again, everything that the login must bring is asked for at once.
    pub fn denied(denied: Denied, step_up: Option<StepUp>) -> Self {
        match (denied, step_up) {
            (Denied::StaleLogin(_) | Denied::SingleFactor | Denied::NoAlternative(_), Some(login)) => {
                Self::log_in_again(denied.code(), login)
            }
            _ => denied.into(),
        }
    }

    /// 403: who would give more than they have, or take from somebody above them.
    pub fn beyond(missing: &[String]) -> Self {
        Self::forbidden(
            "beyond_your_permissions",
            format!(
                "you can give and take only what you may do yourself with this credential, and nothing of an account that \
                 may do more: it lacks {}",
                in_words(missing)
            ),
        )
    }

    /// 401: the login isn't fresh or sure enough.
    ///
    /// Source: RFC 9470 §3
    fn log_in_again(code: &'static str, login: StepUp) -> Self {
        let needed = match (login.max_age, login.second_factor) {
            (Some(seconds), false) => format!("less than {seconds} seconds old; log in again"),
            (None, _) => "with a second factor; log in again with one".to_owned(),
            (Some(seconds), true) => {
                format!("less than {seconds} seconds old and with a second factor; log in again with one")
            }
        };
        let acr = login.second_factor.then(|| Assurance::MultiFactor.acr());
        Self::new(
            StatusCode::UNAUTHORIZED,
            code,
            format!("this needs a login {needed}"),
        )
        .challenged(Challenge::login(login.max_age, acr))
    }
}
