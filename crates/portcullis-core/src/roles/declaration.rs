//! The roles that a program's code declares: all of them together, checked once.
//!
//! **Invariant:** in a [`Declaration`] every name is a role's and its own, every inherited role is declared too, and no role
//! inherits itself.

use crate::authz::{InvalidName, PermissionRef, RoleRef, valid_role_name};
use crate::defends;
use crate::fault::Fault;
use crate::roles::RoleRecord;
use crate::roles::service::valid_description;
use crate::scopes::{ADMINISTRATOR, OWNER};

/// Why roles of a program's code were not declared. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeclarationError {
    /// The name isn't one.
    #[error("{0:?} can't be declared: {invalid}", invalid = InvalidName::Role)]
    Name(String),
    /// The role is Portcullis' own.
    #[error("the role {0} can't be declared: it is Portcullis' own; give yours another name")]
    Reserved(String),
    /// The description isn't one.
    #[error("the description of the role {0} isn't one line of at most 200 characters that can be seen")]
    Description(String),
    /// Two declarations have one name.
    #[error("the role {0} is declared twice")]
    Twice(String),
    /// An inherited role isn't declared.
    #[error("the role {role} inherits {parent}, which isn't declared beside it")]
    UnknownParent {
        /// The role that inherits.
        role: String,
        /// What it inherits.
        parent: String,
    },
    /// Roles would inherit themselves.
    #[error("the role {0} would inherit itself")]
    Cycle(String),
    /// Somebody made the role, and it would give its holders more than it did.
    #[error(
        "the role {role} was made by somebody and not by code, and whoever has it would gain {}: take it from them, delete it, \
         or have somebody who may give it that first; then start again", .gains.join(", ")
    )]
    Held {
        /// The role.
        role: String,
        /// The permissions and roles that its holders would gain, sorted.
        gains: Vec<String>,
    },
    /// The last person who administers does so by this change's roles.
    #[error(
        "the last person who administers would lose that: give them the role {ADMINISTRATOR} directly, then start again"
    )]
    LastAdministrator,
    /// The store couldn't be reached, read or written.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The roles of a program's code.
#[derive(Debug, Clone, Default)]
pub struct Declaration(Vec<RoleRef>);

impl Declaration {
    /// Checks what code declares.
    ///
    /// # Errors
    /// [`DeclarationError`], for the first role that contradicts itself or another.
    pub fn parse(roles: Vec<RoleRef>) -> Result<Self, DeclarationError> {
        let all = Self(roles);
        for (index, role) in all.0.iter().enumerate() {
            all.check(role, all.0.get(..index).unwrap_or_default())?;
        }
        Ok(all)
    }

    fn check(&self, role: &RoleRef, before: &[RoleRef]) -> Result<(), DeclarationError> {
        defends!("T212");
        let name = || role.name.to_owned();
        if !valid_role_name(role.name) {
            return Err(DeclarationError::Name(name()));
        }
        if matches!(role.name, ADMINISTRATOR | OWNER) {
            return Err(DeclarationError::Reserved(name()));
        }
        if valid_description(role.description).is_err() {
            return Err(DeclarationError::Description(name()));
        }
        if before.iter().any(|other| other.name == role.name) {
            return Err(DeclarationError::Twice(name()));
        }
        if let Some(parent) = role.inherits.iter().find(|parent| !self.names(parent)) {
            return Err(DeclarationError::UnknownParent {
                role: name(),
                parent: (*parent).to_owned(),
            });
        }
        if self.reached_from(role).contains(&role.name) {
            return Err(DeclarationError::Cycle(name()));
        }
        Ok(())
    }

    /// The names of all that a role inherits, over however many steps.
    fn reached_from(&self, role: &RoleRef) -> Vec<&'static str> {
        let mut reached: Vec<&'static str> = Vec::new();
        let mut next: Vec<&'static str> = role.inherits.to_vec();
        while let Some(name) = next.pop() {
            if !reached.contains(&name) {
                reached.push(name);
                let parents = self.0.iter().filter(|one| one.name == name);
                next.extend(parents.flat_map(|one| one.inherits));
            }
        }
        reached
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a role of this name is declared.
    pub fn names(&self, role: &str) -> bool {
        self.0.iter().any(|one| one.name == role)
    }

    /// Every permission that a role of it gives by itself.
    pub fn permissions(&self) -> impl Iterator<Item = &PermissionRef> {
        self.0.iter().flat_map(|role| role.permissions)
    }

    /// The roles as the store keeps them.
    pub fn records(&self) -> Vec<RoleRecord> {
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
        let record = |role: &RoleRef| RoleRecord {
            name: role.name.to_owned(),
            description: role.description.to_owned(),
            permissions: owned(role.permissions.iter().map(|one| one.name).collect()),
            inherits: owned(role.inherits.to_vec()),
        };
        self.0.iter().map(record).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authz::{AuditRead, DecisionsRead, DeclaredRole as _, RoleName as _};
    use crate::checks;

    crate::roles! {
        Auditor = "auditor";
        Reader  = "reader": "Reads" { AuditRead };
        Editor  = "editor": "Writes" inherits(Reader) { AuditRead, DecisionsRead };
        Idle    = "idle": "Does nothing" {};
        Lone    = "lone": "Inherits what nobody declares" inherits(Auditor) { AuditRead };
        Owner   = "organization-owner": "Not one's own" {};
        Admin   = "administrator": "Not one's own" {};
        One     = "one": "In a ring" inherits(Two, Reader) {};
        Two     = "two": "In a ring" inherits(Three) {};
        Three   = "three": "In a ring" inherits(One) {};
    }

    fn refused(roles: &[RoleRef]) -> DeclarationError {
        Declaration::parse(roles.to_vec()).unwrap_err()
    }

    #[test]
    fn roles_that_contradict_each_other_are_refused() {
        checks!("T212");
        use DeclarationError::{Cycle, Description, Name, Reserved, Twice, UnknownParent};
        let (name, parent) = ("editor".to_owned(), "reader".to_owned());
        assert_eq!(refused(&[Editor::ROLE]), UnknownParent { role: name, parent });
        let (role, parent) = ("lone".to_owned(), "auditor".to_owned());
        assert_eq!(refused(&[Lone::ROLE]), UnknownParent { role, parent });
        assert_eq!(refused(&[Reader::ROLE, Reader::ROLE]), Twice("reader".into()));
        let other = RoleRef {
            permissions: &[],
            ..Reader::ROLE
        };
        assert_eq!(
            refused(&[other, Idle::ROLE, Reader::ROLE]),
            Twice("reader".into())
        );
        assert_eq!(refused(&[Owner::ROLE]), Reserved("organization-owner".into()));
        assert_eq!(
            refused(&[Idle::ROLE, Admin::ROLE]),
            Reserved("administrator".into())
        );
        let ring = [Reader::ROLE, One::ROLE, Two::ROLE, Three::ROLE];
        assert_eq!(refused(&ring), Cycle("one".into()));
        let itself = RoleRef {
            inherits: &["idle"],
            ..Idle::ROLE
        };
        assert_eq!(refused(&[itself]), Cycle("idle".into()));
        for name in ["", "Editor", "posts:read", "ed itor", "e/x"] {
            let ill = RoleRef { name, ..Idle::ROLE };
            assert_eq!(refused(&[ill]), Name(name.into()));
        }
        for description in ["two\nlines", "\u{202e}backwards"] {
            let ill = RoleRef {
                description,
                ..Idle::ROLE
            };
            assert_eq!(refused(&[ill]), Description("idle".into()));
        }
    }

    #[test]
    fn roles_are_declared_in_any_order() {
        let declared = Declaration::parse(vec![Editor::ROLE, Reader::ROLE, Idle::ROLE]).unwrap();
        let [editor, reader, idle] = <[_; 3]>::try_from(declared.records()).unwrap();
        assert_eq!(
            (editor.name.as_str(), editor.inherits),
            ("editor", vec!["reader".to_owned()])
        );
        assert_eq!(
            editor.permissions,
            ["portcullis:audit:read", "portcullis:decisions:read"]
        );
        assert_eq!(
            (reader.description.as_str(), reader.permissions.len()),
            ("Reads", 1)
        );
        assert_eq!((idle.permissions.len(), idle.inherits.len()), (0, 0));
        assert!(declared.names("idle") && !declared.names(Auditor::NAME));
        assert_eq!(declared.permissions().count(), 3);
        assert!(!declared.is_empty() && Declaration::default().is_empty());
    }
}
