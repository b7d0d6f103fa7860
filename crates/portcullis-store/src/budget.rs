//! What is used up over all nodes and restarts.

use std::time::Duration;

use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::throttle::{Budget, admit};

use crate::tx::Tx;
use crate::value::params;

/// Counts one against each of the budgets. Answers how long to wait if one of them has nothing left: then nothing was
/// counted against any.
pub(crate) async fn spend(
    tx: &mut Tx<'_>,
    budgets: &[Budget],
    now: Timestamp,
) -> Result<Option<Duration>, Fault> {
    // It locks the row that is there, or makes it: two that begin at once wait for each other, and so does a sweep.
    let take = "INSERT INTO portcullis_budgets (subject, due) VALUES ($1, $2)
        ON CONFLICT (subject) DO UPDATE SET due = portcullis_budgets.due RETURNING due";
    let write = "UPDATE portcullis_budgets SET due = $2 WHERE subject = $1";
    let mut wait = None;
    let mut counted = Vec::with_capacity(budgets.len());
    for budget in in_order(budgets) {
        let subject = budget.subject.as_bytes();
        let due = match tx.query_one(take, params![subject, now]).await? {
            Some(mut row) => Some(row.take::<Timestamp>()?.into()),
            None => None,
        };
        match admit(budget.rate, due, now) {
            Ok(next) => counted.push((budget.subject, next.moment())),
            Err(longer) => wait = wait.max(Some(longer)),
        }
    }
    if wait.is_none() {
        for (subject, due) in counted {
            tx.execute(write, params![subject.as_bytes(), due]).await?;
        }
    }
    Ok(wait)
}

/// In the order of their subjects, so that nobody waits for a row that waits for them.
fn in_order(budgets: &[Budget]) -> Vec<Budget> {
    let mut budgets = budgets.to_vec();
    budgets.sort_unstable_by(|one, other| one.subject.as_bytes().cmp(other.subject.as_bytes()));
    budgets
}
