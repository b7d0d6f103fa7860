//! A program's own statements: what goes in, what comes out, and which are taken.

use std::borrow::Cow;

use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::{account, defends, organization};
use uuid::Uuid;

use crate::value::{Row, Stored, Value};

/// A parameter of a statement: made of integers, text, bytes, truth values, ids, moments, and `Option`s of them.
///
/// On PostgreSQL they are `bigint`, `text`, `bytea`, `boolean` and `uuid`; a column of another type takes them with a cast. In SQLite an
/// id is a BLOB of 16 bytes, a moment an INTEGER of microseconds since 1970 on both.
#[derive(Clone)]
pub struct Parameter(Value<'static>);

impl std::fmt::Debug for Parameter {
    /// What goes into statements is in no log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Parameter(…)")
    }
}

macro_rules! parameters {
    ($($(#[$note:meta])* $type:ty),* $(,)?) => {$(
        impl From<$type> for Parameter {
            fn from(value: $type) -> Self {
                Self(Value::from(value).into_owned())
            }
        }
    )*};
}
parameters!(
    i64,
    u32,
    &str,
    &String,
    String,
    &[u8],
    &Vec<u8>,
    Uuid,
    Timestamp,
    account::Id,
    organization::Id
);

macro_rules! smaller_numbers {
    ($($number:ty),*) => {$(
        impl From<$number> for Parameter {
            fn from(number: $number) -> Self {
                Self::from(i64::from(number))
            }
        }
    )*};
}
smaller_numbers!(i8, i16, i32, u8, u16);

impl From<bool> for Parameter {
    fn from(yes: bool) -> Self {
        Self(Value::Bool(yes))
    }
}

impl From<Vec<u8>> for Parameter {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Value::Bytes(Cow::Owned(bytes)))
    }
}

impl<T> From<Option<T>> for Parameter
where
    Self: From<T>,
{
    fn from(value: Option<T>) -> Self {
        value.map_or(Self(Value::Null), Self::from)
    }
}

/// A row of an answer.
#[derive(Clone)]
pub struct Record(Vec<Value<'static>>);

impl From<Row> for Record {
    fn from(row: Row) -> Self {
        Self(row.into_columns())
    }
}

impl Record {
    /// The column of this number, counted from 0, as the statement names them: an integer of any size, a truth value, text, bytes,
    /// an id, a moment, or an `Option` of them, which is `None` where the column is `NULL`.
    ///
    /// # Errors
    /// [`Fault`]: there is no such column, or it holds something else, or a number that the type has no room for. It says which
    /// column it is and what kind of thing stands there.
    pub fn get<T: Column>(&self, column: usize) -> Result<T, Fault> {
        let wrong = |why: String| {
            let wanted = T::NAME;
            Fault::Other(format!(
                "column {column} of the answer can't be read as {wanted}: {why}"
            ))
        };
        let Some(value) = self.0.get(column) else {
            let columns = self.0.len();
            return Err(wrong(format!("there are {columns} columns, counted from 0")));
        };
        T::of(Parameter(value.clone())).ok_or_else(|| {
            wrong(match value {
                Value::Null => "it is NULL; an `Option` takes that".to_owned(),
                Value::Integer(_) if T::NUMBER => "it is an integer that is out of its range".to_owned(),
                other => format!("it is {}", other.kind()),
            })
        })
    }
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Record({} columns)", self.0.len())
    }
}

mod sealed {
    use super::Parameter;

    pub trait Sealed: Sized {
        /// What the type is called where it is written.
        const NAME: &'static str;
        /// Whether it is read from integers.
        const NUMBER: bool;

        fn of(value: Parameter) -> Option<Self>;
    }
}

/// A type that a column of an answer is read into.
pub trait Column: sealed::Sealed {}

macro_rules! columns {
    ($number:literal: $($type:ty),* $(,)?) => {$(
        impl sealed::Sealed for $type {
            const NAME: &'static str = stringify!($type);
            const NUMBER: bool = $number;

            fn of(Parameter(value): Parameter) -> Option<Self> {
                Stored::read(value)
            }
        }
        impl Column for $type {}
        impl sealed::Sealed for Option<$type> {
            const NAME: &'static str = concat!("Option<", stringify!($type), ">");
            const NUMBER: bool = $number;

            fn of(Parameter(value): Parameter) -> Option<Self> {
                Stored::read(value)
            }
        }
        impl Column for Option<$type> {}
    )*};
}
columns!(true: i8, i16, i32, i64, u8, u16, u32, u64, usize, bool);
columns!(false: String, Vec<u8>, Uuid, Timestamp, account::Id, organization::Id);

/// The parameters of a statement that may be a step of a transaction.
///
/// # Errors
/// [`Fault`]: it would end the transaction, or change what is Portcullis'. It says what to do.
pub(super) fn checked(
    sql: &str,
    parameters: impl IntoIterator<Item = Parameter>,
) -> Result<Vec<Value<'static>>, Fault> {
    defends!("T224");
    let words: Vec<String> = words(sql).collect();
    let verb = words.first().map_or("", String::as_str);
    if !TAKEN.contains(&verb) {
        return Err(Fault::Other(format!(
            "a statement of a transaction begins with {}; this one begins with `{verb}`",
            TAKEN.join(", ").to_uppercase()
        )));
    }
    if let Some(table) = changed(&words) {
        return Err(Fault::Other(format!(
            "{table} is changed by Portcullis' services alone, which write the audit log and tell the caches: call one of \
             them in the transaction instead"
        )));
    }
    Ok(parameters.into_iter().map(|Parameter(value)| value).collect())
}

/// The parameters of a statement that only reads.
///
/// # Errors
/// [`Fault`]: it may change something.
pub(super) fn reading(
    sql: &str,
    parameters: impl IntoIterator<Item = Parameter>,
) -> Result<Vec<Value<'static>>, Fault> {
    let mut words = words(sql).peekable();
    let reads = words
        .peek()
        .is_some_and(|verb| ["select", "with", "values"].contains(&verb.as_str()));
    if !reads || words.any(|word| ["insert", "update", "delete", "merge", "into"].contains(&word.as_str())) {
        return Err(Fault::Other(
            "a statement that reads begins with SELECT, WITH or VALUES and changes nothing: what changes rows is a step of a \
             transaction"
                .to_owned(),
        ));
    }
    checked(sql, parameters)
}

/// Checks a statement that makes a table, or an index, of the program's own where there is none yet.
///
/// # Errors
/// [`Fault`], which says what is taken.
pub(super) fn makes_own(sql: &str) -> Result<(), Fault> {
    defends!("T224");
    let words: Vec<String> = words(sql).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let named = match words.as_slice() {
        ["create", "table", "if", "not", "exists", table, ..] => Some(table),
        ["create", "index", "if", "not", "exists", _, "on", table, ..]
        | [
            "create",
            "unique",
            "index",
            "if",
            "not",
            "exists",
            _,
            "on",
            table,
            ..,
        ] => Some(table),
        _ => None,
    };
    match named {
        Some(table) if !table.starts_with(OURS) => Ok(()),
        _ => Err(Fault::Other(format!(
            "a table of a program's own is made by CREATE TABLE IF NOT EXISTS or CREATE [UNIQUE] INDEX IF NOT EXISTS, and \
             its name does not begin with {OURS}; everything else is for a tool of migrations"
        ))),
    }
}

const TAKEN: &[&str] = &["insert", "update", "delete", "select", "with", "values"];

/// What the names of all tables of Portcullis begin with.
const OURS: &str = "portcullis_";

/// The words of a statement in lower case, without quotes and what stands before a dot.
fn words(sql: &str) -> impl Iterator<Item = String> {
    sql.split(|letter: char| letter.is_whitespace() || matches!(letter, '(' | ')' | ',' | ';' | '.'))
        .map(|word| word.trim_matches(['"', '`', '[', ']']).to_ascii_lowercase())
        .filter(|word| !word.is_empty())
}

/// The table of Portcullis' that a statement changes, if it does, by what stands before its name.
fn changed(words: &[String]) -> Option<&str> {
    let (_, table) = words.iter().enumerate().find(|(index, word)| {
        let before = |steps: usize| {
            let at = index.checked_sub(steps).and_then(|at| words.get(at));
            at.map_or("", String::as_str)
        };
        // A schema's name, `ONLY` or `OR REPLACE` may stand in between.
        let changes = |steps: usize| {
            matches!(before(steps), "into" | "update")
                || (before(steps) == "from" && before(steps + 1) == "delete")
        };
        word.starts_with(OURS) && (1..=3).any(changes)
    })?;
    Some(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(sql: &str) -> bool {
        checked(sql, []).is_ok()
    }

    #[test]
    fn statements_that_read_or_change_own_rows_are_taken() {
        for sql in [
            "INSERT INTO notes (id) VALUES ($1)",
            "  update notes set title = $1",
            "DELETE FROM notes WHERE owner IN (SELECT id FROM portcullis_accounts WHERE state = 'disabled')",
            "SELECT n.id FROM notes n JOIN portcullis_accounts a ON a.id = n.owner",
            "WITH old AS (SELECT id FROM portcullis_accounts) INSERT INTO notes SELECT id FROM old",
            "VALUES (1)",
            "INSERT INTO portcullises (id) VALUES ($1)",
        ] {
            assert!(taken(sql), "{sql}");
        }
    }

    #[test]
    fn statements_that_end_a_transaction_or_change_what_is_ours_are_refused() {
        for sql in [
            "",
            "COMMIT",
            "rollback to joined",
            "BEGIN",
            "-- a note\nCOMMIT",
            "PRAGMA foreign_keys = OFF",
            "ATTACH 'x' AS y",
            "CREATE TABLE notes (id BIGINT)",
            "INSERT INTO portcullis_role_assignments VALUES ($1)",
            "insert or ignore into \"portcullis_accounts\" values (1)",
            "UPDATE portcullis_accounts SET state = 'active'",
            "UPDATE OR REPLACE portcullis_accounts SET state = 'active'",
            "UPDATE main.portcullis_accounts SET state = 'active'",
            "UPDATE ONLY public.\"portcullis_accounts\" SET state = 'active'",
            "DELETE FROM [portcullis_sessions]",
            "DELETE FROM ONLY portcullis_sessions",
            "WITH gone AS (DELETE FROM portcullis_sessions RETURNING id) SELECT * FROM gone",
            "REPLACE INTO notes VALUES (1)",
        ] {
            assert!(!taken(sql), "{sql}");
        }
    }

    #[test]
    fn a_statement_that_reads_changes_nothing() {
        for sql in ["SELECT 1", "with a as (select 1) select * from a", "VALUES (1)"] {
            assert!(reading(sql, []).is_ok(), "{sql}");
        }
        for sql in [
            "",
            "INSERT INTO notes VALUES (1)",
            "WITH gone AS (DELETE FROM notes RETURNING id) SELECT * FROM gone",
            "SELECT * INTO copy FROM notes",
            "SELECT * FROM notes FOR UPDATE",
            "PRAGMA user_version",
        ] {
            assert!(reading(sql, []).is_err(), "{sql}");
        }
    }

    #[test]
    fn what_a_column_does_not_hold_is_an_error_that_names_it() {
        let text = Value::Text("a secret".into());
        let record = Record(vec![Value::Integer(7), Value::Null, text, Value::Integer(-1)]);
        assert_eq!(record.get::<i64>(0).unwrap(), 7);
        assert_eq!(record.get::<u16>(0).unwrap(), 7);
        assert_eq!(record.get::<Option<u8>>(0).unwrap(), Some(7));
        assert_eq!(record.get::<Option<String>>(1).unwrap(), None);
        fn said<T: Column + std::fmt::Debug>(record: &Record, column: usize) -> String {
            record.get::<T>(column).unwrap_err().to_string()
        }
        let begins = |column: usize, wanted: &str| {
            format!("column {column} of the answer can't be read as {wanted}: ")
        };
        for (said, column, wanted, why) in [
            (said::<String>(&record, 0), 0, "String", "it is an integer"),
            (
                said::<bool>(&record, 0),
                0,
                "bool",
                "it is an integer that is out of its range",
            ),
            (
                said::<i64>(&record, 1),
                1,
                "i64",
                "it is NULL; an `Option` takes that",
            ),
            (said::<i32>(&record, 2), 2, "i32", "it is text"),
            (
                said::<u32>(&record, 3),
                3,
                "u32",
                "it is an integer that is out of its range",
            ),
            (
                said::<Option<u32>>(&record, 3),
                3,
                "Option<u32>",
                "it is an integer that is out of its range",
            ),
            (
                said::<i64>(&record, 4),
                4,
                "i64",
                "there are 4 columns, counted from 0",
            ),
        ] {
            assert!(said.contains(&(begins(column, wanted) + why)), "{said}");
        }
    }

    #[test]
    fn a_number_that_does_not_fit_is_refused_and_never_wrapped() {
        fn check<T>(fits: &[i64], too_much: &[i64])
        where
            T: Column + TryInto<i64> + std::fmt::Debug,
            T::Error: std::fmt::Debug,
        {
            let read = |number: i64| Record(vec![Value::Integer(number)]).get::<T>(0);
            for number in fits {
                assert_eq!(read(*number).unwrap().try_into().unwrap(), *number);
            }
            for number in too_much {
                assert!(read(*number).is_err(), "{number}");
            }
        }
        check::<i8>(&[-128, 127], &[-129, 128]);
        check::<i16>(&[-32_768, 32_767], &[-32_769, 32_768]);
        check::<i32>(
            &[i32::MIN.into(), i32::MAX.into()],
            &[-2_147_483_649, 2_147_483_648, i64::MAX],
        );
        check::<u8>(&[0, 255], &[-1, 256]);
        check::<u16>(&[0, 65_535], &[-1, 65_536]);
        check::<u32>(&[0, 4_294_967_295], &[-1, 4_294_967_296]);
        check::<u64>(&[0, i64::MAX], &[-1, i64::MIN]);
        check::<usize>(&[0, 1], &[-1]);
    }
}
