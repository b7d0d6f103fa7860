//! Who may give and take which roles.

use std::collections::BTreeSet;

use super::OWNER;
use crate::authz::{MembersWrite, Permission as _, is_the_servers};
use crate::defends;
use crate::scopes::{ADMINISTRATOR, Scopes};

/// What somebody may do about others' roles in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authority {
    /// Somebody at the machine's own command line.
    Operator,
    /// A member, with everything they have in the organization.
    Member {
        /// Roles, those they inherit included.
        roles: BTreeSet<String>,
        /// Permissions, those they inherit included.
        permissions: BTreeSet<String>,
    },
    /// Nobody of this organization.
    Stranger,
}

/// A role and everything it brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleFacts {
    /// The role's name, as the database has it.
    pub name: String,
    /// Its own name and those of the roles it inherits.
    pub roles: BTreeSet<String>,
    /// Its permissions, those it inherits included.
    pub permissions: BTreeSet<String>,
}

impl RoleFacts {
    /// Whether it is the server's, and never a tenant's.
    pub fn is_the_servers(&self) -> bool {
        self.roles.contains(ADMINISTRATOR) || self.permissions.iter().any(|name| is_the_servers(name))
    }
}

impl Authority {
    /// The same by a credential that is narrowed to scopes: no role, as everywhere, and of the permissions those that the
    /// scopes name.
    #[must_use]
    pub fn narrowed(self, scopes: &Scopes) -> Self {
        defends!("T071");
        match self {
            Self::Member { mut permissions, .. } if *scopes != Scopes::Everything => {
                permissions.retain(|name| scopes.include(name));
                Self::Member {
                    roles: BTreeSet::new(),
                    permissions,
                }
            }
            unchanged => unchanged,
        }
    }

    /// Whether they are an owner.
    pub fn is_owner(&self) -> bool {
        matches!(self, Self::Member { roles, .. } if roles.contains(OWNER))
    }

    /// Whether they may change who is a member at all.
    pub fn may_manage(&self) -> bool {
        match self {
            Self::Operator => true,
            Self::Member { permissions, .. } => permissions.contains(MembersWrite::PERMISSION.name),
            Self::Stranger => false,
        }
    }

    /// Whether they may give the role to somebody: only who has everything that it brings, each role that it inherits by
    /// its name too, for routes ask for roles by name. The owners' role is the owners'. A role of the server's is nobody's
    /// to give.
    pub fn may_give(&self, role: &RoleFacts) -> bool {
        defends!("T071");
        match self {
            Self::Member { roles, .. } if !self.is_owner() => {
                role.roles.is_subset(roles) && self.is_above(role)
            }
            _ => self.is_above(role),
        }
    }

    /// Whether they may take the role from somebody: only who has its permissions, and its name if it brings none. A role
    /// that has become the server's may be taken by owners, so that nothing is stuck.
    pub fn may_take(&self, role: &RoleFacts) -> bool {
        (role.is_the_servers() && (self.is_owner() || *self == Self::Operator)) || self.is_above(role)
    }

    fn is_above(&self, role: &RoleFacts) -> bool {
        defends!("T073");
        if role.is_the_servers() {
            return false;
        }
        match self {
            Self::Operator => true,
            Self::Stranger => false,
            Self::Member { .. } if self.is_owner() => true,
            Self::Member { .. } if role.roles.contains(OWNER) => false,
            Self::Member { roles, .. } if role.permissions.is_empty() => roles.contains(&role.name),
            Self::Member { permissions, .. } => role.permissions.is_subset(permissions),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks;
    use proptest::prelude::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn member(roles: &[&str], permissions: &[&str]) -> Authority {
        Authority::Member {
            roles: set(roles),
            permissions: set(permissions),
        }
    }

    fn role(name: &str, permissions: &[&str]) -> RoleFacts {
        inheriting(&[name], permissions)
    }

    /// The first role, which inherits the others.
    fn inheriting(names: &[&str], permissions: &[&str]) -> RoleFacts {
        RoleFacts {
            name: names[0].to_owned(),
            roles: set(names),
            permissions: set(permissions),
        }
    }

    #[test]
    fn nobody_gives_more_than_they_have() {
        checks!("T071");
        let manager = member(&["manager", "reader"], &["org:members:write", "posts:read"]);
        let owner = member(&[OWNER], &["org:members:write"]);
        for (who, what, may) in [
            (&manager, role("reader", &["posts:read"]), true),
            (
                &manager,
                role("manager", &["org:members:write", "posts:read"]),
                true,
            ),
            (&manager, role("writer", &["posts:read", "posts:write"]), false),
            (&manager, role(OWNER, &["org:members:write"]), false),
            (&manager, role(OWNER, &[]), false),
            (&manager, role("boss", &[]), false),
            (
                &member(&["boss"], &["org:members:write"]),
                role("boss", &[]),
                true,
            ),
            (&owner, role("boss", &[]), true),
            (&owner, role("writer", &["posts:write"]), true),
            (&owner, role(OWNER, &["org:members:write"]), true),
            (&Authority::Operator, role(OWNER, &[]), true),
            (&Authority::Stranger, role("reader", &[]), false),
            (&Authority::Stranger, role("reader", &["posts:read"]), false),
        ] {
            assert_eq!(who.may_give(&what), may, "{who:?} gives {what:?}");
            assert_eq!(who.may_take(&what), may, "{who:?} takes {what:?}");
        }
    }

    /// Routes ask for roles by name: a name that comes by inheritance, or with a permission that the giver has too, is no
    /// less than one that comes alone.
    #[test]
    fn nobody_gives_a_role_that_they_have_not_by_name() {
        checks!("T071");
        let manager = member(&["manager", "reader"], &["org:members:write", "posts:read"]);
        let boss = member(
            &["manager", "boss", "deputy"],
            &["org:members:write", "posts:read"],
        );
        let owner = member(&[OWNER], &["org:members:write"]);
        for (what, takes) in [
            (inheriting(&["deputy", "boss"], &["posts:read"]), true),
            (inheriting(&["deputy", "boss"], &[]), false),
            (role("boss", &["posts:read"]), true),
        ] {
            assert!(!manager.may_give(&what), "{what:?}");
            assert_eq!(manager.may_take(&what), takes, "{what:?}");
            assert!(boss.may_give(&what) && owner.may_give(&what), "{what:?}");
        }
        let owners = inheriting(&["deputy", OWNER], &[]);
        assert!(!boss.may_give(&owners) && !boss.may_take(&owners));
        let servers = inheriting(&["deputy", ADMINISTRATOR], &[]);
        assert!(servers.is_the_servers() && !owner.may_give(&servers));
    }

    #[test]
    fn a_role_of_the_servers_is_nobodys_to_give() {
        checks!("T073");
        let everything = member(&[OWNER, ADMINISTRATOR], &["portcullis:roles:write", "posts:read"]);
        for who in [&everything, &Authority::Operator] {
            for what in [
                role(ADMINISTRATOR, &[]),
                role("helper", &["posts:read", "portcullis:roles:write"]),
            ] {
                assert!(!who.may_give(&what), "{who:?} gives {what:?}");
                assert!(who.may_take(&what), "{who:?} takes {what:?}");
            }
        }
        let manager = member(&["manager"], &["portcullis:roles:write"]);
        assert!(!manager.may_take(&role("helper", &["portcullis:roles:write"])));
    }

    #[test]
    fn a_narrowed_owner_gives_nothing_and_takes_what_the_scopes_name() {
        checks!("T071");
        let owner = member(
            &[OWNER, "boss"],
            &["org:members:write", "posts:read", "posts:write"],
        );
        let only = |names: &[&str]| Scopes::Only(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(owner.clone().narrowed(&Scopes::Everything), owner);
        let narrow = owner
            .clone()
            .narrowed(&only(&["org:members:write", "posts:read"]));
        assert!(narrow.may_manage() && !narrow.is_owner());
        for (what, may) in [
            (role("reader", &["posts:read"]), true),
            (role("writer", &["posts:write"]), false),
            (role("boss", &[]), false),
            (role(OWNER, &["posts:read"]), false),
        ] {
            // A narrowed credential has no roles, so it gives none.
            assert!(!narrow.may_give(&what), "{what:?}");
            assert_eq!(narrow.may_take(&what), may, "{what:?}");
        }
        assert!(!owner.narrowed(&only(&[])).may_manage());
        assert_eq!(Authority::Operator.narrowed(&only(&[])), Authority::Operator);
    }

    proptest! {
        /// Whatever roles somebody passes on, one after the other, nobody ends with more than the first one had.
        #[test]
        fn giving_never_escalates(
            held in proptest::collection::btree_set("[a-e]", 0..5),
            named in proptest::collection::btree_set("[v-z]", 0..5),
            roles in proptest::collection::vec(
                (
                    proptest::collection::btree_set("[v-z]", 1..4),
                    proptest::collection::btree_set("[a-e]", 0..4),
                ),
                1..12,
            ),
        ) {
            let giver = Authority::Member { roles: named.clone(), permissions: held.clone() };
            let (mut names, mut received) = (BTreeSet::new(), BTreeSet::new());
            for (roles, permissions) in roles {
                let name = roles.first().cloned().unwrap_or_default();
                let role = RoleFacts { name, roles, permissions };
                let taker = Authority::Member { roles: names.clone(), permissions: received.clone() };
                if giver.may_give(&role) || taker.may_give(&role) {
                    names.extend(role.roles);
                    received.extend(role.permissions);
                }
            }
            prop_assert!(received.is_subset(&held) && names.is_subset(&named));
        }
    }
}
