//! Issues tokens: the pair at a login, the next pair at each refresh.
//!
//! ```text
//! login    open a session with first_refresh, then mint_access
//! refresh  presented → successor = HMAC(server key, presented) → one atomic exchange in the store → mint
//! ```
//! **Invariants:** a refresh token's successor is a function of the token, so racing callers get the same one and
//! whoever has not the server key can't compute it; an access token never outlives its session.
//!
//! The server key comes from the *oldest* master key of the ring: putting a new master key on top must not change
//! the successors of tokens that are being exchanged on another node. Taking the oldest away does, so an exchange
//! that was answered before and is repeated after counts as a replay.
//!
//! **Deliberately absent:** deciding by what a token carries of roles and permissions; here the store is asked.

mod settings;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use serde_json::{Map, Value};

pub(crate) use self::settings::LONGEST_PURPOSE;
pub use self::settings::Settings;
use super::verifier::MAX_LEEWAY;
use super::{
    AccessClaims, Audience, Id, InvalidClaims, NewRefresh, Refresh, RefreshRotation, RefreshToken, Resource,
    Rotated, Store, TokenSubject, UnknownResource, claims, jws,
};
use crate::environment::{Environment, Timestamp};
use crate::fault::Fault;
use crate::key::{Keyring, Sealer, SigningFailed};
use crate::secret::{Opaque, SecretText};
use crate::{account, audit, session};

/// An access token and what it says.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// The signed token, as a caller presents it.
    pub token: SecretText,
    /// Its claims, as a verifier will read them.
    pub claims: AccessClaims,
}

/// What a refresh token was exchanged for.
#[derive(Debug, Clone)]
pub struct Exchanged {
    /// What a new access token is made from.
    pub subject: TokenSubject,
    /// The refresh token that is good from now on, once; the presented one is used.
    pub refresh_token: RefreshToken,
}

/// What a caller gets.
#[derive(Debug, Clone)]
pub struct IssuedTokens {
    /// The signed access token: `access_token` (RFC 6749 §5.1).
    pub access_token: SecretText,
    /// How long it is good for, in whole seconds.
    pub expires_in: Duration,
    /// The refresh token: good once.
    pub refresh_token: RefreshToken,
    /// The session both belong to.
    pub session: session::Id,
    /// The scopes it is narrowed to; `None` is everything the account may do.
    pub scopes: Option<Vec<String>>,
}

/// Why an access token can't be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// The claims can't be signed.
    #[error(transparent)]
    Claims(#[from] InvalidClaims),
    /// The token would be longer than one line of a request may be on its way.
    #[error(
        "the token would be longer than {} bytes; put fewer claims in it",
        jws::LONGEST_ISSUED
    )]
    TooLarge,
    /// The key can't sign.
    #[error(transparent)]
    Signing(#[from] SigningFailed),
}

/// Why a refresh brings no tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// There is no such token, it expired, its session ended or timed out, its account may not act, or somebody went on
    /// from its successor a moment ago: never told apart.
    #[error("the refresh token isn't valid; log in again")]
    Invalid,
    /// It was used before, outside the grace, and so was its successor: the session and its family are ended now.
    #[error("the refresh token was used before, so its session was ended; log in again")]
    Replayed(session::Id),
    /// The store could not do its work; the same token may be presented again.
    #[error(transparent)]
    Store(#[from] Fault),
    /// No access token could be made; the same token may be presented again.
    #[error("no access token could be made: {0}")]
    Signing(#[from] MintError),
}

/// Role: token generator and token manager. Issues, refreshes and revokes.
pub struct Issuer {
    keyring: Arc<Keyring>,
    store: Arc<dyn Store>,
    successors: hmac::Key,
    environment: Environment,
    settings: Settings,
}

impl Issuer {
    /// An issuer that signs with `keyring` and derives refresh tokens under a key of `sealer`.
    pub fn new(
        keyring: Arc<Keyring>,
        store: Arc<dyn Store>,
        sealer: &Sealer,
        environment: Environment,
        settings: Settings,
    ) -> Self {
        let keys = sealer.derive(SUCCESSOR);
        // A ring is never empty, and current first: the last is the oldest.
        let oldest = keys.last().map_or(&[][..], |key| key.expose());
        Self {
            keyring,
            store,
            successors: hmac::Key::new(hmac::HMAC_SHA256, oldest),
            environment,
            settings,
        }
    }

    /// Issuer, audience, lifetimes and resources, as they were given.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The issuer itself, as whom a token is for.
    pub fn own_audience(&self) -> Audience {
        Audience(self.settings.audience.clone())
    }

    /// Whom a token is for: the resource that a client named, or the issuer itself where it named none.
    ///
    /// # Errors
    /// [`UnknownResource`] unless it is one that is registered, to the letter.
    ///
    /// Source: RFC 8707 §2
    pub fn audience(&self, resource: Option<&str>) -> Result<Audience, UnknownResource> {
        let Some(named) = resource else {
            return Ok(self.own_audience());
        };
        let registered = self.settings.resources.iter();
        registered
            .map(Resource::as_str)
            .find(|known| *known == named)
            .map(|known| Audience(known.to_owned()))
            .ok_or(UnknownResource)
    }

    /// Makes the access token of a session for the issuer itself: [`Issuer::mint_access_for`].
    ///
    /// # Errors
    /// [`MintError`], as [`Issuer::mint_access_for`].
    pub fn mint_access(
        &self,
        subject: &TokenSubject,
        extra: Map<String, Value>,
    ) -> Result<AccessToken, MintError> {
        self.mint_access_for(subject, &self.own_audience(), extra)
    }

    /// Makes the access token of a session for `audience` alone. It ends with the session at the latest. `extra` adds
    /// claims: roles, permissions, whatever services want that verify without asking back.
    ///
    /// # Errors
    /// [`MintError`]: a claim can't be set, the token would be too long, or the key can't sign.
    pub fn mint_access_for(
        &self,
        subject: &TokenSubject,
        audience: &Audience,
        extra: Map<String, Value>,
    ) -> Result<AccessToken, MintError> {
        crate::defends!("T094");
        let TokenSubject { session, account } = subject;
        let now = whole_seconds(self.environment.now());
        let claims = AccessClaims {
            issuer: self.settings.issuer.clone(),
            audience: vec![audience.0.clone()],
            client: Some(self.settings.audience.clone()),
            account: account.id,
            id: Id::new(&self.environment),
            session: session.id,
            stamp: account.stamp,
            issued_at: now,
            not_before: None,
            expires_at: whole_seconds(
                now.plus(self.settings.lifetime_for(&audience.0))
                    .min(session.expires_at),
            ),
            authenticated_at: whole_seconds(session.authenticated_at),
            method: session.method,
            scopes: session.scopes.clone(),
            extra,
        };
        let (signer, payload) = (self.keyring.signer(), claims::serialise(&claims)?);
        crate::defends!("T191");
        if jws::access_token_length(&signer, payload.len()) > jws::LONGEST_ISSUED {
            return Err(MintError::TooLarge);
        }
        let token = jws::sign(&signer, jws::ACCESS_TOKEN, &payload)?;
        Ok(AccessToken {
            token: SecretText::new(token),
            claims,
        })
    }

    /// Whether every token of a session narrowed to these scopes is short enough: for whichever application it is asked
    /// for, and also when the next key signs with an algorithm of longer signatures.
    pub fn holds_scopes(&self, scopes: &[String]) -> bool {
        let length: usize = scopes.iter().map(|scope| scope.len() + 1).sum();
        let names = self.settings.resources.iter().map(Resource::as_str);
        let longest = names.chain([self.settings.audience.as_str()]).map(str::len).max();
        let own = &self.settings;
        let texts = own.issuer.len() + own.audience.len() + longest.unwrap_or_default() + length;
        let header = self.keyring.signer().verifying().access_header().len();
        let token = header + jws::encoded_length(FIXED_CLAIMS + texts) + jws::encoded_length(LONG_SIGNATURE);
        token <= jws::LONGEST_ISSUED
    }

    /// The first refresh token of the session `of` that ends at `session_ends`: the token, and what
    /// [`NewSession`](session::NewSession) needs of it.
    pub fn first_refresh(&self, of: session::Id, session_ends: Timestamp) -> (RefreshToken, NewRefresh) {
        let token = RefreshToken::mint(&self.environment, of);
        let expires_at = self
            .environment
            .now()
            .plus(self.settings.refresh_lifetime)
            .min(session_ends);
        let new = NewRefresh {
            digest: token.digest(),
            expires_at,
        };
        (token, new)
    }

    /// Exchanges a refresh token and makes the access token that goes with its successor.
    ///
    /// # Errors
    /// [`RefreshError`]; on `Replayed` the session is ended, on `Store` and `Signing` the same token may come again.
    pub async fn refresh(
        &self,
        presented: &RefreshToken,
        by: audit::Context,
    ) -> Result<IssuedTokens, RefreshError> {
        let exchanged = self.exchange(presented, by).await?;
        Ok(self.issue(exchanged, &self.own_audience(), Map::new())?)
    }

    /// [`Issuer::refresh`] for a token as a caller presents it.
    ///
    /// # Errors
    /// [`RefreshError`]; text that is no refresh token is [`RefreshError::Invalid`].
    pub async fn refresh_text(
        &self,
        presented: &str,
        by: audit::Context,
    ) -> Result<IssuedTokens, RefreshError> {
        let presented = RefreshToken::parse(presented).ok_or(RefreshError::Invalid)?;
        self.refresh(&presented, by).await
    }

    /// Exchanges a refresh token for its successor. Racing calls, and a call repeated before that successor was used, get
    /// the same one. Once it was used, a call within the grace is refused and a later one ends the session.
    ///
    /// # Errors
    /// [`RefreshError`]; on `Replayed` the session is ended, on `Store` the same token may come again.
    pub async fn exchange(
        &self,
        presented: &RefreshToken,
        by: audit::Context,
    ) -> Result<Exchanged, RefreshError> {
        crate::defends!("T007");
        let now = by.at;
        let successor = self.successor_of(presented);
        let rotation = RefreshRotation {
            presented: presented.presented(),
            // The store refuses a token whose session has ended, so the session's end needs no repetition here.
            successor: NewRefresh {
                digest: successor.digest(),
                expires_at: now.plus(self.settings.refresh_lifetime),
            },
            grace_from: now.minus(self.settings.refresh_grace),
            require_verified: self.settings.require_verified_email,
        };
        let (Rotated::Fresh(subject) | Rotated::Again(subject)) =
            self.store.rotate_refresh(rotation, by).await??;
        Ok(Exchanged {
            // Whatever the presented one's text was: the successor names its session.
            refresh_token: RefreshToken::of(subject.session.id, successor),
            subject: *subject,
        })
    }

    /// Makes the access token that goes with an exchanged refresh token.
    ///
    /// # Errors
    /// [`MintError`]; the same refresh token may be presented again.
    pub fn issue(
        &self,
        exchanged: Exchanged,
        audience: &Audience,
        extra: Map<String, Value>,
    ) -> Result<IssuedTokens, MintError> {
        let Exchanged {
            subject,
            refresh_token,
        } = exchanged;
        let access = self.mint_access_for(&subject, audience, extra)?;
        Ok(Self::pair(access, refresh_token))
    }

    /// Puts an access token and a refresh token of the same session together, as a caller gets them.
    pub fn pair(access: AccessToken, refresh_token: RefreshToken) -> IssuedTokens {
        let AccessToken { token, claims } = access;
        IssuedTokens {
            access_token: token,
            expires_in: claims.expires_at.since(claims.issued_at),
            refresh_token,
            session: claims.session,
            scopes: claims.scopes,
        }
    }

    /// Revokes an access token for as long as any verifier could accept it.
    ///
    /// # Errors
    /// [`Fault`]; the token is as valid as it was.
    pub async fn revoke(
        &self,
        id: Id,
        account: account::Id,
        expires_at: Timestamp,
        by: audit::Context,
    ) -> Result<(), Fault> {
        // A verifier with leeway accepts a little longer than the token says.
        self.store
            .revoke(id, account, expires_at.plus(MAX_LEEWAY), by)
            .await
    }

    fn successor_of(&self, presented: &RefreshToken) -> Opaque<Refresh> {
        crate::defends!("T008");
        let tag = hmac::sign(&self.successors, presented.expose_bytes());
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        Opaque::from_bytes(bytes)
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The whole second a moment lies in: a token carries no more.
fn whole_seconds(moment: Timestamp) -> Timestamp {
    Timestamp::from_seconds(moment.as_seconds())
}

/// No fewer bytes than all claims but issuer, audience, client and scopes take: four ids, four times, names and marks, and
/// entitlements of which none is left.
const FIXED_CLAIMS: usize = 536;

/// The signature of an RSA key of 3,072 bits, in bytes.
const LONG_SIGNATURE: usize = 384;

const SUCCESSOR: &str = "refresh-successor";

#[cfg(test)]
mod tests;
