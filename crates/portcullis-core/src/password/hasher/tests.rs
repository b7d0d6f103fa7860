use uuid::Uuid;

use super::*;
use crate::checks;
use crate::key::MasterKey;
use crate::key::fakes::environment;
use crate::secret::SecretText;

fn master(text: &str) -> Arc<Sealer> {
    Arc::new(Sealer::new(MasterKey::parse(text).unwrap(), environment(1)))
}

fn hasher(sealer: Arc<Sealer>, cost: Cost) -> Hasher {
    let settings = Settings {
        cost,
        threads: 1,
        waiting: 8,
    };
    Hasher::start(sealer, environment(2), &settings).unwrap()
}

fn password(text: &str) -> Password {
    Password::new(&SecretText::new(text.into())).unwrap()
}

fn id(number: u128) -> AccountId {
    AccountId::from_uuid(Uuid::from_u128(number))
}

const KEY_A: &str = "a = AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const KEY_B: &str = "b = ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";

#[tokio::test]
async fn the_right_password_matches_and_any_other_does_not() {
    let hasher = hasher(master(KEY_A), Cost::DANGEROUSLY_CHEAP);
    let sealed = hasher.hash(id(1), password("correct horse")).await.unwrap();
    for (text, expected) in [
        ("correct horsf", PasswordVerdict::Mismatch),
        ("correct hors", PasswordVerdict::Mismatch),
        ("correct horse ", PasswordVerdict::Mismatch),
        ("", PasswordVerdict::Mismatch),
        ("correct horse", PasswordVerdict::Match),
    ] {
        assert_eq!(
            hasher
                .verify(Some((id(1), &sealed)), password(text))
                .await
                .unwrap(),
            expected,
            "{text:?}"
        );
    }
}

// Shows: PW-3
#[tokio::test]
async fn a_hash_moved_to_another_account_does_not_open() {
    checks!("T015");
    let hasher = hasher(master(KEY_A), Cost::DANGEROUSLY_CHEAP);
    let sealed = hasher.hash(id(1), password("correct horse")).await.unwrap();
    let moved = hasher
        .verify(Some((id(2), &sealed)), password("correct horse"))
        .await;
    assert!(matches!(moved, Err(HashError::Unopenable(_))));
    assert!(
        !sealed.as_bytes().windows(9).any(|window| window == b"$argon2id"),
        "the hash rests sealed"
    );
}

// Shows: PW-5
#[tokio::test]
async fn nobody_never_matches() {
    checks!("T012");
    let hasher = hasher(master(KEY_A), Cost::DANGEROUSLY_CHEAP);
    assert_eq!(
        hasher.verify(None, password("anything")).await.unwrap(),
        PasswordVerdict::Mismatch
    );
}

// Shows: PW-2
#[tokio::test]
async fn an_outdated_cost_is_renewed_at_login() {
    let sealer = master(KEY_A);
    let old = hasher(Arc::clone(&sealer), Cost::DANGEROUSLY_CHEAP);
    let sealed = old.hash(id(1), password("correct horse")).await.unwrap();
    let new = hasher(sealer, Cost::new(7_168, 5, 1).unwrap());
    assert_eq!(
        new.verify(Some((id(1), &sealed)), password("wrong"))
            .await
            .unwrap(),
        PasswordVerdict::Mismatch
    );
    let PasswordVerdict::MatchRenew(renewed) = new
        .verify(Some((id(1), &sealed)), password("correct horse"))
        .await
        .unwrap()
    else {
        panic!("the cost is outdated");
    };
    assert_eq!(
        new.verify(Some((id(1), &renewed)), password("correct horse"))
            .await
            .unwrap(),
        PasswordVerdict::Match
    );
}

// Shows: PW-3
#[tokio::test]
async fn a_rotated_pepper_reseals_at_login_and_a_missing_one_is_an_error() {
    let sealed = hasher(master(KEY_A), Cost::DANGEROUSLY_CHEAP)
        .hash(id(1), password("correct horse"))
        .await
        .unwrap();
    let both = hasher(master(&format!("{KEY_B}\n{KEY_A}")), Cost::DANGEROUSLY_CHEAP);
    let PasswordVerdict::MatchRenew(resealed) = both
        .verify(Some((id(1), &sealed)), password("correct horse"))
        .await
        .unwrap()
    else {
        panic!("the pepper's key is outdated");
    };
    let only_new = hasher(master(KEY_B), Cost::DANGEROUSLY_CHEAP);
    assert_eq!(
        only_new
            .verify(Some((id(1), &resealed)), password("correct horse"))
            .await
            .unwrap(),
        PasswordVerdict::Match
    );
    assert!(matches!(
        only_new
            .verify(Some((id(1), &sealed)), password("correct horse"))
            .await,
        Err(HashError::Unopenable(_))
    ));
}
