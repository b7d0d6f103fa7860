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
mod tiers;

pub use self::decisions::{DryRun, RouteAccess};
use crate::Api;
use crate::composition::Portcullis;

/// The routes below `/admin/api/v1`; those of attributes and tiers where the program declares some.
pub(crate) fn routes(api: Api<Portcullis>, of: &Portcullis) -> Api<Portcullis> {
    let api = match of.accounts().declared().iter().next() {
        Some(_) => attributes::routes(api),
        None => api,
    };
    let api = match of.tiers() {
        Some(_) => tiers::routes(api),
        None => api,
    };
    let api = policies::routes(keys::routes(audit::routes(decisions::routes(api))));
    api_keys::routes(accounts::routes(roles::routes(api)))
}
