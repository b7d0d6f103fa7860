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
    // It locks the row that is there, or makes it: two that begin at once wait for each other, and so does a sweep.
    let take = "INSERT INTO budgets (subject, due) VALUES ($1, $2)
        ON CONFLICT (subject) DO UPDATE SET due = budgets.due RETURNING due";
    let write = "UPDATE budgets SET due = $2 WHERE subject = $1";
    let mut wait = None;
    for budget in budgets {
        let subject = budget.subject.as_bytes();
        let due = match tx.query_one(take, params![subject, now]).await? {
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
