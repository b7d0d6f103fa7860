//! Signed tokens for a purpose of the program's own: a link to a download, an unsubscription, a hand-over to another page.
//!
//! A token of a purpose is a JWS by the key ring, of its own type (`typ: download+jwt`) and for its own audience. So no verifier
//! that insists on either takes it for an access token, ours included; an access token is none of it; and no two purposes
//! are mixed up, whatever their claims have in common.
//!
//! Whoever has such a token can use it until it expires: it is shown to whoever may, and for as short as is enough.
//!
//! Verifying one reads nothing, so a service without the database does it, too ([`RemotePurposeTokens`]). What is to be good
//! once, or to end before its time, is signed for a purpose that says so ([`KeptPurpose`]); then the store is asked each time.
//!
//! **Deliberately absent:** a look at the account. What must end with a right of its subject asks for that right.
//!
//! Source: RFC 8725 §3.11 and §3.12

mod kept;
mod name;
mod read;
mod remote;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use self::kept::{KeptPurpose, KeptTokens, UseError};
use self::name::{is_taken, valid_name};
use self::read::Unread;
pub use self::remote::{RemotePurposeTokens, RemoteTokenError};
use super::claims::is_reserved;
use super::{Id, InvalidToken, Settings, jws};
use crate::account;
use crate::defends;
use crate::environment::{Environment, Timestamp};
use crate::key::{Keyring, SigningFailed};

/// A purpose that tokens are signed for, with what they say as a type.
///
/// ```
/// use portcullis_core::token::Purpose;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Download {
///     file: String,
/// }
///
/// const DOWNLOAD: Purpose<Download> = Purpose::new("download");
/// ```
///
/// A name that isn't one, or has a meaning elsewhere, does not compile:
///
/// ```compile_fail
/// const ACCESS: portcullis_core::token::Purpose<()> = portcullis_core::token::Purpose::new("at");
/// ```
pub struct Purpose<C> {
    name: &'static str,
    claims: PhantomData<fn() -> C>,
}

impl<C> Purpose<C> {
    /// The purpose of this name: 3 to 32 of a-z and hyphens between them. One name has one kind of claims.
    ///
    /// # Panics
    /// For another name, and for one that has a meaning elsewhere, such as `logout` (OpenID Connect Back-Channel Logout §2.4). In a
    /// constant that is an error of the compiler.
    pub const fn new(name: &'static str) -> Self {
        defends!("T217");
        assert!(
            valid_name(name),
            "a purpose's name has 3 to 32 of a-z and hyphens between them, such as download"
        );
        assert!(
            !is_taken(name),
            "tokens of this type have a meaning elsewhere: choose another name"
        );
        Self {
            name,
            claims: PhantomData,
        }
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The same, of which each token is good once: [`KeptPurpose`]. Tokens of the purpose without this are none of it.
    pub const fn once(self) -> KeptPurpose<C> {
        KeptPurpose::of(self, Kept::Once)
    }

    /// The same, whose tokens can be revoked by their id: [`KeptPurpose`]. Tokens of the purpose without this are none of it.
    pub const fn revocable(self) -> KeptPurpose<C> {
        KeptPurpose::of(self, Kept::Revocable)
    }
}

/// What the store knows of the tokens of a purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// Nothing: whoever has the keys verifies them.
    No,
    /// Which were revoked.
    Revocable,
    /// Which were used or revoked.
    Once,
}

/// What tells the tokens of a purpose from all others. Those that the store must be asked about look otherwise than those of
/// a purpose of the same name that it needn't be: who can't ask never takes them.
#[derive(Debug, Clone, Copy)]
struct Form {
    name: &'static str,
    kept: Kept,
}

impl Form {
    const fn of(name: &'static str, kept: Kept) -> Self {
        defends!("T242");
        Self { name, kept }
    }

    /// What stands behind the name. No name has a dot.
    const fn mark(self) -> &'static str {
        match self.kept {
            Kept::No => "",
            Kept::Revocable => ".revocable",
            Kept::Once => ".once",
        }
    }

    /// The `typ` of its tokens.
    fn typ(self) -> String {
        format!("{}{}+jwt", self.name, self.mark())
    }

    /// The `aud` of its tokens.
    fn audience(self) -> String {
        format!("urn:portcullis:purpose:{}{}", self.name, self.mark())
    }
}

impl<C> Clone for Purpose<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Purpose<C> {}

impl<C> fmt::Debug for Purpose<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Purpose").field(&self.name).finish()
    }
}

/// Why no token was signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// It would be good for no time at all, or for longer than keys are kept for.
    #[error("a token is good for 1 s to {} s here", .longest.as_secs())]
    Lifetime {
        /// How long it may be at most ([`Settings::purpose_lifetime`]).
        longest: Duration,
    },
    /// What it is to say isn't a JSON object.
    #[error("the claims must be a JSON object: {0}")]
    NotAnObject(String),
    /// A claim has a name with a meaning of its own.
    #[error("the claim {0:?} is set by the issuer; choose another name")]
    Reserved(String),
    /// It would be too long for a header line or an address.
    #[error("the claims would make a token of more than {LONGEST} bytes")]
    TooLong,
    /// The key can't sign.
    #[error(transparent)]
    Signing(#[from] SigningFailed),
}

/// A token that is good, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PurposeToken<C> {
    /// What it says.
    pub claims: C,
    /// `sub`: the account it is about, if it is about one. It isn't looked whether the account may still act.
    pub subject: Option<account::Id>,
    /// `jti`: its id, for whoever remembers which were used.
    pub id: Id,
    /// `iat`: when it was signed, in UTC to the second.
    pub issued_at: Timestamp,
    /// `exp`: from when on it is refused, in UTC to the second.
    pub expires_at: Timestamp,
}

/// Role: token manager of one purpose. Signs and verifies.
pub struct PurposeTokens<C> {
    form: Form,
    claims: PhantomData<fn() -> C>,
    keyring: Arc<Keyring>,
    environment: Environment,
    issuer: String,
    longest: Duration,
}

impl<C> PurposeTokens<C> {
    /// Signs with `keyring` as the issuer of `settings`.
    pub fn new(
        purpose: Purpose<C>,
        keyring: Arc<Keyring>,
        environment: Environment,
        settings: &Settings,
    ) -> Self {
        Self::of(Form::of(purpose.name, Kept::No), keyring, environment, settings)
    }

    fn of(form: Form, keyring: Arc<Keyring>, environment: Environment, settings: &Settings) -> Self {
        Self {
            form,
            claims: PhantomData,
            keyring,
            environment,
            issuer: settings.issuer.clone(),
            longest: settings.longest_purpose(),
        }
    }

    /// Verifies a token of this purpose: form, key, signature, type, issuer, audience and time, without a leeway for its
    /// end. It says neither that the token is used for the first time nor that its subject may still act.
    ///
    /// # Errors
    /// [`InvalidToken`]; [`InvalidToken::WrongType`] for an access token and for one of another purpose,
    /// [`InvalidToken::Malformed`] also for claims that aren't a `C`.
    pub fn verify(&self, token: &str) -> Result<PurposeToken<C>, InvalidToken>
    where
        C: DeserializeOwned,
    {
        let now = self.environment.now();
        let unread = Unread::parse(token)?;
        let key = self.keyring.verifying(unread.kid(), now);
        unread.read(
            &key.ok_or(InvalidToken::UnknownKey)?,
            self.form,
            &self.issuer,
            now,
        )
    }

    /// Signs a token that says `claims`, about `subject` if it is about an account, good for so long from now on, to the second.
    /// Whoever has its text can use it.
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
        let lifetime = Duration::from_secs(lifetime.as_secs());
        if lifetime.is_zero() || lifetime > self.longest {
            return Err(SignError::Lifetime {
                longest: self.longest,
            });
        }
        let mut all = match serde_json::to_value(claims) {
            Ok(Value::Object(all)) => all,
            Ok(_) => return Err(SignError::NotAnObject("it is something else".to_owned())),
            Err(error) => return Err(SignError::NotAnObject(error.to_string())),
        };
        if let Some(name) = all.keys().find(|name| is_reserved(name)) {
            defends!("T218");
            return Err(SignError::Reserved(name.clone()));
        }
        let issued_at = Timestamp::from_seconds(self.environment.now().as_seconds());
        all.insert("iss".to_owned(), self.issuer.as_str().into());
        all.insert("aud".to_owned(), self.form.audience().into());
        all.insert("iat".to_owned(), issued_at.as_seconds().into());
        all.insert("exp".to_owned(), issued_at.plus(lifetime).as_seconds().into());
        let id = Id::new(&self.environment);
        all.insert("jti".to_owned(), id.as_uuid().to_string().into());
        if let Some(subject) = subject {
            all.insert("sub".to_owned(), subject.as_uuid().to_string().into());
        }
        let payload = Value::Object(all).to_string();
        let token = jws::sign(&self.keyring.signer(), &self.form.typ(), payload.as_bytes())?;
        if token.len() > LONGEST {
            return Err(SignError::TooLong);
        }
        Ok(token)
    }
}

impl<C> fmt::Debug for PurposeTokens<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PurposeTokens")
            .field("purpose", &self.form.name)
            .finish_non_exhaustive()
    }
}

/// The longest token that is signed, in bytes: what still fits into an address and a header line.
const LONGEST: usize = 4_096;

#[cfg(test)]
mod tests;
