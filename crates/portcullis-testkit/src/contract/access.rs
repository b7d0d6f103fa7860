//! Roles and permissions: what every store must do.

// This file shows: AZ-1

use portcullis_core::account::{self, AccountState, AccountsError, Stamp};
use portcullis_core::audit::{Action, Actor, Context};
use portcullis_core::authz::{Permission as _, RolesWrite};
use portcullis_core::checks;
use portcullis_core::effect::Effect;
use portcullis_core::roles::RolesError::{
    Cycle, Forbidden, Protected, Taken, UnknownAccount, UnknownPermission, UnknownRole,
};
use portcullis_core::roles::{PermissionRecord, RolesError};
use portcullis_core::scopes::ADMINISTRATOR;

use super::Stores;
use super::fixtures::{
    START, by, count, event_count, events, fresh_id, registered, service, set_state, together, verified,
};

fn permission(name: &str) -> PermissionRecord {
    PermissionRecord {
        name: name.into(),
        description: format!("May {name}"),
        action: false,
    }
}

async fn with_roles<S: Stores>(db: &S, names: &[&str]) {
    for name in names {
        let change = db
            .create_role((*name).into(), String::new(), by(START))
            .await
            .unwrap();
        assert_eq!(change, Ok(Effect::Changed));
    }
}

async fn inherit<S: Stores>(db: &S, role: &str, parent: &str) -> Result<Effect, RolesError> {
    db.inherit(role.into(), parent.into(), by(START)).await.unwrap()
}

async fn assign<S: Stores>(db: &S, account: account::Id, role: &str) -> Result<Effect, RolesError> {
    db.assign(account, role.into(), by(START)).await.unwrap()
}

async fn unassign<S: Stores>(db: &S, account: account::Id, role: &str) -> Result<Effect, RolesError> {
    db.unassign(account, role.into(), by(START)).await.unwrap()
}

/// Ill-formed names never enter the store.
pub async fn declare_ill_formed_name_is_refused<S: Stores>(db: S) {
    for name in ["posts", "posts:read\nposts:write", "posts: read", ""] {
        assert!(
            db.declare(vec![permission("a:b"), permission(name)], START)
                .await
                .is_err()
        );
    }
    assert_eq!(db.permissions().await.unwrap(), []);
    for name in ["posts:read", "two roles", "a\nb", ""] {
        assert!(
            db.create_role(name.into(), String::new(), by(START))
                .await
                .is_err()
        );
    }
    assert_eq!(db.roles().await.unwrap().len(), 2);
}

/// Declared permissions are known, described, the administrator's, and on record once.
pub async fn declare_gives_everything_to_the_administrator<S: Stores>(db: S) {
    let all = vec![permission("b:one"), permission("a:two")];
    db.declare(all.clone(), START).await.unwrap();
    db.declare(all, START).await.unwrap();
    assert_eq!(
        db.permissions().await.unwrap(),
        [permission("a:two"), permission("b:one")]
    );
    let renamed = PermissionRecord {
        name: "a:two".into(),
        description: "Says it better".into(),
        action: false,
    };
    db.declare(vec![renamed.clone(), permission("c:three")], START)
        .await
        .unwrap();
    let expected = [renamed, permission("b:one"), permission("c:three")];
    assert_eq!(db.permissions().await.unwrap(), expected);
    let roles = db.roles().await.unwrap();
    assert_eq!(roles[0].name, ADMINISTRATOR);
    assert_eq!(roles[0].permissions, ["a:two", "b:one", "c:three"]);
    let recorded = events(&db, Action::PermissionDeclared).await;
    assert!(recorded.iter().all(|event| event.actor == "system"));
    let names: Vec<_> = recorded.into_iter().map(|event| event.detail.unwrap()).collect();
    assert_eq!(names, ["c:three", "a:two", "b:one", "a:two"]);
}

/// A name that is an action on resources stays one, whoever declares it again as none; that it is one is news once.
pub async fn an_action_stays_one_until_it_is_withdrawn<S: Stores>(db: S) {
    checks!("T182");
    let plain = permission("notes:read");
    let action = PermissionRecord {
        action: true,
        ..plain.clone()
    };
    let known = async || db.permissions().await.unwrap();
    // Of one name declared twice at once, in either order.
    for both in [[plain.clone(), action.clone()], [action.clone(), plain.clone()]] {
        db.declare(both.to_vec(), START).await.unwrap();
        assert_eq!(known().await, std::slice::from_ref(&action));
    }
    db.declare(vec![plain.clone()], START).await.unwrap();
    let again = db.declare_permission(plain.clone(), by(START)).await.unwrap();
    assert_eq!(again, Ok(Effect::Unchanged));
    assert_eq!(known().await, std::slice::from_ref(&action));
    assert_eq!(events(&db, Action::PermissionDeclared).await.len(), 1);
    assert!(
        db.withdraw_permission("notes:read".into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    let declare =
        async |record: &PermissionRecord| db.declare_permission(record.clone(), by(START)).await.unwrap();
    assert_eq!(declare(&plain).await, Ok(Effect::Changed));
    assert_eq!(known().await, [plain]);
    assert_eq!(declare(&action).await, Ok(Effect::Changed));
    assert_eq!(known().await, [action]);
}

/// A permission that somebody declares is known like one of a program's code, and on record; what Portcullis keeps for
/// itself isn't taken.
pub async fn declare_permission_is_recorded_and_spares_what_is_reserved<S: Stores>(db: S) {
    db.declare(vec![permission("portcullis:a"), permission("org:a")], START)
        .await
        .unwrap();
    let before = event_count(&db).await;
    for name in ["portcullis:a", "portcullis:z", "org:a", "org:z"] {
        let renamed = db.declare_permission(permission(name), by(START)).await.unwrap();
        assert_eq!(renamed, Err(Protected), "{name}");
        let withdrawn = db.withdraw_permission(name.into(), by(START)).await.unwrap();
        assert_eq!(withdrawn, Err(Protected), "{name}");
    }
    for name in ["posts", "posts:read\nposts:write", ""] {
        assert!(db.declare_permission(permission(name), by(START)).await.is_err());
    }
    assert_eq!(event_count(&db).await, before);
    assert_eq!(db.permissions().await.unwrap().len(), 2);

    let declare = async |description: &str| {
        let permission = PermissionRecord {
            name: "posts:read".into(),
            description: description.into(),
            action: false,
        };
        db.declare_permission(permission, by(START)).await.unwrap()
    };
    assert_eq!(declare("Read").await, Ok(Effect::Changed));
    assert_eq!(declare("Read").await, Ok(Effect::Unchanged));
    assert_eq!(declare("Read posts").await, Ok(Effect::Changed));
    let known = db.permissions().await.unwrap();
    assert_eq!(known.last().unwrap().description, "Read posts");
    for role in db.roles().await.unwrap() {
        assert!(role.permissions.contains(&"posts:read".to_owned()), "{role:?}");
    }
    assert_eq!(event_count(&db).await, before + 2);
    assert!(
        events(&db, Action::PermissionDeclared).await[..2]
            .iter()
            .all(|event| event.actor == "operator")
    );
}

/// A withdrawn permission is nobody's from then on, and can be declared anew without coming back to anybody.
pub async fn withdraw_permission_takes_it_from_everybody<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let unknown = db.withdraw_permission("posts:read".into(), by(START)).await;
    assert_eq!(unknown.unwrap(), Err(UnknownPermission));
    let declare = async || {
        db.declare_permission(permission("posts:read"), by(START))
            .await
            .unwrap()
    };
    assert_eq!(declare().await, Ok(Effect::Changed));
    with_roles(&db, &["reader"]).await;
    let allowed = db.allow("reader".into(), "posts:read".into(), by(START)).await;
    assert_eq!(allowed.unwrap(), Ok(Effect::Changed));
    assert_eq!(assign(&db, anna.id, "reader").await, Ok(Effect::Changed));
    let holds = async || db.facts(anna.id).await.unwrap().unwrap().permissions;
    assert_eq!(holds().await, ["posts:read"]);
    let withdrawn = db.withdraw_permission("posts:read".into(), by(START)).await;
    assert_eq!(withdrawn.unwrap(), Ok(Effect::Changed));
    assert_eq!(holds().await, [""; 0]);
    assert_eq!(db.permissions().await.unwrap(), []);
    assert_eq!(declare().await, Ok(Effect::Changed));
    assert_eq!(holds().await, [""; 0]);
    assert_eq!(events(&db, Action::PermissionWithdrawn).await.len(), 1);
}

/// What doesn't exist can't be used, and nothing is written.
pub async fn change_of_the_unknown_is_refused<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let nobody = account::Id::from_uuid(fresh_id());
    db.declare(vec![permission("a:b")], START).await.unwrap();
    with_roles(&db, &["editor"]).await;
    let before = event_count(&db).await;
    let none = || "nothing".to_owned();
    let editor = || "editor".to_owned();
    let p = || "a:b".to_owned();
    for (change, expected) in [
        (db.delete_role(none(), by(START)).await, Err(UnknownRole)),
        (db.allow(none(), p(), by(START)).await, Err(UnknownRole)),
        (
            db.allow(editor(), "x:y".into(), by(START)).await,
            Err(UnknownPermission),
        ),
        (db.disallow(none(), p(), by(START)).await, Err(UnknownRole)),
        (
            db.disallow(editor(), "x:y".into(), by(START)).await,
            Err(UnknownPermission),
        ),
        (db.disallow(editor(), p(), by(START)).await, Ok(Effect::Unchanged)),
        (db.inherit(none(), editor(), by(START)).await, Err(UnknownRole)),
        (db.inherit(editor(), none(), by(START)).await, Err(UnknownRole)),
        (db.disinherit(none(), editor(), by(START)).await, Err(UnknownRole)),
        (
            db.disinherit(editor(), ADMINISTRATOR.into(), by(START)).await,
            Ok(Effect::Unchanged),
        ),
        (db.assign(nobody, editor(), by(START)).await, Err(UnknownAccount)),
        (db.assign(anna.id, none(), by(START)).await, Err(UnknownRole)),
        (
            db.unassign(nobody, editor(), by(START)).await,
            Err(UnknownAccount),
        ),
        (db.unassign(anna.id, none(), by(START)).await, Err(UnknownRole)),
        (
            db.unassign(anna.id, editor(), by(START)).await,
            Ok(Effect::Unchanged),
        ),
        (
            db.create_role(editor(), String::new(), by(START)).await,
            Err(Taken),
        ),
        (
            db.create_role(ADMINISTRATOR.into(), String::new(), by(START))
                .await,
            Err(Taken),
        ),
    ] {
        assert_eq!(change.unwrap(), expected);
    }
    assert_eq!(event_count(&db).await, before);
    assert_eq!(db.facts(nobody).await.unwrap(), None);
    assert_eq!(db.assigned(nobody).await.unwrap(), None);
}

/// The administrator's role stays what it is.
pub async fn change_of_the_administrator_is_protected<S: Stores>(db: S) {
    db.declare(vec![permission("a:b")], START).await.unwrap();
    with_roles(&db, &["editor"]).await;
    let administrator = || ADMINISTRATOR.to_owned();
    for change in [
        db.delete_role(administrator(), by(START)).await,
        db.disallow(administrator(), "a:b".into(), by(START)).await,
        db.inherit(administrator(), "editor".into(), by(START)).await,
    ] {
        assert_eq!(change.unwrap(), Err(Protected));
    }
    let roles = db.roles().await.unwrap();
    assert_eq!(
        (&*roles[0].name, &roles[0].permissions[..]),
        (ADMINISTRATOR, &["a:b".to_owned()][..])
    );
    assert!(roles[0].inherits.is_empty());
}

/// A role never inherits from itself, over however many steps.
pub async fn inherit_cycle_is_refused<S: Stores>(db: S) {
    checks!("T025");
    with_roles(&db, &["a", "b", "c", "d"]).await;
    assert_eq!(inherit(&db, "a", "a").await, Err(Cycle));
    assert_eq!(inherit(&db, "a", "b").await, Ok(Effect::Changed));
    assert_eq!(inherit(&db, "a", "b").await, Ok(Effect::Unchanged));
    assert_eq!(inherit(&db, "b", "a").await, Err(Cycle));
    assert_eq!(inherit(&db, "b", "c").await, Ok(Effect::Changed));
    assert_eq!(inherit(&db, "c", "a").await, Err(Cycle));
    // A diamond is no cycle.
    assert_eq!(inherit(&db, "a", "d").await, Ok(Effect::Changed));
    assert_eq!(inherit(&db, "d", "c").await, Ok(Effect::Changed));
    assert_eq!(inherit(&db, "c", "d").await, Err(Cycle));
    assert_eq!(
        db.disinherit("d".into(), "c".into(), by(START)).await.unwrap(),
        Ok(Effect::Changed)
    );
    assert_eq!(inherit(&db, "c", "d").await, Ok(Effect::Changed));
}

/// A crowd closes a ring from all sides: at least one side stays open.
pub async fn inherit_in_parallel_never_closes_a_ring<S: Stores>(db: S) {
    checks!("T025");
    let names: Vec<String> = (0..10).map(|n| format!("role{n}")).collect();
    let roles: Vec<&str> = names.iter().map(String::as_str).collect();
    with_roles(&db, &roles).await;
    let answers = together(|n| {
        let n = usize::try_from(n).unwrap();
        let (db, role, parent) = (db.clone(), names[n % 10].clone(), names[(n + 1) % 10].clone());
        async move { db.inherit(role, parent, by(START)).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, |change| *change == Ok(Effect::Changed)), 9);
    assert_eq!(count(&answers, |change| *change == Err(Cycle)), 10);
    assert_eq!(count(&answers, |change| *change == Ok(Effect::Unchanged)), 81);
}

/// What an account may do comes from its roles and all they inherit, each name once, from no role of others.
pub async fn facts_gather_what_is_inherited<S: Stores>(db: S) {
    let (anna, other) = (registered(&db, "anna").await, registered(&db, "berta").await);
    let all = ["a:read", "a:write", "b:read", "secret:read"];
    db.declare(all.map(permission).to_vec(), START).await.unwrap();
    with_roles(&db, &["reader", "writer", "chief", "spy"]).await;
    for (role, name) in [
        ("reader", "a:read"),
        ("reader", "b:read"),
        ("writer", "a:write"),
        ("writer", "a:read"),
        ("spy", "secret:read"),
    ] {
        let change = db.allow(role.into(), name.into(), by(START)).await.unwrap();
        assert_eq!(change, Ok(Effect::Changed));
    }
    assert!(inherit(&db, "writer", "reader").await.is_ok());
    assert!(inherit(&db, "chief", "writer").await.is_ok());
    assert!(inherit(&db, "chief", "reader").await.is_ok());
    let facts = db.facts(anna.id).await.unwrap().unwrap();
    assert_eq!((facts.roles.len(), facts.permissions.len()), (0, 0));
    assert_eq!(assign(&db, other.id, "spy").await, Ok(Effect::Changed));
    assert_eq!(assign(&db, anna.id, "chief").await, Ok(Effect::Changed));
    assert_eq!(assign(&db, anna.id, "chief").await, Ok(Effect::Unchanged));
    let facts = db.facts(anna.id).await.unwrap().unwrap();
    assert_eq!(facts.account, anna);
    assert_eq!(facts.roles, ["chief", "reader", "writer"]);
    assert_eq!(facts.permissions, ["a:read", "a:write", "b:read"]);
    assert_eq!(
        db.assigned(anna.id).await.unwrap(),
        Some(vec!["chief".to_owned()])
    );
    let change = db
        .disallow("reader".into(), "b:read".into(), by(START))
        .await
        .unwrap();
    assert_eq!(change, Ok(Effect::Changed));
    assert_eq!(
        db.facts(anna.id).await.unwrap().unwrap().permissions,
        ["a:read", "a:write"]
    );
    assert_eq!(unassign(&db, anna.id, "chief").await, Ok(Effect::Changed));
    assert_eq!(db.facts(anna.id).await.unwrap().unwrap().roles.len(), 0);
    let assigned = events(&db, Action::RoleAssigned).await;
    assert_eq!((assigned.len(), assigned[0].account), (2, Some(anna.id)));
}

/// Who has a role is who was given it, not who inherits it, in pages by id; a role that isn't there has no page.
pub async fn holders_are_those_who_were_given_the_role<S: Stores>(db: S) {
    let holders = async |role: &str, after, limit| {
        let found = db.holders(role.into(), after, limit).await.unwrap();
        found.map(|accounts| accounts.into_iter().map(|one| one.id).collect::<Vec<_>>())
    };
    with_roles(&db, &["editor", "chief"]).await;
    assert!(inherit(&db, "chief", "editor").await.is_ok());
    assert_eq!(holders("nobodys", None, 10).await, None);
    assert_eq!(holders("editor", None, 10).await, Some(Vec::new()));
    let mut given = Vec::new();
    for name in ["anna", "berta", "cleo"] {
        let one = registered(&db, name).await.id;
        assert_eq!(assign(&db, one, "editor").await, Ok(Effect::Changed));
        given.push(one);
    }
    let chief = registered(&db, "dora").await.id;
    assert_eq!(assign(&db, chief, "chief").await, Ok(Effect::Changed));
    given.sort();
    assert_eq!(holders("editor", None, 2).await.unwrap(), given[..2]);
    assert_eq!(holders("editor", Some(given[1]), 2).await.unwrap(), given[2..]);
    assert_eq!(holders("editor", Some(given[2]), 2).await, Some(Vec::new()));
    assert_eq!(holders("chief", None, 10).await, Some(vec![chief]));
    assert_eq!(unassign(&db, chief, "chief").await, Ok(Effect::Changed));
    assert_eq!(holders("chief", None, 10).await, Some(Vec::new()));
}

/// A deleted role is nobody's, and nothing inherits it.
pub async fn delete_role_takes_it_from_everybody<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    db.declare(vec![permission("a:b")], START).await.unwrap();
    with_roles(&db, &["chief", "editor"]).await;
    assert!(
        db.allow("editor".into(), "a:b".into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    assert!(inherit(&db, "chief", "editor").await.is_ok());
    assert!(assign(&db, anna.id, "editor").await.is_ok());
    assert!(assign(&db, anna.id, "chief").await.is_ok());
    assert_eq!(
        db.delete_role("editor".into(), by(START)).await.unwrap(),
        Ok(Effect::Changed)
    );
    let facts = db.facts(anna.id).await.unwrap().unwrap();
    assert_eq!(
        (facts.roles, facts.permissions.len()),
        (vec!["chief".to_owned()], 0)
    );
    // A new role of the old name begins with nothing.
    with_roles(&db, &["editor"]).await;
    let roles = db.roles().await.unwrap();
    let made = roles
        .iter()
        .filter(|role| ["chief", "editor"].contains(&&*role.name));
    assert_eq!(
        made.filter(|role| role.permissions.is_empty() && role.inherits.is_empty())
            .count(),
        2
    );
    assert_eq!(
        db.assigned(anna.id).await.unwrap(),
        Some(vec!["chief".to_owned()])
    );
}

/// The last administrator who can act keeps the role, however it would be lost.
pub async fn unassign_of_the_last_administrator_is_protected<S: Stores>(db: S) {
    let (anna, berta) = (registered(&db, "anna").await, registered(&db, "berta").await);
    with_roles(&db, &["owner", "editor"]).await;
    assert!(inherit(&db, "owner", ADMINISTRATOR).await.is_ok());
    assert!(assign(&db, anna.id, "owner").await.is_ok());
    let before = event_count(&db).await;
    assert_eq!(unassign(&db, anna.id, "owner").await, Err(Protected));
    let delete = db.delete_role("owner".into(), by(START)).await.unwrap();
    assert_eq!(delete, Err(Protected));
    let disinherit = db
        .disinherit("owner".into(), ADMINISTRATOR.into(), by(START))
        .await
        .unwrap();
    assert_eq!(disinherit, Err(Protected));
    assert_eq!(event_count(&db).await, before);
    assert_eq!(
        db.facts(anna.id).await.unwrap().unwrap().roles,
        [ADMINISTRATOR, "owner"]
    );
    // An administrator who can't act doesn't count.
    assert!(assign(&db, berta.id, ADMINISTRATOR).await.is_ok());
    set_state(&db, berta.id, AccountState::Locked).await;
    assert_eq!(unassign(&db, anna.id, "owner").await, Err(Protected));
    assert_eq!(unassign(&db, berta.id, ADMINISTRATOR).await, Ok(Effect::Changed));
    assert!(assign(&db, berta.id, ADMINISTRATOR).await.is_ok());
    set_state(&db, berta.id, AccountState::Active).await;
    assert_eq!(unassign(&db, anna.id, "owner").await, Ok(Effect::Changed));
    assert_eq!(unassign(&db, berta.id, ADMINISTRATOR).await, Err(Protected));
    // Other roles come and go.
    assert_eq!(assign(&db, berta.id, "editor").await, Ok(Effect::Changed));
    assert_eq!(unassign(&db, berta.id, "editor").await, Ok(Effect::Changed));
}

/// The last administrator who can act is neither locked nor disabled, also when two are at once.
pub async fn set_state_keeps_one_administrator<S: Stores>(db: S) {
    let chiefs = [registered(&db, "anna").await, registered(&db, "berta").await];
    for chief in &chiefs {
        assert!(assign(&db, chief.id, ADMINISTRATOR).await.is_ok());
    }
    let answers = together(|n| {
        let (db, id) = (db.clone(), chiefs[usize::try_from(n % 2).unwrap()].id);
        let state = if n % 4 < 2 {
            AccountState::Locked
        } else {
            AccountState::Disabled
        };
        let stamp = Stamp::from_uuid(fresh_id());
        async move { db.set_state(id, state, stamp, by(START)).await.unwrap() }
    })
    .await;
    assert!(answers.contains(&Err(AccountsError::LastAdministrator)));
    let mut acting = 0;
    for chief in &chiefs {
        let found = account::Store::find(&db, chief.id).await.unwrap().unwrap();
        acting += usize::from(found.state.may_act());
    }
    assert_eq!(acting, 1);
}

/// A crowd of administrators is unassigned at once: one keeps the role.
pub async fn unassign_in_parallel_keeps_one_administrator<S: Stores>(db: S) {
    let mut accounts = Vec::new();
    for n in 0..20 {
        let account = registered(&db, &format!("chief{n}")).await;
        assert!(assign(&db, account.id, ADMINISTRATOR).await.is_ok());
        accounts.push(account.id);
    }
    let answers = together(|n| {
        let (db, id) = (db.clone(), accounts[usize::try_from(n).unwrap() % accounts.len()]);
        async move { unassign(&db, id, ADMINISTRATOR).await }
    })
    .await;
    assert_eq!(count(&answers, |change| *change == Ok(Effect::Changed)), 19);
    assert!(count(&answers, |change| *change == Err(Protected)) >= 1);
    let mut left = 0;
    for id in accounts {
        left += db.assigned(id).await.unwrap().unwrap().len();
    }
    assert_eq!(left, 1);
}

/// A service account may hold the role, but nobody can log in as it: it never counts as the one who is left.
pub async fn unassign_never_leaves_a_service_account_as_the_only_administrator<S: Stores>(db: S) {
    checks!("T044");
    let anna = registered(&db, "anna").await;
    assert!(assign(&db, anna.id, ADMINISTRATOR).await.is_ok());
    let robot = service(&db, "robot").await;
    assert_eq!(assign(&db, robot.id, ADMINISTRATOR).await, Ok(Effect::Changed));
    assert_eq!(unassign(&db, anna.id, ADMINISTRATOR).await, Err(Protected));
    let stamp = Stamp::from_uuid(fresh_id());
    let outcome = db
        .set_state(anna.id, AccountState::Disabled, stamp, by(START))
        .await;
    assert_eq!(outcome.unwrap(), Err(AccountsError::LastAdministrator));
    let berta = registered(&db, "berta").await;
    assert!(assign(&db, berta.id, ADMINISTRATOR).await.is_ok());
    assert_eq!(unassign(&db, anna.id, ADMINISTRATOR).await, Ok(Effect::Changed));
}

/// Where addresses must be proven, whoever hasn't proven theirs can't act, so doesn't count as the one who is left, and
/// has no authority either.
pub async fn guards_count_only_who_may_act<S: Stores>(db: S) {
    checks!("T175");
    db.require_verified_email();
    let written = permission(RolesWrite::PERMISSION.name);
    db.declare(vec![written], START).await.unwrap();
    let (anna, berta) = (registered(&db, "anna").await, registered(&db, "berta").await);
    verified(&db, anna.id).await;
    for chief in [&anna, &berta] {
        assert!(assign(&db, chief.id, ADMINISTRATOR).await.is_ok());
    }
    assert_eq!(unassign(&db, anna.id, ADMINISTRATOR).await, Err(Protected));
    for state in [AccountState::Locked, AccountState::Disabled] {
        let stamp = Stamp::from_uuid(fresh_id());
        let outcome = db.set_state(anna.id, state, stamp, by(START)).await;
        assert_eq!(outcome.unwrap(), Err(AccountsError::LastAdministrator));
    }
    let as_berta = Context {
        actor: Actor::Account(berta.id),
        ..by(START)
    };
    let taken = async || {
        let name = ADMINISTRATOR.to_owned();
        db.unassign(anna.id, name, as_berta.clone()).await.unwrap()
    };
    assert!(
        matches!(taken().await, Err(Forbidden { missing: _ })),
        "she couldn't log in"
    );
    verified(&db, berta.id).await;
    assert_eq!(taken().await, Ok(Effect::Changed));
}
