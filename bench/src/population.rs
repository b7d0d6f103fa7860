//! Many users with a session each, written in bulk by SQL into a database of the present schema.
//!
//! Everything about a user follows from its number, so that nothing needs to be kept to use its tokens.

use std::path::Path;

use anyhow::{Context as _, Result};
use aws_lc_rs::digest::{SHA256, digest};
use portcullis_identity::core::environment::Timestamp;
use portcullis_identity::core::secret::Opaque;
use portcullis_identity::core::session::{self, Token};
use portcullis_identity::core::token::RefreshToken;
use rusqlite::{Connection, params};

/// The session token of user `number`.
pub(crate) fn session_token(number: usize) -> Token {
    Token::from_bytes(derive("session token", number))
}

/// The refresh token of user `number`.
pub(crate) fn refresh_token(number: usize) -> RefreshToken {
    let session = session::Id::from_uuid(uuid::Uuid::from_bytes(id("session", number)));
    RefreshToken::of(session, Opaque::from_bytes(derive("refresh token", number)))
}

/// The address of user `number`.
pub(crate) fn email(number: usize) -> String {
    format!("user{number}@example.com")
}

/// Writes `count` users with a password's row, a session and a refresh token each. The database must have its
/// schema and be open nowhere.
pub(crate) fn write(file: &Path, count: usize, now: Timestamp) -> Result<()> {
    let mut connection = Connection::open(file).context("the database to be filled can't be opened")?;
    // Nobody needs this file after a crash.
    connection.execute_batch(
        "PRAGMA foreign_keys=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-1000000; PRAGMA temp_store=MEMORY",
    )?;
    let transaction = connection.transaction()?;
    accounts(&transaction, count, now)?;
    sessions(&transaction, count, now)?;
    refresh_tokens(&transaction, count, now)?;
    transaction.commit()?;
    // The pages go from the log into the file, and the planner gets to know the tables' sizes.
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(())
}

fn accounts(connection: &Connection, count: usize, now: Timestamp) -> Result<()> {
    let mut account = connection.prepare(
        "INSERT INTO portcullis_accounts (id, email, email_normalised, state, stamp, created_at)
            VALUES (?1, ?2, ?2, 'active', ?3, ?4)",
    )?;
    let mut password =
        connection.prepare("INSERT INTO portcullis_passwords (account_id, sealed) VALUES (?1, ?2)")?;
    // As long as a sealed hash; it never opens.
    let sealed = [0x5a_u8; 160];
    for number in 0..count {
        let id = id("account", number);
        account.execute(params![
            id,
            email(number),
            self::id("stamp", number),
            now.as_micros()
        ])?;
        password.execute(params![id, sealed])?;
    }
    Ok(())
}

fn sessions(connection: &Connection, count: usize, now: Timestamp) -> Result<()> {
    let mut session = connection.prepare(
        "INSERT INTO portcullis_sessions (id, account_id, stamp, token, user_agent, ip, method, authenticated_at, last_seen_at, idle, expires_at)
         VALUES (?1, ?2, ?3, ?4, 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', '192.0.2.7', 'pwd', ?5, ?5, ?6, ?7)",
    )?;
    for number in 0..count {
        session.execute(params![
            id("session", number),
            id("account", number),
            id("stamp", number),
            session_token(number).digest().as_bytes(),
            now.as_micros(),
            MONTH_MICROS,
            now.as_micros() + MONTH_MICROS,
        ])?;
    }
    Ok(())
}

fn refresh_tokens(connection: &Connection, count: usize, now: Timestamp) -> Result<()> {
    let mut token = connection.prepare(
        "INSERT INTO portcullis_refresh_tokens (digest, session_id, expires_at) VALUES (?1, ?2, ?3)",
    )?;
    for number in 0..count {
        token.execute(params![
            refresh_token(number).digest().as_bytes(),
            id("session", number),
            now.as_micros() + MONTH_MICROS + i64::try_from(number)?,
        ])?;
    }
    Ok(())
}

/// A UUID v7 of 2026 that rises with the number, as ids do.
fn id(of: &str, number: usize) -> [u8; 16] {
    let millis = 1_767_225_600_000_u64 + number as u64;
    let mut tail = [0; 10];
    tail.iter_mut()
        .zip(derive(of, number))
        .for_each(|(to, from)| *to = from);
    uuid::Builder::from_unix_timestamp_millis(millis, &tail)
        .into_uuid()
        .into_bytes()
}

fn derive(of: &str, number: usize) -> [u8; 32] {
    let digest = digest(&SHA256, format!("{of} {number}").as_bytes());
    let mut bytes = [0; 32];
    bytes
        .iter_mut()
        .zip(digest.as_ref())
        .for_each(|(to, from)| *to = *from);
    bytes
}

const MONTH_MICROS: i64 = 30 * 24 * 3_600 * 1_000_000;
