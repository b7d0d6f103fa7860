//! Ends, lists, names and renews sessions, and exchanges refresh tokens. Logging in is [beside](super::login).

mod attempt;
mod form;
mod issue;

use std::sync::Arc;
use std::time::Duration;

pub use self::form::{Delivery, LoggedIn, LoginError, LoginForm, LoginHook, OpeningSession, Stay};
use crate::account::{self, AccountsError, Passwords};
use crate::authn::AccountDirectory;
use crate::authz::{ApiKeysWrite, Authority, Brings, Everywhere, Permission as _, Permit, SessionsWrite};
use crate::environment::Environment;
use crate::fault::Fault;
use crate::hook::Hooks;
use crate::password::Hasher;
use crate::session::{ApiKeyHandling, DeviceName, Ending, Everything, Id, News, Session, Store, Token};
use crate::token::{self, Audience, Issuer, OwnClaims, RefreshError, RefreshToken};
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
    /// Whether nobody learns, by the time of a refusal either, which addresses have accounts.
    pub hide_addresses: bool,
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
            hide_addresses: false,
        }
    }
}

/// What a [`Manager`] rests on.
pub struct ManagerParts {
    /// Where accounts and their password hashes are kept.
    pub accounts: Arc<dyn account::Store>,
    /// Where sessions are kept.
    pub sessions: Arc<dyn Store>,
    /// Where refresh tokens are kept.
    pub tokens: Arc<dyn token::Store>,
    /// Where refusals are recorded.
    pub audit: Arc<dyn audit::Store>,
    /// What accounts may do.
    pub directory: Arc<AccountDirectory>,
    /// What checks passwords.
    pub hasher: Arc<Hasher>,
    /// What signs access tokens and derives refresh tokens.
    pub issuer: Arc<Issuer>,
    /// The clock, and the randomness that ids and tokens are made of.
    pub environment: Environment,
    /// How long sessions live.
    pub settings: Settings,
    /// Who words what is told about them; nobody is told without.
    pub news: Option<Arc<dyn News>>,
    /// What tokens carry besides: attributes and claims of the program's own.
    pub claims: OwnClaims,
    /// What the program adds to logins.
    pub hooks: Option<Hooks<dyn LoginHook>>,
}

/// Role: session manager. Opens sessions at logins and ends them.
pub struct Manager {
    pub(super) on: ManagerParts,
    pub(super) passwords: Passwords,
}

impl Manager {
    /// A manager on this foundation.
    pub fn new(on: ManagerParts) -> Self {
        let passwords = Passwords::new(
            Arc::clone(&on.accounts),
            Arc::clone(&on.hasher),
            on.settings.require_verified_email,
        );
        let passwords = if on.settings.hide_addresses {
            passwords.hiding_addresses()
        } else {
            passwords
        };
        Self { on, passwords }
    }

    /// Exchanges a refresh token for new tokens, the access token for the issuer itself.
    ///
    /// # Errors
    /// [`RefreshError`]; a replayed token has ended its session.
    pub async fn refresh(
        &self,
        presented: &RefreshToken,
        by: audit::Context,
    ) -> Result<token::IssuedTokens, RefreshError> {
        let own = self.on.issuer.own_audience();
        self.refresh_for(presented, &own, by).await
    }

    /// As [`Manager::refresh`], the access token for `audience`: another one than before is as good, because the session
    /// is what it was.
    ///
    /// # Errors
    /// [`RefreshError`]; a replayed token has ended its session.
    pub async fn refresh_for(
        &self,
        presented: &RefreshToken,
        audience: &Audience,
        by: audit::Context,
    ) -> Result<token::IssuedTokens, RefreshError> {
        let exchanged = self.on.issuer.exchange(presented, by).await?;
        match self.issue(exchanged, audience).await {
            Ok(issued) => Ok(issued),
            Err(LoginError::Fault(fault)) => Err(RefreshError::Store(fault)),
            Err(LoginError::Signing(error)) => Err(RefreshError::Signing(error)),
            Err(_) => Err(RefreshError::Invalid),
        }
    }

    /// Ends a session by its owner's logout. Answers `false` if it had ended already.
    ///
    /// # Errors
    /// [`Fault`] if a store can't do its work. The session may have ended nevertheless where sessions are kept outside
    /// the database.
    pub async fn log_out(
        &self,
        account: account::Id,
        session: Id,
        by: audit::Context,
    ) -> Result<bool, Fault> {
        self.on.sessions.end(account, session, Ending::Logout, by).await
    }

    /// Ends every session and token an account was ever given, for an administrator. Answers how many sessions that were.
    ///
    /// # Errors
    /// [`AccountsError`]; everything lives on then.
    pub async fn end_all_of(
        &self,
        permit: &Permit<SessionsWrite>,
        account: account::Id,
        by: audit::Context,
    ) -> Result<u64, AccountsError> {
        let ended = self
            .end_everything_of(permit, account, ApiKeyHandling::Stay, by)
            .await?;
        Ok(ended.sessions)
    }

    /// The same, and its API keys as `keys` says: ending those takes the permission to change keys besides.
    ///
    /// # Errors
    /// [`AccountsError`]; everything lives on then, API keys included.
    pub async fn end_everything_of(
        &self,
        permit: &Permit<SessionsWrite>,
        account: account::Id,
        keys: ApiKeyHandling,
        by: audit::Context,
    ) -> Result<Everything, AccountsError> {
        let theirs = self
            .on
            .directory
            .read(account, by.at)
            .await?
            .ok_or(AccountsError::UnknownAccount)?;
        // Checked beside the transaction: at worst it ends what its owner can begin anew at once.
        let authority = match permit.principal() {
            None => Authority::<Everywhere>::OPERATOR,
            Some(who) => {
                let own = Brings {
                    permissions: who.permissions().into_iter().map(str::to_owned).collect(),
                    ..Brings::default()
                };
                Authority::of_account(own).narrowed(who.scopes())
            }
        };
        let themselves = permit.actor() == audit::Actor::Account(account);
        let missing = authority.missing_over(SessionsWrite::PERMISSION, &theirs.rights.permission_names);
        if !missing.is_empty() && !themselves {
            return Err(AccountsError::Forbidden { missing });
        }
        if keys != ApiKeyHandling::Stay {
            let missing = authority.missing(ApiKeysWrite::PERMISSION, std::iter::empty::<&String>());
            if !missing.is_empty() {
                return Err(AccountsError::Forbidden { missing });
            }
        }
        Ok(self.end_everything(account, keys, permit.sign(by)).await?)
    }

    /// Ends every session and token the caller's own account was ever given. Answers how many sessions that were.
    ///
    /// # Errors
    /// [`Fault`] if the database can't do its work; everything lives on then.
    pub async fn log_out_everywhere(&self, account: account::Id, by: audit::Context) -> Result<u64, Fault> {
        Ok(self
            .end_everything(account, ApiKeyHandling::Stay, by)
            .await?
            .sessions)
    }

    /// The same, and the account's API keys as `keys` says.
    ///
    /// # Errors
    /// [`Fault`] if the database can't do its work; everything lives on then, API keys included.
    pub async fn end_everything(
        &self,
        account: account::Id,
        keys: ApiKeyHandling,
        by: audit::Context,
    ) -> Result<Everything, Fault> {
        let stamp = account::Stamp::new(&self.on.environment);
        self.on.sessions.end_everything(account, stamp, keys, by).await
    }

    /// Ends one of the account's sessions from elsewhere. Answers `false` if the account has no such session.
    ///
    /// # Errors
    /// [`Fault`] if a store can't do its work. The session may have ended nevertheless where sessions are kept outside
    /// the database.
    pub async fn end(&self, account: account::Id, session: Id, by: audit::Context) -> Result<bool, Fault> {
        self.on.sessions.end(account, session, Ending::Ended, by).await
    }

    /// Ends all sessions of the account but one. Answers how many.
    ///
    /// # Errors
    /// [`Fault`] if a store can't do its work. Sessions kept outside the database may have ended nevertheless.
    pub async fn end_others(&self, account: account::Id, keep: Id, by: audit::Context) -> Result<u64, Fault> {
        self.on.sessions.end_others(account, keep, by).await
    }

    /// Ends the session of a refresh token, used or not. A token that doesn't exist is no error.
    ///
    /// # Errors
    /// [`Fault`] if a store can't do its work; the session lives on then.
    pub async fn revoke_refresh(&self, token: &RefreshToken, by: audit::Context) -> Result<(), Fault> {
        let Some(id) = self.on.tokens.find_refresh(token.presented()).await? else {
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
    /// [`Fault`] if a store can't do its work. The session may have ended nevertheless where sessions are kept outside
    /// the database.
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
    /// [`Fault`] if a store can't be reached, or what it holds can't be read.
    pub async fn list(&self, account: account::Id) -> Result<Vec<Session>, Fault> {
        self.on.sessions.list(account, self.on.environment.now()).await
    }

    /// Names one of the account's sessions. Answers `false` if the account has no such session.
    ///
    /// # Errors
    /// [`Fault`] if a store can't do its work; call again.
    pub async fn rename(
        &self,
        account: account::Id,
        session: Id,
        name: DeviceName,
        by: audit::Context,
    ) -> Result<bool, Fault> {
        self.on
            .sessions
            .rename(account, session, name.into_string(), by)
            .await
    }

    /// Gives a session another token, as every change of privilege must. `None` if `old` isn't its token any more.
    ///
    /// # Errors
    /// [`Fault`] if a store can't do its work; `old` may be the session's token no more.
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
}

impl std::fmt::Debug for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Manager")
            .field("settings", &self.on.settings)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
