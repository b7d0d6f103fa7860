//! The values of a condition's parameters, and how drivers take them.

use uuid::Uuid;

/// One value to bind. With the features `rusqlite` and `tokio-postgres` these drivers take it as a parameter by itself; for another
/// driver, match it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SqlValue {
    /// A whole number; on SQLite also true (1) and false (0).
    Integer(i64),
    /// Text; on SQLite also a list, as an array in JSON.
    Text(String),
    /// Bytes as they are compared. SQLite only.
    Bytes(Vec<u8>),
    /// True or false. PostgreSQL only.
    Bool(bool),
    /// An id. PostgreSQL only.
    Uuid(Uuid),
    /// A list of numbers. PostgreSQL only.
    Integers(Vec<i64>),
    /// A list of texts. PostgreSQL only.
    Texts(Vec<String>),
    /// A list of ids. PostgreSQL only.
    Uuids(Vec<Uuid>),
}

#[cfg(feature = "rusqlite")]
impl rusqlite::ToSql for SqlValue {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        match self {
            Self::Integer(number) => number.to_sql(),
            Self::Text(text) => text.to_sql(),
            Self::Bytes(bytes) => bytes.to_sql(),
            Self::Bool(_) | Self::Uuid(_) | Self::Integers(_) | Self::Texts(_) | Self::Uuids(_) => {
                Err(rusqlite::Error::ToSqlConversionFailure(
                    "this condition was written for PostgreSQL: write it with `Dialect::Sqlite`".into(),
                ))
            }
        }
    }
}

#[cfg(feature = "tokio-postgres")]
mod postgres {
    use std::error::Error;

    use tokio_postgres::types::private::BytesMut;
    use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

    use super::SqlValue;

    impl ToSql for SqlValue {
        fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
            match self {
                Self::Integer(number) => number.to_sql_checked(kind, out),
                Self::Text(text) => text.to_sql_checked(kind, out),
                Self::Bytes(bytes) => bytes.to_sql_checked(kind, out),
                Self::Bool(yes) => yes.to_sql_checked(kind, out),
                Self::Uuid(id) => id.to_sql_checked(kind, out),
                Self::Integers(numbers) => numbers.to_sql_checked(kind, out),
                Self::Texts(texts) => texts.to_sql_checked(kind, out),
                Self::Uuids(ids) => ids.to_sql_checked(kind, out),
            }
        }

        /// Each variant checks for itself.
        fn accepts(_: &Type) -> bool {
            true
        }

        to_sql_checked!();
    }
}
