//! What registering an account writes, and what it refuses.

use portcullis_core::account::{AccountState, EmailAddress, Identifier, Offer, RegistrationError, Username};
use portcullis_core::audit::Action;
use portcullis_core::{account, checks};

use crate::contract::Stores;
use crate::contract::fixtures::{
    HOUR, START, by, count, event_count, events, fresh_digest, fresh_id, new_account, proves, registered,
    sealed, together, verified,
};

/// Another account has the address, the name, or both: nothing is written, and the owner keeps the password.
pub async fn register_taken_identifier_writes_nothing<S: Stores>(db: S) {
    checks!("T010");
    let anna = registered(&db, "anna").await;
    verified(&db, anna.id).await;
    let before = event_count(&db).await;
    let spelling = |email: Option<&str>, name: Option<&str>| {
        let mut new = new_account("thief");
        new.email = email.map(|text| EmailAddress::parse(text).unwrap());
        new.username = name.map(|text| Username::parse(text).unwrap());
        new
    };
    for (new, email, username) in [
        (spelling(Some("ANNA@example.com"), Some("other")), true, false),
        (spelling(Some("other@example.com"), Some("ANNA")), false, true),
        (spelling(Some("Anna@Example.Com"), Some("ａnna")), true, true),
        (spelling(None, Some("anna")), false, true),
        (spelling(Some("anna@example.com"), None), true, false),
    ] {
        let id = new.id;
        let outcome = db.register(new, by(START)).await.unwrap();
        assert_eq!(outcome, Err(RegistrationError::Taken { email, username }));
        assert_eq!(account::Store::find(&db, id).await.unwrap(), None);
    }
    assert_eq!(event_count(&db).await, before);
    let who = Identifier::parse("anna").unwrap();
    assert_eq!(
        db.find_logins(who).await.unwrap().remove(0).password,
        Some(sealed("anna"))
    );
}

/// A crowd registers one user name, each with the same address, in eight spellings: one account.
pub async fn register_in_parallel_makes_one_account<S: Stores>(db: S) {
    checks!("T010");
    let answers = together(|n| {
        let db = db.clone();
        let mut new = new_account("anna");
        let spelling = SPELLINGS[usize::try_from(n).unwrap() % SPELLINGS.len()];
        new.email = Some(EmailAddress::parse(spelling).unwrap());
        async move { db.register(new, by(START)).await.unwrap() }
    })
    .await;
    let taken = Err(RegistrationError::Taken {
        email: false,
        username: true,
    });
    assert_eq!(count(&answers, Result::is_ok), 1);
    assert_eq!(count(&answers, |answer| *answer == taken), answers.len() - 1);
    assert_eq!(events(&db, Action::AccountRegistered).await.len(), 1);
    assert_eq!(account::Store::list(&db, None, 10).await.unwrap().len(), 1);
}

/// A crowd registers a proven address in eight spellings: no further account.
pub async fn register_of_a_proven_address_in_parallel_makes_none<S: Stores>(db: S) {
    checks!("T010");
    let anna = registered(&db, "anna").await;
    verified(&db, anna.id).await;
    let answers = together(|n| {
        let db = db.clone();
        let mut new = new_account("anna");
        new.username = None;
        let spelling = SPELLINGS[usize::try_from(n).unwrap() % SPELLINGS.len()];
        new.email = Some(EmailAddress::parse(spelling).unwrap());
        async move { db.register(new, by(START)).await.unwrap() }
    })
    .await;
    let taken = Err(RegistrationError::Taken {
        email: true,
        username: false,
    });
    assert_eq!(count(&answers, |answer| *answer == taken), answers.len());
    assert_eq!(account::Store::list(&db, None, 10).await.unwrap().len(), 1);
}

/// A role that doesn't exist is a fault, and no half of the account stays.
pub async fn register_with_unknown_role_writes_nothing<S: Stores>(db: S) {
    let mut new = new_account("anna");
    new.roles = vec!["nobody".into()];
    assert!(db.register(new.clone(), by(START)).await.is_err());
    assert_eq!(account::Store::find(&db, new.id).await.unwrap(), None);
    assert_eq!(event_count(&db).await, 0);
}

/// Account, password, verification token, roles and events are there together.
pub async fn register_writes_everything_at_once<S: Stores>(db: S) {
    assert!(
        db.create_role("editor".into(), String::new(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    let mut new = new_account("Anna");
    let token = fresh_digest();
    new.verification = Some(Offer::new(token, START.plus(HOUR)));
    new.roles = vec!["editor".into()];
    let account = db.register(new.clone(), by(START)).await.unwrap().unwrap();
    assert_eq!(account.id, new.id);
    assert_eq!(account.email.as_deref(), Some("Anna@example.com"));
    assert_eq!(account.username.as_deref(), Some("Anna"));
    assert_eq!(
        (account.state, account.stamp),
        (AccountState::Unverified, new.stamp)
    );
    assert_eq!((account.email_verified_at, account.created_at), (None, START));
    assert_eq!(
        account::Store::find(&db, new.id).await.unwrap(),
        Some(account.clone())
    );
    assert_eq!(
        db.assigned(new.id).await.unwrap(),
        Some(vec!["editor".to_owned()])
    );
    assert!(proves(&db, &account, token, START).await);
    let event = events(&db, Action::AccountRegistered).await.remove(0);
    assert_eq!(event.account, Some(new.id));
    assert_eq!((event.at, event.ip.as_deref()), (START, Some("203.0.113.7")));
}

/// An identifier leads to its account in any spelling, and to nobody else's.
pub async fn find_logins_reads_any_spelling<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    registered(&db, "berta").await;
    for unknown in ["carla", "carla@example.com", "anna@example.org", "ann", "annaa"] {
        let who = Identifier::parse(unknown).unwrap();
        assert!(db.find_logins(who).await.unwrap().is_empty(), "{unknown}");
    }
    for spelling in SPELLINGS.into_iter().chain(["anna", "ANNA", "ａnna"]) {
        let who = Identifier::parse(spelling).unwrap();
        let mut found = db.find_logins(who).await.unwrap();
        assert_eq!(found.len(), 1, "{spelling}");
        let login = found.remove(0);
        assert_eq!(login.account, anna, "{spelling}");
        assert_eq!(login.password, Some(sealed("anna")));
    }
}

/// Pages follow each other without gap or overlap.
pub async fn list_pages_by_id<S: Stores>(db: S) {
    assert_eq!(account::Store::list(&db, None, 10).await.unwrap(), []);
    let mut all = Vec::new();
    for name in ["anna", "berta", "carla", "dora", "emma"] {
        all.push(registered(&db, name).await);
    }
    assert_eq!(account::Store::list(&db, None, 0).await.unwrap(), []);
    assert_eq!(account::Store::list(&db, None, 2).await.unwrap(), all[..2]);
    assert_eq!(
        account::Store::list(&db, Some(all[1].id), 2).await.unwrap(),
        all[2..4]
    );
    assert_eq!(
        account::Store::list(&db, Some(all[3].id), 2).await.unwrap(),
        all[4..]
    );
    assert_eq!(account::Store::list(&db, Some(all[4].id), 2).await.unwrap(), []);
}

/// A re-hash never overwrites a password that was changed meanwhile.
pub async fn rehash_of_a_changed_password_is_refused<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let other = registered(&db, "berta").await;
    assert!(!db.rehash(anna.id, sealed("wrong"), sealed("new")).await.unwrap());
    assert!(!db.rehash(other.id, sealed("anna"), sealed("new")).await.unwrap());
    let nobody = account::Id::from_uuid(fresh_id());
    assert!(!db.rehash(nobody, sealed("anna"), sealed("new")).await.unwrap());
    assert!(db.rehash(anna.id, sealed("anna"), sealed("new")).await.unwrap());
    assert!(!db.rehash(anna.id, sealed("anna"), sealed("newer")).await.unwrap());
    let who = Identifier::parse("anna").unwrap();
    assert_eq!(
        db.find_logins(who).await.unwrap().remove(0).password,
        Some(sealed("new"))
    );
}

const SPELLINGS: [&str; 8] = [
    "anna@example.com",
    "Anna@Example.com",
    "ANNA@EXAMPLE.COM",
    "anna@EXAMPLE.com",
    "ａｎｎａ@example.com",
    "anna＠example.com",
    "anna@ｅｘａｍｐｌｅ.com",
    "Ａnna@example．com",
];
