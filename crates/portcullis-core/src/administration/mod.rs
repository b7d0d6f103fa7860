//! What administrators do: accounts, service accounts, signing keys, the audit log and why requests were refused.
//!
//! **Invariant:** every call takes a [`Permit`](crate::authz::Permit), and what it writes is signed by whoever was let in.

mod accounts;
mod audit;
mod decisions;
mod dry_run;
mod keys;
mod service_accounts;

pub use self::accounts::Accounts;
pub use self::audit::Log;
pub use self::decisions::{Capabilities, Decisions};
pub use self::dry_run::{Asked, Outlook};
pub use self::keys::SigningKeys;
pub use self::service_accounts::ServiceAccounts;
