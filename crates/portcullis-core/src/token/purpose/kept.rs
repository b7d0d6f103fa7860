//! Tokens of which the store is asked: those that are good once, and those that can be revoked.
//!
//! Which were used or revoked stands where revoked access tokens do, until their time is over. Using one is one statement that
//! inserts its id, so of any number of parallel uses, on any number of nodes, one succeeds.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Form, Kept, Purpose, PurposeToken, PurposeTokens, SignError};
use crate::environment::Environment;
use crate::fault::Fault;
use crate::key::Keyring;
use crate::token::issuer::LONGEST_PURPOSE;
use crate::token::{Id, InvalidToken, Settings, Store};
use crate::{account, audit, defends};

/// A purpose of which the store knows more than a token says: [`Purpose::once`] and [`Purpose::revocable`].
///
/// ```
/// use portcullis_core::token::{KeptPurpose, Purpose};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Voucher {
///     cents: u32,
/// }
///
/// const VOUCHER: KeptPurpose<Voucher> = Purpose::new("voucher").once();
/// ```
pub struct KeptPurpose<C> {
    purpose: Purpose<C>,
    kept: Kept,
}

impl<C> KeptPurpose<C> {
    pub(super) const fn of(purpose: Purpose<C>, kept: Kept) -> Self {
        Self { purpose, kept }
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.purpose.name()
    }
}

impl<C> Clone for KeptPurpose<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for KeptPurpose<C> {}

impl<C> fmt::Debug for KeptPurpose<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptPurpose")
            .field("name", &self.name())
            .field("kept", &self.kept)
            .finish()
    }
}

/// Why a token isn't honoured of which the store is asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum UseError {
    /// It is no good token of this purpose, or its time is over.
    #[error(transparent)]
    Invalid(#[from] InvalidToken),
    /// It was revoked, or used before where it is good once.
    #[error("the token was used or revoked")]
    Spent,
    /// That can't be found out.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Role: token manager of one purpose of which the store is asked. Signs, verifies and revokes.
pub struct KeptTokens<C> {
    tokens: PurposeTokens<C>,
    store: Arc<dyn Store>,
}

impl<C> KeptTokens<C> {
    /// Signs with `keyring` as the issuer of `settings`, and remembers in `store` what was used and revoked.
    pub fn new(
        purpose: KeptPurpose<C>,
        keyring: Arc<Keyring>,
        environment: Environment,
        settings: &Settings,
        store: Arc<dyn Store>,
    ) -> Self {
        let form = Form::of(purpose.name(), purpose.kept);
        Self {
            tokens: PurposeTokens::of(form, keyring, environment, settings),
            store,
        }
    }

    /// As [`PurposeTokens::sign`].
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(
        &self,
        claims: &C,
        subject: Option<account::Id>,
        lifetime: Duration,
    ) -> Result<String, SignError>
    where
        C: Serialize,
    {
        self.tokens.sign(claims, subject, lifetime)
    }

    /// Takes a token: verifies it as [`PurposeTokens::verify`], refuses one that was revoked, and where a token is good once,
    /// uses it up. In a transaction of the program's own that is a part of it: what is undone with it is still good.
    ///
    /// # Errors
    /// [`UseError`]; nothing was used up then.
    pub async fn take(&self, token: &str) -> Result<PurposeToken<C>, UseError>
    where
        C: DeserializeOwned,
    {
        let token = self.tokens.verify(token)?;
        defends!("T241");
        let good = match self.tokens.form.kept {
            Kept::Once => self.store.use_up(token.id, token.expires_at).await?,
            Kept::Revocable | Kept::No => !self.store.is_revoked(token.id).await?,
        };
        if good { Ok(token) } else { Err(UseError::Spent) }
    }

    /// Looks at a token without using it up: for a page that asks before something is done.
    ///
    /// # Errors
    /// [`UseError`].
    pub async fn look(&self, token: &str) -> Result<PurposeToken<C>, UseError>
    where
        C: DeserializeOwned,
    {
        let token = self.tokens.verify(token)?;
        match self.store.is_revoked(token.id).await? {
            false => Ok(token),
            true => Err(UseError::Spent),
        }
    }

    /// Ends the token of this id before its time. Revoking twice, and one that was used, is no error. Who may do that, the program
    /// says; it is in the audit log by `by`.
    ///
    /// # Errors
    /// [`Fault`]: it is as good as before.
    pub async fn revoke(&self, id: Id, by: audit::Context) -> Result<(), Fault> {
        // Its end isn't known by its id: none is good for longer.
        let expires_at = by.at.plus(LONGEST_PURPOSE);
        self.store.revoke_purpose(id, expires_at, by).await
    }
}

impl<C> fmt::Debug for KeptTokens<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeptTokens").field(&self.tokens).finish()
    }
}
