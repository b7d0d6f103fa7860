//! Accounts of programs: they have keys and roles, and never log in.

use portcullis_core::account::{
    AccountState, Identifier, NewServiceAccount, RegistrationError, Stamp, Username,
};
use portcullis_core::audit::Action;
use portcullis_core::session::NotOpened;
use portcullis_core::{account, checks, session};

use crate::contract::Stores;
use crate::contract::fixtures::{
    HOUR, START, by, events, fresh_digest, fresh_id, new_account, offer, registered, service, session_for,
};

/// People and programs share one space of names.
pub async fn create_service_takes_a_name_nobody_has<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let named = |name: &str| NewServiceAccount {
        id: account::Id::from_uuid(fresh_id()),
        username: Username::parse(name).unwrap(),
        stamp: Stamp::from_uuid(fresh_id()),
    };
    let taken = Err(RegistrationError::Taken {
        email: false,
        username: true,
    });
    assert_eq!(db.create_service(named("ANNA"), by(START)).await.unwrap(), taken);
    let robot = service(&db, "Robot").await;
    assert_eq!(
        (robot.state, robot.kind),
        (AccountState::Active, account::AccountKind::Service)
    );
    assert_eq!((robot.email, robot.username), (None, Some("Robot".into())));
    assert_eq!(db.create_service(named("robot"), by(START)).await.unwrap(), taken);
    let outcome = db.register(new_account("robot"), by(START)).await.unwrap();
    assert_eq!(outcome, taken);
    assert_eq!(events(&db, Action::ServiceAccountCreated).await.len(), 1);
    let second = service(&db, "second").await;
    for (after, expected) in [
        (None, vec![robot.id, second.id]),
        (Some(robot.id), vec![second.id]),
        (Some(second.id), vec![]),
    ] {
        let services = db.list_services(after, 10).await.unwrap();
        assert_eq!(services.iter().map(|one| one.id).collect::<Vec<_>>(), expected);
    }
    assert_eq!(db.list_services(None, 1).await.unwrap().len(), 1);
    let all = account::Store::list(&db, None, 10).await.unwrap();
    assert_eq!(
        all.iter().map(|one| one.id).collect::<Vec<_>>(),
        [anna.id, robot.id, second.id]
    );
}

/// There is nothing to log in with, and no session is opened, whoever asks.
pub async fn create_service_makes_no_login_and_no_session<S: Stores>(db: S) {
    checks!("T042");
    let robot = service(&db, "robot").await;
    let found = db.find_logins(Identifier::parse("robot").unwrap()).await;
    let login = found.unwrap().remove(0);
    assert!(login.password.is_none());
    let opening = db.open(session_for(&db, &robot), by(START)).await.unwrap();
    assert_eq!(opening, Err(NotOpened(AccountState::Active)));
    assert_eq!(session::Store::list(&db, robot.id, START).await.unwrap(), []);
    let offered = offer(&db, robot.id, fresh_digest(), START.plus(HOUR)).await;
    assert_eq!(offered, None);
}
