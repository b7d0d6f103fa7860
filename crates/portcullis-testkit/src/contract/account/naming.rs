//! Names that can be told apart.

use portcullis_core::account::{
    Account, EmailAddress, NewAccount, NewServiceAccount, RegistrationError, Stamp, Username,
};
use portcullis_core::{account, checks};

use crate::contract::Stores;
use crate::contract::fixtures::{START, by, count, event_count, fresh_id, new_account, registered, together};

/// A name that looks like another's is taken, for people and programs: nothing is written.
pub async fn register_a_name_that_looks_like_another_writes_nothing<S: Stores>(db: S) {
    checks!("T142");
    for name in ["carl", "coco", "modern", "Ian"] {
        registered(&db, name).await;
    }
    let before = event_count(&db).await;
    for name in ["car1", "Car1", "сосо", "СОСО", "c0c0", "modem", "lan"] {
        let new = named(name);
        let id = new.id;
        assert_eq!(db.register(new, by(START)).await.unwrap(), TAKEN, "{name}");
        assert_eq!(account::Store::find(&db, id).await.unwrap(), None, "{name}");
        let service = NewServiceAccount {
            id: account::Id::from_uuid(fresh_id()),
            username: Username::parse(name).unwrap(),
            stamp: Stamp::from_uuid(fresh_id()),
        };
        assert_eq!(
            db.create_service(service, by(START)).await.unwrap(),
            TAKEN,
            "{name}"
        );
    }
    assert_eq!(event_count(&db).await, before);
    for name in ["carla", "сосна", "ian2"] {
        let outcome = db.register(named(name), by(START)).await.unwrap();
        assert!(outcome.is_ok(), "{name}: {outcome:?}");
    }
}

// Shows: PW-1
/// A crowd registers names that can't be told apart: one account.
pub async fn register_names_that_look_alike_in_parallel_makes_one<S: Stores>(db: S) {
    checks!("T142");
    let answers = together(|n| {
        let db = db.clone();
        let new = named(ALIKE[usize::try_from(n).unwrap() % ALIKE.len()]);
        async move { db.register(new, by(START)).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, Result::is_ok), 1);
    assert_eq!(count(&answers, |answer| *answer == TAKEN), answers.len() - 1);
    assert_eq!(account::Store::list(&db, None, 10).await.unwrap().len(), 1);
}

/// An account of this name and an address that is nobody's.
fn named(name: &str) -> NewAccount {
    let address = format!("{}@example.com", fresh_id().simple());
    NewAccount {
        email: Some(EmailAddress::parse(&address).unwrap()),
        username: Some(Username::parse(name).unwrap()),
        ..new_account("somebody")
    }
}

const ALIKE: [&str; 6] = ["coco", "сосо", "c0c0", "СОСО", "Coco", "C0CO"];

const TAKEN: Result<Account, RegistrationError> = Err(RegistrationError::Taken {
    email: false,
    username: true,
});
