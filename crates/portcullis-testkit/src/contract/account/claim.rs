//! Claims of one address: they coexist, lose to the first proof, and expire.

use portcullis_core::account::{
    Account, AccountState, AccountsError, CLAIM_LIFETIME, Claim, Identifier, LOGIN_CLAIMS, Offer, Proof,
    RegistrationError, Stamp, Username, VerifyError,
};
use portcullis_core::audit::Action;
use portcullis_core::scopes::ADMINISTRATOR;
use portcullis_core::secret::Digest;
use portcullis_core::{account, checks};

use crate::contract::Stores;
use crate::contract::api_key::new_key;
use crate::contract::fixtures::{
    CROWD, DAY, HOUR, MICROSECOND, START, by, count, events, fresh_digest, fresh_id, lives, new_account,
    offer, offered, opened, redeemed, refused, registered, sealed, set_state, together,
};

/// Registers an account without a user name that claims this address.
async fn claimant<S: Stores>(db: &S, name: &str) -> Account {
    let mut new = new_account(name);
    new.username = None;
    db.register(new, by(START)).await.unwrap().unwrap()
}

/// The same with a user name of its own.
async fn named<S: Stores>(db: &S, name: &str, username: &str) -> Account {
    let mut new = new_account(name);
    new.username = Some(Username::parse(username).unwrap());
    db.register(new, by(START)).await.unwrap().unwrap()
}

async fn found<S: Stores>(db: &S, id: account::Id) -> Account {
    account::Store::find(db, id).await.unwrap().unwrap()
}

async fn logins<S: Stores>(db: &S, identifier: &str) -> Vec<account::Id> {
    let who = Identifier::parse(identifier).unwrap();
    let found = db.find_logins(who).await.unwrap();
    found.into_iter().map(|login| login.account.id).collect()
}

fn stamp() -> Stamp {
    Stamp::from_uuid(fresh_id())
}

fn take_over() -> Proof {
    Proof::TakeOver {
        password: sealed("another"),
    }
}

/// Whoever claims an address keeps nobody from claiming it; the newest few may log in by it.
pub async fn claims_of_one_address_coexist<S: Stores>(db: S) {
    checks!("T120");
    checks!("T123");
    let mut all = Vec::new();
    for _ in 0..LOGIN_CLAIMS + 2 {
        all.push(claimant(&db, "anna").await);
    }
    for account in &all {
        assert_eq!(
            (account.state, account.email_verified_at),
            (AccountState::Unverified, None)
        );
        assert_eq!(account.email.as_deref(), Some("anna@example.com"));
    }
    let newest: Vec<_> = all.iter().rev().take(LOGIN_CLAIMS).map(|a| a.id).collect();
    assert_eq!(logins(&db, "ANNA@example.com").await, newest);
}

/// The first proof takes the address, the sessions and, from who has nothing else, everything from all other claimants.
pub async fn the_first_proof_takes_the_address_from_all_others<S: Stores>(db: S) {
    checks!("T120");
    let (first, second) = (claimant(&db, "anna").await, named(&db, "anna", "attacker").await);
    let owner = claimant(&db, "anna").await;
    let (of_first, of_second) = (
        opened(&db, &first, START).await,
        opened(&db, &second, START).await,
    );
    let kept = opened(&db, &owner, START).await;
    let (old, theirs) = (offered(&db, first.id).await, offered(&db, owner.id).await);
    let mut keys = Vec::new();
    for account in [&first, &second, &owner] {
        let new = new_key(account.id);
        keys.push(new.digest);
        assert!(db.create_key(new, by(START)).await.unwrap().is_ok());
    }
    let proven = redeemed(&db, &owner, theirs, START).await.unwrap();
    assert_eq!(
        (proven.state, proven.email_verified_at),
        (AccountState::Active, Some(START))
    );
    assert_eq!(logins(&db, "anna@example.com").await, [owner.id]);
    let (first, second) = (found(&db, first.id).await, found(&db, second.id).await);
    assert_eq!((first.email, first.state), (None, AccountState::Disabled));
    assert_eq!((second.email, second.state), (None, AccountState::Active));
    assert_eq!(logins(&db, "attacker").await, [second.id]);
    for (session, living) in [(&of_first, false), (&of_second, false), (&kept, true)] {
        assert_eq!(lives(&db, session.id).await, living);
    }
    refused(&db, &of_first, START).await;
    refused(&db, &of_second, START).await;
    for (digest, living) in keys.into_iter().zip([false, true, true]) {
        assert_eq!(db.find_by_digest(digest).await.unwrap().is_some(), living);
    }
    assert_eq!(events(&db, Action::EmailClaimLost).await.len(), 2);
    // Neither an old e-mail nor a new one gives the address back.
    let answer = redeem_takeover(&db, old).await;
    assert_eq!(answer, Err(VerifyError::Refused));
    let none = offer(&db, second.id, fresh_digest(), START.plus(HOUR)).await;
    assert_eq!(none, None);
}

async fn redeem_takeover<S: Stores>(
    db: &S,
    token: Digest<account::EmailVerification>,
) -> Result<Account, VerifyError> {
    db.redeem_verification(token, take_over(), stamp(), by(START))
        .await
        .unwrap()
}

/// A crowd of claimants proves one address: exactly one has it.
pub async fn proofs_by_many_claimants_in_parallel_have_one_winner<S: Stores>(db: S) {
    checks!("T120");
    let mut claims = Vec::new();
    for _ in 0..CROWD {
        let account = claimant(&db, "anna").await;
        let token = offered(&db, account.id).await;
        claims.push((account, token));
    }
    let answers = together(|n| {
        let db = db.clone();
        let (account, token) = claims[usize::try_from(n).unwrap()].clone();
        async move { redeemed(&db, &account, token, START).await }
    })
    .await;
    assert_eq!(count(&answers, Result::is_ok), 1);
    assert_eq!(events(&db, Action::EmailVerified).await.len(), 1);
    let holders = account::Store::list(&db, None, 1_000).await.unwrap();
    assert_eq!(
        holders.iter().filter(|account| account.email.is_some()).count(),
        1
    );
    assert_eq!(logins(&db, "anna@example.com").await.len(), 1);
}

/// A code proves nothing to another account, nor to a login that ended.
pub async fn proof_by_another_account_is_refused<S: Stores>(db: S) {
    checks!("T120");
    let (attacker, owner) = (claimant(&db, "anna").await, claimant(&db, "anna").await);
    let token = offered(&db, attacker.id).await;
    assert_eq!(
        redeemed(&db, &owner, token, START).await,
        Err(VerifyError::AnotherAccount)
    );
    let stale = Account {
        stamp: stamp(),
        ..attacker.clone()
    };
    assert_eq!(
        redeemed(&db, &stale, token, START).await,
        Err(VerifyError::Refused)
    );
    assert_eq!(found(&db, attacker.id).await.email_verified_at, None);
    // None of them used it up.
    assert!(redeemed(&db, &attacker, token, START).await.is_ok());
}

/// Whoever has the e-mail alone takes the account over: nothing that was made before is left.
pub async fn taking_over_ends_everything_made_before<S: Stores>(db: S) {
    checks!("T120");
    let attacker = named(&db, "anna", "attacker").await;
    let session = opened(&db, &attacker, START).await;
    let new = new_key(attacker.id);
    let digest = new.digest;
    db.create_key(new, by(START)).await.unwrap().unwrap();
    let (token, second) = (offered(&db, attacker.id).await, offered(&db, attacker.id).await);
    let taken = redeem_takeover(&db, token).await.unwrap();
    assert_ne!(taken.stamp, attacker.stamp);
    assert_eq!(taken.state, AccountState::Active);
    assert!(!lives(&db, session.id).await);
    refused(&db, &session, START).await;
    assert!(db.find_by_digest(digest).await.unwrap().is_none());
    let who = Identifier::parse("attacker").unwrap();
    let login = db.find_logins(who).await.unwrap().remove(0);
    assert_eq!(login.password, Some(sealed("another")));
    // A further e-mail takes over nothing that is proven.
    assert_eq!(redeem_takeover(&db, second).await, Err(VerifyError::Refused));
    assert_eq!(found(&db, attacker.id).await.stamp, taken.stamp);
}

/// An account that somebody gave a role isn't taken over by an e-mail; its owner proves the address all the same.
pub async fn taking_over_an_account_with_a_role_is_refused<S: Stores>(db: S) {
    checks!("T120");
    let mut new = new_account("anna");
    new.roles = vec![ADMINISTRATOR.into()];
    let anna = db.register(new, by(START)).await.unwrap().unwrap();
    let token = offered(&db, anna.id).await;
    assert_eq!(redeem_takeover(&db, token).await, Err(VerifyError::HasRoles));
    // Who proves the address elsewhere has it, and the account keeps its role and its name.
    let owner = claimant(&db, "anna").await;
    let proof = offered(&db, owner.id).await;
    assert!(redeemed(&db, &owner, proof, START).await.is_ok());
    let anna = found(&db, anna.id).await;
    assert_eq!((anna.email, anna.state), (None, AccountState::Active));
}

/// A claim is over at its end, and not before; what lives on does so by a name.
pub async fn claims_expire<S: Stores>(db: S) {
    checks!("T120");
    let (anna, berta) = (claimant(&db, "anna").await, registered(&db, "berta").await);
    let end = START.plus(CLAIM_LIFETIME);
    let token = fresh_digest();
    let offered = offer(&db, anna.id, token, end.plus(HOUR)).await;
    assert_eq!(offered.unwrap().at, START);
    let before = end.minus(MICROSECOND);
    assert_eq!(expire(&db, before).await, 0);
    assert_eq!(redeemed(&db, &anna, token, end).await, Err(VerifyError::Refused));
    assert_eq!(expire(&db, end).await, 2);
    let (anna, berta) = (found(&db, anna.id).await, found(&db, berta.id).await);
    assert_eq!(
        (anna.email.as_deref(), anna.state),
        (None, AccountState::Disabled)
    );
    assert_eq!((berta.email, berta.state), (None, AccountState::Active));
    assert_eq!(logins(&db, "anna@example.com").await, []);
    assert_eq!(logins(&db, "berta").await, [berta.id]);
    assert_eq!(
        redeemed(&db, &anna, token, before).await,
        Err(VerifyError::Refused)
    );
    assert_eq!(events(&db, Action::EmailClaimLost).await.len(), 2);
    // The address is free again.
    claimant(&db, "anna").await;
}

/// Who logs in, has a key in use, or was given a role, keeps the claim.
pub async fn claims_in_use_live_on<S: Stores>(db: S) {
    let (anna, berta, idle) = (
        claimant(&db, "anna").await,
        claimant(&db, "berta").await,
        claimant(&db, "carla").await,
    );
    let end = START.plus(CLAIM_LIFETIME);
    let late = end.minus(HOUR);
    let mut new = crate::contract::fixtures::session_for(&db, &anna);
    new.expires_at = late.plus(DAY);
    db.open(new, by(late)).await.unwrap().unwrap();
    let new = new_key(berta.id);
    let key = new.id;
    db.create_key(new, by(START)).await.unwrap().unwrap();
    db.note_used(vec![(key, late, None)]).await.unwrap();
    assert_eq!(expire(&db, end).await, 1);
    assert_eq!(found(&db, idle.id).await.state, AccountState::Disabled);
    for account in [&anna, &berta] {
        assert_eq!(found(&db, account.id).await.state, AccountState::Unverified);
    }
    let all = late.plus(DAY).plus(CLAIM_LIFETIME).plus(CLAIM_LIFETIME);
    assert_eq!(expire(&db, all).await, 2);
}

async fn expire<S: Stores>(db: &S, now: portcullis_core::environment::Timestamp) -> u64 {
    db.expire_claims(now, 100, stamp(), by(now)).await.unwrap()
}

/// Where addresses are hidden, a proven one can be claimed, too, and such a claim can never be proven.
pub async fn a_hidden_claim_of_a_proven_address_is_never_proven<S: Stores>(db: S) {
    checks!("T124");
    let owner = registered(&db, "anna").await;
    let proof = offered(&db, owner.id).await;
    assert!(redeemed(&db, &owner, proof, START).await.is_ok());
    let mut new = new_account("anna");
    new.username = None;
    assert_eq!(
        db.register(new.clone(), by(START)).await.unwrap(),
        Err(RegistrationError::Taken {
            email: true,
            username: false
        })
    );
    let token = fresh_digest();
    new.claim = Claim::Hidden;
    new.verification = Some(Offer::new(token, START.plus(HOUR)));
    let second = db.register(new, by(START)).await.unwrap().unwrap();
    assert_eq!(second.email.as_deref(), Some("anna@example.com"));
    assert_eq!(
        redeemed(&db, &second, token, START).await,
        Err(VerifyError::Refused)
    );
    assert_eq!(redeem_takeover(&db, token).await, Err(VerifyError::Refused));
    let none = offer(&db, second.id, fresh_digest(), START.plus(HOUR)).await;
    assert_eq!(none, None);
    let proving = db.prove_email(second.id, stamp(), by(START)).await.unwrap();
    assert_eq!(proving, Err(AccountsError::AddressTaken));
    // Who claims it logs in by it first, whoever has proven it last.
    assert_eq!(logins(&db, "anna@example.com").await, [second.id, owner.id]);
}

/// An operator proves an address without a code, once.
pub async fn prove_email_needs_a_claim<S: Stores>(db: S) {
    let nobody = account::Id::from_uuid(fresh_id());
    let prove = async |id| db.prove_email(id, stamp(), by(START)).await.unwrap();
    assert_eq!(prove(nobody).await, Err(AccountsError::UnknownAccount));
    let (rival, anna) = (named(&db, "anna", "rival").await, claimant(&db, "anna").await);
    assert!(prove(anna.id).await.is_ok());
    assert_eq!(found(&db, anna.id).await.state, AccountState::Active);
    assert_eq!(found(&db, rival.id).await.email, None);
    for id in [anna.id, rival.id] {
        assert_eq!(prove(id).await, Err(AccountsError::NothingToProve));
    }
    let event = events(&db, Action::EmailVerified).await.remove(0);
    assert_eq!(event.account, Some(anna.id));
    let locked = claimant(&db, "carla").await;
    set_state(&db, locked.id, AccountState::Locked).await;
    assert!(prove(locked.id).await.is_ok());
    assert_eq!(found(&db, locked.id).await.state, AccountState::Locked);
}

/// An account whose address is vouched for has it at once, and takes it from others; one that can't be made takes nothing.
pub async fn a_vouched_address_is_proven_from_the_beginning<S: Stores>(db: S) {
    let (rival, other) = (
        named(&db, "anna", "rival").await,
        named(&db, "bert", "other").await,
    );
    let vouched = |address: &str, username: Option<&str>| {
        let mut new = new_account(address);
        new.username = username.map(|name| Username::parse(name).unwrap());
        (new.claim, new.state) = (Claim::Vouched, AccountState::Active);
        new
    };
    for username in ["rival", "other"] {
        let refused = db
            .register(vouched("anna", Some(username)), by(START))
            .await
            .unwrap();
        let taken = RegistrationError::Taken {
            email: false,
            username: true,
        };
        assert_eq!(refused, Err(taken), "{username}");
    }
    let still = found(&db, rival.id).await.email;
    assert_eq!(still.as_deref(), Some("anna@example.com"), "nothing was taken");
    assert!(events(&db, Action::EmailVerified).await.is_empty());
    let made = db
        .register(vouched("anna", None), by(START))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (made.state, made.email_verified_at),
        (AccountState::Active, Some(START))
    );
    assert_eq!(found(&db, rival.id).await.email, None);
    assert!(found(&db, other.id).await.email.is_some());
    assert_eq!(logins(&db, "anna@example.com").await, [made.id]);
    let event = events(&db, Action::EmailVerified).await.remove(0);
    assert_eq!(event.account, Some(made.id));
    let again = db.register(vouched("anna", None), by(START)).await.unwrap();
    assert_eq!(
        again,
        Err(RegistrationError::Taken {
            email: true,
            username: false
        })
    );
}

/// Passwords tried beside a code are counted, in parallel, too; the code stays good.
pub async fn tries_beside_a_code_are_bounded<S: Stores>(db: S) {
    checks!("T121");
    let anna = registered(&db, "anna").await;
    let token = offered(&db, anna.id).await;
    let most = 5;
    let counted = async |token, at| db.count_verification_try(token, most, at).await.unwrap();
    assert!(!counted(fresh_digest(), START).await);
    assert!(!counted(token, START.plus(HOUR)).await);
    let answers = together(|_| {
        let db = db.clone();
        async move { db.count_verification_try(token, most, START).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, |counted| *counted), 5);
    let login = db.find_verification(token, START).await.unwrap().unwrap();
    assert_eq!(
        (login.account.id, login.password),
        (anna.id, Some(sealed("anna")))
    );
    let late = START.plus(HOUR);
    assert!(db.find_verification(token, late).await.unwrap().is_none());
    assert!(redeemed(&db, &anna, token, START).await.is_ok());
    assert!(db.find_verification(token, START).await.unwrap().is_none());
}
