//! What becomes of a key that exists: another text, other fences, its end.

use std::time::Duration;

use super::*;
use crate::authz::CredentialKind;

const SECOND: Duration = Duration::from_secs(1);
const KEY: Id = Id::from_uuid(Uuid::from_u128(40));
const SERVICE: account::Id = account::Id::from_uuid(Uuid::from_u128(9));
/// A second after the login of [`principal`].
const FRESH: Timestamp = Timestamp::from_seconds(1_000_001);
const STALE: Timestamp = Timestamp::from_seconds(1_000_901);

/// A key of this account that may read, without an end.
fn key_of(account: account::Id) -> ApiKey {
    let secret = Format::default().mint(&environment(7));
    ApiKey {
        id: KEY,
        account,
        name: "one".into(),
        permissions: vec![READ.into()],
        digest: secret.digest(),
        hint: secret.hint(),
        expires_at: None,
        enabled: true,
        networks: Networks::default(),
        limit: None,
        previous_until: None,
        created_at: LOGIN,
        last_used: None,
    }
}

fn service(state: account::AccountState) -> account::Account {
    account::Account {
        id: SERVICE,
        kind: account::AccountKind::Service,
        state,
        ..principal(&[], &[], None).account().clone()
    }
}

fn at(now: Timestamp) -> audit::Context {
    audit::Context::system(now)
}

fn permit<R: crate::authz::Requirement>(roles: &[&str]) -> Permit<R> {
    (ApiKeysWrite::PERMISSION.id)();
    (ApiKeysRead::PERMISSION.id)();
    let names = [READ, ApiKeysWrite::PERMISSION.name, ApiKeysRead::PERMISSION.name];
    Permit::decide(principal(&names, roles, None), &DecisionContext::at(LOGIN)).unwrap()
}

fn code(error: &impl crate::problem::Refusal) -> &'static str {
    let details = error.details();
    details.fields.first().map_or(details.code, |field| field.code)
}

/// What is handed on was signed by whoever the permit is for.
fn signer(world: &World) -> audit::Actor {
    world.signed.lock().unwrap().take().unwrap().actor
}

/// The code with which this caller is refused another text of the key, which ends then; `None` if they get one, and the
/// store is handed what was asked for.
async fn rotated(
    who: &Principal,
    has: &[&str],
    id: Id,
    ends: Option<Timestamp>,
    renewal: Renewal,
) -> Option<&'static str> {
    let (world, keys) = keys(who.account().clone(), has, (0, &[]));
    let old = ApiKey {
        expires_at: ends,
        ..key_of(who.id())
    };
    *world.key.lock().unwrap() = Some(old.clone());
    let made = keys.rotate(who, id, renewal, at(FRESH)).await;
    let Some(rotation) = world.rotated.lock().unwrap().take() else {
        return Some(code(&made.unwrap_err()));
    };
    let secret = made.unwrap().secret;
    assert_eq!((rotation.from, rotation.digest), (old.digest, secret.digest()));
    assert_ne!(rotation.digest, old.digest);
    assert_eq!((rotation.hint, rotation.end), (secret.hint(), renewal.end));
    assert_eq!(rotation.stamp, Some(who.account().stamp));
    let until = (!renewal.overlap.is_zero()).then(|| FRESH.plus(renewal.overlap));
    assert_eq!(rotation.previous_until, until);
    None
}

#[tokio::test]
async fn a_key_gets_another_text_from_who_could_have_made_it() {
    checks!("T039");
    checks!("T041");
    let (key, person) = (CredentialKind::ApiKey, CredentialKind::Jwt);
    let other = Id::from_uuid(Uuid::nil());
    for (kind, id, has, scopes, refused) in [
        (key, KEY, &[READ][..], None, Some("not_personal")),
        (person, other, &[READ], None, Some("not_found")),
        (
            person,
            KEY,
            &[READ, WRITE],
            Some(&[WRITE][..]),
            Some("insufficient_scope"),
        ),
        (person, KEY, &[READ, WRITE], Some(&[READ]), None),
        (person, KEY, &[READ], None, None),
        // What its owner has lost, the key has lost, and so gives nobody.
        (person, KEY, &[], None, None),
    ] {
        let who = Principal {
            kind,
            ..Principal::clone(&principal(has, &[], scopes))
        };
        let renewal = Renewal::overlapping(SECOND);
        let told = rotated(&who, has, id, None, renewal).await;
        assert_eq!(told, refused, "{kind:?} {id} {has:?} {scopes:?}");
    }
}

#[tokio::test]
async fn a_key_gets_another_text_before_its_end_and_for_a_time_to_come() {
    let longest = Settings::LONGEST_OVERLAP;
    let soon = FRESH.plus(SECOND);
    for (ends, overlap, end, refused) in [
        (Some(FRESH), SECOND, NewEnd::AsBefore, Some("key_expired")),
        (None, longest + SECOND, NewEnd::AsBefore, Some("out_of_range")),
        (None, SECOND, NewEnd::At(FRESH), Some("in_the_past")),
        (Some(soon), SECOND, NewEnd::AsBefore, None),
        (None, longest, NewEnd::Never, None),
        (None, SECOND, NewEnd::At(soon), None),
        (None, Duration::ZERO, NewEnd::AsBefore, None),
    ] {
        let who = principal(&[READ], &[], None);
        let told = rotated(&who, &[READ], KEY, ends, Renewal { overlap, end }).await;
        assert_eq!(told, refused, "{ends:?} {overlap:?} {end:?}");
    }
}

#[tokio::test]
async fn an_administrator_renews_the_keys_of_service_accounts_only() {
    let person = principal(&[], &[], None).account().clone();
    let active = account::AccountState::Active;
    for (owner, memberships, roles, code_of) in [
        (person, 0, &[ADMINISTRATOR][..], Some("not_a_service_account")),
        (service(active), 1, &[], Some("administrators_only")),
        (service(active), 1, &[ADMINISTRATOR], None),
        (service(active), 0, &[], None),
    ] {
        let (world, keys) = keys(owner.clone(), &[READ], (memberships, &[]));
        *world.key.lock().unwrap() = Some(key_of(owner.id));
        let permit = permit::<MayIssue>(roles);
        let renewal = Renewal::overlapping(Duration::ZERO);
        let made = keys.rotate_for(&permit, owner.id, KEY, renewal, at(FRESH)).await;
        let case = format!("{:?} {memberships} {roles:?}", owner.kind);
        assert_eq!(made.as_ref().err().map(code), code_of, "{case}");
        let rotation = world.rotated.lock().unwrap().take();
        assert_eq!(rotation.is_some(), code_of.is_none(), "{case}");
        if let Some(rotation) = rotation {
            assert_eq!(rotation.stamp, None, "{case}");
            assert_eq!(signer(&world), permit.actor(), "{case}");
        }
    }
}

/// A change of each kind, and whether it could give the key more.
fn changes() -> [(Change, bool); 6] {
    let none = Change::default;
    let rate = Rate::clamped(5, crate::throttle::Per::Hour);
    [
        (
            Change {
                enabled: Some(true),
                ..none()
            },
            true,
        ),
        (
            Change {
                networks: Some(Networks::default()),
                ..none()
            },
            true,
        ),
        (
            Change {
                limit: Some(None),
                ..none()
            },
            true,
        ),
        (
            Change {
                limit: Some(Some(rate)),
                ..none()
            },
            true,
        ),
        (
            Change {
                enabled: Some(false),
                ..none()
            },
            false,
        ),
        (
            Change {
                name: Some(KeyName::parse("two").unwrap()),
                ..none()
            },
            false,
        ),
    ]
}

#[tokio::test]
async fn who_could_have_made_the_key_takes_its_fences_off_and_anybody_who_sees_it_disables_it() {
    checks!("T081");
    for (change, widens) in changes() {
        for (id, now, has, scopes, refused) in [
            (KEY, STALE, &[READ][..], None, Some("login_too_old")),
            (
                KEY,
                FRESH,
                &[READ, WRITE],
                Some(&[WRITE][..]),
                Some("insufficient_scope"),
            ),
            (
                Id::from_uuid(Uuid::nil()),
                FRESH,
                &[READ],
                None,
                Some("not_found"),
            ),
            (KEY, FRESH, &[READ], None, None),
        ] {
            let who = principal(has, &[], scopes);
            let (world, keys) = keys(who.account().clone(), has, (0, &[]));
            *world.key.lock().unwrap() = Some(key_of(who.id()));
            let changed = keys.change(&who, id, change.clone(), at(now)).await;
            let expected = refused.filter(|_| widens);
            let case = format!("{change:?} {id} {now} {scopes:?}");
            assert_eq!(changed.as_ref().err().map(code), expected, "{case}");
            let written = world.changed.lock().unwrap().take();
            assert_eq!(written.is_some(), expected.is_none(), "{case}");
            let stamp = who.account().stamp;
            assert!(written.is_none_or(|(_, own)| own == Some(stamp)), "{case}");
        }
    }
}

#[tokio::test]
async fn an_administrator_changes_the_keys_of_service_accounts_and_enables_none_of_a_disabled_one() {
    use account::AccountState::{Active, Disabled, Locked};
    let person = principal(&[], &[], None).account().clone();
    let (enable, disable) = (Some(true), Some(false));
    for (owner, memberships, enabled, code_of) in [
        (person, 0, disable, Some("not_a_service_account")),
        (service(Disabled), 0, enable, Some("owner_disabled")),
        (service(Active), 1, enable, Some("administrators_only")),
        (service(Disabled), 0, disable, None),
        (service(Locked), 0, enable, None),
        (service(Active), 0, enable, None),
    ] {
        let (world, keys) = keys(owner.clone(), &[READ], (memberships, &[]));
        *world.key.lock().unwrap() = Some(key_of(owner.id));
        let permit = permit::<ApiKeysWrite>(&[]);
        let change = Change {
            enabled,
            ..Change::default()
        };
        let changed = keys.change_for(&permit, owner.id, KEY, change, at(FRESH)).await;
        let case = format!("{:?} {:?} {memberships} {enabled:?}", owner.kind, owner.state);
        assert_eq!(changed.as_ref().err().map(code), code_of, "{case}");
        let written = world.changed.lock().unwrap().take();
        assert_eq!(written.is_some(), code_of.is_none(), "{case}");
        if let Some((_, stamp)) = written {
            assert_eq!((stamp, signer(&world)), (None, permit.actor()), "{case}");
        }
    }
}

#[tokio::test]
async fn keys_are_listed_and_revoked_of_the_account_that_was_named() {
    let (world, keys) = keys(service(account::AccountState::Active), &[READ], (0, &[]));
    *world.key.lock().unwrap() = Some(key_of(SERVICE));
    let other = account::Id::from_uuid(Uuid::from_u128(8));
    let read = permit::<ApiKeysRead>(&[]);
    let write = permit::<ApiKeysWrite>(&[]);
    for (whose, count) in [(other, 0), (SERVICE, 1)] {
        assert_eq!(keys.list(whose).await.unwrap().len(), count);
        assert_eq!(keys.list_of(&read, whose).await.unwrap().len(), count);
        assert_eq!(keys.find(whose, KEY).await.unwrap().is_some(), count == 1);
        assert_eq!(keys.revoke(whose, KEY, at(FRESH)).await, Ok(count == 1));
        assert_eq!(signer(&world), audit::Actor::System);
        assert_eq!(
            keys.revoke_for(&write, whose, KEY, at(FRESH)).await,
            Ok(count == 1)
        );
        assert_eq!(signer(&world), write.actor());
    }
}

/// Words nothing.
struct Nothing;

impl ExpiryWording for Nothing {
    fn ends_soon(&self, _: &api_key::Expiring, _: &audit::Context) -> Result<Vec<crate::job::NewJob>, Fault> {
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn owners_are_warned_as_long_before_as_the_settings_say() {
    let (_, keys) = keys(service(account::AccountState::Active), &[], (0, &[]));
    let warned = keys.warn_expiring(Some((START, KEY)), 5, Arc::new(Nothing)).await;
    assert_eq!(warned, Ok(Vec::new()));
    assert_eq!(keys.settings().per_account, 7);
}
