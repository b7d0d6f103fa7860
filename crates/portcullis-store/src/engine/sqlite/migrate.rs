//! Brings a SQLite database up to date: one transaction a step, under the file's lock.
//!
//! A step that breaks programs of before is run by a connection that has the file for itself: a program that has it open
//! holds a shared lock on it for as long, so it is noticed however idle it is, and one that opens it meanwhile is told that it
//! is locked.

use std::path::Path;
use std::time::{Duration, Instant};

use portcullis_core::defends;
use portcullis_core::fault::Fault;

use super::{PAUSE, set_up};
use crate::migration::{
    self, CREATE_HISTORY, FORMER_IS_OURS, FORMER_VERSION, INSERT_FORMER_HISTORY, INSERT_HISTORY, Migrations,
    VERSION,
};
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

/// Whether steps are to come that programs which have the file open would break at.
pub(super) fn breaks(connection: &Connection, migrations: &Migrations) -> Result<bool, Fault> {
    Ok(migrations.break_at(version_of(connection)?))
}

/// Brings the file up to date while nobody else has it open; waits a while for whoever has.
pub(super) fn migrate_alone(file: &Path, busy: Duration, migrations: &Migrations) -> Result<(), Fault> {
    defends!("T181");
    let begun = Instant::now();
    loop {
        match alone(file)? {
            Some(connection) => {
                set_up(&connection)?;
                return migrate(&connection, migrations).map(drop);
            }
            // Whoever has it open may have brought it up to date.
            None if is_done(file, migrations) => return Ok(()),
            None if begun.elapsed() < busy => std::thread::park_timeout(PAUSE),
            None => {
                let shown = file.display();
                let says = format!("another program, or another part of this one, has {shown} open");
                return Err(Fault::InUse(says));
            }
        }
    }
}

/// A connection that has the file for itself as long as it lives; `None` while somebody else has it open.
fn alone(file: &Path) -> Result<Option<Connection>, Fault> {
    let connection = Connection::open(Some(file), Duration::ZERO)?;
    // Said before anything is read: so the log is opened exclusively, too.
    match connection.batch("PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT") {
        Ok(()) => Ok(Some(connection)),
        Err(Fault::Busy(_)) => Ok(None),
        Err(fault) => Err(fault),
    }
}

fn is_done(file: &Path, migrations: &Migrations) -> bool {
    let breaks = Connection::open(Some(file), Duration::ZERO).and_then(|other| breaks(&other, migrations));
    breaks == Ok(false)
}

/// Brings the database up to date; answers whether anything had to be done.
pub(super) fn migrate(connection: &Connection, migrations: &Migrations) -> Result<bool, Fault> {
    let mut done = false;
    while version_of(connection)? != migrations.latest() {
        connection.batch("BEGIN IMMEDIATE")?;
        let applied = apply(connection, migrations);
        let end = if applied.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = connection.batch(end);
        applied.and(ended)?;
        done = true;
    }
    Ok(done)
}

fn apply(connection: &Connection, migrations: &Migrations) -> Result<(), Fault> {
    let found = version_of(connection)?;
    migrations.refuse_newer(found)?;
    let Some(step) = migrations.next(found) else {
        return Ok(());
    };
    if found == 0 {
        connection.batch(CREATE_HISTORY)?;
    }
    connection.batch(step.sql)?;
    let insert = match has_history(connection)? {
        true => INSERT_HISTORY,
        false => INSERT_FORMER_HISTORY,
    };
    connection.execute_once(insert, params![step.version, step.name])
}

fn version_of(connection: &Connection) -> Result<i64, Fault> {
    if has_history(connection)? {
        return connection.number(VERSION);
    }
    let columns =
        "SELECT count(*) FROM pragma_table_info('schema_history') WHERE name IN ('version', 'name')";
    if connection.number(columns)? == 2 && connection.number(FORMER_IS_OURS)? > 0 {
        return connection.number(FORMER_VERSION);
    }
    Ok(0)
}

fn has_history(connection: &Connection) -> Result<bool, Fault> {
    let exists =
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'portcullis_schema_history'";
    Ok(connection.number(exists)? > 0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use portcullis_core::checks;

    use super::*;
    use crate::migration::{Migration, SQLITE};

    const fn step(version: i64, sql: &'static str) -> Migration {
        Migration {
            version,
            name: "step",
            sql,
            breaking: false,
        }
    }

    const ONE: Migration = step(1, "CREATE TABLE one (a BIGINT)");
    const FIRST: Migrations = Migrations {
        begin: ONE,
        steps: &[ONE],
    };
    const SECOND: Migrations = Migrations {
        begin: ONE,
        steps: &[
            ONE,
            step(2, "CREATE TABLE two (a BIGINT); INSERT INTO one VALUES (2)"),
        ],
    };
    const BROKEN: Migrations = Migrations {
        begin: ONE,
        steps: &[
            ONE,
            step(
                2,
                "CREATE TABLE two (a BIGINT); INSERT INTO one VALUES (2); INSERT INTO nowhere VALUES (1)",
            ),
        ],
    };

    /// A database as the program of a former version left it.
    fn at(version: i64) -> Connection {
        let connection = memory();
        let history = "CREATE TABLE schema_history (version BIGINT PRIMARY KEY, name TEXT NOT NULL)";
        connection.batch(history).unwrap();
        for step in SQLITE.steps.iter().take_while(|step| step.version <= version) {
            connection.batch(step.sql).unwrap();
            let row = params![step.version, step.name];
            connection.execute_once(INSERT_FORMER_HISTORY, row).unwrap();
        }
        connection
    }

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
        assert!(migrate(&connection, &BROKEN).is_err());
        assert_eq!(version_of(&connection).unwrap(), 1);
        assert_eq!(tables(&connection), 1);
        assert_eq!(connection.number("SELECT count(*) FROM one").unwrap(), 0);
        migrate(&connection, &SECOND).unwrap();
        assert_eq!(version_of(&connection).unwrap(), 2);
        assert_eq!(tables(&connection), 2);
    }

    #[test]
    fn a_newer_database_is_refused_untouched() {
        let connection = memory();
        migrate(&connection, &SECOND).unwrap();
        let refusal = migrate(&connection, &FIRST).unwrap_err();
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
        assert!(migrate(&connection, &FIRST).unwrap());
        refuse_blank(&connection, Blank::Refused).unwrap();
        assert!(!migrate(&connection, &FIRST).unwrap());
    }

    #[test]
    fn migrating_twice_does_nothing_the_second_time() {
        let connection = memory();
        migrate(&connection, &SECOND).unwrap();
        migrate(&connection, &SECOND).unwrap();
        assert_eq!(connection.number("SELECT count(*) FROM one").unwrap(), 1);
    }

    #[test]
    fn unverified_accounts_of_before_get_a_claim_and_stay_where_they_were() {
        let connection = at(7);
        connection
            .batch(
                "INSERT INTO accounts (id, email, email_normalised, state, email_verified_at, stamp, created_at) VALUES
                   (zeroblob(16), 'a@b.example', 'a@b.example', 'unverified', NULL, zeroblob(16), 7),
                   (randomblob(16), 'c@d.example', 'c@d.example', 'active', 8, zeroblob(16), 7)",
            )
            .unwrap();
        migrate(&connection, &SQLITE).unwrap();
        let number = |sql| connection.number(sql).unwrap();
        assert_eq!(number("SELECT count(*) FROM portcullis_email_claims"), 1);
        let claim =
            "SELECT count(*) FROM portcullis_email_claims WHERE email_normalised = 'a@b.example' AND claimed_at = 7
            AND expires_at > (strftime('%s', 'now') + 89 * 86400) * 1000000";
        assert_eq!(number(claim), 1);
        // The version before still finds them.
        assert_eq!(
            number("SELECT count(*) FROM portcullis_accounts WHERE email IS NOT NULL"),
            2
        );
    }
}
