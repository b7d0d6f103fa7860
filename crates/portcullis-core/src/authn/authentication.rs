//! Who verifies: this deployment's database, or another issuer's keys.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::authn::authenticator::Entry;
use crate::authn::remote::Entry as RemoteEntry;
use crate::authn::signed::Signed;
use crate::authn::{AuthenticationError, Authenticator, Credential, Refused, RemoteAuthenticator, Seeming};
use crate::authz::{CredentialKind, Kinds, Principal};
use crate::environment::Timestamp;
use crate::signature::Proven;
use crate::{api_key, session};

/// One of the two ways from a credential to a principal. A warm credential costs no allocation in either.
#[derive(Debug, Clone)]
pub enum Authentication {
    /// By the database: every kind of credential.
    Embedded(Arc<Authenticator>),
    /// By another issuer's keys: signed tokens only.
    Remote(Arc<RemoteAuthenticator>),
}

/// A credential that was honoured: whose it is, and what that rests on.
#[derive(Clone)]
pub struct Verified(Rests);

#[derive(Clone)]
enum Rests {
    Embedded(Arc<Entry>),
    Remote(Arc<RemoteEntry>),
    Signed(Arc<Signed>),
}

impl Verified {
    /// The principal that the credential speaks for, as it was verified.
    pub fn principal(&self) -> &Arc<Principal> {
        match &self.0 {
            Rests::Embedded(entry) => &entry.principal,
            Rests::Remote(entry) => &entry.principal,
            Rests::Signed(entry) => &entry.principal,
        }
    }

    /// Whoever proved a signature.
    pub fn by_signature(proven: Proven) -> Self {
        Self(Rests::Signed(Arc::new(Signed::new(proven))))
    }

    /// What was proven, if it is by a signature that the caller is known.
    pub fn proven(&self) -> Option<&Proven> {
        match &self.0 {
            Rests::Signed(entry) => Some(&entry.proven),
            Rests::Embedded(_) | Rests::Remote(_) => None,
        }
    }
}

impl std::fmt::Debug for Verified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Verified").field(&self.principal().id()).finish()
    }
}

impl Authentication {
    /// The kinds of credential that can be honoured at all. Signatures are verified beside it.
    pub const fn kinds(&self) -> Kinds {
        match self {
            Self::Embedded(_) => Kinds::OF_ACCOUNTS,
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
        let verified = self.verify(credential, from, now).await?;
        Ok(Arc::clone(verified.principal()))
    }

    /// The same, with what that rests on.
    ///
    /// # Errors
    /// As [`Authentication::authenticate`]: [`AuthenticationError`], and nobody is let in.
    pub async fn verify(
        &self,
        credential: &Credential<'_>,
        from: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Verified, AuthenticationError> {
        Ok(Verified(match (self, credential) {
            (Self::Embedded(authenticator), _) => {
                Rests::Embedded(authenticator.verify(credential, from, now).await?)
            }
            (Self::Remote(remote), Credential::Jwt(token)) => {
                Rests::Remote(remote.verify(*token, now).await?)
            }
            (Self::Remote(_), _) => return Err(Refused::NoDatabase.into()),
        }))
    }

    /// Who presented the same before, and was verified, if that still holds at `now`: without a look at its form. `None` says
    /// nothing of it; [`Authentication::verify`] does.
    pub fn recall(&self, credential: &Seeming<'_>, from: Option<IpAddr>, now: Timestamp) -> Option<Verified> {
        Some(Verified(match (self, credential) {
            (Self::Embedded(authenticator), _) => {
                Rests::Embedded(authenticator.recall(credential, from, now)?)
            }
            (Self::Remote(remote), Seeming::Jwt(text)) => Rests::Remote(remote.recall(text, now)?),
            (Self::Remote(_), _) => return None,
        }))
    }

    /// Who presents `credential` still, at `now`, later in a request that was counted when it began.
    ///
    /// # Errors
    /// As [`Authentication::authenticate`], but for the rate.
    pub async fn verify_again(
        &self,
        credential: &Credential<'_>,
        from: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Verified, AuthenticationError> {
        match self {
            Self::Embedded(authenticator) => {
                let entry = authenticator.verify_again(credential, from, now).await?;
                Ok(Verified(Rests::Embedded(entry)))
            }
            Self::Remote(_) => self.verify(credential, from, now).await,
        }
    }

    /// Whether the credential is at `now` what it was when it was verified: a comparison of counters and moments, without a
    /// look into the store. `false` doesn't refuse it: it says that it must be [verified anew](Self::verify_again).
    pub fn still_holds(&self, verified: &Verified, now: Timestamp) -> bool {
        match (self, &verified.0) {
            (Self::Embedded(authenticator), Rests::Embedded(entry)) => authenticator.holds(entry, now),
            (Self::Remote(remote), Rests::Remote(entry)) => remote.holds(entry, now),
            (_, Rests::Signed(entry)) => entry.proven.holds(now),
            _ => false,
        }
    }

    /// As [`Authenticator::take_seen`]; sessions live at their issuer, so a resource server has none to write down.
    pub fn take_seen(&self) -> Vec<(session::Id, Timestamp)> {
        match self {
            Self::Embedded(authenticator) => authenticator.take_seen(),
            Self::Remote(_) => Vec::new(),
        }
    }

    /// Takes back what couldn't be written down, as [`Authenticator::put_back`]; a resource server drops it.
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

    /// Takes back what couldn't be written down, as [`Authenticator::put_back_used`]; a resource server drops it.
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
