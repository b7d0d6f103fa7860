//! HTTP Basic: a login with every request, and no session.
//!
//! The first request of a pair costs a hash on the bounded pool, like a login. What was verified is remembered like
//! any other credential, under a key that only this process can compute: a bare SHA-256 of a password in memory
//! would be as good as the password. A wrong pair is never remembered: each guess costs a hash.
//!
//! When what is remembered holds no longer (a role was changed, or other nodes can't be heard), the records are read
//! again. A pair isn't hashed again as long as its account's stored hash is the very one that it was verified against:
//! otherwise one changed role would send every pair to the hashing pool at once.
//!
//! Invariants: the generations are read before the records (`T021`); a changed password, state or stamp moves the
//! account's generation, and the next request hashes again (`T047`). A pair never stands for a login by a person: it has
//! no time of login and no method.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use aws_lc_rs::hmac;
use quick_cache::sync::Cache;

use super::{Authenticator, Entry, NEVER};
use crate::account::{self, Account, Candidates, Login, Passwords, PasswordsError};
use crate::authn::{AuthenticationError, Pair, Refused};
use crate::authz::{CredentialKind, Principal};
use crate::defends;
use crate::environment::{Environment, Timestamp};
use crate::password::SealedHash;
use crate::scopes::Scopes;

/// What checks pairs, and the secret of their cache keys.
pub(super) struct Basic {
    passwords: Passwords,
    secret: hmac::Key,
    /// By a pair's key, the digest of the sealed hash that it was verified against.
    proven: Cache<[u8; 32], [u8; 32]>,
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
            proven: Cache::new(self.on.capacity),
        });
        self
    }

    pub(super) fn basic(&self) -> Result<&Basic, Refused> {
        self.basic.as_ref().ok_or(Refused::NoPasswords)
    }

    pub(super) async fn read_basic(&self, pair: &Pair, now: Timestamp) -> Result<Entry, AuthenticationError> {
        let basic = self.basic()?;
        let passwords = &basic.passwords;
        // Several accounts may claim one address: each has its own generations.
        defends!("T021");
        let applied = self.on.generations.applied();
        let mut found = passwords.find(pair.identifier.expose()).await?;
        let generations: Vec<(account::Id, _)> = found
            .logins
            .iter()
            .map(|login| login.account.id)
            .map(|id| (id, self.generations_of([id.as_uuid(); 3])))
            .collect();
        if self.on.generations.applied() != applied {
            found = passwords.find(pair.identifier.expose()).await?;
            let snapshot = |login: &Login| generations.iter().any(|(id, _)| *id == login.account.id);
            found.logins.retain(snapshot);
        }
        let account = basic.check(found, pair).await?;
        let generations = generations.into_iter().find(|(id, _)| *id == account.id);
        let (_, generations) = generations.ok_or(Refused::NoAccount)?;
        defends!("T047");
        // A hash takes long: state and stamp are checked as they are now.
        let (facts, known_at) = self.facts(account.id, now).await?;
        let facts = self.judge_owner(facts)?;
        if facts.account.stamp != account.stamp {
            return Err(Refused::StampChanged.into());
        }
        let principal = Principal {
            effective: facts.rights.permissions.clone(),
            facts,
            kind: CredentialKind::Basic,
            session: None,
            key: None,
            token: None,
            method: None,
            assurance: None,
            authenticated_at: None,
            scopes: Scopes::Everything,
            signer: None,
        };
        Ok(Entry {
            principal: Arc::new(principal),
            generations,
            ring: None,
            read_at: known_at,
            expires_at: NEVER,
            idle: Duration::MAX,
            last_seen: AtomicI64::new(now.as_micros()),
            last_written: AtomicI64::new(now.as_micros()),
        })
    }
}

impl Basic {
    /// The account if the pair proves to be its own, by a hash or by having been verified against the same one.
    async fn check(&self, found: Candidates, pair: &Pair) -> Result<Account, AuthenticationError> {
        let key = self.cache_key(pair);
        let proven = self.proven.get(&key);
        let sealed: Vec<(account::Id, [u8; 32])> = found
            .logins
            .iter()
            .filter_map(|login| Some((login.account.id, digest(login.password.as_ref()?))))
            .collect();
        let same = sealed.iter().find(|(_, sealed)| Some(*sealed) == proven);
        let same = same.and_then(|(id, _)| found.logins.iter().find(|login| login.account.id == *id));
        let checked = match same {
            Some(login) => self.passwords.check_state(login.account.clone()),
            None => self.passwords.authenticate(found, &pair.password).await?,
        };
        let account = checked.map_err(Refused::from)?;
        if let Some((_, sealed)) = sealed.into_iter().find(|(id, _)| *id == account.id) {
            self.proven.insert(key, sealed);
        }
        Ok(account)
    }

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

/// A stored hash's own name: as long as it is the same, so is the password.
fn digest(sealed: &SealedHash) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, sealed.as_bytes());
    let mut name = [0; 32];
    name.iter_mut()
        .zip(digest.as_ref())
        .for_each(|(to, from)| *to = *from);
    name
}

impl From<PasswordsError> for AuthenticationError {
    fn from(error: PasswordsError) -> Self {
        match error {
            PasswordsError::Hash(error) => Self::Hash(error),
            PasswordsError::Fault(fault) => Self::Fault(fault),
        }
    }
}

#[cfg(test)]
mod tests;
