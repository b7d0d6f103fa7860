//! Who verifies: this deployment's database, or another issuer's keys.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::authn::{AuthenticationError, Authenticator, Credential, Refused, RemoteAuthenticator};
use crate::authz::{CredentialKind, Kinds, Principal};
use crate::environment::Timestamp;
use crate::{api_key, session};

/// One of the two ways from a credential to a principal. A warm credential costs no allocation in either.
#[derive(Debug, Clone)]
pub enum Authentication {
    /// By the database: every kind of credential.
    Embedded(Arc<Authenticator>),
    /// By another issuer's keys: signed tokens only.
    Remote(Arc<RemoteAuthenticator>),
}

impl Authentication {
    /// The kinds of credential that can be honoured at all.
    pub const fn kinds(&self) -> Kinds {
        match self {
            Self::Embedded(_) => Kinds::ALL,
            Self::Remote(_) => Kinds::of(&[CredentialKind::Jwt]),
        }
    }

    /// Whether tokens of another issuer are verified.
    pub const fn is_remote(&self) -> bool {
        matches!(self, Self::Remote(_))
    }

    /// Who presents `credential` at `now`, from the address `from`.
    ///
    /// # Errors
    /// As [`Authenticator::authenticate_from`] and [`RemoteAuthenticator::authenticate`].
    pub async fn authenticate(
        &self,
        credential: &Credential<'_>,
        from: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Arc<Principal>, AuthenticationError> {
        match (self, credential) {
            (Self::Embedded(authenticator), _) => {
                authenticator.authenticate_from(credential, from, now).await
            }
            (Self::Remote(remote), Credential::Jwt(token)) => remote.authenticate(*token, now).await,
            (Self::Remote(_), _) => Err(Refused::NoDatabase.into()),
        }
    }

    /// Who presents `credential` still, at `now`, later in a request that was counted when it began.
    ///
    /// # Errors
    /// As [`Authenticator::authenticate_again`] and [`RemoteAuthenticator::authenticate`].
    pub async fn authenticate_again(
        &self,
        credential: &Credential<'_>,
        from: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Arc<Principal>, AuthenticationError> {
        match self {
            Self::Embedded(authenticator) => authenticator.authenticate_again(credential, from, now).await,
            Self::Remote(_) => self.authenticate(credential, from, now).await,
        }
    }

    /// As [`Authenticator::take_seen`]; sessions live at their issuer, so a resource server has none to write down.
    pub fn take_seen(&self) -> Vec<(session::Id, Timestamp)> {
        match self {
            Self::Embedded(authenticator) => authenticator.take_seen(),
            Self::Remote(_) => Vec::new(),
        }
    }

    /// As [`Authenticator::put_back`].
    pub fn put_back(&self, seen: Vec<(session::Id, Timestamp)>) {
        match self {
            Self::Embedded(authenticator) => authenticator.put_back(seen),
            Self::Remote(_) => drop(seen),
        }
    }

    /// As [`Authenticator::take_used`]; keys live at their issuer.
    pub fn take_used(&self) -> Vec<(api_key::Id, Timestamp, Option<IpAddr>)> {
        match self {
            Self::Embedded(authenticator) => authenticator.take_used(),
            Self::Remote(_) => Vec::new(),
        }
    }

    /// As [`Authenticator::put_back_used`].
    pub fn put_back_used(&self, used: Vec<(api_key::Id, Timestamp, Option<IpAddr>)>) {
        match self {
            Self::Embedded(authenticator) => authenticator.put_back_used(used),
            Self::Remote(_) => drop(used),
        }
    }

    /// As [`Authenticator::silence`]; a resource server hears no other nodes, so none is silent.
    pub fn silence(&self) -> Duration {
        match self {
            Self::Embedded(authenticator) => authenticator.silence(),
            Self::Remote(_) => Duration::ZERO,
        }
    }
}
