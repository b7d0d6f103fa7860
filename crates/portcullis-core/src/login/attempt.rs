//! Logs in by password.
//!
//! Flow: the identifier finds account and hash, the password is verified (or a dummy hash is computed), the
//! account's state is checked, and [`Store::open`](super::Store::open) opens the session if the account still is as
//! it was read (`T035`). Wrong user and wrong password are one answer; what is wrong with the *account* is said only
//! to somebody who knew its password.

use std::time::Duration;

use super::{Delivery, LoggedIn, LoginError, LoginForm, Manager, OpeningSession, Stay};
use crate::account::{self, Account, Mismatch, NotProven};
use crate::environment::Timestamp;
use crate::fault::Fault;
use crate::hook::HookRefusal;
use crate::job::NewJob;
use crate::session::{Device, Id, Method, NewSession, NotOpened, Opened, Session, Token};
use crate::token::{self, RefreshToken};
use crate::{audit, defends};

impl Manager {
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
        let opened = match self.grant(id, &form).await {
            Ok(scopes) => self.open(account, form, scopes, by.clone()).await,
            Err(error) => Err(error),
        };
        match opened {
            Err(LoginError::InvalidScope) => Err(self.refuse(Some(id), Reason::Scope, by).await?),
            Err(LoginError::ScopesTooLong) => Err(self.refuse(Some(id), Reason::ScopesTooLong, by).await?),
            // The account was changed while its password was hashed.
            Err(LoginError::Account(state)) => Err(self.refuse(Some(id), Reason::State(state), by).await?),
            Err(LoginError::WrongCredentials) => Err(self.refuse(Some(id), Reason::Changed, by).await?),
            Err(LoginError::Hook(refusal)) => Err(self.refuse(Some(id), Reason::Hook(refusal), by).await?),
            other => other,
        }
    }

    /// The account if the password is its own; otherwise the reason, with the account it was about.
    async fn verify(
        &self,
        form: &LoginForm,
        by: &audit::Context,
    ) -> Result<Result<Account, Refusal>, LoginError> {
        let found = self.passwords.find(&form.identifier).await?;
        let checked = self.passwords.authenticate(found, &form.password).await;
        Ok(match checked? {
            Ok(account) => {
                tracing::debug!(trace = by.trace.map(tracing::field::display), "password verified");
                Ok(account)
            }
            Err(NotProven { account, reason }) => Err((account, reason.into())),
        })
    }

    async fn refuse(
        &self,
        account: Option<account::Id>,
        reason: Reason,
        by: audit::Context,
    ) -> Result<LoginError, LoginError> {
        let (detail, error) = match reason {
            Reason::Mismatch(reason) => (reason.to_string(), LoginError::WrongCredentials),
            Reason::Changed => (
                "the account changed during the login".to_owned(),
                LoginError::WrongCredentials,
            ),
            Reason::Scope => (
                "no such scope for this account".to_owned(),
                LoginError::InvalidScope,
            ),
            Reason::ScopesTooLong => (
                "more scopes than a token holds".to_owned(),
                LoginError::ScopesTooLong,
            ),
            Reason::Hook(refusal) => (
                format!("the hook `{}` says {}", refusal.hook, refusal.code),
                LoginError::Hook(refusal),
            ),
            Reason::State(state) => (Mismatch::State(state).to_string(), LoginError::Account(state)),
        };
        let refusal = audit::Occurrence {
            action: audit::Action::LoginRefused,
            account,
            session: None,
            detail,
        };
        self.on.audit.append(refusal, by).await?;
        Ok(error)
    }

    /// The scopes asked for that the account may have, and a token can hold: its permissions, and actions on resources.
    async fn grant(&self, account: account::Id, form: &LoginForm) -> Result<Option<Vec<String>>, LoginError> {
        defends!("T024");
        let Some(mut asked) = form.scopes.clone() else {
            return Ok(None);
        };
        let facts = self
            .on
            .directory
            .facts(account, self.on.environment.now())
            .await?
            .ok_or(LoginError::WrongCredentials)?;
        asked.sort();
        asked.dedup();
        let asked = self.on.directory.scopes_of(&facts, asked).await?;
        if asked.is_empty() {
            Err(LoginError::InvalidScope)
        } else if form.delivery == Delivery::Tokens && !self.on.issuer.holds_scopes(&asked) {
            // Checked here: a session that no token can be made of must not begin.
            Err(LoginError::ScopesTooLong)
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
            Delivery::Session(stay) | Delivery::Cookie(stay) => match stay {
                Stay::Brief => (settings.idle, settings.absolute),
                Stay::Remembered => (settings.remembered_idle, settings.remembered_absolute),
            },
        }
    }

    /// Opens the session, and makes what the device gets. The account is the one whose password was proven: it isn't read
    /// again, and the store opens no session if it is another by now.
    async fn open(
        &self,
        account: Account,
        form: LoginForm,
        scopes: Option<Vec<String>>,
        by: audit::Context,
    ) -> Result<LoggedIn, LoginError> {
        let now = by.at;
        let (idle, absolute) = self.lifetimes(form.delivery);
        let expires_at = now.plus(absolute);
        let id = Id::new(&self.on.environment);
        let holds = self.holds(form.delivery, id, expires_at);
        let new = NewSession {
            id,
            account: account.id,
            stamp: account.stamp,
            require_verified: self.on.settings.require_verified_email,
            token: holds.session().map(Token::digest),
            refresh: holds.refresh(),
            device: form.device.clone(),
            method: Method::Password,
            scopes,
            idle,
            expires_at,
            limit: self.on.settings.per_account,
            news: self.news_of(&account, &form.device, &by)?,
        };
        let session = living(&new, now);
        let opening = OpeningSession {
            account: &account,
            delivery: form.delivery,
            scopes: session.scopes.as_deref(),
            device: &form.device,
            by: &by,
        };
        let opened = self.begin_with_hooks(new, opening).await?;
        let new_device = opened.new_device;
        match holds {
            Holds::Refresh((refresh_token, _)) => {
                let audience = form.audience.unwrap_or_else(|| self.on.issuer.own_audience());
                let exchanged = token::Exchanged {
                    subject: token::TokenSubject {
                        session,
                        account: account.clone(),
                    },
                    refresh_token,
                };
                Ok(LoggedIn::Tokens {
                    issued: Box::new(self.issue(exchanged, &audience).await?),
                    account,
                    new_device,
                })
            }
            Holds::Session(token) => Ok(LoggedIn::Session {
                id: session.id,
                token,
                account,
                expires_at,
                delivery: form.delivery,
                new_device,
            }),
        }
    }

    /// Has the session opened together with what the program's hooks do, which may refuse.
    async fn begin_with_hooks(
        &self,
        new: NewSession,
        opening: OpeningSession<'_>,
    ) -> Result<Opened, LoginError> {
        let by = opening.by.clone();
        let Some(hooks) = &self.on.hooks else {
            return self.begin(new, by).await;
        };
        let work = async {
            // The hooks come first: a session outside the database is not undone with what they write.
            for hook in hooks.iter() {
                if let Err(error) = hook.logging_in(opening.clone()).await {
                    return Err(error.by(hook.name())?.into());
                }
            }
            self.begin(new, by).await
        };
        hooks.together(work).await
    }

    /// Has the session opened, if the account still is as it was read.
    async fn begin(&self, new: NewSession, by: audit::Context) -> Result<Opened, LoginError> {
        defends!("T035");
        let opened = self.on.sessions.open(new, by).await?;
        opened.map_err(|NotOpened(state)| match state.may_act() {
            true => LoginError::WrongCredentials,
            false => LoginError::Account(state),
        })
    }

    /// The secret that the device will hold.
    fn holds(&self, delivery: Delivery, id: Id, expires_at: Timestamp) -> Holds {
        match delivery {
            Delivery::Tokens => Holds::Refresh(self.on.issuer.first_refresh(id, expires_at)),
            Delivery::Session(_) | Delivery::Cookie(_) => Holds::Session(Token::mint(&self.on.environment)),
        }
    }
}

impl Manager {
    /// What is told of a new device, to the owner of the address: one that isn't proven may be a stranger's.
    fn news_of(
        &self,
        account: &Account,
        device: &Device,
        by: &audit::Context,
    ) -> Result<Option<NewJob>, Fault> {
        defends!("T132");
        match &self.on.news {
            Some(news) if account.email_verified_at.is_some() => news.new_device(account, device, by),
            _ => Ok(None),
        }
    }
}

type Refusal = (Option<account::Id>, Reason);

enum Reason {
    Mismatch(Mismatch),
    Scope,
    ScopesTooLong,
    Changed,
    State(account::AccountState),
    Hook(HookRefusal),
}

impl From<Mismatch> for Reason {
    fn from(reason: Mismatch) -> Self {
        match reason {
            Mismatch::State(state) => Self::State(state),
            other => Self::Mismatch(other),
        }
    }
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
