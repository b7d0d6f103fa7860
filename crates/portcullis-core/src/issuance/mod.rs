//! Makes, changes and ends keys: one's own, and with a permit those of service accounts.
//!
//! **Invariant:** nobody gives a key more than both its owner and its maker may do (`T039`). What a key names is no right: with
//! every request it may what its owner may by then (`T182`).

mod change;
mod import;
mod reach;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use self::change::ChangeError;
use crate::api_key::{
    ApiKey, ApiKeysError, ExpiryWindow, ExpiryWording, Format, Id, KeyDigest, KeyName, KeyRotation, Networks,
    NewApiKey, NewEnd, Renewal, Secret, Settings, Store, Warning,
};
use crate::authn::AccountDirectory;
use crate::authz::{ApiKeysRead, ApiKeysWrite, Facts, FreshLogin, Permit, Principal};
use crate::environment::{Environment, Timestamp};
use crate::fault::Fault;
use crate::roles;
use crate::throttle::Rate;
use crate::{account, audit, defends};

/// What it takes to make or rotate the key of a service account.
pub type MayIssue = (ApiKeysWrite, FreshLogin<900>);

/// What somebody wants of a new key.
#[derive(Debug, Clone)]
pub struct Form {
    /// What it is called.
    pub name: KeyName,
    /// What it may do.
    pub permissions: Vec<String>,
    /// When it ends; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// From where it may be used.
    pub networks: Networks,
    /// How often it may be used.
    pub limit: Option<Rate>,
}

/// A key with its text, which is never seen again.
#[derive(Debug, Clone)]
pub struct IssuedKey {
    /// The key as the store has it now.
    pub key: ApiKey,
    /// The key's text, to be shown to its owner once; the store has its digest only.
    pub secret: Secret,
}

/// What [`ApiKeys`] rest on.
pub struct ApiKeysParts {
    /// Where keys are kept.
    pub store: Arc<dyn Store>,
    /// Which permissions there are.
    pub permissions: Arc<dyn roles::Store>,
    /// What accounts may do.
    pub directory: Arc<AccountDirectory>,
    /// The clock, and the randomness that ids and texts are made of.
    pub environment: Environment,
    /// How keys are written.
    pub format: Format,
    /// How they are handled.
    pub settings: Settings,
}

/// Role: token generator and manager of API keys.
pub struct ApiKeys {
    on: ApiKeysParts,
}

impl ApiKeys {
    /// Keys on this foundation.
    pub fn new(on: ApiKeysParts) -> Self {
        Self { on }
    }

    /// How keys are written.
    pub fn format(&self) -> &Format {
        &self.on.format
    }

    /// How they are handled.
    pub fn settings(&self) -> &Settings {
        &self.on.settings
    }

    /// Makes a key of the caller's own.
    ///
    /// # Errors
    /// [`ApiKeysError`]; no key was made.
    pub async fn create(
        &self,
        who: &Principal,
        form: Form,
        by: audit::Context,
    ) -> Result<IssuedKey, ApiKeysError> {
        defends!("T041");
        if !who.kind().is_personal() {
            return Err(ApiKeysError::NotPersonal);
        }
        self.issue(who.id(), Some(who), form, by).await
    }

    /// Makes a key of a service account.
    ///
    /// # Errors
    /// [`ApiKeysError`]; no key was made.
    pub async fn create_for(
        &self,
        permit: &Permit<MayIssue>,
        account: account::Id,
        form: Form,
        by: audit::Context,
    ) -> Result<IssuedKey, ApiKeysError> {
        let facts = self.facts(account).await?.ok_or(ApiKeysError::UnknownAccount)?;
        if facts.account.kind != account::AccountKind::Service {
            return Err(ApiKeysError::NotAService);
        }
        self.issue(
            account,
            permit.principal().map(|who| &**who),
            form,
            permit.sign(by),
        )
        .await
    }

    async fn issue(
        &self,
        account: account::Id,
        maker: Option<&Principal>,
        form: Form,
        by: audit::Context,
    ) -> Result<IssuedKey, ApiKeysError> {
        let secret = self.on.format.mint(&self.on.environment);
        let text = (secret.digest(), secret.hint());
        let new = self.new_key((account, maker), form, text, by.at).await?;
        let key = self.on.store.create_key(new, by).await??;
        Ok(IssuedKey { key, secret })
    }

    /// What is written of a key of this account, if both may give it what the form asks for.
    async fn new_key(
        &self,
        (account, maker): (account::Id, Option<&Principal>),
        form: Form,
        (digest, hint): (KeyDigest, String),
        now: Timestamp,
    ) -> Result<NewApiKey, ApiKeysError> {
        if form.expires_at.is_some_and(|end| end <= now) {
            return Err(ApiKeysError::EndPassed);
        }
        let permissions: BTreeSet<String> = form.permissions.into_iter().collect();
        self.allowed(account, maker, &permissions).await?;
        Ok(NewApiKey {
            id: Id::new(&self.on.environment),
            account,
            stamp: own_stamp(account, maker),
            name: form.name,
            permissions: permissions.into_iter().collect(),
            digest,
            hint,
            expires_at: form.expires_at,
            networks: form.networks,
            limit: form.limit,
            most: self.on.settings.per_account,
        })
    }

    /// Whether owner and maker both have every permission that is asked for, or, for a key of one's own, it is an action.
    async fn allowed(
        &self,
        owner: account::Id,
        maker: Option<&Principal>,
        asked: &BTreeSet<String>,
    ) -> Result<(), ApiKeysError> {
        defends!("T039");
        let reach = self.reach(owner).await?.ok_or(ApiKeysError::UnknownAccount)?;
        if maker.is_some_and(|maker| !reach.may_act_for(maker)) {
            return Err(ApiKeysError::Belongs);
        }
        let may =
            |name: &String| reach.may_name(name) && maker.is_none_or(|maker| reach.may_pass(maker, name));
        let beyond: Vec<String> = asked.iter().filter(|name| !may(name)).cloned().collect();
        if beyond.is_empty() {
            return Ok(());
        }
        let (exceeding, unknown) = beyond.into_iter().partition(|name| reach.is_declared(name));
        Err(ApiKeysError::Permissions { unknown, exceeding })
    }

    /// The account's keys, oldest first.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn list(&self, account: account::Id) -> Result<Vec<ApiKey>, Fault> {
        self.on.store.list(account).await
    }

    /// The keys of any account, oldest first.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn list_of(
        &self,
        _permit: &Permit<ApiKeysRead>,
        account: account::Id,
    ) -> Result<Vec<ApiKey>, Fault> {
        self.on.store.list(account).await
    }

    /// One of the account's keys.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn find(&self, account: account::Id, id: Id) -> Result<Option<ApiKey>, Fault> {
        self.on.store.find(account, id).await
    }

    /// Gives one of the caller's keys another text; the present one is honoured until the overlap ends.
    ///
    /// # Errors
    /// [`ApiKeysError`]; the texts honoured before are honoured still.
    pub async fn rotate(
        &self,
        who: &Principal,
        id: Id,
        renewal: Renewal,
        by: audit::Context,
    ) -> Result<IssuedKey, ApiKeysError> {
        defends!("T041");
        if !who.kind().is_personal() {
            return Err(ApiKeysError::NotPersonal);
        }
        self.renew(who.id(), Some(who), id, renewal, by).await
    }

    /// The same for the key of a service account.
    ///
    /// # Errors
    /// [`ApiKeysError`]; the texts honoured before are honoured still.
    pub async fn rotate_for(
        &self,
        permit: &Permit<MayIssue>,
        account: account::Id,
        id: Id,
        renewal: Renewal,
        by: audit::Context,
    ) -> Result<IssuedKey, ApiKeysError> {
        let facts = self.facts(account).await?.ok_or(ApiKeysError::UnknownKey)?;
        if facts.account.kind != account::AccountKind::Service {
            return Err(ApiKeysError::NotAService);
        }
        let maker = permit.principal().map(|who| &**who);
        self.renew(account, maker, id, renewal, permit.sign(by)).await
    }

    async fn renew(
        &self,
        account: account::Id,
        maker: Option<&Principal>,
        id: Id,
        renewal: Renewal,
        by: audit::Context,
    ) -> Result<IssuedKey, ApiKeysError> {
        let Renewal { overlap, end } = renewal;
        if overlap > Settings::LONGEST_OVERLAP {
            return Err(ApiKeysError::OverlapTooLong);
        }
        if matches!(end, NewEnd::At(end) if end <= by.at) {
            return Err(ApiKeysError::EndPassed);
        }
        let key = self
            .on
            .store
            .find(account, id)
            .await?
            .ok_or(ApiKeysError::UnknownKey)?;
        if key.expires_at.is_some_and(|end| end <= by.at) {
            return Err(ApiKeysError::Expired);
        }
        self.within(account, maker, &key.permissions).await?;
        let secret = self.on.format.mint(&self.on.environment);
        let rotation = KeyRotation {
            stamp: own_stamp(account, maker),
            from: key.digest,
            digest: secret.digest(),
            hint: secret.hint(),
            previous_until: (!overlap.is_zero()).then(|| by.at.plus(overlap)),
            end,
        };
        let key = self.on.store.rotate_key(account, id, rotation, by).await??;
        Ok(IssuedKey { key, secret })
    }

    /// Ends one of the account's keys for ever. Answers `false` if it has no such key.
    ///
    /// # Errors
    /// [`Fault`] if the store can't do its work; the key is honoured as before.
    pub async fn revoke(&self, account: account::Id, id: Id, by: audit::Context) -> Result<bool, Fault> {
        self.on.store.revoke_key(account, id, by).await
    }

    /// Ends a key of any account.
    ///
    /// # Errors
    /// [`Fault`] if the store can't do its work; the key is honoured as before.
    pub async fn revoke_for(
        &self,
        permit: &Permit<ApiKeysWrite>,
        account: account::Id,
        id: Id,
        by: audit::Context,
    ) -> Result<bool, Fault> {
        self.on.store.revoke_key(account, id, permit.sign(by)).await
    }

    /// Writes the e-mails about keys whose end is near and of which nobody was told yet: up to `limit` keys behind `after`,
    /// by end and id. Each is answered once, unless its e-mails were withheld.
    ///
    /// # Errors
    /// [`Fault`] if the store can't do its work; then nobody was told.
    pub async fn warn_expiring(
        &self,
        after: Option<(Timestamp, Id)>,
        limit: u32,
        wording: Arc<dyn ExpiryWording>,
    ) -> Result<Vec<Warning>, Fault> {
        let now = self.on.environment.now();
        let due = ExpiryWindow {
            before: now.plus(self.on.settings.warning),
            after,
            limit,
        };
        let by = audit::Context::system(now);
        self.on.store.warn_expiring(due, wording, by).await
    }

    /// What the store says now: keys are made rarely, and what another node changed a moment ago counts.
    async fn facts(&self, account: account::Id) -> Result<Option<Arc<Facts>>, Fault> {
        let now = self.on.environment.now();
        self.on.directory.read(account, now).await
    }
}

/// The stamp that the owner was let in with, if it is the owner who acts.
fn own_stamp(owner: account::Id, who: Option<&Principal>) -> Option<account::Stamp> {
    who.map(Principal::account)
        .filter(|acting| acting.id == owner)
        .map(|acting| acting.stamp)
}

impl std::fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiKeys")
            .field("format", &self.on.format)
            .field("settings", &self.on.settings)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
