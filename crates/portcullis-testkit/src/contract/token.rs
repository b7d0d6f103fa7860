//! Refresh tokens, revocations, the sweep: what every store must do.

// This file shows: TK-4, TK-5

use portcullis_core::account::AccountState;
use portcullis_core::audit::Action;
use portcullis_core::checks;
use portcullis_core::environment::Timestamp;
use portcullis_core::session::{self, Ending, NewSession};
use portcullis_core::token::{self, NewRefresh, PresentedRefresh, RefreshError, RefreshRotation, Rotated};

use super::Stores;
use super::fixtures::{
    DAY, HOUR, MICROSECOND, MINUTE, START, by, count, disguised, events, first_refresh, following,
    fresh_digest, fresh_id, lives, new_refresh, new_session, offer, opened, proves, registered, rotation,
    set_state, together, verified,
};

fn is_fresh(rotated: &Result<Rotated, RefreshError>) -> bool {
    matches!(rotated, Ok(Rotated::Fresh(_)))
}

fn is_again(rotated: &Result<Rotated, RefreshError>) -> bool {
    matches!(rotated, Ok(Rotated::Again(_)))
}

async fn rotate<S: Stores>(
    db: &S,
    rotation: RefreshRotation,
    at: Timestamp,
) -> Result<Rotated, RefreshError> {
    db.rotate_refresh(rotation, by(at)).await.unwrap()
}

/// A rotation that honours a token used at `from` or later.
fn with_grace(session: &NewSession, from: Timestamp) -> RefreshRotation {
    RefreshRotation {
        grace_from: from,
        ..rotation(first_refresh(session))
    }
}

/// A token nobody issued, or that was issued for another purpose, is unknown.
pub async fn rotate_unknown_token_is_unknown<S: Stores>(db: S) {
    checks!("T014");
    let anna = registered(&db, "anna").await;
    let new = opened(&db, &anna, START).await;
    let verification = fresh_digest();
    assert!(
        offer(&db, anna.id, verification, START.plus(HOUR))
            .await
            .is_some()
    );
    for foreign in [
        fresh_digest(),
        disguised(new.token.unwrap()),
        disguised(verification),
        rotation(first_refresh(&new)).successor.digest,
    ] {
        for session in [None, Some(new.id)] {
            let foreign = PresentedRefresh {
                session,
                digest: foreign,
            };
            assert_eq!(
                rotate(&db, rotation(foreign), START).await,
                Err(RefreshError::Invalid)
            );
            assert_eq!(db.find_refresh(foreign).await.unwrap(), None);
        }
    }
    assert!(lives(&db, new.id).await);
}

/// A token is found as the session's that its text names: with another's name, or none, it is unknown, ends nothing and isn't
/// used up.
pub async fn rotate_token_under_another_sessions_name_is_unknown<S: Stores>(db: S) {
    checks!("T250");
    let (anna, berta) = (registered(&db, "anna").await, registered(&db, "berta").await);
    let own = opened(&db, &anna, START).await;
    let (others, second) = (opened(&db, &berta, START).await, opened(&db, &anna, START).await);
    let good = rotation(first_refresh(&own));
    let misnamed = async |at: Timestamp| {
        for session in [
            None,
            Some(others.id),
            Some(second.id),
            Some(session::Id::from_uuid(fresh_id())),
        ] {
            let presented = PresentedRefresh {
                session,
                ..good.presented
            };
            let refused = rotate(&db, RefreshRotation { presented, ..good }, at).await;
            assert_eq!(refused, Err(RefreshError::Invalid));
            assert_eq!(db.find_refresh(presented).await.unwrap(), None);
        }
    };
    misnamed(START).await;
    assert!(is_fresh(&rotate(&db, good, START).await));
    assert!(is_fresh(&rotate(&db, rotation(following(&good)), START).await));
    // Used, and its successor, too: it would be a replay, under its own name.
    misnamed(START.plus(MINUTE)).await;
    for session in [own.id, others.id, second.id] {
        assert!(lives(&db, session).await);
    }
    assert_eq!(events(&db, Action::RefreshReplayed).await.len(), 0);
}

/// A token is good until the moment it expires, and not at it.
pub async fn rotate_expired_token_is_refused<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let mut new = new_session(&anna);
    let expires_at = START.plus(MINUTE);
    new.refresh = Some(NewRefresh {
        expires_at,
        ..new_refresh()
    });
    db.open(new.clone(), by(START)).await.unwrap().unwrap();
    let rotation = rotation(first_refresh(&new));
    assert_eq!(
        rotate(&db, rotation, expires_at).await,
        Err(RefreshError::Invalid)
    );
    assert_eq!(db.find_refresh(following(&rotation)).await.unwrap(), None);
    assert!(is_fresh(
        &rotate(&db, rotation, expires_at.minus(MICROSECOND)).await
    ));
}

/// An ended or timed-out session brings no tokens.
pub async fn rotate_without_a_living_session_is_refused<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let idle = opened(&db, &anna, START).await;
    let timeout = START.plus(idle.idle);
    let presented = rotation(first_refresh(&idle));
    assert_eq!(rotate(&db, presented, timeout).await, Err(RefreshError::Invalid));
    let last = timeout.minus(MICROSECOND);
    assert!(is_fresh(&rotate(&db, presented, last).await));
    // Refreshing counts as being seen.
    let seen = session::Store::find(&db, idle.id)
        .await
        .unwrap()
        .unwrap()
        .last_seen_at;
    assert_eq!(seen, last);

    let mut brief = new_session(&anna);
    (brief.idle, brief.expires_at) = (DAY, START.plus(HOUR));
    db.open(brief.clone(), by(START)).await.unwrap().unwrap();
    let presented = rotation(first_refresh(&brief));
    assert_eq!(
        rotate(&db, presented, brief.expires_at).await,
        Err(RefreshError::Invalid)
    );
    assert!(is_fresh(
        &rotate(&db, presented, brief.expires_at.minus(MICROSECOND)).await
    ));

    let ended = opened(&db, &anna, START).await;
    db.end(anna.id, ended.id, Ending::Logout, by(START))
        .await
        .unwrap();
    assert_eq!(
        rotate(&db, rotation(first_refresh(&ended)), START).await,
        Err(RefreshError::Invalid)
    );
}

/// An account that may not act brings no tokens; what was refused is not used up.
pub async fn rotate_of_an_account_that_may_not_act_is_refused<S: Stores>(db: S) {
    checks!("T016");
    let anna = registered(&db, "anna").await;
    let new = opened(&db, &anna, START).await;
    let mut presented = rotation(first_refresh(&new));
    presented.require_verified = true;
    assert_eq!(rotate(&db, presented, START).await, Err(RefreshError::Invalid));
    set_state(&db, anna.id, AccountState::Locked).await;
    presented.require_verified = false;
    assert_eq!(rotate(&db, presented, START).await, Err(RefreshError::Invalid));
    set_state(&db, anna.id, AccountState::Active).await;
    verified(&db, anna.id).await;
    presented.require_verified = true;
    assert!(is_fresh(&rotate(&db, presented, START).await));
    set_state(&db, anna.id, AccountState::Disabled).await;
    let next = rotation(following(&presented));
    assert_eq!(rotate(&db, next, START).await, Err(RefreshError::Invalid));
    let again = RefreshRotation {
        grace_from: START,
        ..presented
    };
    assert_eq!(rotate(&db, again, START).await, Err(RefreshError::Invalid));
}

/// A good token brings the session, the account and a successor that is good in its turn.
pub async fn rotate_good_token_brings_its_successor<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let new = opened(&db, &anna, START).await;
    let now = START.plus(MINUTE);
    let first = rotation(first_refresh(&new));
    let Ok(Rotated::Fresh(subject)) = rotate(&db, first, now).await else {
        panic!("not fresh")
    };
    assert_eq!(subject.account, anna);
    assert_eq!((subject.session.id, subject.session.last_seen_at), (new.id, now));
    assert_eq!(
        session::Store::find(&db, new.id).await.unwrap(),
        Some(subject.session)
    );
    for token in [first.presented, following(&first)] {
        assert_eq!(db.find_refresh(token).await.unwrap(), Some(new.id));
    }
    let second = rotation(following(&first));
    // Last seen never moves back, not even when a clock does.
    let Ok(Rotated::Fresh(subject)) = rotate(&db, second, START).await else {
        panic!("not fresh")
    };
    assert_eq!(subject.session.last_seen_at, now);
}

/// A token that comes back after its successor was used, and after the grace, ends the family and the session.
pub async fn rotate_replay_ends_the_family<S: Stores>(db: S) {
    checks!("T007");
    let (anna, other) = (registered(&db, "anna").await, registered(&db, "berta").await);
    let strangers = opened(&db, &other, START).await;
    let second_device = opened(&db, &anna, START).await;
    let new = opened(&db, &anna, START).await;
    let first = with_grace(&new, START);
    assert!(is_fresh(&rotate(&db, first, START).await));
    // Nobody has used its successor: the same one once more.
    assert!(is_again(&rotate(&db, first, START.plus(MICROSECOND)).await));
    let next = rotation(following(&first));
    assert!(is_fresh(&rotate(&db, next, START).await));
    // Used at the very beginning of the grace: refused, and no more.
    assert_eq!(
        rotate(&db, first, START.plus(MICROSECOND)).await,
        Err(RefreshError::Invalid)
    );
    let late = with_grace(&new, START.plus(MICROSECOND));
    let late = RefreshRotation {
        successor: first.successor,
        ..late
    };
    assert_eq!(
        rotate(&db, late, START.plus(MINUTE)).await,
        Err(RefreshError::Replayed(new.id))
    );
    assert!(!lives(&db, new.id).await);
    for dead in [following(&first), following(&next)] {
        assert_eq!(
            rotate(&db, rotation(dead), START).await,
            Err(RefreshError::Invalid)
        );
    }
    // The session is ended once: a further replay has nothing to end.
    assert_eq!(
        rotate(&db, late, START.plus(MINUTE)).await,
        Err(RefreshError::Invalid)
    );
    let replays = events(&db, Action::RefreshReplayed).await;
    assert_eq!(replays.len(), 1);
    assert_eq!(
        (replays[0].account, replays[0].session),
        (Some(anna.id), Some(new.id))
    );
    assert!(lives(&db, strangers.id).await && lives(&db, second_device.id).await);
}

/// In the grace only the recorded successor is given again, only while it stands and the session lives.
pub async fn rotate_again_needs_the_standing_successor<S: Stores>(db: S) {
    checks!("T007");
    let anna = registered(&db, "anna").await;
    let new = opened(&db, &anna, START).await;
    let first = with_grace(&new, START);
    assert!(is_fresh(&rotate(&db, first, START).await));
    assert!(is_fresh(&rotate(&db, rotation(following(&first)), START).await));
    // Its successor was used: whoever has that one went on, nobody gets it twice.
    assert_eq!(rotate(&db, first, START).await, Err(RefreshError::Invalid));
    assert!(lives(&db, new.id).await);

    let ended = opened(&db, &anna, START).await;
    let presented = with_grace(&ended, START);
    assert!(is_fresh(&rotate(&db, presented, START).await));
    db.end(anna.id, ended.id, Ending::Logout, by(START))
        .await
        .unwrap();
    assert_eq!(rotate(&db, presented, START).await, Err(RefreshError::Invalid));

    let forked = opened(&db, &anna, START).await;
    let presented = with_grace(&forked, START);
    assert!(is_fresh(&rotate(&db, presented, START).await));
    let other_successor = with_grace(&forked, START);
    assert_eq!(
        rotate(&db, other_successor, START).await,
        Err(RefreshError::Replayed(forked.id))
    );
    assert_eq!(db.find_refresh(following(&other_successor)).await.unwrap(), None);
}

/// While nobody has used the successor it is given again, however late, until it expires; late ones are on record. Once it
/// was used the token is a replay.
pub async fn rotate_again_however_late_while_the_successor_is_unused<S: Stores>(db: S) {
    checks!("T173");
    let anna = registered(&db, "anna").await;
    let new = opened(&db, &anna, START).await;
    let at = |later| RefreshRotation {
        grace_from: START.plus(later).minus(MINUTE),
        ..rotation(first_refresh(&new))
    };
    let first = at(MINUTE);
    let later = |later| RefreshRotation {
        successor: first.successor,
        ..at(later)
    };
    assert!(is_fresh(&rotate(&db, first, START).await));
    assert!(is_again(&rotate(&db, later(MINUTE), START.plus(MINUTE)).await));
    assert_eq!(events(&db, Action::RefreshRepeated).await.len(), 0);
    for late in [MINUTE + MICROSECOND, MINUTE * 12] {
        let answers = together(|_| {
            let (db, presented) = (db.clone(), later(late));
            async move { rotate(&db, presented, START.plus(late)).await }
        })
        .await;
        assert_eq!(count(&answers, is_again), answers.len());
    }
    let repeated = events(&db, Action::RefreshRepeated).await;
    assert!(!repeated.is_empty());
    assert_eq!(
        (repeated[0].account, repeated[0].session),
        (Some(anna.id), Some(new.id))
    );
    assert!(is_fresh(
        &rotate(&db, rotation(following(&first)), START.plus(MINUTE * 12)).await
    ));
    assert_eq!(
        rotate(&db, later(MINUTE * 12), START.plus(MINUTE * 12)).await,
        Err(RefreshError::Replayed(new.id))
    );

    // A successor that nobody has used, and whose time is over, is no replay; one that is known no more is.
    let unused = opened(&db, &anna, START).await;
    let mut brief = rotation(first_refresh(&unused));
    brief.successor.expires_at = START.plus(MINUTE);
    assert!(is_fresh(&rotate(&db, brief, START).await));
    let end = START.plus(MINUTE);
    assert!(is_again(&rotate(&db, brief, end.minus(MICROSECOND)).await));
    assert_eq!(rotate(&db, brief, end).await, Err(RefreshError::Invalid));
    assert!(lives(&db, unused.id).await);
    db.sweep(end, 1_000).await.unwrap();
    assert_eq!(
        rotate(&db, brief, end).await,
        Err(RefreshError::Replayed(unused.id))
    );
}

/// A token that was used by a clock further ahead than clocks may differ has no grace: what has been used has been used,
/// whatever the clock says.
pub async fn rotate_again_after_a_clock_was_set_back_has_no_grace<S: Stores>(db: S) {
    checks!("T172");
    let anna = registered(&db, "anna").await;
    for (back, refused) in [
        (token::MAX_LEEWAY, true),
        (token::MAX_LEEWAY + MICROSECOND, false),
        (MINUTE * 10, false),
    ] {
        let new = opened(&db, &anna, START).await;
        let ahead = START.plus(back);
        let presented = with_grace(&new, START);
        assert!(is_fresh(&rotate(&db, presented, ahead).await));
        // Racers on a node whose clock is behind get the same successor.
        assert!(is_again(&rotate(&db, presented, START).await));
        assert!(is_fresh(
            &rotate(&db, rotation(following(&presented)), ahead).await
        ));
        let expected = if refused {
            Err(RefreshError::Invalid)
        } else {
            Err(RefreshError::Replayed(new.id))
        };
        assert_eq!(rotate(&db, presented, START).await, expected);
        assert_eq!(lives(&db, new.id).await, refused);
    }
}

/// A crowd whose successors differ, as keys of servers may, gets one fresh answer, and its replay ends the family.
pub async fn rotate_in_parallel_without_grace_has_one_winner<S: Stores>(db: S) {
    checks!("T007");
    checks!("T008");
    let anna = registered(&db, "anna").await;
    let new = opened(&db, &anna, START).await;
    let answers = together(|_| {
        let (db, presented) = (db.clone(), rotation(first_refresh(&new)));
        async move { rotate(&db, presented, START).await }
    })
    .await;
    assert_eq!(count(&answers, is_fresh), 1);
    assert_eq!(
        count(&answers, |answer| *answer == Err(RefreshError::Replayed(new.id))),
        1
    );
    assert_eq!(
        count(&answers, |answer| *answer == Err(RefreshError::Invalid)),
        answers.len() - 2
    );
    assert!(!lives(&db, new.id).await);
    assert_eq!(events(&db, Action::RefreshReplayed).await.len(), 1);
}

/// With grace a crowd with one token gets the same successor, exactly one of them freshly.
pub async fn rotate_in_parallel_with_grace_never_forks<S: Stores>(db: S) {
    checks!("T008");
    let anna = registered(&db, "anna").await;
    let new = opened(&db, &anna, START).await;
    let presented = with_grace(&new, START);
    let answers = together(|_| {
        let db = db.clone();
        async move { rotate(&db, presented, START).await }
    })
    .await;
    assert_eq!(count(&answers, is_fresh), 1);
    assert_eq!(count(&answers, is_again), answers.len() - 1);
    assert!(lives(&db, new.id).await);
    assert!(is_fresh(
        &rotate(&db, rotation(following(&presented)), START).await
    ));
}

/// Refreshes that race with a logout leave nothing that can be refreshed.
pub async fn rotate_racing_with_logout_leaves_nothing<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let new = opened(&db, &anna, START).await;
    let presented = with_grace(&new, START);
    together(|n| {
        let (db, id, session) = (db.clone(), anna.id, new.id);
        async move {
            if n == 50 {
                assert!(db.end(id, session, Ending::Logout, by(START)).await.unwrap());
            } else {
                // Either of them may come first.
                let _ = rotate(&db, presented, START).await;
            }
        }
    })
    .await;
    assert!(!lives(&db, new.id).await);
    for token in [presented.presented, following(&presented)] {
        let after = rotate(&db, rotation(token), START).await;
        assert!(matches!(after, Err(RefreshError::Invalid)), "{after:?}");
    }
}

/// Only what was revoked is revoked; revoking twice never shortens it.
pub async fn revoke_is_kept_until_it_expires<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let (id, other) = (token::Id::from_uuid(fresh_id()), token::Id::from_uuid(fresh_id()));
    assert!(!db.is_revoked(id).await.unwrap());
    let expires_at = START.plus(HOUR);
    db.revoke(id, anna.id, expires_at, by(START)).await.unwrap();
    db.revoke(id, anna.id, START, by(START)).await.unwrap();
    assert!(db.is_revoked(id).await.unwrap());
    assert!(!db.is_revoked(other).await.unwrap());
    assert_eq!(events(&db, Action::TokenRevoked).await.len(), 1);
    db.sweep(expires_at.minus(MICROSECOND), 1_000).await.unwrap();
    assert!(db.is_revoked(id).await.unwrap());
}

/// A token of a purpose is used up once, whoever comes first, and stays so until it expires.
pub async fn use_up_in_parallel_has_one_winner<S: Stores>(db: S) {
    checks!("T241");
    let (id, other) = (token::Id::from_uuid(fresh_id()), token::Id::from_uuid(fresh_id()));
    let expires_at = START.plus(HOUR);
    let answers = together(|_| {
        let db = db.clone();
        async move { token::Store::use_up(&db, id, expires_at).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, |answer| *answer), 1);
    assert!(!db.use_up(id, expires_at).await.unwrap());
    assert!(db.is_revoked(id).await.unwrap());
    db.sweep(expires_at, 1_000).await.unwrap();
    assert!(
        !db.use_up(id, expires_at).await.unwrap(),
        "verifiers' clocks differ"
    );
    assert!(db.use_up(other, expires_at).await.unwrap());
    assert!(events(&db, Action::TokenRevoked).await.is_empty());
}

/// A token of a purpose that was revoked is used up by nobody; revoking it again, or after it was used, is no error.
pub async fn revoke_purpose_leaves_nothing_to_use_up<S: Stores>(db: S) {
    checks!("T241");
    let (id, used) = (token::Id::from_uuid(fresh_id()), token::Id::from_uuid(fresh_id()));
    let expires_at = START.plus(HOUR);
    assert!(db.use_up(used, expires_at).await.unwrap());
    for id in [id, id, used] {
        db.revoke_purpose(id, expires_at, by(START)).await.unwrap();
        assert!(db.is_revoked(id).await.unwrap());
        assert!(!db.use_up(id, expires_at).await.unwrap());
    }
    assert_eq!(events(&db, Action::TokenRevoked).await.len(), 1);
}

/// What may still matter is kept, also at the very moment before it doesn't.
pub async fn sweep_keeps_what_may_still_matter<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let expires_at = START.plus(HOUR);
    let id = token::Id::from_uuid(fresh_id());
    db.revoke(id, anna.id, expires_at, by(START)).await.unwrap();
    let mut new = new_session(&anna);
    new.refresh = Some(NewRefresh {
        expires_at,
        ..new_refresh()
    });
    db.open(new.clone(), by(START)).await.unwrap().unwrap();
    let verification = fresh_digest();
    offer(&db, anna.id, verification, expires_at).await;
    let refresh = first_refresh(&new);

    assert_eq!(db.sweep(expires_at.minus(MICROSECOND), 1_000).await.unwrap(), 0);
    assert_eq!(db.find_refresh(refresh).await.unwrap(), Some(new.id));
    // Revocations outlive their tokens a little (clocks differ), so this sweeps the other two and an invalidation.
    assert_eq!(db.sweep(expires_at, 1_000).await.unwrap(), 3);
    assert_eq!(db.find_refresh(refresh).await.unwrap(), None);
    assert!(db.is_revoked(id).await.unwrap());
    assert!(!proves(&db, &anna, verification, START).await);
    assert_eq!(db.sweep(expires_at.plus(MINUTE * 10), 1_000).await.unwrap(), 1);
    assert!(!db.is_revoked(id).await.unwrap());
    assert!(lives(&db, new.id).await);
    assert_eq!(db.sweep(new.expires_at.plus(DAY * 30), 1_000).await.unwrap(), 1);
    assert!(!lives(&db, new.id).await);
}

/// A sweep deletes at most what it is told to, and says when there is no more.
pub async fn sweep_is_bounded<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    for _ in 0..7 {
        let digest = fresh_digest();
        assert!(offer(&db, anna.id, digest, START).await.is_some());
    }
    assert_eq!(db.sweep(START, 0).await.unwrap(), 0);
    let mut swept = Vec::new();
    for _ in 0..4 {
        swept.push(db.sweep(START, 3).await.unwrap());
    }
    assert_eq!(swept, [3, 3, 1, 0]);
}
