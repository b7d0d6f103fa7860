//! What a key may be given: no more than its owner has, and than whoever asks brings.

mod changes;

use std::sync::Mutex;

use async_trait::async_trait;
use uuid::Uuid;

use super::*;
use crate::api_key::{self, Change};
use crate::authn::AccountDirectory;
use crate::authz::fixtures::{LOGIN, NAMES, principal};
use crate::authz::{AccountFacts, DecisionContext, Permission as _};
use crate::checks;
use crate::invalidation::Generations;
use crate::key::fakes::{START, environment};
use crate::problem::Refusal as _;
use crate::roles::{MemberFacts, PermissionRecord};
use crate::scopes::ADMINISTRATOR;

const READ: &str = NAMES[0];
const WRITE: &str = NAMES[1];

/// One account, what it has everywhere and as a member, its key, and what was written.
struct World {
    owner: account::Account,
    permissions: Vec<String>,
    member: MemberFacts,
    written: Mutex<Vec<NewApiKey>>,
    key: Mutex<Option<ApiKey>>,
    rotated: Mutex<Option<KeyRotation>>,
    changed: Mutex<Option<(Change, Option<account::Stamp>)>>,
    /// Who asked for the last change.
    signed: Mutex<Option<audit::Context>>,
}

#[async_trait]
impl api_key::Stub for World {
    async fn create_key(
        &self,
        new: NewApiKey,
        by: audit::Context,
    ) -> Result<Result<ApiKey, ApiKeysError>, Fault> {
        let key = ApiKey {
            id: new.id,
            account: new.account,
            name: "one".into(),
            permissions: new.permissions.clone(),
            digest: new.digest,
            hint: new.hint.clone(),
            expires_at: new.expires_at,
            enabled: true,
            networks: new.networks.clone(),
            limit: new.limit,
            previous_until: None,
            created_at: by.at,
            last_used: None,
        };
        self.written.lock().unwrap().push(new);
        *self.signed.lock().unwrap() = Some(by);
        Ok(Ok(key))
    }

    async fn list(&self, whose: account::Id) -> Result<Vec<ApiKey>, Fault> {
        let key = self.key.lock().unwrap().clone();
        Ok(key.into_iter().filter(|key| key.account == whose).collect())
    }

    async fn find(&self, whose: account::Id, id: Id) -> Result<Option<ApiKey>, Fault> {
        let key = self.key.lock().unwrap().clone();
        Ok(key.filter(|key| key.account == whose && key.id == id))
    }

    async fn change_key(
        &self,
        _: account::Id,
        _: Id,
        change: Change,
        stamp: Option<account::Stamp>,
        by: audit::Context,
    ) -> Result<Result<ApiKey, ApiKeysError>, Fault> {
        *self.changed.lock().unwrap() = Some((change, stamp));
        *self.signed.lock().unwrap() = Some(by);
        Ok(Ok(self.key.lock().unwrap().clone().unwrap()))
    }

    async fn rotate_key(
        &self,
        _: account::Id,
        _: Id,
        rotation: KeyRotation,
        by: audit::Context,
    ) -> Result<Result<ApiKey, ApiKeysError>, Fault> {
        *self.rotated.lock().unwrap() = Some(rotation);
        *self.signed.lock().unwrap() = Some(by);
        Ok(Ok(self.key.lock().unwrap().clone().unwrap()))
    }

    async fn revoke_key(&self, whose: account::Id, id: Id, by: audit::Context) -> Result<bool, Fault> {
        *self.signed.lock().unwrap() = Some(by);
        Ok(api_key::Stub::find(self, whose, id).await?.is_some())
    }

    async fn warn_expiring(
        &self,
        due: ExpiryWindow,
        _: Arc<dyn ExpiryWording>,
        by: audit::Context,
    ) -> Result<Vec<Warning>, Fault> {
        assert_eq!(due.before, START.plus(Settings::default().warning));
        assert_eq!((due.after.is_some(), due.limit), (true, 5));
        assert_eq!((by.at, by.actor), (START, audit::Actor::System));
        Ok(Vec::new())
    }
}

#[async_trait]
impl roles::Stub for World {
    async fn facts(&self, _: account::Id) -> Result<Option<AccountFacts>, Fault> {
        Ok(Some(AccountFacts {
            account: self.owner.clone(),
            roles: Vec::new(),
            permissions: self.permissions.clone(),
            attributes: crate::attribute::Attributes::default(),
        }))
    }

    async fn as_member(&self, _: account::Id) -> Result<MemberFacts, Fault> {
        Ok(self.member.clone())
    }

    async fn permissions(&self) -> Result<Vec<PermissionRecord>, Fault> {
        let record = |name: &&str| PermissionRecord {
            name: (*name).to_owned(),
            description: String::new(),
            action: false,
        };
        Ok(NAMES.iter().map(record).collect())
    }
}

fn keys(owner: account::Account, permissions: &[&str], member: (u64, &[&str])) -> (Arc<World>, ApiKeys) {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let world = Arc::new(World {
        owner,
        permissions: owned(permissions),
        member: MemberFacts {
            organizations: member.0,
            permissions: owned(member.1),
        },
        written: Mutex::default(),
        key: Mutex::default(),
        rotated: Mutex::default(),
        changed: Mutex::default(),
        signed: Mutex::default(),
    });
    let store: Arc<dyn roles::Store> = Arc::clone(&world) as _;
    let keys = ApiKeys::new(ApiKeysParts {
        store: Arc::clone(&world) as _,
        permissions: Arc::clone(&store),
        directory: Arc::new(AccountDirectory::new(store, Arc::new(Generations::new()), 10)),
        environment: environment(1),
        format: Format::default(),
        settings: Settings {
            per_account: 7,
            ..Settings::default()
        },
    });
    (world, keys)
}

fn form(permissions: &[&str]) -> Form {
    Form {
        name: KeyName::parse("one").unwrap(),
        permissions: permissions.iter().map(|name| (*name).to_owned()).collect(),
        expires_at: None,
        networks: Networks::default(),
        limit: None,
    }
}

fn by() -> audit::Context {
    audit::Context::system(START)
}

#[tokio::test]
async fn a_key_of_ones_own_gets_what_the_account_has_and_the_credential_brings() {
    checks!("T039");
    checks!("T107");
    for (has, as_member, scopes, asked, code) in [
        (&[READ][..], &[][..], None, &[READ][..], None),
        (&[READ], &[], None, &[], None),
        (&[READ], &[], None, &[READ, WRITE], Some("exceeds_owner")),
        (
            &[READ],
            &[],
            None,
            &["nobody:declared"],
            Some("unknown_permission"),
        ),
        (&[], &[READ], None, &[READ], None),
        (&[], &[READ], None, &[WRITE], Some("exceeds_owner")),
        (&[READ, WRITE], &[], Some(&[READ][..]), &[READ], None),
        (
            &[READ, WRITE],
            &[],
            Some(&[READ][..]),
            &[WRITE],
            Some("exceeds_owner"),
        ),
        (
            &[],
            &[READ, WRITE],
            Some(&[READ][..]),
            &[WRITE],
            Some("exceeds_owner"),
        ),
    ] {
        let who = principal(has, &[], scopes);
        let (world, keys) = keys(
            who.account().clone(),
            has,
            (u64::from(!as_member.is_empty()), as_member),
        );
        let made = keys.create(&who, form(asked), by()).await;
        let written = world.written.lock().unwrap().pop();
        let case = format!("{has:?} {as_member:?} {scopes:?} {asked:?}");
        assert_eq!(written.is_some(), code.is_none(), "{case}");
        if let Some(new) = written {
            assert_eq!(new.permissions, asked, "{case}");
            assert_eq!(new.stamp, Some(who.account().stamp), "{case}");
            assert_eq!(new.most, 7, "{case}");
        }
        let told = made
            .err()
            .map(|error| error.details().fields.first().unwrap().code);
        assert_eq!(told, code, "{case}");
    }
}

#[tokio::test]
async fn a_service_account_that_is_a_member_is_the_administrators_and_people_make_their_own() {
    checks!("T108");
    let service = |kind| account::Account {
        id: account::Id::from_uuid(Uuid::from_u128(9)),
        kind,
        ..principal(&[], &[], None).account().clone()
    };
    let issuer = [READ, "portcullis:api-keys:write"];
    for (kind, organizations, roles, code) in [
        (account::AccountKind::Service, 0, &[][..], None),
        (account::AccountKind::Service, 1, &[ADMINISTRATOR][..], None),
        (account::AccountKind::Service, 1, &[], Some("administrators_only")),
        (
            account::AccountKind::Person,
            0,
            &[ADMINISTRATOR],
            Some("not_a_service_account"),
        ),
    ] {
        (ApiKeysWrite::PERMISSION.id)();
        let who = principal(&issuer, roles, None);
        let permit = Permit::<MayIssue>::decide(who, &DecisionContext::at(LOGIN)).unwrap();
        let (world, keys) = keys(service(kind), &[READ], (organizations, &[]));
        let made = keys
            .create_for(&permit, world.owner.id, form(&[READ]), by())
            .await;
        let case = format!("{kind:?} {organizations} {roles:?}");
        assert_eq!(made.err().map(|error| error.details().code), code, "{case}");
        let written = world.written.lock().unwrap().pop();
        assert_eq!(written.is_some(), code.is_none(), "{case}");
        assert!(written.is_none_or(|new| new.stamp.is_none()), "{case}");
    }
}

#[tokio::test]
async fn a_key_never_ends_before_it_begins() {
    let who = principal(&[READ], &[], None);
    let (world, keys) = keys(who.account().clone(), &[READ], (0, &[]));
    for (end, made) in [
        (START, false),
        (START.plus(std::time::Duration::from_secs(1)), true),
    ] {
        let mut form = form(&[READ]);
        form.expires_at = Some(end);
        assert_eq!(keys.create(&who, form, by()).await.is_ok(), made);
        assert_eq!(world.written.lock().unwrap().pop().is_some(), made);
    }
}
