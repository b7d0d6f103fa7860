//! The stores of these tests: one account in memory, and what happens to it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use portcullis::core::account::{self, Account, AccountState};
use portcullis::core::api_key::{self, ApiKey, ExpiryWindow, ExpiryWording, Found, KeyDigest, Warning};
use portcullis::core::audit::{self, Context, Event, EventFilter, Occurrence};
use portcullis::core::authz::explain::{self, Bounds};
use portcullis::core::authz::{AccountFacts, Decision};
use portcullis::core::environment::Timestamp;
use portcullis::core::fault::Fault;
use portcullis::core::roles::{self, MemberFacts, PermissionRecord, RoleRecord};
use portcullis::core::secret::Digest;
use portcullis::core::session::{self, Session, SessionToken};
use portcullis::core::token::{self};
use tokio::sync::Semaphore;
use uuid::Uuid;

/// The id of the only account there is.
pub(crate) const ACCOUNT: account::Id = account::Id::from_uuid(Uuid::from_u128(0xa));

const STAMP: account::Stamp = account::Stamp::from_uuid(Uuid::from_u128(0x5));

/// One account, its sessions, and what was audited and explained.
pub(crate) struct World {
    pub(crate) sessions: Mutex<HashMap<[u8; 32], Session>>,
    pub(crate) state: Mutex<AccountState>,
    pub(crate) permissions: Mutex<Vec<String>>,
    pub(crate) roles: Mutex<Vec<String>>,
    pub(crate) audited: Mutex<Vec<(Occurrence, Context)>>,
    pub(crate) decisions: Mutex<Vec<Decision>>,
    /// Each audit row takes one.
    pub(crate) audit_room: Semaphore,
    /// Whether every read fails.
    pub(crate) down: AtomicBool,
}

impl Default for World {
    fn default() -> Self {
        Self {
            sessions: Mutex::default(),
            state: Mutex::new(AccountState::Active),
            permissions: Mutex::default(),
            roles: Mutex::default(),
            audited: Mutex::default(),
            decisions: Mutex::default(),
            audit_room: Semaphore::new(Semaphore::MAX_PERMITS / 2),
            down: AtomicBool::new(false),
        }
    }
}

impl World {
    pub(crate) fn account(&self) -> Account {
        Account {
            id: ACCOUNT,
            email: Some("ada@example.com".into()),
            username: None,
            state: *self.state.lock().unwrap(),
            email_verified_at: None,
            stamp: STAMP,
            created_at: super::START,
            kind: account::AccountKind::Person,
        }
    }

    pub(crate) fn session(&self, id: session::Id) -> Option<Session> {
        self.sessions
            .lock()
            .unwrap()
            .values()
            .find(|session| session.id == id)
            .cloned()
    }

    fn up(&self) -> Result<(), Fault> {
        if self.down.load(Ordering::Relaxed) {
            Err(Fault::Busy(
                "canary: the file /var/lib/secret.db is locked".into(),
            ))
        } else {
            Ok(())
        }
    }
}

#[async_trait]
impl session::Stub for World {
    async fn find_by_token(&self, token: Digest<SessionToken>) -> Result<Option<Session>, Fault> {
        self.up()?;
        Ok(self.sessions.lock().unwrap().get(token.as_bytes()).cloned())
    }
    async fn find(&self, id: session::Id) -> Result<Option<Session>, Fault> {
        self.up()?;
        Ok(self.session(id))
    }
    async fn touch(&self, _: Vec<(session::Id, Timestamp)>) -> Result<(), Fault> {
        Ok(())
    }
}

#[async_trait]
impl token::Stub for World {
    async fn is_revoked(&self, _: token::Id) -> Result<bool, Fault> {
        self.up()?;
        Ok(false)
    }
    async fn sweep(&self, _: Timestamp, _: u32) -> Result<u64, Fault> {
        Ok(0)
    }
}

#[async_trait]
impl roles::Stub for World {
    async fn declare(&self, _: Vec<PermissionRecord>, _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    async fn as_member(&self, _: account::Id) -> Result<MemberFacts, Fault> {
        Ok(MemberFacts::default())
    }
    async fn facts(&self, id: account::Id) -> Result<Option<AccountFacts>, Fault> {
        self.up()?;
        assert_eq!(id, ACCOUNT);
        Ok(Some(AccountFacts {
            account: self.account(),
            roles: self.roles.lock().unwrap().clone(),
            permissions: self.permissions.lock().unwrap().clone(),
            attributes: portcullis_core::attribute::Attributes::default(),
        }))
    }
    async fn permissions(&self) -> Result<Vec<PermissionRecord>, Fault> {
        Ok(Vec::new())
    }
    async fn roles(&self) -> Result<Vec<RoleRecord>, Fault> {
        Ok(Vec::new())
    }
    async fn holders(
        &self,
        _: String,
        _: Option<account::Id>,
        _: u32,
    ) -> Result<Option<Vec<Account>>, Fault> {
        Ok(None)
    }
    async fn assigned(&self, _: account::Id) -> Result<Option<Vec<String>>, Fault> {
        Ok(None)
    }
}

#[async_trait]
impl audit::Stub for World {
    async fn append(&self, refusal: Occurrence, by: Context) -> Result<(), Fault> {
        self.audited.lock().unwrap().push((refusal, by));
        Ok(())
    }
    async fn list(&self, _: EventFilter, _: u32) -> Result<Vec<Event>, Fault> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl explain::Stub for World {
    async fn keep(&self, decision: Decision, by: Context) -> Result<(), Fault> {
        self.audit_room.acquire().await.unwrap().forget();
        if let Some(refusal) = decision.refusal() {
            self.audited.lock().unwrap().push((refusal, by));
        }
        self.decisions.lock().unwrap().push(decision);
        Ok(())
    }
    async fn recall(&self, _: Uuid) -> Result<Option<Decision>, Fault> {
        Ok(None)
    }
    async fn forget(&self, _: Bounds, _: u32) -> Result<u64, Fault> {
        Ok(0)
    }
}

#[async_trait]
impl api_key::Stub for World {
    async fn list(&self, _: account::Id) -> Result<Vec<ApiKey>, Fault> {
        Ok(Vec::new())
    }
    async fn find(&self, _: account::Id, _: api_key::Id) -> Result<Option<ApiKey>, Fault> {
        Ok(None)
    }
    async fn find_by_digest(&self, _: KeyDigest) -> Result<Option<Found>, Fault> {
        self.up()?;
        Ok(None)
    }
    async fn imported(&self) -> Result<Vec<KeyDigest>, Fault> {
        self.up()?;
        Ok(Vec::new())
    }
    async fn note_used(&self, _: Vec<(api_key::Id, Timestamp, Option<IpAddr>)>) -> Result<(), Fault> {
        Ok(())
    }
    async fn warn_expiring(
        &self,
        _: ExpiryWindow,
        _: Arc<dyn ExpiryWording>,
        _: Context,
    ) -> Result<Vec<Warning>, Fault> {
        Ok(Vec::new())
    }
}
