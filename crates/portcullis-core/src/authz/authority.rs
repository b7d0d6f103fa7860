//! Who may give and take what accounts may do.
//!
//! [`Authority`] is what somebody has and may use of it: everywhere, or in one organization. What is had everywhere counts in
//! no organization and the other way round, so which of the two it is stands in its type, and the rules differ: those
//! of everywhere are here, those of organizations in [`organization`](crate::organization).
//!
//! A permission opens what asks for it, and a role besides what asks for it by name: a route, a policy, a grant. So who
//! gives a permission has it, and who gives a role has the role itself, with everything it brings. An administrator has
//! all of them. A credential narrowed by scopes has the permissions that these name and no role, as everywhere.
//!
//! Taking makes nobody more powerful, but can shut out: it takes the permissions that go, or the name of a role that has
//! none, and nothing is taken from an
//! account that has a permission of the server's which who takes lacks.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use crate::authz::{PermissionRef, is_the_servers};
use crate::defends;
use crate::scopes::{ADMINISTRATOR, Missing, Scopes};

/// What somebody may do to others' roles and accounts, within the bounds that `Over` names: [`Everywhere`], or
/// [`InAnOrganization`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority<Over> {
    who: Who,
    over: PhantomData<Over>,
}

/// Of an [`Authority`]: by what the account is everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Everywhere {}

/// Of an [`Authority`]: by what the account is in one organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InAnOrganization {}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    /// Somebody at the machine's own command line.
    Operator,
    /// An account, by a credential.
    Account(Brings),
    /// Nobody who may do anything.
    Nobody,
}

/// What a role brings to whoever has it, or all roles of an account together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brings {
    /// The roles themselves and all that they inherit.
    pub roles: BTreeSet<String>,
    /// All permissions of these.
    pub permissions: BTreeSet<String>,
}

impl Brings {
    /// Whether it brings something of the server's, and so is given in no organization.
    pub fn is_the_servers(&self) -> bool {
        self.roles.contains(ADMINISTRATOR) || self.permissions.iter().any(|name| is_the_servers(name))
    }
}

impl<Over> Authority<Over> {
    /// That of somebody at the machine's own command line.
    pub const OPERATOR: Self = Self::of(Who::Operator);

    /// That of nobody who may do anything.
    pub const NOBODY: Self = Self::of(Who::Nobody);

    /// That of an account with everything its roles bring.
    pub const fn of_account(brings: Brings) -> Self {
        Self::of(Who::Account(brings))
    }

    const fn of(who: Who) -> Self {
        Self {
            who,
            over: PhantomData,
        }
    }

    /// The same by a credential that is narrowed to scopes: no role, as everywhere, and of the permissions those that the
    /// scopes name.
    #[must_use]
    pub fn narrowed(mut self, scopes: &Scopes) -> Self {
        defends!("T071");
        if let Who::Account(own) = &mut self.who
            && *scopes != Scopes::Everything
        {
            own.roles.clear();
            own.permissions.retain(|name| scopes.include(name));
        }
        self
    }

    /// Whether it is the operator's.
    pub fn is_the_operators(&self) -> bool {
        matches!(self.who, Who::Operator)
    }

    /// What the account has and may use of it; `None` if it is no account's.
    pub fn account(&self) -> Option<&Brings> {
        match &self.who {
            Who::Account(own) => Some(own),
            Who::Operator | Who::Nobody => None,
        }
    }
}

impl Authority<Everywhere> {
    /// What is missing to use `needed` and to give or take these permissions.
    pub fn missing<'n>(
        &self,
        needed: PermissionRef,
        permissions: impl IntoIterator<Item = &'n String>,
    ) -> Missing {
        if self.is_the_operators() {
            return Missing::new();
        }
        let asked: BTreeSet<&str> = permissions
            .into_iter()
            .map(String::as_str)
            .chain([needed.name])
            .collect();
        let has = |name: &str| self.account().is_some_and(|own| own.permissions.contains(name));
        let missing = asked.into_iter().filter(|name| !has(name));
        missing.map(str::to_owned).collect()
    }

    /// What is missing to use `needed` and to give somebody the role.
    pub fn missing_to_give(&self, needed: PermissionRef, role: &Brings) -> Missing {
        defends!("T089");
        let mut missing = self.missing(needed, &role.permissions);
        missing.extend(role.roles.iter().filter(|name| !self.has_role(name)).cloned());
        if self.has_role(ADMINISTRATOR) {
            missing.clear();
        }
        missing
    }

    /// What is missing to use `needed` and to take the role from somebody: its permissions, and its name if it brings none,
    /// as in organizations. What is asked for by name alone only who has the name, or an administrator, takes or deletes.
    pub fn missing_to_take(&self, needed: PermissionRef, role: &Brings) -> Missing {
        defends!("T178");
        let mut missing = self.missing(needed, &role.permissions);
        if role.permissions.is_empty() && !self.has_role(ADMINISTRATOR) {
            missing.extend(role.roles.iter().filter(|name| !self.has_role(name)).cloned());
        }
        if role.roles.contains(ADMINISTRATOR) {
            missing.extend(self.missing_to_administer());
        }
        missing
    }

    /// What is missing to do what only administrators do.
    pub fn missing_to_administer(&self) -> Missing {
        let missing = (!self.has_role(ADMINISTRATOR)).then(|| ADMINISTRATOR.to_owned());
        missing.into_iter().collect()
    }

    /// What is missing to use `needed` and to lock, end or take something of an account that has these permissions: those
    /// of the server's among them.
    pub fn missing_over<'n>(
        &self,
        needed: PermissionRef,
        permissions: impl IntoIterator<Item = &'n String>,
    ) -> Missing {
        defends!("T090");
        self.missing(
            needed,
            permissions.into_iter().filter(|name| is_the_servers(name)),
        )
    }

    fn has_role(&self, name: &str) -> bool {
        self.is_the_operators() || self.account().is_some_and(|own| own.roles.contains(name))
    }
}

#[cfg(test)]
mod tests;
