//! HTTP Basic: a login with every request, and no session.
//!
//! The first request of a pair costs a hash on the bounded pool, like a login. What was verified is remembered like
//! any other credential, under a key that only this process can compute: a bare SHA-256 of a password in memory
//! would be as good as the password. A wrong pair is never remembered: each guess costs a hash.
//!
//! Invariants: the marks are read before the records (`T021`); a changed password, state or stamp moves the
//! account's mark, and the next request hashes again (`T047`). A pair never stands for a login by a person: it has
//! no time of login and no method.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use aws_lc_rs::hmac;

use super::{Authenticator, Entry};
use crate::access::{AuthenticationError, CredentialKind, Pair, Principal, Refused, Scopes};
use crate::account::{Passwords, PasswordsError};
use crate::defends;
use crate::environment::{Environment, Timestamp};

/// What checks pairs, and the secret of their cache keys.
pub(super) struct Basic {
    passwords: Passwords,
    secret: hmac::Key,
}

impl Authenticator {
    /// The same authenticator, honouring identifiers with passwords where a route accepts them. Without this they
    /// are refused.
    #[must_use]
    pub fn with_passwords(mut self, passwords: Passwords, environment: &Environment) -> Self {
        let secret: [u8; 32] = environment.bytes();
        self.basic = Some(Basic {
            passwords,
            secret: hmac::Key::new(hmac::HMAC_SHA256, &secret),
        });
        self
    }

    pub(super) fn basic(&self) -> Result<&Basic, Refused> {
        self.basic.as_ref().ok_or(Refused::NoPasswords)
    }

    pub(super) async fn read_basic(&self, pair: &Pair, now: Timestamp) -> Result<Entry, AuthenticationError> {
        let passwords = &self.basic()?.passwords;
        let applied = self.on.marks.applied();
        let mut found = passwords.find(pair.identifier.expose()).await?;
        // The account isn't known before it is read: as with sessions it is read again, after its marks, if
        // something was invalidated meanwhile.
        let id = found.as_ref().map(|login| login.account.id.as_uuid());
        let marks = id.map(|id| self.marks_of([id; 3]));
        if self.on.marks.applied() != applied {
            found = passwords.find(pair.identifier.expose()).await?;
            found = found.filter(|login| Some(login.account.id.as_uuid()) == id);
        }
        let judged = passwords.judge(found, &pair.password).await?;
        let account = judged.map_err(Refused::from)?;
        let marks = marks.ok_or(Refused::NoAccount)?;
        defends!("T047");
        // A hash takes long: state and stamp are judged as they are now.
        let facts = self.facts(account.id).await?.ok_or(Refused::NoAccount)?;
        self.may_act(facts.account.state)?;
        if facts.account.stamp != account.stamp {
            return Err(Refused::StampChanged.into());
        }
        let principal = Principal {
            effective: facts.permissions.clone(),
            facts,
            kind: CredentialKind::Basic,
            session: None,
            token: None,
            method: None,
            assurance: None,
            authenticated_at: None,
            scopes: Scopes::Everything,
        };
        Ok(Entry {
            principal: Arc::new(principal),
            marks,
            read_at: now,
            expires_at: now.plus(REMEMBERED),
            idle: REMEMBERED,
            last_seen: AtomicI64::new(now.as_micros()),
            last_written: AtomicI64::new(now.as_micros()),
        })
    }
}

impl Basic {
    pub(super) fn cache_key(&self, pair: &Pair) -> [u8; 32] {
        defends!("T046");
        let (identifier, password) = (pair.identifier.expose(), pair.password.expose());
        let mut context = hmac::Context::with_key(&self.secret);
        // The length keeps two pairs of one concatenation apart.
        context.update(&identifier.len().to_le_bytes());
        context.update(identifier.as_bytes());
        context.update(password.as_bytes());
        let mut key = [0; 32];
        key.iter_mut()
            .zip(context.sign().as_ref())
            .for_each(|(to, from)| *to = *from);
        key
    }
}

impl From<PasswordsError> for AuthenticationError {
    fn from(error: PasswordsError) -> Self {
        match error {
            PasswordsError::Hash(error) => Self::Hash(error),
            PasswordsError::Fault(fault) => Self::Fault(fault),
        }
    }
}

/// How long a verified pair is remembered at most: as long as an access token lives.
const REMEMBERED: Duration = Duration::from_secs(15 * 60);

#[cfg(test)]
mod tests;
