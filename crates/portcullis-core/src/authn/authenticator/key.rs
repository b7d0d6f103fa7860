//! API keys: how one is checked, and what is looked at with every request.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use super::{Authenticator, Entry, NEVER};
use crate::api_key::{Found, KeyDigest, Terms};
use crate::authn::{AuthenticationError, Refused};
use crate::authz::{CredentialKind, Facts, Principal};
use crate::defends;
use crate::environment::Timestamp;
use crate::scopes::Scopes;
use crate::throttle::{Ask, LimitKey, Quota};

impl Authenticator {
    pub(super) async fn read_key(
        &self,
        digest: KeyDigest,
        now: Timestamp,
    ) -> Result<Entry, AuthenticationError> {
        let find = || self.on.api_keys.find_by_digest(digest);
        let subjects = |Found { key, .. }: &Found| {
            let (account, id) = (key.account.as_uuid(), key.id.as_uuid());
            [account, id, id]
        };
        let found = self.read_marked(find, subjects).await?;
        let (found, generations) = found.ok_or(Refused::UnknownKey)?;
        let found = found.ok_or(Refused::UnknownKey)?;
        let (facts, known_at) = self.facts(found.key.account, now).await?;
        let facts = self.judge_owner(facts)?;
        judge_key(&found, now)?;
        let ends = [found.key.expires_at, found.until];
        let used = found.key.last_used.map_or(i64::MIN, |(at, _)| at.as_micros());
        Ok(Entry {
            principal: Arc::new(principal(facts, found)),
            generations,
            ring: None,
            read_at: known_at,
            expires_at: ends.into_iter().flatten().min().unwrap_or(NEVER),
            // A key that nobody uses stays.
            idle: Duration::MAX,
            last_seen: AtomicI64::new(now.as_micros()),
            last_written: AtomicI64::new(used),
        })
    }

    /// Whether the key admits the caller's address. What holds for one request holds not for the next, so it isn't
    /// remembered.
    pub(super) fn admit(
        &self,
        principal: &Principal,
        from: Option<IpAddr>,
    ) -> Result<(), AuthenticationError> {
        defends!("T043");
        match &principal.key {
            Some(terms) if !terms.networks.admit(from) => Err(AuthenticationError::AddressNotAllowed {
                account: principal.id(),
                key: terms.id,
            }),
            _ => Ok(()),
        }
    }

    /// Counts the request for the key's rate.
    pub(super) async fn count(
        &self,
        principal: &Principal,
        now: Timestamp,
    ) -> Result<(), AuthenticationError> {
        defends!("T043");
        let Some((terms, rate)) = principal
            .key
            .as_ref()
            .and_then(|terms| Some((terms, terms.limit?)))
        else {
            return Ok(());
        };
        let quota = Quota::of_rate(RATE_OF_KEY, rate);
        let ask = Ask::once(&quota, LimitKey::api_key(terms.id.as_uuid()));
        let verdict = match self.on.throttle.own() {
            Some(own) => own.take(&ask, now),
            // Kept apart: few deployments have to wait for it.
            None => Box::pin(self.on.throttle.take(&ask, now)).await,
        };
        match verdict.wait() {
            None => Ok(()),
            Some(after) => Err(AuthenticationError::RateLimited {
                account: principal.id(),
                key: terms.id,
                after,
            }),
        }
    }
}

/// Under which name the rates of keys are counted.
const RATE_OF_KEY: &str = "api-key";

fn judge_key(found: &Found, now: Timestamp) -> Result<(), Refused> {
    if !found.key.enabled {
        return Err(Refused::KeyDisabled);
    }
    if found.key.expires_at.is_some_and(|end| end <= now) {
        return Err(Refused::KeyExpired);
    }
    if found.until.is_some_and(|end| end <= now) {
        return Err(Refused::KeyReplaced);
    }
    Ok(())
}

/// The owner, narrowed to the key's own list.
fn principal(facts: Arc<Facts>, Found { key, .. }: Found) -> Principal {
    defends!("T040");
    let scopes = Scopes::Only(key.permissions);
    Principal {
        effective: facts.within(&scopes),
        facts,
        kind: CredentialKind::ApiKey,
        session: None,
        token: None,
        method: None,
        assurance: None,
        authenticated_at: None,
        scopes,
        key: Some(Arc::new(Terms {
            id: key.id,
            networks: key.networks,
            limit: key.limit,
        })),
        signer: None,
    }
}
