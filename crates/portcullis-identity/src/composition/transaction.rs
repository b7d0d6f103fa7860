//! One transaction over a program's own tables and those of Portcullis.

use portcullis_core::fault::Fault;
use portcullis_store::Transaction;
use portcullis_store::transaction::{Parameter, Record};

use super::Portcullis;

impl Portcullis {
    /// Runs `work` in one transaction of the database: its statements on the program's own tables, and every change that it
    /// asks a service of this deployment for, are kept together if it answers `Ok`. If it answers `Err`, panics, meets a
    /// fault or takes longer than [`Builder::transaction_limit`](crate::Builder::transaction_limit), nothing is kept.
    ///
    /// ```
    /// # async fn demo(portcullis: portcullis_identity::Portcullis) -> Result<(), portcullis_identity::Problem> {
    /// # use portcullis_identity::Problem;
    /// let notes: i64 = portcullis
    ///     .transaction(|tx| async move {
    ///         tx.execute("INSERT INTO notes (text) VALUES ($1)", ["hello".into()]).await?;
    ///         let row = tx.query_one("SELECT count(*) FROM notes", []).await?;
    ///         let count = row.map_or(Ok(0), |row| row.get(0))?;
    ///         Ok::<i64, Problem>(count)
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Within it, on the same task, [`Portcullis::register`], [`Portcullis::roles`], [`Portcullis::organizations`], sharing and
    /// so on are parts of it. Not a part of it: sessions kept outside the database, what caches remember (who is called and may
    /// do what is as it was before), logging in, exchanging refresh tokens and what else counts or records tries, which is refused
    /// there. SQLite has one writer: while it runs, nobody else writes.
    ///
    /// # Errors
    /// The work's own, or its form of a [`Fault`].
    pub async fn transaction<T, E, W, F>(&self, work: W) -> Result<T, E>
    where
        W: FnOnce(Transaction) -> F,
        F: Future<Output = Result<T, E>>,
        E: From<Fault>,
    {
        self.0.database.transaction(self.0.transaction_limit, work).await
    }
}

impl Portcullis {
    /// Runs one statement that reads the program's own tables: it sees one snapshot and waits for nobody who writes. In a
    /// [`Portcullis::transaction`] it sees what that changed.
    ///
    /// ```
    /// # async fn demo(portcullis: portcullis_identity::Portcullis) -> Result<(), portcullis_identity::Fault> {
    /// let notes = portcullis.query("SELECT id, text FROM notes WHERE id > $1", [7_i64.into()]).await?;
    /// for note in &notes {
    ///     let (id, text): (i64, String) = (note.get(0)?, note.get(1)?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Fault`]: it isn't a `SELECT`, `WITH` or `VALUES` that only reads, or what the database says of it.
    pub async fn query(
        &self,
        sql: &'static str,
        parameters: impl IntoIterator<Item = Parameter>,
    ) -> Result<Vec<Record>, Fault> {
        self.0.database.query(sql, parameters).await
    }
}
