//! A program's own code in the transaction of a registration or a login.
//!
//! Flow: the builder takes a function and its name → the operation of `portcullis-core` calls it as a hook, in its
//! transaction → what it writes there is kept with the account or session, or, if it refuses, nothing is.
//!
//! Invariant: a hook that panics, or doesn't end in time, refuses as a fault: nobody is registered or logged in (`T226`).

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use portcullis_core::account::{Account, AccountsError, RegistrationHook};
use portcullis_core::administration::Accounts;
use portcullis_core::attribute::AttributeChange;
use portcullis_core::fault::Fault;
pub use portcullis_core::hook::HookError;
use portcullis_core::hook::{Fate, Transactions, Work};
use portcullis_core::login::{Delivery, LoginHook, OpeningSession};
use portcullis_core::session::Device;
use portcullis_core::{audit, defends};
use portcullis_store::{Database, Transaction};

/// An account that is being registered: it is written, and kept if every hook agrees.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Registering {
    /// The account as it was written. Anybody may register with any address: it is proven only if
    /// [`Account::email_verified_at`] says so.
    pub account: Account,
    /// Who registers it, when and from where: itself, an administrator, the operator.
    pub by: audit::Context,
    /// The transaction that it is registered in.
    pub tx: Transaction,
    accounts: Accounts,
}

impl Registering {
    /// Changes attributes of the account, in the program's name.
    ///
    /// # Errors
    /// [`HookError::Fault`]: nobody declared one of them, or its value is too long.
    pub async fn set(&self, changes: impl IntoIterator<Item = AttributeChange>) -> Result<(), HookError> {
        set(&self.accounts, &self.account, changes).await
    }
}

/// A login whose password is right: its session is opened if every hook agrees.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LoggingIn {
    /// Who logs in.
    pub account: Account,
    /// What the device is to get.
    pub delivery: Delivery,
    /// What the session is to be narrowed to; `None` is everything that the account may do.
    pub scopes: Option<Vec<String>>,
    /// The device, as far as it is known.
    pub device: Device,
    /// When and from where.
    pub by: audit::Context,
    /// The transaction that the session is opened in, where sessions are in the database.
    pub tx: Transaction,
    accounts: Accounts,
}

impl LoggingIn {
    /// Changes attributes of the account, in the program's name: its tokens carry what is set here.
    ///
    /// # Errors
    /// [`HookError::Fault`]: nobody declared one of them, or its value is too long.
    pub async fn set(&self, changes: impl IntoIterator<Item = AttributeChange>) -> Result<(), HookError> {
        set(&self.accounts, &self.account, changes).await
    }
}

async fn set(
    accounts: &Accounts,
    account: &Account,
    changes: impl IntoIterator<Item = AttributeChange>,
) -> Result<(), HookError> {
    let changed = accounts.change_attributes_by_program(account.id, changes).await;
    changed.map_err(|error| match error {
        AccountsError::Fault(fault) => fault.into(),
        // What a program sets is its own to know.
        other => Fault::Other(other.to_string()).into(),
    })
}

/// A function of the program, erased.
type Function<A> = dyn Fn(A) -> futures_util::future::BoxFuture<'static, Result<(), HookError>> + Send + Sync;

/// A hook that a builder was given.
pub(crate) struct Named<A> {
    name: String,
    function: Arc<Function<A>>,
}

impl<A> Clone for Named<A> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            function: Arc::clone(&self.function),
        }
    }
}

impl<A: Send + 'static> Named<A> {
    pub(crate) fn new<F, W>(name: &str, function: F) -> Self
    where
        F: Fn(A) -> W + Send + Sync + 'static,
        W: Future<Output = Result<(), HookError>> + Send + 'static,
    {
        // What the function does before its first wait may panic, too.
        let function = Arc::new(function);
        Self {
            name: name.to_owned(),
            function: Arc::new(move |about| {
                let function = Arc::clone(&function);
                async move { function(about).await }.boxed()
            }),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The hook on this database, which has so long.
    pub(crate) fn on(self, accounts: &Accounts, database: &Database, limit: Duration) -> OnDatabase<A> {
        OnDatabase {
            hook: self,
            accounts: accounts.clone(),
            database: database.clone(),
            limit,
        }
    }
}

/// A hook where it runs.
pub(crate) struct OnDatabase<A> {
    hook: Named<A>,
    accounts: Accounts,
    database: Database,
    limit: Duration,
}

impl<A: Send + 'static> OnDatabase<A> {
    async fn call(&self, about: impl FnOnce(Transaction) -> A) -> Result<(), HookError> {
        defends!("T226");
        let tx = self.database.open_transaction();
        let tx = tx.ok_or_else(|| self.fault("was called outside of a transaction"))?;
        let work = AssertUnwindSafe((self.hook.function)(about(tx))).catch_unwind();
        match tokio::time::timeout(self.limit, work).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(self.fault("panicked").into()),
            Err(_) => Err(self
                .fault(format_args!("did not end within {:?}", self.limit))
                .into()),
        }
    }

    fn fault(&self, what: impl std::fmt::Display) -> Fault {
        Fault::Other(format!("the hook `{}` {what}", self.hook.name))
    }
}

#[async_trait]
impl RegistrationHook for OnDatabase<Registering> {
    fn name(&self) -> &str {
        &self.hook.name
    }

    async fn registered(&self, account: &Account, by: &audit::Context) -> Result<(), HookError> {
        self.call(|tx| Registering {
            account: account.clone(),
            by: by.clone(),
            tx,
            accounts: self.accounts.clone(),
        })
        .await
    }
}

#[async_trait]
impl LoginHook for OnDatabase<LoggingIn> {
    fn name(&self) -> &str {
        &self.hook.name
    }

    async fn logging_in(&self, opening: OpeningSession<'_>) -> Result<(), HookError> {
        self.call(|tx| LoggingIn {
            account: opening.account.clone(),
            delivery: opening.delivery,
            scopes: opening.scopes.map(<[_]>::to_vec),
            device: opening.device.clone(),
            by: opening.by.clone(),
            tx,
            accounts: self.accounts.clone(),
        })
        .await
    }
}

/// Where hooks run: a transaction of the database, bounded in time.
pub(crate) struct InTransaction {
    pub(crate) database: Database,
    pub(crate) limit: Duration,
}

/// Why work isn't kept.
enum Undone {
    Asked,
    Fault(Fault),
}

impl From<Fault> for Undone {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Transactions for InTransaction {
    fn run<'w>(&'w self, work: Work<'w>) -> Fate<'w> {
        Box::pin(async move {
            let kept = self.database.transaction(self.limit, |_| async move {
                work.await.then_some(()).ok_or(Undone::Asked)
            });
            match kept.await {
                Ok(()) | Err(Undone::Asked) => Ok(()),
                Err(Undone::Fault(fault)) => Err(fault),
            }
        })
    }
}
