//! Logins: how a signed token and an opaque session token are checked.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use futures_util::future::try_join3;

use super::{Authenticator, Entry};
use crate::authn::{AuthenticationError, Refused};
use crate::authz::{CredentialKind, Facts, Principal};
use crate::defends;
use crate::environment::Timestamp;
use crate::invalidation::GenerationSnapshot;
use crate::scopes::Scopes;
use crate::session::{Session, Token};

impl Authenticator {
    pub(super) async fn read_jwt(&self, token: &str, now: Timestamp) -> Result<Entry, AuthenticationError> {
        defends!("T095");
        // Before the token is verified: a key that is taken away meanwhile leaves an entry that is stale from birth.
        let ring = self.on.verifier.ring();
        let claims = self.on.verifier.verify(token, now).map_err(Refused::from)?;
        let subjects = [
            claims.account.as_uuid(),
            claims.session.as_uuid(),
            claims.id.as_uuid(),
        ];
        let generations = self.generations_of(subjects);
        let (session, (facts, known_at), revoked) = try_join3(
            self.on.sessions.find(claims.session),
            self.facts(claims.account, now),
            self.on.tokens.is_revoked(claims.id),
        )
        .await?;
        if revoked {
            return Err(Refused::Revoked.into());
        }
        let session = session
            .filter(|s| s.account == claims.account)
            .ok_or(Refused::SessionEnded)?;
        let session = self.as_last_seen(session);
        let facts = self.check_session(facts, &session, now)?;
        // The session's own stamp was checked; the token must say the same.
        if facts.account.stamp != claims.stamp {
            return Err(Refused::StampChanged.into());
        }
        let expires_at = session
            .expires_at
            .min(claims.expires_at.plus(self.on.verifier.leeway()));
        let principal = Principal {
            token: Some((claims.id, claims.expires_at)),
            ..principal(
                CredentialKind::Jwt,
                facts,
                &session,
                Scopes::from_list(claims.scopes),
            )
        };
        Ok(Entry {
            ring: Some(ring),
            ..entry(principal, generations, &session, expires_at, known_at)
        })
    }

    pub(super) async fn read_session(
        &self,
        token: &Token,
        now: Timestamp,
    ) -> Result<Entry, AuthenticationError> {
        let digest = token.digest();
        let find = || self.on.sessions.find_by_token(digest);
        let subjects = |found: &Session| [found.account.as_uuid(), found.id.as_uuid(), found.id.as_uuid()];
        let found = self.read_marked(find, subjects).await?;
        let (session, generations) = found.ok_or(Refused::UnknownSession)?;
        let session = self.as_last_seen(session.ok_or(Refused::SessionEnded)?);
        let (facts, known_at) = self.facts(session.account, now).await?;
        let facts = self.check_session(facts, &session, now)?;
        let scopes = Scopes::from_list(session.scopes.clone());
        let principal = principal(CredentialKind::Session, facts, &session, scopes);
        Ok(entry(
            principal,
            generations,
            &session,
            session.expires_at,
            known_at,
        ))
    }

    fn check_session(
        &self,
        facts: Option<Arc<Facts>>,
        session: &Session,
        now: Timestamp,
    ) -> Result<Arc<Facts>, Refused> {
        let facts = self.judge_owner(facts)?;
        if session.stamp != facts.account.stamp {
            return Err(Refused::StampChanged);
        }
        if !session.lives_at(now) {
            return Err(Refused::SessionTimedOut);
        }
        Ok(facts)
    }
}

fn principal(kind: CredentialKind, facts: Arc<Facts>, session: &Session, scopes: Scopes) -> Principal {
    Principal {
        effective: facts.within(&scopes),
        facts,
        kind,
        session: Some(session.id),
        token: None,
        method: Some(session.method),
        assurance: Some(session.method.assurance()),
        authenticated_at: Some(session.authenticated_at),
        scopes,
        key: None,
        signer: None,
    }
}

fn entry(
    principal: Principal,
    generations: GenerationSnapshot,
    session: &Session,
    expires_at: Timestamp,
    read_at: Timestamp,
) -> Entry {
    Entry {
        principal: Arc::new(principal),
        generations,
        ring: None,
        read_at,
        expires_at,
        idle: session.idle,
        last_seen: AtomicI64::new(session.last_seen_at.as_micros()),
        last_written: AtomicI64::new(session.last_seen_at.as_micros()),
    }
}
