//! The decision.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::{PermissionRef, Principal, Requirement, Rule};
use crate::audit;
use crate::environment::Timestamp;

/// Why a known caller was refused. Closed on purpose: whoever answers a refusal handles each kind.
#[derive(Debug, Clone, Copy)]
pub enum Denied {
    /// The account lacks a permission.
    MissingPermission(PermissionRef),
    /// The account has the permission, the credential's scopes leave it out.
    InsufficientScope(PermissionRef),
    /// The account lacks a role, or the credential is narrowed by scopes.
    MissingRole(&'static str),
    /// The login is older than this many seconds.
    StaleLogin(u32),
    /// None of the alternatives holds.
    NoAlternative(&'static [Rule]),
}

impl Denied {
    /// A stable, machine-readable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MissingPermission(_) => "missing_permission",
            Self::InsufficientScope(_) => "insufficient_scope",
            Self::MissingRole(_) => "missing_role",
            Self::StaleLogin(_) => "login_too_old",
            Self::NoAlternative(_) => "no_alternative",
        }
    }

    /// What the caller lacks, in the form of a [`Rule`].
    pub const fn lacking(&self) -> Rule {
        match *self {
            Self::MissingPermission(permission) | Self::InsufficientScope(permission) => {
                Rule::Permission(permission)
            }
            Self::MissingRole(name) => Rule::Role(name),
            Self::StaleLogin(seconds) => Rule::FreshLogin(seconds),
            Self::NoAlternative(rules) => Rule::Any(rules),
        }
    }
}

/// Role: decider. Whether `principal` satisfies `rule` at `now`.
///
/// # Errors
/// [`Denied`], naming the first thing that is missing.
pub fn decide(rule: &Rule, principal: &Principal, now: Timestamp) -> Result<(), Denied> {
    match *rule {
        Rule::Public | Rule::Authenticated => Ok(()),
        Rule::Permission(permission) => {
            let id = (permission.id)();
            if principal.may(id) {
                Ok(())
            } else if principal.account_may(id) {
                Err(Denied::InsufficientScope(permission))
            } else {
                Err(Denied::MissingPermission(permission))
            }
        }
        Rule::Role(name) if principal.has_role(name) => Ok(()),
        Rule::Role(name) => Err(Denied::MissingRole(name)),
        Rule::FreshLogin(seconds) => fresh_login(seconds, principal, now),
        Rule::All(rules) => rules.iter().try_for_each(|rule| decide(rule, principal, now)),
        Rule::Any(rules) if rules.iter().any(|rule| decide(rule, principal, now).is_ok()) => Ok(()),
        Rule::Any(rules) => Err(Denied::NoAlternative(rules)),
    }
}

fn fresh_login(seconds: u32, principal: &Principal, now: Timestamp) -> Result<(), Denied> {
    let fresh_until = principal
        .authenticated_at()
        .plus(Duration::from_secs(seconds.into()));
    if principal.kind().is_personal() && now < fresh_until {
        Ok(())
    } else {
        Err(Denied::StaleLogin(seconds))
    }
}

/// Proof that the requirement `R` was satisfied. Only a decision makes one, or the command line of the machine
/// that holds the database.
pub struct Permit<R> {
    principal: Option<Arc<Principal>>,
    requirement: PhantomData<fn() -> R>,
}

impl<R: Requirement> Permit<R> {
    /// Decides, and proves it.
    ///
    /// # Errors
    /// [`Denied`], naming the first thing that is missing.
    pub fn decide(principal: Arc<Principal>, now: Timestamp) -> Result<Self, Denied> {
        decide(&R::RULE, &principal, now)?;
        Ok(Self {
            principal: Some(principal),
            requirement: PhantomData,
        })
    }

    /// For someone at the command line of the machine that holds the database: whoever can read its files could do
    /// anything anyway. Never call it on behalf of a request.
    pub fn dangerous_for_operator() -> Self {
        Self {
            principal: None,
            requirement: PhantomData,
        }
    }

    /// Who acts, for the audit log.
    pub fn actor(&self) -> audit::Actor {
        match &self.principal {
            Some(principal) => audit::Actor::Account(principal.id()),
            None => audit::Actor::Operator,
        }
    }
}

impl<R> Clone for Permit<R> {
    fn clone(&self) -> Self {
        Self {
            principal: self.principal.clone(),
            requirement: PhantomData,
        }
    }
}

impl<R> std::fmt::Debug for Permit<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
