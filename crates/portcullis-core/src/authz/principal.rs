//! The verified identity a handler gets.

use std::sync::Arc;

use crate::api_key::Terms;
use crate::attribute::{Attribute, Attributes, Held};
use crate::authz::{CredentialKind, PermissionId, PermissionSet};
use crate::environment::Timestamp;
use crate::scopes::Scopes;
use crate::session::{Assurance, Method};
use crate::signature::Signer;
use crate::{account, api_key, defends, session, token};

/// What an account is and may do, read at once: a principal is built from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountFacts {
    /// The account itself, with its state and its stamp.
    pub account: account::Account,
    /// All its roles, those it inherits included.
    pub roles: Vec<String>,
    /// All its permissions, those it inherits included.
    pub permissions: Vec<String>,
    /// What the program knows of it.
    pub attributes: Attributes,
}

/// What an account is and may do, compiled for deciding. Shared by all principals of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The account itself, with its state and its stamp.
    pub account: account::Account,
    /// What it may do.
    pub rights: Arc<Rights>,
    /// What the program knows of it.
    pub attributes: Attributes,
}

/// What an account may do. Accounts with the same roles share one in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Rights {
    /// All roles, sorted.
    pub roles: Vec<String>,
    /// All permissions by name, sorted.
    pub permission_names: Vec<String>,
    /// Those of the permissions that this process's code declares.
    pub permissions: PermissionSet,
}

impl From<AccountFacts> for Facts {
    fn from(facts: AccountFacts) -> Self {
        let AccountFacts {
            account,
            mut roles,
            mut permissions,
            attributes,
        } = facts;
        roles.sort();
        permissions.sort();
        let set = PermissionSet::of_names(permissions.iter().map(String::as_str));
        let rights = Rights {
            roles,
            permission_names: permissions,
            permissions: set,
        };
        Self {
            account,
            rights: Arc::new(rights),
            attributes,
        }
    }
}

impl Facts {
    /// Whether the account has the permission of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        let names = &self.rights.permission_names;
        names.binary_search_by(|known| known.as_str().cmp(name)).is_ok()
    }

    /// What the account may do and the scopes leave in.
    pub(crate) fn within(&self, scopes: &Scopes) -> PermissionSet {
        defends!("T024");
        match scopes {
            Scopes::Everything => self.rights.permissions.clone(),
            Scopes::Only(names) => {
                let asked = PermissionSet::of_names(names.iter().map(String::as_str));
                self.rights.permissions.intersection(&asked)
            }
        }
    }
}

/// Role: the verified identity of a caller.
///
/// It is made by the [`Authenticator`](crate::authn::Authenticator) only. What it may do is at most what its account may
/// do, narrowed by its credential's scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub(crate) facts: Arc<Facts>,
    pub(crate) kind: CredentialKind,
    pub(crate) session: Option<session::Id>,
    pub(crate) token: Option<(token::Id, Timestamp)>,
    pub(crate) method: Option<Method>,
    pub(crate) assurance: Option<Assurance>,
    pub(crate) authenticated_at: Option<Timestamp>,
    pub(crate) scopes: Scopes,
    pub(crate) effective: PermissionSet,
    pub(crate) key: Option<Arc<Terms>>,
    pub(crate) signer: Option<Arc<Signer>>,
}

impl Principal {
    /// The account that acts.
    pub fn account(&self) -> &account::Account {
        &self.facts.account
    }

    /// The id of the account that acts.
    pub fn id(&self) -> account::Id {
        self.facts.account.id
    }

    /// The session the credential belongs to.
    pub fn session(&self) -> Option<session::Id> {
        self.session
    }

    /// The access token's `jti` and expiry, if the caller came with one.
    pub fn token(&self) -> Option<(token::Id, Timestamp)> {
        self.token
    }

    /// The API key, if the caller came with one.
    pub fn api_key(&self) -> Option<api_key::Id> {
        self.key.as_ref().map(|terms| terms.id)
    }

    /// Who signed, if the caller came with a signature. The account is one of this name then that has no record anywhere.
    pub fn signer(&self) -> Option<&Signer> {
        self.signer.as_deref()
    }

    /// What the caller presented.
    pub fn kind(&self) -> CredentialKind {
        self.kind
    }

    /// How the login was made; `None` for a credential that stands for no login.
    pub fn method(&self) -> Option<Method> {
        self.method
    }

    /// How sure the login makes us; `None` for a credential that stands for no login, or whose issuer doesn't say.
    pub fn assurance(&self) -> Option<Assurance> {
        self.assurance
    }

    /// When the login was made: not when the token was refreshed. `None` for a credential that stands for no login.
    pub fn authenticated_at(&self) -> Option<Timestamp> {
        self.authenticated_at
    }

    /// The scopes the credential is narrowed to.
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// All roles of the account.
    pub fn roles(&self) -> &[String] {
        &self.facts.rights.roles
    }

    /// The account's value of an attribute of the program's own; `None` if it has none.
    pub fn attribute<T: Held>(&self, attribute: Attribute<T>) -> Option<T> {
        self.facts.attributes.get(attribute)
    }

    /// Whether the account has the role. A credential narrowed by scopes carries no roles: a role could allow what
    /// the scopes leave out.
    pub fn has_role(&self, name: &str) -> bool {
        self.is_unscoped() && self.facts.rights.roles.iter().any(|role| role == name)
    }

    /// Whether no scopes narrow the credential.
    pub fn is_unscoped(&self) -> bool {
        self.scopes == Scopes::Everything
    }

    /// Whether account and scopes both allow it.
    pub fn may(&self, permission: PermissionId) -> bool {
        self.effective.contains(permission)
    }

    /// Whether the account itself may do it, whatever the credential's scopes.
    pub fn account_may(&self, permission: PermissionId) -> bool {
        self.facts.rights.permissions.contains(permission)
    }

    /// The names of all permissions the credential may use, sorted.
    pub fn permissions(&self) -> Vec<&str> {
        self.facts
            .rights
            .permission_names
            .iter()
            .map(String::as_str)
            .filter(|name| self.scopes.include(name))
            .collect()
    }
}
