//! Logs in and out.
//!
//! Flow of a login: the identifier finds account and hash, the password is verified (or a dummy hash is computed),
//! the account's state is judged, and [`Store::open`] opens the session if the account still is as it was read
//! (`T035`). Wrong user and wrong password are one answer; what is wrong with the *account* is said only to
//! somebody who knew its password.

use std::sync::Arc;
use std::time::Duration;

use super::{Device, Ending, Id, Method, NewSession, Opening, Session, Store, Token};
use crate::access::Directory;
use crate::account::{self, Account, Identifier, Login};
use crate::environment::{Environment, Timestamp};
use crate::fault::Fault;
use crate::password::{HashError, Hasher, Password, Verdict};
use crate::secret::SecretText;
use crate::token::{self, Issuer, RefreshError, RefreshToken};
use crate::{audit, defends};

/// How long sessions live.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// How long a browser's session may stay unused: 30 minutes.
    pub idle: Duration,
    /// When a browser's session ends in any case: 12 hours.
    pub absolute: Duration,
    /// The same for "remember me": 14 days.
    pub remembered_idle: Duration,
    /// The same for "remember me": 90 days.
    pub remembered_absolute: Duration,
    /// When a session with refresh tokens ends in any case: 90 days. It may stay unused for a refresh token's life.
    pub tokens_absolute: Duration,
    /// How many sessions an account may have at once: 50. The least recently seen one makes room.
    pub per_account: u32,
    /// Whether an unverified account is refused.
    pub require_verified_email: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let hours = |count: u64| Duration::from_secs(count * 3_600);
        Self {
            idle: Duration::from_secs(30 * 60),
            absolute: hours(12),
            remembered_idle: hours(14 * 24),
            remembered_absolute: hours(90 * 24),
            tokens_absolute: hours(90 * 24),
            per_account: 50,
            require_verified_email: false,
        }
    }
}

/// What the device gets to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// An access token and a refresh token.
    Tokens,
    /// An opaque session token with the short profile.
    Session,
    /// An opaque session token with the "remember me" profile.
    Remembered,
}

/// What somebody logs in with.
#[derive(Debug, Clone)]
pub struct LoginForm {
    /// An address or a user name, as typed.
    pub identifier: String,
    /// The password.
    pub password: SecretText,
    /// What the device gets.
    pub delivery: Delivery,
    /// Scopes to be narrowed to; `None` is everything the account may do.
    pub scopes: Option<Vec<String>>,
    /// Where.
    pub device: Device,
}

/// What a login gives.
#[derive(Debug, Clone)]
pub enum LoggedIn {
    /// Tokens.
    Tokens {
        /// What was issued.
        issued: Box<token::Issued>,
        /// The account.
        account: Account,
        /// The account has had sessions before, and none from such a device.
        new_device: bool,
    },
    /// A session.
    Session {
        /// Its id.
        id: Id,
        /// Its token, shown once.
        token: Token,
        /// The account.
        account: Account,
        /// Until when at most.
        expires_at: Timestamp,
        /// It is remembered beyond the browser's end.
        remembered: bool,
        /// The account has had sessions before, and none from such a device.
        new_device: bool,
    },
}

/// Why nobody was logged in.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoginError {
    /// No such account, or not its password: never told apart.
    #[error("wrong identifier or password")]
    WrongCredentials,
    /// The password was right, but the account may not log in.
    #[error("the account is {}", .0.as_str())]
    Account(account::State),
    /// None of the asked scopes may be given to this account.
    #[error("none of the scopes asked for can be granted")]
    InvalidScope,
    /// The password couldn't be checked.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// No token could be signed.
    #[error(transparent)]
    Signing(#[from] token::MintError),
    /// The store couldn't.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What a [`Manager`] rests on.
pub struct Foundation {
    /// Accounts.
    pub accounts: Arc<dyn account::Store>,
    /// Sessions.
    pub sessions: Arc<dyn Store>,
    /// Refresh tokens.
    pub tokens: Arc<dyn token::Store>,
    /// The audit log.
    pub audit: Arc<dyn audit::Store>,
    /// What accounts may do.
    pub directory: Arc<Directory>,
    /// Passwords.
    pub hasher: Arc<Hasher>,
    /// Tokens.
    pub issuer: Arc<Issuer>,
    /// Time and randomness.
    pub environment: Environment,
    /// How long sessions live.
    pub settings: Settings,
}

/// Role: session manager. Opens sessions at logins and ends them.
pub struct Manager {
    on: Foundation,
}

impl Manager {
    /// A manager on this foundation.
    pub fn new(on: Foundation) -> Self {
        Self { on }
    }

    /// Logs somebody in by password.
    ///
    /// # Errors
    /// [`LoginError`]; refusals are in the audit log with their reason.
    pub async fn log_in(&self, form: LoginForm, by: audit::Context) -> Result<LoggedIn, LoginError> {
        let account = match self.verify(&form, &by).await? {
            Ok(account) => account,
            Err((account, reason)) => return Err(self.refuse(account, reason, by).await?),
        };
        let id = account.id;
        let opened = match self.grant(id, form.scopes.clone()).await {
            Ok(scopes) => self.open(&account, form, scopes, by.clone()).await,
            Err(error) => Err(error),
        };
        match opened {
            Err(LoginError::InvalidScope) => Err(self.refuse(Some(id), Reason::Scope, by).await?),
            // The account was changed while its password was hashed.
            Err(LoginError::Account(state)) => Err(self.refuse(Some(id), Reason::State(state), by).await?),
            Err(LoginError::WrongCredentials) => Err(self.refuse(Some(id), Reason::Changed, by).await?),
            other => other,
        }
    }

    /// Exchanges a refresh token for new tokens.
    ///
    /// # Errors
    /// [`RefreshError`]; a replayed token has ended its session.
    pub async fn refresh(
        &self,
        presented: &RefreshToken,
        by: audit::Context,
    ) -> Result<token::Issued, RefreshError> {
        let exchanged = self.on.issuer.exchange(presented, by).await?;
        match self.issue(exchanged).await {
            Ok(issued) => Ok(issued),
            Err(LoginError::Fault(fault)) => Err(RefreshError::Store(fault)),
            Err(LoginError::Signing(error)) => Err(RefreshError::Signing(error)),
            Err(_) => Err(RefreshError::Invalid),
        }
    }

    /// Ends a session by its owner's logout. Answers `false` if it had ended already.
    ///
    /// # Errors
    /// What the store says.
    pub async fn log_out(
        &self,
        account: account::Id,
        session: Id,
        by: audit::Context,
    ) -> Result<bool, Fault> {
        self.on.sessions.end(account, session, Ending::Logout, by).await
    }

    /// Ends everything the account was ever given. Answers how many sessions that were.
    ///
    /// # Errors
    /// What the store says.
    pub async fn log_out_everywhere(&self, account: account::Id, by: audit::Context) -> Result<u64, Fault> {
        self.on
            .sessions
            .end_all(account, account::Stamp::new(&self.on.environment), by)
            .await
    }

    /// Ends one of the account's sessions from elsewhere. Answers `false` if the account has no such session.
    ///
    /// # Errors
    /// What the store says.
    pub async fn end(&self, account: account::Id, session: Id, by: audit::Context) -> Result<bool, Fault> {
        self.on.sessions.end(account, session, Ending::Ended, by).await
    }

    /// Ends all sessions of the account but one. Answers how many.
    ///
    /// # Errors
    /// What the store says.
    pub async fn end_others(&self, account: account::Id, keep: Id, by: audit::Context) -> Result<u64, Fault> {
        self.on.sessions.end_others(account, keep, by).await
    }

    /// Ends the session of a refresh token, used or not. A token that doesn't exist is no error.
    ///
    /// # Errors
    /// What the store says.
    pub async fn revoke_refresh(&self, token: &RefreshToken, by: audit::Context) -> Result<(), Fault> {
        let Some(id) = self.on.tokens.find_refresh(token.digest()).await? else {
            return Ok(());
        };
        let Some(session) = self.on.sessions.find(id).await? else {
            return Ok(());
        };
        self.on
            .sessions
            .end(session.account, id, Ending::Logout, by)
            .await?;
        Ok(())
    }

    /// Ends the session of a session token. A token that is no session's is no error.
    ///
    /// # Errors
    /// What the store says.
    pub async fn revoke_session(&self, token: &Token, by: audit::Context) -> Result<(), Fault> {
        if let Some(session) = self.on.sessions.find_by_token(token.digest()).await? {
            let (account, id) = (session.account, session.id);
            self.on.sessions.end(account, id, Ending::Logout, by).await?;
        }
        Ok(())
    }

    /// The account's living sessions, most recently seen first.
    ///
    /// # Errors
    /// What the store says.
    pub async fn list(&self, account: account::Id) -> Result<Vec<Session>, Fault> {
        self.on.sessions.list(account, self.on.environment.now()).await
    }

    /// Names one of the account's sessions. Answers `false` if the account has no such session.
    ///
    /// # Errors
    /// What the store says.
    pub async fn rename(
        &self,
        account: account::Id,
        session: Id,
        name: DeviceName,
        by: audit::Context,
    ) -> Result<bool, Fault> {
        self.on.sessions.rename(account, session, name.0, by).await
    }

    /// Gives a session another token, as every change of privilege must. `None` if `old` isn't its token any more.
    ///
    /// # Errors
    /// What the store says.
    pub async fn renew(&self, id: Id, old: &Token, by: audit::Context) -> Result<Option<Token>, Fault> {
        defends!("T022");
        let token = Token::mint(&self.on.environment);
        let renewed = self
            .on
            .sessions
            .renew(id, old.digest(), token.digest(), by)
            .await?;
        Ok(renewed.then_some(token))
    }

    /// Makes the access token, with the account's roles for services that verify without asking back. A session
    /// narrowed by scopes carries none: a role could allow what the scopes leave out.
    async fn issue(&self, exchanged: token::Exchanged) -> Result<token::Issued, LoginError> {
        let mut extra = serde_json::Map::new();
        if exchanged.standing.session.scopes.is_none() {
            let facts = self.on.directory.facts(exchanged.standing.account.id).await?;
            let roles = facts.map(|facts| facts.roles.clone()).unwrap_or_default();
            extra.insert("roles".to_owned(), roles.into());
        }
        Ok(self.on.issuer.issue(exchanged, extra)?)
    }

    /// The account if the password is its own; otherwise the reason, with the account it was about.
    async fn verify(
        &self,
        form: &LoginForm,
        by: &audit::Context,
    ) -> Result<Result<Account, Refusal>, LoginError> {
        let found = match Identifier::parse(&form.identifier) {
            Some(identifier) => self.on.accounts.find_login(identifier).await?,
            None => None,
        };
        let id = found.as_ref().map(|login| login.account.id);
        let Some(password) = Password::new(&form.password) else {
            return Ok(Err((id, Reason::WrongPassword)));
        };
        let stored = found
            .as_ref()
            .and_then(|login| Some((login.account.id, login.password.as_ref()?)));
        let verdict = self.on.hasher.verify(stored, password).await?;
        let Some(Login {
            account,
            password: Some(sealed),
        }) = found
        else {
            return Ok(Err((id, Reason::UnknownIdentifier)));
        };
        match verdict {
            Verdict::Mismatch => return Ok(Err((id, Reason::WrongPassword))),
            Verdict::MatchRenew(renewed) => {
                self.on.accounts.rehash(account.id, sealed, renewed).await?;
            }
            Verdict::Match => {}
        }
        let unverified =
            account.state == account::State::Unverified && self.on.settings.require_verified_email;
        if !account.state.may_act() || unverified {
            return Ok(Err((id, Reason::State(account.state))));
        }
        tracing::debug!(trace = ?by.trace, "password verified");
        Ok(Ok(account))
    }

    async fn refuse(
        &self,
        account: Option<account::Id>,
        reason: Reason,
        by: audit::Context,
    ) -> Result<LoginError, LoginError> {
        let (detail, error) = match reason {
            Reason::UnknownIdentifier => ("unknown identifier".to_owned(), LoginError::WrongCredentials),
            Reason::WrongPassword => ("wrong password".to_owned(), LoginError::WrongCredentials),
            Reason::Changed => (
                "the account changed during the login".to_owned(),
                LoginError::WrongCredentials,
            ),
            Reason::Scope => (
                "no such scope for this account".to_owned(),
                LoginError::InvalidScope,
            ),
            Reason::State(state) => (format!("account {}", state.as_str()), LoginError::Account(state)),
        };
        let refusal = audit::Refusal {
            action: audit::Action::LoginRefused,
            account,
            session: None,
            detail,
        };
        self.on.audit.append(refusal, by).await?;
        Ok(error)
    }

    /// The scopes asked for that the account may have.
    async fn grant(
        &self,
        account: account::Id,
        asked: Option<Vec<String>>,
    ) -> Result<Option<Vec<String>>, LoginError> {
        defends!("T024");
        let Some(mut asked) = asked else { return Ok(None) };
        let facts = self
            .on
            .directory
            .facts(account)
            .await?
            .ok_or(LoginError::WrongCredentials)?;
        asked.retain(|scope| facts.permission_names.binary_search(scope).is_ok());
        asked.sort();
        asked.dedup();
        if asked.is_empty() {
            Err(LoginError::InvalidScope)
        } else {
            Ok(Some(asked))
        }
    }

    /// How long such a session may stay unused, and how long it lives at most.
    fn lifetimes(&self, delivery: Delivery) -> (Duration, Duration) {
        let settings = &self.on.settings;
        match delivery {
            Delivery::Tokens => (
                self.on.issuer.settings().refresh_lifetime,
                settings.tokens_absolute,
            ),
            Delivery::Session => (settings.idle, settings.absolute),
            Delivery::Remembered => (settings.remembered_idle, settings.remembered_absolute),
        }
    }

    async fn open(
        &self,
        account: &Account,
        form: LoginForm,
        scopes: Option<Vec<String>>,
        by: audit::Context,
    ) -> Result<LoggedIn, LoginError> {
        let now = by.at;
        let settings = &self.on.settings;
        let (idle, absolute) = self.lifetimes(form.delivery);
        let expires_at = now.plus(absolute);
        let holds = match form.delivery {
            Delivery::Tokens => Holds::Refresh(self.on.issuer.first_refresh(expires_at)),
            Delivery::Session | Delivery::Remembered => Holds::Session(Token::mint(&self.on.environment)),
        };
        let new = NewSession {
            id: Id::new(&self.on.environment),
            account: account.id,
            stamp: account.stamp,
            require_verified: settings.require_verified_email,
            token: holds.session().map(Token::digest),
            refresh: holds.refresh(),
            device: form.device,
            method: Method::Password,
            scopes,
            idle,
            expires_at,
            limit: settings.per_account,
        };
        let session = living(&new, now);
        defends!("T035");
        let new_device = match self.on.sessions.open(new, by).await? {
            Opening::Opened { new_device, .. } => new_device,
            Opening::Refused(state) if state.may_act() => return Err(LoginError::WrongCredentials),
            Opening::Refused(state) => return Err(LoginError::Account(state)),
        };
        match holds {
            Holds::Refresh((refresh_token, _)) => {
                let standing = token::Standing {
                    session,
                    account: account.clone(),
                };
                let issued = self
                    .issue(token::Exchanged {
                        standing,
                        refresh_token,
                    })
                    .await?;
                Ok(LoggedIn::Tokens {
                    issued: Box::new(issued),
                    account: account.clone(),
                    new_device,
                })
            }
            Holds::Session(token) => Ok(LoggedIn::Session {
                id: session.id,
                token,
                account: account.clone(),
                expires_at,
                remembered: form.delivery == Delivery::Remembered,
                new_device,
            }),
        }
    }
}

/// The name a user gives a device: 1 to 64 printable characters.
#[derive(Debug, Clone)]
pub struct DeviceName(String);

/// Why a device's name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a device's name has 1 to 64 printable characters")]
pub struct InvalidDeviceName;

impl DeviceName {
    /// Parses a name.
    ///
    /// # Errors
    /// [`InvalidDeviceName`].
    pub fn parse(text: &str) -> Result<Self, InvalidDeviceName> {
        let text = text.trim();
        let fits = (1..=64).contains(&text.chars().count());
        if fits && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidDeviceName)
        }
    }
}

impl DeviceName {
    /// The name.
    pub fn into_string(self) -> String {
        self.0
    }
}

type Refusal = (Option<account::Id>, Reason);

enum Reason {
    UnknownIdentifier,
    WrongPassword,
    Scope,
    Changed,
    State(account::State),
}

enum Holds {
    Refresh((RefreshToken, token::NewRefresh)),
    Session(Token),
}

impl Holds {
    fn session(&self) -> Option<&Token> {
        match self {
            Self::Session(token) => Some(token),
            Self::Refresh(_) => None,
        }
    }

    fn refresh(&self) -> Option<token::NewRefresh> {
        match self {
            Self::Refresh((_, new)) => Some(*new),
            Self::Session(_) => None,
        }
    }
}

/// The session as the store keeps it from `now` on.
fn living(new: &NewSession, now: Timestamp) -> Session {
    Session {
        id: new.id,
        account: new.account,
        stamp: new.stamp,
        device: new.device.clone(),
        method: new.method,
        scopes: new.scopes.clone(),
        authenticated_at: now,
        last_seen_at: now,
        idle: new.idle,
        expires_at: new.expires_at,
    }
}

impl std::fmt::Debug for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Manager")
            .field("settings", &self.on.settings)
            .finish_non_exhaustive()
    }
}
