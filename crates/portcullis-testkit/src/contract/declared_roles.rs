//! Roles that a program's code declares: what every store must do.

// This file shows: AZ-1

use portcullis_core::account;
use portcullis_core::audit::Action;
use portcullis_core::checks;
use portcullis_core::effect::Effect;
use portcullis_core::roles::{DeclarationError, PermissionRecord, RoleRecord};
use portcullis_core::scopes::ADMINISTRATOR;

use super::Stores;
use super::fixtures::{START, by, event_count, events, registered, together, verified};

fn role(name: &str, permissions: &[&str], inherits: &[&str]) -> RoleRecord {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    RoleRecord {
        name: name.into(),
        description: format!("Is {name}"),
        permissions: owned(permissions),
        inherits: owned(inherits),
    }
}

async fn with_permissions<S: Stores>(db: &S) {
    let record = |name: &str| PermissionRecord {
        name: name.into(),
        description: String::new(),
        action: false,
    };
    let names = ["posts:read", "posts:write", "posts:delete"];
    db.declare(names.map(record).to_vec(), START).await.unwrap();
}

/// Reader and editor, who inherits it.
fn both() -> Vec<RoleRecord> {
    vec![
        role("editor", &["posts:write"], &["reader"]),
        role("reader", &["posts:read"], &[]),
    ]
}

async fn declare<S: Stores>(db: &S, roles: &[RoleRecord]) -> Result<Vec<String>, DeclarationError> {
    db.declare_roles(roles.to_vec(), START).await.unwrap()
}

/// What the store says about the role.
async fn said<S: Stores>(db: &S, name: &str) -> Option<RoleRecord> {
    let roles = db.roles().await.unwrap();
    roles.into_iter().find(|role| role.name == name)
}

async fn may<S: Stores>(db: &S, account: account::Id) -> Vec<String> {
    db.facts(account).await.unwrap().unwrap().permissions
}

async fn create<S: Stores>(db: &S, name: &str, permissions: &[&str]) {
    let made = db.create_role(name.into(), String::new(), by(START)).await;
    assert_eq!(made.unwrap(), Ok(Effect::Changed));
    for permission in permissions {
        let given = db.allow(name.into(), (*permission).into(), by(START)).await;
        assert_eq!(given.unwrap(), Ok(Effect::Changed));
    }
}

async fn assign<S: Stores>(db: &S, account: account::Id, role: &str) {
    let assigned = db.assign(account, role.into(), by(START)).await.unwrap();
    assert_eq!(assigned, Ok(Effect::Changed));
}

/// Somebody makes a role of a name that code will declare and takes it: the declaration gives them nothing.
pub async fn declare_roles_takes_nothing_over_that_would_gain<S: Stores>(db: S) {
    checks!("T210");
    with_permissions(&db).await;
    let squatter = registered(&db, "mallory").await.id;
    create(&db, "editor", &[]).await;
    assign(&db, squatter, "editor").await;
    let before = event_count(&db).await;
    let held = DeclarationError::Held {
        role: "editor".into(),
        gains: vec!["posts:read".into(), "posts:write".into(), "reader".into()],
    };
    assert_eq!(declare(&db, &both()).await, Err(held));
    assert_eq!(event_count(&db).await, before);
    assert_eq!(said(&db, "reader").await, None);
    assert_eq!(may(&db, squatter).await, Vec::<String>::new());
    // By way of another role, too.
    let taken = db.unassign(squatter, "editor".into(), by(START)).await;
    assert_eq!(taken.unwrap(), Ok(Effect::Changed));
    create(&db, "heir", &[]).await;
    let inherits = db.inherit("heir".into(), "editor".into(), by(START)).await;
    assert_eq!(inherits.unwrap(), Ok(Effect::Changed));
    assign(&db, squatter, "heir").await;
    let refused = declare(&db, &both()).await;
    assert!(
        matches!(refused, Err(DeclarationError::Held { .. })),
        "{refused:?}"
    );
    assert_eq!(may(&db, squatter).await, Vec::<String>::new());
}

/// A role made by hand is taken over if nobody has it, or if it gives its holders nothing new; then it gives no more.
pub async fn declare_roles_takes_over_what_gains_nothing<S: Stores>(db: S) {
    with_permissions(&db).await;
    let holder = registered(&db, "anna").await.id;
    create(&db, "editor", &[]).await;
    create(&db, "reader", &["posts:read", "posts:delete"]).await;
    assign(&db, holder, "reader").await;
    assert_eq!(declare(&db, &both()).await, Ok(vec![]));
    assert_eq!(
        said(&db, "reader").await,
        Some(role("reader", &["posts:read"], &[]))
    );
    assert_eq!(
        said(&db, "editor").await,
        Some(role("editor", &["posts:write"], &["reader"]))
    );
    assert_eq!(may(&db, holder).await, ["posts:read"]);
    // From then on it is the code's: a later version may give it more.
    let wider = [role("reader", &["posts:read", "posts:delete"], &[])];
    assert_eq!(declare(&db, &wider).await, Ok(vec!["editor".into()]));
    assert_eq!(may(&db, holder).await, ["posts:delete", "posts:read"]);
}

/// The second start writes nothing; every difference of the first is on record as the system's.
pub async fn declare_roles_writes_each_difference_once<S: Stores>(db: S) {
    with_permissions(&db).await;
    assert_eq!(declare(&db, &both()).await, Ok(vec![]));
    let changes = events(&db, Action::RoleChanged).await;
    let mut details: Vec<_> = changes
        .iter()
        .filter_map(|event| event.detail.as_deref())
        .collect();
    details.sort_unstable();
    assert_eq!(
        details,
        [
            "editor +posts:write",
            "editor inherits reader",
            "reader +posts:read"
        ]
    );
    let created = events(&db, Action::RoleCreated).await;
    assert_eq!(created.len(), 2);
    assert!(
        changes
            .iter()
            .chain(&created)
            .all(|event| event.actor == "system")
    );
    let before = event_count(&db).await;
    assert_eq!(declare(&db, &both()).await, Ok(vec![]));
    assert_eq!(event_count(&db).await, before);
    let described = RoleRecord {
        description: "Somebody else".into(),
        ..role("reader", &["posts:read"], &[])
    };
    assert_eq!(declare(&db, &[described]).await, Ok(vec!["editor".into()]));
    assert_eq!(event_count(&db).await, before + 1);
}

/// Whatever somebody changed of a declared role by another program is set back; other roles are as they were.
pub async fn declare_roles_sets_back_what_was_changed<S: Stores>(db: S) {
    with_permissions(&db).await;
    let holder = registered(&db, "anna").await.id;
    declare(&db, &both()).await.unwrap();
    create(&db, "other", &["posts:delete"]).await;
    assign(&db, holder, "reader").await;
    for change in [
        db.disallow("editor".into(), "posts:write".into(), by(START))
            .await,
        db.disinherit("editor".into(), "reader".into(), by(START)).await,
        db.allow("reader".into(), "posts:delete".into(), by(START)).await,
        // The other way round: put first, what the code says would close a ring.
        db.inherit("reader".into(), "editor".into(), by(START)).await,
        db.inherit("reader".into(), "other".into(), by(START)).await,
    ] {
        assert_eq!(change.unwrap(), Ok(Effect::Changed));
    }
    assert_eq!(declare(&db, &both()).await, Ok(vec![]));
    let mut kept = db.roles().await.unwrap();
    kept.retain(|role| ["editor", "reader"].contains(&role.name.as_str()));
    assert_eq!(kept, both());
    assert_eq!(may(&db, holder).await, ["posts:read"]);
    let other = said(&db, "other").await.unwrap();
    assert_eq!(other.permissions, ["posts:delete"]);
}

/// A role that isn't declared any more stays with its holders, and is told; deleted, it is forgotten.
pub async fn declare_roles_tells_what_is_left<S: Stores>(db: S) {
    with_permissions(&db).await;
    let holder = registered(&db, "anna").await.id;
    declare(&db, &both()).await.unwrap();
    assign(&db, holder, "editor").await;
    let reader = [role("reader", &["posts:read"], &[])];
    for _ in 0..2 {
        assert_eq!(declare(&db, &reader).await, Ok(vec!["editor".into()]));
    }
    assert_eq!(may(&db, holder).await, ["posts:read", "posts:write"]);
    let deleted = db.delete_role("editor".into(), by(START)).await.unwrap();
    assert_eq!(deleted, Ok(Effect::Changed));
    assert_eq!(declare(&db, &reader).await, Ok(vec![]));
}

/// Who administers by a role that code now declares otherwise stays administrator: nothing is declared.
pub async fn declare_roles_keeps_the_last_administrator<S: Stores>(db: S) {
    checks!("T044");
    with_permissions(&db).await;
    let only = registered(&db, "anna").await.id;
    verified(&db, only).await;
    create(&db, "editor", &["posts:write", "posts:read"]).await;
    create(&db, "reader", &["posts:read"]).await;
    for parent in [ADMINISTRATOR, "reader"] {
        let inherits = db.inherit("editor".into(), parent.into(), by(START)).await;
        assert_eq!(inherits.unwrap(), Ok(Effect::Changed));
    }
    assign(&db, only, "editor").await;
    let refused = declare(&db, &both()).await;
    assert_eq!(refused, Err(DeclarationError::LastAdministrator));
    let facts = db.facts(only).await.unwrap().unwrap();
    assert!(facts.roles.contains(&ADMINISTRATOR.to_owned()));
}

/// Nodes that start together make each role once.
pub async fn declare_roles_in_parallel_makes_each_once<S: Stores>(db: S) {
    with_permissions(&db).await;
    let store = db.clone();
    let answers = together(move |_| {
        let db = store.clone();
        async move { declare(&db, &both()).await }
    })
    .await;
    assert!(answers.iter().all(|answer| *answer == Ok(vec![])));
    assert_eq!(events(&db, Action::RoleCreated).await.len(), 2);
    assert_eq!(events(&db, Action::RoleChanged).await.len(), 3);
}
