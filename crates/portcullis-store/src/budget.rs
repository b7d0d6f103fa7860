//! What is used up over all nodes and restarts.

use std::time::Duration;

use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::throttle::{Budget, admit};

use crate::tx::Tx;
use crate::value::params;

/// Counts one against each of the budgets. Answers how long to wait if one of them has nothing left: the caller then
/// undoes what it wrote, and nothing was counted.
pub(crate) async fn spend(
    tx: &mut Tx<'_>,
    budgets: &[Budget],
    now: Timestamp,
) -> Result<Option<Duration>, Fault> {
    let begin = "INSERT INTO budgets (subject, due) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let read = "SELECT due FROM budgets WHERE subject = $1 FOR UPDATE";
    let write = "UPDATE budgets SET due = $2 WHERE subject = $1";
    let mut wait = None;
    for budget in budgets {
        let subject = budget.subject.as_bytes();
        // The row is there before it is read: two that begin at once wait for each other.
        tx.execute(begin, params![subject, now]).await?;
        let due = match tx.query_one(read, params![subject]).await? {
            Some(mut row) => Some(row.take::<Timestamp>()?.into()),
            None => None,
        };
        match admit(budget.rate, due, now) {
            Ok(next) => {
                tx.execute(write, params![subject, next.moment()]).await?;
            }
            Err(longer) => wait = wait.max(Some(longer)),
        }
    }
    Ok(wait)
}
