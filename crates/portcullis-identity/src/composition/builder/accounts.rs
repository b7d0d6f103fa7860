//! What a program adds to its accounts: tables beside theirs, hooks, attributes, claims.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::account::RegistrationHook;
use portcullis_core::administration::Accounts;
use portcullis_core::attribute::{Declared, Definition, InvalidAttribute};
use portcullis_core::fault::Fault;
use portcullis_core::hook::Hooks;
use portcullis_core::login::LoginHook;
use portcullis_core::token::{self, InvalidClaim, OwnClaim, OwnClaims};
use portcullis_store::Database;

use super::{Builder, OpenError};
use crate::hook::{HookError, InTransaction, LoggingIn, Named, Registering};

/// What a program adds to the database and to what happens in it.
#[derive(Clone)]
pub(super) struct Own {
    tables: Vec<&'static str>,
    limit: Duration,
    hook_limit: Duration,
    registration: Vec<Named<Registering>>,
    login: Vec<Named<LoggingIn>>,
    attributes: Vec<Definition>,
    claims: Vec<OwnClaim>,
}

impl Default for Own {
    fn default() -> Self {
        Self {
            tables: Vec::new(),
            limit: Duration::from_secs(5),
            hook_limit: Duration::from_secs(1),
            registration: Vec::new(),
            login: Vec::new(),
            attributes: Vec::new(),
            claims: Vec::new(),
        }
    }
}

impl Own {
    /// Checks what needs no database.
    pub(super) fn check(&self) -> Result<(), OpenError> {
        self.attributes()?;
        one_of_each("registration", &self.registration)?;
        one_of_each("login", &self.login)?;
        if self.limit.is_zero() || self.hook_limit.is_zero() {
            return Err(OpenError::NoTime);
        }
        Ok(())
    }

    pub(super) async fn make_tables(&self, database: &Database) -> Result<(), Fault> {
        match self.tables.as_slice() {
            [] => Ok(()),
            tables => database.make_tables(tables).await,
        }
    }

    pub(super) fn attributes(&self) -> Result<Declared, InvalidAttribute> {
        Declared::new(self.attributes.clone())
    }

    /// What tokens carry besides.
    ///
    /// # Errors
    /// [`OpenError::Claim`]; attributes were checked before.
    pub(super) fn claims(&self, tokens: &token::Settings) -> Result<OwnClaims, InvalidClaim> {
        let attributes = self.attributes().unwrap_or_default();
        OwnClaims::new(self.claims.clone(), attributes, &tokens.resources)
    }

    pub(super) fn transaction_limit(&self) -> Duration {
        self.limit
    }

    pub(super) fn at_registration(
        &self,
        accounts: &Accounts,
        database: &Database,
    ) -> Option<Hooks<dyn RegistrationHook>> {
        let on = |hook: &Named<Registering>| {
            Arc::new(hook.clone().on(accounts, database, self.hook_limit)) as Arc<dyn RegistrationHook>
        };
        self.hooks(database, self.registration.iter().map(on).collect())
    }

    pub(super) fn at_login(&self, accounts: &Accounts, database: &Database) -> Option<Hooks<dyn LoginHook>> {
        let on = |hook: &Named<LoggingIn>| {
            Arc::new(hook.clone().on(accounts, database, self.hook_limit)) as Arc<dyn LoginHook>
        };
        self.hooks(database, self.login.iter().map(on).collect())
    }

    fn hooks<H: ?Sized>(&self, database: &Database, all: Vec<Arc<H>>) -> Option<Hooks<H>> {
        // Each hook has its own limit; this is for those that never give way, and for the statements around them.
        let hooks = u32::try_from(all.len()).unwrap_or(u32::MAX);
        let transactions = InTransaction {
            database: database.clone(),
            limit: self.hook_limit.saturating_mul(hooks).saturating_add(self.limit),
        };
        Hooks::new(Arc::new(transactions), all)
    }
}

/// Refuses a name that two hooks of one kind have: a refusal must tell which one it was.
fn one_of_each<A: Send + 'static>(kind: &'static str, hooks: &[Named<A>]) -> Result<(), OpenError> {
    for (index, hook) in hooks.iter().enumerate() {
        let name = hook.name();
        if name.is_empty() || hooks.iter().take(index).any(|other| other.name() == name) {
            return Err(OpenError::Hook(kind, name.to_owned()));
        }
    }
    Ok(())
}

impl Builder {
    /// Tables and indexes of the program's own, made in the same database where they aren't there yet: a statement each,
    /// `CREATE TABLE IF NOT EXISTS …` or `CREATE [UNIQUE] INDEX IF NOT EXISTS …`. They may refer to
    /// `portcullis_accounts (id)`, whose type is `BLOB` on SQLite and `uuid` on PostgreSQL. Names that begin with `portcullis_`
    /// are taken. Tables that change over time are better led on by a tool of migrations.
    pub fn tables(mut self, statements: impl IntoIterator<Item = &'static str>) -> Self {
        self.own.tables.extend(statements);
        self
    }

    /// Calls `hook` whenever a person's account is registered, in the transaction that registers it: by themself, by an
    /// administrator or operator, as the first administrator. What it writes by [`Registering::tx`] is kept with the account.
    /// [`HookError::refused`] registers nobody: the answer is a 403 with its code and sentence, and `portcullis why` names the hook.
    ///
    /// ```
    /// # use portcullis_identity::{HookError, Portcullis};
    /// let builder = Portcullis::builder()
    ///     .tables(["CREATE TABLE IF NOT EXISTS profiles (account BLOB PRIMARY KEY, nickname TEXT NOT NULL)"])
    ///     .on_registration("profile", |new| async move {
    ///         let Some(name) = new.account.username else {
    ///             return Err(HookError::refused("username_required", "choose a user name, too"));
    ///         };
    ///         let sql = "INSERT INTO profiles (account, nickname) VALUES ($1, $2)";
    ///         new.tx.execute(sql, [new.account.id.into(), name.into()]).await?;
    ///         Ok(())
    ///     });
    /// ```
    ///
    /// Everybody who writes to SQLite waits for it: a second at most ([`Builder::hook_limit`]). If it panics, takes longer or
    /// meets a fault, nobody is registered, the answer is a 500 or 503 and the log names the hook.
    pub fn on_registration<F, W>(mut self, name: &str, hook: F) -> Self
    where
        F: Fn(Registering) -> W + Send + Sync + 'static,
        W: Future<Output = Result<(), HookError>> + Send + 'static,
    {
        self.own.registration.push(Named::new(name, hook));
        self
    }

    /// Calls `hook` whenever somebody logs in with a right password, before the session is opened and in the same transaction;
    /// otherwise as [`Builder::on_registration`]. A refused login is in the audit log with the hook's name. It isn't called when
    /// tokens are refreshed, nor for API keys and HTTP Basic.
    pub fn on_login<F, W>(mut self, name: &str, hook: F) -> Self
    where
        F: Fn(LoggingIn) -> W + Send + Sync + 'static,
        W: Future<Output = Result<(), HookError>> + Send + 'static,
    {
        self.own.login.push(Named::new(name, hook));
        self
    }

    /// An attribute that accounts may have, such as a department. Administrators set it
    /// (`PATCH /admin/api/v1/accounts/{account}/attributes`), the program by
    /// [`Accounts::change_attributes`](portcullis_core::administration::Accounts::change_attributes), a hook by
    /// [`Registering::set`]; a handler reads it of its caller.
    ///
    /// ```
    /// use portcullis_identity::{Allow, Attribute, Authenticated, Portcullis};
    ///
    /// const DEPARTMENT: Attribute<String> = Attribute::new("department").in_policies().in_tokens();
    ///
    /// async fn desk(who: Allow<Authenticated>) -> String {
    ///     who.attribute(DEPARTMENT).unwrap_or_else(|| "reception".to_owned())
    /// }
    ///
    /// let builder = Portcullis::builder().attribute(DEPARTMENT);
    /// ```
    ///
    /// Two of one name, or a name with a meaning of its own (`sub`, `exp`, `email` …), are refused when the database is opened.
    pub fn attribute(mut self, attribute: impl Into<Definition>) -> Self {
        self.own.attributes.push(attribute.into());
        self
    }

    /// A claim of the program's own in access tokens, computed whenever one is issued: at logins and refreshes.
    ///
    /// ```
    /// # use portcullis_identity::{OwnClaim, Portcullis};
    /// let builder = Portcullis::builder()
    ///     .resource("https://blog.example.com")
    ///     .claim(OwnClaim::new("tier", |whose| {
    ///         let proven = whose.account.email_verified_at.is_some();
    ///         Some(if proven { "full" } else { "trial" }.into())
    ///     }))
    ///     .claim(OwnClaim::new("blog", |_| Some("editor".into())).only_for("https://blog.example.com"));
    /// ```
    ///
    /// It runs in the request: what takes time is better kept as an attribute ([`Builder::attribute`]). Services that verify tokens
    /// without asking back see it until the token expires. A name with a meaning of its own (`sub`, `exp`, `email` …), or two of one
    /// name in the same tokens, are refused when the database is opened. Where all claims together would make the token longer than
    /// a request's line may be, own claims are left out and the log says so.
    pub fn claim(mut self, claim: OwnClaim) -> Self {
        self.own.claims.push(claim);
        self
    }

    /// How long one call of a hook may take: a second.
    pub fn hook_limit(mut self, limit: Duration) -> Self {
        self.own.hook_limit = limit;
        self
    }

    /// How long a [`Portcullis::transaction`](crate::Portcullis::transaction) may take: five seconds.
    pub fn transaction_limit(mut self, limit: Duration) -> Self {
        self.own.limit = limit;
        self
    }
}
