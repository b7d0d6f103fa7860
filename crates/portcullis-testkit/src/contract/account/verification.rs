//! Proving an address: by a code that was mailed, once.

use portcullis_core::account::{AccountState, RegistrationError, SetupToken, VerificationToken};
use portcullis_core::audit::Action;
use portcullis_core::{account, checks, session};

use crate::contract::Stores;
use crate::contract::fixtures::{
    HOUR, MICROSECOND, START, by, count, disguised, events, first_refresh, fresh_digest, fresh_id,
    new_account, offer, opened, proves, redeemed, registered, set_state, together,
};

/// Nobody without an unverified address is offered a verification.
pub async fn offer_verification_needs_an_unverified_address<S: Stores>(db: S) {
    let expires_at = START.plus(HOUR);
    let nobody = account::Id::from_uuid(fresh_id());
    assert_eq!(offer(&db, nobody, fresh_digest(), expires_at).await, None);
    let mut unnamed = new_account("unnamed");
    unnamed.email = None;
    let id = unnamed.id;
    db.register(unnamed, by(START)).await.unwrap().unwrap();
    assert_eq!(offer(&db, id, fresh_digest(), expires_at).await, None);
    let anna = registered(&db, "anna").await;
    let token = fresh_digest();
    let offered = offer(&db, anna.id, token, expires_at).await;
    assert_eq!(
        offered.unwrap().from,
        Some(std::net::IpAddr::from([203, 0, 113, 7]))
    );
    assert!(proves(&db, &anna, token, START).await);
    assert_eq!(offer(&db, anna.id, fresh_digest(), expires_at).await, None);
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
        disguised(first_refresh(&session).digest),
    ] {
        assert!(!proves(&db, &anna, foreign, START).await);
    }
    let (token, expires_at) = (fresh_digest(), START.plus(HOUR));
    let offered = offer(&db, anna.id, token, expires_at).await;
    assert_eq!(
        offered.unwrap().from,
        Some(std::net::IpAddr::from([203, 0, 113, 7]))
    );
    assert!(!proves(&db, &anna, token, expires_at).await);
    assert_eq!(events(&db, Action::EmailVerified).await.len(), 0);
    let last = expires_at.minus(MICROSECOND);
    let verified = redeemed(&db, &anna, token, last).await.unwrap();
    assert_eq!(
        (verified.state, verified.email_verified_at),
        (AccountState::Active, Some(last))
    );
    assert_eq!(verified.stamp, anna.stamp);
    assert!(!proves(&db, &anna, token, last).await);
    assert_eq!(events(&db, Action::EmailVerified).await.len(), 1);
}

/// The digest of a token's bytes under another purpose finds nothing.
pub async fn redeem_verification_of_the_same_bytes_for_another_purpose_is_refused<S: Stores>(db: S) {
    checks!("T014");
    let anna = registered(&db, "anna").await;
    let bytes = [9; 32];
    let token = VerificationToken::from_bytes(bytes).digest();
    assert!(offer(&db, anna.id, token, START.plus(HOUR)).await.is_some());
    let setup = SetupToken::from_bytes(bytes).digest();
    let outcome = db
        .register_first_administrator(setup, new_account("thief"), by(START))
        .await
        .unwrap();
    assert_eq!(outcome, Err(RegistrationError::SetupClosed));
    let refresh = portcullis_core::token::RefreshToken::from_bytes(bytes).presented();
    assert_eq!(db.find_refresh(refresh).await.unwrap(), None);
    let session = session::Token::from_bytes(bytes).digest();
    assert_eq!(db.find_by_token(session).await.unwrap(), None);
    assert!(proves(&db, &anna, token, START).await);
}

/// A disabled account proves nothing, a locked one stays locked; the refused token is not used up.
pub async fn redeem_verification_never_revives_an_account<S: Stores>(db: S) {
    checks!("T016");
    let anna = registered(&db, "anna").await;
    let token = fresh_digest();
    assert!(offer(&db, anna.id, token, START.plus(HOUR)).await.is_some());
    set_state(&db, anna.id, AccountState::Disabled).await;
    let disabled = account::Store::find(&db, anna.id).await.unwrap().unwrap();
    assert!(!proves(&db, &disabled, token, START).await);
    let found = account::Store::find(&db, anna.id).await.unwrap().unwrap();
    assert_eq!(
        (found.state, found.email_verified_at),
        (AccountState::Disabled, None)
    );
    set_state(&db, anna.id, AccountState::Locked).await;
    let locked = redeemed(&db, &disabled, token, START).await.unwrap();
    assert_eq!(
        (locked.state, locked.email_verified_at),
        (AccountState::Locked, Some(START))
    );
}

/// A crowd redeems one token: one of them gets the account.
pub async fn redeem_verification_in_parallel_has_one_winner<S: Stores>(db: S) {
    checks!("T009");
    let anna = registered(&db, "anna").await;
    let token = fresh_digest();
    assert!(offer(&db, anna.id, token, START.plus(HOUR)).await.is_some());
    let answers = together(|_| {
        let (db, anna) = (db.clone(), anna.clone());
        async move { proves(&db, &anna, token, START).await }
    })
    .await;
    assert_eq!(count(&answers, |proven| *proven), 1);
    assert_eq!(events(&db, Action::EmailVerified).await.len(), 1);
}
