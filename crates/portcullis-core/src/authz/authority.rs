//! Who may give and take what accounts may do.
//!
//! A permission opens what asks for it, and a role besides what asks for it by name: a route, a policy, a grant. So who
//! gives a permission has it, and who gives a role has the role itself, with everything it brings. An administrator has
//! all of them. A credential narrowed by scopes has the permissions that these name and no role, as everywhere.
//!
//! Taking makes nobody more powerful, but can shut out: it takes the permissions that go, or the name of a role that has
//! none, and nothing is taken from an
//! account that has a permission of the server's which who takes lacks.

use std::collections::BTreeSet;

use crate::authz::{PermissionRef, is_the_servers};
use crate::defends;
use crate::scopes::{ADMINISTRATOR, Lacks, Scopes};

/// What somebody may do to others' roles and accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authority {
    /// Somebody at the machine's own command line.
    Operator,
    /// An account, by a credential.
    Account {
        /// Its roles, those they inherit included; none if scopes narrow the credential.
        roles: BTreeSet<String>,
        /// The permissions that the credential may use.
        permissions: BTreeSet<String>,
    },
    /// Nobody who may do anything.
    Nobody,
}

/// What a role brings to whoever has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brings {
    /// Itself and all roles it inherits.
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

impl Authority {
    /// That of an account with these roles and permissions, narrowed to the scopes of its credential.
    pub fn of_account(roles: Vec<String>, permissions: Vec<String>, scopes: &Scopes) -> Self {
        let narrowed = *scopes != Scopes::Everything;
        Self::Account {
            roles: roles.into_iter().filter(|_| !narrowed).collect(),
            permissions: permissions
                .into_iter()
                .filter(|name| scopes.include(name))
                .collect(),
        }
    }

    /// What is missing to use `needed` and to give or take these permissions.
    pub fn lacks<'n>(
        &self,
        needed: PermissionRef,
        permissions: impl IntoIterator<Item = &'n String>,
    ) -> Lacks {
        let own = match self {
            Self::Operator => return Lacks::new(),
            Self::Account { permissions, .. } => permissions,
            Self::Nobody => &BTreeSet::new(),
        };
        let asked: BTreeSet<&str> = permissions
            .into_iter()
            .map(String::as_str)
            .chain([needed.name])
            .collect();
        let missing = asked.into_iter().filter(|name| !own.contains(*name));
        missing.map(str::to_owned).collect()
    }

    /// What is missing to use `needed` and to give somebody the role.
    pub fn lacks_to_give(&self, needed: PermissionRef, role: &Brings) -> Lacks {
        defends!("T089");
        let mut missing = self.lacks(needed, &role.permissions);
        missing.extend(role.roles.iter().filter(|name| !self.has_role(name)).cloned());
        if self.has_role(ADMINISTRATOR) {
            missing.clear();
        }
        missing
    }

    /// What is missing to use `needed` and to take the role from somebody: its permissions, and its name if it brings none,
    /// as in organizations. What is asked for by name alone only who has the name, or an administrator, takes or deletes.
    pub fn lacks_to_take(&self, needed: PermissionRef, role: &Brings) -> Lacks {
        defends!("T178");
        let mut missing = self.lacks(needed, &role.permissions);
        if role.permissions.is_empty() && !self.has_role(ADMINISTRATOR) {
            missing.extend(role.roles.iter().filter(|name| !self.has_role(name)).cloned());
        }
        if role.roles.contains(ADMINISTRATOR) {
            missing.extend(self.lacks_to_administer());
        }
        missing
    }

    /// What is missing to do what only administrators do.
    pub fn lacks_to_administer(&self) -> Lacks {
        let missing = (!self.has_role(ADMINISTRATOR)).then(|| ADMINISTRATOR.to_owned());
        missing.into_iter().collect()
    }

    /// What is missing to use `needed` and to lock, end or take something of an account that has these permissions: those
    /// of the server's among them.
    pub fn lacks_over<'n>(
        &self,
        needed: PermissionRef,
        permissions: impl IntoIterator<Item = &'n String>,
    ) -> Lacks {
        defends!("T090");
        self.lacks(
            needed,
            permissions.into_iter().filter(|name| is_the_servers(name)),
        )
    }

    fn has_role(&self, name: &str) -> bool {
        match self {
            Self::Operator => true,
            Self::Account { roles, .. } => roles.contains(name),
            Self::Nobody => false,
        }
    }
}

#[cfg(test)]
mod tests;
