//! The administrators' routes: roles, permissions, who has them; accounts; API keys; the audit log; why requests were
//! refused; the policies; the signing keys.
//!
//! One file per thing. Every service they call takes the caller's [`Permit`](crate::Permit) and can't be called
//! without one.

mod accounts;
mod api_keys;
mod audit;
mod decisions;
mod keys;
mod policies;
mod roles;

use portcullis_core::roles::{Change, RolesError};

pub use self::decisions::{DryRun, RouteAccess};
use crate::composition::Portcullis;
use crate::{Api, NoContent, Problem};

/// The routes below `/admin/api/v1`.
pub(crate) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    let api = policies::routes(keys::routes(audit::routes(decisions::routes(api))));
    api_keys::routes(accounts::routes(roles::routes(api)))
}

/// What a change of roles answers. Asking for what is so already is no error: the caller's wish holds.
fn changed(outcome: Result<Change, RolesError>) -> Result<NoContent, Problem> {
    match outcome? {
        Change::Done | Change::Unchanged => Ok(NoContent),
        Change::UnknownRole => Err(Problem::unknown("unknown_role", "there is no role of this name")),
        Change::UnknownPermission => Err(Problem::unknown(
            "unknown_permission",
            "no application declares a permission of this name; see the list of permissions",
        )),
        Change::UnknownAccount => Err(Problem::unknown("unknown_account", "there is no such account")),
        Change::Cycle => Err(Problem::conflict("cycle", "the role would inherit from itself")),
        Change::Taken => Err(Problem::conflict(
            "role_taken",
            "there is a role of this name already",
        )),
        Change::Beyond(missing) => Err(Problem::beyond(&missing)),
        Change::Protected => Err(Problem::conflict(
            "protected",
            "the roles administrator and organization-owner and the permissions that programs declare in their code \
             stay as they are; somebody must be administrator, and owners are made in their organization",
        )
        .on_record()),
    }
}
