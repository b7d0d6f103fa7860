//! What runs transactions and reads: SQLite's threads, or PostgreSQL's pool of connections.
//!
//! An engine opens its database, brings the schema up to date, runs a verb in a transaction, and tells this process's
//! subscribers after the commit and before the caller.

#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;

use portcullis_core::fault::Fault;

use crate::value::{Row, Value};

/// The engine of an open database.
pub(crate) enum Engine {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlite::Engine),
    #[cfg(feature = "postgres")]
    Postgres(postgres::Engine),
}

impl Engine {
    /// Runs one statement that reads: it sees one snapshot.
    pub(crate) async fn read(&self, sql: &'static str, params: &[Value<'_>]) -> Result<Vec<Row>, Fault> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(engine) => {
                let owned = params.iter().cloned().map(Value::into_owned).collect();
                engine.read(sql, owned).await
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(engine) => engine.read(sql, params).await,
        }
    }
}
