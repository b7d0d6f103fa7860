//! Attributes of a program's own.

use std::collections::BTreeSet;

use portcullis_core::account::AccountsError;
use portcullis_core::attribute::{Attribute, Attributes, InvalidValue, LONGEST_TEXT};
use portcullis_core::audit::{Action, Actor, Context};
use portcullis_core::authz::{AccountsWrite, Permission as _, RolesWrite};
use portcullis_core::roles::PermissionRecord;
use portcullis_core::{account, checks};

use crate::contract::Stores;
use crate::contract::fixtures::{START, by, events, fresh_id, registered};

const DEPARTMENT: Attribute<String> = Attribute::new("department");
const LEVEL: Attribute<i64> = Attribute::new("level");
const TEAMS: Attribute<BTreeSet<String>> = Attribute::new("teams");

async fn attributes(db: &impl Stores, id: account::Id) -> Attributes {
    db.find_attributes(id).await.unwrap().unwrap()
}

/// Attributes are part of an account's facts, on record by name, and gone when they are cleared.
pub async fn attributes_are_facts_of_the_account<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    assert_eq!(attributes(&db, anna.id).await, Attributes::default());
    let teams = BTreeSet::from(["red".to_owned(), "blue".to_owned()]);
    let changes = vec![DEPARTMENT.set("sales"), LEVEL.set(7), TEAMS.set(teams.clone())];
    db.change_attributes(anna.id, changes.clone(), by(START))
        .await
        .unwrap()
        .unwrap();
    let facts = db.facts(anna.id).await.unwrap().unwrap();
    assert_eq!(facts.attributes, attributes(&db, anna.id).await);
    assert_eq!(facts.attributes.get(DEPARTMENT).as_deref(), Some("sales"));
    assert_eq!(facts.attributes.get(TEAMS), Some(teams));
    let event = events(&db, Action::AccountAttributesSet).await;
    assert_eq!(event.len(), 1);
    assert_eq!(event[0].detail.as_deref(), Some("department, level, teams"));
    // The same again changes nothing.
    db.change_attributes(anna.id, changes, by(START))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(events(&db, Action::AccountAttributesSet).await.len(), 1);
    db.change_attributes(anna.id, vec![LEVEL.clear(), DEPARTMENT.set("legal")], by(START))
        .await
        .unwrap()
        .unwrap();
    let left = attributes(&db, anna.id).await;
    assert_eq!(left.get(LEVEL), None);
    assert_eq!(left.get(DEPARTMENT).as_deref(), Some("legal"));
    assert!(left.get(TEAMS).is_some());
}

/// A value that is too long leaves every attribute as it was, and so does an account that isn't there.
pub async fn change_attributes_to_what_can_not_be_writes_nothing<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let long = "x".repeat(LONGEST_TEXT + 1);
    let outcome = db
        .change_attributes(anna.id, vec![LEVEL.set(1), DEPARTMENT.set(long)], by(START))
        .await
        .unwrap();
    assert_eq!(
        outcome,
        Err(AccountsError::Attribute(InvalidValue::TooLong("department")))
    );
    assert_eq!(attributes(&db, anna.id).await, Attributes::default());
    let nobody = account::Id::from_uuid(fresh_id());
    let outcome = db
        .change_attributes(nobody, vec![LEVEL.set(1)], by(START))
        .await
        .unwrap();
    assert_eq!(outcome, Err(AccountsError::UnknownAccount));
    assert_eq!(db.find_attributes(nobody).await.unwrap(), None);
    assert!(events(&db, Action::AccountAttributesSet).await.is_empty());
}

/// Attributes may decide what an account may do: nobody sets them who couldn't give, not even their own, and not those of
/// somebody who has more.
pub async fn change_attributes_by_who_may_not_give_is_refused<S: Stores>(db: S) {
    checks!("T229");
    let (anna, otto) = (registered(&db, "anna").await, registered(&db, "otto").await);
    let acts = |who: account::Id| Context {
        actor: Actor::Account(who),
        ..by(START)
    };
    let set = async |over: account::Id, by: Context| {
        db.change_attributes(over, vec![DEPARTMENT.set("board")], by)
            .await
            .unwrap()
    };
    let write = AccountsWrite::PERMISSION.name.to_owned();
    give(&db, anna.id, "helpdesk", &write).await;
    for over in [anna.id, otto.id] {
        let refused = set(over, acts(anna.id)).await;
        assert!(
            matches!(refused, Err(AccountsError::Forbidden { .. })),
            "{refused:?}"
        );
    }
    give(&db, anna.id, "givers", RolesWrite::PERMISSION.name).await;
    set(anna.id, acts(anna.id)).await.unwrap();
    set(otto.id, acts(anna.id)).await.unwrap();
    // Who has what she lacks is above her.
    give(&db, otto.id, "readers", "portcullis:audit:read").await;
    let refused = set(otto.id, acts(anna.id)).await;
    assert!(
        matches!(refused, Err(AccountsError::Forbidden { .. })),
        "{refused:?}"
    );
    let anonymous = Context {
        actor: Actor::Anonymous,
        ..by(START)
    };
    assert!(set(anna.id, anonymous).await.is_err());
    // The program itself may.
    set(otto.id, Context::system(START)).await.unwrap();
}

async fn give(db: &impl Stores, to: account::Id, role: &str, permission: &str) {
    let permissions = vec![PermissionRecord {
        name: permission.to_owned(),
        description: "a test's".to_owned(),
        action: false,
    }];
    db.declare(permissions, START).await.unwrap();
    assert!(
        db.create_role(role.into(), String::new(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    assert!(
        db.allow(role.into(), permission.into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    assert!(db.assign(to, role.into(), by(START)).await.unwrap().is_ok());
}
