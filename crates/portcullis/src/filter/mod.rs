//! A [`Filter`] as a condition for a statement of the application's own.
//!
//! Flow: the application declares once which column holds which field ([`Columns`]); [`Filter`] and columns make a
//! [`Condition`]: text to put behind `WHERE`, and values to bind.
//!
//! Invariants: values go into the statement as parameters only, names of columns come from constants of the program and
//! are quoted (`T065`). The condition is true or false for every row, never null, and says of a row exactly what
//! [`Filter::matches`] says of its facts. A field without a column is an error, never a guess.
//!
//! **Deployment caveat:** texts are compared byte by byte. PostgreSQL does that for every column with a deterministic
//! collation (the default), SQLite for every database in UTF-8 (the default).

mod bind;
mod column;
mod write;

use portcullis_core::authz::resource::{Filter, ResourceKind};

pub use self::bind::SqlValue;
pub use self::column::{Column, Columns};

/// Whose SQL is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite from version 3.45 on; parameters are `?1`, `?2` …
    Sqlite,
    /// PostgreSQL; parameters are `$1`, `$2` …
    Postgres,
}

/// A condition and its values.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// What stands behind `WHERE`, in parentheses where that matters.
    pub sql: String,
    /// The values of its parameters, in order.
    pub params: Vec<SqlValue>,
}

/// Why a filter can't be written for these columns.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    /// The filter asks for a field without a column.
    #[error("the field {0} has no column: add it to the columns")]
    NoColumn(&'static str),
    /// The column can't hold what the field holds.
    #[error("the column of {0} can't hold it: declare the column by what the field holds")]
    WrongColumn(&'static str),
    /// The name isn't one.
    #[error("{0:?} names no column: use letters, digits and underscores, and a dot behind a table's name")]
    InvalidName(&'static str),
    /// The form of a text has too many pieces.
    #[error("a policy compares {0} with a pattern of more than {most} wildcards", most = write::MOST_PIECES)]
    TooManyPieces(&'static str),
}

/// Writes `filter`, which speaks of resources of `kind`, for a table with these columns. The first parameter is number
/// `first`: 1, or one more than the statement has already.
///
/// ```
/// use portcullis_core::authz::resource::{
///     Comparison, FieldKind, Filter, ResourceField, ResourceKind, Tenancy, Value,
/// };
/// use portcullis::filter::{Column, Columns, Dialect, condition};
///
/// static POST: ResourceKind = ResourceKind {
///     name: "Post",
///     tenancy: Tenancy::Anywhere,
///     fields: &[ResourceField { name: "title", kind: FieldKind::Text, optional: false }],
///     actions: &["posts:read"],
/// };
/// const COLUMNS: Columns = Columns {
///     id: Column::integer("id"),
///     owner: Some(Column::uuid("owner")),
///     organization: None,
///     fields: &[("title", Column::text("title"))],
/// };
/// let filter = Filter::Compare("title", Comparison::Equal, Value::Text("' OR 1=1 --".into()));
/// let condition = condition(&filter, &POST, Dialect::Sqlite, &COLUMNS, 1)?;
/// assert_eq!(condition.sql, "([title] IS NOT NULL AND [title] = ?1 COLLATE BINARY)");
/// # Ok::<(), portcullis::filter::SqlError>(())
/// ```
///
/// # Errors
/// [`SqlError`]: the columns don't fit the filter.
pub fn condition(
    filter: &Filter,
    kind: &ResourceKind,
    dialect: Dialect,
    columns: &Columns,
    first: usize,
) -> Result<Condition, SqlError> {
    let mut writer = write::Writer::new(kind, dialect, columns, first);
    let sql = writer.filter(filter)?;
    Ok(Condition {
        sql,
        params: writer.into_params(),
    })
}

#[cfg(test)]
mod tests;
