//! Proving an address.

use portcullis_core::account::{Outcome, SetupToken, State, VerificationToken};
use portcullis_core::audit::Action;
use portcullis_core::{account, checks, session};

use crate::contract::Stores;
use crate::contract::given::{
    HOUR, MICROSECOND, START, by, count, disguised, events, first_refresh, fresh_digest, fresh_id,
    new_account, opened, registered, set_state, together,
};

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
