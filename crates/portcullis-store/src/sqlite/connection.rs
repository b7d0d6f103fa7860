//! One SQLite connection: opened safely, statements prepared once.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use portcullis_core::fault::Fault;
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};
use rusqlite::{CachedStatement, OpenFlags, ToSql};

use super::fault::fault;
use crate::value::{Row, Value};

/// A connection of one thread.
pub(crate) struct Connection {
    raw: rusqlite::Connection,
    /// Shared SQL to SQLite's own.
    texts: HashMap<&'static str, Box<str>>,
    /// Where its file is, to tell why it fails.
    file: Option<Box<Path>>,
}

impl Connection {
    /// Opens the file, which must exist, or a database in memory.
    pub(crate) fn open(file: Option<&Path>, busy: Duration) -> Result<Self, Fault> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let raw = match file {
            Some(file) => rusqlite::Connection::open_with_flags(file, flags),
            None => rusqlite::Connection::open_in_memory_with_flags(flags),
        }
        .map_err(|e| fault(&e, file))?;
        raw.busy_timeout(busy).map_err(|e| fault(&e, file))?;
        // Without this guarantee SQLite compiles a statement anew whenever a parameter that its planner once looked
        // at is bound to another value: that was 40 % of a reader's time.
        raw.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .map_err(|e| fault(&e, file))?;
        raw.set_prepared_statement_cache_capacity(256);
        Ok(Self {
            raw,
            texts: HashMap::new(),
            file: file.map(Box::from),
        })
    }

    /// Runs statements that are SQLite's own.
    pub(crate) fn batch(&self, sql: &str) -> Result<(), Fault> {
        self.raw.execute_batch(sql).map_err(|e| self.fault(&e))
    }

    /// Runs one statement of SQLite's own, prepared once: the frame of a transaction.
    pub(crate) fn frame(&self, sql: &'static str) -> Result<(), Fault> {
        let step = || self.raw.prepare_cached(sql)?.raw_execute();
        step().map(drop).map_err(|e| self.fault(&e))
    }

    /// Runs a statement that isn't kept prepared.
    pub(crate) fn execute_once(&self, sql: &str, params: &[Value<'_>]) -> Result<(), Fault> {
        let done = self
            .raw
            .execute(&translate(sql), rusqlite::params_from_iter(params));
        done.map(drop).map_err(|e| self.fault(&e))
    }

    /// The one number a statement answers.
    pub(crate) fn number(&self, sql: &str) -> Result<i64, Fault> {
        self.raw
            .query_row(sql, (), |row| row.get(0))
            .map_err(|e| self.fault(&e))
    }

    /// Whether no transaction is open.
    pub(crate) fn is_idle(&self) -> bool {
        self.raw.is_autocommit()
    }

    pub(crate) fn query(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<Vec<Row>, Fault> {
        let mut statement = self.prepare(sql, params)?;
        let columns = statement.column_count();
        let mut answer = Vec::new();
        let mut collect = || -> rusqlite::Result<()> {
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next()? {
                let read = |column| row.get::<_, Owned>(column).map(shared);
                answer.push(Row::new((0..columns).map(read).collect::<Result<_, _>>()?));
            }
            Ok(())
        };
        let done = collect();
        drop(statement);
        done.map_err(|e| self.fault(&e))?;
        Ok(answer)
    }

    pub(crate) fn execute(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<u64, Fault> {
        let mut statement = self.prepare(sql, params)?;
        let done = statement.raw_execute();
        drop(statement);
        let changed = done.map_err(|e| self.fault(&e))?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    fn prepare(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<CachedStatement<'_>, Fault> {
        let text = self.texts.entry(sql).or_insert_with(|| translate(sql));
        let prepared = || {
            let mut statement = self.raw.prepare_cached(text)?;
            for (index, value) in params.iter().enumerate() {
                statement.raw_bind_parameter(index + 1, value)?;
            }
            Ok(statement)
        };
        prepared().map_err(|e: rusqlite::Error| fault(&e, self.file.as_deref()))
    }

    fn fault(&self, error: &rusqlite::Error) -> Fault {
        fault(error, self.file.as_deref())
    }
}

/// Shared SQL as SQLite wants it: `?1` for `$1` (it would number `$n` by order of appearance), and no row locks.
fn translate(sql: &str) -> Box<str> {
    let unlocked = [" FOR UPDATE", " FOR UPDATE SKIP LOCKED", " FOR NO KEY UPDATE"]
        .iter()
        .find_map(|ending| sql.strip_suffix(ending));
    unlocked.unwrap_or(sql).replace('$', "?").into()
}

fn shared(value: Owned) -> Value<'static> {
    match value {
        Owned::Null => Value::Null,
        Owned::Integer(number) => Value::Integer(number),
        // No column of ours is a floating-point number: this is refused by whoever reads it.
        Owned::Real(number) => Value::Text(number.to_string().into()),
        Owned::Text(text) => Value::Text(text.into()),
        Owned::Blob(bytes) => Value::Bytes(bytes.into()),
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::Uuid(id) => ValueRef::Blob(id.as_bytes()),
            Self::Bool(yes) => ValueRef::Integer(i64::from(*yes)),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::params;

    #[test]
    fn parameters_keep_their_numbers_whatever_their_order() {
        let mut connection = Connection::open(None, Duration::ZERO).unwrap();
        let mut rows = connection
            .query("SELECT $2, $1, $2 FOR UPDATE", params!["one", "two"])
            .unwrap();
        let row = rows.first_mut().unwrap();
        assert_eq!(row.take::<String>().unwrap(), "two");
        assert_eq!(row.take::<String>().unwrap(), "one");
        assert_eq!(row.take::<String>().unwrap(), "two");
    }

    #[test]
    fn too_many_parameters_are_a_fault() {
        let mut connection = Connection::open(None, Duration::ZERO).unwrap();
        assert!(connection.query("SELECT $1", params![1_i64, 2_i64]).is_err());
    }
}
