//! What a program adds to an operation: hooks, which run in the transaction of what they are about.
//!
//! A hook may do more in that transaction, or refuse; then nothing of it is kept. Which hooks there are is each operation's to
//! say, beside it; here is what they share.
//!
//! **Deliberately absent:** a hook that may permit what was refused, and one that runs after the commit.

use std::pin::Pin;
use std::sync::Arc;

use crate::defends;
use crate::fault::Fault;
use crate::problem::{Details, Refusal};

/// Why a hook doesn't let an operation go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    /// It says no.
    #[error("{text}")]
    Refused {
        /// A stable, machine-readable code in `snake_case`.
        code: &'static str,
        /// What to do, for whoever asked.
        text: String,
    },
    /// It can't do its work.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl HookError {
    /// The hook says no: a code in `snake_case`, and a sentence that tells whoever asked what to do.
    pub fn refused(code: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        Self::Refused { code, text }
    }

    /// The same in the name of the hook that says it.
    ///
    /// # Errors
    /// [`Fault`]: it said nothing, but couldn't do its work.
    pub fn by(self, hook: &str) -> Result<HookRefusal, Fault> {
        match self {
            Self::Refused { code, text } => Ok(HookRefusal {
                hook: hook.to_owned(),
                code,
                text,
            }),
            Self::Fault(fault) => Err(fault),
        }
    }
}

/// A hook said no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct HookRefusal {
    /// The hook's name; recorded, and not told outside.
    pub hook: String,
    /// A stable, machine-readable code.
    pub code: &'static str,
    /// What to do, for whoever asked.
    pub text: String,
}

impl Refusal for HookRefusal {
    fn details(&self) -> Details {
        Details::forbidden(self.code)
            .on_record()
            .noted(format!("the hook `{}`", self.hook))
    }
}

/// Work that says whether it is kept.
pub type Work<'w> = Pin<Box<dyn Future<Output = bool> + Send + 'w>>;

/// How it went.
pub type Fate<'w> = Pin<Box<dyn Future<Output = Result<(), Fault>> + Send + 'w>>;

/// Port: runs work in one transaction, which what the ports are asked for meanwhile by the same task is a part of.
pub trait Transactions: Send + Sync {
    /// Runs the work; what it did is kept if it says so.
    ///
    /// # Errors
    /// [`Fault`]: nothing of it was kept, whatever it said.
    fn run<'w>(&'w self, work: Work<'w>) -> Fate<'w>;
}

/// The hooks of one kind, and where they run.
pub struct Hooks<H: ?Sized> {
    transactions: Arc<dyn Transactions>,
    all: Vec<Arc<H>>,
}

impl<H: ?Sized> Hooks<H> {
    /// These hooks in this order; `None` if there are none, so that an operation without needs no transaction around it.
    pub fn new(transactions: Arc<dyn Transactions>, all: Vec<Arc<H>>) -> Option<Self> {
        (!all.is_empty()).then_some(Self { transactions, all })
    }

    /// The hooks in their order.
    pub fn iter(&self) -> impl Iterator<Item = &H> {
        self.all.iter().map(Arc::as_ref)
    }

    /// Runs an operation and its hooks in one transaction, kept if all goes well.
    ///
    /// # Errors
    /// The operation's own; nothing of it was kept.
    pub async fn together<T, E>(&self, work: impl Future<Output = Result<T, E>> + Send) -> Result<T, E>
    where
        T: Send,
        E: From<Fault> + Send,
    {
        defends!("T225");
        let mut outcome = None;
        let fate = self.transactions.run(Box::pin(async {
            let done = work.await;
            outcome.insert(done).is_ok()
        }));
        let fate = fate.await;
        match (outcome, fate) {
            (Some(Err(own)), _) => Err(own),
            (_, Err(fault)) => Err(fault.into()),
            (Some(done), Ok(())) => done,
            (None, Ok(())) => Err(Fault::Other("the work of a transaction was never done".into()).into()),
        }
    }
}

impl<H: ?Sized> std::fmt::Debug for Hooks<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hooks").field("count", &self.all.len()).finish()
    }
}
