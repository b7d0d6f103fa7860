//! Brings a SQLite database up to date: one transaction a step, under the file's lock.

use portcullis_core::fault::Fault;

use crate::migration::{self, CREATE_HISTORY, INSERT_HISTORY, Migration, VERSION, latest, refuse_newer};
use crate::settings::Blank;
use crate::sqlite::Connection;
use crate::value::params;

/// Refuses a database without a schema where there should be one, before anything is done to it.
pub(super) fn refuse_blank(connection: &Connection, blank: Blank) -> Result<(), Fault> {
    match blank {
        Blank::Filled => Ok(()),
        Blank::Refused => migration::refuse_blank(version_of(connection)?, blank),
    }
}

/// Brings the database up to date; answers whether anything had to be done.
pub(super) fn migrate(connection: &Connection, migrations: &[Migration]) -> Result<bool, Fault> {
    if version_of(connection)? == latest(migrations) {
        return Ok(false);
    }
    for migration in migrations {
        connection.batch("BEGIN IMMEDIATE")?;
        let done = apply(connection, migration, migrations);
        let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = connection.batch(end);
        done.and(ended)?;
    }
    Ok(true)
}

fn apply(connection: &Connection, step: &Migration, all: &[Migration]) -> Result<(), Fault> {
    connection.batch(CREATE_HISTORY)?;
    let found = version_of(connection)?;
    refuse_newer(found, all)?;
    if found >= step.version {
        return Ok(());
    }
    connection.batch(step.sql)?;
    connection.execute_once(INSERT_HISTORY, params![step.version, step.name])
}

fn version_of(connection: &Connection) -> Result<i64, Fault> {
    let exists = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_history'";
    if connection.number(exists)? == 0 {
        return Ok(0);
    }
    connection.number(VERSION)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use portcullis_core::checks;

    use super::*;
    use crate::migration::SQLITE;

    const FIRST: Migration = Migration {
        version: 1,
        name: "one",
        sql: "CREATE TABLE one (a BIGINT)",
    };
    const SECOND: Migration = Migration {
        version: 2,
        name: "two",
        sql: "CREATE TABLE two (a BIGINT); INSERT INTO one VALUES (2)",
    };
    const BROKEN: Migration = Migration {
        version: 2,
        name: "two",
        sql: "CREATE TABLE two (a BIGINT); INSERT INTO one VALUES (2); INSERT INTO nowhere VALUES (1)",
    };

    fn memory() -> Connection {
        Connection::open(None, Duration::ZERO).unwrap()
    }

    fn tables(connection: &Connection) -> i64 {
        let sql = "SELECT count(*) FROM sqlite_schema WHERE name IN ('one', 'two')";
        connection.number(sql).unwrap()
    }

    #[test]
    fn a_step_that_fails_leaves_the_version_before_and_can_be_run_again() {
        let connection = memory();
        assert!(migrate(&connection, &[FIRST, BROKEN]).is_err());
        assert_eq!(version_of(&connection).unwrap(), 1);
        assert_eq!(tables(&connection), 1);
        assert_eq!(connection.number("SELECT count(*) FROM one").unwrap(), 0);
        migrate(&connection, &[FIRST, SECOND]).unwrap();
        assert_eq!(version_of(&connection).unwrap(), 2);
        assert_eq!(tables(&connection), 2);
    }

    #[test]
    fn a_newer_database_is_refused_untouched() {
        let connection = memory();
        migrate(&connection, &[FIRST, SECOND]).unwrap();
        let refusal = migrate(&connection, &[FIRST]).unwrap_err();
        assert!(matches!(&refusal, Fault::NewerSchema(text) if text.contains('2') && text.contains('1')));
        assert_eq!(version_of(&connection).unwrap(), 2);
        assert!(connection.is_idle());
    }

    #[test]
    fn an_empty_database_is_refused_untouched_where_there_should_be_records() {
        checks!("T165");
        let connection = memory();
        let refusal = refuse_blank(&connection, Blank::Refused).unwrap_err();
        assert!(matches!(refusal, Fault::Empty(_)), "{refusal}");
        assert_eq!(
            connection.number("SELECT count(*) FROM sqlite_schema").unwrap(),
            0
        );
        refuse_blank(&connection, Blank::Filled).unwrap();
        assert!(migrate(&connection, &[FIRST]).unwrap());
        refuse_blank(&connection, Blank::Refused).unwrap();
        assert!(!migrate(&connection, &[FIRST]).unwrap());
    }

    #[test]
    fn migrating_twice_does_nothing_the_second_time() {
        let connection = memory();
        migrate(&connection, &[FIRST, SECOND]).unwrap();
        migrate(&connection, &[FIRST, SECOND]).unwrap();
        assert_eq!(connection.number("SELECT count(*) FROM one").unwrap(), 1);
    }

    #[test]
    fn unverified_accounts_of_before_get_a_claim_and_stay_where_they_were() {
        let connection = memory();
        let before = SQLITE.iter().position(|step| step.version == 8).unwrap();
        migrate(&connection, &SQLITE[..before]).unwrap();
        connection
            .batch(
                "INSERT INTO accounts (id, email, email_normalised, state, email_verified_at, stamp, created_at) VALUES
                   (zeroblob(16), 'a@b.example', 'a@b.example', 'unverified', NULL, zeroblob(16), 7),
                   (randomblob(16), 'c@d.example', 'c@d.example', 'active', 8, zeroblob(16), 7)",
            )
            .unwrap();
        migrate(&connection, SQLITE).unwrap();
        let number = |sql| connection.number(sql).unwrap();
        assert_eq!(number("SELECT count(*) FROM email_claims"), 1);
        let claim =
            "SELECT count(*) FROM email_claims WHERE email_normalised = 'a@b.example' AND claimed_at = 7
            AND expires_at > (strftime('%s', 'now') + 89 * 86400) * 1000000";
        assert_eq!(number(claim), 1);
        // The version before still finds them.
        assert_eq!(number("SELECT count(*) FROM accounts WHERE email IS NOT NULL"), 2);
    }
}
