//! What runs the steps of an open transaction, where verbs run.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use portcullis_core::defends;
use portcullis_core::fault::Fault;
use tokio::sync::{mpsc, oneshot};

use crate::tx::Tx;

/// What the work asks for.
pub(super) enum Request {
    /// A step of it.
    Step(Box<dyn for<'t, 'c> FnOnce(&'t mut Tx<'c>) -> BoxFuture<'t, ()> + Send>),
    /// The work is done.
    Over {
        /// Whether its steps are kept.
        keep: bool,
    },
}

impl Request {
    /// A step, and who waits for its answer. One that fails dooms the transaction; then no other is run.
    pub(super) fn step<T, S>(step: S, caller: oneshot::Sender<Result<T, Fault>>) -> Self
    where
        T: Send + 'static,
        S: for<'t, 'c> FnOnce(&'t mut Tx<'c>) -> BoxFuture<'t, Result<T, Fault>> + Send + 'static,
    {
        Self::Step(Box::new(move |tx| {
            Box::pin(async move {
                defends!("T220");
                let answer = match tx.doom() {
                    Some(fault) => Err(fault),
                    None => step(tx).await,
                };
                if let Err(fault) = &answer {
                    tx.condemn(fault);
                }
                // Whoever asked may have gone away.
                let _ = caller.send(answer);
            })
        }))
    }
}

/// A transaction that is to be opened.
pub(super) struct Open {
    /// Taken when it begins: a work is done once.
    requests: Mutex<Option<mpsc::UnboundedReceiver<Request>>>,
    limit: Duration,
}

impl Open {
    pub(super) fn new(requests: mpsc::UnboundedReceiver<Request>, limit: Duration) -> Self {
        Self {
            requests: Mutex::new(Some(requests)),
            limit,
        }
    }

    fn begin(&self) -> Option<mpsc::UnboundedReceiver<Request>> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// Runs the steps until the work is done or its time is over.
pub(super) async fn drive(tx: &mut Tx<'_>, open: &Open) -> Result<(), Fault> {
    let Some(mut requests) = open.begin() else {
        // The database broke the transaction off for another's sake; the work can't be asked for its steps again.
        return Err(Fault::Busy("the transaction met another one".into()));
    };
    tx.open();
    let begun = Instant::now();
    loop {
        let left = open.limit.saturating_sub(begun.elapsed());
        defends!("T223");
        // Time that is over is over, though a step waits already: there is work that never stops asking.
        let heard = match left.is_zero() {
            true => None,
            false => tx.hear(&mut requests, left).await,
        };
        let Some(request) = heard else {
            let limit = open.limit;
            return Err(Fault::Other(format!("its work took longer than {limit:?}")));
        };
        match request {
            Some(Request::Step(step)) => step(tx).await,
            Some(Request::Over { keep: true }) => return tx.doom().map_or(Ok(()), Err),
            // Or whoever had the work went away with it.
            Some(Request::Over { keep: false }) | None => {
                tx.undo();
                return Ok(());
            }
        }
    }
}
