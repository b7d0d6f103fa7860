//! The schema and its history: embedded SQL files, forward only.
//!
//! Each migration runs in one transaction together with the row that says it ran, under a lock that makes a second
//! node wait: a crash leaves the version before, and two nodes that start at once migrate once. A database that is
//! ahead of this version is refused untouched.
//!
//! **Deliberately absent:** a way back. Restore a backup instead.

use portcullis_core::defends;
use portcullis_core::fault::Fault;

use crate::database::Blank;
use crate::sqlite::Connection;
use crate::value::params;

/// One step of the schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    pub(crate) version: i64,
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

macro_rules! migrations {
    ($backend:literal: $($version:literal $name:literal),* $(,)?) => {
        &[$(Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../migrations/", $backend, "/", $name, ".sql")),
        }),*]
    };
}

pub(crate) const SQLITE: &[Migration] = migrations!(
    "sqlite": 1 "0001_begin", 2 "0002_api_keys", 3 "0003_organizations", 4 "0004_grants", 5 "0005_decisions",
        6 "0006_budgets", 7 "0007_audit_api_keys", 8 "0008_claims", 9 "0009_jobs", 10 "0010_skeletons",
);

#[cfg(feature = "postgres")]
pub(crate) const POSTGRES: &[Migration] = migrations!(
    "postgres": 1 "0001_begin", 2 "0002_api_keys", 3 "0003_organizations", 4 "0004_grants", 5 "0005_decisions",
        6 "0006_budgets", 7 "0007_audit_api_keys", 8 "0008_claims", 9 "0009_jobs", 10 "0010_skeletons",
);

/// The version a list of migrations leads to.
pub(crate) fn latest(migrations: &[Migration]) -> i64 {
    migrations.last().map_or(0, |migration| migration.version)
}

/// Refuses a database that is ahead.
pub(crate) fn refuse_newer(found: i64, migrations: &[Migration]) -> Result<(), Fault> {
    let known = latest(migrations);
    if found > known {
        return Err(Fault::NewerSchema(format!(
            "its schema has version {found}, this program knows versions up to {known}"
        )));
    }
    Ok(())
}

/// Refuses a database without a schema where there should be one: it is left as it is.
pub(crate) fn refuse_blank(found: i64, blank: Blank) -> Result<(), Fault> {
    defends!("T165");
    if found == 0 && blank == Blank::Refused {
        return Err(Fault::Empty("it has no tables".into()));
    }
    Ok(())
}

/// As [`refuse_blank`], for a SQLite database that nothing was done to yet.
pub(crate) fn refuse_blank_sqlite(connection: &Connection, blank: Blank) -> Result<(), Fault> {
    match blank {
        Blank::Filled => Ok(()),
        Blank::Refused => refuse_blank(version_of(connection)?, blank),
    }
}

/// Brings a SQLite database up to date; answers whether anything had to be done.
pub(crate) fn sqlite(connection: &Connection, migrations: &[Migration]) -> Result<bool, Fault> {
    if version_of(connection)? == latest(migrations) {
        return Ok(false);
    }
    for migration in migrations {
        connection.batch("BEGIN IMMEDIATE")?;
        let done = sqlite_step(connection, migration, migrations);
        let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = connection.batch(end);
        done.and(ended)?;
    }
    Ok(true)
}

fn sqlite_step(connection: &Connection, step: &Migration, all: &[Migration]) -> Result<(), Fault> {
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

pub(crate) const CREATE_HISTORY: &str =
    "CREATE TABLE IF NOT EXISTS schema_history (version BIGINT PRIMARY KEY, name TEXT NOT NULL)";
pub(crate) const INSERT_HISTORY: &str = "INSERT INTO schema_history (version, name) VALUES ($1, $2)";
pub(crate) const VERSION: &str = "SELECT coalesce(max(version), 0) FROM schema_history";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use portcullis_core::checks;

    use super::*;

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
        assert!(sqlite(&connection, &[FIRST, BROKEN]).is_err());
        assert_eq!(version_of(&connection).unwrap(), 1);
        assert_eq!(tables(&connection), 1);
        assert_eq!(connection.number("SELECT count(*) FROM one").unwrap(), 0);
        sqlite(&connection, &[FIRST, SECOND]).unwrap();
        assert_eq!(version_of(&connection).unwrap(), 2);
        assert_eq!(tables(&connection), 2);
    }

    #[test]
    fn a_newer_database_is_refused_untouched() {
        let connection = memory();
        sqlite(&connection, &[FIRST, SECOND]).unwrap();
        let refusal = sqlite(&connection, &[FIRST]).unwrap_err();
        assert!(matches!(&refusal, Fault::NewerSchema(text) if text.contains('2') && text.contains('1')));
        assert_eq!(version_of(&connection).unwrap(), 2);
        assert!(connection.is_idle());
    }

    #[test]
    fn an_empty_database_is_refused_untouched_where_there_should_be_records() {
        checks!("T165");
        let connection = memory();
        let refusal = refuse_blank_sqlite(&connection, Blank::Refused).unwrap_err();
        assert!(matches!(refusal, Fault::Empty(_)), "{refusal}");
        assert_eq!(
            connection.number("SELECT count(*) FROM sqlite_schema").unwrap(),
            0
        );
        refuse_blank_sqlite(&connection, Blank::Filled).unwrap();
        assert!(sqlite(&connection, &[FIRST]).unwrap());
        refuse_blank_sqlite(&connection, Blank::Refused).unwrap();
        assert!(!sqlite(&connection, &[FIRST]).unwrap());
    }

    #[test]
    fn migrating_twice_does_nothing_the_second_time() {
        let connection = memory();
        sqlite(&connection, &[FIRST, SECOND]).unwrap();
        sqlite(&connection, &[FIRST, SECOND]).unwrap();
        assert_eq!(connection.number("SELECT count(*) FROM one").unwrap(), 1);
    }

    #[test]
    fn unverified_accounts_of_before_get_a_claim_and_stay_where_they_were() {
        let connection = memory();
        let before = SQLITE.iter().position(|step| step.version == 8).unwrap();
        sqlite(&connection, &SQLITE[..before]).unwrap();
        connection
            .batch(
                "INSERT INTO accounts (id, email, email_normalised, state, email_verified_at, stamp, created_at) VALUES
                   (zeroblob(16), 'a@b.example', 'a@b.example', 'unverified', NULL, zeroblob(16), 7),
                   (randomblob(16), 'c@d.example', 'c@d.example', 'active', 8, zeroblob(16), 7)",
            )
            .unwrap();
        sqlite(&connection, SQLITE).unwrap();
        let number = |sql| connection.number(sql).unwrap();
        assert_eq!(number("SELECT count(*) FROM email_claims"), 1);
        let claim =
            "SELECT count(*) FROM email_claims WHERE email_normalised = 'a@b.example' AND claimed_at = 7
            AND expires_at > (strftime('%s', 'now') + 89 * 86400) * 1000000";
        assert_eq!(number(claim), 1);
        // The version before still finds them.
        assert_eq!(number("SELECT count(*) FROM accounts WHERE email IS NOT NULL"), 2);
    }

    #[test]
    fn versions_count_up_without_gaps_and_the_databases_agree() {
        let versions = |list: &[Migration]| list.iter().map(|m| (m.version, m.name)).collect::<Vec<_>>();
        assert!(SQLITE.iter().zip(1..).all(|(m, n)| m.version == n));
        #[cfg(feature = "postgres")]
        assert_eq!(versions(SQLITE), versions(POSTGRES));
        assert!(!versions(SQLITE).is_empty());
    }
}
