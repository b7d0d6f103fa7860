//! Accounts: what every store must do.

use portcullis_core::access::ADMINISTRATOR;
use portcullis_core::account::{
    EmailAddress, Identifier, NewServiceAccount, Outcome, SetupToken, Stamp, State, StateSet, Username,
    VerificationToken,
};
use portcullis_core::audit::Action;
use portcullis_core::checks;
use portcullis_core::session::Opening;
use portcullis_core::{account, session};

use super::Stores;
use super::given::{
    CROWD, HOUR, MICROSECOND, START, by, count, disguised, event_count, events, first_refresh, fresh_digest,
    fresh_id, lives, new_account, opened, registered, rotation, sealed, service, session_for, set, set_state,
    together, verified,
};

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

/// Another account has the address, the name, or both: nothing is written, and the owner keeps the password.
pub async fn register_taken_identifier_writes_nothing<S: Stores>(db: S) {
    checks!("T010");
    registered(&db, "anna").await;
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
        assert_eq!(outcome, Outcome::Taken { email, username });
        assert_eq!(account::Store::find(&db, id).await.unwrap(), None);
    }
    assert_eq!(event_count(&db).await, before);
    let who = Identifier::parse("anna").unwrap();
    assert_eq!(
        db.find_login(who).await.unwrap().unwrap().password,
        Some(sealed("anna"))
    );
}

/// A crowd registers one address in eight spellings: one account.
pub async fn register_in_parallel_makes_one_account<S: Stores>(db: S) {
    checks!("T010");
    let answers = together(|n| {
        let db = db.clone();
        let mut new = new_account("anna");
        new.username = None;
        let spelling = SPELLINGS[usize::try_from(n).unwrap() % SPELLINGS.len()];
        new.email = Some(EmailAddress::parse(spelling).unwrap());
        async move { db.register(new, by(START)).await.unwrap() }
    })
    .await;
    let taken = Outcome::Taken {
        email: true,
        username: false,
    };
    assert_eq!(count(&answers, |answer| matches!(answer, Outcome::Created(_))), 1);
    assert_eq!(count(&answers, |answer| *answer == taken), answers.len() - 1);
    assert_eq!(events(&db, Action::AccountRegistered).await.len(), 1);
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
    db.create_role("editor".into(), String::new(), by(START))
        .await
        .unwrap();
    let mut new = new_account("Anna");
    let token = fresh_digest();
    new.verification = Some((token, START.plus(HOUR)));
    new.roles = vec!["editor".into()];
    let Outcome::Created(account) = db.register(new.clone(), by(START)).await.unwrap() else {
        panic!("not registered")
    };
    assert_eq!(account.id, new.id);
    assert_eq!(account.email.as_deref(), Some("Anna@example.com"));
    assert_eq!(account.username.as_deref(), Some("Anna"));
    assert_eq!((account.state, account.stamp), (State::Unverified, new.stamp));
    assert_eq!((account.email_verified_at, account.created_at), (None, START));
    assert_eq!(
        account::Store::find(&db, new.id).await.unwrap(),
        Some(account.clone())
    );
    assert_eq!(
        db.assigned(new.id).await.unwrap(),
        Some(vec!["editor".to_owned()])
    );
    assert!(db.redeem_verification(token, by(START)).await.unwrap().is_some());
    let event = events(&db, Action::AccountRegistered).await.remove(0);
    assert_eq!(event.account, Some(new.id));
    assert_eq!((event.at, event.ip.as_deref()), (START, Some("203.0.113.7")));
}

/// An identifier leads to its account in any spelling, and to nobody else's.
pub async fn find_login_reads_any_spelling<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    registered(&db, "berta").await;
    for unknown in ["carla", "carla@example.com", "anna@example.org", "ann", "annaa"] {
        let who = Identifier::parse(unknown).unwrap();
        assert!(db.find_login(who).await.unwrap().is_none(), "{unknown}");
    }
    for spelling in SPELLINGS.into_iter().chain(["anna", "ANNA", "ａnna"]) {
        let who = Identifier::parse(spelling).unwrap();
        let login = db.find_login(who).await.unwrap().unwrap();
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
        db.find_login(who).await.unwrap().unwrap().password,
        Some(sealed("new"))
    );
}

/// Disabling ends sessions and refresh tokens and changes the stamp; locking takes nothing away.
pub async fn set_state_disabled_ends_everything<S: Stores>(db: S) {
    checks!("T016");
    let nobody = account::Id::from_uuid(fresh_id());
    let stamp = Stamp::from_uuid(fresh_id());
    assert_eq!(
        db.set_state(nobody, State::Active, stamp, by(START))
            .await
            .unwrap(),
        StateSet::UnknownAccount
    );
    let anna = registered(&db, "anna").await;
    let other = registered(&db, "berta").await;
    let session = opened(&db, &anna, START).await;
    let others = opened(&db, &other, START).await;

    let locked = db.set_state(anna.id, State::Locked, stamp, by(START)).await;
    let locked = set(locked.unwrap());
    assert_eq!((locked.state, locked.stamp), (State::Locked, anna.stamp));
    assert!(lives(&db, session.id).await);

    let disabled = db.set_state(anna.id, State::Disabled, stamp, by(START)).await;
    let disabled = set(disabled.unwrap());
    assert_eq!((disabled.state, disabled.stamp), (State::Disabled, stamp));
    assert!(!lives(&db, session.id).await);
    let active = set_state(&db, anna.id, State::Active).await;
    assert_eq!(active.stamp, stamp);
    // What was ended stays ended when the account comes back.
    assert!(!lives(&db, session.id).await);
    let rotated = db
        .rotate_refresh(rotation(first_refresh(&session)), by(START))
        .await
        .unwrap();
    assert_eq!(rotated, portcullis_core::token::Rotated::Refused);

    assert!(lives(&db, others.id).await);
    assert_eq!(account::Store::find(&db, other.id).await.unwrap(), Some(other));
    let details: Vec<_> = events(&db, Action::AccountStateSet).await;
    let details: Vec<_> = details
        .iter()
        .map(|event| event.detail.as_deref().unwrap())
        .collect();
    assert_eq!(details, ["unverified", "disabled", "locked"]);
}

/// Locking and unlocking proves no address, and an account without one needs no proof.
pub async fn set_state_active_needs_a_proven_address<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let mut unnamed = new_account("unnamed");
    unnamed.email = None;
    let id = unnamed.id;
    db.register(unnamed, by(START)).await.unwrap();
    for state in [State::Locked, State::Disabled] {
        set_state(&db, anna.id, state).await;
        assert_eq!(
            set_state(&db, anna.id, State::Active).await.state,
            State::Unverified
        );
        set_state(&db, id, state).await;
        assert_eq!(set_state(&db, id, State::Active).await.state, State::Active);
    }
    assert_eq!(verified(&db, anna.id).await.state, State::Active);
    set_state(&db, anna.id, State::Locked).await;
    assert_eq!(set_state(&db, anna.id, State::Active).await.state, State::Active);
}

/// Nobody without an unverified address is offered a verification.
pub async fn offer_verification_needs_an_unverified_address<S: Stores>(db: S) {
    let expires_at = START.plus(HOUR);
    let nobody = account::Id::from_uuid(fresh_id());
    assert!(
        !db.offer_verification(nobody, fresh_digest(), expires_at)
            .await
            .unwrap()
    );
    let mut unnamed = new_account("unnamed");
    unnamed.email = None;
    let id = unnamed.id;
    db.register(unnamed, by(START)).await.unwrap();
    assert!(
        !db.offer_verification(id, fresh_digest(), expires_at)
            .await
            .unwrap()
    );
    let anna = registered(&db, "anna").await;
    let token = fresh_digest();
    assert!(db.offer_verification(anna.id, token, expires_at).await.unwrap());
    assert!(db.redeem_verification(token, by(START)).await.unwrap().is_some());
    assert!(
        !db.offer_verification(anna.id, fresh_digest(), expires_at)
            .await
            .unwrap()
    );
}

/// Unknown, foreign, expired and used tokens prove nothing; a good one makes the account active, once.
pub async fn redeem_verification_refuses_all_but_a_good_token<S: Stores>(db: S) {
    checks!("T009");
    checks!("T014");
    let anna = registered(&db, "anna").await;
    let session = opened(&db, &anna, START).await;
    for foreign in [
        fresh_digest(),
        disguised(session.token.unwrap()),
        disguised(first_refresh(&session)),
    ] {
        assert_eq!(db.redeem_verification(foreign, by(START)).await.unwrap(), None);
    }
    let (token, expires_at) = (fresh_digest(), START.plus(HOUR));
    assert!(db.offer_verification(anna.id, token, expires_at).await.unwrap());
    assert_eq!(db.redeem_verification(token, by(expires_at)).await.unwrap(), None);
    assert_eq!(events(&db, Action::EmailVerified).await.len(), 0);
    let last = expires_at.minus(MICROSECOND);
    let verified = db.redeem_verification(token, by(last)).await.unwrap().unwrap();
    assert_eq!(
        (verified.state, verified.email_verified_at),
        (State::Active, Some(last))
    );
    assert_eq!(verified.stamp, anna.stamp);
    assert_eq!(db.redeem_verification(token, by(last)).await.unwrap(), None);
    assert_eq!(events(&db, Action::EmailVerified).await.len(), 1);
}

/// The digest of a token's bytes under another purpose finds nothing.
pub async fn redeem_verification_of_the_same_bytes_for_another_purpose_is_refused<S: Stores>(db: S) {
    checks!("T014");
    let anna = registered(&db, "anna").await;
    let bytes = [9; 32];
    let token = VerificationToken::from_bytes(bytes).digest();
    assert!(
        db.offer_verification(anna.id, token, START.plus(HOUR))
            .await
            .unwrap()
    );
    let setup = SetupToken::from_bytes(bytes).digest();
    let outcome = db
        .register_first_administrator(setup, new_account("thief"), by(START))
        .await
        .unwrap();
    assert_eq!(outcome, Outcome::SetupClosed);
    let refresh = portcullis_core::token::RefreshToken::from_bytes(bytes).digest();
    assert_eq!(db.find_refresh(refresh).await.unwrap(), None);
    let session = session::Token::from_bytes(bytes).digest();
    assert_eq!(db.find_by_token(session).await.unwrap(), None);
    assert!(db.redeem_verification(token, by(START)).await.unwrap().is_some());
}

/// A disabled account proves nothing, a locked one stays locked; the refused token is not used up.
pub async fn redeem_verification_never_revives_an_account<S: Stores>(db: S) {
    checks!("T016");
    let anna = registered(&db, "anna").await;
    let token = fresh_digest();
    assert!(
        db.offer_verification(anna.id, token, START.plus(HOUR))
            .await
            .unwrap()
    );
    set_state(&db, anna.id, State::Disabled).await;
    assert_eq!(db.redeem_verification(token, by(START)).await.unwrap(), None);
    let found = account::Store::find(&db, anna.id).await.unwrap().unwrap();
    assert_eq!((found.state, found.email_verified_at), (State::Disabled, None));
    set_state(&db, anna.id, State::Locked).await;
    let locked = db.redeem_verification(token, by(START)).await.unwrap().unwrap();
    assert_eq!(
        (locked.state, locked.email_verified_at),
        (State::Locked, Some(START))
    );
}

/// A crowd redeems one token: one of them gets the account.
pub async fn redeem_verification_in_parallel_has_one_winner<S: Stores>(db: S) {
    checks!("T009");
    let anna = registered(&db, "anna").await;
    let token = fresh_digest();
    assert!(
        db.offer_verification(anna.id, token, START.plus(HOUR))
            .await
            .unwrap()
    );
    let answers = together(|_| {
        let db = db.clone();
        async move { db.redeem_verification(token, by(START)).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, Option::is_some), 1);
    assert_eq!(events(&db, Action::EmailVerified).await.len(), 1);
}

/// Unknown, expired, replaced and used set-up tokens make nobody an administrator.
pub async fn register_first_administrator_needs_the_open_token<S: Stores>(db: S) {
    checks!("T031");
    let (replaced, token, expires_at) = (fresh_digest(), fresh_digest(), START.plus(HOUR));
    assert!(db.offer_setup(replaced, expires_at).await.unwrap());
    assert!(db.offer_setup(token, expires_at).await.unwrap());
    let last = expires_at.minus(MICROSECOND);
    for (token, at) in [(fresh_digest(), START), (replaced, START), (token, expires_at)] {
        let outcome = db
            .register_first_administrator(token, new_account("thief"), by(at))
            .await
            .unwrap();
        assert_eq!(outcome, Outcome::SetupClosed);
    }
    for (token, at, open) in [
        (fresh_digest(), START, false),
        (replaced, START, false),
        (token, expires_at, false),
        (token, last, true),
        (token, last, true),
    ] {
        assert_eq!(
            db.setup_is_open(token, at).await.unwrap(),
            open,
            "asking uses nothing up"
        );
    }
    assert_eq!(event_count(&db).await, 0);
    // A name that is taken costs neither account nor token.
    registered(&db, "anna").await;
    let outcome = db
        .register_first_administrator(token, new_account("anna"), by(last))
        .await
        .unwrap();
    assert!(matches!(outcome, Outcome::Taken { .. }));
    let chief = new_account("chief");
    let outcome = db
        .register_first_administrator(token, chief.clone(), by(last))
        .await
        .unwrap();
    assert!(matches!(outcome, Outcome::Created(_)));
    assert_eq!(
        db.assigned(chief.id).await.unwrap(),
        Some(vec![ADMINISTRATOR.to_owned()])
    );
    let outcome = db
        .register_first_administrator(token, new_account("thief"), by(last))
        .await
        .unwrap();
    assert_eq!(outcome, Outcome::SetupClosed);
}

/// Once somebody is an administrator, also over an inherited role or a disabled account, set-up is closed for ever.
pub async fn offer_setup_is_closed_once_an_administrator_exists<S: Stores>(db: S) {
    checks!("T031");
    let token = fresh_digest();
    assert!(db.offer_setup(token, START.plus(HOUR)).await.unwrap());
    let anna = registered(&db, "anna").await;
    db.create_role("owner".into(), String::new(), by(START))
        .await
        .unwrap();
    db.inherit("owner".into(), ADMINISTRATOR.into(), by(START))
        .await
        .unwrap();
    // The last who can act can't be disabled, but one who is can be made an administrator.
    set_state(&db, anna.id, State::Disabled).await;
    db.assign(anna.id, "owner".into(), by(START)).await.unwrap();
    assert!(!db.offer_setup(fresh_digest(), START.plus(HOUR)).await.unwrap());
    assert!(!db.setup_is_open(token, START).await.unwrap());
    let outcome = db
        .register_first_administrator(token, new_account("thief"), by(START))
        .await
        .unwrap();
    assert_eq!(outcome, Outcome::SetupClosed);
}

/// A crowd presents the set-up token: one administrator.
pub async fn register_first_administrator_in_parallel_makes_one<S: Stores>(db: S) {
    checks!("T031");
    let token = fresh_digest();
    assert!(db.offer_setup(token, START.plus(HOUR)).await.unwrap());
    let answers = together(|n| {
        let (db, new) = (db.clone(), new_account(&format!("chief{n}")));
        async move {
            db.register_first_administrator(token, new, by(START))
                .await
                .unwrap()
        }
    })
    .await;
    assert_eq!(count(&answers, |answer| matches!(answer, Outcome::Created(_))), 1);
    let closed = count(&answers, |answer| *answer == Outcome::SetupClosed);
    assert_eq!(closed, usize::try_from(CROWD).unwrap() - 1);
    assert_eq!(account::Store::list(&db, None, 10).await.unwrap().len(), 1);
}

/// People and programs share one space of names.
pub async fn create_service_takes_a_name_nobody_has<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let named = |name: &str| NewServiceAccount {
        id: account::Id::from_uuid(fresh_id()),
        username: Username::parse(name).unwrap(),
        stamp: Stamp::from_uuid(fresh_id()),
    };
    let taken = Outcome::Taken {
        email: false,
        username: true,
    };
    assert_eq!(db.create_service(named("ANNA"), by(START)).await.unwrap(), taken);
    let robot = service(&db, "Robot").await;
    assert_eq!((robot.state, robot.kind), (State::Active, account::Kind::Service));
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
    let login = db
        .find_login(Identifier::parse("robot").unwrap())
        .await
        .unwrap()
        .unwrap();
    assert!(login.password.is_none());
    let opening = db.open(session_for(&db, &robot), by(START)).await.unwrap();
    assert_eq!(opening, Opening::Refused(State::Active));
    assert_eq!(session::Store::list(&db, robot.id, START).await.unwrap(), []);
    let offered = db
        .offer_verification(robot.id, fresh_digest(), START.plus(HOUR))
        .await;
    assert!(!offered.unwrap());
}
