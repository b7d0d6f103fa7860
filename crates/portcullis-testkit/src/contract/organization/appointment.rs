//! Who administers appoints and dismisses members by what they are everywhere.

use portcullis_core::account::{Account, AccountState};
use portcullis_core::audit::{Action, Context};
use portcullis_core::authz::{OrganizationsWrite, Permission as _};
use portcullis_core::checks;
use portcullis_core::effect::Effect;
use portcullis_core::organization::OrganizationsError::{
    Forbidden, LastOwner, ServersRole, UnknownAccount, UnknownMember, UnknownOrganization, UnknownRole,
};
use portcullis_core::organization::{Id, OWNED, OWNER, OrganizationState, OrganizationsError};
use portcullis_core::roles::PermissionRecord;
use portcullis_core::scopes::{ADMINISTRATOR, Scopes};

use super::{acting, add, create, named, operator, roles, with_roles};
use crate::contract::Stores;
use crate::contract::fixtures::{
    START, by, count, event_count, events, fresh_id, registered, service, set_state, together,
};

const WRITE: &str = OrganizationsWrite::PERMISSION.name;

/// What stands in the way, as names.
fn forbidden(names: &[&str]) -> Result<Effect, OrganizationsError> {
    Err(Forbidden {
        missing: named(names),
    })
}

/// By a credential that is narrowed to these permissions.
fn narrowed(who: &Account, names: &[&str]) -> Context {
    Context {
        scopes: Scopes::Only(named(names).into_iter().collect()),
        ..acting(who)
    }
}

/// An administrator, and somebody who may change organizations and has the role `reader`.
async fn with_offices<S: Stores>(db: &S) -> (Account, Account) {
    with_roles(db).await;
    let record = PermissionRecord {
        name: WRITE.to_owned(),
        description: String::new(),
        action: false,
    };
    db.declare(vec![record], START).await.unwrap();
    assert!(
        db.create_role("desk".into(), String::new(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    assert!(
        db.allow("desk".into(), WRITE.into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    let (root, desk) = (registered(db, "root").await, registered(db, "clerk").await);
    for (who, role) in [(&root, ADMINISTRATOR), (&desk, "desk"), (&desk, "reader")] {
        let given = db.assign(who.id, role.into(), by(START)).await.unwrap();
        assert_eq!(given, Ok(Effect::Changed));
    }
    (root, desk)
}

/// Nobody but an administrator lets somebody in or gives a role, whatever they have everywhere.
pub async fn appointing_beyond_ones_own_is_refused<S: Stores>(db: S) {
    checks!("T103");
    let (root, desk) = with_offices(&db).await;
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "benno").await);
    let eve = registered(&db, "eve").await;
    let acme = create(&db, "acme", &anna).await;
    add(&db, acme, &ben, &["reader"]).await;
    let before = event_count(&db).await;
    let wide = || narrowed(&root, &[WRITE, "posts:read", "posts:write", "org:members:write"]);
    for (by, who, given, missing) in [
        // An owner of the organization is nobody everywhere.
        (acting(&anna), &ben, &["writer"][..], WRITE),
        (acting(&ben), &ben, &[OWNER], WRITE),
        (narrowed(&root, &["posts:read"]), &ben, &[], WRITE),
        (acting(&desk), &eve, &[], ADMINISTRATOR),
        (acting(&desk), &desk, &["reader"], ADMINISTRATOR),
        (acting(&desk), &ben, &["reader", "desk"], ADMINISTRATOR),
        (acting(&desk), &ben, &["reader", "ghost"], ADMINISTRATOR),
        (acting(&desk), &ben, &["reader", OWNER], ADMINISTRATOR),
        (wide(), &eve, &[], ADMINISTRATOR),
        (wide(), &ben, &["reader", "title"], ADMINISTRATOR),
        (wide(), &ben, &["reader", OWNER], ADMINISTRATOR),
    ] {
        let case = format!("{:?} {given:?} by {by:?}", who.username);
        let change = db.appoint_member(acme, who.id, named(given), by).await;
        assert_eq!(change.unwrap(), forbidden(&[missing]), "{case}");
    }
    assert_eq!(event_count(&db).await, before);
    // Who may not act any more is nobody, too.
    assert!(
        db.assign(anna.id, ADMINISTRATOR.into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    set_state(&db, root.id, AccountState::Locked).await;
    let locked = db.appoint_member(acme, eve.id, vec![], acting(&root)).await;
    assert_eq!(locked.unwrap(), forbidden(&[WRITE]));
    assert_eq!(roles(&db, acme, &ben).await.unwrap(), ["reader"]);
    assert_eq!(db.members(acme, None, 10).await.unwrap().len(), 2);
    // What somebody has they take.
    let taken = db.appoint_member(acme, ben.id, vec![], acting(&desk)).await;
    assert_eq!(taken.unwrap(), Ok(Effect::Changed));
}

/// Not even an administrator, nor the operator, gives something of the server's in an organization.
pub async fn appointing_gives_nothing_of_the_servers<S: Stores>(db: S) {
    checks!("T073");
    let (root, _) = with_offices(&db).await;
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "benno").await);
    let eve = registered(&db, "eve").await;
    let acme = create(&db, "acme", &anna).await;
    add(&db, acme, &ben, &["reader"]).await;
    let above = db.create_role("above".into(), String::new(), by(START)).await;
    assert_eq!(above.unwrap(), Ok(Effect::Changed));
    assert!(
        db.inherit("above".into(), ADMINISTRATOR.into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    let before = event_count(&db).await;
    for (by, who, given, expected) in [
        (
            acting(&root),
            &ben,
            &["reader", ADMINISTRATOR][..],
            Err(ServersRole),
        ),
        (acting(&root), &ben, &["above", "reader"], Err(ServersRole)),
        (acting(&root), &eve, &["helper"], Err(ServersRole)),
        (operator(), &eve, &[ADMINISTRATOR], Err(ServersRole)),
        (acting(&root), &eve, &["ghost"], Err(UnknownRole)),
        (acting(&root), &ben, &["ghost"], Err(UnknownRole)),
        (acting(&root), &ben, &["reader"], Ok(Effect::Unchanged)),
    ] {
        let change = db.appoint_member(acme, who.id, named(given), by).await;
        assert_eq!(change.unwrap(), expected, "{given:?}");
    }
    assert_eq!(event_count(&db).await, before);
    assert_eq!(roles(&db, acme, &ben).await.unwrap(), ["reader"]);
    assert_eq!(roles(&db, acme, &eve).await, None);
    // One that has become the server's since is taken by who has what it brings.
    assert!(
        db.allow("reader".into(), "portcullis:roles:write".into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    let taken = db.appoint_member(acme, ben.id, vec![], acting(&root)).await;
    assert_eq!(taken.unwrap(), Ok(Effect::Changed));
}

/// Who takes has what goes, and nothing goes from somebody above them.
pub async fn dismissing_from_above_is_refused<S: Stores>(db: S) {
    checks!("T090");
    let (root, desk) = with_offices(&db).await;
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "benno").await);
    let cleo = registered(&db, "cleo").await;
    let acme = create(&db, "acme", &anna).await;
    let other = create(&db, "other", &cleo).await;
    add(&db, acme, &ben, &["writer"]).await;
    add(&db, acme, &cleo, &["reader"]).await;
    add(&db, acme, &root, &["reader"]).await;
    let before = event_count(&db).await;
    let above = ["portcullis:roles:write"];
    let of_writer = ["posts:write"];
    let machine = || narrowed(&root, &[WRITE, "posts:read"]);
    for (by, who, expected) in [
        (acting(&anna), &ben, forbidden(&[WRITE])),
        (acting(&desk), &ben, forbidden(&of_writer)),
        (machine(), &ben, forbidden(&of_writer)),
        (acting(&desk), &root, forbidden(&above)),
        (acting(&root), &desk, Err(UnknownMember)),
    ] {
        let case = format!("{:?} by {by:?}", who.username);
        let taken = db.dismiss_member(acme, who.id, by.clone()).await.unwrap();
        assert_eq!(taken, expected, "{case}");
        if expected != Err(UnknownMember) {
            let taken = db.appoint_member(acme, who.id, vec![], by).await.unwrap();
            assert_eq!(taken, expected, "{case}");
        }
    }
    assert_eq!(event_count(&db).await, before);
    for (by, who) in [(machine(), &cleo), (acting(&root), &ben), (acting(&root), &root)] {
        let taken = db.dismiss_member(acme, who.id, by.clone()).await.unwrap();
        assert_eq!(taken, Ok(Effect::Changed), "{by:?}");
        let again = db.dismiss_member(acme, who.id, by).await.unwrap();
        assert_eq!(again, Err(UnknownMember));
    }
    assert_eq!(roles(&db, other, &cleo).await.unwrap(), [OWNER]);
    assert_eq!(events(&db, Action::MemberRemoved).await.len(), 3);
}

/// An administrator sets right any organization, a suspended one too, and nothing but that one.
pub async fn appointing_works_in_every_organization<S: Stores>(db: S) {
    let (root, _) = with_offices(&db).await;
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "benno").await);
    let robot = service(&db, "robot").await;
    let (acme, other) = (create(&db, "acme", &anna).await, create(&db, "other", &ben).await);
    let nobody = portcullis_core::account::Id::from_uuid(fresh_id());
    for (id, account, expected) in [
        (Id::from_uuid(fresh_id()), ben.id, Err(UnknownOrganization)),
        (Id::NONE, ben.id, Err(UnknownOrganization)),
        (acme, nobody, Err(UnknownAccount)),
    ] {
        let change = db
            .appoint_member(id, account, vec![], acting(&root))
            .await
            .unwrap();
        assert_eq!(change, expected);
    }
    let nowhere = db.dismiss_member(Id::NONE, ben.id, acting(&root)).await.unwrap();
    assert_eq!(nowhere, Err(UnknownOrganization));
    let set = db
        .set_organization_state(acme, OrganizationState::Suspended, operator())
        .await;
    assert_eq!(set.unwrap(), Ok(Effect::Changed));
    // Who can't act may be let in, and is no owner who counts.
    set_state(&db, ben.id, AccountState::Disabled).await;
    for who in [&ben, &robot] {
        let made = db
            .appoint_member(acme, who.id, named(&[OWNER]), acting(&root))
            .await;
        assert_eq!(made.unwrap(), Ok(Effect::Changed));
    }
    let last = db.dismiss_member(acme, anna.id, acting(&root)).await.unwrap();
    assert_eq!(last, Err(LastOwner));
    set_state(&db, ben.id, AccountState::Active).await;
    let gone = db.dismiss_member(acme, anna.id, acting(&root)).await.unwrap();
    assert_eq!(gone, Ok(Effect::Changed));
    let set = db
        .appoint_member(acme, robot.id, named(&["title", "reader"]), acting(&root))
        .await;
    assert_eq!(set.unwrap(), Ok(Effect::Changed));
    assert_eq!(roles(&db, acme, &robot).await.unwrap(), ["reader", "title"]);
    assert_eq!(roles(&db, other, &robot).await, None);
    assert_eq!(events(&db, Action::MemberAdded).await.len(), 2);
    assert_eq!(events(&db, Action::MemberRolesSet).await.len(), 1);
    // An administrator makes somebody owner of as many as there are.
    for n in 0..OWNED {
        create(&db, &format!("own-{n}"), &anna).await;
    }
    let made = db
        .appoint_member(other, anna.id, named(&[OWNER]), acting(&root))
        .await;
    assert_eq!(made.unwrap(), Ok(Effect::Changed));
}

/// Appointed at once and often, an account is a member once.
pub async fn appointing_in_parallel_makes_one_member<S: Stores>(db: S) {
    let (root, _) = with_offices(&db).await;
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "benno").await);
    let acme = create(&db, "acme", &anna).await;
    let answers = together(|_| {
        let (db, ben, by) = (db.clone(), ben.id, acting(&root));
        async move {
            db.appoint_member(acme, ben, named(&["reader"]), by)
                .await
                .unwrap()
        }
    })
    .await;
    assert_eq!(count(&answers, |change| *change == Ok(Effect::Changed)), 1);
    assert_eq!(count(&answers, |change| *change == Ok(Effect::Unchanged)), 99);
    assert_eq!(roles(&db, acme, &ben).await.unwrap(), ["reader"]);
    assert_eq!(events(&db, Action::MemberAdded).await.len(), 1);
}
