//! Who may give and take which roles in an organization.

use super::OWNER;
use crate::authz::{Authority, Brings, InAnOrganization, MembersWrite, Permission as _};
use crate::defends;

impl Authority<InAnOrganization> {
    /// Whether they are an owner.
    pub fn is_owner(&self) -> bool {
        self.account().is_some_and(|own| own.roles.contains(OWNER))
    }

    /// Whether they may change who is a member at all.
    pub fn may_manage(&self) -> bool {
        let needed = MembersWrite::PERMISSION.name;
        self.is_the_operators() || self.account().is_some_and(|own| own.permissions.contains(needed))
    }

    /// Whether they may give the role to somebody: only who has everything that it brings, each role that it inherits by
    /// its name too, for routes ask for roles by name. The owners' role is the owners'. A role of the server's is nobody's
    /// to give.
    pub fn may_give(&self, role: &Brings) -> bool {
        defends!("T071");
        let has = match self.account() {
            Some(own) => self.is_owner() || role.roles.is_subset(&own.roles),
            None => true,
        };
        has && self.is_above(role)
    }

    /// Whether they may take the role from somebody: only who has its permissions, and its name if it brings none. A role
    /// that has become the server's may be taken by owners, so that nothing is stuck.
    pub fn may_take(&self, role: &Brings) -> bool {
        (role.is_the_servers() && (self.is_owner() || self.is_the_operators())) || self.is_above(role)
    }

    fn is_above(&self, role: &Brings) -> bool {
        defends!("T073");
        if role.is_the_servers() {
            return false;
        }
        match self.account() {
            None => self.is_the_operators(),
            Some(_) if self.is_owner() => true,
            Some(_) if role.roles.contains(OWNER) => false,
            Some(own) if role.permissions.is_empty() => role.roles.is_subset(&own.roles),
            Some(own) => role.permissions.is_subset(&own.permissions),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::checks;
    use crate::scopes::{ADMINISTRATOR, Scopes};
    use proptest::prelude::*;

    /// The operator.
    const OPERATOR: Authority<InAnOrganization> = Authority::OPERATOR;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn member(roles: &[&str], permissions: &[&str]) -> Authority<InAnOrganization> {
        Authority::of_account(inheriting(roles, permissions))
    }

    fn role(name: &str, permissions: &[&str]) -> Brings {
        inheriting(&[name], permissions)
    }

    /// A role that inherits the others.
    fn inheriting(names: &[&str], permissions: &[&str]) -> Brings {
        Brings {
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
            (&OPERATOR, role(OWNER, &[]), true),
            (&Authority::NOBODY, role("reader", &[]), false),
            (&Authority::NOBODY, role("reader", &["posts:read"]), false),
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
        for who in [&everything, &OPERATOR] {
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
        assert_eq!(OPERATOR.narrowed(&only(&[])), OPERATOR);
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
            let first = Brings { roles: named, permissions: held };
            let giver = Authority::<InAnOrganization>::of_account(first.clone());
            let mut received = Brings::default();
            for (roles, permissions) in roles {
                let role = Brings { roles, permissions };
                let taker = Authority::<InAnOrganization>::of_account(received.clone());
                if giver.may_give(&role) || taker.may_give(&role) {
                    received.roles.extend(role.roles);
                    received.permissions.extend(role.permissions);
                }
            }
            prop_assert!(received.permissions.is_subset(&first.permissions));
            prop_assert!(received.roles.is_subset(&first.roles));
        }
    }
}
