//! Claims beside the version before, which writes unproven addresses where only proven ones stand now.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::path::Path;

use portcullis_core::account::{
    self, Account, AccountState, CLAIM_LIFETIME, Claimed, Identifier, Offer, Offered, Proof, Stamp,
    Store as _, VerifyError,
};
use portcullis_core::audit::Context;
use portcullis_core::checks;
use portcullis_core::environment::Timestamp;
use portcullis_core::secret::{Digest, Opaque};
use portcullis_store::Database;
use tempfile::TempDir;
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// What a process of the version before writes for somebody who registers an address.
fn registered_before(file: &Path, id: u128, address: &str) -> account::Id {
    let raw = rusqlite::Connection::open(file).unwrap();
    let (id, stamp) = (Uuid::from_u128(id), Uuid::from_u128(0xf0));
    let sql = "INSERT INTO portcullis_accounts (id, email, email_normalised, state, stamp, created_at)
        VALUES (?1, ?2, ?2, 'unverified', ?3, ?4)";
    let (id, stamp) = (id.into_bytes(), stamp.into_bytes());
    raw.execute(sql, (id, address, stamp, NOW.as_micros())).unwrap();
    account::Id::from_uuid(Uuid::from_bytes(id))
}

async fn logins(database: &Database, address: &str) -> Vec<account::Id> {
    let who = Identifier::parse(address).unwrap();
    let found = database.find_logins(who).await.unwrap();
    found.into_iter().map(|login| login.account.id).collect()
}

fn token(byte: u8) -> Digest<account::EmailVerification> {
    Opaque::from_bytes([byte; 32]).digest()
}

/// What the first token is for.
async fn offered(database: &Database, id: account::Id, expires_at: Timestamp) -> Claimed {
    let offer = Offer::new(token(1), expires_at);
    let offered = database.offer_verification(id, offer, Context::system(NOW)).await;
    match offered.unwrap() {
        Ok(Offered::Made(claimed)) => claimed,
        other => panic!("nothing was offered: {other:?}"),
    }
}

async fn proven(database: &Database, id: account::Id, byte: u8) -> Result<Account, VerifyError> {
    let found = account::Store::find(database, id).await.unwrap().unwrap();
    let own = Proof::Own {
        account: id,
        stamp: found.stamp,
    };
    let stamp = Stamp::from_uuid(Uuid::from_u128(0xf1));
    let by = Context::system(NOW);
    database
        .redeem_verification(token(byte), own, stamp, by)
        .await
        .unwrap()
}

#[tokio::test]
async fn what_the_version_before_writes_beside_this_one_is_a_claim() {
    checks!("T120");
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("portcullis.db");
    let database = Database::open(&format!("sqlite:{}", file.display()))
        .await
        .unwrap();
    let first = registered_before(&file, 1, "anna@example.com");
    let other = registered_before(&file, 2, "berta@example.com");
    // They log in, and are asked for a proof.
    assert_eq!(logins(&database, "anna@example.com").await, [first]);
    let end = NOW.plus(CLAIM_LIFETIME);
    let claimed = offered(&database, first, end).await;
    assert_eq!(claimed.account.email.as_deref(), Some("anna@example.com"));
    let account = proven(&database, first, 1).await.unwrap();
    assert_eq!(
        (account.state, account.email_verified_at),
        (AccountState::Active, Some(NOW))
    );
    // The upkeep adopts the other, once, and ends it like any claim.
    let expire = async |at| {
        let stamp = Stamp::from_uuid(Uuid::from_u128(0xf2));
        let ended = database.expire_claims(at, 100, stamp, Context::system(at));
        ended.await.unwrap()
    };
    assert_eq!(expire(NOW).await, 0);
    assert_eq!(expire(end).await, 1);
    assert_eq!(logins(&database, "berta@example.com").await, []);
    let closed = account::Store::find(&database, other).await.unwrap().unwrap();
    assert_eq!((closed.email, closed.state), (None, AccountState::Disabled));
}

#[tokio::test]
async fn an_address_that_the_version_before_holds_goes_to_whoever_proves_it() {
    checks!("T120");
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("portcullis.db");
    let database = Database::open(&format!("sqlite:{}", file.display()))
        .await
        .unwrap();
    let owner = registered_before(&file, 1, "anna@example.com");
    let raw = rusqlite::Connection::open(&file).unwrap();
    // As this version keeps a claim, and then the version before takes the column.
    raw.execute_batch("UPDATE portcullis_accounts SET email = NULL, email_normalised = NULL")
        .unwrap();
    let sql = "INSERT INTO portcullis_email_claims VALUES (?1, ?2, ?2, ?3, NULL, ?4)";
    let end = NOW.plus(CLAIM_LIFETIME).as_micros();
    let id = owner.as_uuid().into_bytes();
    raw.execute(sql, (id, "anna@example.com", NOW.as_micros(), end))
        .unwrap();
    let squatter = registered_before(&file, 2, "anna@example.com");
    assert_eq!(logins(&database, "anna@example.com").await, [squatter, owner]);
    offered(&database, owner, NOW.plus(CLAIM_LIFETIME)).await;
    assert!(proven(&database, owner, 1).await.is_ok());
    assert_eq!(logins(&database, "anna@example.com").await, [owner]);
    let squatter = account::Store::find(&database, squatter).await.unwrap().unwrap();
    assert_eq!((squatter.email, squatter.state), (None, AccountState::Disabled));
}
