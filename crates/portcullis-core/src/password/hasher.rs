//! Hashes and verifies passwords on the pool, and seals the hashes.

use std::sync::Arc;
use std::time::Duration;

use super::argon::{ArgonHash, SALT_BYTES};
use super::compute::Workspace;
use super::pool::{Full, Pool};
use super::{Cost, Password, SealedHash};
use crate::defends;
use crate::environment::Environment;
use crate::id::AccountId;
use crate::key::Sealer;
use crate::problem::{Details, Refusal};

/// How passwords are hashed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// What a new hash costs; cheaper hashes are renewed at the next login.
    pub cost: Cost,
    /// How many threads hash; by default one per core.
    pub threads: usize,
    /// How many requests may wait for a thread; by default 32 per thread, about a second.
    pub waiting: usize,
}

impl Default for Settings {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            cost: Cost::OWASP,
            threads,
            waiting: threads * 32,
        }
    }
}

/// Why nothing was hashed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Too many logins at once. Nothing was computed.
    #[error("too many logins at once; try again in {} s", retry_after.as_secs())]
    Overloaded {
        /// When to try again.
        retry_after: Duration,
    },
    /// The stored hash doesn't open: the pepper's key is missing, or the row isn't what was written.
    #[error("a stored password hash can't be opened: {0}")]
    Unopenable(String),
    /// The hash couldn't be sealed.
    #[error("a password hash can't be sealed: {0}")]
    Unsealable(String),
}

impl Refusal for HashError {
    fn details(&self) -> Details {
        match self {
            Self::Overloaded { retry_after } => {
                Details::unavailable((*retry_after).max(Duration::from_secs(1)))
            }
            Self::Unopenable(_) | Self::Unsealable(_) => Details::internal(),
        }
    }
}

/// What verifying a password says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordVerdict {
    /// It is the account's password.
    Match,
    /// It is, and its hash is outdated: store this one instead.
    MatchRenew(SealedHash),
    /// It isn't the account's password, or there was none to compare it with.
    Mismatch,
}

/// Role: hasher. Argon2id on a bounded pool, sealed with the pepper.
pub struct Hasher {
    pool: Pool,
    sealer: Arc<Sealer>,
    environment: Environment,
    cost: Cost,
}

impl Hasher {
    /// A hasher with threads of its own, as many as `settings` says.
    ///
    /// # Errors
    /// If the system gives no threads.
    #[cfg(feature = "passwords")]
    pub fn start(
        sealer: Arc<Sealer>,
        environment: Environment,
        settings: &Settings,
    ) -> std::io::Result<Self> {
        let pool = Pool::start(settings.threads, settings.waiting)?;
        Ok(Self {
            pool,
            sealer,
            environment,
            cost: settings.cost,
        })
    }

    /// Hashes and seals a new password of `account`.
    ///
    /// # Errors
    /// [`HashError::Overloaded`] if the pool is full.
    pub async fn hash(&self, account: AccountId, password: Password) -> Result<SealedHash, HashError> {
        let (salt, cost) = (self.environment.bytes::<SALT_BYTES>(), self.cost);
        let hash = self
            .pool
            .run(move |workspace| ArgonHash::compute(password.expose(), salt, cost, workspace))
            .await;
        let hash = hash
            .map_err(overloaded)?
            .ok_or_else(|| HashError::Unsealable("the cost is refused".into()))?;
        self.seal(account, &hash)
    }

    /// Whether `password` is the one of `account` whose sealed hash is `stored`.
    ///
    /// Without an account or a stored hash the same work is done for nothing, so that the time doesn't tell who
    /// exists.
    ///
    /// # Errors
    /// [`HashError::Overloaded`] if the pool is full, [`HashError::Unopenable`] for a hash that can't be read.
    pub async fn verify(
        &self,
        stored: Option<(AccountId, &SealedHash)>,
        password: Password,
    ) -> Result<PasswordVerdict, HashError> {
        let (salt, cost) = (self.environment.bytes::<SALT_BYTES>(), self.cost);
        let Some((account, sealed)) = stored else {
            defends!("T012");
            let dummy = move |workspace: &mut Workspace| {
                ArgonHash::compute(password.expose(), salt, cost, workspace).is_some()
            };
            self.pool.run(dummy).await.map_err(overloaded)?;
            return Ok(PasswordVerdict::Mismatch);
        };
        let hash = self.open(account, sealed)?;
        let check = move |workspace: &mut Workspace| {
            if !hash.matches(password.expose(), workspace) {
                return None;
            }
            let renewed =
                (hash.cost != cost).then(|| ArgonHash::compute(password.expose(), salt, cost, workspace));
            Some(renewed.flatten().or_else(|| Some(hash)))
        };
        let Some(hash) = self.pool.run(check).await.map_err(overloaded)?.flatten() else {
            return Ok(PasswordVerdict::Mismatch);
        };
        if self.is_outdated(account, sealed) {
            return Ok(PasswordVerdict::MatchRenew(self.seal(account, &hash)?));
        }
        Ok(PasswordVerdict::Match)
    }

    fn is_outdated(&self, account: AccountId, sealed: &SealedHash) -> bool {
        self.sealer.needs_reseal(sealed.as_bytes())
            || self
                .open(account, sealed)
                .is_ok_and(|hash| hash.cost != self.cost)
    }

    fn seal(&self, account: AccountId, hash: &ArgonHash) -> Result<SealedHash, HashError> {
        defends!("T015");
        let phc = hash.to_phc();
        let sealed = self
            .sealer
            .seal(PURPOSE, account.as_uuid().as_bytes(), phc.as_bytes());
        sealed
            .map(|sealed| SealedHash::from_bytes(sealed.into_bytes()))
            .map_err(|error| HashError::Unsealable(error.to_string()))
    }

    fn open(&self, account: AccountId, sealed: &SealedHash) -> Result<ArgonHash, HashError> {
        let opened = self
            .sealer
            .open(PURPOSE, account.as_uuid().as_bytes(), sealed.as_bytes());
        let opened = opened.map_err(|error| HashError::Unopenable(error.to_string()))?;
        std::str::from_utf8(opened.expose())
            .ok()
            .and_then(ArgonHash::from_phc)
            .ok_or_else(|| HashError::Unopenable("it isn't an argon2id hash".into()))
    }
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hasher")
            .field("cost", &self.cost)
            .finish_non_exhaustive()
    }
}

fn overloaded(_: Full) -> HashError {
    HashError::Overloaded {
        retry_after: Duration::from_secs(2),
    }
}

/// What the pepper's key is derived for.
const PURPOSE: &str = "password";

#[cfg(test)]
mod tests;
