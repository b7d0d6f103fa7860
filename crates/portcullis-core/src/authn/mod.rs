//! Authentication: who is calling, and what is remembered of them.
//!
//! A request's credential is read by its form ([`Credential`]), verified, and becomes a
//! [`Principal`](crate::authz::Principal): the account with what it may do, narrowed by the credential's scopes. What was
//! verified is remembered until one of its generations moves ([`Generations`](crate::invalidation::Generations)).

mod authentication;
mod authenticator;
mod credential;
mod directory;
mod remote;
mod signed;

pub use self::authentication::{Authentication, Verified};
pub use self::authenticator::{Alone, Authenticator, AuthenticatorParts, Bus, SHORT_LIFE};
pub use self::credential::{AuthenticationError, Bearer, Credential, Pair, Refused, Seeming};
pub(crate) use self::directory::is_young;
pub use self::directory::{AccountDirectory, REMEMBERED};
pub use self::remote::{MAX_LIFETIME, RemoteAuthenticator};
