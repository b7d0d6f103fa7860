//! The administrators' routes: roles, permissions, who has them; accounts; API keys; the audit log; why requests were
//! refused; the policies; the signing keys.
//!
//! One file per thing. Every service they call takes the caller's [`Permit`](crate::Permit) and can't be called
//! without one.

mod accounts;
mod api_keys;
mod attributes;
mod audit;
mod decisions;
mod keys;
mod policies;
mod roles;

pub use self::decisions::{DryRun, RouteAccess};
use crate::Api;
use crate::composition::Portcullis;

/// The routes below `/admin/api/v1`; those of attributes where the program declares some.
pub(crate) fn routes(api: Api<Portcullis>, has_attributes: bool) -> Api<Portcullis> {
    let api = match has_attributes {
        true => attributes::routes(api),
        false => api,
    };
    let api = policies::routes(keys::routes(audit::routes(decisions::routes(api))));
    api_keys::routes(accounts::routes(roles::routes(api)))
}
