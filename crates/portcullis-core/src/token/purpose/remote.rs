//! Tokens of a purpose that another issuer signed, verified by the keys that it publishes.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::read::Unread;
use super::{Form, Kept, Purpose, PurposeToken};
use crate::defends;
use crate::environment::Environment;
use crate::fault::Fault;
use crate::key::{RemoteKeys, valid_kid};
use crate::token::InvalidToken;

/// Why a token of another issuer isn't honoured.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RemoteTokenError {
    /// It is no good token of this purpose, or its time is over.
    #[error(transparent)]
    Invalid(#[from] InvalidToken),
    /// That can't be found out, because the issuer's keys can't be had.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Role: verifier of one purpose, by another issuer's published keys. It signs nothing.
///
/// Nothing is known here of what was used or revoked, so a purpose that is good once doesn't compile:
///
/// ```compile_fail
/// # use portcullis_core::token::{Purpose, RemotePurposeTokens};
/// # fn verifier(keys: std::sync::Arc<portcullis_core::key::RemoteKeys>, environment: portcullis_core::environment::Environment) {
/// let purpose: Purpose<()> = Purpose::new("voucher");
/// RemotePurposeTokens::new(purpose.once(), keys, environment, "https://id.example.com");
/// # }
/// ```
pub struct RemotePurposeTokens<C> {
    form: Form,
    claims: PhantomData<fn() -> C>,
    keys: Arc<RemoteKeys>,
    environment: Environment,
    issuer: String,
}

impl<C> RemotePurposeTokens<C> {
    /// Verifies tokens of this issuer with its `keys`.
    pub fn new(purpose: Purpose<C>, keys: Arc<RemoteKeys>, environment: Environment, issuer: &str) -> Self {
        Self {
            form: Form::of(purpose.name(), Kept::No),
            claims: PhantomData,
            keys,
            environment,
            issuer: issuer.to_owned(),
        }
    }

    /// Verifies a token of this purpose, as its issuer does: form, key, signature, type, issuer, audience and time, without a
    /// leeway for its end. The issuer is asked once for a key that isn't known.
    ///
    /// # Errors
    /// [`RemoteTokenError`].
    pub async fn verify(&self, token: &str) -> Result<PurposeToken<C>, RemoteTokenError>
    where
        C: DeserializeOwned,
    {
        let now = self.environment.now();
        let unread = Unread::parse(token)?;
        let set = self.keys.set(now).await?;
        if let Some(key) = set.verifying(unread.kid()) {
            return Ok(unread.read(key, self.form, &self.issuer, now)?);
        }
        defends!("T053");
        // Nothing that could never be in a set makes anybody ask for it.
        let algorithm = unread.header().algorithm;
        let asks = valid_kid(unread.kid())
            && algorithm.is_some_and(|algorithm| self.keys.honours(algorithm))
            && unread.header().is_type(&self.form.typ());
        let newer = match asks {
            true => self.keys.after_unknown(&set, now).await?,
            false => None,
        };
        let key = newer.as_ref().and_then(|set| set.verifying(unread.kid()));
        Ok(unread.read(key.ok_or(InvalidToken::UnknownKey)?, self.form, &self.issuer, now)?)
    }
}

impl<C> fmt::Debug for RemotePurposeTokens<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemotePurposeTokens")
            .field("purpose", &self.form.name)
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}
